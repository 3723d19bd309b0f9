"""Where the chains of a joint graph start, how they are scaled, and how far its effects are centred.

The posterior is looked at near the mode of its marginal: coefficients, parameters of the family and effects are at
their joint mode given the covariances, which maximise the expected density of the effects (the EM algorithm, with the
effects' distribution approximated by Laplace's method). All that is asked of the model is its gradient. What is sampled
does not depend on how good the approximation is, only the speed does.
"""

from dataclasses import dataclass

import numpy as np
import pymc as pm

from bayesml.estimators.nutpie_model import Affine, Density
from bayesml.estimators.nuts_arrow import Arrow, Places
from bayesml.estimators.nuts_start import family_start, pieces, unconstrained_start
from bayesml.graphs.natural import CovarianceParameters, correlation_root, partial_correlations
from bayesml.graphs.prior_scales import PriorScales
from bayesml.graphs.roles import Graph, RandomRole
from bayesml.graphs.sampled_model import CENTRED

STEPS = 40
STEADY = 0.02
"""Change of the logarithm of a standard deviation below which it is left."""

UNSETTLED = 4.0
"""Information taken for the covariance parameters where their curvature says little."""

BORDER = 300
ENTRIES_A_ROW = 20


@dataclass(frozen=True, eq=False)
class Approximation:
    """The posterior of a joint graph around a point.

    Parameters
    ----------
    x : ndarray (n,)
        The point, in the flat vector of unconstrained parameters.
    arrow : Arrow
        Negative Hessian there.
    centred : tuple of bool
    scaled : ndarray (number of effects,)
        Powers of the standard deviations that the effects of centred terms are divided by.
    """

    x: np.ndarray
    arrow: Arrow
    centred: tuple[bool, ...]
    scaled: np.ndarray

    @property
    def affine(self) -> Affine:
        """Coordinates in which it is standard normal."""
        return self.arrow.affine(self.x)


