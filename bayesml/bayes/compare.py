"""`compare`: several models of the same data by one criterion."""

from collections.abc import Callable, Mapping
from importlib import import_module
from textwrap import fill
from typing import Any, Literal

import numpy as np
import pandas as pd

from bayesml.bayes.dic import Dic, dic
from bayesml.bayes.evidence import Evidence, evidence
from bayesml.bayes.loo import Loo, loo
from bayesml.bayes.same_data import refuse_other_data
from bayesml.bayes.units import ROW
from bayesml.errors import RefusedTest, SpecificationError
from bayesml.post.lrtest import predictor_columns
from bayesml.post.nesting import same_volume, spans
from bayesml.results.base import Result
from bayesml.results.bayesian import BayesianResult
from bayesml.results.likelihood import LikelihoodResult
from bayesml.tables.noted import NotedFrame

Criterion = Literal["aic", "bic", "loo", "dic", "evidence"]
WIDTH = 100
LOO_COLUMNS = ["rank", "elpd", "p", "elpd_diff", "weight", "se", "dse", "p_worse", "diag_diff", "diag_elpd"]


DECIMALS = {
    "elpd": 1, "p": 1, "elpd_diff": 1, "se": 1, "dse": 1, "weight": 2, "p_worse": 2, "loglik": 2, "aic": 1, "bic": 1,
    "delta": 1, "dic": 1, "p_d": 1, "deviance": 1, "mcse": 3, "log_evidence": 2, "log_bayes_factor": 2, "prior": 2,
    "probability": 3,
}  # fmt: skip


class Comparison(NotedFrame):
    """The table of a comparison: a DataFrame with all digits that prints those that matter, and its notes."""

    def __repr__(self) -> str:
        return "\n".join([self.rounded().to_string(), *(fill(note, WIDTH) for note in self.attrs["notes"])])

    def _repr_html_(self) -> str:
        return NotedFrame(self.rounded(), self.attrs["notes"])._repr_html_()

    def rounded(self) -> pd.DataFrame:
        """The cells as text."""
        out = pd.DataFrame(self)
        for column, decimals in DECIMALS.items():
            if column in out:
                texts = out[column].map(lambda x, d=decimals: "" if np.isnan(x) else f"{x:.{d}f}")
                out = out.assign(**{column: texts})
        return out


