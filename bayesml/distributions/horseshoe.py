"""Horseshoe prior of coefficients."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import inf, isfinite, lgamma, log, pi
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from bayesml.distributions.base import REAL, Distribution
from bayesml.distributions.forms import Symmetric, Tabulated

NODES = 400
"""Points of the quadrature over the scale of a coefficient."""


@dataclass(frozen=True)
class Horseshoe(Distribution):
    """Shrinkage prior: most coefficients near 0, a few as large as the data say.

    ``beta_j = scale_j s_j z_j`` with z_j standard normal and ``1 / s_j² = 1 / (tau lambda_j)² + 1 / c²``; lambda_j is
    half-Cauchy with scale 1, tau half-Cauchy with scale `global_scale`. The slab c is infinite in the horseshoe of
    Carvalho, Polson and Scott; in the regularised one c² is inverse gamma with shape slab_df / 2 and scale
    ``slab_df slab_scale² / 2``: what is not shrunk to 0 has about a t prior. **All coefficients of a model with the
    same three numbers share tau and c**, whatever their `scale`.

    Parameters
    ----------
    global_scale : float, default 1
        Scale of tau, > 0. With p0 of p coefficients expected away from 0 in n rows: ``p0 / (p - p0) / sqrt(n)``.
    slab_scale : float, default inf
        Scale of c, > 0, in units of `scale`; infinite: no slab.
    slab_df : float, default 4
        Degrees of freedom of the slab, > 0; not read without a slab.
    scale : float, default 1
        Unit of the coefficient, > 0: sd(y) / sd(x) makes it a prior of the standardised coefficient.

    Notes
    -----
    The density is infinite at 0: there is no posterior mode worth the name, and `criterion="map"` refuses it.
    `log_density` is that of one coefficient, over tau, lambda and c, by quadrature; several that share tau are not
    independent. Linear models integrate the coefficients out given these scales. Elsewhere a few divergences are
    common: raise target_accept (0.99), and give a slab.

    References
    ----------
    Carvalho, Polson and Scott (2010), Biometrika 97:465-480; Piironen and Vehtari (2017), Electronic Journal of
    Statistics 11:5018-5051, equations 2.8, 3.12.

    Examples
    --------
    >>> import bayesml as bml
    >>> str(bml.Horseshoe(0.05, slab_scale=2))
    'Horseshoe(global_scale=0.05, slab_scale=2, slab_df=4)'
    """

    global_scale: float = 1.0
    slab_scale: float = inf
    slab_df: float = 4.0
    scale: float = 1.0

    positive = ("global_scale", "slab_scale", "slab_df", "scale")
    infinite: ClassVar[tuple[str, ...]] = ("slab_scale",)

    @property
    def has_slab(self) -> bool:
        """Whether it is the regularised one."""
        return isfinite(self.slab_scale)

    @property
    def numbers(self) -> dict[str, float]:
        slab = {"slab_scale": self.slab_scale, "slab_df": self.slab_df} if self.has_slab else {}
        return {"global_scale": self.global_scale, **slab, "scale": self.scale}

    @property
    def kind(self) -> str:
        """Of one kind are those that share tau and c."""
        return "_".join([self.name, *(f"{value:.12g}" for key, value in self.numbers.items() if key != "scale")])

    def __str__(self) -> str:
        shown = {key: value for key, value in self.numbers.items() if key != "scale" or value != 1}
        return f"{self.name}({', '.join(f'{key}={value:.5g}' for key, value in shown.items())})"

    def times(self, scale: float) -> "Horseshoe":
        return Horseshoe(self.global_scale, self.slab_scale, self.slab_df, self.scale * scale)

    @property
    def support(self) -> tuple[float, float]:
        return REAL

    @property
    def bounded(self) -> bool:
        return False

    @property
    def conditional_row(self) -> tuple[float, float]:
        return 0.0, self.scale**-2

    # -- one coefficient, over all scales ------------------------------------------------------------

    def log_density(self, x: np.ndarray | float) -> np.ndarray:
        z = np.abs(np.asarray(x, dtype=float)) / self.scale
        flat = np.concatenate([self._of_size(part) for part in np.array_split(z.ravel(), 1 + z.size // 5000)])
        return flat.reshape(z.shape) - log(self.scale)

    def _of_size(self, z: np.ndarray) -> np.ndarray:
        """Log density at absolute values (n,) on the unit scale; infinite at 0."""
        inside = np.where(z > 0, z, 1.0)[:, None]
        ends = np.minimum(inside, self.global_scale) / 8, np.maximum(inside, self.global_scale)
        t = np.log(ends[0]) + np.linspace(0, 1, NODES) * (np.log(ends[1] / ends[0]) + 25.0)
        # w = tau lambda: log(w / global_scale) has the density 2 t / (pi² sinh t)
        u = t - log(self.global_scale)
        size = np.maximum(np.abs(u), 1e-10)
        log_weight = log(2 / pi**2) + np.log(size) - size - np.log(-np.expm1(-2 * size) / 2)
        exponent = log_weight - inside**2 / 2 * np.exp(-2 * t) - 0.5 * log(2 * pi)
        if self.has_slab:
            exponent = exponent + self._log_slab(inside, -2 * t)
        else:
            exponent = exponent - t
        top = exponent.max(axis=1)
        step = t[:, 1] - t[:, 0]
        found = top + np.log(np.exp(exponent - top[:, None]).sum(axis=1) * step)
        return np.where(z > 0, found, inf)

    def _log_slab(self, z: np.ndarray, log_q: np.ndarray) -> np.ndarray:
        """Log of the mean of ``sqrt(q + k) exp(-k z² / 2)`` over the slab's precision k, a gamma variable."""
        shape, rate = self.slab_df / 2, self.slab_df / 2 * self.slab_scale**2
        own_rate = rate + z**2 / 2
        nodes, weights = gamma_nodes(shape)
        mean = sum(
            weight * np.sqrt(np.exp(log_q) + node / own_rate) for node, weight in zip(nodes, weights, strict=True)
        )
        return np.log(mean) + shape * np.log(rate / own_rate)

    def slope(self, x: np.ndarray | float) -> np.ndarray:
        x = np.asarray(x, dtype=float)
        with np.errstate(divide="ignore", invalid="ignore"):
            h = 1e-4 * np.abs(x)
            slope = (self.log_density(x + h) - self.log_density(x - h)) / (2 * h)
        return np.where(x == 0, 0.0, slope)

    @cached_property
    def _form(self) -> Symmetric:
        low, high = log(self.global_scale) - 40.0, log(self.global_scale) + 40.0
        if self.has_slab:
            high = max(log(self.slab_scale) + 60.0 / self.slab_df, log(self.slab_scale) + 5.0)
        t = np.linspace(low, high, 4001)
        unit = Horseshoe(self.global_scale, self.slab_scale, self.slab_df)
        half = Tabulated(
            t + log(self.scale), unit.log_density(np.exp(t)) + log(2) + t, np.exp, np.log, self.log_density
        )
        return Symmetric(half, self.log_density, finite_sd=self.has_slab and self.slab_df > 2)

    def scipy(self, stats: ModuleType) -> Any:
        return self._form

    # -- several, with the scales they share ----------------------------------------------------------

    def shared_draws(
        self, priors: "tuple[Distribution, ...]", shape: tuple[int, ...], rng: np.random.Generator
    ) -> np.ndarray:
        count = (*shape, len(priors))
        tau = self.global_scale * np.abs(rng.standard_cauchy(shape))[..., None]
        w = tau * np.abs(rng.standard_cauchy(count))
        slab: np.ndarray | float = 0.0
        if self.has_slab:
            slab = rng.gamma(self.slab_df / 2, 2 / self.slab_df, shape)[..., None] / self.slab_scale**2
        scales = np.array([prior.numbers["scale"] for prior in priors])
        return scales * rng.standard_normal(count) / np.sqrt(w**-2.0 + slab)

    def log_factor(self, pm: ModuleType, name: str, numbers: Mapping[str, Any], **options: Any) -> Any:
        one = {key: value if value.ndim == 0 else value[0] for key, value in numbers.items() if key != "scale"}
        tau = pm.HalfCauchy(f"{name}_tau", beta=one["global_scale"])
        log_w = pm.math.log(tau) + pm.math.log(pm.HalfCauchy(f"{name}_lambda", beta=1.0, **options))
        if not self.has_slab:
            return log_w
        half = one["slab_df"] / 2
        slab = pm.InverseGamma(f"{name}_slab", alpha=half, beta=half * one["slab_scale"] ** 2)
        return -0.5 * pm.math.log(pm.math.exp(-2 * log_w) + 1 / slab)

    def variable(self, pm: ModuleType, name: str, numbers: Mapping[str, Any], **options: Any) -> Any:
        factor = pm.math.exp(self.log_factor(pm, name, numbers, **options))
        unit = pm.Normal(f"{name}_z", 0.0, 1.0, **options)
        return pm.Deterministic(name, numbers["scale"] * factor * unit, **options)

    def factor_pieces(self, name: str, numbers: Mapping[str, np.ndarray], values: np.ndarray) -> dict[str, np.ndarray]:
        pieces = {
            f"{name}_tau": np.array(self.global_scale),
            f"{name}_lambda": np.maximum(np.abs(values) / (numbers["scale"] * self.global_scale), 1.0),
        }
        return pieces | ({f"{name}_slab": np.array(self.slab_scale**2)} if self.has_slab else {})

    def pieces(self, name: str, numbers: Mapping[str, np.ndarray], values: np.ndarray) -> dict[str, np.ndarray]:
        found = self.factor_pieces(name, numbers, values)
        w = self.global_scale * found[f"{name}_lambda"]
        s = 1 / np.sqrt(w**-2.0 + (self.slab_scale**-2 if self.has_slab else 0.0))
        return found | {f"{name}_z": values / (numbers["scale"] * s)}


def gamma_nodes(shape: float) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of the mean over a gamma variable of rate 1: the trapezoid rule in its logarithm."""
    step = 0.4
    log_nodes = np.arange(-28.0 / (shape + 0.5), log(shape + 45.0), step)
    return np.exp(log_nodes), step * np.exp(shape * log_nodes - np.exp(log_nodes) - lgamma(shape))
