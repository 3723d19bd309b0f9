"""Numbers of lme4, glmmTMB, ordinal and of quadrature in R that all other outcomes must reproduce, within tolerance.

Every case and quantity is a test of its own name; every quantity is compared or named in `LATER` or `NOT_OURS`.
"""

import re
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayesml as bml
from bayesml.errors import DataNote
from bayesml.results.likelihood import LikelihoodResult
from tests.reference_cases import (
    OUTCOME_DATASETS,
    Case,
    address,
    case_named,
    close,
    load,
    outcome_cases,
    reverse,
    specification,
)

LATER = {
    # Verbs that are not there yet.
    "margins", "emmeans_link", "emmeans_prob_u0", "pairs_link",
}  # fmt: skip

NOT_OURS = {
    # Text about the numbers.
    "loglik_kind", "information_of_se",
    # Without the constant of the saturated model; `loglik` has it.
    "loglik_as_printed_by_lme4",
    # Standard errors as if the variances were known: those of all parameters stand in `se`.
    "se_conditional_on_theta",
}  # fmt: skip

EXPECTED_WEIGHTS = ("cbpp_probit_laplace_lme4", "cbpp_cloglog_laplace_lme4")
"""lme4's determinant has the expected second derivative where the link is not canonical, which is not Laplace's
approximation: of these cases only what does not depend on the fit is compared, the rest is that of `_tmb`."""

COMPARED_THERE = {"df", "nobs", "ngroups"}

EXPECTED_INFORMATION = ("cbpp_probit_aghq25", "cbpp_cloglog_aghq25")
"""lme4's conditional sds have the expected second derivative too, also after quadrature: ours the observed one."""

BOTTLE, WITHOUT_BOTTLE = "wine_logit_judge_bottle_laplace", "wine_logit_judge_laplace"
"""The variance of bottles is zero. The differences that gave the reference its standard errors took that edge in; ours
are those of the face, which the same program has for the model without bottles. Its test counts one variance of two."""


@cache
def fitted(dataset: str, formula: str, options: tuple[tuple[str, Any], ...]) -> LikelihoodResult:
    """One fit a model; safe to share, as results never change."""
    with warnings.catch_warnings():
        # Levels taken as ordered, 0/1 columns taken as numbers: told, rightly, and meant here.
        warnings.simplefilter("ignore", DataNote)
        return bml.fit(formula, load(dataset), **dict(options))


def fit_of(case: Case) -> LikelihoodResult:
    formula, options = specification(case)
    return fitted(case.dataset, formula, tuple(options.items()))


def without_random(case: Case) -> LikelihoodResult:
    formula, options = specification(case)
    fixed = re.sub(r"\s*\+\s*(shared)?\([^()]*\|[^()]*\)", "", formula)
    assert "|" not in fixed
    return fitted(case.dataset, fixed, likelihood_options(options))


