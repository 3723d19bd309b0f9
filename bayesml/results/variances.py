"""Variance parameters of a likelihood fit: variances, sds and correlations with their standard errors."""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import pandas as pd

from bayesml.design.addresses import Address, covariance_addresses
from bayesml.design.arrays import Design
from bayesml.results.intervals import interval

RESIDUAL = "Residual"
VARCORR_COLUMNS = ["group", "var1", "var2", "vcov", "sdcor", "se", "lower", "upper"]


class VarianceParameters(Protocol):
    """Free entries of the G_k, `(k, i, j)`, and `"sigma2"`: names, estimates and covariance."""

    names: tuple
    estimate: np.ndarray
    vcov: np.ndarray


@dataclass(frozen=True, eq=False)
class VarianceEstimates:
    """Variance parameters with labels.

    Standard errors of sds and correlations follow by the delta method from those of variances and
    covariances. What is on the boundary has NaN: no standard error exists there.

    Parameters
    ----------
    design : Design
    covariances : tuple of ndarray
        G of each random term.
    sigma : float
    parameters : VarianceParameters
    """

    design: Design
    covariances: tuple[np.ndarray, ...]
    sigma: float
    parameters: VarianceParameters

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
        """Addresses of the natural parameters: sds, correlations, sigma."""
        sigma = (Address("sigma", "sigma"),) if "sigma2" in self.positions else ()
        return (*covariance_addresses(self.design), *sigma)

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
            if a.kind == "sigma":
                values.append(self.sigma)
            elif a.kind == "sd":
                values.append(np.sqrt(self.covariances[a.term][a.column, a.column]))
            else:
                values.append(self.correlation(a.term, a.column, a.other))
        return np.array(values, float)

    def own_position(self, address: Address) -> int | None:
        """Position of the variance or covariance behind an sd, correlation or sigma; None where that was held fixed."""
        if address.kind == "sigma":
            return self.positions.get("sigma2")
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
            if address.kind == "sigma":
                out[own] = 0.5 / self.sigma
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
    def natural_vcov(self) -> np.ndarray:
        """Covariance of `natural_estimate`; NaN where a parameter that it depends on is on the boundary."""
        if not self.addresses:
            return np.zeros((0, 0))
        jacobian = np.stack([self.slopes(address) for address in self.addresses])
        vcov = self.parameters.vcov
        free = ~np.isnan(np.diag(vcov))
        known = np.isfinite(jacobian).all(axis=1)
        known[known] = (jacobian[np.ix_(known, ~free)] == 0).all(axis=1)
        out = np.full((len(jacobian), len(jacobian)), np.nan)
        J = jacobian[np.ix_(known, free)]
        out[np.ix_(known, known)] = J @ vcov[np.ix_(free, free)] @ J.T
        return out

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
        if self.design.known_sd is None:
            low, high = interval(self.sigma**2, self.sigma2_se, ci_prob, "log")
            rows.append((RESIDUAL, "", "", self.sigma**2, self.sigma, self.sigma2_se, low, high))
        frame = pd.DataFrame(rows, columns=VARCORR_COLUMNS)
        return frame.astype(dict.fromkeys(VARCORR_COLUMNS[3:], float))

    def natural(self, ci_prob: float) -> pd.DataFrame:
        """`estimate se lower upper` of sds (log scale), correlations (atanh scale) and sigma, by address."""
        se = np.sqrt(np.maximum(np.diag(self.natural_vcov), 0.0))  # NaN stays; rounding may leave -0
        is_corr = np.array([a.kind == "corr" for a in self.addresses], bool)
        limits = [
            np.where(is_corr, c, s)
            for c, s in zip(
                interval(self.natural_estimate, se, ci_prob, "atanh"),
                interval(self.natural_estimate, se, ci_prob, "log"),
                strict=True,
            )
        ]
        return pd.DataFrame(
            {"estimate": self.natural_estimate, "se": se, "lower": limits[0], "upper": limits[1]},
            index=pd.Index([a.text for a in self.addresses], name="address"),
        )


def pairs(q: int) -> list[tuple[int, int]]:
    """Pairs i < j of q columns, i first, as in lme4's tables."""
    return [(i, j) for i in range(q) for j in range(i + 1, q)]
