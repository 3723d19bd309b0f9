# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # One model, four ways: what do ML, REML, MAP and NUTS say of the same graph?
#
# A specification is written once. Its graph can be maximised with the random effects integrated out (ML), with the coefficients
# integrated out too (REML), with the priors added (MAP), or sampled with everything in it (NUTS). Where the four answers part, the step
# at which they part says why. Two data sets: one that holds its parameters well, and one that does not.

# %%
import pandas as pd

import bayesml as bml

sleep = bml.datasets.load("sleepstudy")
model = bml.Model("Reaction ~ Days + (Days | Subject)")
model

# %% [markdown]
# ## The graph
#
# Every engine starts from the same expressions. As a plain PyMC model they look like this; what is maximised below is this density with
# `b_Subject` integrated out.

# %%
bml.graph(model, sleep)

# %% [markdown]
# ## Four answers

# %%
ml = bml.fit(model, sleep, criterion="ml")
reml = bml.fit(model, sleep)
mode = bml.fit(model, sleep, criterion="map")
post = bml.sample(model, sleep, random_seed=1, progressbar=False)

bml.equations(post)

# %%
answers = {"ML": ml, "REML": reml, "MAP": mode, "posterior median": post}
pd.DataFrame({name: result.parameters["estimate"] for name, result in answers.items()}).round(3)

# %% [markdown]
# ML takes the coefficients for known when it judges the spread of the subjects, so its standard deviations are the smallest: with 18
# subjects the factor is about $\sqrt{18/17}$. REML pays for them. The mode of the posterior lies near ML, as the default priors are wide,
# and the median above all of them, since the distribution of a standard deviation has its long tail to the right.

# %% [markdown]
# `bml.compare_engines` makes this comparison in units of the posterior's own standard deviation, and says which step parted the numbers
# where that matters: the prior, the skewness of the posterior, Laplace's method, or the boundary.

# %%
engines = bml.compare_engines(model, sleep, random_seed=1, progressbar=False)
engines

# %%
figure = bml.plots.compare_engines(engines)

# %% [markdown]
# ## Data that say little
#
# The yields of six batches of dyestuff, simulated by Box and Tiao so that the batches differ by less than chance alone would have it. The
# estimate of the standard deviation between batches is exactly zero, by ML and by REML: the likelihood is largest at the boundary. Zero is
# not a summary of what the data say, and the posterior shows the rest of it.

# %%
dyestuff = bml.datasets.load("dyestuff2")
batches = bml.compare_engines("Yield ~ 1 + (1 | Batch)", dyestuff, random_seed=1, progressbar=False)
batches

# %%
figure = bml.plots.compare_engines(batches)

# %%
flat = bml.fit("Yield ~ 1 + (1 | Batch)", dyestuff)
flat.status

# %%
posterior = bml.sample("Yield ~ 1 + (1 | Batch)", dyestuff, random_seed=1, progressbar=False)
bml.hypothesis(posterior, "sd(Batch) < sigma / 2")

# %% [markdown]
# ## With flat priors the mode is the maximum of the likelihood
#
# Not an analogy: MAP is the same objective plus the log prior of the parameters as they stand, so with flat priors nothing is added.

# %%
flat_mode = bml.fit(model, sleep, criterion="map", priors="flat")
pd.DataFrame({"ML": ml.parameters["estimate"], "MAP, flat": flat_mode.parameters["estimate"]})

# %%
assert abs(ml.parameters["estimate"] - flat_mode.parameters["estimate"]).max() < 1e-3

# %% [markdown]
# ## When which?
#
# ML for comparing fixed parts by likelihood; REML for variances when groups are few; MAP when a prior must keep an estimate off the
# boundary and draws are not needed; NUTS when the answer is a probability. Here they agree to a quarter of a standard deviation, except
# where a posterior is skewed; in the second data set they do not, and that is worth knowing.
