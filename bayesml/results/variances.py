"""Variances, sds, correlations and parameters of the family of a likelihood fit, with their standard errors."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import pandas as pd

from bayesml.design.addresses import Address, ancillary_addresses, covariance_addresses
from bayesml.design.arrays import Design
from bayesml.families.ancillary import Ancillary
from bayesml.results.intervals import Scale, interval

RESIDUAL = "Residual"
SCALES: dict[str, Scale] = {"positive": "log", "correlation": "atanh", "real": "identity", "ordered": "identity"}
"""The scale on which limits of a parameter are symmetric, by its domain."""
VARCORR_COLUMNS = ["group", "var1", "var2", "vcov", "sdcor", "se", "lower", "upper"]


class VarianceParameters(Protocol):
    """Free entries of the G_k, `(k, i, j)`, `"sigma2"` and `("ancillary", a)`: names, estimates and covariance."""

    names: tuple
    estimate: np.ndarray
    vcov: np.ndarray


@dataclass(frozen=True, eq=False)
class VarianceEstimates:
    """Variance and ancillary parameters with labels.

    Standard errors of sds and correlations follow by the delta method from those of variances and
    covariances. What is on the boundary has NaN: no standard error exists there.

    Parameters
    ----------
    design : Design
    covariances : tuple of ndarray
        G of each random term.
    sigma : float
        The scale parameter of the family; 1 without one.
    parameters : VarianceParameters
    ancillaries : tuple of Ancillary
        Parameters of the family besides its predictors, free or held.
    values : sequence of float
        Their estimates, on natural scales.
    scale_parameter : str or None
        Name of the one whose square is `"sigma2"` among the parameters.
    """

    design: Design
    covariances: tuple[np.ndarray, ...]
    sigma: float
    parameters: VarianceParameters
    ancillaries: tuple[Ancillary, ...] = ()
    values: Sequence[float] = ()
    scale_parameter: str | None = None

    @cached_property
    def positions(self) -> dict:
        """Position of each free entry among the parameters."""
        return {name: position for position, name in enumerate(self.parameters.names)}

    def position(self, k: int, i: int, j: int) -> int | None:
        """Position of entry (i, j) of G_k; None where it is no free parameter (a zero by structure)."""
        if self.design.random[k].covariance.common_sd:
            i, j = (0, 0) if i == j else (1, 0)
        return self.positions.get((k, max(i, j), min(i, j)))

    def direction(self, k: int, i: int, j: int) -> np.ndarray:
        """Derivative of G_k to its free entry (i, j), (q, q): ones where the parameter stands."""
        q = len(self.design.random[k].names)
        if self.design.random[k].covariance.common_sd:
            return np.eye(q) if i == j else 1 - np.eye(q)
        E = np.zeros((q, q))
        E[i, j] = E[j, i] = 1.0
        return E

    def entry_se(self, k: int, i: int, j: int) -> float:
        """Standard error of entry (i, j) of G_k."""
        return self.root_of_variance(self.position(k, i, j))

    @property
    def sigma2_se(self) -> float:
        """Standard error of sigma²; NaN where it is known."""
        return self.root_of_variance(self.positions.get("sigma2"))

    def root_of_variance(self, position: int | None) -> float:
        """Standard error of a parameter; NaN where it has none, as where the information is not positive."""
        variance = np.nan if position is None else self.parameters.vcov[position, position]
        return float(np.sqrt(variance)) if variance >= 0.0 else np.nan

    @cached_property
    def addresses(self) -> tuple[Address, ...]:
        """Addresses of the natural parameters: sds, correlations, those of the family that are free."""
        free = tuple(own.name for own in self.ancillaries if self.ancillary_position(own.name) is not None)
        return (*covariance_addresses(self.design), *ancillary_addresses(free))

    @cached_property
    def ancillary_places(self) -> dict[str, int]:
        """Position of each parameter of the family among `ancillaries`, by its name."""
        return {own.name: place for place, own in enumerate(self.ancillaries)}

    def ancillary_position(self, name: str) -> int | None:
        """Position of a parameter of the family among the free ones; None where it was held fixed."""
        if name == self.scale_parameter:
            return self.positions.get("sigma2")
        return self.positions.get(("ancillary", self.ancillary_places[name]))

    def domain(self, address: Address) -> str:
        """Domain of a parameter: `positive`, `real` or `ordered`; `correlation`."""
        if address.kind == "corr":
            return "correlation"
        return "positive" if address.kind == "sd" else self.ancillaries[self.ancillary_places[address.text]].domain

    def correlation(self, k: int, i: int, j: int) -> float:
        """Correlation of two columns; NaN where one of the variances is zero."""
        G = self.covariances[k]
        scale = np.sqrt(G[i, i] * G[j, j])
        return float(G[i, j] / scale) if scale > 0 else np.nan

    @cached_property
    def natural_estimate(self) -> np.ndarray:
        """Estimates of `addresses`."""
        values = []
        for a in self.addresses:
            if a.term < 0:
                values.append(self.values[self.ancillary_places[a.text]])
            elif a.kind == "sd":
                values.append(np.sqrt(self.covariances[a.term][a.column, a.column]))
            else:
                values.append(self.correlation(a.term, a.column, a.other))
        return np.array(values, float)

    def own_position(self, address: Address) -> int | None:
        """Position of the variance or covariance behind a natural parameter; None where that was held fixed."""
        if address.term < 0:
            return self.ancillary_position(address.text)
        return self.position(address.term, address.column, address.column if address.kind == "sd" else address.other)

    def slopes(self, address: Address) -> np.ndarray:
        """Derivatives of a natural parameter to all variance parameters; NaN where it has none, or is itself fixed."""
        k, i, j = address.term, address.column, address.column if address.kind == "sd" else address.other
        own = self.own_position(address)
        out = np.zeros(len(self.parameters.names))
        at_one = address.kind == "corr" and abs(self.correlation(k, i, j)) > 1 - 1e-7  # on the boundary
        if own is None or at_one:
            return np.full_like(out, np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            if address.term < 0:
                out[own] = 0.5 / self.sigma if address.text == self.scale_parameter else 1.0
                return out
            G = self.covariances[k]
            if address.kind == "sd":
                out[own] = 0.5 / np.sqrt(G[i, i])
                return out
            out[own] = 1 / np.sqrt(G[i, i] * G[j, j])
            for column in (i, j):
                variance = self.position(k, column, column)
                if variance is not None:
                    out[variance] -= self.correlation(k, i, j) / (2 * G[column, column])
        return out

    @cached_property
    def jacobian(self) -> np.ndarray:
        """Derivatives (natural, variance parameters); rows of NaN where a parameter has no standard error."""
        if not self.addresses:
            return np.zeros((0, len(self.parameters.names)))
        jacobian = np.stack([self.slopes(address) for address in self.addresses])
        on_fixed = ~np.isfinite(jacobian).all(axis=1) | (jacobian[:, ~self.free] != 0).any(axis=1)
        jacobian[on_fixed] = np.nan
        return jacobian

    @cached_property
    def free(self) -> np.ndarray:
        """Which variance parameters have a standard error, bool (v,)."""
        return ~np.isnan(np.diag(self.parameters.vcov))

    @cached_property
    def natural_vcov(self) -> np.ndarray:
        """Covariance of `natural_estimate`; NaN where a parameter that it depends on is on the boundary."""
        J = self.jacobian[:, self.free]
        vcov = J @ self.parameters.vcov[np.ix_(self.free, self.free)] @ J.T
        vcov[self.without_se] = vcov[:, self.without_se] = np.nan
        return vcov

    @cached_property
    def without_se(self) -> np.ndarray:
        """Which natural parameters have no standard error, bool; products over no free parameter would be zero."""
        return np.isnan(self.jacobian).any(axis=1)

    def natural_cross(self, cross: np.ndarray) -> np.ndarray:
        """Covariance (p, natural) of the coefficients with `natural_estimate`.

        Parameters
        ----------
        cross : ndarray (p, v)
            Their covariance with the variance parameters.
        """
        own = cross[:, self.free] @ self.jacobian[:, self.free].T
        own[:, self.without_se] = np.nan
        return own

    def varcorr(self, ci_prob: float) -> pd.DataFrame:
        """`group var1 var2 vcov sdcor se lower upper`: variances, then covariances of each term, residual last."""
        rows = []
        for k, (term, G) in enumerate(zip(self.design.random, self.covariances, strict=True)):
            q = len(term.names)
            for i in range(q):
                se = self.entry_se(k, i, i)
                low, high = interval(G[i, i], se, ci_prob, "log")
                rows.append((term.group, term.names[i], "", G[i, i], np.sqrt(G[i, i]), se, low, high))
            for i, j in pairs(q) if term.covariance.correlations != "none" else ():
                se = self.entry_se(k, i, j)
                low, high = interval(G[i, j], se, ci_prob)
                rows.append(
                    (term.group, term.names[i], term.names[j], G[i, j], self.correlation(k, i, j), se, low, high)
                )
        if self.scale_parameter is not None:
            low, high = interval(self.sigma**2, self.sigma2_se, ci_prob, "log")
            rows.append((RESIDUAL, "", "", self.sigma**2, self.sigma, self.sigma2_se, low, high))
        frame = pd.DataFrame(rows, columns=VARCORR_COLUMNS)
        return frame.astype(dict.fromkeys(VARCORR_COLUMNS[3:], float))

    def natural(self, ci_prob: float) -> pd.DataFrame:
        """`estimate se lower upper` by address; limits on the log scale if positive, atanh for correlations."""
        estimate = self.natural_estimate
        se = np.sqrt(np.maximum(np.diag(self.natural_vcov), 0.0))  # NaN stays; rounding may leave -0
        scales = [SCALES[self.domain(address)] for address in self.addresses]
        limits = [interval(x, s, ci_prob, scale) for x, s, scale in zip(estimate, se, scales, strict=True)]
        return pd.DataFrame(
            {
                "estimate": estimate,
                "se": se,
                "lower": np.array([low for low, _ in limits], float),
                "upper": np.array([high for _, high in limits], float),
            },
            index=pd.Index([a.text for a in self.addresses], name="address"),
        )


def pairs(q: int) -> list[tuple[int, int]]:
    """Pairs i < j of q columns, i first, as in lme4's tables."""
    return [(i, j) for i in range(q) for j in range(i + 1, q)]
