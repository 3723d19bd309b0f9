"""The parts of a report, each made of a result alone."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bayesml import plots
from bayesml.bayes.prior_table import table_of
from bayesml.errors import BayesmlError
from bayesml.post.equations import equations
from bayesml.post.icc import icc
from bayesml.report.blocks import Block, Code, Numbers, Paragraph, Part, Picture, Rendered, Verdict, of_table
from bayesml.results import diagnostics
from bayesml.results.base import Result
from bayesml.results.bayesian import BayesianResult
from bayesml.results.likelihood import LikelihoodResult
from bayesml.results.sections import percent
from bayesml.version import __version__

MOST_LEVELS = 8
"""Levels of a factor that are named in the summary of the data."""


def parts_of(result: Result, ci_prob: float) -> list[Part]:
    """All parts of the report of a result, in their order."""
    parts = [model_part(result), data_part(result)]
    if isinstance(result, BayesianResult):
        parts += [prior_part(result), sampling_part(result)]
    else:
        parts.append(optimum_part(result))
    parts += [estimate_part(result, ci_prob), variance_part(result, ci_prob), check_part(result)]
    if result.design.random:
        parts.append(group_part(result, ci_prob))
    return [*parts, reproduction_part(result)]


def attempted(make: Callable[[], Block], what: str) -> Block:
    """A block, or why there is none for this model."""
    try:
        return make()
    except BayesmlError as refusal:
        return Paragraph(f"{what}: {refusal}", quiet=True)


def picture(draw: Callable[[], Figure], alt: str, caption: str) -> Block:
    """A figure, or why there is none for this model."""
    return attempted(lambda: Picture(draw(), alt, caption), "Not drawn")


# -- model and data --------------------------------------------------------------------------------


def model_part(result: Result) -> Part:
    """Formula and equations."""
    options = [
        f"Family {result.model.family.name}, link {result.model.link.name}.",
        *(f"Random effects of {term.group}: covariance {term.covariance.name}." for term in result.design.random),
    ]
    return Part(
        "Model",
        (Code(result.formula), Rendered(equations(result, priors=False).to_mathml()), Paragraph(" ".join(options))),
    )


def data_part(result: Result) -> Part:
    """Rows, response, columns and groups."""
    design = result.design
    sentences = [f"{result.nobs} rows were used."]
    if design.dropped:
        sentences.append(f"Left out, being combinations of other columns: {', '.join(design.dropped)}.")
    sentences += [note if note.endswith(".") else f"{note}." for note in design.notes]
    blocks: list[Block] = [Paragraph(" ".join(sentences)), response_block(result)]
    if columns := list(column_rows(result)):
        frame = pd.DataFrame(columns, columns=["column", "mean", "sd", "lowest", "highest"]).set_index("column")
        blocks.append(Numbers(frame))
    if design.random:
        blocks.append(Numbers(result.group_sizes.rename_axis("grouping factor")))
    return Part("Data", tuple(blocks))


def response_block(result: Result) -> Block:
    """The response: moments of numbers, shares of categories."""
    name, observed = result.design.response_name, result.observed
    if result.design.categories:
        counts = observed.value_counts(sort=False)
        frame = pd.DataFrame({"rows": counts, "share": counts / counts.sum()}).rename_axis(name)
        return Numbers(frame.set_axis(frame.index.astype(str)).rename_axis(name))
    values = observed.to_numpy(float)
    row = [values.mean(), values.std(ddof=1), values.min(), np.median(values), values.max()]
    return Numbers(pd.DataFrame([row], [name], ["mean", "sd", "lowest", "median", "highest"]).rename_axis("response"))


def column_rows(result: Result) -> Iterator[tuple[str, float, float, float, float]]:
    """Name, mean, sd, lowest and highest value of each column of the fixed part."""
    for name, column in zip(result.design.coefficients, result.design.fixed_columns, strict=True):
        if column is not None:
            yield name, float(column.mean()), float(column.std(ddof=1)), float(column.min()), float(column.max())


def prior_part(result: BayesianResult) -> Part:
    """The priors as numbers, and drawn under the posterior."""
    table = table_of(result.graph)[["prior", "source", "implies"]]
    many = len(table) > MOST_LEVELS
    return Part(
        "Priors",
        (
            Numbers(table.rename_axis("parameter")),
            picture(
                lambda: plots.prior_posterior(result, list(table.index[:MOST_LEVELS]) if many else None),
                "Densities of prior and posterior of each parameter, one panel a parameter.",
                "Prior (broken) and posterior (solid)" + (" of the first parameters." if many else "."),
            ),
        ),
    )


# -- how it was computed ---------------------------------------------------------------------------


def sampling_part(result: BayesianResult) -> Part:
    """Whether the draws can be trusted, in words, and how they look."""
    status = result.status
    blocks: list[Block] = []
    if status.converged:
        blocks.append(
            Verdict(
                f"R-hat is at most {status.rhat:.3f} (limit {diagnostics.RHAT_LIMIT}), effective sample sizes are at "
                f"least {min(status.ess_bulk, status.ess_tail):.0f} (needed: "
                f"{diagnostics.ESS_PER_CHAIN * status.chains}), there are no divergences, and E-BFMI is at least "
                f"{status.bfmi:.2f} (limit {diagnostics.BFMI_LIMIT}).",
                good=True,
            )
        )
    blocks += [Verdict(f"{problem}: {remedy}.", good=False) for problem, remedy in status.problems.items()]
    blocks.append(
        picture(
            lambda: plots.diagnostics(result),
            "Traces, ranks, autocorrelations and densities by chain of the parameters that mix worst; the largest "
            f"R-hat is {status.rhat:.3f}, of {status.worst}.",
            "The parameters that mix worst.",
        )
    )
    return Part("Sampling", tuple(blocks))


def optimum_part(result: Result) -> Part:
    """The certificate of a fit."""
    assert isinstance(result, LikelihoodResult)
    status = result.status
    blocks: list[Block] = []
    if status.converged:
        text = f"The optimum is confirmed: the log likelihood could still gain {max(status.gain_left, 0.0):.1e}."
        blocks.append(Verdict(text, good=True))
    else:
        blocks.append(Verdict(f"The fit did not converge: {status.message} {status.advice}".strip(), good=False))
    if result.boundary:
        named = ", ".join(result.boundary)
        blocks.append(Verdict(f"At the boundary: {named}. There is no standard error or interval there.", good=False))
    return Part("Optimum", tuple(blocks))


# -- what came out ---------------------------------------------------------------------------------


def estimate_part(result: Result, ci_prob: float) -> Part:
    """The summary, and a forest plot."""
    frame = result.interval_frame(ci_prob)
    sentences = [f"{name}: {row.estimate:.4g} ({row.lower:.4g} to {row.upper:.4g})" for name, row in frame.iterrows()]
    estimate, _, interval = result.column_titles
    return Part(
        "Estimates",
        (
            of_table(result.summary(ci_prob=ci_prob)),
            picture(
                lambda: plots.forest(result, ci_prob=ci_prob),
                f"Each {estimate} with its {percent(ci_prob)} {interval}. {'; '.join(sentences[:12])}.",
                f"Points: {estimate}; lines: {percent(ci_prob)} {interval}s.",
            ),
        ),
    )


def variance_part(result: Result, ci_prob: float) -> Part:
    """Standard deviations and correlations, and the shares of variance that lie between groups."""
    if not result.design.random:
        return Part("Variance components", (Paragraph("The model has no random effects."),))
    frame = result.varcorr.drop(columns=["lower", "upper"])
    frame = frame.assign(**{c: frame[c].fillna("") for c in ("group", "var1", "var2")}).set_index("group")
    frame = frame.rename(columns={"vcov": "variance or covariance", "sdcor": "sd or correlation"})
    return Part(
        "Variance components",
        (
            Numbers(frame),
            attempted(
                lambda: Numbers(icc(result, ci_prob=ci_prob), "Intraclass correlations"), "Intraclass correlations"
            ),
        ),
    )


def check_part(result: Result) -> Part:
    """Whether data from the model look like the data seen."""
    return Part(
        "Does the model fit the data?",
        (
            picture(
                lambda: plots.predictive_check(result),
                f"The observed {result.design.response_name} against data drawn from the fitted model.",
                "Observed data (dark) against data drawn from the model (light): where they part, the model misses "
                "something.",
            ),
            picture(
                lambda: plots.residuals(result),
                "Residuals against fitted values, and their quantiles against those of the normal distribution.",
                "Randomised quantile residuals: standard normal where the model holds.",
            ),
        ),
    )


def group_part(result: Result, ci_prob: float) -> Part:
    """Random effects by level, and the lines of the first grouping factor."""
    blocks: list[Block] = []
    for group in result.ngroups:
        effects = result.ranef[group].iloc[:, 0]
        lowest, highest = effects.idxmin(), effects.idxmax()
        blocks.append(
            picture(
                partial(plots.ranef, result, group=group, ci_prob=ci_prob),
                f"Random effects of {len(effects)} levels of {group} with {percent(ci_prob)} intervals; of "
                f"{effects.name} the lowest is {effects.min():.3g} ({label(lowest)}), the highest {effects.max():.3g} "
                f"({label(highest)}).",
                f"Random effects of {group}, in order of {effects.name}.",
            )
        )
    blocks.append(
        picture(
            lambda: plots.fit_by_group(result),
            f"{result.design.response_name} by level of {result.design.random[0].group}: data, the line of the level "
            "and that of the population.",
            "Data with the line of each level and that of the population.",
        )
    )
    return Part("Groups", tuple(blocks))


def label(level: Any) -> str:
    """A level as text."""
    return ":".join(map(str, level)) if isinstance(level, tuple) else str(level)


def reproduction_part(result: Result) -> Part:
    """What is needed to do it again."""
    sentences = [f"bayesml {__version__}."]
    if isinstance(result, BayesianResult):
        chains, draws = result.posterior.shape
        sentences.append(
            f"{chains} chains of {draws} draws with random_seed={result.posterior.seed}; the priors are those in the "
            "table."
        )
    else:
        assert isinstance(result, LikelihoodResult)
        sentences.append(f"Criterion {result.criterion}, integration {result.integration}.")
    return Part("Reproduction", (Paragraph(" ".join(sentences)),))