def likelihood_options(options: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    """Options without those of the integral."""
    return tuple((name, value) for name, value in options.items() if name not in ("integration", "points"))


def quantities() -> list:
    return [
        pytest.param(case, key, id=f"{case.id}-{key}")
        for case in outcome_cases()
        for key in case.expected
        if key not in LATER | NOT_OURS and (case.id not in EXPECTED_WEIGHTS or key in COMPARED_THERE)
    ]


@pytest.mark.parametrize(("case", "key"), quantities())
def test_agrees_with(case: Case, key: str):
    expected = case.expected[key]
    if case.id == BOTTLE and key in ("se", "vcov_fixef_and_cutpoints"):
        expected = case_named(WITHOUT_BOTTLE).expected[key]
    for ours, theirs in COMPARISONS[key](fit_of(case), expected, case):
        assert close(ours, theirs, case.rtol.get(key, 0.0)), f"{ours} is not {theirs}"


# -- names ----------------------------------------------------------------------------------------


def address_in(r_name: str, case: Case) -> str:
    """R's name as an address; `yes:GenderM` -> `yes: Gender[M]`."""
    category, found, rest = r_name.partition(":")
    if found and category in case.model.get("categories", ()):
        return f"{category}: {address(rest, case.table)}"
    return f"cut[{r_name}]" if "|" in r_name else address(r_name, case.table)


def random_columns(r_group: str, reference: dict, case: Case) -> list[str]:
    """Columns of the random effects of a group: R's names, or categories whose intercepts are meant."""
    categories = case.model.get("categories", ())
    return [f"{name}: Intercept" if name in categories else address(name, case.table) for name in reference["names"]]


def group_name(r_name: str, fit: LikelihoodResult) -> str:
    return r_name if r_name in fit.ngroups else reverse(r_name)


def flat(values: pd.Series) -> pd.Series:
    """Coefficients over flat addresses."""
    if isinstance(values.index, pd.MultiIndex):
        return values.set_axis([f"{predictor}: {name}" for predictor, name in values.index])
    return values


def natural(fit: LikelihoodResult, name: str) -> float:
    """Estimate of a parameter by address."""
    return float(fit.parameters.loc[name, "estimate"])


# -- comparisons: pairs of ours and theirs --------------------------------------------------------


def scalar(name: str) -> Callable:
    return lambda fit, expected, case: [(getattr(fit, name), expected)]


def estimates(fit, expected, case):
    ours = fit.parameters["estimate"]
    names = [address_in(name, case) for name in expected]
    coefficients = [name for name in ours.index[fit.parameters["part"] == "fixed"]]
    assert sorted(names) == sorted(coefficients)
    return [(ours[names], list(expected.values())), (flat(fit.fixef)[names], list(expected.values()))]


def standard_errors(fit, expected, case):
    names = [address_in(name, case) for name in expected]
    assert set(flat(fit.se).index) <= set(names)
    return [(fit.parameters.loc[names, "se"], list(expected.values()))]


def covariance_matrix(fit, expected, case):
    names = [address_in(name, case) for name in expected["names"]]
    pairs = [(fit.vcov_all.loc[names, names], expected["matrix"])]
    if set(names) == set(flat(fit.se).index) and not isinstance(fit.vcov.index, pd.MultiIndex):
        pairs.append((fit.vcov.loc[names, names], expected["matrix"]))
    return pairs


def groups(fit, expected, case):
    assert len(fit.ngroups) == len(expected)
    return [([fit.ngroups[group_name(name, fit)] for name in expected], list(expected.values()))]


def random_covariances(fit, expected, case):
    for r_group, reference in expected.items():
        names = random_columns(r_group, reference, case)
        frame = fit.varcorr[fit.varcorr["group"] == group_name(r_group, fit)]
        G = pd.DataFrame(0.0, index=names, columns=names)
        for row in frame.itertuples():
            second = row.var1 if pd.isna(row.var2) or row.var2 == "" else row.var2
            G.loc[row.var1, second] = G.loc[second, row.var1] = row.vcov
        assert list(G.index) == names
        sd = np.sqrt(np.diag(G))
        yield G, reference["cov"]
        yield sd, reference["sd"]
        if "corr" in reference:
            yield G / np.outer(sd, sd), reference["corr"]


def variance_errors(fit, expected, case):
    """Standard errors of variances and covariances: of one variance, or of variance, covariance, variance."""
    frame = fit.varcorr[fit.varcorr["group"] != "Residual"]
    if isinstance(expected, float):
        return [(frame["se"].item(), expected)]
    variances = frame[pd.isna(frame["var2"]) | (frame["var2"] == "")]["se"].to_list()
    covariance = frame[~(pd.isna(frame["var2"]) | (frame["var2"] == ""))]["se"].to_list() or [0.0]
    assert len(variances) == 2 and len(covariance) == 1
    return [([variances[0], covariance[0], variances[1]], expected)]


def cut_points(fit, expected, case):
    return [(fit.parameters.loc[[f"cut[{name}]" for name in expected], "estimate"], list(expected.values()))]


DISPERSION = {
    "nbinom2": ("alpha", lambda alpha: 1.0 / alpha, lambda alpha: -np.log(alpha)),
    "nbinom1": ("delta", lambda delta: delta, np.log),
    "beta": ("phi", lambda phi: phi, np.log),
    "Gamma": ("sigma", lambda sigma: sigma, lambda sigma: -2.0 * np.log(sigma)),
}
"""For glmmTMB: our parameter; its `sigma()`; its unconstrained parameter."""


def glmmtmb_sigma(fit, expected, case):
    if case.model["family"] not in DISPERSION:
        assert expected == 1
        assert len(fit.family_params) == 0
        return []
    name, sigma, _ = DISPERSION[case.model["family"]]
    return [(sigma(natural(fit, name)), expected)]


def gamma_dispersion(fit, expected, case):
    sigma = natural(fit, "sigma")
    return [(sigma**2, expected["cv2_sigma_squared"]), (sigma**-2, expected["shape"])]


def residual_variance(fit, expected, case):
    (row,) = fit.varcorr[fit.varcorr["group"] == "Residual"].itertuples()
    return [(fit.sigma2, expected["estimate"]), (row.vcov, expected["estimate"]), (row.se, expected["se"])]


ANCILLARY = {"weibull": "shape", "lognormal": "sigma", "loglogistic": "scale", "gamma": "sigma"}


def ancillary(fit, expected, case):
    (row,) = fit.family_params.itertuples()
    assert row.Index == ANCILLARY[case.model["family"]]
    return [(row.estimate, expected["estimate"]), (row.se, expected["se"])]


def unconstrained(fit, case) -> tuple[list[str], Callable[[np.ndarray], np.ndarray]]:
    """Our parameters besides coefficients, and the function of their values that the reference has, in its order."""
    names = list(fit.vcov_all.index[len(fit.fixef) :])
    sds = [name for name in names if name.startswith("sd(")]
    correlations = [name for name in names if name.startswith("corr(")]
    family = [name for name in names if name not in sds + correlations]

    def transformed(values: np.ndarray) -> np.ndarray:
        at = dict(zip(names, values, strict=True))
        out = []
        for name in family:
            if case.model["family"] in DISPERSION and case.model["method"] == "Laplace":
                out.append(DISPERSION[case.model["family"]][2](at[name]))
            else:
                out.append(np.log(at[name]))
        out += [np.log(at[name]) for name in sds]
        for name in correlations:
            out.append(at[name] / np.sqrt(1.0 - at[name] ** 2))
        if case.id == "verbagg_mlogit_un":
            first, second, rho = at[sds[0]], at[sds[1]], at[correlations[0]]
            out = [np.log(first), rho * second, np.log(second * np.sqrt(1.0 - rho**2))]
        return np.array(out)

    return names, transformed


def all_parameters(fit, expected, case):
    """Ours through the derivative of the reference's parameters in ours."""
    names, transformed = unconstrained(fit, case)
    values = np.array([natural(fit, name) for name in names])
    steps = 1e-6 * np.abs(values)
    columns = [
        (transformed(values + step) - transformed(values - step)) / (2.0 * size)
        for size, step in zip(steps, np.diag(steps), strict=True)
    ]
    p = len(fit.fixef)
    J = np.zeros((p + len(columns[0]), p + len(names)))
    J[:p, :p], J[p:, p:] = np.eye(p), np.column_stack(columns)
    coefficients = [address_in(name, case) for name in expected["names"][:p]]
    V = fit.vcov_all.loc[[*coefficients, *names], [*coefficients, *names]].to_numpy()
    return [(J @ V @ J.T, expected["matrix"])]


def glmmtmb_theta(fit, expected, case):
    names, transformed = unconstrained(fit, case)
    ours = transformed(np.array([natural(fit, name) for name in names]))
    return [(ours[len(ours) - len(expected) :], expected)]


EFFECTS = {
    "mode": ("mode", None, "mode"),
    "cond_sd": ("mode", "conditional", "se"),
    "cond_sd_at_mode": ("mode", "conditional", "se"),
    "cond_sd_including_parameter_uncertainty": ("mode", "full", "se"),
    "posterior_mean": ("mean", "conditional", "mean"),
    "posterior_sd": ("mean", "conditional", "se"),
}
"""What each key of `blups` is called by `bml.ranef`: kind, se, and the part of the frame."""


def effects(fit, expected, case):
    for r_group, reference in expected.items():
        group = group_name(r_group, fit)
        names = random_columns(r_group, reference, case)
        levels = reference["levels"] if group == r_group else [reverse(level) for level in reference["levels"]]
        assert set(reference) <= {"levels", "names", *EFFECTS}
        for key, (kind, se, part) in EFFECTS.items():
            if key in reference and not (key == "cond_sd" and case.id in EXPECTED_INFORMATION):
                frame = bml.ranef(fit, kind, se=se)[group][part]
                labels = [":".join(map(str, x)) if isinstance(x, tuple) else str(x) for x in frame.index]
                theirs = np.reshape(reference[key], (len(levels), len(names)))
                yield frame.set_axis(labels, axis=0).loc[levels, names], theirs


def fitted_values(fit, expected, case):
    """Means; of ordered categories the probability of the one that was observed."""
    values = fit.fitted
    if "cutpoints" in case.expected:
        observed = case.table["rating"].astype(str).iloc[:5]
        return [([values.iloc[i][category] for i, category in enumerate(observed)], expected)]
    return [(values.iloc[:5], expected)]


def fixed_predictor(fit, expected, case):
    return [(bml.predict(fit, kind="linear", ranef="zero")["estimate"].iloc[:5], expected)]


def intraclass(fit, expected, case):
    found = bml.icc(fit)["estimate"]
    return [
        (found[r_group if r_group == "total" else group_name(r_group, fit)], value)
        for r_group, value in expected.items()
    ]


def likelihood_ratio(test, expected):
    """Each number of a test as a scalar; the p value of the mixture where there is one."""
    yield from statistics(test, expected)
    assert test.df == expected["df"]
    for key in expected:
        if key.startswith("p"):
            yield test.p if key.startswith("p_chibar2") else test.p_chi2, expected[key]


def statistics(test, expected):
    yield test.models[0][1], expected["loglik0"]
    yield test.models[1][1], expected["loglik1"]
    yield test.statistic, expected["chi2"]


def against_no_random(fit, expected, case):
    test = bml.lrtest(without_random(case), fit)
    return statistics(test, expected) if case.id == BOTTLE else likelihood_ratio(test, expected)


def against_poisson(fit, expected, case):
    formula, options = specification(case)
    poisson = fitted(case.dataset, formula, tuple((options | {"family": "poisson"}).items()))
    return likelihood_ratio(bml.lrtest(poisson, fit), expected)


def loglik_without_random(fit, expected, case):
    return [(without_random(case).loglik, expected)]


def exponentiated(fit, expected, case):
    """Ratios as `summary(exponentiate=True)` has them."""
    found = fit.summary(exponentiate=True).to_pandas("Fixed effects")
    names = [address_in(name, case) for name in expected["names"]]
    columns = {"estimate": 0, "se_delta": 1, "ci95_lower": -2, "ci95_upper": -1}
    return [(found.loc[names].iloc[:, columns[key]], expected[key]) for key in expected if key != "names"]


def wald(fit, expected, case):
    test = bml.wald_test(fit, "period[2] = period[3] = period[4] = 0")
    assert test.df == expected["df"]
    return [(test.statistic, expected["chi2"]), (test.p, expected["p"])]


def drop_period(fit, expected, case):
    formula, options = specification(case)
    small = fitted(case.dataset, formula.replace("period", "1"), tuple(options.items()))
    return likelihood_ratio(bml.lrtest(small, fit), expected)


COMPARISONS = {
    "loglik": scalar("loglik"),
    "df": scalar("df"),
    "AIC": scalar("aic"),
    "BIC": scalar("bic"),
    "nobs": scalar("nobs"),
    "ngroups": groups,
    "fixef": estimates,
    "se": standard_errors,
    "vcov_fixef": covariance_matrix,
    "vcov_fixef_and_cutpoints": covariance_matrix,
    "vcov_all_parameters": all_parameters,
    "theta_glmmTMB": glmmtmb_theta,
    "cutpoints": cut_points,
    "sigma_as_defined_by_glmmTMB": glmmtmb_sigma,
    "gamma_dispersion": gamma_dispersion,
    "residual_var": residual_variance,
    "ancillary": ancillary,
    "ranef_cov": random_covariances,
    "se_ranef_var": variance_errors,
    "se_ranef_var_cov_var": variance_errors,
    "blups": effects,
    "fitted_first5": fitted_values,
    "linear_predictor_fixed_first5": fixed_predictor,
    "icc": intraclass,
    "lr_test_vs_no_ranef": against_no_random,
    "lr_test_vs_poisson": against_poisson,
    "loglik_no_ranef": loglik_without_random,
    "hazard_ratios": exponentiated,
    "odds_ratios": exponentiated,
    "wald_period": wald,
    "lrtest_period": drop_period,
}
"""For each key pairs of our numbers and theirs."""


# -- what holds of all cases ----------------------------------------------------------------------


def test_every_case_is_tested():
    cases = outcome_cases()
    assert len(cases) == 57
    assert {c.dataset for c in cases} == set(OUTCOME_DATASETS)
    assert {c.id for c in cases} >= set(EXPECTED_WEIGHTS)


def test_every_quantity_is_compared_or_named():
    keys = {key for case in outcome_cases() for key in case.expected}
    assert keys == set(COMPARISONS) | LATER | NOT_OURS


@pytest.mark.parametrize("case", outcome_cases(), ids=lambda case: case.id)
def test_converges(case):
    fit = fit_of(case)
    assert fit.converged, fit.status
    zero = [
        name
        for group in case.expected.get("ranef_cov", {}).values()
        for name, sd in zip(group["names"], group["sd"], strict=True)
        if sd < 1e-3
    ]
    assert len(fit.boundary) == len(zero), fit.boundary


def test_the_saturated_constant_is_all_that_lme4_leaves_out():
    """Two cases of one model: what the printed log likelihood lacks does not depend on the number of points."""
    seven, fifteen = (case_named(f"cbpp_logit_aghq{points}").expected for points in (7, 15))
    lacking = [e["loglik"] - e["loglik_as_printed_by_lme4"] for e in (seven, fifteen)]
    assert np.isclose(*lacking, rtol=0, atol=1e-9)
