"""What fits must keep when data are shifted, scaled, reordered, weighted; and models that contain each other."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bayesml as bml
from bayesml.design.arrays import Design
from bayesml.errors import DataNote, NotIdentified, SpecificationError
from bayesml.estimators.gaussian import maximise_exact
from bayesml.linalg.gaussian import GaussianSystem
from bayesml.linalg.marginal import marginal_density
from tests.dense import Dense, near
from tests.linalg.structures import design, groupings, term

CRITERIA = st.sampled_from(["ml", "reml"])
SEEDS = st.integers(0, 2**32 - 1)
SHIFTS = st.sampled_from([1.0, -37.0, 2.0**20, 1e7, -1e9, 1e9])
FACTORS = st.sampled_from([2.0**-30, 0.125, 2.0**20, 1e6, 1e9])


class Data:
    """Whole numbers and eighths, so that shifts and multiples of them are exact."""

    def __init__(self, seed: int):
        rng = np.random.default_rng(seed)
        self.n = n = 60
        self.x, self.w = rng.integers(0, 16, n).astype(float), rng.integers(0, 9, n).astype(float)
        self.g, self.h = rng.permutation(n) % 7, rng.permutation(n) % 4
        effects = rng.normal(size=(7, 2)) * [2.0, 0.3]
        y = 5.0 + 0.5 * self.x + effects[self.g, 0] + effects[self.g, 1] * self.x + rng.normal(size=4)[self.h]
        self.y = np.round(8.0 * (y + rng.normal(size=n))) / 8.0
        self.weights = rng.integers(1, 4, n).astype(float)

    def design(self, y=None, x=None, slope=None, **options) -> Design:
        x = self.x if x is None else x
        slope = x if slope is None else slope
        terms = [term("g", self.g, [None, slope]), term("h", self.h, [None])]
        return design(self.y if y is None else y, [None, x, self.w], terms, **options)


def loglik(model: Design, criterion: str) -> float:
    s = maximise_exact(model, criterion)
    assert s.status.converged
    return s.loglik


@given(SEEDS, CRITERIA, SHIFTS)
@settings(max_examples=30)
def test_a_constant_added_to_the_response(seed, criterion, c):
    data = Data(seed)
    first, second = (maximise_exact(data.design(y=data.y + shift), criterion) for shift in (0.0, c))
    near(second.loglik, first.loglik, 1e-9)
    near(second.beta[1:], first.beta[1:], 1e-6)
    near(second.beta[0], first.beta[0] + c, 1e-6 + 1e-15 * abs(c))


@given(SEEDS, CRITERIA, SHIFTS)
@settings(max_examples=30)
def test_a_constant_added_to_a_fixed_column(seed, criterion, c):
    data = Data(seed)
    first, second = (maximise_exact(data.design(x=data.x + shift, slope=data.x), criterion) for shift in (0.0, c))
    near(second.loglik, first.loglik, 1e-9)
    near(second.beta[1:], first.beta[1:], 1e-6)


@given(SEEDS, CRITERIA, SHIFTS)
@settings(max_examples=30)
def test_a_constant_added_to_a_column_with_a_random_slope(seed, criterion, c):
    data = Data(seed)
    first, second = (maximise_exact(data.design(x=data.x + shift), criterion) for shift in (0.0, c))
    near(second.loglik, first.loglik, 1e-9)
    near(second.covariances[0][1, 1], first.covariances[0][1, 1], 1e-4 * first.covariances[0][1, 1])


@given(SEEDS, CRITERIA, FACTORS)
@settings(max_examples=30)
def test_a_multiple_of_a_column(seed, criterion, c):
    """REML moves by minus the log of the factor, as the integral over the coefficient does."""
    data = Data(seed)
    first, second = (maximise_exact(data.design(x=factor * data.x), criterion) for factor in (1.0, c))
    near(second.loglik, first.loglik - (np.log(c) if criterion == "reml" else 0.0), 1e-9)
    near(c * second.beta[1], first.beta[1], 1e-6)


@pytest.mark.parametrize("criterion", ["ml", "reml"])
@pytest.mark.parametrize("s", [1e-12, 1e-3, 1e12])
def test_a_multiple_of_the_response(s, criterion):
    data = Data(1)
    first, second = loglik(data.design(), criterion), loglik(data.design(y=s * data.y), criterion)
    free = data.n - (3 if criterion == "reml" else 0)
    near(second, first - free * np.log(s), 1e-6)


@given(SEEDS, CRITERIA)
@settings(max_examples=20)
def test_rows_in_any_order_and_levels_by_any_name(seed, criterion):
    data, rng = Data(seed), np.random.default_rng(seed)
    usual = maximise_exact(data.design(weights=data.weights), criterion)
    rows, names = rng.permutation(data.n), rng.permutation(7)
    for name in ("x", "w", "y", "h", "weights"):
        setattr(data, name, getattr(data, name)[rows])
    data.g = names[data.g[rows]]
    other = maximise_exact(data.design(weights=data.weights), criterion)
    near(other.loglik, usual.loglik, 1e-9)
    near(other.modes()[0][names], usual.modes()[0], 1e-5)
    near(other.fitted(), usual.fitted()[rows], 1e-5)


# -- weights -------------------------------------------------------------------------------------------------


@given(SEEDS, st.booleans())
@settings(max_examples=20)
def test_a_weight_is_a_mean_of_duplicated_rows_at_known_sigma(seed, flat):
    """m equal rows are a row of weight m times ``(2 pi sigma²)^-(m-1)/2 m^-1/2``: same modes, same optimum in G."""
    data = Data(seed)
    repeats = data.weights.astype(int)
    weighted = data.design(weights=data.weights)
    rows = np.repeat(np.arange(data.n), repeats)
    copies = [
        replace(t, codes=t.codes[rows], columns=tuple(c if c is None else c[rows] for c in t.columns))
        for t in weighted.random
    ]
    duplicated = design(data.y[rows], [None, data.x[rows], data.w[rows]], copies)
    sigma = 1.3
    constant = -0.5 * np.sum((repeats - 1) * np.log(2.0 * np.pi * sigma**2) + np.log(repeats))
    given, nothing = np.full(3, 0 if flat else 1, np.int64), np.zeros(3)
    beta = np.array([5.0, 0.4, 0.1])
    lam = np.array([1.5, 0.0, -0.1, 0.3, 0.9])
    values, draws = [], []
    for model in (weighted, duplicated):
        system = GaussianSystem.of(model, given == 1)
        values.append(marginal_density(lam, sigma, beta, given, nothing, nothing, *system.arrays()))
        draws.append(system.draw(lam[None], np.array([sigma]), beta[None], given, nothing, nothing, None))
    near(values[1][0], values[0][0] + constant, 1e-9)
    near(values[1][1], values[0][1], 1e-9)
    near(draws[1][0], draws[0][0], 1e-9)
    for a, b in zip(draws[0][1], draws[1][1], strict=True):
        near(b, a, 1e-9)
    criterion = "reml" if flat else "ml"
    first, second = (maximise_exact(model, criterion, sigma=sigma) for model in (weighted, duplicated))
    near(second.loglik, first.loglik + constant, 1e-8)
    for a, b in zip(first.covariances, second.covariances, strict=True):
        near(b, a, 1e-3 * np.abs(a).max())


@given(SEEDS, CRITERIA, st.sampled_from([1e-6, 0.5, 1e6]))
@settings(max_examples=10)
def test_weights_have_no_unit(seed, criterion, c):
    """Weights times c: sigma² times c, everything else as it was."""
    data = Data(seed)
    first, second = (maximise_exact(data.design(weights=factor * data.weights), criterion) for factor in (1.0, c))
    near(second.loglik, first.loglik, 1e-8)
    near(second.sigma**2, c * first.sigma**2, 1e-5 * c * first.sigma**2)
    near(second.beta, first.beta, 1e-5)


# -- models within models ------------------------------------------------------------------------------------


@given(SEEDS)
@settings(max_examples=25)
def test_a_model_that_contains_another_is_never_less_likely(seed):
    rng = np.random.default_rng(seed)
    n = 50
    factors = groupings(n, rng)
    x, z = rng.normal(size=n), rng.normal(size=n)
    y = (
        rng.normal(size=n)
        + rng.normal() * rng.normal(size=3)[factors["a"]]
        + rng.normal() * x * rng.normal(size=4)[factors["d"]]
    )

    def best(*terms, fixed=(None,)):
        return loglik(design(y, list(fixed), list(terms)), "ml")

    def slopes(covariance):
        return term("d", factors["d"], [x, z], covariance)

    a, b, d = (term(name, factors[name], [None]) for name in "abd")
    nothing = best()
    one, more = best(d), best(term("d", factors["d"], [None, x], "independent"))
    full = best(term("d", factors["d"], [None, x], "unstructured"))
    same, common, apart, free = (best(slopes(c)) for c in ("identity", "exchangeable", "independent", "unstructured"))
    ladder = [
        (nothing, one), (one, more), (more, full), (one, best(d, a)), (best(d, a), best(d, a, b)),
        (one, best(d, fixed=[None, x])),
        (nothing, same), (same, common), (same, apart), (common, free), (apart, free),
    ]  # fmt: skip
    for smaller, larger in ladder:
        assert larger >= smaller - 1e-8


# -- what a formula brings -----------------------------------------------------------------------------------


def test_columns_that_repeat_others_change_nothing(rng):
    """Rank-deficient fixed parts lose their later columns; the likelihood is that of the space they span."""
    n = 48
    f, g = np.arange(n) % 3, rng.integers(0, 6, n)
    data = {"x": rng.normal(size=n), "f": np.array(list("abc"))[f], "g": g.astype(str)}
    data["twice"] = 2.0 * data["x"]
    data["sum"] = data["x"] + (f == 1)
    data["y"] = data["x"] + rng.normal(size=6)[g] + rng.normal(size=n)
    for criterion in ("ml", "reml"):
        with pytest.warns(DataNote, match="`twice`, `sum`"):
            full = bml.fit("y ~ x + twice + f + sum + (x | g)", data, criterion=criterion)
        small = bml.fit("y ~ x + f + (x | g)", data, criterion=criterion)
        near(full.loglik, small.loglik, 1e-9)
        near(full.fixef.to_numpy(float)[~np.isnan(full.fixef.to_numpy(float))], small.fixef.to_numpy(float), 1e-9)
        near(full.fitted.to_numpy(), small.fitted.to_numpy(), 1e-6)


def test_fit_agrees_with_the_dense_model(rng):
    """From a formula: nested and crossed groups, slopes, weights and an offset."""
    n = 80
    school, pupil = np.arange(n) % 8, rng.integers(0, 5, n)
    teacher = 2 * school + (np.arange(n) // 8) % 2
    x = rng.normal(size=n)
    y = 3.0 + x + rng.normal(size=8)[school] + rng.normal(size=16)[teacher] * x + rng.normal(size=5)[pupil]
    data = {"x": x, "school": school, "teacher": teacher, "pupil": pupil, "y": y + rng.normal(size=n)}
    data |= {"w": rng.uniform(0.5, 2.0, n), "o": rng.normal(size=n)}
    fit = bml.fit("y ~ x + offset(o) + (1 | pupil) + (x || school/teacher)", data, weights="w")
    s = fit.solution
    dense = Dense(s.design).at(s.covariances, s.sigma)
    near(fit.loglik, float(dense.value), 1e-9 * abs(fit.loglik))
    near(fit.fixef.to_numpy(float), dense.beta, 1e-9)
    near(fit.se.to_numpy(float) ** 2, np.diag(np.asarray(dense.flat_covariance, float)), 1e-9)
    for found, expected in zip(s.modes(), dense.modes, strict=True):
        near(found, expected, 1e-9)


def test_no_random_terms_is_least_squares(rng):
    X = np.column_stack([np.ones(30), rng.normal(size=(30, 2))])
    y = rng.normal(size=30)
    beta, rss, *_ = np.linalg.lstsq(X, y)
    s = maximise_exact(design(y, [None, X[:, 1], X[:, 2]], []), "reml")
    near(s.beta, beta, 1e-12)
    near(s.sigma**2, rss[0] / 27, 1e-12)
    near(s.vcov_beta, np.linalg.inv(X.T @ X) * rss[0] / 27, 1e-12)
    assert s.status.converged
    assert (s.boundary, s.n_parameters, s.loglik) == ((), 4, s.loglik_without_random)


def test_no_fixed_columns(rng):
    codes = np.arange(40) % 8
    y = 2.0 * rng.normal(size=8)[codes] + rng.normal(size=40)
    model = design(y, [], [term("g", codes, [None])])
    ml, reml = (maximise_exact(model, criterion) for criterion in ("ml", "reml"))
    assert ml.loglik == pytest.approx(reml.loglik, abs=1e-9)
    near(ml.loglik, float(Dense(model).loglik(ml.covariances, ml.sigma, "ml")), 1e-9)
    assert ml.beta.shape == (0,)


@pytest.mark.parametrize("criterion", ["ml", "reml"])
def test_known_sds_fix_sigma(criterion, rng):
    codes = np.arange(8)
    sd = rng.uniform(0.5, 1.5, 8)
    model = design(3.0 * rng.normal(size=8), [None], [term("school", codes, [None])], known_sd=sd)
    s = maximise_exact(model, criterion, sigma=1.0)
    assert not s.sigma_free
    assert (s.sigma, s.n_parameters) == (1.0, 2)
    dense = Dense(model)
    near(s.loglik, float(dense.loglik(s.covariances, 1.0, criterion)), 1e-9)
    for factor in (0.99, 1.01):
        assert float(dense.loglik([factor * s.covariances[0]], 1.0, criterion)) < s.loglik


def test_more_coefficients_than_rows_are_not_identified(rng):
    columns = [None, *rng.normal(size=(3, 4))]
    with pytest.raises(NotIdentified, match="4 rows cannot determine 4 coefficients"):
        maximise_exact(design(rng.normal(size=4), columns, []), "reml")


def test_a_response_that_is_exactly_fitted_is_not_identified():
    with pytest.raises(NotIdentified, match="constant"):
        maximise_exact(design(np.zeros(12), [None], [term("g", np.arange(12) % 3, [None])]), "reml")


def test_a_prior_without_density_at_the_start_is_named(rng):
    """The data draw the coefficient out of its interval: the mode lies at an end, where no search converges."""
    x = np.tile(np.arange(6.0), 10)
    table = pd.DataFrame({"y": np.round(10 + 20 * x + rng.normal(size=60)), "x": x, "g": np.repeat(np.arange(10), 6)})
    model = bml.Model("y ~ x + (1 | g)", priors={"x": bml.Uniform(-0.02, 0.01)})
    with pytest.raises(SpecificationError, match=r"Uniform\(-0.02, 0.01\) of `x` has no density.*bml.sample"):
        bml.fit(model, table, criterion="map")
