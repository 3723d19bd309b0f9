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
# # Who curses: the person, or the situation?
#
# 316 persons answered 24 questions of the kind "A bus fails to stop for me. I would want to curse". Each question has a
# situation, whose fault it is (`situ`: another's or one's own), a behaviour (`btype`: curse, scold, shout), and asks what one would
# *want* to do or would *do* (`mode`). The answer is 1 for "yes" or "perhaps". One question: does it depend more on who is asked, or on
# what is asked?

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import bayesml as bml

verbagg = bml.datasets.load("verbagg")
print(bml.datasets.describe("verbagg"))

# %% [markdown]
# ## Persons and items, crossed
#
# Every person answers every item, so neither is nested in the other. With one effect for each person and one for each item this is the
# Rasch model of item response theory, with both taken as random:
#
# $$\operatorname{logit} P(y_{pi} = 1) = x_{pi}'\beta + b_p + b_i$$

# %%
rasch = bml.fit("r2n ~ 1 + (1 | id) + (1 | item)", verbagg, family="bernoulli")
bml.icc(rasch)

# %% [markdown]
# On the scale of the logit, persons have 29 % of the variance and items 20 %; the rest is that of a single answer.
#
# What is known of persons and items can explain their effects.

# %%
FORMULA = "r2n ~ Anger + Gender + btype + situ + mode + (1 | id) + (1 | item)"
fit = bml.fit(FORMULA, verbagg, family="bernoulli")
fit.summary(exponentiate=True)

# %%
explained = pd.DataFrame({"alone": rasch.varcorr["vcov"], "with covariates": fit.varcorr["vcov"]})
explained.index = rasch.varcorr["group"]
explained["explained"] = 1 - explained["with covariates"] / explained["alone"]
explained

# %% [markdown]
# Behaviour, fault and mode explain nearly all of what items differ in. Trait anger and gender explain next to nothing of what persons
# differ in.
#
# The integral is one over 340 effects that all depend on each other, by Laplace's method. Quadrature does not exist for crossed
# factors; what can be laid beside it is the posterior.
#
# ## The posterior of the same model

# %%
post = bml.sample(FORMULA, verbagg, family="bernoulli", draws=500, tune=500, random_seed=1, progressbar=False)
bml.side_by_side(fit, post)

# %% [markdown]
# Coefficients agree. The sd of items is larger in the posterior, and with it the uncertainty of what items differ by: 24 items leave a
# skewed distribution, whose median lies above its peak, and ML does not count that coefficients were estimated from the same items.
# Effects agree but for a little less shrinkage.

# %%
figure, panels = plt.subplots(1, 2, figsize=(8, 4), layout="constrained")
for axes, group in zip(panels, ["id", "item"], strict=True):
    mode, mean = fit.ranef[group]["Intercept"], post.ranef[group]["Intercept"]
    axes.axline((0, 0), slope=1, color="#777777", linewidth=0.8, linestyle=(0, (4, 3)))
    axes.scatter(mode, mean, s=14, color="#2a6f9e", alpha=0.7)
    axes.set(xlabel="conditional mode, ML", ylabel="posterior median", title=f"effects of {group}")
    axes.spines[["top", "right"]].set_visible(False)

# %% [markdown]
# ## Items
#
# Easiness is the linear predictor of an item, its own effect included, for a woman of average anger who is new:
# `new_levels="zero"` gives her the effect zero.

# %%
items = verbagg.drop_duplicates("item").sort_values("item").set_index("item", drop=False)
items = items.assign(Anger=verbagg["Anger"].mean(), Gender="F")
easiness = bml.predict(fit, items.assign(id="somebody"), kind="linear", new_levels="zero")

figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
colours = {"curse": "#2a6f9e", "scold": "#b5541f", "shout": "#5b8c3a"}
place = 0
ticks = {}
for (situ, mode), own in items.groupby(["situ", "mode"], observed=True):
    start = place
    for btype, members in own.groupby("btype", observed=True):
        rows = easiness.loc[members.index]
        at = np.arange(place, place + len(rows))
        axes.vlines(at, rows["lower"], rows["upper"], color=colours[btype], linewidth=1.3)
        axes.scatter(at, rows["estimate"], color=colours[btype], s=22, label=btype if start == 0 else None)
        place += len(rows)
    ticks[(start + place - 1) / 2] = f"{'another' if situ == 'other' else 'self'} at fault,\n{mode}"
    place += 1
axes.axhline(0, color="#777777", linewidth=0.8, linestyle=(0, (4, 3)))
axes.set_xticks(list(ticks), list(ticks.values()))
axes.set(ylabel="easiness (logit)")
axes.legend(frameon=False)
axes.spines[["top", "right"]].set_visible(False)

# %% [markdown]
# ## Persons
#
# The effects of all 316 with intervals, in order: most persons cannot be told from their neighbours by 24 answers, but the lower third can be
# told from the upper.

# %%
figure = bml.plots.ranef(fit, "id")
figure.set_size_inches(5, 7)

# %% [markdown]
# All persons answered the same items, so all that the answers tell of a person is how many of them are 1. Trait anger adds a little, within
# a column of points. Extreme scores are drawn in: 0 of 24 is not minus infinity.

# %%
score = verbagg.groupby("id", observed=True)["r2n"].sum()
persons = verbagg.drop_duplicates("id").set_index("id", drop=False)
ability = fit.coef["id"]["Intercept"] + fit["Anger"] * persons["Anger"] + fit["Gender[M]"] * (persons["Gender"] == "M")
figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
points = axes.scatter(score.loc[ability.index], ability, c=persons["Anger"], cmap="viridis", s=16)
figure.colorbar(points, label="trait anger")
axes.set(xlabel="answers that are 1, of 24", ylabel="disposition (logit)")
axes.spines[["top", "right"]].set_visible(False)

# %% [markdown]
# ## Answer

# %%
shares = pd.DataFrame({"alone": bml.icc(rasch)["estimate"], "with covariates": bml.icc(fit)["estimate"]})
shares

# %% [markdown]
# On both, and somewhat more on who is asked. But what an item does to the answer is known: the behaviour, the fault, and whether one would only want
# to, make up nine tenths of it. What makes a person curse is nearly all still to be found.

# %%
assert shares.loc["id", "alone"] > shares.loc["item", "alone"] > 0.15
assert explained.loc["item", "explained"] > 0.85
assert explained.loc["id", "explained"] < 0.1
assert ((fit.fixef - post.fixef).abs() < 0.25 * post.se).all()
assert post["sd(Intercept | item)"] > fit["sd(Intercept | item)"]
