"""Logit with a random slope, 100 000 rows in 5 000 groups."""

import bayesml as bml
from benchmarks.clock import best, report
from benchmarks.data import binary

FORMULA = "y ~ x + (x | g)"
bml.fit(FORMULA, binary(rows=2000, groups=50), family="bernoulli").loglik
table = binary()
fit = bml.fit(FORMULA, table, family="bernoulli")
report(seconds=best(lambda: bml.fit(FORMULA, table, family="bernoulli").loglik, 3), loglik=fit.loglik)