class JointPosterior:
    """A compiled joint density and what it takes to walk about in it.

    Parameters
    ----------
    graph : Graph
    model : pymc.Model
        Of `sampled_model`.
    density : Density
        Compiled, in unconstrained coordinates.
    """

    def __init__(self, graph: Graph, model: pm.Model, density: Density):
        self.graph, self.model, self.density = graph, model, density
        self.parameters = CovarianceParameters(graph)
        every = density.split(np.arange(density.size))
        start = int(every["effects"][0]) if "effects" in every and every["effects"].size else density.size
        self.first = start
        self.effects: list[np.ndarray] = []
        for role in graph.random:
            count = len(role.columns.levels) * role.q
            self.effects.append(np.arange(start, start + count).reshape(-1, role.q))
            start += count
        covariance = [v.ravel() for name, v in every.items() if name.startswith(("sd_", "partial_unit"))]
        self.covariance = np.concatenate([np.empty(0, int), *covariance]).astype(np.int64)
        self.places = self._places()

    def _places(self) -> Places:
        """The largest term in blocks; others in the border, smallest first, while that is worth its cost."""
        own = np.concatenate([np.empty(0, int), *(e.ravel() for e in self.effects)])
        border = list(np.setdiff1d(np.arange(self.density.size), own))
        total, budget = self.density.size, ENTRIES_A_ROW * self.graph.design.n
        blocks = []
        order = sorted(range(len(self.effects)), key=lambda k: self.effects[k].size)
        for k in order:
            places = self.effects[k]
            m = len(border) + places.size
            if k != order[-1] and m <= BORDER and m * total <= budget:
                border += list(places.ravel())
            else:
                blocks.append(places)
        return Places(tuple(blocks), np.array(sorted(border), np.int64))

    # -- points ------------------------------------------------------------------------------------

    def evaluate(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Log density and gradient."""
        return self.density.evaluate(x)

    def start(self) -> tuple[np.ndarray, list[np.ndarray]]:
        """A first point, and the covariance matrices of the terms there."""
        scales = PriorScales(self.graph.design, self.graph.family, self.graph.link)
        G = []
        for k, role in enumerate(self.graph.random):
            held = [prior.fixed for prior in self.graph.priors.terms[k].sds]
            sds = [scales.random_sd(k, i) / 2 if value is None else value for i, value in enumerate(held)]
            G.append(np.diag(np.broadcast_to(np.square(sds), role.q)))
        point = family_start(self.graph) | self.natural_covariances(G)
        return unconstrained_start(self.model, point), G

    def natural_covariances(self, G: list[np.ndarray]) -> dict[str, np.ndarray]:
        """Values of the variables `sd` and `partial_unit` that stand for covariance matrices."""
        priors = [prior for term in self.graph.priors.terms for prior in term.own_sds]
        sds: list[float] = []
        partials: list[float] = []
        for role, matrix in zip(self.graph.random, G, strict=True):
            sd, values = parameters_of(role, matrix)
            sds += list(sd)
            partials += list(values)
        lower, width = self.parameters.bounds
        unit = np.clip((np.array(partials) - lower) / width, 0.02, 0.98)
        held = np.array([p.fixed is not None for t in self.graph.priors.terms for p in t.partials], bool)
        point = pieces("sd", priors, np.array(sds)) if priors else {}
        return point | ({"partial_unit": unit[~held]} if (~held).any() else {})

    def with_covariances(self, x: np.ndarray, G: list[np.ndarray]) -> np.ndarray:
        """The point with other covariance matrices."""
        out = x.copy()
        out[self.covariance] = unconstrained_start(self.model, self.natural_covariances(G))[self.covariance]
        return out

    def root(self, k: int, G: np.ndarray) -> np.ndarray:
        """The square root Lambda of the covariance matrix of term k that the model has."""
        role = self.graph.random[k]
        sds, values = parameters_of(role, G)
        return np.broadcast_to(sds, role.q)[:, None] * correlation_root(role, values)

    def expected_covariance(self, k: int, x: np.ndarray, V: np.ndarray) -> np.ndarray:
        """The covariance matrix of term k that maximises the expected log density of its effects.

        The parameters are on logarithmic scales, so that one level less counts; standard deviations that are held stay.
        """
        role, b = self.graph.random[k], x[self.effects[k]]
        J = len(b)
        M = (b.T @ b + V.sum(axis=0)) / max(J - 1, 1)
        sds = np.sqrt(np.maximum(np.diag(M), 1e-12))
        R = M / np.outer(sds, sds)
        if role.covariance.common_sd:
            sds = np.full(role.q, np.sqrt(np.mean(sds**2)))
        if role.n_correlations == 0:
            R = np.eye(role.q)
        elif role.covariance.correlations == "one":
            common = (R.sum() - role.q) / (role.q * (role.q - 1))
            R = np.full((role.q, role.q), common) + (1.0 - common) * np.eye(role.q)
        held = [prior.fixed for prior in self.graph.priors.terms[k].sds]
        held = held * role.q if len(held) < role.q else held
        sds = np.array([sd if value is None else value for sd, value in zip(sds, held, strict=True)])
        return R * np.outer(sds, sds)

    def set_centred(self, centred: tuple[bool, ...], scaled: np.ndarray | float = 0.0) -> None:
        """Make the variables of these terms effects over powers of their sds, those of others the standardised ones.

        The arrays are those that the compiled density reads.
        """
        self.density.inputs["terms"][:, CENTRED] = centred
        self.density.inputs["scaled"][:] = scaled

    # -- curvature ---------------------------------------------------------------------------------

    def arrow(self, x: np.ndarray, deviations: np.ndarray) -> Arrow:
        """Negative Hessian, by differences of a small part of the deviations."""
        return Arrow.at(lambda at: self.evaluate(at)[1], x, 1e-3 * deviations, self.places)

    def deviations(self) -> np.ndarray:
        """First guesses of the size of changes: coefficients by their columns."""
        out = np.ones(self.density.size)
        sizes = [
            1.0 if z is None else 1.0 / max(float(np.sqrt(np.mean(z**2))), 1e-300)
            for z in self.graph.design.fixed_columns
        ]
        for name, places in self.density.split(np.arange(self.density.size)).items():
            if name == "beta":
                out[places] = sizes
        return 0.1 * out


def approximate(
    graph: Graph, model: pm.Model, density: Density, centred: tuple[bool, ...] | None
) -> Approximation | None:
    """The posterior around the mode of its marginal; None where the density is not finite at the start.

    Parameters
    ----------
    graph : Graph
    model : pymc.Model
    density : Density
        In unconstrained coordinates.
    centred : tuple of bool, optional
        Which terms are; chosen by the information in the data by default.
    """
    posterior = JointPosterior(graph, model, density)
    possible = tuple(all(p.fixed is None or p.fixed > 0 for p in term.sds) for term in graph.priors.terms)
    posterior.set_centred(possible)
    x, G = posterior.start()
    value, gradient = posterior.evaluate(x)
    if not np.isfinite(value):
        return None
    deviations = posterior.deviations()
    free = np.ones(len(x))
    free[posterior.covariance] = 0.0
    for _ in range(STEPS):
        arrow = posterior.arrow(x, deviations).without(posterior.covariance)
        deviations = arrow.deviations
        step = arrow.solve(gradient * free)
        gain = 0.5 * float((gradient * free) @ step)
        x = climb(posterior, x, value, step, gain)
        before, V = G, arrow.block_covariances(posterior.effects)
        G = [posterior.expected_covariance(k, x, V[k]) for k in range(len(G))]
        x = posterior.with_covariances(x, G)
        value, gradient = posterior.evaluate(x)
        if gain < 0.1 and all(steady(a, b) for a, b in zip(before, G, strict=True)):
            break
    scaled = np.zeros(sum(places.size for places in posterior.effects))
    for k, places in enumerate(posterior.effects):
        sds = np.sqrt(np.diag(G[k]))
        if possible[k] and centred is None:
            weights = weights_of(deviations[places], G[k])
            scaled[places - posterior.first] = weights
            x[places] /= sds**weights
            deviations[places] /= sds**weights
        elif possible[k] and centred is not None and not centred[k]:
            x[places] = np.linalg.solve(posterior.root(k, G[k]), x[places].T).T
            deviations[places] /= sds
    centred = possible if centred is None else centred
    posterior.set_centred(centred, scaled)
    arrow = posterior.arrow(x, deviations)
    if any(can and not own for can, own in zip(possible, centred, strict=True)):
        # how standardised effects bend with all else is not seen in the curvature at one point
        arrow = arrow.apart().without(posterior.covariance, UNSETTLED)
    elif not arrow.settles(posterior.covariance):
        arrow = arrow.without(posterior.covariance, UNSETTLED)
    return Approximation(x, arrow, centred, scaled)


def climb(posterior: JointPosterior, x: np.ndarray, value: float, step: np.ndarray, gain: float) -> np.ndarray:
    """The point after a step, shortened until the density rises."""
    t = 1.0
    for _ in range(30):
        moved = x + t * step
        if posterior.evaluate(moved)[0] >= value + 1e-4 * t * gain:
            return moved
        t /= 3.0
    return x


def steady(before: np.ndarray, after: np.ndarray) -> bool:
    """Whether standard deviations have stopped to change."""
    with np.errstate(divide="ignore", invalid="ignore"):
        change = 0.5 * np.log(np.diag(after) / np.diag(before))
    return bool((np.abs(np.nan_to_num(change)) < STEADY).all())


def weights_of(deviations: np.ndarray, G: np.ndarray) -> np.ndarray:
    """Powers of the standard deviations that effects (J, q) are best divided by: 1 / (1 + r).

    r is what the data say of an effect, relative to what its distribution says: with r = 0 the standardised effect
    does not depend on its standard deviation, with large r the effect itself does not. As small standard deviations are
    the trouble, it is taken at one that is a posterior sd below the mode: of the logarithm, whose information is
    2 sum (r / (1 + r))².

    Parameters
    ----------
    deviations : ndarray (J, q)
        Conditional standard deviations of the effects, all else given.
    G : ndarray (q, q)

    References
    ----------
    Papaspiliopoulos, Roberts and Skold (2007), Statistical Science 22:59-73, section 3.
    """
    from_distribution = np.diag(np.linalg.pinv(G))
    r = np.maximum(deviations**-2.0 - from_distribution, 0.0) * np.diag(G)
    known = 2.0 * np.sum((r / (1.0 + r)) ** 2, axis=0)
    return 1.0 / (1.0 + r * np.exp(-2.0 / np.sqrt(np.maximum(known, 1.0))))


def parameters_of(role: RandomRole, G: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Free standard deviations, and partial or common correlations, of a covariance matrix."""
    sds = np.sqrt(np.maximum(np.diag(G), 1e-300))
    R = G / np.outer(sds, sds)
    if role.covariance.common_sd:
        sds = sds[:1]
    if role.n_correlations == 0:
        return sds, np.empty(0)
    if role.covariance.correlations == "one":
        return sds, R[1:2, 0]
    return sds, partial_correlations(R)
