"""The table of a posterior."""

from typing import TYPE_CHECKING

import numpy as np

from bayesml.design.addresses import Address, parameter_addresses
from bayesml.errors import SpecificationError
from bayesml.results import diagnostics
from bayesml.results.posterior import term_covariance
from bayesml.results.sections import part_names, percent, response_fact
from bayesml.tables.table import Column, Row, Section, Table

if TYPE_CHECKING:
    from bayesml.results.bayesian import BayesianResult

PARAMETRISATIONS = {
    "marginal": "marginal, then exact draws",
    "prior": "from the priors",
    "centred": "joint, centred",
    "noncentred": "joint, non-centred",
    "partial": "joint, centred by level",
}


def interval_tails(ci_prob: float) -> list[float]:
    """Probabilities of the ends of an equal-tailed interval."""
    if not 0 < ci_prob < 1:
        raise SpecificationError(f"`ci_prob={ci_prob}`: give the content of the interval, a number between 0 and 1.")
    return [(1 - ci_prob) / 2, (1 + ci_prob) / 2]


def highest_density(draws: np.ndarray, ci_prob: float) -> tuple[float, float]:
    """The narrowest interval that holds `ci_prob` of the draws, whatever their shape."""
    x = np.sort(draws, axis=None)
    inside = int(np.floor(ci_prob * len(x)))
    place = int(np.argmin(x[inside:] - x[: len(x) - inside]))
    return float(x[place]), float(x[place + inside])


def summarise_posterior(result: "BayesianResult", ci_prob: float, scale: str, exponentiate: bool) -> Table:
    """The summary as a `Table`; each row summarises the draws of its own quantity."""
    if scale not in ("var", "sd"):
        raise SpecificationError(f'`scale="{scale}"`: variance components are shown as "var" or as "sd".')
    sections = [
        group_section(result),
        coefficient_section(result, ci_prob, exponentiate),
        family_section(result, ci_prob, "cutpoints", "Cut points"),
        variance_section(result, ci_prob, scale),
        family_section(result, ci_prob, "ancillary", "Parameters of the family"),
    ]
    return Table(
        title="Posterior of a multilevel model (NUTS)",
        subtitle=result.formula,
        facts=facts(result),
        sections=tuple(section for section in sections if section.rows),
        notes=tuple(notes(result)),
    )


def facts(result: "BayesianResult") -> tuple[tuple[str, str], ...]:
    """Name and value pairs of the header."""
    chains, draws = result.posterior.shape
    status = result.status
    return (
        ("Family, link", part_names(result)),
        ("Response", response_fact(result)),
        ("Rows used", f"{result.nobs}"),
        ("Sampled", PARAMETRISATIONS[result.posterior.parametrisation]),
        ("Chains x draws", f"{chains} x {draws}"),
        ("Divergences", f"{status.divergences}"),
        ("Largest R-hat", f"{status.rhat:.3f}"),
        ("Smallest ESS", f"{min(status.ess_bulk, status.ess_tail):.0f}"),
    )


def group_section(result: "BayesianResult") -> Section:
    """Number and sizes of the groups."""
    columns = tuple(Column(title, "count") for title in ("levels", "smallest", "average", "largest"))
    sizes = result.group_sizes
    rows = [
        Row(str(g), (int(r.levels), int(r.smallest), round(float(r.average), 1), int(r.largest)))
        for g, r in sizes.iterrows()
    ]
    return Section("Grouping factor", columns, tuple(rows))


def draw_columns(first: str, ci_prob: float, name: str) -> tuple[Column, ...]:
    """Titles of what `draw_cells` returns."""
    return (
        Column(first, name=name),
        Column("sd", name="se", spread=True),
        Column(f"[{percent(ci_prob)} cred. interval]", name="lower"),
        Column("", name="upper", joined=True),
        Column("R-hat", "statistic", name="rhat"),
        Column("ESS", "count", name="ess_bulk"),
    )


