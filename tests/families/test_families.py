"""A battery over all families: against SciPy, against exact numbers and derivatives far out, moments, declarations."""

from functools import cache
from itertools import combinations_with_replacement, product

import mpmath as mp
import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.compile.mode import Mode
from scipy import integrate

from bayesml.families import FAMILIES, FAMILY_SYNONYMS
from bayesml.families.ancillary import jacobian, natural, unconstrained
from bayesml.graphs.row_code import NotElementwise, compile_rows
from bayesml.graphs.tensors import TENSORS
from bayesml.links import LINKS
from tests.exact import derivative
from tests.families.cases import CASES

COMBINATIONS = [(name, link) for name, case in CASES.items() for link in case.family.links]
RELATIVE = 1e-9
NOISE = mp.mpf(10) ** -36
"""Error of the exact differences, relative to the largest derivative."""
PLAIN = Mode(linker="py", optimizer=None)


@pytest.fixture(params=CASES)
def case(request):
    return CASES[request.param]


def orders(K, a):
    """Orders of derivatives: to third in the predictors, and to second in them and first in an ancillary."""
    own = []
    for total in range(4):
        for combo in combinations_with_replacement(range(K), total):
            by_eta = tuple(combo.count(k) for k in range(K))
            own.append((*by_eta, *a * (0,)))
            if total < 3:
                own += [(*by_eta, *(int(i == j) for j in range(a))) for i in range(a)]
    return own


@cache
def compiled(name, link, function, numba):
    """A function of predictors, unconstrained ancillaries and y, each (n,): every derivative in `orders`."""
    case = CASES[name]
    K = len(case.family.predictors(case.categories))
    ancillaries = case.family.ancillary(case.categories)
    etas = [pt.vector(f"eta{k}") for k in range(K)]
    theta = [pt.vector(f"theta{i}") for i in range(len(ancillaries))]
    y = pt.vector("y")
    trials = None if case.trials is None else pt.zeros_like(y) + case.trials
    values = natural(ancillaries, theta, TENSORS)
    parameters = case.family.at(LINKS[link], etas, values, TENSORS, case.categories, trials=trials)
    outputs = {}
    own = orders(K, len(theta))
    for order in own:
        expression = getattr(case.family, function)(y, parameters, TENSORS) if sum(order) == 0 else None
        if expression is None:
            last = next(i for i in reversed(range(len(order))) if order[i])
            lower = tuple(n - (i == last) for i, n in enumerate(order))
            expression = pytensor.grad(
                outputs[lower].sum(), [*etas, *theta][last], disconnected_inputs="ignore", return_disconnected="zero"
            )
        outputs[order] = expression + pt.zeros_like(y)
    inputs, expressions = [*etas, *theta, y], list(outputs.values())
    if not numba:
        return pytensor.function(inputs, expressions, mode=PLAIN, on_unused_input="ignore"), own
    try:
        rows = compile_rows(inputs, expressions)
    except NotElementwise:
        with pytensor.config.change_flags(numba__fastmath=False):
            return pytensor.function(inputs, expressions, mode="NUMBA", on_unused_input="ignore"), own

    def run(*columns):
        out = np.empty((len(expressions), len(columns[0])))
        rows(*map(np.ascontiguousarray, columns), out)
        return out

    return run, own


def exact_natural(ancillaries, theta):
    out = []
    for ancillary, value in zip(ancillaries, theta, strict=True):
        if ancillary.domain == "positive":
            out.append(mp.exp(value))
        elif ancillary.domain == "ordered" and out:
            out.append(out[-1] + mp.exp(value))
        else:
            out.append(value)
    return out


def check(name, link, function, exact, y, numba):
    """All derivatives of one of the functions of a family, wherever its case tries it."""
    case = CASES[name]
    ancillaries = case.family.ancillary(case.categories)
    points = list(product(case.predictors(link), case.values, y))
    theta = [unconstrained(ancillaries, values) for _, values, _ in points]
    run, own = compiled(name, link, function, numba)
    columns = [*np.array([etas for etas, _, _ in points], float).T, *np.array(theta).T]
    got = run(*columns, np.array([y for _, _, y in points], float))
    K = len(points[0][0])
    failures = []
    for i, (etas, _, at) in enumerate(points):

        def value(*x, at=at):
            return case.exact(exact, link, at, x[:K], exact_natural(ancillaries, x[K:]))

        expected = [derivative(value, (*etas, *theta[i]), order) for order in own]
        noise = NOISE * max(map(abs, expected))
        for order, exact_value, values in zip(own, expected, got, strict=True):
            error = abs(mp.mpf(float(values[i])) - exact_value) if np.isfinite(values[i]) else mp.inf
            if (
                error > RELATIVE * max(abs(exact_value), case.floor.get(link, 1e-290)) + noise
                and abs(exact_value) < 1e307
            ):
                failures.append(f"{etas} {theta[i]} y={at} {order}: {values[i]!r}, not {mp.nstr(exact_value, 17)}")
    assert not failures, "\n".join([f"{len(failures)} of {len(points) * len(own)}", *failures[:40]])


def at_ordinary(case):
    """Parameters of the ordinary predictors and values, as numbers."""
    link = LINKS[case.family.default_link]
    etas = [np.float64(x) for x in case.eta]
    return case.family.at(link, etas, case.values[0], np, case.categories, trials=case.trials)


def mean_parameter(case):
    return LINKS[case.family.default_link].inverse(np.float64(case.eta[0]), np)


def distribution(case):
    return case.scipy(mean_parameter(case), case.values[0], case.trials)


def test_every_family_is_in_the_battery():
    assert {case.family.name for case in CASES.values()} == set(FAMILIES)


