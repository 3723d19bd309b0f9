"""Prior sets on data: the numbers of the systems they are named for, and proper priors for every family."""

import warnings

import numpy as np
import pandas as pd
import pytest

from bayesml.datasets import load
from bayesml.distributions import (
    LKJ,
    Exponential,
    Flat,
    Gamma,
    HalfCauchy,
    HalfNormal,
    HalfStudentT,
    InverseGamma,
    Normal,
    OnVariance,
    StudentT,
    Truncated,
)
from bayesml.errors import DataNote, SpecificationError
from bayesml.families import FAMILIES
from bayesml.graphs.of_data import graph_of
from bayesml.spec.priors import prior_sets
from tests.outcome_table import RESPONSES, outcome_table

SLEEP = "Reaction ~ Days + (Days | Subject)"
EPIL = "y ~ lbase * trt + lage + V4 + (1 | subject)"
CBPP = "p(incidence, size) ~ period + (1 | herd)"


def resolved(formula, data, priors, **options):
    data = load(data) if isinstance(data, str) else data
    return dict(graph_of(formula, data, priors, **options).priors.items())


def agree(found, expected, digits=4):
    """Priors equal up to the digits that the other system prints."""
    assert {a: type(p).__name__ for a, p in found.items()} == {a: type(p).__name__ for a, p in expected.items()}
    for address, prior in expected.items():
        for name, value in prior.numbers.items():
            assert round(found[address].numbers[name], digits) == pytest.approx(value), (address, name)


def test_bambi_on_sleepstudy():
    """`print(bambi.Model("Reaction ~ Days + (Days | Subject)", sleepstudy))`, Bambi 0.21."""
    agree(
        resolved(SLEEP, "sleepstudy", "bambi"),
        {
            "Intercept": Normal(298.5079, 261.0092),
            "Days": Normal(0, 48.8915),
            "sd(Intercept | Subject)": HalfNormal(261.0092),
            "sd(Days | Subject)": HalfNormal(48.8915),
            "corr(Intercept, Days | Subject)": LKJ(1),
            "sigma": HalfStudentT(4, 56.1721),
        },
    )


def test_bambi_on_proportions():
    """Bambi 0.21 on cbpp, `period` a factor."""
    agree(
        resolved(CBPP, "cbpp", "bambi", family="binomial"),
        {
            "Intercept": Normal(0, 1.5),
            "period[2]": Normal(0, 1),
            "period[3]": Normal(0, 1),
            "period[4]": Normal(0, 1),
            "sd(Intercept | herd)": HalfNormal(2.5355),
        },
    )


def test_bambi_on_counts():
    """Bambi 0.21 on epil, family "negativebinomial"."""
    agree(
        resolved(EPIL, "epil", "bambi", family="negative_binomial"),
        {
            "Intercept": Normal(0, 3.9067),
            "lbase": Normal(0, 3.3578),
            "trt[progabide]": Normal(0, 5.0065),
            "lage": Normal(0, 11.2620),
            "V4": Normal(0, 5.7735),
            "lbase:trt[progabide]": Normal(0, 4.9198),
            "sd(Intercept | subject)": HalfNormal(3.9067),
            "alpha": HalfCauchy(1),
        },
    )


def test_bambi_on_numbers_of_bernoulli_models(rng):
    x = np.arange(20.0) + 3
    table = pd.DataFrame({"y": np.arange(20) % 2, "x": x, "g": np.arange(20) % 4})
    found = resolved("y ~ x + (x | g)", table, "bambi", family="bernoulli")
    assert found["x"] == Normal(0, 1 / x.std())
    assert found["sd(x | g)"].sigma == pytest.approx(2.5 / x.std())
    cloglog = resolved("y ~ x + (x | g)", table, "bambi", family="bernoulli", link="cloglog")
    assert cloglog["x"].sigma == pytest.approx(2.5 / x.std())


