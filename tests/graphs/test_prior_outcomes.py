"""Priors of models whose predictor is not on the scale of the response, and of the parameters of families."""

import numpy as np
import pandas as pd
import pytest

from bayesml.distributions import Cauchy, Fixed, Gamma, HalfNormal, LogNormal, Normal, Uniform
from bayesml.errors import SpecificationError
from bayesml.graphs.log_prior import log_prior
from bayesml.graphs.of_data import graph_of


@pytest.fixture
def table(rng):
    n = 60
    x = rng.normal(3.0, 2.0, n)
    table = pd.DataFrame({"x": x, "g": np.arange(n) % 6, "o": rng.normal(size=n), "w": rng.integers(1, 4, n)})
    table["y"] = (rng.random(n) < 0.4).astype(float)
    table["k"] = rng.poisson(40.0, n)
    table["size"] = rng.gamma(2.0, 300.0, n)
    table["grade"] = pd.Categorical(rng.choice(list("abc"), n), list("abc"), ordered=True)
    return table


def priors(formula, table, **options):
    return graph_of(formula, table, **options).priors


def test_log_odds_have_no_unit(table):
    found = priors("y ~ x + (1 | g)", table, family="bernoulli")
    mean, sd = table["x"].mean(), table["x"].std(ddof=0)
    p = table["y"].mean()
    intercept, slope = (prior.numbers for prior in found.coefficients)
    assert slope == pytest.approx({"mu": 0, "sigma": 2.5 / sd})
    assert intercept == pytest.approx({"mu": np.log(p / (1 - p)), "sigma": 2.5 * (1 + (mean / sd) ** 2)})
    assert found.terms[0].sds[0].numbers == {"nu": 4.0, "sigma": 1.0}


def test_units_of_the_response_move_the_intercept_alone(table):
    other = table.assign(size=1000 * table["size"])
    one, two = (priors("size ~ x", t, family="gamma") for t in (table, other))
    assert two.coefficients[0].mu - one.coefficients[0].mu == pytest.approx(np.log(1000))
    assert (one.coefficients[1], one.sigma) == (two.coefficients[1], two.sigma)


def test_links_with_a_unit_scale_with_the_response(table):
    mean, sd, spread = table["k"].mean(), table["k"].std(ddof=0), table["x"].std(ddof=0)
    found = priors("k ~ x", table, family="poisson", link="sqrt")
    assert found.coefficients[1].sigma == pytest.approx(2.5 * sd / (2 * np.sqrt(mean)) / spread, rel=1e-6)
    assert found.coefficients[0].mu == pytest.approx(np.sqrt(mean))
    assert priors("k ~ x", table, family="poisson", link="identity").coefficients[0].mu == pytest.approx(mean)


def test_offsets_are_taken_from_the_intercept(table):
    plain, offset = (priors(f, table, family="poisson") for f in ("k ~ x", "k ~ x + offset(o)"))
    assert offset.coefficients[0].mu == pytest.approx(plain.coefficients[0].mu - table["o"].mean())


def test_frequencies_are_repeated_rows(table):
    repeated = table.loc[table.index.repeat(table["w"])].reset_index(drop=True)
    for formula, family in (("k ~ x", "poisson"), ("k ~ x", "gaussian"), ("y ~ x", "bernoulli")):
        one = priors(formula, table, family=family, frequencies="w")
        two = priors(formula, repeated, family=family)
        for a, b in zip(one.coefficients, two.coefficients, strict=True):
            assert a.numbers == pytest.approx(b.numbers)


def test_cut_points_stand_for_the_intercept(table):
    found = priors("grade ~ x", table, family="cumulative")
    mean, sd = table["x"].mean(), table["x"].std(ddof=0)
    assert list(found.ancillary) == ["cut[a|b]", "cut[b|c]"]
    for prior in found.ancillary.values():
        assert prior.numbers == pytest.approx({"mu": 0, "sigma": 2.5 * (1 + (mean / sd) ** 2)})
    assert found.coefficients[0].sigma == pytest.approx(2.5 / sd)


