"""From draws of the unconstrained parameters to a `Posterior`: everything that was not sampled is computed here."""

from collections.abc import Mapping, Sequence

import numpy as np
import pymc as pm
import pytensor
from pytensor.compile.mode import Mode
from pytensor.graph.replace import vectorize_graph

from bayesml.estimators.nutpie_model import Density, Draws
from bayesml.graphs.dimensions import ordered_parameters
from bayesml.graphs.natural import CovarianceParameters
from bayesml.graphs.roles import Graph
from bayesml.linalg.gaussian import GaussianSystem
from bayesml.results.bayesian import EFFECT_LIMIT
from bayesml.results.effects import blocks
from bayesml.results.posterior import Posterior, effect_bytes, flat_draws

BETA_STREAM = 3


def natural_draws(model: pm.Model, density: Density, x: np.ndarray, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Draws (chain, draw, ...) of named variables of a model, of draws (chain, draw, n) of its value variables."""
    values = [model.rvs_to_values[rv] for rv in model.free_RVs]
    outputs = model.replace_rvs_by_values([model[name] for name in names])
    batched = {v: v.type.clone(shape=(None, None, *v.type.shape))(name=v.name) for v in values}
    # One evaluation on whole arrays: compiling would cost more than it saves.
    function = pytensor.function(
        list(batched.values()),
        vectorize_graph(outputs, batched),
        mode=Mode(linker="py", optimizer=None),
        on_unused_input="ignore",
    )
    parts = density.split(x)
    out = {}
    for name, variable, found in zip(names, outputs, function(*(parts[str(v.name)] for v in values)), strict=True):
        own = np.shape(found)[np.ndim(found) - variable.ndim :]
        # What is held at a value has no draws of its own.
        out[name] = np.broadcast_to(found, (*x.shape[:-1], *own))
    return out


def marginal_posterior(
    graph: Graph, model: pm.Model, system: GaussianSystem, density: Density, draws: Draws, seed: int
) -> Posterior:
    """The posterior of a graph from draws of its marginalised model; what was integrated out is drawn exactly."""
    shape = draws.x.shape[:2]
    given = ~graph.integrated_beta
    places = np.flatnonzero(given)
    wanted = ("sd", "partial_unit", "sigma", "beta", "beta_given", "beta_log_factor")
    names = [n for n in (*wanted, *shared_scales(model)) if n in model.named_vars]
    found = natural_draws(model, density, draws.x, names)
    parameters = CovarianceParameters(graph)
    unit = correlation_units(graph, parameters, found.get("partial_unit"), shape)
    sd = found.get("sd", np.empty((*shape, 0)))
    sigma = np.broadcast_to(found.get("sigma", np.ones(shape)), shape)
    beta = np.zeros((*shape, len(graph.fixed)))
    if len(places):
        beta[..., places] = found["beta_given" if "beta_given" in found else "beta"]
    if graph.mixed_beta.any():
        beta[..., np.flatnonzero(graph.mixed_beta)] = found["beta_log_factor"]
    beta, effects = draw_exactly(graph, system, parameters.lam(sd, unit), sigma, beta, seed)
    terms = range(len(graph.random))
    return Posterior(
        beta=beta,
        sds=tuple(parameters.sds(sd, k) for k in terms),
        corrs=tuple(parameters.correlations(unit, k) for k in terms),
        sigma=sigma,
        stats=draws.stats,
        parametrisation="marginal",
        seed=seed,
        complete=draws.complete,
        failures=draws.failures,
        effects=effects,
        scales=scales_of(found, shared_scales(model)),
    )


def shared_scales(model: pm.Model) -> list[str]:
    """Names of the scales that several coefficients share, `beta_tau` of a horseshoe prior."""
    return [variable.name for variable in model.free_RVs if variable.name.endswith("_tau")]


def scales_of(found: Mapping[str, np.ndarray], names: Sequence[str]) -> dict[str, np.ndarray]:
    """Draws of shared scales; the only one is `beta_tau`, whatever else the coefficients have."""
    return {"beta_tau" if len(names) == 1 else name: found[name] for name in names}


def correlation_units(
    graph: Graph, parameters: CovarianceParameters, sampled: np.ndarray | None, shape: tuple[int, int]
) -> np.ndarray:
    """Places of all partial correlations in their intervals, (chain, draw, n), sampled or held at a value."""
    partials = [prior for term in graph.priors.terms for prior in term.partials]
    lower, width = parameters.bounds
    held = np.array([prior.fixed is not None for prior in partials], bool)
    values = np.array([prior.fixed if prior.fixed is not None else 0.0 for prior in partials])
    unit = np.empty((*shape, len(partials)))
    unit[..., held] = ((values - lower) / width)[held]
    if sampled is not None:
        unit[..., ~held] = sampled
    return unit


def draw_exactly(
    graph: Graph, system: GaussianSystem, lam: np.ndarray, sigma: np.ndarray, beta: np.ndarray, seed: int
) -> tuple[np.ndarray, tuple[np.ndarray, ...] | None]:
    """Integrated coefficients, and random effects if all their draws take less than 200 MB, in blocks of draws.

    Otherwise the effects are drawn later given coefficients and parameters, which is the same joint distribution.
    """
    design, shape = graph.design, sigma.shape
    given, mean, precision = graph.coefficient_rows
    lam, sigma, out = flat_draws(lam), np.ascontiguousarray(sigma).ravel(), flat_draws(beta).copy()
    keep = effect_bytes(design, len(sigma)) <= EFFECT_LIMIT
    if not keep and (given == 1).all():
        return beta, None
    effects = tuple(np.empty((len(sigma) if keep else 0, len(t.levels), len(t.names))) for t in design.random)
    rng = np.random.default_rng([seed, BETA_STREAM])
    for part in blocks(design, len(sigma)):
        out[part], drawn = system.draw(lam[part], sigma[part], out[part], given, mean, precision, rng)
        for array, block in zip(effects, drawn, strict=True) if keep else ():
            array[part] = block
    shaped = tuple(array.reshape(*shape, *array.shape[1:]) for array in effects) if keep else None
    return out.reshape(beta.shape), shaped


def joint_posterior(
    graph: Graph,
    model: pm.Model,
    density: Density,
    draws: Draws,
    seed: int,
    parametrisation: str,
    scaled: np.ndarray | None = None,
) -> Posterior:
    """The posterior of a graph from draws of its joint model, that of `sampled_model`.

    `scaled` are the powers of their standard deviations that the effects of centred terms were divided by.
    """
    shape = draws.x.shape[:2]
    ordered = ordered_parameters(graph)
    others = [p.name for p in graph.ancillary if p.domain != "ordered"]
    wanted = ("sd", "partial_unit", "beta", "effects", *others, *ordered, *shared_scales(model))
    names = [n for n in wanted if n in model.named_vars]
    found = natural_draws(model, density, draws.x, names)
    parameters = CovarianceParameters(graph)
    unit = correlation_units(graph, parameters, found.get("partial_unit"), shape)
    sd = found.get("sd", np.empty((*shape, 0)))
    ancillary = {name: found[name] for name in others}
    for key, own in ordered.items():
        ancillary |= {name: found[key][..., i] for i, name in enumerate(own)}
    rest = [ancillary[p.name] for p in graph.ancillary if p.name != "sigma"]
    terms = range(len(graph.random))
    return Posterior(
        beta=found.get("beta", np.empty((*shape, 0))),
        sds=tuple(parameters.sds(sd, k) for k in terms),
        corrs=tuple(parameters.correlations(unit, k) for k in terms),
        sigma=np.broadcast_to(ancillary.get("sigma", np.ones(shape)), shape),
        stats=draws.stats,
        parametrisation=parametrisation,
        seed=seed,
        complete=draws.complete,
        failures=draws.failures,
        effects=natural_effects(graph, parameters, sd, unit, found.get("effects"), scaled),
        ancillary=np.stack(rest, axis=-1) if rest else np.empty((*shape, 0)),
        scales=scales_of(found, shared_scales(model)),
    )


def natural_effects(
    graph: Graph,
    parameters: CovarianceParameters,
    sd: np.ndarray,
    unit: np.ndarray,
    sampled: np.ndarray | None,
    scaled: np.ndarray | None,
) -> tuple[np.ndarray, ...]:
    """Random effects (chain, draw, J, q) of each term, from what was sampled of all, (chain, draw, effects)."""
    lam = parameters.lam(sd, unit)
    out, at, lam_at = [], 0, 0
    for k, (role, centred) in enumerate(zip(graph.random, graph.centred, strict=True)):
        assert sampled is not None
        J, q = len(role.columns.levels), role.q
        own = sampled[..., at : at + J * q].reshape(*sampled.shape[:-1], J, q)
        if centred and scaled is not None:
            own = own * parameters.sds(sd, k)[..., None, :] ** scaled[at : at + J * q].reshape(J, q)
        elif not centred:
            root = lam[..., lam_at : lam_at + q * q].reshape(*lam.shape[:-1], q, q)
            own = own @ np.swapaxes(root, -1, -2)
        out.append(own)
        at, lam_at = at + J * q, lam_at + q * q
    return tuple(out)
