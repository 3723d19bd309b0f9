"""First fit of a process, cbpp by Laplace's method, imports included."""

import time

start = time.perf_counter()
import bayesml as bml

FORMULA = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
bml.fit(FORMULA, bml.datasets.load("cbpp"), family="binomial")
seconds = time.perf_counter() - start

from benchmarks.clock import report

report(seconds=seconds)
