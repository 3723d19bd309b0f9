"""cbpp by adaptive quadrature with 25 points, in a process that has fitted before."""

import bayesml as bml
from benchmarks.clock import best, report
from benchmarks.data import cbpp

FORMULA = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
OPTIONS = {"family": "binomial", "integration": "aghq", "points": 25}
table = cbpp()
fit = bml.fit(FORMULA, table, **OPTIONS)
report(seconds=best(lambda: bml.fit(FORMULA, table, **OPTIONS).loglik, 50), loglik=fit.loglik)
