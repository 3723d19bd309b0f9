"""The log density of a linear model as a function of all its parameters: for posterior modes and held parameters."""

from collections.abc import Callable, Sequence

import numpy as np

from bayesml.estimators.ascent import Local, Point
from bayesml.estimators.held import HeldTerm
from bayesml.linalg.gaussian import GaussianSystem
from bayesml.linalg.marginal import density_parts

# value, gradient in beta, in the natural square roots, in sigma
LogPriorFunction = Callable[
    [np.ndarray, Sequence[np.ndarray], float], tuple[float, np.ndarray, Sequence[np.ndarray], float]
]


class JointDensity:
    """Marginal log density (random effects integrated out) plus a log prior, in square roots, sigma and coefficients.

    The unknowns besides theta are log sigma, if it is free, and the coefficients on the accumulated columns, unless
    they are integrated out (REML). Square roots are on the accumulated columns and absolute, not relative to sigma.

    Parameters
    ----------
    system : GaussianSystem
    integrated : bool
        Whether coefficients are integrated out under a flat prior.
    sigma : float or None
        Where it is held.
    terms : sequence of HeldTerm
    log_prior : callable, optional
    """

    def __init__(
        self,
        system: GaussianSystem,
        integrated: bool,
        sigma: float | None,
        terms: Sequence[HeldTerm],
        log_prior: LogPriorFunction | None = None,
    ):
        self.system, self.integrated, self.known_sigma, self.log_prior = system, integrated, sigma, log_prior
        self.arrays = system.arrays()
        p = system.coefficients
        self.given = np.full(p, 0 if integrated else 1, np.int64)
        self.nothing = np.zeros(p)
        self.nu = system.n - (p if integrated else 0)
        scale = system.scaling.y_scale
        self.maps = [T * scale for T in system.scaling.terms]
        self.constant_roots = [np.linalg.solve(T, term.root) for T, term in zip(self.maps, terms, strict=True)]

    def start(self) -> np.ndarray:
        """Least squares coefficients and residual sd."""
        p = 0 if self.integrated else self.system.coefficients
        return np.zeros(p + (self.known_sigma is None))

    def unpack(self, extra: np.ndarray) -> tuple[float, np.ndarray]:
        """sigma and coefficients on natural scales, coefficients in the design's order."""
        scaling, order = self.system.scaling, self.system.order
        if self.known_sigma is None:
            sigma, rest = float(np.exp(extra[0])) * scaling.y_scale, extra[1:]
        else:
            sigma, rest = self.known_sigma, extra
        beta = np.zeros(len(order))
        if not self.integrated:
            beta[order] = scaling.coefficients @ rest + scaling.constant
        return sigma, beta

    def natural_roots(self, roots: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Lambda of each term on the user's columns, what is held included."""
        return [T @ (root + held) for T, root, held in zip(self.maps, roots, self.constant_roots, strict=True)]

    def __call__(self, roots: Sequence[np.ndarray], extra: np.ndarray) -> Local:
        """Value and derivatives."""
        sigma, beta = self.unpack(extra)
        natural = self.natural_roots(roots)
        lam = np.concatenate([root.ravel() for root in natural]) if natural else np.empty(0)
        value, slopes, _, slope, grad_beta = density_parts(
            lam, sigma, beta, self.given, self.nothing, self.nothing, *self.arrays
        )
        s2 = (sigma / self.system.scaling.y_scale) ** 2
        by_term, at = [], 0
        for root in natural:
            by_term.append(slopes[at : at + root.size].reshape(root.shape) / s2)
            at += root.size
        # `slope` holds relative square roots fixed; here the absolute ones are
        slope -= 2.0 * sum(
            float(np.sum((root + held) * (g @ (root + held))))
            for root, held, g in zip(roots, self.constant_roots, by_term, strict=True)
        )
        root_slopes = [2.0 * g @ held for g, held in zip(by_term, self.constant_roots, strict=True)]
        if self.log_prior is not None:
            prior, prior_beta, prior_roots, prior_sigma = self.log_prior(beta, natural, sigma)
            value += prior
            grad_beta = grad_beta + prior_beta
            slope += sigma * prior_sigma
            root_slopes = [g + T.T @ r for g, T, r in zip(root_slopes, self.maps, prior_roots, strict=True)]
        extras = [slope] if self.known_sigma is None else []
        if not self.integrated:
            extras += list(self.system.scaling.coefficients.T @ grad_beta[self.system.order])
        return Local(float(value), by_term, np.array(extras), None, root_slopes)

    def curvature(self, local: Local, changes: Sequence[Sequence[np.ndarray]]) -> None:
        """No approximation: differences are taken."""
        return

    def log_likelihood(self, point: Point) -> float:
        """The value without the prior."""
        if self.log_prior is None:
            return point.value
        sigma, beta = self.unpack(point.extra)
        return point.value - self.log_prior(beta, self.natural_roots(point.roots), sigma)[0]
