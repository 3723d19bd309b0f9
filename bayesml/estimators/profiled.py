"""The likelihood of a linear model with coefficients and sigma profiled out: what ML and REML maximise."""

from collections.abc import Sequence

import numpy as np

from bayesml.errors import NotIdentified
from bayesml.estimators.ascent import Local
from bayesml.linalg.gaussian import GaussianSystem

LOG_2PI = float(np.log(2.0 * np.pi))


class ProfiledLikelihood:
    """Log likelihood (restricted, if `integrated`) of relative square roots, coefficients and sigma profiled out.

    ``-2 l = log|H| + nu log(2 pi r² / nu) + nu``, nu = n, and for REML ``+ log|X'V^-1 X|``, nu = n - p; with
    sigma known ``nu log(2 pi sigma²) + r² / sigma²`` stands in place of the last two.

    Parameters
    ----------
    system : GaussianSystem
    integrated : bool
        REML.
    sigma : float or None
        Where it is held fixed.
    """

    def __init__(self, system: GaussianSystem, integrated: bool, sigma: float | None):
        self.system, self.integrated = system, integrated
        self.nu = system.n - (system.coefficients if integrated else 0)
        self.known = None if sigma is None else (sigma / system.scaling.y_scale) ** 2
        if sigma is None and self.nu <= 0:
            raise NotIdentified(
                f"{system.n} rows cannot determine {system.coefficients} coefficients and a residual variance."
            )
        scale = -self.nu * np.log(system.scaling.y_scale) + (system.scaling.log_det if integrated else 0.0)
        self.constant = system.half_log_weights + float(scale)

    def relative_sigma2(self, r2: float) -> float:
        """sigma² on the accumulated scale."""
        return r2 / self.nu if self.known is None else self.known

    def __call__(self, roots: Sequence[np.ndarray], extra: np.ndarray) -> Local:
        """Value and dl/dG of each term, G relative to sigma²."""
        e = self.system.evaluate(roots, self.integrated)
        s2 = self.relative_sigma2(e.r2)
        logdet = e.logdet_u + (e.logdet_x if self.integrated else 0.0)
        value = self.constant - 0.5 * (logdet + self.nu * (LOG_2PI + np.log(s2)) + e.r2 / s2)
        return Local(float(value), [0.5 * (E / s2 - D) for D, E in zip(e.D, e.E, strict=True)], extra, e)

    def curvature(self, local: Local, changes: Sequence[Sequence[np.ndarray]]) -> np.ndarray:
        """Minus the average information of G, sigma profiled."""
        products, slopes = self.system.working_products(local.state, changes)
        s2 = self.relative_sigma2(local.state.r2)
        profiled = np.outer(slopes, slopes) / (self.nu * s2) if self.known is None else 0.0
        return -0.5 * (products - profiled) / s2
