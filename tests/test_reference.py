"""Numbers of lme4 and nlme that every linear model must reproduce, each within its own tolerance.

Every case and quantity is a test of its own name. All models are fitted once a session.
"""

import re
import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

import bayesml as bml
from bayesml.errors import DataNote
from tests.reference_cases import Case, address, case_named, close, linear_cases, load, reverse

LATER = {
    # Verbs that are not there yet.
    "satterthwaite", "kenward_roger", "vcov_kenward_roger", "anova_type3_satterthwaite", "anova_type3_kenward_roger",
    # Text about the numbers.
    "loglik_kind", "information_of_se",
}  # fmt: skip


@pytest.fixture(scope="session")
def fitted() -> Callable:
    """Fits of the session by formula, data and criterion; safe to share, as results never change."""
    done = {}

    def fit(formula: str, table: pd.DataFrame, criterion: str):
        key = (formula, id(table), criterion)
        if key not in done:
            with warnings.catch_warnings():
                # Integer columns with few values (0/1 codes) are told, rightly, and meant as numbers here.
                warnings.simplefilter("ignore", DataNote)
                done[key] = (bml.fit(formula, table, criterion=criterion), table)
        return done[key][0]

    return fit


@pytest.fixture(scope="session")
def tables() -> Callable:
    """Data of each case, the same object each time."""
    done = {}
    return lambda case: done.setdefault((case.dataset, str(case.model.get("drop_rows_1based"))), case.table)


def group_name(r_name: str, fit) -> str:
    return r_name if r_name in fit.ngroups else reverse(r_name)


def covariance_of(group: str, names: list[str], fit) -> np.ndarray:
    """G of a grouping factor over all its terms; 0 between terms."""
    frame = fit.varcorr[fit.varcorr["group"] == group]
    G = pd.DataFrame(0.0, index=names, columns=names)
    for row in frame.itertuples():
        second = row.var1 if pd.isna(row.var2) or row.var2 == "" else row.var2
        G.loc[row.var1, second] = G.loc[second, row.var1] = row.vcov
    return G.to_numpy()


def check_scalar(name: str) -> Callable:
    return lambda fit, expected, case, table: (getattr(fit, name), expected)


def check_fixef(fit, expected, case, table):
    ours = fit.fixef
    names = [address(name, table) for name in expected]
    assert sorted(names) == sorted(ours.index)
    return ours[names], list(expected.values())


def check_se(fit, expected, case, table):
    return fit.se[[address(name, table) for name in expected]], list(expected.values())


def check_vcov(fit, expected, case, table):
    names = [address(name, table) for name in expected["names"]]
    return fit.vcov.loc[names, names], expected["matrix"]


def check_ngroups(fit, expected, case, table):
    assert len(fit.ngroups) == len(expected)
    return [fit.ngroups[group_name(name, fit)] for name in expected], list(expected.values())


CHECKS = {
    "loglik": check_scalar("loglik"),
    "df": check_scalar("df"),
    "AIC": check_scalar("aic"),
    "BIC": check_scalar("bic"),
    "nobs": check_scalar("nobs"),
    "residual_var": check_scalar("sigma2"),
    "ngroups": check_ngroups,
    "fixef": check_fixef,
    "se": check_se,
    "vcov_fixef": check_vcov,
    "fitted_first5": lambda fit, expected, case, table: (fit.fitted.iloc[:5], expected),
    "fitted_fixed_first5": lambda fit, expected, case, table: (
        bml.predict(fit, ranef="zero")["estimate"].iloc[:5],
        expected,
    ),
}
"""What to compare for each key that is one number, vector or matrix: ours and theirs."""


def quantities() -> list:
    return [
        pytest.param(case, key, id=f"{case.id}-{key}")
        for case in linear_cases()
        for key in case.expected
        if key not in LATER and not key.startswith(("emmeans", "pairs"))
    ]


def test_every_linear_case_is_tested():
    assert len(linear_cases()) == 60
    assert {c.dataset for c in linear_cases()} == {
        "sleepstudy", "dyestuff", "dyestuff2", "penicillin", "oats", "machines", "productivity", "exam", "chickweight",
        "egsingle", "ratpup", "insteval", "gasoline", "sitka", "ovary", "bodyweight", "males",
    }  # fmt: skip


