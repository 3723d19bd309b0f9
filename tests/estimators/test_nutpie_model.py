"""The callback evaluates what PyMC evaluates, is cached by structure, and gives way to nutpie's own compiling."""

import json
import subprocess
import sys

import numpy as np
import pymc as pm
import pytest
from numpy.testing import assert_allclose

from bayesml.errors import BayesmlWarning
from bayesml.estimators import nutpie_model
from bayesml.estimators.nutpie_model import Affine, compile_density, run


def mixed_model(n: int, rng: np.random.Generator) -> pm.Model:
    """Scalars, a vector and a matrix, with and without transforms, and data of every rank."""
    with pm.Model(coords={"row": np.arange(n), "column": ["a", "b"]}) as model:
        x, y = pm.Data("x", rng.normal(size=(n, 2))), pm.Data("y", rng.normal(size=n))
        scale = pm.Data("scale", 2.5)
        beta = pm.Normal("beta", 0.0, scale, dims="column")
        u = pm.Normal("u", dims=("row", "column"))
        sd = pm.HalfNormal("sd", 1.0)
        share = pm.Beta("share", 2.0, 3.0)
        pm.Normal("response", x @ beta + (u * x).sum(axis=1) * share, sd, observed=y)
    return model


@pytest.fixture
def model(rng):
    return mixed_model(3, rng)


def point(density, rng):
    return rng.normal(size=density.size)


def test_value_and_gradient_are_those_of_pymc(model, rng):
    density = compile_density(model)
    x = point(density, rng)
    values = density.split(x)
    value, gradient = density.evaluate(x)
    assert_allclose(value, model.compile_logp()(values), rtol=1e-12)
    reference = model.compile_dlogp()(values)
    assert_allclose(gradient, reference, rtol=1e-10, atol=1e-12)


def test_value_and_gradient_in_other_coordinates(model, rng):
    plain = compile_density(model)
    n = plain.size
    rows, columns = np.array([0, 0, 1, 2, 2, 3, *range(4, n)]), np.array([0, 3, 1, 0, 2, 3, *range(4, n)])
    scale = np.zeros((n, n))
    scale[rows, columns] = rng.normal(size=len(rows))
    affine = Affine.of_entries(rng.normal(size=n), rows, columns, scale[rows, columns])
    z = point(plain, rng)
    x = affine(z)
    assert_allclose(x, affine.centre + scale @ z)
    assert_allclose(affine(np.stack([z, 2 * z])[None]), [[x, affine.centre + 2 * scale @ z]])
    value, gradient = plain.evaluate(x)
    other_value, other_gradient = plain.rescaled(affine).evaluate(z)
    assert_allclose(other_value, value)
    assert_allclose(other_gradient, scale.T @ gradient)


def test_outside_the_domain_is_nan(model):
    value, gradient = compile_density(model).evaluate(np.full(10, np.inf))
    assert np.isnan(value)
    assert np.isnan(gradient).all()


def test_data_of_another_size_compile_nothing(model, rng, monkeypatch):
    first = compile_density(model)
    density = compile_density(mixed_model(7, rng))
    assert density.compiled.compiled_logp_func is first.compiled.compiled_logp_func
    assert density.size == 2 + 14 + 1 + 1
    # and nothing in another process, which has the disk alone
    monkeypatch.setattr(nutpie_model, "COMPILED", {})
    assert compile_density(mixed_model(5, rng)).compiled.compiled_logp_func.cache_hits == 1


def test_another_structure_is_another_callback(model):
    with pm.Model() as other:
        pm.Normal("x", 0.0, pm.Data("scale", 2.0))
    with pm.Model() as constant:
        pm.Normal("x", 0.0, 2.0)
    callbacks = {compile_density(m).compiled.compiled_logp_func for m in (model, other, constant)}
    assert len(callbacks) == 3


def test_data_are_copies(model, rng):
    density = compile_density(model)
    x = point(density, rng)
    before = density.evaluate(x)[0]
    model["y"].set_value(np.full(3, 100.0))
    assert density.evaluate(x)[0] == before


@pytest.mark.parametrize("change", ["version", "fields", "cache"])
def test_unknown_parts_fall_back_to_nutpie_and_say_so(model, rng, monkeypatch, change):
    if change == "version":
        monkeypatch.setattr(nutpie_model.nutpie, "__version__", "0.99.0")
    elif change == "fields":
        monkeypatch.setattr(nutpie_model, "KNOWN_FIELDS", nutpie_model.KNOWN_FIELDS - {"user_data"})
    else:
        monkeypatch.delattr(nutpie_model.numba_cache, "compile_numba_function_src")
    assert nutpie_model.unknown_parts()


def test_stock_compiling_samples_the_same_density(monkeypatch):
    with pm.Model() as model:
        pm.Normal("x", pm.Data("centre", 3.0), 2.0)
        pm.LogNormal("y", 0.0, 0.5)
    own = compile_density(model)
    monkeypatch.setattr(nutpie_model.nutpie, "__version__", "0.99.0")
    with pytest.warns(BayesmlWarning, match=r"nutpie 0\.99\.0 .* nutpie compiles the model itself"):
        stock = compile_density(model)
    assert stock.stock
    assert_allclose(stock.evaluate(np.array([1.0, 0.3]))[0], own.evaluate(np.array([1.0, 0.3]))[0])
    means = [
        run(density, lambda seed: np.full(2, 0.5), draws=1000, tune=500, chains=2, cores=2, seed=1, target_accept=0.8)
        .x.reshape(-1, 2)
        .mean(axis=0)
        for density in (own, stock)
    ]
    for mean in means:
        assert_allclose(mean, [3.0, 0.0], atol=0.25)


def test_draws_are_the_same_on_any_number_of_cores():
    with pm.Model() as model:
        pm.Normal("x", 0.0, pm.Data("scale", 2.0), shape=2)
    density = compile_density(model)
    options = {"draws": 50, "tune": 100, "chains": 3, "seed": 5, "target_accept": 0.8}
    one, two = (run(density, lambda seed: np.ones(2), cores=cores, **options) for cores in (1, 3))
    assert np.array_equal(one.x, two.x)
    assert one.x.shape == (3, 50, 2)
    assert set(one.stats) == set(nutpie_model.STATISTICS)


def test_arviz_is_not_imported_with_nutpie():
    code = (
        "import sys, json; import bayesml.estimators.nuts;"
        "before = 'arviz' in sys.modules, 'matplotlib' in sys.modules;"
        "loaded = sys.modules['nutpie.sample'].arviz.__version__;"
        "print(json.dumps([*before, loaded[:2], 'arviz' in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [False, False, "1.", True]
