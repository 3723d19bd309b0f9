"""A thousand refits of sleepstudy to new responses."""

import mixedlm
import numpy as np

from benchmarks.clock import once, report
from benchmarks.data import sleepstudy

table = sleepstudy()
fit = mixedlm.lmer("Reaction ~ Days + (Days | Subject)", table)
rng = np.random.default_rng(1)
Y = (251.4 + 10.47 * table["Days"].to_numpy())[:, None] + 25.6 * rng.normal(size=(180, 1000))
for subject in range(18):
    rows = slice(10 * subject, 10 * subject + 10)
    Y[rows] += 24.7 * rng.normal(size=1000) + 5.9 * np.arange(10)[:, None] * rng.normal(size=1000)
report(seconds=once(lambda: [fit.refit(y) for y in Y.T]))
