"""One million rows, ten thousand groups, random slope, REML, from a DataFrame."""

import mixedlm

from benchmarks.clock import once, report
from benchmarks.data import simulated

table = simulated()
report(seconds=once(lambda: mixedlm.lmer("y ~ x + (x | g)", table)))
