"""The interface that every result of a model has, whichever engine made it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from importlib import import_module
from os import PathLike
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from bayesml.design.addresses import Address, find_address, not_found
from bayesml.design.arrays import Design
from bayesml.errors import SpecificationError
from bayesml.families.ancillary import Ancillary
from bayesml.results.response_scale import (
    category_frame,
    family_parameters,
    indicators,
    proportions,
    row_scale,
    split_predictors,
    trials_of,
)
from bayesml.tables.table import Table


class GroupDict(dict[str, Any]):
    """A dict by grouping factor, whose parts may stand in any order: lme4's `class:school` finds `school:class`."""

    def __missing__(self, name: str) -> Any:
        parts = sorted(str(name).split(":"))
        for own, value in self.items():
            if sorted(own.split(":")) == parts:
                return value
        raise not_found("grouping factor", name, self)


class Result(ABC):
    """What `fit` and `sample` return has in common.

    An engine supplies the abstract properties; each of its cells summarises that engine's own
    numbers (estimates and standard errors, or draws). All labels are the user's own.

    Attributes
    ----------
    model : Model
        The specification.
    design : Design
        The arrays that it became.
    """

    model: Any
    design: Design
    kind: ClassVar[str]

    # -- supplied by the engine ------------------------------------------------------------

    @property
    @abstractmethod
    def fixef(self) -> pd.Series:
        """Fixed effects over coefficient addresses."""

    @property
    @abstractmethod
    def se(self) -> pd.Series:
        """Standard errors (posterior sds) of the fixed effects."""

    @property
    @abstractmethod
    def vcov(self) -> pd.DataFrame:
        """Covariance matrix of the fixed effects."""

    @property
    @abstractmethod
    def varcorr(self) -> pd.DataFrame:
        """Variances and covariances: `group var1 var2 vcov sdcor se lower upper`."""

    @property
    @abstractmethod
    def sigma(self) -> float:
        """Residual standard deviation; 1 where each row's is known."""

    @property
    @abstractmethod
    def parameters(self) -> pd.DataFrame:
        """Every estimate in one tidy frame, indexed by address."""

    @property
    @abstractmethod
    def column_titles(self) -> tuple[str, str, str]:
        """What estimate, `se` and interval are called: `("posterior median", "sd", "credible interval")`."""

    @abstractmethod
    def interval_frame(self, ci_prob: float = 0.95) -> pd.DataFrame:
        """`estimate se lower upper` of every parameter, by address."""

    @abstractmethod
    def effect_arrays(self) -> tuple[np.ndarray, ...]:
        """Random effects of each term, (J, q): conditional modes or posterior means."""

    @abstractmethod
    def effect_sds(self) -> tuple[np.ndarray, ...]:
        """Standard deviations of the random effects of each term, (J, q)."""

    @property
    @abstractmethod
    def fitted(self) -> pd.Series | pd.DataFrame:
        """Conditional fitted values on the response scale, on the index of the data.

        Means; proportions for trials; for categories their probabilities, rows × categories.
        """

    @property
    def ancillary_values(self) -> tuple[float, ...]:
        """Estimates of `ancillaries`, on natural scales."""
        return tuple(self[name] for name in self.ancillary)

    @abstractmethod
    def summary(self, ci_prob: float = 0.95, **options: Any) -> Table:
        """The table of the result."""

    # -- the same for all ------------------------------------------------------------------

    @property
    def nobs(self) -> int:
        """Number of rows used."""
        return self.design.nobs

    @cached_property
    def coefficient_index(self) -> pd.Index:
        """Addresses of the coefficients; with several predictors their names stand in an outer level."""
        design = self.design
        if len(design.predictors) == 1:
            return self.flat_index
        predictors = [design.predictors[place] for place in design.fixed_predictors]
        names = [c.removeprefix(f"{p}: ") for c, p in zip(design.coefficients, predictors, strict=True)]
        return pd.MultiIndex.from_arrays([predictors, names], names=["predictor", "address"])

    @property
    def flat_index(self) -> pd.Index:
        """Addresses of the coefficients in one level."""
        return pd.Index(self.design.coefficients, name="address")

    @property
    def sigma2(self) -> float:
        """Residual variance."""
        return self.sigma**2

    @cached_property
    def ngroups(self) -> GroupDict:
        """Number of levels of each grouping factor."""
        return GroupDict({term.group: len(term.levels) for term in self.design.random})

    @cached_property
    def group_sizes(self) -> pd.DataFrame:
        """Rows a level: `levels smallest average largest`, one row a grouping factor."""
        counts = self.design.frequencies
        sizes = {term.group: np.bincount(term.codes, counts, len(term.levels)) for term in self.design.random}
        rows = {group: (len(n), int(n.min()), float(n.mean()), int(n.max())) for group, n in sizes.items()}
        return pd.DataFrame.from_dict(
            rows, orient="index", columns=["levels", "smallest", "average", "largest"]
        ).rename_axis("group")

    @cached_property
    def ranef(self) -> GroupDict:
        """Random effects: for each grouping factor a DataFrame levels × columns."""
        return effect_frames(self.design, self.effect_arrays())

    @cached_property
    def ranef_se(self) -> GroupDict:
        """Standard deviations of the random effects, in the shape of `ranef`."""
        return effect_frames(self.design, self.effect_sds())

    @cached_property
    def coef(self) -> GroupDict:
        """Coefficients by level: fixef + ranef, for each grouping factor a DataFrame levels × columns."""
        fixef = pd.Series(self.fixef.to_numpy(), index=self.design.coefficients)
        by_predictor = {} if len(self.design.predictors) == 1 else predictors_of_effects(self.design)
        return GroupDict(
            {group: level_coefficients(fixef, effects, by_predictor) for group, effects in self.ranef.items()}
        )

    @cached_property
    def observed(self) -> pd.Series:
        """The response of the rows used: numbers; proportions of trials; labels of categories."""
        design = self.design
        if design.categories:
            ordered = self.model.family.outcome == "ordered"
            labels = pd.Categorical.from_codes(design.y.astype(int), list(design.categories), ordered)
            return pd.Series(labels, index=design.index, name=design.response_name)
        return pd.Series(proportions(design, design.y), index=design.index, name=design.response_name)

    @cached_property
    def residuals(self) -> pd.Series | pd.DataFrame:
        """Response minus fitted, on the index of the data.

        Of categories: 1 or 0 minus the probability of each, rows × categories. Of censored responses: the limit, or
        the middle of the interval, minus the mean, which is no residual in the usual sense.
        """
        if self.design.categories:
            return category_frame(self.design, indicators(self.design) - self.fitted.to_numpy())
        return (self.observed - self.fitted).rename("residual")

    @cached_property
    def standardized_residuals(self) -> pd.Series | pd.DataFrame:
        """Pearson residuals: over the standard deviation of a response at its fitted mean.

        In a linear model ``sqrt(w) (y - fitted) / sigma``; of categories ``(1 or 0 - p) / sqrt(p (1 - p))``.
        """
        if self.design.categories:
            p = self.fitted.to_numpy()
            return category_frame(self.design, self.residuals.to_numpy() / np.sqrt(p * (1 - p)))
        trials = trials_of(self.design)
        variance = self.model.family.variance(self.fitted_parameters)
        sd = np.sqrt(variance if trials is None else variance / trials)
        return (self.residuals / sd).rename("standardized residual")

    @property
    def fitted_predictors(self) -> np.ndarray:
        """Conditional linear predictors at the estimates, (n,) or (n, K)."""
        raise NotImplementedError

    @cached_property
    def fitted_parameters(self) -> dict[str, Any]:
        """Parameters of the family in each row at its conditional predictors; of trials those of a single one."""
        design = self.design
        etas = split_predictors(design, self.fitted_predictors)
        return family_parameters(self.model, design.categories, etas, self.ancillary_values, row_scale(design))

    def means(self) -> pd.Series | pd.DataFrame:
        """Fitted values from `fitted_parameters`."""
        design = self.design
        mean = np.asarray(self.model.family.mean(self.fitted_parameters))
        if design.categories:
            return category_frame(design, mean)
        return pd.Series(mean, index=design.index, name="fitted")

    @property
    def formula(self) -> str:
        """The formula as it was understood."""
        return str(self.model.formula)

    @property
    def ancillaries(self) -> tuple[Ancillary, ...]:
        """Parameters of the family besides its predictors, free or held; none that is known for each row."""
        found = self.model.family.ancillary(self.design.categories)
        known = self.model.family.scale_parameter if self.model.response.fixes_scale else None
        return tuple(own for own in found if own.name != known)

    @property
    def ancillary(self) -> tuple[str, ...]:
        """Names of the free parameters of the family besides its predictors: `sigma`, `alpha`, `cut[1|2]`."""
        return tuple(own.name for own in self.ancillaries)

    @property
    def sigma_free(self) -> bool:
        """Whether the scale of the family, `sigma`, is a parameter."""
        return self.model.family.scale_parameter in self.ancillary

    def address(self, text: str) -> Address:
        """The parameter that a text means; `ColumnNotFound` names the nearest where there is none."""
        return find_address(text, self.design, self.ancillary)

    def __getitem__(self, address: str) -> float:
        """The estimate at an address: `fit["Days"]`, `fit["sd(Days | Subject)"]`, `fit["b(Days | Subject[308])"]`."""
        found = self.address(address)
        if found.kind == "effect":
            return float(self.effect_arrays()[found.term][found.level, found.column])
        return float(self.parameters.at[found.text, "estimate"])

    def __str__(self) -> str:
        return str(self.summary())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self.summary().to_html()

    def to_latex(self) -> str:
        """The summary as LaTeX (booktabs)."""
        return self.summary().to_latex()

    def to_markdown(self) -> str:
        """The summary as Markdown."""
        return self.summary().to_markdown()

    def save(self, path: str | PathLike[str]) -> None:
        """Write the result to a file that `bml.load` reads back equal; see `bayesml.results.storage.save`."""
        # Loaded when it is used: it needs HDF5, and a fit does not.
        import_module("bayesml.results.storage").save(self, path)


