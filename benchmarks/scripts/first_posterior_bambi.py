"""From `import` to the posterior of sleepstudy in a fresh process."""

import time

start = time.perf_counter()
import bambi as bmb

from benchmarks.data import sleepstudy

model = bmb.Model("Reaction ~ Days + (Days | Subject)", sleepstudy())
idata = model.fit(draws=1000, tune=1000, chains=4, random_seed=1, progressbar=False)
seconds = time.perf_counter() - start

import arviz as az

from benchmarks.clock import report

smallest = min(float(value.min()) for value in az.ess(idata, method="bulk").dataset.data_vars.values())
report(seconds=seconds, smallest_bulk_ess=smallest)
