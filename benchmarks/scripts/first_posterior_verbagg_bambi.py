"""From `import` to the posterior of VerbAgg's crossed logit in a fresh process: smallest bulk ESS a second.

The smallest of all coefficients, standard deviations and effects of persons and items.
"""

import time

start = time.perf_counter()
import bambi as bmb

from benchmarks.data import verbagg

model = bmb.Model("r2n ~ Anger + Gender + btype + situ + (1 | id) + (1 | item)", verbagg(), family="bernoulli")
idata = model.fit(draws=1000, tune=1000, chains=4, random_seed=1, progressbar=False)
seconds = time.perf_counter() - start

import arviz as az

from benchmarks.clock import report

ess = az.ess(idata, method="bulk").dataset
smallest = {str(name): float(value.min()) for name, value in ess.data_vars.items()}
report(
    ess_per_second=min(smallest.values()) / seconds,
    smallest_bulk_ess=min(smallest.values()),
    smallest_of_parameters=min(value for name, value in smallest.items() if name not in ("1|id", "1|item")),
    seconds=seconds,
)
