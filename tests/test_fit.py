"""The verb `fit`: criteria, held parameters, options, and that new formulas compile nothing."""

import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher

import bayesml as bml
from bayesml import linalg
from bayesml.errors import NotIdentified, SpecificationError

SLOPES = "Reaction ~ Days + (Days | Subject)"


@pytest.fixture(scope="module")
def sleep():
    return bml.datasets.load("sleepstudy")


@pytest.mark.parametrize("formula", [SLOPES, "Reaction ~ Days + (Days || Subject)", "Reaction ~ Days + (1 | Subject)"])
def test_the_mode_under_flat_priors_is_maximum_likelihood(sleep, formula):
    ml, mode = bml.fit(formula, sleep, criterion="ml"), bml.fit(formula, sleep, criterion="map", priors="flat")
    assert mode.loglik == pytest.approx(ml.loglik, abs=1e-8)
    np.testing.assert_allclose(mode.parameters.estimate, ml.parameters.estimate, rtol=1e-5)
    np.testing.assert_allclose(mode.parameters.se, ml.parameters.se, rtol=1e-3)
    np.testing.assert_allclose(mode.ranef["Subject"], ml.ranef["Subject"], rtol=1e-4, atol=1e-4)


def test_the_mode_under_flat_priors_may_lie_on_the_boundary():
    data = bml.datasets.load("dyestuff2")
    mode = bml.fit("Yield ~ 1 + (1 | Batch)", data, criterion="map", priors="flat")
    assert mode.boundary == ["sd(Intercept | Batch)"]
    assert mode.loglik == pytest.approx(bml.fit("Yield ~ 1 + (1 | Batch)", data, criterion="ml").loglik, abs=1e-9)


def test_priors_move_the_mode_as_their_density_says(sleep):
    """A coefficient with a normal prior: precision-weighted mean of prior and likelihood, the rest held."""
    held = {"sigma": bml.Fixed(25.0), "sd(Subject)": bml.Fixed(0.0), "Intercept": bml.Fixed(250.0)}
    data = sleep.assign(Subject=sleep.Subject)
    mode = bml.fit(
        "Reaction ~ Days + (1 | Subject)", data, criterion="map", priors=held | {"Days": bml.Normal(8.0, 0.5)}
    )
    x, y = sleep.Days.to_numpy(float), sleep.Reaction.to_numpy() - 250.0
    precision = x @ x / 25.0**2 + 1 / 0.5**2
    assert mode.fixef["Days"] == pytest.approx((x @ y / 25.0**2 + 8.0 / 0.5**2) / precision, rel=1e-6)
    assert mode.se["Days"] == pytest.approx(precision**-0.5, rel=1e-4)


@pytest.mark.parametrize("criterion", ["ml", "reml"])
@pytest.mark.parametrize(
    ("held", "options"),
    [
        ({"sigma": 25.6}, {}),
        ({"Days": 10.467286}, {}),
        ({"sd(Days | Subject)": 5.7}, {"covariance": "independent"}),
        ({"sd(Intercept | Subject)": 24.0, "sd(Days | Subject)": 5.8, "corr(Subject)": 0.1}, {}),
    ],
)
def test_holding_a_parameter_near_its_estimate_costs_little_and_elsewhere_more(sleep, criterion, held, options):
    free = bml.fit(SLOPES, sleep, criterion=criterion, **options)
    near = bml.fit(SLOPES, sleep, criterion=criterion, priors={a: bml.Fixed(v) for a, v in held.items()}, **options)
    far = bml.fit(SLOPES, sleep, criterion=criterion, priors={a: bml.Fixed(2 * v) for a, v in held.items()}, **options)
    assert near.df == free.df - len(held)
    assert near.converged
    assert near.loglik > far.loglik
    if not (criterion == "reml" and "Days" in held):  # restricted likelihoods of other fixed parts are not comparable
        assert free.loglik + 1e-9 > near.loglik > free.loglik - 0.1
    for address, value in held.items():
        if address not in ("corr(Subject)", "sigma"):
            assert near[address] == pytest.approx(value)
    if "sigma" in held:
        assert near.sigma == held["sigma"]


