"""From `import` to the posterior of sleepstudy in a fresh process."""

import time

start = time.perf_counter()
import bayesml as bml

FORMULA = "Reaction ~ Days + (Days | Subject)"
post = bml.sample(FORMULA, bml.datasets.load("sleepstudy"), random_seed=1, progressbar=False)
assert post.idata["posterior"].sizes["draw"] == 1000
seconds = time.perf_counter() - start

from benchmarks.clock import report

report(seconds=seconds)
