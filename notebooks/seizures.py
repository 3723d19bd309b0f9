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
# # Seizures: Poisson or negative binomial?
#
# 59 people with epilepsy were given progabide or a placebo, and their seizures counted in four periods of two weeks (Thall and Vail
# 1990). A Poisson model with an effect for each patient is the textbook's choice. Is it good enough, or do counts vary more than that?

# %%
import bayesml as bml

epil = bml.datasets.load("epil")
FORMULA = "y ~ lbase * trt + lage + V4 + (1 | subject)"

poisson = bml.sample(FORMULA, epil, family="poisson", random_seed=1, progressbar=False)
negative_binomial = bml.sample(FORMULA, epil, family="negative_binomial", random_seed=1, progressbar=False)

# %% [markdown]
# ## Do counts drawn from the model look like those seen?

# %%
figure = bml.plots.predictive_check(poisson)

# %% [markdown]
# The histogram alone would pass: the effects of the patients make the counts as different as they are. Statistics that a Poisson model is
# not free to fit say more. Of a thousand data sets drawn from it few have so large a count or so many zeros as the data:

# %%
figure = bml.plots.predictive_check(poisson, kind="statistic", statistic=["sd", "max", "zeros"])

# %% [markdown]
# From the negative binomial model they are nothing unusual.

# %%
figure = bml.plots.predictive_check(negative_binomial, kind="statistic", statistic=["sd", "max", "zeros"])

# %% [markdown]
# Where the Poisson model fails is seen in its residuals, which would lie in the band if it held: they are too large at both ends, and one
# visit is six standard deviations out.

# %%
figure = bml.plots.residuals(poisson)

# %% [markdown]
# ## Which predicts a count that it has not seen?
#
# Leave-one-out cross-validation by importance weights, with exact refits of the rows whose weights cannot be trusted.

# %%
rows = {
    "Poisson": bml.loo(poisson, progressbar=False),
    "negative binomial": bml.loo(negative_binomial, progressbar=False),
}
bml.compare(rows)

# %% [markdown]
# ## Which makes the counts seen more probable?
#
# The evidence integrates over everything, priors included: a wide prior on a parameter costs. Here the data speak so loudly that the prior of
# `alpha` would have to be absurd to matter.

# %%
evidence = {"Poisson": bml.evidence(poisson), "negative binomial": bml.evidence(negative_binomial)}
bml.compare(evidence, by="evidence")

# %%
bml.bayes_factor(evidence["negative binomial"], evidence["Poisson"])

# %% [markdown]
# ## And does it change the answer?
#
# For the drug no: it lowers the rate by about 30 % with either family. For the fourth visit it does. The Poisson model is sure that there were fewer
# seizures; the negative binomial, which knows that single counts vary more, is not.

# %%
figure = bml.plots.forest({"Poisson": poisson, "negative binomial": negative_binomial})

# %%
bml.hypothesis(poisson, ["trt[progabide] < 0", "V4 < 0"])

# %%
bml.hypothesis(negative_binomial, ["trt[progabide] < 0", "V4 < 0"])
