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
# # Sleep deprivation: how fast does it slow people down, and how different are people?
#
# Eighteen long-distance drivers slept three hours a night for ten days; each day their reaction time was measured (Belenky and others
# 2003). A whole Bayesian analysis, from the priors to a page that can be sent to somebody.

# %%
import tempfile
from pathlib import Path

import bayesml as bml

sleep = bml.datasets.load("sleepstudy")
print(bml.datasets.describe("sleepstudy"))

# %% [markdown]
# ## The model, and what it says before it sees a reaction time
#
# Every subject has a line of their own, and the lines come from a bivariate normal distribution. The priors are scaled to the data, so
# that they mean the same whatever the unit is.

# %%
model = bml.Model("Reaction ~ Days + (Days | Subject)")
bml.prior_table(model, sleep)[["prior", "implies"]]

# %%
figure = bml.plots.priors(model, sleep)

# %% [markdown]
# Priors of single parameters are hard to judge; data drawn from them are not. Reaction times of minus a second or of three seconds
# would be absurd, and the default priors produce some: they are weak on purpose.

# %%
before = bml.prior_predictive(model, sleep, random_seed=1)
before

# %%
figure = bml.plots.prior_predictive(before)

# %% [markdown]
# Something is known of reaction times: rested people take about a quarter of a second, a day without sleep costs tens of milliseconds
# at most, and subjects differ by some tens. `bml.elicit` makes a distribution of such a statement.

# %%
slope = bml.elicit("Normal", lower=-20, upper=40, mass=0.9)
rested = bml.elicit("Normal", lower=200, upper=350, mass=0.9)
spread = bml.elicit("HalfNormal", upper=100, mass=0.95)
informed = bml.Model(
    "Reaction ~ Days + (Days | Subject)",
    priors={
        "Intercept": rested,
        "Days": slope,
        "sd(Intercept | Subject)": spread,
        "sd(Days | Subject)": bml.elicit("HalfNormal", upper=30, mass=0.95),
        "sigma": spread,
    },
)
figure = bml.plots.prior_predictive(bml.prior_predictive(informed, sleep, random_seed=1))

# %% [markdown]
# ## Sampling, and whether the draws can be trusted

# %%
post = bml.sample(informed, sleep, random_seed=1, progressbar=False)
print(post.status)

# %%
figure = bml.plots.diagnostics(post)

# %% [markdown]
# ## What it says

# %%
post

# %%
figure = bml.plots.prior_posterior(post)

# %% [markdown]
# A day of lost sleep costs about ten milliseconds. That it costs more than eight, that people differ in it, and that subject 308 slows
# down faster than subject 309 are statements with a probability each.

# %%
statements = bml.hypothesis(
    post,
    [
        "Days > 8",
        "sd(Days | Subject) > 3",
        "b(Days | Subject[308]) > b(Days | Subject[309])",
        "mean(Days=9) - mean(Days=0) > 80",
    ],
)
statements

# %%
figure = bml.plots.hypothesis(statements)

# %% [markdown]
# ## Does the model fit?

# %%
figure = bml.plots.predictive_check(post)

# %%
figure = bml.plots.fit_by_group(post)

# %% [markdown]
# Most subjects are where their line says; 332 has one wild day, and 308 goes up and down. The residuals say how much that matters.

# %%
figure = bml.plots.residuals(post)

# %% [markdown]
# ## Did the priors decide?
#
# No: what scaling the priors up or down does to the posterior is far below the threshold of 0.05.

# %%
bml.sensitivity(post)

# %% [markdown]
# ## The page
#
# One file, with everything in it.

# %%
with tempfile.TemporaryDirectory() as folder:
    page = bml.report(post, Path(folder) / "sleep.html", title="Sleep deprivation and reaction time")
    size = page.stat().st_size
f"{size / 1e6:.1f} MB"
