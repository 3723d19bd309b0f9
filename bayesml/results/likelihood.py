"""`LikelihoodResult`: what `fit` returns."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr

from bayesml.design.addresses import Address, covariance_addresses
from bayesml.design.arrays import Design
from bayesml.errors import SpecificationError
from bayesml.graphs.roles import Graph, build_graph
from bayesml.results.base import Result
from bayesml.results.intervals import interval
from bayesml.results.summary import summarise
from bayesml.results.variances import VarianceEstimates
from bayesml.tables.table import Table

DEFAULT_CI_PROB = 0.95
TIDY_COLUMNS = ["part", "group", "name", "estimate", "se", "statistic", "ddf", "p", "lower", "upper"]


@dataclass(frozen=True, eq=False, repr=False)
class LikelihoodResult(Result):
    """Estimates of a model by maximum (restricted) likelihood or posterior mode.

    Everything with labels is built when it is first read; nothing of a result ever changes.

    Parameters
    ----------
    model : Model
        The specification.
    design : Design
        The arrays that it became.
    solution : Solution
        The numbers of the fit.

    Attributes
    ----------
    loglik, df, aic, bic : float
        Log likelihood (restricted, if `criterion` is ``"reml"``) with all constants; number of
        parameters; ``-2 loglik + 2 df``; ``-2 loglik + log(nobs) df``, as in lme4.
    criterion, integration : str
    nobs, ngroups : int, dict
    fixef, se, vcov
        Fixed effects over coefficient addresses; with several predictors over (predictor, address).
    vcov_all : DataFrame
        Covariance of coefficients, sds, correlations and parameters of the family, over their addresses.
    varcorr : DataFrame
        `group var1 var2 vcov sdcor se lower upper`; `se`, `lower`, `upper` belong to `vcov`.
    family_params : DataFrame
    ranef, ranef_se, coef : dict of DataFrame, by grouping factor
    fitted, residuals, standardized_residuals : Series, or DataFrame rows × categories
    parameters : DataFrame
    converged, boundary, status
        Whether the fit ended at an optimum; addresses of parameters at the boundary; the certificate.
    """

    model: Any
    design: Design
    solution: Any
    kind = "likelihood"

    @property
    def criterion(self) -> str:
        """`ml`, `reml` or `map`."""
        return str(self.solution.criterion)

    @property
    def integration(self) -> str:
        """How the random effects were integrated out."""
        return str(self.solution.integration)

    @property
    def loglik(self) -> float:
        """Log likelihood, restricted for REML, with all constants."""
        return float(self.solution.loglik)

    @property
    def df(self) -> int:
        """Number of parameters: coefficients, variances, covariances, parameters of the family."""
        return int(self.solution.n_parameters)

    @property
    def aic(self) -> float:
        """-2 loglik + 2 df."""
        return -2 * self.loglik + 2 * self.df

    @property
    def bic(self) -> float:
        """-2 loglik + log(nobs) df."""
        return -2 * self.loglik + float(np.log(self.nobs)) * self.df

    @property
    def sigma(self) -> float:
        """Scale parameter of the family, in a linear model the residual sd; 1 without one or where known by row."""
        return float(self.solution.sigma)

    @property
    def linear(self) -> bool:
        """Whether the model is linear and normal, and its responses are seen as they are."""
        return self.model.family.exact_with(self.model.link) and not self.model.response.needs_tails

    @cached_property
    def graph(self) -> Graph:
        """The model on its data, with the parameters that are held."""
        return build_graph(self.model, self.design)

    @property
    def ancillary(self) -> tuple[str, ...]:
        """Names of the parameters of the family that were estimated: neither known for each row nor fixed."""
        return tuple(own.name for own in self.ancillaries if own.name not in self.graph.held)

    @property
    def ancillary_values(self) -> tuple[float, ...]:
        """Estimates of `ancillaries`, on natural scales."""
        return tuple(map(float, self.solution.ancillary_values))

    @property
    def status(self) -> Any:
        """The certificate of the optimum, with its advice."""
        return self.solution.status

    @property
    def converged(self) -> bool:
        """Whether the fit ended at an optimum."""
        return bool(self.solution.status.converged)

    @property
    def boundary(self) -> list[str]:
        """Addresses of the parameters at the boundary of their range; empty for most fits."""
        return list(self.solution.boundary)

    @cached_property
    def fixef(self) -> pd.Series:
        """Fixed effects over coefficient addresses."""
        return pd.Series(self.solution.beta, index=self.coefficient_index, name="estimate")

    @cached_property
    def se(self) -> pd.Series:
        """Standard errors of the fixed effects."""
        return pd.Series(np.sqrt(np.diag(self.solution.vcov_beta)), index=self.coefficient_index, name="se")

    @cached_property
    def vcov(self) -> pd.DataFrame:
        """Covariance matrix of the fixed effects, (X'V⁻¹X)⁻¹."""
        return pd.DataFrame(self.solution.vcov_beta, index=self.coefficient_index, columns=self.coefficient_index)

    @cached_property
    def variances(self) -> VarianceEstimates:
        """Variance parameters and those of the family with labels and standard errors."""
        return VarianceEstimates(
            self.design,
            self.solution.covariances,
            self.sigma,
            self.solution.variance_parameters(),
            self.ancillaries,
            self.ancillary_values,
            self.model.family.scale_parameter if self.graph.has_scale else None,
        )

    @cached_property
    def varcorr(self) -> pd.DataFrame:
        """Variances and covariances, with 95 % intervals: of variances on the log scale, of covariances symmetric.

        Variances first, then the covariances of the term, the residual last. `sdcor` is the sd or
        the correlation. NaN where a parameter is on the boundary.
        """
        return self.variances.varcorr(DEFAULT_CI_PROB)

    @cached_property
    def family_params(self) -> pd.DataFrame:
        """`estimate se lower upper` of the estimated parameters of the family, on natural scales."""
        natural = self.variances.natural(DEFAULT_CI_PROB)
        return natural.loc[[a.text for a in self.variances.addresses if a.term < 0]]

    @cached_property
    def vcov_all(self) -> pd.DataFrame:
        """Covariance of all parameters: coefficients, sds, correlations, parameters of the family.

        In linear models coefficients and variance parameters are independent asymptotically: their block is zero.
        """
        index = self.flat_index.append(pd.Index([a.text for a in self.variances.addresses]))
        p = len(self.flat_index)
        out = np.zeros((len(index), len(index)))
        out[:p, :p], out[p:, p:] = self.solution.vcov_beta, self.variances.natural_vcov
        out[:p, p:] = self.variances.natural_cross(self.solution.cross_covariance())
        out[p:, :p] = out[:p, p:].T
        index = index.rename("address")
        return pd.DataFrame(out, index=index, columns=index)

    def effect_arrays(self) -> tuple[np.ndarray, ...]:
        """Conditional modes of each term, (J, q)."""
        return self.solution.modes()

    def effect_sds(self) -> tuple[np.ndarray, ...]:
        """Sds of the random effects given y at fixed parameters, (J, q)."""
        return tuple(block_sds(blocks) for blocks in self.solution.conditional_covariance())

    @cached_property
    def held(self) -> dict[str, float]:
        """Parameters that were held fixed and not estimated, with their values."""
        out = {name: float(b) for name, b, se in zip(self.flat_index, self.fixef, self.se, strict=True) if se == 0}
        parameters = covariance_addresses(self.design)
        for address in parameters:
            if self.variances.own_position(address) is None:
                out[address.text] = float(self.parameters.at[address.text, "estimate"])
        for own, value in zip(self.ancillaries, self.ancillary_values, strict=True):
            if own.name not in self.ancillary:
                out[own.name] = value
        return out

    @cached_property
    def fitted(self) -> pd.Series | pd.DataFrame:
        """Means at the conditional modes, on the index of the data, on the response scale.

        In linear models X beta + Z b; proportions for trials; for categories their probabilities, rows × categories.
        """
        return self.means()

    @property
    def fitted_predictors(self) -> np.ndarray:
        """Linear predictors at the conditional modes, (n,) or (n, K)."""
        return self.solution.fitted()

    @cached_property
    def parameters(self) -> pd.DataFrame:
        """Every estimate by address: `part group name estimate se statistic ddf p lower upper`.

        Coefficients: z and normal p (`ddf` infinite), symmetric intervals. Sds and positive parameters of the family:
        intervals on the log scale; correlations: on the atanh scale; cut points: symmetric. None of them has a
        statistic. NaN beside what was held fixed. `part` is ``"fixed"``, ``"random"``, ``"residual"`` (sigma),
        ``"cutpoints"`` or ``"ancillary"``.
        """
        return self.tidy(DEFAULT_CI_PROB)

    def tidy(self, ci_prob: float = DEFAULT_CI_PROB) -> pd.DataFrame:
        """`parameters` with intervals of another content."""
        values = {"estimate": self.fixef.to_numpy(), "se": self.se.to_numpy()}
        fixed = pd.DataFrame({"part": "fixed", "group": "", **values}, index=self.flat_index)
        fixed["statistic"], fixed["ddf"] = fixed["estimate"] / fixed["se"], np.inf
        fixed["p"] = 2 * ndtr(-fixed["statistic"].abs())
        fixed["lower"], fixed["upper"] = interval(fixed["estimate"], fixed["se"], ci_prob)
        fixed.loc[fixed["se"] == 0, ["se", "statistic", "ddf", "p", "lower", "upper"]] = np.nan
        addresses = self.variances.addresses
        other = self.variances.natural(ci_prob)
        other["part"] = [self.part(address) for address in addresses]
        other["group"] = [self.design.random[a.term].group if a.term >= 0 else "" for a in addresses]
        other["statistic"] = other["ddf"] = other["p"] = np.nan
        frame = pd.concat([part for part in (fixed, other) if len(part)])
        return frame.assign(name=frame.index)[TIDY_COLUMNS]

    def part(self, address: Address) -> str:
        """Part of the model that a parameter other than a coefficient belongs to."""
        if address.term >= 0:
            return "random"
        if address.text == self.variances.scale_parameter:
            return "residual"
        return "cutpoints" if self.variances.domain(address) == "ordered" else "ancillary"

    def interval_frame(self, ci_prob: float = DEFAULT_CI_PROB) -> pd.DataFrame:
        """`estimate se lower upper` of every parameter, by address."""
        return self.tidy(ci_prob)[["estimate", "se", "lower", "upper"]]

    @property
    def column_titles(self) -> tuple[str, str, str]:
        """What `interval_frame` holds, for the header of a table."""
        return f"{self.criterion.upper()} estimate", "se", "confidence interval"

    def summary(
        self,
        ci_prob: float = DEFAULT_CI_PROB,
        exponentiate: bool = False,
        scale: str = "var",
        base_levels: bool = False,
        **unknown: Any,
    ) -> Table:
        """The table of the fit.

        Parameters
        ----------
        ci_prob : float, default 0.95
            Content of the confidence intervals.
        exponentiate : bool, default False
            Show exp(coefficient), with limits exp(limits) and standard error exp(b) se: odds, rate, hazard or time
            ratios, as the family and link have it.
        scale : {"var", "sd"}
            Variance components as variances and covariances, sds and correlations beside them; or the other way round.
        base_levels : bool, default False
            Show the base level of each factor.

        Returns
        -------
        Table
        """
        if unknown:
            raise SpecificationError(
                f"`{next(iter(unknown))}` is no option of a summary: ci_prob, exponentiate, scale, base_levels."
            )
        return summarise(self, ci_prob, exponentiate, scale, base_levels)


def block_sds(blocks: np.ndarray) -> np.ndarray:
    """Square roots of the diagonals of (J, q, q)."""
    return np.sqrt(np.maximum(np.einsum("jii->ji", blocks), 0.0))
