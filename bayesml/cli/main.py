"""The console script `bayesml`: thin commands; what they do is loaded when they are called."""

from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bayesml.version import __version__

app = typer.Typer(
    name="bayesml",
    help="Multilevel models: written once, fitted by REML, sampled by NUTS, from the same PyMC graph.",
    no_args_is_help=True,
    add_completion=False,
)


def show_version(wanted: bool) -> None:
    """Print the version and stop, where it is wanted."""
    if wanted:
        typer.echo(f"bayesml-multilevel {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Options before a command."""


@app.command()
def demo(
    directory: Annotated[Path, typer.Option(help="Where the plots go.")] = Path("bayesml-demo"),
    seed: Annotated[int, typer.Option(help="Seed of the sampler.")] = 1,
) -> None:
    """Fit and sample the sleep study: estimates beside posteriors, a hypothesis, two plots."""
    console = Console()
    with console.status("Loading PyTensor, PyMC and Matplotlib; the first time takes longest"):
        steps = import_module("bayesml.cli.demo")
    steps.demo(directory, seed, console)
