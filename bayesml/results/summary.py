"""The table of a likelihood fit."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import chdtrc

from bayesml.design.arrays import RandomColumns
from bayesml.errors import SpecificationError
from bayesml.results.addresses import Address
from bayesml.results.chibar2 import without_random
from bayesml.results.intervals import interval
from bayesml.tables.numbers import format_p, p_phrase
from bayesml.tables.table import Column, Row, Section, Table

if TYPE_CHECKING:
    from bayesml.results.likelihood import LikelihoodResult

CRITERIA = {"ml": "maximum likelihood", "reml": "restricted maximum likelihood (REML)", "map": "posterior mode (MAP)"}
SMALL_SAMPLE = "z and p from the normal distribution; small samples need denominator degrees of freedom (`ddf=`)."


def summarise(result: "LikelihoodResult", ci_prob: float, exponentiate: bool, scale: str, base_levels: bool) -> Table:
    """The summary as a `Table`."""
    if scale not in ("var", "sd"):
        raise SpecificationError(f'`scale="{scale}"`: variance components are shown as "var" or as "sd".')
    sections = [group_section(result)] if result.design.random else []
    if result.design.coefficients:
        sections.append(coefficient_section(result, ci_prob, exponentiate, base_levels))
    sections.append(variance_section(result, ci_prob, scale))
    return Table(
        title=f"Multilevel model fitted by {CRITERIA[result.criterion]}",
        subtitle=result.formula,
        facts=facts(result),
        sections=tuple(section for section in sections if section.rows),
        notes=tuple(notes(result)),
    )


def facts(result: "LikelihoodResult") -> tuple[tuple[str, str], ...]:
    """Name and value pairs of the header."""
    kind = (
        "Restricted log likelihood"
        if result.criterion == "reml"
        else "Log posterior"
        if result.criterion == "map"
        else "Log likelihood"
    )
    left = [
        ("Family, link", f"{part_name(result.model.family)}, {part_name(result.model.link)}"),
        ("Response", result.design.response_name),
        ("Rows used", f"{result.nobs}"),
    ]
    right = [(kind, f"{result.loglik:.4f}"), ("AIC", f"{result.aic:.4f}"), ("BIC", f"{result.bic:.4f}")]
    tested = [j for j, name in enumerate(result.design.coefficients) if name != "Intercept"]
    if tested:
        chi2 = wald_statistic(result.solution.beta, result.solution.vcov_beta, tested)
        left.append((f"Wald chi2({len(tested)})", f"{chi2:.2f}"))
        right.append(("P > chi2", format_p(float(chdtrc(len(tested), chi2)))))
    left.append(("Integration", result.integration))
    right.append(("Parameters (df)", f"{result.df}"))
    return (*left, *right)


def part_name(part: Any) -> str:
    """The printed name of a family or link."""
    return str(getattr(part, "name", part))


def wald_statistic(beta: np.ndarray, vcov: np.ndarray, tested: list[int]) -> float:
    """b' V⁻¹ b of the coefficients tested."""
    b, V = beta[tested], vcov[np.ix_(tested, tested)]
    return float(b @ np.linalg.solve(V, b))


def group_section(result: "LikelihoodResult") -> Section:
    """Number and sizes of the groups."""
    columns = tuple(Column(title, "count") for title in ("levels", "smallest", "average", "largest"))
    rows = tuple(
        Row(str(group), (int(r.levels), int(r.smallest), round(float(r.average), 1), int(r.largest)))
        for group, r in result.group_sizes.iterrows()
    )
    return Section("Grouping factor", columns, rows)


def percent(ci_prob: float) -> str:
    """`95%` of 0.95, `99.9%` of 0.999."""
    return f"{100 * ci_prob:.6g}%"


def coefficient_section(result: "LikelihoodResult", ci_prob: float, exponentiate: bool, base_levels: bool) -> Section:
    """Coefficients with standard error, z, p and interval."""
    columns = (
        Column("exp(b)" if exponentiate else "estimate", name="estimate"),
        Column("se", spread=True),
        Column("z", "statistic"),
        Column("P>|z|", "p", name="p"),
        Column(f"[{percent(ci_prob)} conf. interval]", name="lower"),
        Column("", name="upper", joined=True),
    )
    frame = result.tidy(ci_prob)
    frame = frame[frame["part"] == "fixed"]
    rows = []
    for name, r in frame.iterrows():
        values = (r.estimate, r.se, r.statistic, r.p, r.lower, r.upper)
        if exponentiate:
            values = (np.exp(r.estimate), np.exp(r.estimate) * r.se, r.statistic, r.p, np.exp(r.lower), np.exp(r.upper))
        rows.append(Row(str(name), tuple(map(float, values))))
    return Section("Fixed effects", columns, tuple(rows))


