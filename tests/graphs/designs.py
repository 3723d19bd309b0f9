"""Models and small designs that the tests of graphs share, built by hand."""

import numpy as np
import pandas as pd

from bayesml.covariance import COVARIANCES
from bayesml.design.arrays import Design, RandomColumns
from bayesml.graphs.roles import Graph, build_graph
from bayesml.syntax.model import Model


def term(group, codes, names, columns, covariance="unstructured"):
    """Arrays of a random term; levels are called a, b, …"""
    levels = pd.Index([f"{group}{i}" for i in range(max(codes) + 1)])
    return RandomColumns(group, levels, np.asarray(codes), names, columns, COVARIANCES[covariance])


def design(y, fixed, coefficients, random, **options):
    n = len(y)
    return Design(y, fixed, coefficients, {}, tuple(random), pd.RangeIndex(n), np.arange(n), **options)


def growth(rng, formula="y ~ x + (x | g)", covariance="unstructured", n=40, levels=6, priors=None, **options) -> Graph:
    """A random intercept and slope in balanced groups."""
    x, codes = rng.normal(2.0, 1.5, n), np.arange(n) % levels
    y = 3 + 0.5 * x + rng.normal(size=levels)[codes] + rng.normal(size=n)
    random = [term("g", codes, ("Intercept", "x"), (None, x), covariance)]
    model = Model(formula, covariance=covariance, priors=priors)
    return build_graph(model, design(y, (None, x), ("Intercept", "x"), random, **options))


def factor_by_group(rng, covariance="exchangeable", n=60, levels=7, q=3, priors=None) -> Graph:
    """q conditions within groups, crossed with an intercept of a second factor that has weights and an offset."""
    condition, codes, other = rng.integers(0, q, n), np.arange(n) % levels, rng.integers(0, 4, n)
    names = tuple(f"f[{c}]" for c in "abcdefgh"[:q])
    indicators = tuple((condition == c).astype(float) for c in range(q))
    y = 10 + condition + rng.normal(size=levels)[codes] + rng.normal(size=n)
    random = [term("g", codes, names, indicators, covariance), term("h", other, ("Intercept",), (None,))]
    model = Model("y ~ f + offset(o) + (0 + f | g) + (1 | h)", covariance={"g": covariance}, weights="w", priors=priors)
    options = {"weights": rng.uniform(0.5, 2.0, n), "offset": rng.normal(size=n)}
    columns = (None, *indicators[1:])
    return build_graph(model, design(y, columns, ("Intercept", *names[1:]), random, **options))


def nested_and_crossed(rng, n=70, priors=None) -> Graph:
    """Slopes in classes within schools, an uncorrelated slope of the same schools, and a crossed factor."""
    x, school, other = rng.normal(1.0, 1.0, n), rng.integers(0, 4, n), rng.integers(0, 5, n)
    _, classes = np.unique(school * 3 + rng.integers(0, 3, n), return_inverse=True)
    random = [
        term("c", other, ("Intercept",), (None,)),
        term("s", school, ("Intercept",), (None,)),
        term("s:k", classes, ("Intercept", "x"), (None, x)),
        term("s", school, ("x",), (x,)),
    ]
    y = 5 + x + rng.normal(size=4)[school] + rng.normal(size=5)[other] + rng.normal(size=n)
    model = Model("y ~ x + (1 | c) + (1 | s) + (x | s:k) + (0 + x | s)", priors=priors)
    return build_graph(model, design(y, (None, x), ("Intercept", "x"), random))