def test_part_of_a_correlated_term_cannot_be_held(sleep):
    with pytest.raises(SpecificationError, match="cannot be held alone.*independent"):
        bml.fit(SLOPES, sleep, priors={"sd(Days | Subject)": bml.Fixed(5.0)})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"criterion": "pql"}, "not one of 'ml', 'reml', 'map'"),
        ({"criterion": "reml", "priors": "flat"}, 'criterion="map"'),
        ({"priors": {"Days": bml.Normal(0, 1)}}, 'criterion="map"'),
        ({"integration": "simpson"}, '"exact", "laplace", "aghq"'),
        ({"integration": "laplace", "criterion": "reml"}, "linear models only, whose integral is exact"),
        ({"integration": "ghq", "points": 1}, "one point"),
        ({"REML": False}, "criterion"),
        ({"method": "ML"}, "criterion"),
        ({"nAGQ": 7}, "integration="),
    ],
)
def test_options_that_do_not_exist_or_do_not_go_together(sleep, options, message):
    with pytest.raises(SpecificationError, match=message):
        bml.fit(SLOPES, sleep, **options)


def test_a_model_takes_no_further_options(sleep):
    model = bml.Model(SLOPES)
    assert bml.fit(model, sleep).loglik == bml.fit(SLOPES, sleep).loglik
    with pytest.raises(SpecificationError, match="The model already says covariance"):
        bml.fit(model, sleep, covariance="independent")


def test_iterations_are_printed(sleep, capsys):
    fit = bml.fit(SLOPES, sleep, verbose=True)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == fit.status.iterations
    assert f"{fit.loglik:.6f}" in lines[-1]


def compiled():
    """Number of machine codes of every kernel."""
    modules = [getattr(linalg, name) for name in dir(linalg) if not name.startswith("_")]
    return {
        f"{module.__name__}.{name}": len(value.signatures)
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, Dispatcher)
    }


def used(data, formula, **options):
    """Everything that runs a kernel."""
    fit = bml.fit(formula, bml.datasets.load(data), **options)
    bml.refit(fit, np.column_stack([fit.design.y] * 2))
    return fit.ranef_se, bml.predict(fit), str(fit.summary())


def test_a_new_formula_compiles_nothing():
    """Machine code does not depend on the number of terms, columns or levels; nesting and crossing have their own."""
    used("sleepstudy", SLOPES)
    used("oats", "yield ~ nitro + (nitro | Block/Variety)")  # nested, on the boundary
    used("penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)")
    before = compiled()
    assert any(before.values())
    used("sleepstudy", "Reaction ~ Days + (1 | Subject) + (0 + Days | Subject)", criterion="ml")
    used("machines", "score ~ Machine + (1 | Worker/Machine)", criterion="ml")
    used("machines", "score ~ Machine + (0 + Machine | Worker)", covariance="independent")
    used("oats", "yield ~ nitro * Variety + (nitro | Block) + (1 | Block:Variety)", covariance="independent")
    used("penicillin", "diameter ~ 1 + (1 | sample)")
    assert compiled() == before


def test_the_higher_of_two_maxima_is_found():
    """From the sums of squares between levels alone the ascent ends 0.5 lower, in a true maximum."""
    rng = np.random.default_rng(221)
    a, b, x = rng.integers(0, 5, 36), rng.integers(0, 4, 36), rng.normal(size=36).round(1)
    y = (rng.normal(size=36) + 0.5 * rng.normal(size=5)[a] + 0.4 * rng.normal(size=4)[b] * x).round(1)
    fit = bml.fit("y ~ x + (x | a) + (x | b)", {"y": y, "x": x, "a": a, "b": b})
    assert fit.converged
    assert fit.loglik == pytest.approx(-44.0665568, abs=1e-6)


@pytest.mark.parametrize("noise", [0.0, 1e-7])
def test_a_response_that_the_groups_explain_to_the_last_digit_is_refused(noise, rng):
    g = np.repeat(np.arange(10), 4)
    y = g + noise * rng.standard_normal(40)
    with pytest.raises(NotIdentified, match="to its last digits"):
        bml.fit("y ~ 1 + (1 | g)", {"y": y, "g": g})


def test_a_model_takes_other_priors():
    sleep, model = bml.datasets.load("sleepstudy"), bml.Model("Reaction ~ Days + (1 | Subject)")
    given = bml.fit(model, sleep, criterion="map", priors={"Days": bml.Normal(0, 1)})
    whole = bml.fit("Reaction ~ Days + (1 | Subject)", sleep, criterion="map", priors={"Days": bml.Normal(0, 1)})
    assert given["Days"] == whole["Days"] < 8


def test_modes_without_fixed_effects():
    data = bml.datasets.load("dyestuff")
    data = data.assign(Yield=data["Yield"] - data["Yield"].mean())
    mode = bml.fit("Yield ~ 0 + (1 | Batch)", data, criterion="map", priors={"sigma": bml.HalfNormal(60)})
    assert mode.vcov.shape == (0, 0)
    assert list(mode.parameters.index) == ["sd(Intercept | Batch)", "sigma"]
    assert mode.parameters["se"].gt(0).all()
