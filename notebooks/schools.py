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
# # Schools: which add value?
#
# 4059 pupils of 65 schools in inner London sat a reading test at 11 and their examinations at 16 (Goldstein and others 1993). A league
# table of examination results says more about whom a school takes in than about what it does. Value added is what a school's pupils
# achieve beyond pupils elsewhere with the same score at 11, and it may differ for weak and strong pupils: a random slope.

# %%
import bayesml as bml

exam = bml.datasets.load("exam")
print(bml.datasets.describe("exam"))

# %%
fit = bml.fit("normexam ~ standLRT + sex + (standLRT | school)", exam)
fit

# %% [markdown]
# A pupil one standard deviation better at 11 is 0.55 better at 16, and boys are 0.18 behind girls of the same reading score. Schools
# differ by 0.30. Does the slope differ between them at all?

# %%
parallel = bml.fit("normexam ~ standLRT + sex + (1 | school)", exam)
bml.lrtest(parallel, fit)

# %% [markdown]
# It does, and schools that add more add it to strong pupils above all: intercepts and slopes are correlated 0.5.
#
# ## Every school, with its uncertainty

# %%
post = bml.sample("normexam ~ standLRT + sex + (standLRT | school)", exam, random_seed=1, progressbar=False)
figure = bml.plots.ranef(post)

# %% [markdown]
# A league table would print the order of the points on the left. A good third of the schools cannot be told from the average school;
# school 48 has two pupils.

# %%
figure = bml.plots.fit_by_group(post, levels=[53, 6, 2, 1, 31, 12, 48, 59])

# %% [markdown]
# ## Named schools
#
# What can be said of two schools that somebody has to choose between is a probability. Schools 53 and 6 are both near the top. For a pupil with
# an average score at 11 school 53 is probably the better one, for a strong pupil nearly certainly, for a weak pupil probably not.

# %%
hypotheses = bml.hypothesis(
    post,
    {
        "53 above the average school": "b(Intercept | school[53]) > 0",
        "59 below the average school": "b(Intercept | school[59]) < 0",
        "53 over 6, average pupil": "mean(standLRT=0, school=53) > mean(standLRT=0, school=6)",
        "53 over 6, strong pupil": "mean(standLRT=2, school=53) > mean(standLRT=2, school=6)",
        "53 over 6, weak pupil": "mean(standLRT=-1, school=53) > mean(standLRT=-1, school=6)",
    },
)
hypotheses

# %%
figure = bml.plots.hypothesis(hypotheses)

# %% [markdown]
# All statements at once, as one joint statement:

# %%
bml.hypothesis(
    post,
    "mean(standLRT=2, school=53) > mean(standLRT=2, school=6) and mean(standLRT=-1, school=53) < mean(standLRT=-1, school=6)",
)

# %% [markdown]
# ## How much is the school?

# %%
bml.icc(post)

# %%
bml.r2(post)

# %% [markdown]
# The school accounts for about an eighth of what pupils with the same score at 11 differ in.
