"""The table of a likelihood fit."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import chdtrc

from bayesml.design.nested import nested_chain
from bayesml.errors import SpecificationError
from bayesml.results.chibar2 import ChiBarSquare, without_random
from bayesml.results.intervals import interval
from bayesml.results.sections import component_label, group_section, limit_columns, part_names, response_fact, term_row
from bayesml.tables.numbers import MISSING, format_p
from bayesml.tables.table import Column, Row, Section, Table

if TYPE_CHECKING:
    from bayesml.results.likelihood import LikelihoodResult

TITLES = {
    "ml": "by maximum likelihood",
    "reml": "by restricted maximum likelihood (REML)",
    "map": "by posterior mode (MAP)",
}
VALUES = {"ml": "Log likelihood", "reml": "Restricted log likelihood", "map": "Log likelihood"}
MANY_GROUPS = "z and p are from the normal distribution, which holds for many groups."
MANY_ROWS = "z and p are from the normal distribution, which holds for many rows."
SMALL_SAMPLE = "z and p are from the normal distribution; small samples need denominator degrees of freedom."


def summarise(result: "LikelihoodResult", ci_prob: float, exponentiate: bool, scale: str, base_levels: bool) -> Table:
    """The summary as a `Table`."""
    if scale not in ("var", "sd"):
        raise SpecificationError(f'`scale="{scale}"`: variance components are shown as "var" or as "sd".')
    sections = (
        group_section(result),
        coefficient_section(result, ci_prob, exponentiate, base_levels),
        family_section(result, ci_prob, "cutpoints", "Cut points"),
        family_section(result, ci_prob, "ancillary", "Parameters of the family"),
        variance_section(result, ci_prob) if scale == "var" else sd_section(result, ci_prob),
    )
    return Table(
        title=f"Multilevel model fitted {TITLES[result.criterion]}",
        subtitle=result.formula,
        facts=facts(result),
        sections=tuple(section for section in sections if section.rows),
        notes=tuple(notes(result)),
    )


def facts(result: "LikelihoodResult") -> tuple[tuple[str, str], ...]:
    """Name and value pairs of the header."""
    left = [
        ("Family, link", part_names(result)),
        ("Response", response_fact(result)),
        ("Rows used", f"{result.nobs}"),
    ]
    right = [
        (VALUES[result.criterion], f"{result.loglik:.4f}"),
        # They are defined at a maximum of the likelihood.
        ("AIC", f"{result.aic:.4f}" if result.criterion != "map" else MISSING),
        ("BIC", f"{result.bic:.4f}" if result.criterion != "map" else MISSING),
    ]
    chi2, df = overall_wald(result)
    if df:
        left.append((f"Wald chi2({df})", f"{chi2:.2f}"))
        right.append(("P > chi2", format_p(float(chdtrc(df, chi2)))))
    left.append(("Integration", result.integration))
    if result.integration == "Laplace":
        left.append(("Quadrature", quadrature(result)))
    right.append(("Parameters (df)", f"{result.df}"))
    return (*left, *right)


def overall_wald(result: "LikelihoodResult") -> tuple[float, int]:
    """b'V⁻¹b of all estimated coefficients but the intercept, and their number."""
    beta, vcov = result.solution.beta, result.solution.vcov_beta
    names = result.coefficient_index.get_level_values("address")
    tested = [j for j, name in enumerate(names) if name != "Intercept" and vcov[j, j] > 0]
    if not tested:
        return 0.0, 0
    sd = np.sqrt(np.diag(vcov)[tested])
    z = beta[tested] / sd
    return float(z @ np.linalg.solve(vcov[np.ix_(tested, tested)] / np.outer(sd, sd), z)), len(tested)


def coefficient_section(result: "LikelihoodResult", ci_prob: float, exponentiate: bool, base_levels: bool) -> Section:
    """Coefficients with standard error, z, p and interval."""
    columns = (
        Column(ratio_title(result) if exponentiate else "estimate", name="estimate"),
        Column("se", spread=True),
        Column("z", "statistic"),
        Column("P>|z|", "p", name="p"),
        *limit_columns(ci_prob, "conf."),
    )
    frame = result.tidy(ci_prob)
    frame = frame[frame["part"] == "fixed"]
    bases = bases_before(result) if base_levels else {}
    rows: list[Row] = []
    several, previous = len(result.design.predictors) > 1, None
    for (name, r), (predictor, label) in zip(frame.iterrows(), coefficient_labels(result), strict=True):
        if several and predictor != previous:
            rows.append(Row(predictor))
            previous = predictor
        if name in bases:
            base = (float(exponentiate), *5 * (None,))
            own = f"{predictor}: {bases[name]}" if several else bases[name]
            rows.append(Row(f"{bases[name]}  (base)", base, int(several), name=own))
        cells = [r.estimate, r.se, r.statistic, r.p, r.lower, r.upper]
        if exponentiate:
            cells = [np.exp(r.estimate), np.exp(r.estimate) * r.se, r.statistic, r.p, np.exp(r.lower), np.exp(r.upper)]
        rows.append(Row(label, tuple(map(float, cells)), int(several), str(name)))
    return Section("Fixed effects", columns, tuple(rows))


def coefficient_labels(result: "LikelihoodResult") -> list[tuple[str, str]]:
    """Predictor and name within it of each coefficient; the predictor is empty where there is one."""
    if len(result.design.predictors) == 1:
        return [("", name) for name in result.design.coefficients]
    return [(str(predictor), str(name)) for predictor, name in result.coefficient_index]


def ratio_title(result: "LikelihoodResult") -> str:
    """What exp(coefficient) is called: `Odds ratio`."""
    return result.model.family.ratio(result.model.link)


