"""Priors resolved to numbers: scales of the data, addresses, what cannot be."""

import numpy as np
import pytest

from bayesml.distributions import (
    LKJ,
    Fixed,
    Flat,
    HalfFlat,
    HalfNormal,
    HalfStudentT,
    InverseGamma,
    Normal,
    OnVariance,
    ScaledBeta,
    Uniform,
)
from bayesml.errors import ColumnNotFound, DataError, SpecificationError
from bayesml.graphs.roles import build_graph
from bayesml.syntax.model import Model
from tests.graphs.designs import design, factor_by_group, growth, term


def resolved(graph):
    return dict(graph.priors.items())


def test_weakly_informative_numbers(rng):
    graph = growth(rng)
    y, x = graph.design.y, graph.design.fixed_columns[1]
    ratio = (x.mean() / x.std()) ** 2
    assert resolved(graph) == {
        "Intercept": Normal(y.mean(), 2.5 * y.std() * (1 + ratio)),
        "x": Normal(0, 2.5 * (y.std() / x.std())),
        "sd(Intercept | g)": HalfStudentT(4, y.std() * np.sqrt(1 + ratio)),
        "sd(x | g)": HalfStudentT(4, y.std() / x.std()),
        "corr(Intercept, x | g)": LKJ(1),
        "sigma": HalfStudentT(4, y.std()),
    }


def test_flat_set(rng):
    priors = resolved(growth(rng, priors="flat"))
    assert priors["Intercept"] == priors["x"] == Flat()
    assert priors["sd(x | g)"] == priors["sigma"] == HalfFlat()


def test_stata_set(rng):
    priors = resolved(growth(rng, priors="stata"))
    assert priors["Intercept"] == priors["x"] == Normal(0, 100)
    assert priors["sigma"] == OnVariance(InverseGamma(0.01, 0.01))
    assert priors["sd(x | g)"] == OnVariance(InverseGamma(1, 0.5))
    independent = resolved(growth(rng, priors="stata", covariance="independent"))
    assert independent["sd(x | g)"] == OnVariance(InverseGamma(0.01, 0.01))


def scaled(rng, y_factor=1.0, x_factor=1.0, shift=0.0):
    x, codes = rng.normal(2.0, 1.5, 40), np.arange(40) % 6
    y = 3 + 0.5 * x + rng.normal(size=40)
    x = x_factor * x + shift
    arrays = design(y_factor * y, (None, x), ("Intercept", "x"), [term("g", codes, ("Intercept", "x"), (None, x))])
    return resolved(build_graph(Model("y ~ x + (x | g)"), arrays))


def test_units_do_not_matter(seed):
    base = scaled(np.random.default_rng(seed))
    other = scaled(np.random.default_rng(seed), y_factor=1000.0, x_factor=10.0)
    factors = {"Intercept": 1000, "x": 100, "sd(Intercept | g)": 1000, "sd(x | g)": 100, "sigma": 1000}
    for address, factor in factors.items():
        assert other[address].sigma == pytest.approx(factor * base[address].sigma)


def test_moving_a_column_widens_the_intercept_only(seed):
    base = scaled(np.random.default_rng(seed))
    moved = scaled(np.random.default_rng(seed), shift=2000.0)
    for address in ("x", "sd(x | g)", "sigma"):
        assert moved[address].sigma == pytest.approx(base[address].sigma, rel=1e-9)
    # what the priors of intercept and slope together say of the slope, beyond the slope's own prior
    said = (2000 * moved["x"].sigma / moved["Intercept"].sigma) ** 2
    assert said < 1e-5