def ordinal(rng, levels):
    n = 12 * levels
    y = pd.Categorical.from_codes(np.arange(n) % levels, [f"c{i}" for i in range(levels)], ordered=True)
    return pd.DataFrame({"y": y, "x": rng.normal(2, 1, n), "g": np.arange(n) // 6})


def test_bambi_spaces_cut_points(rng):
    found = resolved("y ~ x + (1 | g)", ordinal(rng, 4), "bambi", family="cumulative")
    assert [found[name] for name in found if name.startswith("cut")] == [Normal(-2, 1), Normal(0, 1), Normal(2, 1)]
    found = resolved("y ~ x + (1 | g)", ordinal(rng, 5), "bambi", family="cumulative")
    assert [found[name].mu for name in found if name.startswith("cut")] == [-2, -0.67, 0.67, 2]


def test_rstanarm_on_sleepstudy():
    data = load("sleepstudy")
    y, x = data["Reaction"], data["Days"]
    found = resolved(SLEEP, "sleepstudy", "rstanarm")
    # `sd` of R has the divisor n - 1
    slope = 2.5 * y.std() / x.std()
    assert found["Days"].numbers == pytest.approx({"mu": 0, "sigma": slope})
    centred = 2.5 * y.std()
    assert found["Intercept"].numbers == pytest.approx({"mu": y.mean(), "sigma": np.hypot(centred, slope * x.mean())})
    assert found["sigma"].lam == pytest.approx(1 / y.std())
    assert found["sd(Days | Subject)"].lam == found["sd(Intercept | Subject)"].lam == found["sigma"].lam


def test_rstanarm_with_a_link():
    data = load("cbpp")
    x = (data["period"].astype(str) == "2").to_numpy(float)
    found = resolved(CBPP, data, "rstanarm", family="binomial")
    assert found["period[2]"].numbers == pytest.approx({"mu": 0, "sigma": 2.5 / x.std(ddof=1)})
    assert found["sd(Intercept | herd)"] == Exponential(1)
    probit = resolved(CBPP, data, "rstanarm", family="binomial", link="probit")
    # dnorm(0) / dlogis(0)
    assert probit["period[2]"].sigma / found["period[2]"].sigma == pytest.approx(4 / np.sqrt(2 * np.pi))
    assert probit["Intercept"].sigma / found["Intercept"].sigma == pytest.approx(4 / np.sqrt(2 * np.pi))


def test_brms_on_sleepstudy():
    """`default_prior(Reaction ~ Days + (Days | Subject), sleepstudy)` gives student_t(3, 288.7, 59.3)."""
    found = resolved(SLEEP, "sleepstudy", "brms")
    x = load("sleepstudy")["Days"]
    wide = 1 + (x.mean() / x.std(ddof=0)) ** 2
    assert found["Intercept"].numbers == pytest.approx({"nu": 3, "mu": 288.7, "sigma": 59.3 * wide})
    assert found["Days"] == Flat()
    assert found["sigma"] == found["sd(Days | Subject)"] == HalfStudentT(3, 59.3)
    # without columns nothing is widened
    assert resolved("Reaction ~ 1 + (1 | Subject)", "sleepstudy", "brms")["Intercept"] == StudentT(3, 288.7, 59.3)


def test_brms_on_counts():
    """`default_prior(count ~ (1 | patient), epilepsy, negbinomial())`: student_t(3, 1.4, 2.5), inv_gamma(0.4, 0.3)."""
    found = resolved("y ~ 1 + (1 | subject)", "epil", "brms", family="negative_binomial")
    assert found["Intercept"] == StudentT(3, 1.4, 2.5)
    assert found["sd(Intercept | subject)"] == HalfStudentT(3, 2.5)
    # alpha is the reciprocal of brms's shape
    assert found["alpha"] == Gamma(0.4, 0.3)


def test_brms_takes_the_offset_from_the_median():
    data = load("epil").assign(months=np.arange(236) % 5 + 1.0)
    found = resolved("y ~ 1 + (1 | subject)", data, "brms", family="poisson", exposure="months")
    assert found["Intercept"].mu == pytest.approx(1.4 - np.log(data["months"]).mean())


def test_brms_under_other_links(rng):
    n = 80
    data = pd.DataFrame({"y": rng.gamma(2.0, 0.01, n), "g": np.arange(n) % 8})

    def mad(x):
        return round(1.4826 * np.median(np.abs(x - np.median(x))), 1)

    gamma = resolved("y ~ 1 + (1 | g)", data, "brms", family="gamma", link="inverse")
    assert gamma["Intercept"] == StudentT(3, round(float(np.median(1 / data["y"])), 1), mad(1 / data["y"]))
    assert gamma["sigma"] == OnVariance(InverseGamma(0.01, 0.01))
    lognormal = resolved("y ~ 1 + (1 | g)", 100 * data, "brms", family="lognormal")
    logarithms = np.log(100 * data["y"])
    assert lognormal["Intercept"] == StudentT(3, round(float(np.median(logarithms)), 1), max(2.5, mad(logarithms)))
    t = resolved("y ~ 1 + (1 | g)", data, "brms", family="student_t")
    assert t["nu"] == Truncated(Gamma(2, 0.1), lower=1)
    # log hazards fall where log times rise
    times = {metric: resolved("y ~ 1 + (1 | g)", data, "brms", family=FAMILIES["exponential"].__class__(metric))
             for metric in ("hazard", "time")}  # fmt: skip
    assert times["hazard"]["Intercept"].mu == -times["time"]["Intercept"].mu > 0


def test_brms_of_categories_has_no_median(rng):
    found = resolved("y ~ 1 + (1 | g)", ordinal(rng, 3), "brms", family="cumulative")
    assert found["cut[c0|c1]"] == StudentT(3, 0, 2.5)


def test_penalised_complexity():
    data = load("sleepstudy")
    y, x = data["Reaction"].to_numpy(), data["Days"].to_numpy()
    graph = graph_of(SLEEP, data, "penalised_complexity")
    found = dict(graph.priors.items())
    for address, natural in (("sigma", y.std()), ("sd(Days | Subject)", y.std() / x.std())):
        assert np.exp(-found[address].lam * 3 * natural) == pytest.approx(0.01)
    assert found["corr(Intercept, Days | Subject)"] == LKJ(2)
    assert found["Days"] == resolved(SLEEP, data, "weakly_informative")["Days"]
    assert graph.priors.source("Days") == "weakly_informative"
    assert graph.priors.source("sigma") == graph.priors.source("corr(Intercept, Days | Subject)")
    assert graph.priors.source("sigma") == "penalised_complexity"


def test_horseshoe():
    data = load("sleepstudy")
    y, x = data["Reaction"].to_numpy(), data["Days"].to_numpy()
    found = resolved(SLEEP, data, "horseshoe")
    assert found["Days"].numbers == pytest.approx(
        {"global_scale": 0.01, "slab_scale": 2.5, "slab_df": 4, "scale": y.std() / x.std()}
    )
    ours = resolved(SLEEP, data, "weakly_informative")
    assert {a: p for a, p in found.items() if a != "Days"} == {a: p for a, p in ours.items() if a != "Days"}
    # coefficients on other scales still share their scales
    epil = graph_of(EPIL, load("epil"), "horseshoe", family="negative_binomial").priors
    assert len({prior.kind for prior in epil.coefficients[1:]}) == 1


# -- every set on every family -----------------------------------------------------------------


def test_every_family_is_in_the_catalogue():
    assert set(RESPONSES) == set(FAMILIES)


@pytest.mark.parametrize("family", list(RESPONSES))
@pytest.mark.parametrize("name", prior_sets())
def test_sets_give_proper_priors_where_they_promise(name, family):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataNote)
        found = resolved(f"{RESPONSES[family]} ~ x + f + (x | g)", outcome_table(), name, family=family)
    improper = {address for address, prior in found.items() if prior.improper}
    allowed = {
        "flat": set(found) - {address for address in found if address.startswith("corr")},
        "brms": {address for address in found if address.split(": ")[-1] in ("x", "f[q]", "f[r]")},
        "stata": {address for address in found if address.startswith("cut")},
    }.get(name, set())
    assert improper == allowed
    for address, prior in found.items():
        positive = address.startswith("sd(") or address in ("sigma", "alpha", "phi", "nu", "shape", "scale")
        assert prior.support[0] >= 0 or not positive, address
        assert all(np.isfinite(list(prior.numbers.values()))), address


# -- files of one's own ------------------------------------------------------------------------


def test_kinds_that_a_file_leaves_out(tmp_path):
    path = tmp_path / "mine.toml"
    content = '[priors.coefficient]\ndistribution = "Laplace"\nnumbers = { b = 1.0 }\nscaled = true\n'
    path.write_text(content)
    with pytest.raises(SpecificationError, match=r"`mine\.toml` has no prior for `Intercept`.*\[priors\.intercept\]"):
        resolved(SLEEP, "sleepstudy", path)
    path.write_text('base = "rstanarm"\n' + content)
    graph = graph_of(SLEEP, load("sleepstudy"), path)
    found, theirs = dict(graph.priors.items()), resolved(SLEEP, "sleepstudy", "rstanarm")
    y, x = graph.design.y, graph.design.fixed_columns[1]
    # each set keeps its own way of taking standard deviations
    assert found["Days"].b == pytest.approx(y.std() / x.std())
    own = ("Days", "Intercept")
    assert {a: p for a, p in found.items() if a not in own} == {a: p for a, p in theirs.items() if a not in own}
    # the intercept follows from what is said at the mean of the column, and of the coefficient
    sd = np.hypot(2.5 * y.std(ddof=1), np.sqrt(2) * found["Days"].b * x.mean())
    assert found["Intercept"].sigma == pytest.approx(sd)
    assert graph.priors.source("Days") == "mine.toml"
    assert graph.priors.source("sigma") == "rstanarm"


def test_a_centred_intercept_beside_flat_coefficients(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('base = "rstanarm"\n[priors.coefficient]\ndistribution = "Flat"\n')
    found, ours = (resolved(SLEEP, "sleepstudy", name)["Intercept"] for name in (path, "weakly_informative"))
    assert found.sigma == pytest.approx(ours.sigma, rel=0.01)


def test_covariance_matrices_of_a_base(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('base = "stata"\n[priors.coefficient]\ndistribution = "Normal"\n')
    assert graph_of(SLEEP, load("sleepstudy"), path).priors.terms[0].covariance is not None
    # where the file says something of sds or correlations, the matrix of the base would contradict it
    path.write_text('base = "stata"\n[priors.correlation]\ndistribution = "LKJ"\nnumbers = { eta = 2 }\n')
    term = graph_of(SLEEP, load("sleepstudy"), path).priors.terms[0]
    assert term.covariance is None
    assert term.correlation == LKJ(2)
    path.write_text(
        'base = "bambi"\n[priors.random_covariance]\ndistribution = "InverseWishart"\n'
        "numbers = { nu = 4, scale = [900.0, 30.0] }\n"
    )
    priors = graph_of(SLEEP, load("sleepstudy"), path).priors
    assert "InverseWishart(4" in str(priors.terms[0].covariance)
    assert priors.source("sd(Days | Subject)") == "mine.toml"
    # one column is no matrix
    assert graph_of("Reaction ~ 1 + (1 | Subject)", load("sleepstudy"), path).priors.terms[0].covariance is None


def test_scales_by_name(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        'base = "weakly_informative"\ndivisor = "n - 1"\n'
        '[priors.coefficient]\ndistribution = "Normal"\nscaled = "response"\n'
        '[priors.intercept]\ndistribution = "Normal"\nscaled = "response"\n'
        '[priors.dispersion]\ndistribution = "HalfNormal"\nscaled = true\n'
    )
    graph = graph_of(SLEEP, load("sleepstudy"), path)
    y = graph.design.y
    intercept, days = graph.priors.coefficients
    assert intercept.numbers == pytest.approx({"mu": y.mean(), "sigma": y.std(ddof=1)})
    assert days.numbers == pytest.approx({"mu": 0, "sigma": y.std(ddof=1)})
    # what has no unit is not scaled
    assert resolved(EPIL, "epil", path, family="negative_binomial")["alpha"] == HalfNormal(1)
