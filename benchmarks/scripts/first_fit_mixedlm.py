"""First fit of a process, imports included."""

import time

start = time.perf_counter()
import mixedlm

from benchmarks.data import sleepstudy

mixedlm.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy())
seconds = time.perf_counter() - start

from benchmarks.clock import report

report(seconds=seconds)