@pytest.mark.parametrize("rows", [12, 100])
def test_moving_a_column_leaves_the_posterior_of_its_slope(seed, rows):
    """`year` and `year + 2000`, at a known sigma: the posterior is normal and known."""
    rng = np.random.default_rng(seed)
    year = rng.integers(0, 20, rows).astype(float)
    y, sigma = 50 + 0.8 * year + rng.normal(0, 4, rows), 4.0
    posteriors = []
    for shift in (-year.mean(), 0.0, 2000.0):
        x = year + shift
        priors = build_graph(Model("y ~ year"), design(y, (None, x), ("Intercept", "year"), [])).priors
        mean, precision = np.array([prior.normal_row for prior in priors.coefficients]).T
        # on the centred column, where the arithmetic is exact: intercept there = intercept + slope mean(x)
        T = np.array([[1.0, -x.mean()], [0.0, 1.0]])
        X = np.column_stack([np.ones(rows), x - x.mean()])
        H = X.T @ X / sigma**2 + T.T @ (precision[:, None] * T)
        found = np.linalg.solve(H, X.T @ y / sigma**2 + T.T @ (precision * mean))
        posteriors.append((found[1], np.linalg.inv(H)[1, 1] ** 0.5))
    (centred, sd), *others = posteriors
    for slope, spread in others:
        assert abs(slope - centred) < 0.02 * sd
        assert spread == pytest.approx(sd, rel=0.005)


def test_without_an_intercept_columns_carry_the_mean(rng):
    groups = np.arange(60) % 3
    indicators = tuple((groups == c).astype(float) for c in range(3))
    y = 1000 + rng.normal(size=60)
    arrays = design(y, indicators, ("f[a]", "f[b]", "f[c]"), [term("g", np.arange(60) % 5, ("Intercept",), (None,))])
    priors = resolved(build_graph(Model("y ~ 0 + f + (1 | g)"), arrays))
    assert priors["f[a]"].sigma > 1000
    assert priors["sigma"].sigma < 2


def test_common_sd_contributes_the_variance_of_the_response(rng):
    graph = factor_by_group(rng, "exchangeable")
    y = graph.design.y - graph.design.offset
    assert resolved(graph)["sd(g)"].sigma == pytest.approx(y.std())
    assert resolved(graph)["sigma"].sigma == pytest.approx(y.std() * np.sqrt(graph.design.weights.mean()))


def test_constant_response(rng):
    arrays = design(np.ones(20), (None,), ("Intercept",), [term("g", np.arange(20) % 5, ("Intercept",), (None,))])
    with pytest.raises(DataError, match="constant"):
        build_graph(Model("y ~ 1 + (1 | g)"), arrays).priors  # noqa: B018
    assert build_graph(Model("y ~ 1 + (1 | g)", priors="flat"), arrays).priors.sigma == HalfFlat()


GIVEN = [
    ({"x": Normal(0, 10)}, {"x": Normal(0, 10)}),
    ({"sd(x | g)": HalfNormal(3)}, {"sd(x | g)": HalfNormal(3)}),
    ({"sd( x|g )": HalfNormal(3)}, {"sd(x | g)": HalfNormal(3)}),
    ({"sd(g)": HalfNormal(3)}, {"sd(Intercept | g)": HalfNormal(3), "sd(x | g)": HalfNormal(3)}),
    (
        {"sd(g)": HalfNormal(3), "sd(x | g)": HalfNormal(1)},
        {"sd(Intercept | g)": HalfNormal(3), "sd(x | g)": HalfNormal(1)},
    ),
    ({"corr(g)": LKJ(2)}, {"corr(Intercept, x | g)": LKJ(2)}),
    ({"corr(x, Intercept | g)": LKJ(2)}, {"corr(Intercept, x | g)": LKJ(2)}),
    ({"corr(Intercept,x|g)": Uniform(-0.5, 0.5)}, {"corr(Intercept, x | g)": Uniform(-0.5, 0.5)}),
    ({"corr(g)": Fixed(0)}, {"corr(Intercept, x | g)": Fixed(0)}),
    ({"sigma": Fixed(1)}, {"sigma": Fixed(1)}),
    ({"sigma": Flat()}, {"sigma": HalfFlat()}),
]


@pytest.mark.parametrize(("given", "expected"), GIVEN)
def test_given_priors(rng, given, expected):
    graph = growth(rng, priors=given)
    priors = resolved(graph)
    assert {address: priors[address] for address in expected} == expected
    assert set(graph.priors.given) == set(expected)
    others = set(priors) - set(expected)
    assert all(not isinstance(priors[address], Fixed | HalfNormal) for address in others)


