"""Fits of sleepstudy in a process that has fitted before."""

import mixedlm

from benchmarks.clock import best, report
from benchmarks.data import sleepstudy

table = sleepstudy()
report(seconds=best(lambda: mixedlm.lmer("Reaction ~ Days + (Days | Subject)", table), 50))