def variance_section(result: "LikelihoodResult", ci_prob: float, scale: str) -> Section:
    """Variances and covariances with sds and correlations beside them, or the other way round."""
    rows = variance_rows(result, ci_prob) if scale == "var" else sd_rows(result, ci_prob)
    limits = (Column(f"[{percent(ci_prob)} conf. interval]", name="lower"), Column("", name="upper", joined=True))
    if scale == "sd":
        return Section("Sds and correlations", (Column("estimate"), Column("se", spread=True), *limits), rows)
    columns = (
        Column("variance", name="vcov"),
        Column("se", spread=True),
        *limits,
        Column("sd"),
        Column("corr", "ratio"),
    )
    if all(row.cells[-1] is None for row in rows if row.cells):
        columns, rows = columns[:-1], tuple(replace(row, cells=row.cells[:-1]) for row in rows)
    return Section("Variance components", columns, rows)


def variance_rows(result: "LikelihoodResult", ci_prob: float) -> tuple[Row, ...]:
    """Variances (intervals on the log scale) and covariances (symmetric intervals) with sds and correlations."""
    estimates, rows = result.variances, []
    for k, term in enumerate(result.design.random):
        rows.append(term_row(term))
        for address in (a for a in estimates.addresses if a.term == k):
            i, j = address.column, address.column if address.kind == "sd" else address.other
            entry, se = float(estimates.covariances[k][i, j]), estimates.entry_se(k, i, j)
            lower, upper = interval(entry, se, ci_prob, "log" if i == j else "identity")
            beside = (float(np.sqrt(entry)), None) if i == j else (None, estimates.correlation(k, i, j))
            rows.append(
                Row(
                    column_label(term, address, "cov"),
                    (entry, se, float(lower), float(upper), *beside),
                    1,
                    address.text,
                )
            )
    if result.sigma_free:
        lower, upper = interval(result.sigma2, estimates.sigma2_se, ci_prob, "log")
        rows.append(
            Row(
                "Residual",
                (result.sigma2, estimates.sigma2_se, float(lower), float(upper), result.sigma, None),
                0,
                "sigma",
            )
        )
    return tuple(rows)


def sd_rows(result: "LikelihoodResult", ci_prob: float) -> tuple[Row, ...]:
    """Sds (intervals on the log scale) and correlations (on the atanh scale)."""
    natural, rows = result.variances.natural(ci_prob), []
    for k, term in enumerate(result.design.random):
        rows.append(term_row(term))
        for address in (a for a in result.variances.addresses if a.term == k):
            rows.append(
                Row(column_label(term, address, "corr"), tuple(map(float, natural.loc[address.text])), 1, address.text)
            )
    if result.sigma_free:
        rows.append(Row("Residual", tuple(map(float, natural.loc["sigma"])), 0, "sigma"))
    return tuple(rows)


def term_row(term: RandomColumns) -> Row:
    """The line above the components of a random term."""
    return Row(term.group + (f"  ({term.covariance.name})" if len(term.names) > 1 else ""))


def column_label(term: RandomColumns, address: Address, pair: str) -> str:
    """`Days`, `cov(Intercept, Days)`; where columns share a parameter it says so."""
    shared = term.covariance.common_sd and len(term.names) > 1
    if address.kind == "sd":
        return f"each of {len(term.names)} columns" if shared else term.names[address.column]
    return f"{pair}(each pair)" if shared else f"{pair}({term.names[address.column]}, {term.names[address.other]})"


def notes(result: "LikelihoodResult") -> list[str]:
    """The LR line, the certificate, the boundary and what a reader should know of z."""
    out = []
    if result.design.random and result.criterion != "map":
        out.append(lr_line(result))
    if not result.sigma_free:
        out.append("The residual sd of each row is known and enters as given.")
    if result.boundary:
        out.append(f"At the boundary: {', '.join(result.boundary)}. There is no standard error or interval there.")
    out.append(certificate_line(result.status))
    if result.design.coefficients:
        out.append(SMALL_SAMPLE)
    if result.design.dropped:
        out.append(f"Left out, being combinations of other columns: {', '.join(result.design.dropped)}.")
    return out


def lr_line(result: "LikelihoodResult") -> str:
    """LR test against the model without random effects."""
    statistic = max(0.0, 2 * (result.loglik - result.solution.loglik_without_random))
    null = without_random(result.design)
    line = f"LR test against no random effects: {statistic:.2f}, {null}, {p_phrase(null.p(statistic))}"
    return line + (" (conservative: the true p is smaller)." if null.conservative else ".")


def certificate_line(status: Any) -> str:
    """How the fit ended."""
    if status.converged:
        return f"Optimum confirmed: log likelihood still to gain {max(status.gain_left, 0.0):.1e}."
    return f"NOT CONVERGED: {status.message} {status.advice}".strip()
