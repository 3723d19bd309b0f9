"""`BayesianResult`: draws of a posterior, read in the same tables as a likelihood fit."""

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesml.design.addresses import Address, effect_address, parameter_addresses
from bayesml.design.arrays import Design
from bayesml.errors import BayesmlWarning, SpecificationError, TooLarge
from bayesml.graphs.roles import Graph, build_graph
from bayesml.results import diagnostics
from bayesml.results.base import GroupDict, Result, predictors_of_effects
from bayesml.results.effects import conditional_moments, draw_effects
from bayesml.results.inference_data import posterior_dataset, row_dataset, to_datatree
from bayesml.results.posterior import (
    Posterior,
    column_pairs,
    effect_bytes,
    flat_draws,
    linear_predictors,
    term_covariance,
)
from bayesml.results.posterior_summary import interval_tails, summarise_posterior
from bayesml.results.predictive import PREDICTIVE_STREAM, log_likelihood, mean_responses, new_responses
from bayesml.results.prior_draws import draw_prior
from bayesml.results.response_scale import category_frame
from bayesml.results.variances import RESIDUAL, VARCORR_COLUMNS, pairs
from bayesml.tables.table import Table

PRIOR_STREAM = 4
EFFECT_LIMIT = 200_000_000
PARTS = {
    "coefficient": "fixed",
    "sd": "random",
    "corr": "random",
    "sigma": "ancillary",
    "ancillary": "ancillary",
}