def draw_cells(draws: np.ndarray, ci_prob: float) -> tuple[float, ...]:
    """Median, sd, limits, R-hat and bulk ESS of draws (chain, draw)."""
    lower, upper = np.quantile(draws, interval_tails(ci_prob))
    rhat, size = float(diagnostics.rhat(draws)), float(diagnostics.ess(draws))
    return float(np.median(draws)), float(draws.std(ddof=1)), float(lower), float(upper), rhat, np.round(size)


def coefficient_section(result: "BayesianResult", ci_prob: float, exponentiate: bool) -> Section:
    """Coefficients."""
    design, rows, previous = result.design, [], -1
    several = len(design.predictors) > 1
    for j, name in enumerate(design.coefficients):
        draws, label = result.posterior.beta[..., j], name
        if several:
            predictor = design.predictors[design.fixed_predictors[j]]
            if design.fixed_predictors[j] != previous:
                rows.append(Row(predictor))
            previous, label = design.fixed_predictors[j], name.removeprefix(f"{predictor}: ")
        rows.append(Row(label, draw_cells(np.exp(draws) if exponentiate else draws, ci_prob), int(several), name))
    title = result.model.family.ratio(result.model.link) if exponentiate else "median"
    return Section("Fixed effects", draw_columns(title, ci_prob, "estimate"), tuple(rows))


def family_section(result: "BayesianResult", ci_prob: float, part: str, title: str) -> Section:
    """Cut points, or other parameters of the family."""
    found = [a for a in parameter_addresses(result.design, result.ancillary) if result.part(a) == part]
    rows = [Row(a.text, draw_cells(result.draws(a.text), ci_prob), 0, a.text) for a in found]
    return Section(title, draw_columns("median", ci_prob, "estimate"), tuple(rows))


def variance_section(result: "BayesianResult", ci_prob: float, scale: str) -> Section:
    """Variances and covariances, or sds and correlations."""
    by_variance = scale == "var"
    found = parameter_addresses(result.design, result.ancillary)
    rows: list[Row] = []
    for k, term in enumerate(result.design.random):
        rows.append(Row(term.group + (f"  ({term.covariance.name})" if len(term.names) > 1 else "")))
        G = term_covariance(term, result.posterior.sds[k], result.posterior.corrs[k])
        for address in (a for a in found if a.term == k):
            i, j = (address.column, address.column) if address.kind == "sd" else (address.column, address.other)
            draws = G[..., i, j] if by_variance else result.draws(address.text)
            rows.append(Row(row_label(result, address, by_variance), draw_cells(draws, ci_prob), 1, address.text))
    if result.sigma_free:
        sigma = result.posterior.sigma
        rows.append(Row("Residual", draw_cells(sigma**2 if by_variance else sigma, ci_prob), 0, "sigma"))
    columns = draw_columns("median", ci_prob, "vcov" if by_variance else "sdcor")
    return Section("Variance components" if by_variance else "Sds and correlations", columns, tuple(rows))


def row_label(result: "BayesianResult", address: Address, by_variance: bool) -> str:
    """`Days`, `cov(Intercept, Days)`, `each pair`."""
    term = result.design.random[address.term]
    shared = term.covariance.common_sd and len(term.names) > 1
    if address.kind == "sd":
        return "each column" if shared else term.names[address.column]
    columns = "each pair" if shared else f"{term.names[address.column]}, {term.names[address.other]}"
    return f"{'cov' if by_variance else 'corr'}({columns})"


def notes(result: "BayesianResult") -> list[str]:
    """What the reader should know of the numbers and of the sampling."""
    out = ["Each row summarises the draws of its own quantity; intervals are equal-tailed."]
    if result.model.response.fixes_scale:
        out.append("The residual sd of each row is known and enters as given.")
    if result.design.dropped:
        out.append(f"Left out, being combinations of other columns: {', '.join(result.design.dropped)}.")
    if not result.status.converged:
        out.append(f"LOOK AT THE SAMPLING: {result.status.advice}.")
    return out
