"""One million rows, ten thousand groups, random slope, REML, from a DataFrame; and the memory of it."""

import bayesml as bml
from benchmarks.clock import best, report
from benchmarks.data import simulated
from benchmarks.memory import extra_bytes

FORMULA = "y ~ x + (x | g)"
bml.fit(FORMULA, simulated(rows=2000, groups=50)).loglik
table = simulated()
held = table.memory_usage(deep=True).sum()
extra = extra_bytes(lambda: bml.fit(FORMULA, table).loglik)
seconds = best(lambda: bml.fit(FORMULA, table).loglik, 5)
read = best(lambda: table["y"].to_numpy() @ table["x"].to_numpy() + table["g"].sum(), 5)
report(seconds=seconds, extra_over_data=float(extra / held), data_megabytes=float(held / 1e6), one_read=read)
