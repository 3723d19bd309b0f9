"""`import bayesml` in a fresh process."""

import time

start = time.perf_counter()
import bayesml

seconds = time.perf_counter() - start

from benchmarks.clock import report

assert bayesml.__version__
report(seconds=seconds)
