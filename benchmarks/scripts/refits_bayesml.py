"""A thousand refits of sleepstudy to new responses."""

import numpy as np

import bayesml as bml
from benchmarks.clock import best, report
from benchmarks.data import sleepstudy

fit = bml.fit("Reaction ~ Days + (Days | Subject)", sleepstudy())
fixed = bml.predict(fit, ranef="zero")["estimate"].to_numpy()
rng = np.random.default_rng(1)
Y = fixed[:, None] + fit.sigma2**0.5 * rng.normal(size=(len(fixed), 1000))
for subject in range(18):
    rows = slice(10 * subject, 10 * subject + 10)
    Y[rows] += 24.7 * rng.normal(size=1000) + 5.9 * np.arange(10)[:, None] * rng.normal(size=1000)
report(seconds=best(lambda: bml.refit(fit, Y), 3))
