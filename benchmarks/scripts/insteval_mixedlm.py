"""InstEval, three crossed factors, ML."""

import mixedlm

from benchmarks.clock import best, report
from benchmarks.data import insteval

table = insteval()
work = lambda: mixedlm.lmer("y ~ service + (1 | s) + (1 | d) + (1 | dept)", table, REML=False)  # noqa: E731
report(seconds=best(work, 3))
