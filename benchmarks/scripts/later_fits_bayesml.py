"""Fits of sleepstudy in a process that has fitted before."""

import bayesml as bml
from benchmarks.clock import best, report
from benchmarks.data import sleepstudy

table = sleepstudy()
fit = bml.fit("Reaction ~ Days + (Days | Subject)", table)
seconds = best(lambda: bml.fit("Reaction ~ Days + (Days | Subject)", table).loglik, 50)
report(seconds=seconds, loglik=fit.loglik)
