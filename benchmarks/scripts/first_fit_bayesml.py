"""First fit of a process, imports included."""

import time

start = time.perf_counter()
import bayesml as bml

bml.fit("Reaction ~ Days + (Days | Subject)", bml.datasets.load("sleepstudy"))
seconds = time.perf_counter() - start

from benchmarks.clock import report

report(seconds=seconds)
