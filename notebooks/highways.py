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
# # Do highways make states more productive?
#
# Output of 48 US states from 1970 to 1986, their private capital, employment, and three kinds of public capital: highways, water
# and sewers, everything else. All are natural logarithms, so coefficients are elasticities. One question: what does 1 % more highway
# capital do to output? The answer depends on what states are allowed to differ in.

# %%
import bayesml as bml

states = bml.datasets.load("productivity")
print(bml.datasets.describe("productivity"))

# %% [markdown]
# ## Rows that know nothing of states
#
# Seventeen years of a state are not seventeen states. A model that takes them as such finds a clear effect.

# %%
INPUTS = "gsp ~ hwy + water + other + private + emp + unemp"
pooled = bml.fit(INPUTS, states)
pooled.parameters.loc["hwy", ["estimate", "se", "lower", "upper"]]

# %% [markdown]
# ## States within regions
#
# States keep their level for reasons that are not in the table, and so do regions. The formula nests one in the other.

# %%
levels = bml.fit(f"{INPUTS} + (1 | region/state)", states)
levels

# %% [markdown]
# Most of the variance that is left lies between states, and the likelihood-ratio test leaves no doubt that it must be there.

# %%
bml.icc(levels)

# %%
bml.lrtest(pooled, levels)

# %% [markdown]
# ## States in which highways matter more, and less
#
# Nothing says that a road is worth the same in Nevada and in New York. With a slope of its own for each state the average
# effect is about the same, but much less certain: it is now an average over 48 effects, not over 816 rows.

# %%
slopes = bml.fit(f"{INPUTS} + (hwy | state)", states)
slopes.parameters.loc[["hwy", "sd(hwy | state)"], ["estimate", "se", "lower", "upper"]]

# %%
varying = bml.fit(f"{INPUTS} + (1 | state)", states)
bml.lrtest(varying, slopes)

# %%
figure = bml.plots.ranef(slopes)

# %% [markdown]
# ## How sure may we be?
#
# The posterior of the same model, and the question as a sentence.

# %%
post = bml.sample(f"{INPUTS} + (hwy | state)", states, random_seed=1, progressbar=False)
bml.side_by_side(slopes, post)

# %% [markdown]
# The correlation near −1 means little: the intercept is the level of a state whose logarithm of highway capital is 0, far from
# all data.

# %%
positive = bml.hypothesis(post, "hwy > 0")
positive

# %% [markdown]
# ## Answer
#
# Pooled rows make highways look certain to raise output. Once each state may have its own effect, the average one is small, its
# interval contains zero, and the states differ by more than the average: *some* states gain from highways, and the data
# do not say that states in general do.

# %%
assert pooled.parameters.loc["hwy", "lower"] > 0
assert slopes.parameters.loc["hwy", "lower"] < 0 < slopes.parameters.loc["hwy", "upper"]
assert slopes["sd(hwy | state)"] > slopes["hwy"]
assert 0.6 < positive.probability < 0.95