def compare(
    models: Mapping[str, Any],
    by: Criterion | None = None,
    unit: str = ROW,
    focus: Literal["conditional", "marginal"] = "conditional",
    prior_probabilities: Mapping[str, float] | None = None,
    **options: Any,
) -> pd.DataFrame:
    """Compare models of the same data by an information criterion, by cross-validation or by their evidence.

    Parameters
    ----------
    models : mapping of str to result
        Fits (``"aic"``, ``"bic"``) or posteriors (the others), by the names that the table is to show; or what `loo`,
        `dic` or `evidence` returned for them.
    by : {"aic", "bic", "loo", "dic", "evidence"}, optional
        Default: ``"loo"`` for posteriors, ``"aic"`` for fits.
    unit : str, default "row"
        What ``"loo"`` leaves out; see `loo`.
    focus : {"conditional", "marginal"}
        Of ``"dic"``.
    prior_probabilities : mapping of str to float, optional
        Of the models, for ``"evidence"``; default: equal.
    **options
        Of `loo`: `exact`, `refits`, `progressbar`.

    Returns
    -------
    DataFrame
        One row a model, the best first, with notes below:

        ======== ==============================================================================================
        loo      the columns of `arviz_stats.compare`: `rank elpd p elpd_diff weight se dse p_worse diag_diff
                 diag_elpd`. `elpd_diff` from the best model and its standard error `dse`, from the differences
                 unit by unit; `weight` by stacking of predictive distributions
        aic, bic `df loglik aic bic delta weight`; `delta` from the best, `weight` is exp(-delta / 2), normalised
        dic      `dic p_d deviance delta mcse`
        evidence `log_evidence mcse log_bayes_factor prior probability`; `log_bayes_factor` against the best
        ======== ==============================================================================================

    Raises
    ------
    RefusedTest
        Other rows or responses, transformed responses, other units or focus; fits by MAP, of different integration, or
        REML with different fixed parts; flat priors by evidence.
    SpecificationError
        Fewer than two models, unknown options, fits where draws are needed or the other way round.

    Notes
    -----
    A difference of elpd is told from 0 if it is several times `dse`, and at least 4: `p_worse` uses a normal
    distribution that does not hold below that, nor with fewer than 100 units. Which criterion answers which question is
    in the docs.

    References
    ----------
    Vehtari, Gelman and Gabry (2017), Statistics and Computing 27:1413-1432. Yao, Vehtari, Simpson and Gelman (2018),
    Bayesian Analysis 13:917-1003, for the weights. Sivula, Magnusson, Matamoros and Vehtari (2025), Bayesian Analysis.

    Examples
    --------
    >>> import bayesml as bml
    >>> sleep = bml.datasets.load("sleepstudy")
    >>> fits = {f: bml.fit(f"Reaction ~ {f} + (1 | Subject)", sleep, criterion="ml") for f in ("1", "Days")}
    >>> bml.compare(fits, by="aic").index.tolist()
    ['Days', '1']
    """
    if not isinstance(models, Mapping):
        raise SpecificationError('Give models by the names that the table is to show: `{"one": a, "two": b}`.')
    models = {str(name): model for name, model in models.items()}
    results = {name: result_of(name, model) for name, model in models.items()}
    refuse_other_data(results)
    chosen = default_criterion(results) if by is None else by
    if chosen not in COMPARISONS:
        raise SpecificationError(f"`by={chosen!r}`: there are {', '.join(COMPARISONS)}.")
    if options and chosen != "loo":
        raise SpecificationError(f"`{next(iter(options))}` is no option of a comparison by {chosen}.")
    refuse_kind(results, chosen)
    table, notes = COMPARISONS[chosen](models, unit=unit, focus=focus, prior=prior_probabilities, options=options)
    table.index.name = "model"
    found = Comparison(table, notes)
    found.attrs |= {"by": chosen}
    return found


def result_of(name: str, model: Any) -> Result:
    """The result that a value is of."""
    found = model.result if isinstance(model, Loo | Dic | Evidence) else model
    if not isinstance(found, LikelihoodResult | BayesianResult):
        raise SpecificationError(f"`{name}` is no result of `bml.fit` or `bml.sample`, but {type(model).__name__}.")
    return found


def default_criterion(results: Mapping[str, Result]) -> str:
    """Leave-one-out of posteriors, AIC of fits."""
    return "aic" if all(isinstance(result, LikelihoodResult) for result in results.values()) else "loo"


def refuse_kind(results: Mapping[str, Result], by: str) -> None:
    """Refuse fits where draws are needed, and posteriors where a maximum is."""
    fits = by in ("aic", "bic")
    wrong = [name for name, result in results.items() if isinstance(result, LikelihoodResult) != fits]
    if not wrong:
        return
    names = ", ".join(f"`{name}`" for name in wrong)
    if fits:
        raise SpecificationError(
            f'{names} is a posterior and has no {by.upper()}: compare by "loo", "dic" or "evidence".'
        )
    raise SpecificationError(f'{names} is a fit without draws: compare fits by "aic" or "bic", or sample the models.')


# -- fits ------------------------------------------------------------------------------------------