def test_a_group_stands_for_all_its_terms(rng):
    x, codes = rng.normal(size=30), np.arange(30) % 5
    terms = [term("a:b", codes, ("Intercept",), (None,)), term("a:b", codes, ("x",), (x,))]
    arrays = design(rng.normal(size=30), (None,), ("Intercept",), terms)
    for name in ("sd(a:b)", "sd(b:a)"):
        graph = build_graph(Model("y ~ 1 + (1 | a:b) + (0 + x | a:b)", priors={name: HalfNormal(2)}), arrays)
        priors = resolved(graph)
        assert priors["sd(Intercept | a:b)"] == priors["sd(x | a:b)"] == HalfNormal(2)


REFUSED = [
    ({"Day": Normal(0, 1)}, ColumnNotFound, "`Day`"),
    ({"sd(y | g)": HalfNormal(1)}, ColumnNotFound, r"`sd\(x \| g\)`"),
    ({"sd(h)": HalfNormal(1)}, ColumnNotFound, r"`sd\(g\)`"),
    ({"sd(g)": Normal(0, 2)}, SpecificationError, r"negative values. Give HalfNormal\(2\)"),
    ({"sd(g)": Normal(1, 2)}, SpecificationError, "negative values"),
    ({"sd(g)": Fixed(-1)}, SpecificationError, "negative values"),
    ({"sigma": Uniform(-1, 1)}, SpecificationError, "negative values"),
    ({"sigma": Fixed(0)}, SpecificationError, "cannot be held at 0"),
    ({"x": LKJ(2)}, SpecificationError, "prior of correlations"),
    ({"sd(g)": LKJ(2)}, SpecificationError, "prior of correlations"),
    ({"corr(g)": Normal(0, 1)}, SpecificationError, "between -1 and 1"),
    ({"corr(g)": Uniform(-2, 1)}, SpecificationError, "between -1 and 1"),
    ({"corr(g)": Fixed(1.5)}, SpecificationError, "between -1 and 1"),
]


@pytest.mark.parametrize(("given", "error", "message"), REFUSED, ids=[str(case[0]) for case in REFUSED])
def test_priors_that_cannot_be(rng, given, error, message):
    with pytest.raises(error, match=message):
        growth(rng, priors=given).priors  # noqa: B018
    with pytest.raises(error, match=message):
        growth(rng, priors=given).held  # noqa: B018


def test_dependent_correlations_take_one_prior(rng):
    with pytest.raises(SpecificationError, match="one prior"):
        factor_by_group(rng, "unstructured", priors={"corr(f[a], f[b] | g)": LKJ(2)}).priors  # noqa: B018
    with pytest.raises(SpecificationError, match=r"LKJ, or Fixed"):
        factor_by_group(rng, "unstructured", priors={"corr(g)": Uniform(-1, 1)}).priors  # noqa: B018
    with pytest.raises(SpecificationError, match=r"between -0.5 and 1"):
        factor_by_group(rng, "exchangeable", priors={"corr(g)": Fixed(-0.7)}).priors  # noqa: B018


def test_partial_correlations_of_the_term(rng):
    priors = factor_by_group(rng, "unstructured", priors={"corr(g)": LKJ(2)}).priors
    assert priors.terms[0].partials == (ScaledBeta(2.5, 2.5), ScaledBeta(2.5, 2.5), ScaledBeta(2, 2))
    assert factor_by_group(rng, "identity").priors.terms[0].partials == ()


def test_sigma_that_is_known_has_no_prior(rng):
    graph = growth(rng, "known_sd(y, s) ~ x + (x | g)", known_sd=np.ones(40), priors={"sigma": Fixed(1)})
    with pytest.raises(SpecificationError, match="known"):
        graph.priors  # noqa: B018


def test_numbers_once_resolved_are_kept(rng):
    graph = growth(rng)
    other = growth(rng)
    kept = build_graph(other.model, other.design, graph.priors)
    assert kept.priors is graph.priors
    assert kept.priors != other.priors
