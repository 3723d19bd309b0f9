"""Logit with a random slope, 100 000 rows in 5 000 groups."""

import mixedlm

from benchmarks.clock import once, report
from benchmarks.data import binary

table, family = binary(), mixedlm.families.Binomial()
fits = []
seconds = once(lambda: fits.append(mixedlm.glmer("y ~ x + (x | g)", table, family=family)))
report(seconds=seconds, loglik=float(fits[0].logLik().value))