def family_section(result: "LikelihoodResult", ci_prob: float, part: str, title: str) -> Section:
    """Cut points (symmetric limits), or the other parameters of the family (limits on the log scale if positive)."""
    frame = result.tidy(ci_prob)
    frame = frame.loc[frame["part"] == part, ["estimate", "se", "lower", "upper"]]
    columns = (Column("estimate"), Column("se", spread=True), *limit_columns(ci_prob, "conf."))
    rows = [Row(str(name), tuple(map(float, cells)), name=str(name)) for name, cells in frame.iterrows()]
    return Section(title, columns, tuple(rows))


def quadrature(result: "LikelihoodResult") -> str:
    """Whether the random effects could be integrated out by quadrature."""
    if not result.design.random:
        return "no random effects"
    return "available" if nested_chain(result.design) else "none, groups are crossed"


def bases_before(result: "LikelihoodResult") -> dict[str, str]:
    """For the first column of each factor in each predictor, the base level, which has none."""
    out: dict[str, str] = {}
    for term, base in result.design.state.base_levels.items():
        columns = result.design.term_columns.get(term, ())
        for name in columns[:: max(1, len(columns) // len(result.design.predictors))]:
            out[name] = base
    return out


def variance_section(result: "LikelihoodResult", ci_prob: float) -> Section:
    """Variances (intervals on the log scale) and covariances (symmetric) with sds and correlations beside them."""
    estimates, rows = result.variances, []
    for k, term in enumerate(result.design.random):
        rows.append(term_row(term))
        for address in (a for a in estimates.addresses if a.term == k):
            i, j = address.column, address.column if address.kind == "sd" else address.other
            entry, se = float(estimates.covariances[k][i, j]), estimates.entry_se(k, i, j)
            limits = map(float, interval(entry, se, ci_prob, "log" if i == j else "identity"))
            beside = (float(np.sqrt(entry)), None) if i == j else (None, estimates.correlation(k, i, j))
            rows.append(Row(component_label(term, address, "cov"), (entry, se, *limits, *beside), 1, address.text))
    if result.graph.has_scale:
        se = estimates.sigma2_se
        limits = map(float, interval(result.sigma2, se, ci_prob, "log"))
        rows.append(Row("Residual", (result.sigma2, se, *limits, result.sigma, None), 0, "sigma"))
    columns = (
        Column("variance", name="vcov"),
        Column("se", spread=True),
        *limit_columns(ci_prob, "conf."),
        Column("sd"),
    )
    if any(row.cells[-1] is not None for row in rows if row.cells):
        return Section("Variance components", (*columns, Column("corr", "ratio")), tuple(rows))
    return Section("Variance components", columns, tuple(replace(row, cells=row.cells[:-1]) for row in rows))


def sd_section(result: "LikelihoodResult", ci_prob: float) -> Section:
    """Sds (intervals on the log scale) and correlations (on the atanh scale)."""
    estimates, rows = result.variances, []
    natural = estimates.natural(ci_prob)
    for k, term in enumerate(result.design.random):
        rows.append(term_row(term))
        for address in (a for a in estimates.addresses if a.term == k):
            cells = tuple(map(float, natural.loc[address.text]))
            rows.append(Row(component_label(term, address, "corr"), cells, 1, address.text))
    if result.sigma_free:
        sigma = str(estimates.scale_parameter)
        rows.append(Row("Residual", tuple(map(float, natural.loc[sigma])), 0, sigma))
    columns = (Column("estimate"), Column("se", spread=True), *limit_columns(ci_prob, "conf."))
    return Section("Sds and correlations", columns, tuple(rows))


def notes(result: "LikelihoodResult") -> list[str]:
    """The LR line, the certificate, the boundary and what a reader should know of z."""
    out = []
    held_covariances = any(name.startswith(("sd(", "corr(")) for name in result.held)
    if result.design.random and result.criterion != "map" and not held_covariances:
        out.append(lr_line(result))
    if result.boundary:
        out.append(f"At the boundary: {', '.join(result.boundary)}. There is no standard error or interval there.")
    out.append(certificate_line(result.status))
    if result.status.not_unique:
        out.append(
            f"NOT UNIQUE: other variances of {', '.join(result.status.not_unique)} give the same log likelihood; those "
            "that can change have no standard error."
        )
    if result.design.known_sd is not None:
        out.append("The residual sd of each row is known and enters as given.")
    if result.held:
        out.append("Held fixed: " + ", ".join(f"{name} = {value:g}" for name, value in result.held.items()) + ".")
    if result.design.coefficients:
        large = MANY_GROUPS if result.design.random else MANY_ROWS
        out.append(SMALL_SAMPLE if result.linear else large)
    out += getattr(result.solution, "notes", ())
    if result.design.dropped:
        out.append(f"Left out, being combinations of other columns: {', '.join(result.design.dropped)}.")
    return out


def lr_line(result: "LikelihoodResult") -> str:
    """LR test against the model without random effects."""
    statistic = max(0.0, 2 * (result.loglik - result.solution.loglik_without_random))
    return f"LR test against no random effects: {null_without_random(result).report(statistic)}."


def null_without_random(result: "LikelihoodResult") -> ChiBarSquare:
    """Distribution of LR against no random effects."""
    return without_random(result.design, result.sigma_free, result.linear)


def certificate_line(status: Any) -> str:
    """How the fit ended."""
    if status.converged:
        return f"Optimum confirmed: log likelihood still to gain {max(status.gain_left, 0.0):.1e}."
    return f"NOT CONVERGED: {status.message} {status.advice}".strip()
