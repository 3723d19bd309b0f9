"""Refits to one response and to many: the same estimates as fits from the start."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import bayesml as bml
from bayesml.errors import DataError, SpecificationError
from tests import fitted_models as models

MODELS = {
    "slopes": ("sleepstudy", "Reaction ~ Days + (Days | Subject)", {}),
    "independent slopes, ml": ("sleepstudy", "Reaction ~ Days + (Days || Subject)", {"criterion": "ml"}),
    "crossed": ("penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)", {}),
    "nested": ("machines", "score ~ Machine + (1 | Worker/Machine)", {"criterion": "ml"}),
    "boundary": ("dyestuff2", "Yield ~ 1 + (1 | Batch)", {}),
    "known sigma": ("dyestuff", "Yield ~ 1 + (1 | Batch)", {"priors": {"sigma": bml.Fixed(50.0)}}),
    "no random effects": ("dyestuff", "Yield ~ 1", {"criterion": "ml"}),
}


def simulated(fit, count, rng, scale=1.0):
    """Responses of the model at the estimates, random effects and residuals multiplied by `scale`."""
    design, Y = fit.design, np.empty((fit.nobs, count))
    for r in range(count):
        mean = design.X @ fit.fixef.to_numpy()
        for term, G in zip(design.random, fit.solution.covariances, strict=True):
            b = rng.multivariate_normal(np.zeros(len(G)), G, size=len(term.levels)) * scale
            mean = mean + np.einsum("ij,ij->i", term.Z, b[term.codes])
        Y[:, r] = mean + fit.sigma * rng.standard_normal(fit.nobs)
    return Y


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("scale", [1.0, 0.2])
def test_many_responses_are_fitted_as_one_by_one(name, scale, rng):
    """Small random effects put many of the refits on the boundary."""
    data, formula, options = MODELS[name]
    fit = bml.fit(formula, bml.datasets.load(data), **options)
    Y = simulated(fit, 12, rng, scale)
    many = bml.refit(fit, Y)
    assert many.converged.all()
    for r in range(Y.shape[1]):
        one = bml.refit(fit, Y[:, r])
        assert many.loglik[r] == pytest.approx(one.loglik, abs=1e-8)
        for address in many.columns.drop(["loglik", "converged"]):
            if np.isnan(many[address][r]):
                continue  # a correlation with an sd of 0
            assert many[address][r] == pytest.approx(one[address], rel=1e-3, abs=1e-3 * fit.sigma)


def test_one_response_is_a_fit_like_any_other(rng):
    sleep = bml.datasets.load("sleepstudy")
    fit = bml.fit("Reaction ~ Days + (Days | Subject)", sleep)
    y = sleep.Reaction.to_numpy() + rng.standard_normal(180)
    expected = bml.fit("Reaction ~ Days + (Days | Subject)", sleep.assign(Reaction=y))
    found = bml.refit(fit, y)
    assert found.loglik == expected.loglik
    pd.testing.assert_series_equal(found.fixef, expected.fixef)


def test_frames_keep_their_column_labels(rng):
    fit = bml.fit("Yield ~ 1 + (1 | Batch)", bml.datasets.load("dyestuff"))
    Y = pd.DataFrame(simulated(fit, 3, rng), columns=["a", "b", "c"])
    assert bml.refit(fit, Y).index.tolist() == ["a", "b", "c"]


def test_rows_that_were_dropped_are_ignored():
    data = bml.datasets.load("dyestuff").astype({"Yield": float})
    data.loc[4, "Yield"] = np.nan
    with pytest.warns(bml.errors.DataNote):
        fit = bml.fit("Yield ~ 1 + (1 | Batch)", data)
    y = data.Yield.to_numpy() * 2
    assert bml.refit(fit, y).fixef.Intercept == pytest.approx(2 * fit.fixef.Intercept)
    assert bml.refit(fit, np.delete(y, 4)).loglik == bml.refit(fit, y).loglik


def test_what_cannot_be_refitted_is_refused():
    fit = bml.fit("Yield ~ 1 + (1 | Batch)", bml.datasets.load("dyestuff"))
    with pytest.raises(DataError, match="20 rows|shape"):
        bml.refit(fit, np.zeros(20))
    with pytest.raises(DataError, match="missing or infinite in 1 rows"):
        bml.refit(fit, np.append(fit.design.y[1:], np.nan))
    with pytest.raises(SpecificationError, match="result of `fit`"):
        bml.refit("Yield ~ 1", fit.design.y)
    mode = bml.fit("Yield ~ 1 + (1 | Batch)", bml.datasets.load("dyestuff"), criterion="map")
    with pytest.raises(SpecificationError, match="one response at a time"):
        bml.refit(mode, fit.design.y[:, None])
    changed = dataclasses.replace(mode.design, y=mode.design.y + 1.0)
    assert bml.refit(mode, changed.y).criterion == "map"


def test_other_families_are_refitted_one_by_one():
    fit = models.other(*models.EPIL)
    y = fit.design.y
    again = bml.refit(fit, y[::-1].copy())
    table = bml.datasets.load("epil").assign(y=y[::-1])
    expected = bml.fit(models.EPIL[1], table, family="poisson")
    assert again.loglik == pytest.approx(expected.loglik, abs=1e-8)
    many = bml.refit(fit, pd.DataFrame({"as it was": y, "reversed": y[::-1]}))
    assert list(many.index) == ["as it was", "reversed"]
    assert_allclose(many.loc["as it was", fit.parameters.index].astype(float), fit.parameters["estimate"], rtol=1e-6)
    assert many.loc["reversed", "loglik"] == pytest.approx(expected.loglik, abs=1e-8)
    with pytest.raises(DataError, match="is not allowed .whole numbers from 0. in 1 rows"):
        bml.refit(fit, np.append(y[:-1], -1.0))
    with pytest.raises(DataError, match="holds text or categories; the poisson family needs numbers"):
        bml.refit(fit, ["many"] * len(y))


def test_refits_keep_the_integral():
    fit = models.other(*models.EPIL, integration="aghq", points=5)
    again = bml.refit(fit, fit.design.y)
    assert again.integration == fit.integration
    assert again.loglik == pytest.approx(fit.loglik, abs=1e-8)
