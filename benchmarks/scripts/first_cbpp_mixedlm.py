"""First fit of a process, cbpp by Laplace's method, imports included."""

import time

start = time.perf_counter()
import mixedlm

from benchmarks.data import cbpp

table = cbpp()
table["p"] = table["incidence"] / table["size"]
mixedlm.glmer("p ~ period + (1 | herd)", table, family=mixedlm.families.Binomial(), weights="size")
seconds = time.perf_counter() - start

from benchmarks.clock import report

report(seconds=seconds)
