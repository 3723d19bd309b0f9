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
# # Eight schools: how much do the priors matter?
#
# Eight schools tried a coaching programme; each reported an estimated effect on the test score, and its standard error (Rubin 1981).
# Eight numbers hold little about how much schools differ, so that what is assumed of that standard deviation can matter. One question:
# how much?

# %%
import bayesml as bml

schools = bml.datasets.load("eight_schools")
schools

# %%
model = bml.Model("known_sd(effect, se) ~ 1 + (1 | school)")
post = bml.sample(model, schools, random_seed=1, progressbar=False)
post

# %% [markdown]
# ## Is anything sensitive?
#
# Raising a prior, or the likelihood, to a power a little above or below one moves the posterior. How far it moves is estimated from the
# draws at hand. The mean effect hardly hears the priors; the standard deviation between schools hears its prior and the data, which pull in
# different directions: the data would have it near zero, and the prior has its mass further out.

# %%
sensitivity = bml.sensitivity(post)
sensitivity

# %%
figure = bml.plots.sensitivity(sensitivity)

# %% [markdown]
# ## Twelve priors
#
# The standard deviation between schools under priors that people have used for it, from the narrow to the flat one. All numbers below come from
# one compiled graph; where the draws of one prior carry over to another by weights, they do, else the model is sampled again, and the table
# says which.

# %%
TAU = "sd(Intercept | school)"
grid = bml.prior_grid(
    model,
    schools,
    {
        TAU: [
            bml.HalfNormal(2),
            bml.HalfNormal(5),
            bml.HalfNormal(10),
            bml.HalfNormal(25),
            bml.HalfCauchy(5),
            bml.HalfCauchy(25),
            bml.HalfStudentT(4, 10),
            bml.Exponential(0.1),
            bml.Uniform(0, 30),
            bml.OnVariance(bml.InverseGamma(1, 1)),
            bml.OnVariance(bml.InverseGamma(0.01, 0.01)),
            bml.HalfFlat(),
        ]
    },
    quantities=["Intercept", TAU, "b(Intercept | school[A])"],
    random_seed=1,
    target_accept=0.95,
    progressbar=False,
)
grid

# %%
figure = bml.plots.prior_grid(grid)

# %% [markdown]
# The mean effect is about 8 with an interval from 0 or a little less to 16, whatever is assumed: that part of the answer is the data's.
# The standard deviation between schools is not. Its mean goes from 1.5 to 6.5, and with it goes what can be said of school A, whose own
# estimate was 28: at most about 5 above the others under HalfNormal(2) and inverse gamma(1, 1), perhaps 20 under the wide priors. The inverse
# gamma priors that were once called uninformative are among the most informative ones here.

# %%
moved = grid.pivot(index="prior", columns="quantity", values="mean").loc[grid["prior"].unique()]
moved.round(2)

# %% [markdown]
# ## What can be said all the same
#
# Whether coaching helps at all does not depend on it.

# %%
for prior in (bml.HalfNormal(2), bml.HalfNormal(10), bml.HalfCauchy(25)):
    other = bml.sample(model, schools, priors={TAU: prior}, random_seed=1, progressbar=False, target_accept=0.95)
    print(f"{prior}:", bml.hypothesis(other, "Intercept > 0"))