@dataclass(frozen=True, eq=False, repr=False)
class BayesianResult(Result):
    """Draws of the joint posterior of a multilevel model.

    Estimates are posterior medians, standard errors posterior standard deviations, intervals
    equal-tailed: each cell summarises the draws of that quantity itself.

    Parameters
    ----------
    model : Model
    design : Design
    posterior : Posterior
    priors : ResolvedPriors
        The prior of each parameter with its numbers.

    Attributes
    ----------
    idata : xarray.DataTree
        Groups `posterior`, `sample_stats`, `observed_data`, `constant_data`, as ArviZ reads them;
        more on request: `log_likelihood()`, `posterior_predictive()`, `prior()`.
    status : SamplerStatus
        R-hat, effective sample sizes, divergences and E-BFMI, with advice.

    Notes
    -----
    Random effects that were integrated out are drawn from their exact conditional distribution, one draw a
    posterior draw, when they are first read. Where all draws would take more than 200 MB, exact
    conditional means and standard deviations are given in their place, unless `draw_effects` is called.
    """

    model: Any
    design: Design
    posterior: Posterior
    priors: Any = None
    kind = "bayesian"
    column_titles = ("posterior median", "sd", "credible interval")

    # -- draws -----------------------------------------------------------------------------------

    def draws(self, address: str) -> np.ndarray:
        """Draws of a parameter or random effect, shape (chain, draw), by its address.

        Raises
        ------
        ColumnNotFound
            The model has no such parameter; the message names the nearest.
        TooLarge
            It is a random effect, and the draws of all of them would take over 200 MB.
        """
        return self._draws_of(self.address(address))

    def _draws_of(self, found: Address) -> np.ndarray:
        post = self.posterior
        match found.kind:
            case "coefficient":
                return post.beta[..., found.column]
            case "sigma":
                return post.sigma
            case "ancillary":
                others = [own.name for own in self.ancillaries if own.name != "sigma"]
                return post.ancillary[..., others.index(found.text)]
            case "sd":
                sds = post.sds[found.term]
                return sds[..., min(found.column, sds.shape[-1] - 1)]
            case "corr":
                corrs = post.corrs[found.term]
                pairs = column_pairs(len(self.design.random[found.term].names))
                return corrs[..., pairs.index((found.column, found.other)) if corrs.shape[-1] > 1 else 0]
            case _:
                return self.effects[found.term][..., found.level, found.column]

    @property
    def effects(self) -> tuple[np.ndarray, ...]:
        """Draws of the random effects of each term, (chain, draw, J, q).

        Raises
        ------
        TooLarge
            They would take more than 200 MB and `draw_effects` was not called.
        """
        if self.posterior.effects is not None:
            return self.posterior.effects
        if not self.effects_fit:
            raise TooLarge(
                f"All draws of the random effects take {self._effect_bytes / 1e6:.0f} MB. Their means and standard "
                "deviations are in `ranef` and `ranef_se`; `draw_effects()` draws them all the same."
            )
        return self._drawn_effects

    @cached_property
    def _drawn_effects(self) -> tuple[np.ndarray, ...]:
        return draw_effects(self.design, self.posterior)

    def draw_effects(self) -> "BayesianResult":
        """Draw the random effects, whatever their size; returns the result itself."""
        if not self.effects_fit:
            for late in ("idata", "_effect_moments", "ranef", "ranef_se", "coef", "fitted", "fitted_predictors"):
                self.__dict__.pop(late, None)
            _ = self._drawn_effects
        return self

    @property
    def effects_fit(self) -> bool:
        """Whether draws of the random effects exist or take less than 200 MB."""
        drawn = self.posterior.effects is not None or "_drawn_effects" in self.__dict__
        return drawn or self._effect_bytes <= EFFECT_LIMIT

    @property
    def _effect_bytes(self) -> int:
        chains, draws = self.posterior.shape
        return effect_bytes(self.design, chains * draws)

    @cached_property
    def _effect_moments(self) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
        """Posterior medians (means, where draws are too large) and sds of the random effects."""
        if not self.effects_fit:
            return conditional_moments(self.design, self.posterior)
        flat = [flat_draws(b) for b in self.effects]
        return tuple(np.median(b, axis=0) for b in flat), tuple(b.std(axis=0, ddof=1) for b in flat)

    # -- tables ----------------------------------------------------------------------------------

    @cached_property
    def fixef(self) -> pd.Series:
        return self._coefficients(np.median(flat_draws(self.posterior.beta), axis=0), "estimate")

    @cached_property
    def se(self) -> pd.Series:
        return self._coefficients(flat_draws(self.posterior.beta).std(axis=0, ddof=1), "se")

    @cached_property
    def vcov(self) -> pd.DataFrame:
        names = self.coefficient_index
        values = np.atleast_2d(np.cov(flat_draws(self.posterior.beta), rowvar=False))
        return pd.DataFrame(values.reshape(len(names), len(names)), index=names, columns=names)

    def _coefficients(self, values: np.ndarray, name: str) -> pd.Series:
        return pd.Series(values, index=self.coefficient_index, name=name)

    @property
    def sigma(self) -> float:
        return float(np.median(self.posterior.sigma))

    @cached_property
    def varcorr(self) -> pd.DataFrame:
        return self.varcorr_table()

    def varcorr_table(self, ci_prob: float = 0.95) -> pd.DataFrame:
        """Variances, covariances and the residual variance.

        Parameters
        ----------
        ci_prob : float, default 0.95

        Returns
        -------
        DataFrame
            `group var1 var2 vcov sdcor se lower upper`; `vcov` is the median of the variance or covariance, with
            its sd and interval; `sdcor` the median of the standard deviation or correlation.
        """
        rows = []
        post = self.posterior
        for k, term in enumerate(self.design.random):
            G = term_covariance(term, post.sds[k], post.corrs[k])
            for i, name in enumerate(term.names):
                rows.append((term.group, name, "", G[..., i, i], np.sqrt(G[..., i, i])))
            for i, j in pairs(len(term.names)) if term.covariance.correlations != "none" else ():
                corr = self._draws_of(Address("corr", "", i, k, j))
                rows.append((term.group, term.names[i], term.names[j], G[..., i, j], corr))
        if self.sigma_free:
            rows.append((RESIDUAL, "", "", post.sigma**2, post.sigma))
        tails = interval_tails(ci_prob)
        cells = [
            (*names, np.median(vcov), np.median(sdcor), vcov.std(ddof=1), *np.quantile(vcov, tails))
            for *names, vcov, sdcor in rows
        ]
        return pd.DataFrame(cells, columns=VARCORR_COLUMNS)

    @cached_property
    def parameters(self) -> pd.DataFrame:
        return self.tidy()

    def tidy(self, ci_prob: float = 0.95, mixing: bool = True) -> pd.DataFrame:
        """Coefficients, standard deviations, correlations, sigma and other parameters of the family, one row each.

        Parameters
        ----------
        ci_prob : float, default 0.95
            Content of the equal-tailed intervals.
        mixing : bool, default True
            Whether to add R-hat and effective sample sizes.

        Returns
        -------
        DataFrame
            Index: addresses. Columns `part group name estimate se lower upper rhat ess_bulk ess_tail`.
        """
        found = parameter_addresses(self.design, self.ancillary)
        draws = np.stack([self._draws_of(address) for address in found], axis=-1)
        flat = flat_draws(draws)
        lower, upper = np.quantile(flat, interval_tails(ci_prob), axis=0)
        table = pd.DataFrame(
            {
                "part": [self.part(address) for address in found],
                "group": [self.design.random[a.term].group if a.term >= 0 else "" for a in found],
                "name": [address.text for address in found],
                "estimate": np.median(flat, axis=0),
                "se": flat.std(axis=0, ddof=1),
                "lower": lower,
                "upper": upper,
            },
            index=pd.Index([address.text for address in found], name="address"),
        )
        if mixing:
            table["rhat"] = diagnostics.rhat(draws)
            table["ess_bulk"] = diagnostics.ess(draws, "bulk")
            table["ess_tail"] = diagnostics.ess(draws, "tail")
        return table

    @cached_property
    def family_params(self) -> pd.DataFrame:
        """`estimate se lower upper` of the sampled parameters of the family: median, sd and 95 % limits of each."""
        own = self.parameters["part"].isin(["residual", "cutpoints", "ancillary"])
        return self.parameters.loc[own, ["estimate", "se", "lower", "upper"]]

    def part(self, address: Address) -> str:
        """Part of the model that a parameter belongs to: `fixed`, `random`, `residual`, `cutpoints`, `ancillary`."""
        if address.text in self._ordered:
            return "cutpoints"
        if address.text == self.model.family.scale_parameter:
            return "residual"
        return PARTS[address.kind]

    @cached_property
    def _ordered(self) -> frozenset[str]:
        """Names of the cut points."""
        return frozenset(own.name for own in self.ancillaries if own.domain == "ordered")

    def interval_frame(self, ci_prob: float = 0.95) -> pd.DataFrame:
        """`estimate se lower upper` of every parameter, by address."""
        return self.tidy(ci_prob, mixing=False)[["estimate", "se", "lower", "upper"]]

    def summary(self, ci_prob: float = 0.95, scale: str = "var", exponentiate: bool = False, **unknown: Any) -> Table:
        """The table of the posterior: medians, sds, equal-tailed intervals, R-hat and effective sample sizes.

        Parameters
        ----------
        ci_prob : float, default 0.95
            Content of the credible intervals.
        scale : {"var", "sd"}
            Variance components as variances and covariances, or as sds and correlations.
        exponentiate : bool, default False
            Summarise the draws of exp(coefficient).

        Returns
        -------
        Table
        """
        if unknown:
            raise SpecificationError(
                f"`{next(iter(unknown))}` is no option of this summary: ci_prob, scale, exponentiate."
            )
        return summarise_posterior(self, ci_prob, scale, exponentiate)

    def __getitem__(self, address: str) -> float:
        found = self.address(address)
        if found.kind == "effect":
            return float(self.effect_arrays()[found.term][found.level, found.column])
        return float(np.median(self._draws_of(found)))

    def effect_arrays(self) -> tuple[np.ndarray, ...]:
        return self._effect_moments[0]

    def effect_sds(self) -> tuple[np.ndarray, ...]:
        return self._effect_moments[1]

    @cached_property
    def coef(self) -> GroupDict:
        """Coefficients by level: medians of the draws of fixef + ranef (sums, where those are too large)."""
        if not self.effects_fit:
            return super().coef
        design, names = self.design, list(self.design.coefficients)
        shared = {} if len(design.predictors) == 1 else predictors_of_effects(design)
        medians = self.fixef.to_numpy()
        frames: dict[str, pd.DataFrame] = {}
        sums: dict[tuple[str, str], np.ndarray] = {}
        for term, b in zip(design.random, self.effects, strict=True):
            fixed = {name: np.full(len(term.levels), value) for name, value in zip(names, medians, strict=True)}
            frame = frames.setdefault(term.group, pd.DataFrame(fixed, index=term.levels))
            for i, name in enumerate(term.names):
                for target in shared.get(name, (name,)):
                    start = self.posterior.beta[..., [names.index(target)]] if target in names else 0.0
                    total = sums[term.group, target] = sums.get((term.group, target), start) + b[..., i]
                    frame[target] = np.median(flat_draws(total), axis=0)
        return GroupDict(frames)

    @cached_property
    def fitted(self) -> pd.Series | pd.DataFrame:
        """Posterior means of the conditional means of the responses, on the index of the data.

        Proportions for trials; for categories their probabilities, rows × categories.
        """
        if self.model.family.exact_with(self.model.link):
            return pd.Series(self.fitted_predictors, index=self.design.index, name="fitted")
        means = mean_responses(self.graph, self.posterior, self.effects)
        if self.design.categories:
            return category_frame(self.design, means)
        return pd.Series(means, index=self.design.index, name="fitted")

    @cached_property
    def fitted_predictors(self) -> np.ndarray:
        """Posterior means of the conditional linear predictors, (n,) or (n, K)."""
        means = [b.mean(axis=(0, 1)) for b in self.effects] if self.effects_fit else self.effect_arrays()
        etas = linear_predictors(self.design, flat_draws(self.posterior.beta).mean(axis=0), tuple(means), slice(None))
        return etas[0] if len(etas) == 1 else np.stack(etas, axis=-1)

    # -- state of the sampler --------------------------------------------------------------------

    @cached_property
    def status(self) -> diagnostics.SamplerStatus:
        """How sampling ended: R-hat, effective sample sizes, divergences and E-BFMI, with advice."""
        post = self.posterior
        found = list(parameter_addresses(self.design, self.ancillary))
        draws = [np.stack([self._draws_of(address) for address in found], axis=-1)]
        names = [address.text for address in found]
        if post.parametrisation != "marginal" and post.effects is not None:
            # Effects that were drawn exactly given the rest mix as the rest does; sampled ones are looked at too.
            for term, b in zip(self.design.random, self.effects, strict=True):
                draws.append(b.reshape(*post.shape, -1))
                places = np.ndindex(len(term.levels), len(term.names))
                names += [effect_address(term, i, level) for level, i in places]
        stacked = np.concatenate(draws, axis=-1)
        rhat, bulk, tail = diagnostics.rhat(stacked), diagnostics.ess(stacked), diagnostics.ess(stacked, "tail")
        worst = names[int(np.nanargmax(rhat))] if np.isfinite(rhat).any() else ""
        chains, n_draws = post.shape
        return diagnostics.SamplerStatus(
            rhat=smallest_or_nan(-rhat) * -1.0,
            worst=worst,
            ess_bulk=smallest_or_nan(bulk),
            ess_tail=smallest_or_nan(tail),
            # draws from a prior come without statistics of a sampler
            divergences=int(np.sum(post.stats.get("diverging", 0))),
            bfmi=float(diagnostics.bfmi(post.stats["energy"]).min()) if "energy" in post.stats else float("nan"),
            chains=chains,
            draws=n_draws,
            complete=post.complete,
            failures=post.failures,
        )

    # -- ArviZ -----------------------------------------------------------------------------------

    @cached_property
    def idata(self) -> xr.DataTree:
        """The draws as ArviZ reads them."""
        if not self.effects_fit:
            warnings.warn(
                f"The posterior is without the random effects: their draws take {self._effect_bytes / 1e6:.0f} MB. "
                "`draw_effects()` draws them.",
                BayesmlWarning,
                stacklevel=2,
            )
        effects = self.effects if self.effects_fit else None
        return to_datatree(self.graph, self.posterior, effects)

    @cached_property
    def graph(self) -> Graph:
        """The graph that was sampled, with the numbers of its priors."""
        return build_graph(self.model, self.design, self.priors)

    def log_likelihood(self) -> xr.DataTree:
        """Add the group `log_likelihood`, that of each row given the random effects, for `az.loo`; returns `idata`."""
        values = log_likelihood(self.graph, self.posterior, self.effects)
        return self._add_rows("log_likelihood", values)

    def posterior_predictive(self, random_seed: int | None = None) -> xr.DataTree:
        """Add the group `posterior_predictive`, a new response of each row at each draw; returns `idata`.

        The draws are those of `bml.posterior_predictive`, which does not need memory for all of them.

        Parameters
        ----------
        random_seed : int, optional
            Default: follows from the seed of the sampling.
        """
        seed = [self.posterior.seed if random_seed is None else random_seed, PREDICTIVE_STREAM]
        values = new_responses(self.graph, self.posterior, self.effects, seed)
        return self._add_rows("posterior_predictive", values)

    def prior_draws(self, draws: int, seed: int | list[int], effects: bool = False) -> "BayesianResult":
        """The same model's prior, as draws in one chain.

        Parameters
        ----------
        draws : int
        seed : int or list of int
        effects : bool, default False
            Whether to draw the random effects too.
        """
        prior = draw_prior(self.graph, draws, seed, effects)
        return BayesianResult(self.model, self.design, prior, self.graph.priors)

    def prior(self, draws: int = 1000, random_seed: int | None = None) -> xr.DataTree:
        """Add the groups `prior` and `prior_predictive`; returns `idata`.

        Parameters
        ----------
        draws : int, default 1000
        random_seed : int, optional
            Default: follows from the seed of the sampling.

        Raises
        ------
        SpecificationError
            A prior is improper.
        """
        if improper := [address for address, prior in self.graph.priors.items() if prior.improper]:
            raise SpecificationError(f"Nothing can be drawn from the flat prior of {', '.join(improper)}.")
        seed = [self.posterior.seed if random_seed is None else random_seed, PRIOR_STREAM]
        found = self.prior_draws(draws, seed, effects=True).posterior
        assert found.effects is not None
        values = new_responses(self.graph, found, found.effects, seed)
        self.idata["prior"] = xr.DataTree(posterior_dataset(self.graph, found, found.effects))
        self.idata["prior_predictive"] = xr.DataTree(row_dataset(self.graph, values))
        return self.idata

    def _add_rows(self, group: str, values: np.ndarray) -> xr.DataTree:
        self.idata[group] = xr.DataTree(row_dataset(self.graph, values))
        return self.idata


def smallest_or_nan(values: np.ndarray) -> float:
    """The smallest of the values that are numbers; NaN if there are none."""
    numbers = values[np.isfinite(values)]
    return float(numbers.min()) if len(numbers) else float("nan")
