"""Progress of sampling in a terminal or notebook: what is going on, chains, divergences, time left."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Report = Callable[[list[Any]], None]


class SamplingProgress:
    """Lines that rich shows while a model is compiled and sampled; silent if not `shown`.

    Parameters
    ----------
    shown : bool
    """

    def __init__(self, shown: bool):
        self.display = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            disable=not shown,
        )
        self.shown = shown

    def __enter__(self) -> "SamplingProgress":
        self.display.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.display.__exit__(*error)

    @contextlib.contextmanager
    def step(self, description: str) -> Iterator[None]:
        """A line that stands while something without a measure goes on."""
        task = self.display.add_task(description, total=None, note="")
        try:
            yield
        finally:
            self.display.update(task, total=1, completed=1, visible=False)

    def chains(self, n: int, draws: int) -> Report | None:
        """A line for each chain; returns what nutpie is to call."""
        if not self.shown:
            return None
        tasks = [self.display.add_task(f"Chain {chain}", total=draws, note="waiting") for chain in range(n)]

        def report(chains: list[Any]) -> None:
            for task, chain in zip(tasks, chains, strict=True):
                phase = "warm-up" if chain.tuning else "sampling"
                note = f"{phase}, {chain.divergences} divergences" if chain.started else "waiting"
                self.display.update(task, completed=chain.finished_draws, note=note)

        return report

    def counted(self, description: str, total: int) -> Callable[[str], None]:
        """A line for work in equal pieces; returns what is to be called after each, with a note."""
        task = self.display.add_task(description, total=total, note="")

        def advance(note: str = "") -> None:
            self.display.update(task, advance=1, note=note)

        return advance