def by_information(models: Mapping[str, LikelihoodResult], by: str) -> tuple[pd.DataFrame, list[str]]:
    """The table of AIC or BIC."""
    refuse_unlike(models)
    columns = ["df", "loglik", "aic", "bic"]
    table = pd.DataFrame(
        {name: [getattr(fit, column) for column in columns] for name, fit in models.items()}, index=columns
    ).T
    table["df"] = table["df"].astype(int)
    table = table.sort_values(by)
    table["delta"] = table[by] - table[by].min()
    weights = np.exp(-0.5 * table["delta"])
    table["weight"] = weights / weights.sum()
    first = next(iter(models.values()))
    notes = [f"By {by.upper()}; {first.criterion.upper()} fits, {first.nobs} rows. The smaller, the better."]
    if boundary := {name: fit.boundary for name, fit in models.items() if fit.boundary}:
        listed = "; ".join(f"{name}: {', '.join(addresses)}" for name, addresses in boundary.items())
        notes.append(
            f"At the boundary ({listed}) such a parameter costs less than one: {by.upper()} is too large there."
        )
    return table, notes


def refuse_unlike(models: Mapping[str, LikelihoodResult]) -> None:
    """Refuse likelihoods of different kinds."""
    (first, a), *others = models.items()
    for name, fit in models.items():
        if fit.criterion == "map":
            raise RefusedTest(
                f'`{name}` maximises a posterior: its log likelihood is no maximum. Fit all by `criterion="ml"`.'
            )
        if not fit.converged:
            raise RefusedTest(f"`{name}` did not converge: {fit.status.advice}")
    for name, b in others:
        if a.criterion != b.criterion:
            raise RefusedTest(
                f"`{first}` and `{name}` are fitted by {a.criterion.upper()} and {b.criterion.upper()}: likelihoods of "
                'different kinds cannot be compared. Fit all by `criterion="ml"`.'
            )
        if a.criterion == "reml" and not same_fixed_part(a, b):
            raise RefusedTest(
                f"`{first}` and `{name}` have different fixed parts: a REML likelihood is that of other contrasts of "
                'the data then. Fit both by `criterion="ml"`.'
            )
    integrals = {name: fit.integration for name, fit in models.items() if fit.design.random}
    if len(set(integrals.values())) > 1:
        listed = ", ".join(f"`{name}`: {integral}" for name, integral in integrals.items())
        raise RefusedTest(
            f"The random effects are integrated out in different ways ({listed}), whose errors differ: fit all by the "
            "same `integration` and `points`."
        )


def same_fixed_part(a: LikelihoodResult, b: LikelihoodResult) -> bool:
    """Whether the fixed parts span the same columns, scaled alike."""
    pairs = list(zip(predictor_columns(a), predictor_columns(b), strict=True))
    both = all(spans(x, z) and spans(z, x) for x, z in pairs)
    return both and same_volume(a.design.X, b.design.X)


# -- posteriors ------------------------------------------------------------------------------------


def by_loo(models: Mapping[str, Any], unit: str, options: Mapping[str, Any]) -> tuple[pd.DataFrame, list[str]]:
    """The table of ArviZ."""
    given = [own for own in models.values() if isinstance(own, Loo)]
    if given and unit == ROW:
        unit = given[0].unit
    found = {name: own if isinstance(own, Loo) else loo(own, unit, **options) for name, own in models.items()}
    units = {name: own.unit for name, own in found.items()}
    if len(set(units.values())) > 1:
        listed = ", ".join(f"`{name}`: {own}" for name, own in units.items())
        raise RefusedTest(f"Different units were left out ({listed}): their elpd answer different questions.")
    refuse_other_units(found)
    table = import_module("arviz_stats").compare(shifted(found), method="stacking", round_to="none")
    table["elpd"] = pd.Series({name: own.elpd for name, own in found.items()})
    table["se"] = pd.Series({name: own.se for name, own in found.items()})
    first = next(iter(found.values()))
    what = "rows" if first.unit == ROW else f"levels of {first.unit}"
    notes = [f"By leave-one-out of {int(first.counts.sum())} {what}. elpd: the larger, the better; elpd_diff ± dse."]
    notes += [f"{name}: {own.advice}" for name, own in found.items() if len(own.bad)]
    return table[LOO_COLUMNS], notes