def test_each_predictor_widens_its_own_intercept(table):
    found = priors("grade ~ x", table.assign(grade=table["grade"].astype(str)), family="categorical")
    one, two = found.coefficients[:2], found.coefficients[2:]
    assert one == two
    assert one[0].sigma == pytest.approx(2.5 * (1 + (table["x"].mean() / table["x"].std(ddof=0)) ** 2))


def test_priors_of_the_parameters_of_families(table):
    found = priors("k ~ x", table, family="negative_binomial")
    assert found.ancillary == {"alpha": found.of_ancillary("alpha")}
    assert dict(found.items())["alpha"].support == (0, np.inf)
    assert priors("k ~ x", table, family="negative_binomial", priors="stata").ancillary == {"alpha": LogNormal(0, 100)}
    assert priors("k ~ x", table, family="negative_binomial", priors="flat").ancillary["alpha"].support == (0, np.inf)
    given = priors("k ~ x", table, family="negative_binomial", priors={"alpha": Gamma(2, 1)})
    assert given.ancillary == {"alpha": Gamma(2, 1)}
    assert given.given == ("alpha",)
    both = priors("grade ~ x", table, family="cumulative", priors={"cut": Cauchy(0, 2), "cut[b|c]": Cauchy(1, 2)})
    assert list(both.ancillary.values()) == [Cauchy(0, 2), Cauchy(1, 2)]


@pytest.mark.parametrize(
    ("formula", "family", "given", "message"),
    [
        ("k ~ x", "negative_binomial", {"alpha": Normal(1, 2)}, r"`alpha` is a positive parameter.*negative"),
        ("k ~ x", "negative_binomial", {"alpha": Normal(0, 2)}, r"Give HalfNormal\(2\)"),
        ("k ~ x", "negative_binomial", {"alpha": Fixed(0)}, "cannot be held at 0"),
        ("grade ~ x", "cumulative", {"cut[a|b]": Fixed(0)}, "hold all at values, or none"),
        ("grade ~ x", "cumulative", {"cut[a|b]": Fixed(1), "cut[b|c]": Fixed(0)}, "must increase"),
        ("grade ~ x", "cumulative", {"cut[a|b]": Normal(0, 1), "cut[b|c]": Cauchy(0, 1)}, "of one name"),
    ],
)
def test_priors_that_parameters_cannot_have(table, formula, family, given, message):
    with pytest.raises(SpecificationError, match=message):
        _ = graph_of(formula, table, family=family, priors=given).priors


def test_values_at_which_parameters_are_held(table):
    graph = graph_of("k ~ x", table, family="negative_binomial", priors={"alpha": Fixed(0.5)})
    assert graph.held == {"alpha": 0.5}
    graph = graph_of("grade ~ x", table, family="cumulative", priors={"cut[a|b]": Fixed(0), "cut[b|c]": Fixed(1)})
    assert graph.held == {"cut[a|b]": 0.0, "cut[b|c]": 1.0}


def test_log_prior_and_its_slopes_in_the_parameters_of_families(table):
    given = {"alpha": LogNormal(0.3, 0.7), "x": Uniform(-2, 2), "sd(g)": HalfNormal(1)}
    graph = graph_of("k ~ x + (1 | g)", table, family="negative_binomial", priors=given)
    beta, roots, h = np.array([3.0, 0.1]), [np.array([[0.4]])], 1e-6

    def at(alpha):
        return log_prior(graph, beta, roots, 1.0, {"alpha": alpha})

    found = at(0.8)
    assert found.ancillary["alpha"] == pytest.approx((at(0.8 + h).value - at(0.8 - h).value) / (2 * h), rel=1e-6)
    expected = sum(float(p.log_density(b)) for p, b in zip(graph.priors.coefficients, beta, strict=True))
    expected += float(HalfNormal(1).log_density(0.4)) + float(LogNormal(0.3, 0.7).log_density(0.8))
    assert found.value == pytest.approx(expected)
