"""Where chains start: natural scales of the data on the unconstrained scale."""

from collections.abc import Callable, Iterator, Sequence
from math import isfinite

import numpy as np
import pymc as pm
from pytensor import function
from pytensor.compile.mode import Mode

from bayesml.distributions import Distribution
from bayesml.distributions.base import scipy_stats
from bayesml.graphs.dimensions import ordered_parameters
from bayesml.graphs.prior_scales import PriorScales
from bayesml.graphs.roles import Graph


def value_shapes(model: pm.Model) -> dict[str, tuple[int, ...]] | None:
    """Shapes of the value variables, of the lengths of their dims; None where a variable has no dims."""
    shapes: dict[str, tuple[int, ...]] = {}
    for rv in model.free_RVs:
        dims = model.named_vars_to_dims.get(rv.name, ())
        if len(dims) != rv.type.ndim or not all(dim in model.coords and model.coords[dim] is not None for dim in dims):
            return None
        shapes[model.rvs_to_values[rv].name] = tuple(len(model.coords[dim]) for dim in dims)
    return shapes


def marginal_start(graph: Graph) -> dict[str, np.ndarray]:
    """A start for the variables of a marginalised graph's model, by name, on the natural scale.

    Standard deviations start at half the scale that the data suggest, coefficients at their least-squares estimates;
    correlations, which are not named, start in the middle of their range.
    """
    priors, scales = graph.priors, PriorScales(graph.design, graph.family, graph.link)
    start: dict[str, np.ndarray] = {}
    if priors.sigma is not None:
        start |= pieces("sigma", [priors.sigma], np.array([scales.residual_sd() / 2]))
    places = [(k, i) for k, term in enumerate(priors.terms) for i in range(len(term.own_sds))]
    if places:
        sds = [priors.terms[k].own_sds[i] for k, i in places]
        start |= pieces("sd", sds, np.array([scales.random_sd(k, i) / 2 for k, i in places]))
    beta = least_squares(graph)
    mixed = np.flatnonzero(graph.mixed_beta)
    start |= pieces("beta", [priors.coefficients[j] for j in mixed], beta[mixed], factors=True)
    given = np.flatnonzero(~graph.integrated_beta)
    for name in ("beta", "beta_given"):
        start |= pieces(name, [priors.coefficients[j] for j in given], beta[given])
    return start


def family_start(graph: Graph) -> dict[str, np.ndarray]:
    """A start for coefficients and the parameters of the family, as the family suggests: an intercept alone."""
    design, priors = graph.design, graph.priors
    trials = design.response.get("trials")
    y = design.y if trials is None else design.y / trials
    intercept, natural = graph.family.start(y, graph.link, design.categories)
    offset = 0.0 if design.offset is None else float(np.mean(design.offset))
    beta = [intercept - offset if column is None else 0.0 for column in design.fixed_columns]
    beta = [b if p.fixed is None else p.fixed for b, p in zip(beta, priors.coefficients, strict=True)]
    start = pieces("beta", priors.coefficients, np.array(beta)) if beta else {}
    known = {a.name: value for a, value in zip(graph.family.ancillary(design.categories), natural, strict=True)}
    for parameter in graph.ancillary:
        if parameter.domain != "ordered":
            value = np.array([known[parameter.name]])
            start |= pieces(parameter.name, [priors.of_ancillary(parameter.name)], value)
    for key, names in ordered_parameters(graph).items():
        start[key] = np.array([known[name] for name in names])
    return start


def pieces(
    name: str, priors: Sequence[Distribution], values: np.ndarray, factors: bool = False
) -> dict[str, np.ndarray]:
    """Values of the variables that a vector is made of: one a kind of prior, as the graph has it.

    With `factors`, of those that the factors of the priors' sds are made of.
    """
    return dict(_pieces(name, priors, values, factors))


def _pieces(
    name: str, priors: Sequence[Distribution], values: np.ndarray, factors: bool
) -> Iterator[tuple[str, np.ndarray]]:
    kinds = list(dict.fromkeys(prior.kind for prior in priors))
    for kind in kinds:
        places = [i for i, prior in enumerate(priors) if prior.kind == kind]
        own = [priors[i] for i in places]
        numbers = {key: np.array([prior.numbers[key] for prior in own]) for key in own[0].numbers}
        inside = np.array([interior(priors[i], values[i]) for i in places])
        make = own[0].factor_pieces if factors else own[0].pieces
        yield from make(name if len(kinds) == 1 else f"{name}_{kind}", numbers, inside).items()


def interior(prior: Distribution, value: float) -> float:
    """The value, or one that lies well inside the support of its prior."""
    lower, upper = prior.support
    if prior.fixed is not None or (lower < value < upper and not (isfinite(lower) and isfinite(upper))):
        return value
    if isfinite(lower) and isfinite(upper):
        edge = 0.02 * (upper - lower)
        return float(np.clip(value, lower + edge, upper - edge))
    form = prior.scipy(scipy_stats())
    if form is not None:
        return float(form.ppf(0.25 if isfinite(lower) else 0.75))
    return lower + 0.1 * (1.0 + abs(lower)) if isfinite(lower) else upper - 0.1 * (1.0 + abs(upper))


def least_squares(graph: Graph) -> np.ndarray:
    """Least-squares coefficients (p,) of the fixed part alone."""
    design = graph.design
    if not graph.fixed or graph.integrated_beta.all():
        return np.zeros(len(graph.fixed))
    y = design.y if design.offset is None else design.y - design.offset
    X = design.X
    scale = np.sqrt((X**2).mean(axis=0))
    return np.linalg.lstsq(X / scale, y, rcond=None)[0] / scale


def unconstrained_start(model: pm.Model, start: dict[str, np.ndarray]) -> np.ndarray:
    """The flat vector of value variables at a start; zero, the middle of the range, where none is named."""
    parts = []
    shapes = value_shapes(model) or model.eval_rv_shapes()
    for rv in model.free_RVs:
        transform, shape = model.rvs_to_transforms[rv], shapes[model.rvs_to_values[rv].name]
        name = None if transform is None else transform.name
        value = start.get(rv.name)
        if value is not None and name == "interval":
            placed = transform.forward(np.asarray(value, float), *rv.owner.inputs)
            parts.append(function([], placed, mode=PYTHON)().ravel())
        elif value is None or name not in UNCONSTRAINED:
            parts.append(np.zeros(int(np.prod(shape))))
        else:
            parts.append(UNCONSTRAINED[name](np.asarray(value, float).ravel()))
    return np.concatenate(parts) if parts else np.empty(0)


PYTHON = Mode(linker="py", optimizer=None)

UNCONSTRAINED: dict[str | None, Callable[[np.ndarray], np.ndarray]] = {
    None: lambda x: x,
    "log": np.log,
    "logodds": lambda x: np.log(x) - np.log1p(-x),
    "ordered": lambda x: np.concatenate([x[:1], np.log(np.diff(x))]),
}
"""PyMC's transforms by name."""
