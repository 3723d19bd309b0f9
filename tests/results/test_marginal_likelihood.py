"""The marginal likelihood at draws: equal to the dense normal density, and to that of fits at their estimates."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

import bayesml as bml
from bayesml.results.marginal_likelihood import log_marginal_likelihood, work_of_a_draw
from bayesml.results.posterior import Posterior, term_covariance
from tests import posteriors


def at_estimates(fit) -> Posterior:
    """A posterior of one draw: the estimates of a fit."""
    design, table = fit.design, fit.parameters["estimate"]
    sds, corrs = [], []
    for term in design.random:
        own = [name for name in table.index if name.endswith(f"| {term.group})")]
        sds.append(np.array([table[name] for name in own if name.startswith("sd(")]))
        corrs.append(np.array([table[name] for name in own if name.startswith("corr(")]))
    others = [name for name in fit.ancillary if name != "sigma"]
    return Posterior(
        beta=fit.fixef.to_numpy()[None, None],
        sds=tuple(own[None, None] for own in sds),
        corrs=tuple(own[None, None] for own in corrs),
        sigma=np.full((1, 1), fit.sigma if "sigma" in fit.ancillary else 1.0),
        stats={},
        parametrisation="",
        seed=0,
        ancillary=np.array([[[table[name] for name in others]]]),
    )


def test_of_a_linear_model_it_is_the_dense_normal_density():
    post = posteriors.sleepstudy()
    found = log_marginal_likelihood(post.graph, post.posterior)
    design, draws = post.design, post.posterior
    (term,) = design.random
    Z = term.Z[:, None, :] * (term.codes[:, None] == np.arange(len(term.levels)))[:, :, None]
    for place in ((0, 0), (2, 411)):
        G = term_covariance(term, draws.sds[0][place], draws.corrs[0][place])
        V = np.einsum("ija,ab,kjb->ik", Z, G, Z) + draws.sigma[place] ** 2 * np.eye(design.n)
        assert found[place] == pytest.approx(multivariate_normal(design.X @ draws.beta[place], V).logpdf(design.y))


@pytest.mark.parametrize(
    ("formula", "family", "dataset"),
    [
        ("Reaction ~ Days + (Days || Subject)", "gaussian", "sleepstudy"),
        ("cbind(incidence, size - incidence) ~ period + (1 | herd)", "binomial", "cbpp"),
        ("y ~ lbase * trt + lage + V4 + (1 | subject)", "negative_binomial", "epil"),
        ("rating ~ temp + contact + (1 | judge)", "cumulative", "wine"),
    ],
)
def test_at_the_estimates_it_is_the_log_likelihood_of_the_fit(formula, family, dataset):
    fit = bml.fit(formula, bml.datasets.load(dataset), criterion="ml", family=family)
    assert log_marginal_likelihood(fit.graph, at_estimates(fit)).item() == pytest.approx(fit.loglik, abs=1e-5)


def test_thinned_draws_have_the_values_of_the_draws_that_are_left():
    post = posteriors.sleepstudy()
    every = log_marginal_likelihood(post.graph, post.posterior.every(100))
    np.testing.assert_array_equal(every, log_marginal_likelihood(post.graph, post.posterior)[:, ::100])


def test_work_counts_rows_only_where_modes_are_searched():
    assert work_of_a_draw(posteriors.sleepstudy().graph) == 1.0
    fit = bml.fit("incidence / size ~ 1 + (1 | herd)", bml.datasets.load("cbpp"), criterion="ml")
    assert work_of_a_draw(fit.graph) == 1.0
