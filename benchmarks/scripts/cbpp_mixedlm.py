"""cbpp by adaptive quadrature with 25 points, in a process that has fitted before."""

import mixedlm

from benchmarks.clock import best, report
from benchmarks.data import cbpp

table = cbpp()
table["p"] = table["incidence"] / table["size"]
options = {"family": mixedlm.families.Binomial(), "weights": "size", "nAGQ": 25}
report(seconds=best(lambda: mixedlm.glmer("p ~ period + (1 | herd)", table, **options), 5))