@pytest.mark.parametrize(("name", "link"), COMBINATIONS)
def test_density_and_its_derivatives_far_out(name, link):
    case = CASES[name]
    # differences of cut points are simplified when a graph is compiled
    numba = link == case.family.default_link or bool(case.categories)
    check(name, link, "log_density", case.log_density, case.y, numba)


@pytest.mark.parametrize("function", ["log_distribution", "log_survivor"])
@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.log_distribution])
def test_tails_and_their_derivatives_far_out(name, function):
    case = CASES[name]
    check(name, case.family.default_link, function, getattr(case, function), case.y, numba=False)


def test_tails_are_there_or_it_is_said_why(case):
    if case.log_distribution is None:
        assert case.family.no_tails
    else:
        assert case.family.no_tails is None


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.scipy])
def test_functions_are_those_of_scipy(name):
    case = CASES[name]
    reference, parameters = distribution(case), at_ordinary(case)
    whole = case.family.whole
    y = np.unique(reference.ppf(np.linspace(0.01, 0.99, 21))).astype(float)
    log_density = reference.logpmf(y) if whole else reference.logpdf(y)
    np.testing.assert_allclose(case.family.log_density(y, parameters, np), log_density, rtol=1e-11)
    if case.family.no_tails is None:
        np.testing.assert_allclose(case.family.log_distribution(y, parameters, np), reference.logcdf(y), rtol=1e-11)
        np.testing.assert_allclose(case.family.log_survivor(y, parameters, np), reference.logsf(y), rtol=1e-11)


def test_density_adds_up_to_one(case):
    parameters = at_ordinary(case)
    low, high = case.family.support

    def density(y):
        return np.exp(case.family.log_density(y, parameters, np))

    if case.categories:
        total = sum(density(np.float64(k)) for k in range(len(case.categories)))
    elif case.family.whole:
        top = case.trials if case.trials is not None else min(high, 10_000)
        total = density(np.arange(low, top + 1)).sum()
    else:
        total = integrate.quad(density, low, high, epsabs=1e-12, epsrel=1e-12, limit=200)[0]
    assert total == pytest.approx(1, abs=1e-9)


def test_simulated_moments(case, rng):
    n = 40_000
    link = LINKS[case.family.default_link]
    etas = [np.full(n, x) for x in case.eta]
    trials = None if case.trials is None else np.full(n, case.trials)
    parameters = case.family.at(link, etas, case.values[0], np, case.categories, trials=trials)
    y = case.family.simulate(rng, parameters)
    assert y.shape == (n,) and y.dtype == float
    assert np.all(case.family.allows(y))
    mean, variance = case.family.mean(parameters), case.family.variance(parameters)
    seen = y if case.trials is None else y / trials
    if case.categories:
        seen = (y[:, None] == np.arange(len(case.categories))).astype(float)
    assert np.shape(mean) == np.shape(variance) == seen.shape
    assert np.all(np.abs(seen.mean(0) - mean[0]) < 5 * np.sqrt(variance[0] / n))
    fourth = ((seen - seen.mean(0)) ** 4).mean(0)
    error = np.sqrt(np.maximum(fourth - variance[0] ** 2, 0) / n)
    assert np.all(np.abs(seen.var(0) - variance[0]) < 5 * error + 1e-3 * variance[0])


def test_starting_values_lie_where_they_may(case, rng):
    link = LINKS[case.family.default_link]
    n = 500
    etas = [np.full(n, x) for x in case.eta]
    trials = None if case.trials is None else np.full(n, case.trials)
    parameters = case.family.at(link, etas, case.values[0], np, case.categories, trials=trials)
    y = case.family.simulate(rng, parameters)
    for response in (y, y[:1]):
        eta, values = case.family.start(response, link, case.categories)
        ancillaries = case.family.ancillary(case.categories)
        assert np.isfinite(eta)
        assert len(values) == len(ancillaries)
        assert np.all(np.isfinite(unconstrained(ancillaries, values)))
        assert np.all(np.isfinite(jacobian(ancillaries, values)))


def test_responses_outside_the_support_are_refused(case):
    low, high = case.family.support
    inside = case.family.allows(np.array(case.y, float))
    assert inside.all()
    outside = [x for x, end in ((low - 1, low), (high + 1, high)) if np.isfinite(end)] + [np.nan]
    assert not case.family.allows(np.array(outside)).any()
    if case.family.whole:
        assert not case.family.allows(np.array([low + 0.5])).any()
    assert case.family.allowed


def test_declarations_hold_together(case):
    family = case.family
    assert len(family.parameters) >= 1
    assert set(family.links) <= set(LINKS)
    assert family.exact_links <= set(family.links)
    assert len(family.ancillary(case.categories)) == len(case.values[0])
    keys = {ancillary.key for ancillary in family.ancillary(case.categories)}
    assert family.scale_parameter is None or family.scale_parameter in keys


@pytest.mark.parametrize("family", FAMILIES.values(), ids=list(FAMILIES))
def test_names(family):
    assert FAMILY_SYNONYMS[family.name] == family
    assert all(FAMILY_SYNONYMS[name] == meant and name == name.lower() for name, meant in family.named().items())
    assert family == type(family)()
    assert hash(family) == hash(type(family)())


def test_names_of_families_are_unambiguous():
    named = [name for family in FAMILIES.values() for name in family.named()]
    assert len(named) == len(set(named))


def test_gaussian_is_exact_and_has_its_variance_at_level_one():
    family = FAMILIES["gaussian"]
    assert family.exact_with(LINKS["identity"])
    assert family.latent_variance(LINKS["identity"], 3.0) == 9.0