@pytest.mark.parametrize(("case", "key"), quantities())
def test_agrees_with(case: Case, key: str, fitted, tables):
    table = tables(case)
    fit = fitted(case.formula, table, case.criterion)
    expected, rtol = case.expected[key], case.rtol.get(key, 0.0)
    if key in CHECKS:
        ours, theirs = CHECKS[key](fit, expected, case, table)
        assert close(ours, theirs, rtol), f"{ours} is not {theirs}"
    else:
        WHOLE[key](fit, expected, case, table, rtol, fitted)


def compare_ranef_cov(fit, expected, case, table, rtol, fitted):
    for r_group, reference in expected.items():
        names = [address(name, table) for name in reference["names"]]
        G = covariance_of(group_name(r_group, fit), names, fit)
        sd = np.sqrt(np.diag(G))
        assert close(G, reference["cov"], rtol)
        assert close(sd, reference["sd"], rtol)
        if "corr" in reference:
            assert close(G / np.outer(sd, sd), reference["corr"], rtol)


def compare_blups(fit, expected, case, table, rtol, fitted):
    for r_group, reference in expected.items():
        group = group_name(r_group, fit)
        names = [address(name, table) for name in reference["names"]]
        levels = reference["levels"] if group == r_group else [reverse(level) for level in reference["levels"]]
        for frame, key in ((fit.ranef[group], "mode"), (fit.ranef_se[group], "cond_sd")):
            if key in reference:
                labels = [
                    ":".join(map(str, label)) if isinstance(label, tuple) else str(label) for label in frame.index
                ]
                assert close(frame.set_axis(labels, axis=0).loc[levels, names], reference[key], rtol), key


def compare_se_varcomp(fit, expected, case, table, rtol, fitted):
    order = [varcorr_row(name, fit, table) for name in expected["names"]]
    rows = fit.varcorr.iloc[order]
    assert close(rows["vcov"], expected["estimate"], rtol)
    assert close(rows["se"], expected["se"], rtol)
    # `vcov_all` is on the scale of standard deviations: cov(v, w) = 4 sd(v) sd(w) cov(sd(v), sd(w)).
    variances = [i for i, name in enumerate(expected["names"]) if not name.startswith("cov")]
    addresses = [
        "sigma" if row.group == "Residual" else f"sd({row.var1} | {row.group})"
        for row in rows.iloc[variances].itertuples()
    ]
    sds = rows["sdcor"].iloc[variances].to_numpy()
    ours = 4 * np.outer(sds, sds) * fit.vcov_all.loc[addresses, addresses].to_numpy()
    assert close(ours, np.asarray(expected["vcov"])[np.ix_(variances, variances)], rtol)


def varcorr_row(r_name: str, fit, table) -> int:
    """Position in `varcorr` of R's `var(a|g)`, `cov(a,b|g)` or `residual`."""
    frame = fit.varcorr
    if r_name == "residual":
        found = frame["group"] == "Residual"
    else:
        columns, r_group = r_name[4:-1].split("|")
        names = [address(name, table) for name in columns.split(",")]
        second = [row.var1 if pd.isna(row.var2) or row.var2 == "" else row.var2 for row in frame.itertuples()]
        pairs = [{a, b} == set(names) for a, b in zip(frame["var1"], second, strict=True)]
        found = (frame["group"] == group_name(r_group, fit)) & np.array(pairs)
    (position,) = np.flatnonzero(found)
    return int(position)


def compare_lr(test, expected, rtol):
    """A likelihood-ratio test, each of its numbers as a scalar; the p value of the mixture where there is one."""
    assert close(test.statistic, expected["chi2"], rtol)
    assert test.df == expected["df"]
    for key in expected:
        if key.startswith("p"):
            assert close(test.p if key.startswith("p_chibar2") else test.p_chi2, expected[key], rtol), key


def compare_lr_without_random(fit, expected, case, table, rtol, fitted):
    without = re.sub(r"\s*\+\s*\([^()]*\|[^()]*\)", "", case.formula)
    assert "|" not in without
    compare_lr(bml.lrtest(fitted(without, table, case.criterion), fit), expected, rtol)


def compare_icc(fit, expected, case, table, rtol, fitted):
    ours = bml.icc(fit)
    for r_group, value in expected.items():
        label = r_group if r_group == "total" else group_name(r_group, fit)
        assert close(ours.loc[label, "estimate"], value, rtol)


