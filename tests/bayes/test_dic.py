"""DIC by its definition, of both focuses."""

import numpy as np
import pytest
from scipy import stats

import bayesml as bml
from bayesml.errors import SpecificationError
from tests import posteriors


def test_conditional_focus_of_a_linear_model():
    post = posteriors.dyestuff()
    y, codes = post.design.y, post.design.random[0].codes
    mean = (post.draws("Intercept")[..., None] + post.effects[0][..., 0])[..., codes]
    deviance = -2 * stats.norm(mean, post.draws("sigma")[..., None]).logpdf(y).sum(axis=-1)
    at_means = -2 * stats.norm(mean.mean(axis=(0, 1)), post.draws("sigma").mean()).logpdf(y).sum()
    found = bml.dic(post)
    assert found.deviance == pytest.approx(deviance.mean())
    assert found.p_d == pytest.approx(deviance.mean() - at_means)
    assert float(found) == found.dic == pytest.approx(2 * deviance.mean() - at_means)
    assert 0 < found.mcse < 0.5
    assert "Focus: conditional" in str(found)


def test_marginal_focus_of_a_linear_model():
    post = posteriors.dyestuff()
    y, codes = post.design.y, post.design.random[0].codes
    same = (codes[:, None] == codes[None, :]).astype(float)

    def deviance(mu: float, tau: float, sigma: float) -> float:
        return -2 * stats.multivariate_normal(np.full(30, mu), sigma**2 * np.eye(30) + tau**2 * same).logpdf(y)

    names = ("Intercept", "sd(Intercept | Batch)", "sigma")
    draws = [post.draws(name) for name in names]
    some = [deviance(*(own[0, s] for own in draws)) for s in range(0, 1000, 10)]
    found = bml.dic(post, focus="marginal")
    assert found.deviance_at_means == pytest.approx(deviance(*(own.mean() for own in draws)))
    assert found.deviance == pytest.approx(np.mean(some), abs=4 * np.std(some) / np.sqrt(len(some)))
    assert found.p_d == pytest.approx(3, abs=1)
    assert "exactly" in found.integral


def test_other_families():
    post = posteriors.epil()
    conditional, marginal = bml.dic(post), bml.dic(post, focus="marginal")
    rows = post.log_likelihood()["log_likelihood"]["y"].to_numpy().sum(axis=-1)
    assert conditional.deviance == pytest.approx(-2 * rows.mean())
    assert conditional.p_d == pytest.approx(47, abs=6)
    assert marginal.p_d == pytest.approx(3, abs=0.7)
    assert "quadrature" in marginal.integral


def test_the_focus_is_one_of_two():
    with pytest.raises(SpecificationError, match='give "conditional" or "marginal"'):
        bml.dic(posteriors.dyestuff(), focus="joint")


def test_models_without_fixed_effects():
    post = posteriors.without_fixed_effects()
    mean = post.effects[0][..., 0][..., post.design.random[0].codes]
    at_means = -2 * stats.norm(mean.mean(axis=(0, 1)), post.draws("sigma").mean()).logpdf(post.design.y).sum()
    assert bml.dic(post).deviance_at_means == pytest.approx(at_means)
