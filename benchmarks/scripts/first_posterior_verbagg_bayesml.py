"""From `import` to the posterior of VerbAgg's crossed logit in a fresh process: smallest bulk ESS a second.

The smallest of all coefficients, standard deviations and effects of persons and items.
"""

import time

start = time.perf_counter()
import bayesml as bml

FORMULA = "r2n ~ Anger + Gender + btype + situ + (1 | id) + (1 | item)"
table = bml.datasets.load("verbagg")
post = bml.sample(FORMULA, table, family="bernoulli", random_seed=1, progressbar=False)
posterior = post.idata["posterior"].to_dataset()
seconds = time.perf_counter() - start

import arviz as az

from benchmarks.clock import report

ess = az.ess(posterior[["beta", "sd_id", "sd_item", "b_id", "b_item"]], method="bulk")
smallest = {str(name): float(value.min()) for name, value in ess.data_vars.items()}
report(
    ess_per_second=min(smallest.values()) / seconds,
    smallest_bulk_ess=min(smallest.values()),
    smallest_of_parameters=min(smallest[name] for name in ("beta", "sd_id", "sd_item")),
    seconds=seconds,
)
