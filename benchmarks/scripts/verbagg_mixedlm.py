"""VerbAgg, persons and items crossed, logit, by Laplace's method."""

import mixedlm

from benchmarks.clock import best, report
from benchmarks.data import verbagg

FORMULA = "r2n ~ Anger + Gender + btype + situ + (1 | id) + (1 | item)"
table = verbagg()
family = mixedlm.families.Binomial()
fit = mixedlm.glmer(FORMULA, table, family=family)
seconds = best(lambda: mixedlm.glmer(FORMULA, table, family=family), 3)
report(seconds=seconds, loglik=float(fit.logLik().value))
