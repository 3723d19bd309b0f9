"""InstEval, three crossed factors, ML."""

import bayesml as bml
from benchmarks.clock import best, report
from benchmarks.data import insteval

FORMULA = "y ~ service + (1 | s) + (1 | d) + (1 | dept)"
table = insteval()
fit = bml.fit(FORMULA, table, criterion="ml")
seconds = best(lambda: bml.fit(FORMULA, table, criterion="ml").loglik, 5)
report(seconds=seconds, loglik=fit.loglik)
