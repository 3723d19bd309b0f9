"""Random effects that were integrated out: exact draws given the parameters, and exact moments."""

from collections.abc import Iterator

import numpy as np

from bayesml.design.arrays import Design
from bayesml.linalg.gaussian import GaussianSystem
from bayesml.results.posterior import Posterior, flat_draws, term_roots

BLOCK_BYTES = 64_000_000
EFFECT_STREAM = 1


def flat_roots(design: Design, posterior: Posterior) -> np.ndarray:
    """Square roots of the covariance matrices of all terms, row-major and side by side, (chain × draw, sum of q²)."""
    roots = [
        flat_draws(term_roots(term, sds, corrs))
        for term, sds, corrs in zip(design.random, posterior.sds, posterior.corrs, strict=True)
    ]
    n = posterior.sigma.size
    return np.concatenate([root.reshape(n, -1) for root in roots] or [np.empty((n, 0))], axis=1)


def blocks(design: Design, n: int) -> Iterator[slice]:
    """Slices of n draws whose random effects take little memory."""
    effects = sum(len(term.levels) * len(term.names) for term in design.random)
    size = max(1, BLOCK_BYTES // (8 * (effects + 1)))
    return (slice(start, min(start + size, n)) for start in range(0, n, size))


class ConditionalEffects:
    """The exact conditional distribution of the random effects given coefficients, covariances and sigma."""

    def __init__(self, design: Design, posterior: Posterior):
        p = len(design.coefficients)
        self.given, self.nothing = np.ones(p, np.int64), np.zeros(p)
        self.system = GaussianSystem.of(design, self.given)
        self.roots = flat_roots(design, posterior)
        self.sigma, self.beta = posterior.sigma.ravel(), flat_draws(posterior.beta)

    def draw(self, part: slice, rng: np.random.Generator | None) -> tuple[np.ndarray, ...]:
        """Random effects of each term at a block of draws, (draws, J, q); their means without a generator."""
        _, effects = self.system.draw(
            self.roots[part], self.sigma[part], self.beta[part], self.given, self.nothing, self.nothing, rng
        )
        return effects


def draw_effects(design: Design, posterior: Posterior) -> tuple[np.ndarray, ...]:
    """One exact draw of all random effects for each posterior draw, (chain, draw, J, q) a term.

    The same seed gives the same draws, whatever the size of the blocks.
    """
    conditional = ConditionalEffects(design, posterior)
    rng = np.random.default_rng([posterior.seed, EFFECT_STREAM])
    out = tuple(np.empty((posterior.sigma.size, len(term.levels), len(term.names))) for term in design.random)
    for part in blocks(design, posterior.sigma.size):
        for array, drawn in zip(out, conditional.draw(part, rng), strict=True):
            array[part] = drawn
    return tuple(array.reshape(*posterior.shape, *array.shape[1:]) for array in out)


def conditional_moments(design: Design, posterior: Posterior) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """Posterior means and sds of the random effects, (J, q) a term, without keeping their draws.

    Means average exact conditional means. Variances are the variance of these means plus the mean
    conditional variance, which is estimated from one exact draw a posterior draw.
    """
    conditional = ConditionalEffects(design, posterior)
    rng = np.random.default_rng([posterior.seed, EFFECT_STREAM])
    n = posterior.sigma.size
    shapes = [(len(term.levels), len(term.names)) for term in design.random]
    centre: list[np.ndarray] = []
    sums, squares, within = ([np.zeros(shape) for shape in shapes] for _ in range(3))
    for part in blocks(design, posterior.sigma.size):
        means, drawn = conditional.draw(part, None), conditional.draw(part, rng)
        centre = centre or [m.mean(axis=0) for m in means]
        for k, (m, b) in enumerate(zip(means, drawn, strict=True)):
            sums[k] += (m - centre[k]).sum(axis=0)
            squares[k] += ((m - centre[k]) ** 2).sum(axis=0)
            within[k] += ((b - m) ** 2).sum(axis=0)
    mean = tuple(c + s / n for c, s in zip(centre, sums, strict=True))
    variances = [(sq - s**2 / n) / (n - 1) + w / n for sq, s, w in zip(squares, sums, within, strict=True)]
    return mean, tuple(np.sqrt(v) for v in variances)
