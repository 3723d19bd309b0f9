"""What the scripts use to time and to report."""

import json
import sys
import time
from collections.abc import Callable


def best(work: Callable[[], object], times: int) -> float:
    """Shortest of several runs in seconds, after one that is not counted."""
    work()
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def once(work: Callable[[], object]) -> float:
    """Seconds of one run."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def report(**measured: float) -> None:
    """Print what was measured, as the last line, for the process that started the script."""
    sys.stdout.flush()
    print("\n" + json.dumps(measured), flush=True)
