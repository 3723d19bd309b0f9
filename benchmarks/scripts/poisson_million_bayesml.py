"""Poisson of three levels, one million rows; the same with a tenth of the rows; and the memory of it."""

import bayesml as bml
from benchmarks.clock import best, report
from benchmarks.data import counts
from benchmarks.memory import extra_bytes

FORMULA = "y ~ x + (1 | a/b)"


def work(table):
    return bml.fit(FORMULA, table, family="poisson").loglik


work(counts(rows=2000, outer=20, inner=4))
table, fewer = counts(), counts(rows=100_000, outer=100)
held = table.memory_usage(deep=True).sum()
extra = extra_bytes(lambda: work(table))
report(
    seconds=best(lambda: work(table), 3),
    tenth=best(lambda: work(fewer), 3),
    arrays_of_rows=float(extra / (8 * len(table))),
    data_megabytes=float(held / 1e6),
)
