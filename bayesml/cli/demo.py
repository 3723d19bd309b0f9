"""What `bayesml demo` does: one model of the sleep study, fitted, sampled, compared and drawn."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
from rich.console import Console

from bayesml.bayes.hypothesis import hypothesis
from bayesml.datasets import load
from bayesml.fit import fit
from bayesml.plots import fit_by_group, ranef
from bayesml.results.side_by_side import side_by_side
from bayesml.sample import sample

FORMULA = "Reaction ~ Days + (Days | Subject)"
HYPOTHESIS = "Days > 8"


def demo(directory: Path, seed: int, console: Console) -> None:
    """Fit and sample the sleep study, print the table and the hypothesis, and draw two plots.

    Parameters
    ----------
    directory : path
        Where the plots go; made if it is not there.
    seed : int
        Seed of the sampler.
    console : rich.console.Console
        Where progress and results are printed.
    """
    # A demonstration must run where there is no display.
    mpl.use("Agg")
    data = load("sleepstudy")
    people = data["Subject"].nunique()
    show(console, f"sleepstudy: {len(data)} reaction times (ms) of {people} people over ten days of too little sleep")
    show(console, f"{FORMULA}\n")
    with timed(console, "REML"):
        fitted = fit(FORMULA, data)
    with timed(console, "REML again, now that everything is loaded"):
        fitted = fit(FORMULA, data)
    with timed(console, "NUTS, 4 chains of 1000 draws", waiting=False):
        post = sample(FORMULA, data, random_seed=seed)
    show(console, f"\n{side_by_side(fitted, post)}\n\n{hypothesis(post, HYPOTHESIS)}\n")
    directory.mkdir(parents=True, exist_ok=True)
    for name, figure in (("subjects", fit_by_group(fitted, x="Days")), ("ranef", ranef(fitted))):
        path = directory / f"{name}.png"
        figure.savefig(path, dpi=150)
        show(console, f"Plot: {path.resolve()}")


def show(console: Console, text: str) -> None:
    """Print text as it stands: lines are not broken, nothing in it is markup."""
    console.print(text, soft_wrap=True, markup=False, highlight=False)


@contextmanager
def timed(console: Console, what: str, waiting: bool = True) -> Iterator[None]:
    """Show that something runs, unless it shows that itself, and how long it took."""
    start = time.perf_counter()
    if waiting:
        with console.status(f"{what} …"):
            yield
    else:
        yield
    seconds = time.perf_counter() - start
    took = f"{1000 * seconds:.1f} ms" if seconds < 0.5 else f"{seconds:.1f} s"
    show(console, f"{what}: {took}")