WHOLE = {
    "ranef_cov": compare_ranef_cov,
    "blups": compare_blups,
    "se_varcomp": compare_se_varcomp,
    "lr_test_vs_no_ranef": compare_lr_without_random,
    "icc": compare_icc,
}
"""Comparisons of keys that hold several arrays."""

SLEEP = {
    "ri": "Reaction ~ Days + (1 | Subject)",
    "rs": "Reaction ~ Days + (Days | Subject)",
    "diag": "Reaction ~ Days + (Days || Subject)",
}
PRODUCTIVITY = "gsp ~ private + emp + hwy + water + other + unemp + (1 | state)"
EXAM = "normexam ~ standLRT + sex + schgend"
PENICILLIN = "diameter ~ 1"

LRTESTS = [
    ("sleepstudy_lrtests", "ml_rs_vs_diag", SLEEP["diag"], SLEEP["rs"], "ml"),
    ("sleepstudy_lrtests", "reml_rs_vs_diag", SLEEP["diag"], SLEEP["rs"], "reml"),
    ("sleepstudy_lrtests", "ml_rs_vs_ri", SLEEP["ri"], SLEEP["rs"], "ml"),
    ("sleepstudy_lrtests", "ml_diag_vs_ri", SLEEP["ri"], SLEEP["diag"], "ml"),
    ("sleepstudy_lrtests", "reml_diag_vs_ri", SLEEP["ri"], SLEEP["diag"], "reml"),
    ("penicillin_lrtests", "drop_sample", f"{PENICILLIN} + (1 | plate)", f"{PENICILLIN} + (1 | plate) + (1 | sample)",
     "ml"),
    ("penicillin_lrtests", "drop_plate", f"{PENICILLIN} + (1 | sample)", f"{PENICILLIN} + (1 | plate) + (1 | sample)",
     "ml"),
    ("oats_lrtest_interaction", "lrtest", "yield ~ Variety + nitrof + (1 | Block/Variety)",
     "yield ~ Variety * nitrof + (1 | Block/Variety)", "ml"),
    ("productivity_lrtest_region", "lrtest", PRODUCTIVITY, f"{PRODUCTIVITY} + (1 | region)", "ml"),
    ("exam_lrtest_slope", "lrtest", f"{EXAM} + (1 | school)", f"{EXAM} + (standLRT | school)", "ml"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("case_id", "key", "small", "large", "criterion"), LRTESTS, ids=[f"{row[0]}-{row[1]}" for row in LRTESTS]
)
def test_lrtest_agrees_with(case_id, key, small, large, criterion, fitted, tables):
    reference = case_named(case_id)
    table = tables(reference)
    test = bml.lrtest(fitted(small, table, criterion), fitted(large, table, criterion))
    compare_lr(test, reference.expected[key], reference.rtol[key])


WALD = [
    ("sleepstudy_postestimation", "wald_days_chi2", SLEEP["rs"], "Days = 0", "reml"),
    ("productivity_wald", "wald_hwy_water_other", f"{PRODUCTIVITY} + (1 | region)", "hwy = water = other = 0", "ml"),
]


@pytest.mark.parametrize(
    ("case_id", "key", "formula", "hypothesis", "criterion"), WALD, ids=[f"{row[0]}-{row[1]}" for row in WALD]
)
def test_wald_test_agrees_with(case_id, key, formula, hypothesis, criterion, fitted, tables):
    reference = case_named(case_id)
    test = bml.wald_test(fitted(formula, tables(reference), criterion), hypothesis)
    expected, rtol = reference.expected[key], reference.rtol[key]
    assert close(test.statistic, expected["chi2"], rtol)
    assert test.df == expected["df"]
    assert close(test.p, expected["p"], rtol)


def test_variance_of_dyestuff2_is_exactly_zero(fitted):
    fit = fitted("Yield ~ 1 + (1 | Batch)", load("dyestuff2"), "reml")
    assert fit.varcorr.loc[fit.varcorr["group"] == "Batch", "sdcor"].item() == 0.0
    assert list(fit.boundary) == ["sd(Intercept | Batch)"]


def test_no_other_case_is_flagged(fitted, tables):
    flagged = [
        case.id
        for case in linear_cases()
        if case.dataset != "dyestuff2" and list(fitted(case.formula, tables(case), case.criterion).boundary)
    ]
    assert flagged == []


def test_every_case_converged(fitted, tables):
    failed = [c.id for c in linear_cases() if not fitted(c.formula, tables(c), c.criterion).converged]
    assert failed == []