def shifted(found: Mapping[str, Loo]) -> dict[str, Any]:
    """Values for ArviZ, each unit's counted from the best model's: exponentials of those of groups would be zero."""
    values = {name: own.to_arviz() for name, own in found.items()}
    best = np.max([own.elpd_i for own in values.values()], axis=0)
    for own in values.values():
        own.elpd_i = own.elpd_i - best
        own.elpd = float(own.elpd_i.sum())
    return values


def refuse_other_units(found: Mapping[str, Loo]) -> None:
    """Refuse groups that are not the same."""
    (first, a), *others = found.items()
    for name, b in others:
        if not a.pointwise.index.equals(b.pointwise.index):
            raise RefusedTest(f"`{first}` and `{name}` left out different levels of {a.unit}.")


def by_dic(models: Mapping[str, Any], focus: Any) -> tuple[pd.DataFrame, list[str]]:
    """The table of DIC."""
    found = {name: own if isinstance(own, Dic) else dic(own, focus) for name, own in models.items()}
    focuses = {name: own.focus for name, own in found.items()}
    if len(set(focuses.values())) > 1:
        listed = ", ".join(f"`{name}`: {own}" for name, own in focuses.items())
        raise RefusedTest(f"DICs of different focus ({listed}) are not comparable.")
    rows = {name: (own.dic, own.p_d, own.deviance, own.mcse) for name, own in found.items()}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["dic", "p_d", "deviance", "mcse"])
    table = table.sort_values("dic")
    table.insert(3, "delta", table["dic"] - table["dic"].min())
    return table, [f"By DIC, {next(iter(focuses.values()))} focus. The smaller, the better."]


def by_evidence(models: Mapping[str, Any], prior: Mapping[str, float] | None) -> tuple[pd.DataFrame, list[str]]:
    """The table of marginal likelihoods."""
    weights = prior_weights(models, prior)
    found = {name: own if isinstance(own, Evidence) else evidence(own) for name, own in models.items()}
    table = pd.DataFrame(
        {
            "log_evidence": {name: own.log_evidence for name, own in found.items()},
            "mcse": {name: own.mcse for name, own in found.items()},
        }
    )
    table["log_bayes_factor"] = table["log_evidence"] - table["log_evidence"].max()
    table["prior"] = weights
    with np.errstate(divide="ignore"):
        log_posterior = table["log_evidence"] + np.log(table["prior"])
    posterior = np.exp(log_posterior - log_posterior.max())
    table["probability"] = posterior / posterior.sum()
    notes = [
        "By the log marginal likelihood; Bayes factors are against the best. They depend on the priors of the "
        "parameters, however many data there are."
    ]
    return table.sort_values("log_evidence", ascending=False), notes


def prior_weights(models: Mapping[str, Any], prior: Mapping[str, float] | None) -> pd.Series:
    """Prior probabilities of the models."""
    names = list(models)
    if prior is None:
        return pd.Series(1.0 / len(names), index=names)
    if set(map(str, prior)) != set(names):
        raise SpecificationError(
            f"`prior_probabilities` are of {', '.join(map(str, prior))}; give one for each of {', '.join(names)}."
        )
    weights = pd.Series({str(name): float(value) for name, value in prior.items()})[names]
    if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.sum() > 0):
        raise SpecificationError(f"`prior_probabilities={dict(prior)}`: give numbers that are not negative.")
    return weights / weights.sum()


COMPARISONS: dict[str, Callable[..., tuple[pd.DataFrame, list[str]]]] = {
    "aic": lambda models, **_: by_information(models, "aic"),
    "bic": lambda models, **_: by_information(models, "bic"),
    "loo": lambda models, unit, options, **_: by_loo(models, unit, options),
    "dic": lambda models, focus, **_: by_dic(models, focus),
    "evidence": lambda models, prior, **_: by_evidence(models, prior),
}