def require_result(value: object, verb: str) -> None:
    """Refuse what is no result.

    Raises
    ------
    SpecificationError
        It names the verb that was called.
    """
    if not isinstance(value, Result):
        raise SpecificationError(
            f"`bml.{verb}` takes the result of `bml.fit` or `bml.sample`; {type(value).__name__} is none."
        )


def effect_frames(design: Design, arrays: tuple[np.ndarray, ...]) -> GroupDict:
    """Arrays (J, q) of each random term as one DataFrame a grouping factor; terms of a group stand side by side."""
    frames: dict[str, list[pd.DataFrame]] = {}
    for term, values in zip(design.random, arrays, strict=True):
        frames.setdefault(term.group, []).append(pd.DataFrame(values, index=term.levels, columns=list(term.names)))
    return GroupDict(
        {group: parts[0] if len(parts) == 1 else pd.concat(parts, axis=1) for group, parts in frames.items()}
    )


def predictors_of_effects(design: Design) -> dict[str, tuple[str, ...]]:
    """For each column of random effects that all predictors share, the coefficients that it is added to."""
    shared = {name for term in design.random for name, own in zip(term.names, term.predictors, strict=True) if own < 0}
    return {name: tuple(f"{predictor}: {name}" for predictor in design.predictors) for name in shared}


def level_coefficients(
    fixef: pd.Series, effects: pd.DataFrame, shared: Mapping[str, tuple[str, ...]] | None = None
) -> pd.DataFrame:
    """Fixed plus random effects by level; a column that is only random stands alone, as in lme4.

    Parameters
    ----------
    fixef : Series
        By address.
    effects : DataFrame
        Levels × columns.
    shared : mapping, optional
        Coefficients that a column of effects is added to, where they are called otherwise.
    """
    columns: Mapping[str, Any] = {name: np.full(len(effects), value) for name, value in fixef.items()}
    out = pd.DataFrame(columns, index=effects.index)
    for name in dict.fromkeys(effects.columns):
        part = effects.loc[:, effects.columns == name].sum(axis=1)
        for target in (shared or {}).get(name, (name,)):
            out[target] = out[target] + part if target in out else part
    return out
