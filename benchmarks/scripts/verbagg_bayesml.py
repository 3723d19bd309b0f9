"""VerbAgg, persons and items crossed, logit, by Laplace's method."""

import bayesml as bml
from benchmarks.clock import best, report
from benchmarks.data import verbagg

FORMULA = "r2n ~ Anger + Gender + btype + situ + (1 | id) + (1 | item)"
table = verbagg()
fit = bml.fit(FORMULA, table, family="bernoulli")
seconds = best(lambda: bml.fit(FORMULA, table, family="bernoulli").loglik, 10)
report(seconds=seconds, loglik=fit.loglik)
