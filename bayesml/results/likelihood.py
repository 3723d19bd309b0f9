"""`LikelihoodResult`: what `fit` returns."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr

from bayesml.design.addresses import covariance_addresses
from bayesml.design.arrays import Design
from bayesml.errors import SpecificationError
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
        Fixed effects over coefficient addresses.
    vcov_all : DataFrame
        Covariance of coefficients, sds, correlations and sigma, over their addresses.
    varcorr : DataFrame
        `group var1 var2 vcov sdcor se lower upper`; `se`, `lower`, `upper` belong to `vcov`.
    family_params : DataFrame
    ranef, ranef_se, coef : dict of DataFrame, by grouping factor
    fitted, residuals, standardized_residuals : Series
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
        """Number of parameters: coefficients, variances, covariances, sigma."""
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
        """Residual standard deviation; 1 where each row's is known."""
        return float(self.solution.sigma)

    @property
    def sigma_free(self) -> bool:
        """Whether the residual standard deviation was estimated: neither known for each row nor fixed."""
        return bool(self.solution.sigma_free)

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
    def coefficient_index(self) -> pd.Index:
        """Addresses of the coefficients."""
        return pd.Index(self.design.coefficients, name="address")

    @cached_property
    def variances(self) -> VarianceEstimates:
        """Variance parameters with labels and standard errors."""
        return VarianceEstimates(
            self.design, self.solution.covariances, self.sigma, self.solution.variance_parameters()
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
        """`estimate se lower upper` of the parameters of the family, on natural scales: sigma."""
        natural = self.variances.natural(DEFAULT_CI_PROB)
        return natural.loc[[a.text for a in self.variances.addresses if a.kind == "sigma"]]

    @cached_property
    def vcov_all(self) -> pd.DataFrame:
        """Covariance of all parameters: coefficients, sds, correlations, sigma.

        Coefficients and variance parameters are independent asymptotically: their block is zero.
        """
        index = self.coefficient_index.append(pd.Index([a.text for a in self.variances.addresses]))
        p = len(self.coefficient_index)
        out = np.zeros((len(index), len(index)))
        out[:p, :p], out[p:, p:] = self.solution.vcov_beta, self.variances.natural_vcov
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
        out = {name: float(b) for name, b, se in zip(self.fixef.index, self.fixef, self.se, strict=True) if se == 0}
        parameters = covariance_addresses(self.design)
        for address in parameters:
            if self.variances.own_position(address) is None:
                out[address.text] = float(self.parameters.at[address.text, "estimate"])
        if not self.sigma_free and self.design.known_sd is None:
            out["sigma"] = self.sigma
        return out

    @cached_property
    def fitted(self) -> pd.Series:
        """X beta + Z b at the conditional modes, on the index of the data."""
        return pd.Series(self.solution.fitted(), index=self.design.index, name="fitted")

    @cached_property
    def parameters(self) -> pd.DataFrame:
        """Every estimate by address: `part group name estimate se statistic ddf p lower upper`.

        Coefficients: z and normal p (`ddf` infinite), symmetric intervals. Sds and sigma: intervals
        on the log scale; correlations: on the atanh scale; neither has a statistic. NaN beside what was held fixed.
        """
        return self.tidy(DEFAULT_CI_PROB)

    def tidy(self, ci_prob: float = DEFAULT_CI_PROB) -> pd.DataFrame:
        """`parameters` with intervals of another content."""
        fixed = pd.DataFrame({"part": "fixed", "group": "", "estimate": self.fixef, "se": self.se})
        fixed["statistic"], fixed["ddf"] = fixed["estimate"] / fixed["se"], np.inf
        fixed["p"] = 2 * ndtr(-fixed["statistic"].abs())
        fixed["lower"], fixed["upper"] = interval(fixed["estimate"], fixed["se"], ci_prob)
        fixed.loc[fixed["se"] == 0, ["se", "statistic", "ddf", "p", "lower", "upper"]] = np.nan
        addresses = self.variances.addresses
        other = self.variances.natural(ci_prob)
        other["part"] = ["random" if a.term >= 0 else "residual" for a in addresses]
        other["group"] = [self.design.random[a.term].group if a.term >= 0 else "" for a in addresses]
        other["statistic"] = other["ddf"] = other["p"] = np.nan
        frame = pd.concat([part for part in (fixed, other) if len(part)])
        return frame.assign(name=frame.index)[TIDY_COLUMNS]

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
            Show exp(coefficient), with limits exp(limits) and standard error exp(b) se.
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
