"""A grid of priors: weights agree with sampling, refits come where they must, nothing improper is begun."""

import time
import warnings

import numpy as np
import pandas as pd
import pytest

import bayesml as bml
from bayesml.bayes import prior_grid as module
from bayesml.errors import ColumnNotFound, ConvergenceWarning, DataNote, NotIdentified, SpecificationError
from bayesml.estimators.nutpie_model import COMPILED

SLEEP = "Reaction ~ Days + (Days | Subject)"
SLOPES = "sd(Days | Subject)"
CBPP = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
QUICK = {"draws": 500, "tune": 500, "random_seed": 1, "progressbar": False}


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    return bml.datasets.load("sleepstudy")


@pytest.fixture(scope="module")
def twelve() -> dict:
    return {
        SLOPES: [bml.HalfNormal(s) for s in (1, 5, 20)] + [bml.HalfCauchy(s) for s in (5, 25)],
        "Days": [bml.Normal(0, 5), bml.Normal(0, 100), bml.StudentT(3, 0, 10), bml.Normal(-20, 2)],
        "corr(Subject)": [bml.LKJ(2), bml.LKJ(5)],
        "priors": ["flat"],
    }


@pytest.fixture(scope="module")
def timed_grid(data, twelve) -> tuple[pd.DataFrame, float]:
    """The grid, and the seconds that it took with all that had to be compiled."""
    wanted = ["Days", SLOPES, "sd(Days | Subject) / sigma"]
    start = time.process_time()
    found = bml.prior_grid(SLEEP, data, twelve, wanted, random_seed=1, progressbar=False)
    return found, time.process_time() - start


@pytest.fixture(scope="module")
def grid(timed_grid) -> pd.DataFrame:
    return timed_grid[0]


def test_rows_are_the_reference_the_models_priors_and_the_grid(grid):
    assert list(grid.columns) == module.COLUMNS
    assert list(grid["prior"].drop_duplicates()[:3]) == [
        "REML fit",
        "weakly_informative",
        "sd(Days | Subject) ~ HalfNormal(1)",
    ]
    assert grid["prior"].nunique() == 14
    assert (grid.groupby("prior").size() == 3).all()
    assert grid.drop(columns=["rhat", "ess", "pareto_k"]).notna().all(axis=None)


def test_the_reference_is_the_fit(grid, data):
    fit = bml.fit(SLEEP, data)
    rows = grid[grid["source"] == "reml"].set_index("quantity")
    known = fit.interval_frame()
    for address in ("Days", SLOPES):
        np.testing.assert_allclose(rows.loc[address, ["mean", "sd", "lower", "upper"]].tolist(), known.loc[address])
    assert rows.loc["sd(Days | Subject) / sigma", "mean"] == pytest.approx(fit[SLOPES] / fit["sigma"])
    assert not rows["refit"].any()


def test_far_priors_are_sampled_and_near_ones_are_weights(grid):
    source = grid.groupby("prior")["source"].first()
    assert source["Days ~ Normal(-20, 2)"] == "refit"
    assert source["sd(Days | Subject) ~ HalfNormal(1)"] == "refit"
    assert (source[[f"sd(Days | Subject) ~ HalfCauchy({s})" for s in (5, 25)]] == "reweighted").all()
    assert source["flat"] == "reweighted"
    assert ((grid["source"] == "reweighted") != grid["refit"])[grid["source"] != "reml"].all()
    assert (grid.loc[grid["source"] == "reweighted", "pareto_k"] < 0.7).all()
    (note,) = [own for own in grid.attrs["notes"] if own.startswith("Sampled anew")]
    assert "Days ~ Normal(-20, 2) (Pareto k " in note


def test_weights_agree_with_sampling(grid, data):
    some = {SLOPES: [bml.HalfNormal(5), bml.HalfCauchy(25)], "corr(Subject)": [bml.LKJ(5)], "priors": ["flat"]}
    wanted = list(grid["quantity"].unique())
    always = bml.prior_grid(SLEEP, data, some, wanted, refit="always", random_seed=2, progressbar=False)
    assert set(always["source"]) == {"reml", "base", "refit"}
    agree(grid[(grid["source"] == "reweighted") & grid["prior"].isin(always["prior"])], always)


def test_weights_agree_with_sampling_where_effects_are_sampled_too():
    cbpp = bml.datasets.load("cbpp")
    grid = {"sd(herd)": [bml.HalfNormal(0.5), bml.Exponential(1)], "period[2]": [bml.Normal(0, 1)]}
    options = {"family": "binomial", "progressbar": False}
    weighted = bml.prior_grid(CBPP, cbpp, grid, refit="never", random_seed=1, **options)
    sampled = bml.prior_grid(CBPP, cbpp, grid, refit="always", random_seed=2, **options)
    agree(weighted[weighted["source"] == "reweighted"], sampled)


def agree(weighted: pd.DataFrame, sampled: pd.DataFrame) -> None:
    """Means and sds are equal within Monte-Carlo error."""
    other = sampled.set_index(["prior", "quantity"])
    assert len(weighted) > 10
    for row in weighted.itertuples():
        own = other.loc[(row.prior, row.quantity)]
        size = 1.0 / (1.0 / row.ess + 1.0 / own["ess"])
        assert row.mean == pytest.approx(own["mean"], abs=4 * own["sd"] / np.sqrt(size))
        # the tails of variances are heavier than normal ones
        assert row.sd == pytest.approx(own["sd"], rel=4 * 1.5 / np.sqrt(2 * size))


def test_twelve_priors_take_less_than_fifteen_seconds(timed_grid):
    assert timed_grid[1] < 15


def test_other_numbers_compile_nothing(data):
    options = {"refit": "always", "quantities": "Days", **QUICK}
    bml.prior_grid(SLEEP, data, {SLOPES: [bml.HalfNormal(5)]}, **options)
    before = len(COMPILED)
    bml.prior_grid(SLEEP, data, {SLOPES: [bml.HalfNormal(7), bml.HalfNormal(8)], "Days": bml.Normal(0, 3)}, **options)
    assert len(COMPILED) == before


def test_a_support_that_the_models_own_prior_leaves_out_is_sampled(data):
    grid = {"Days": [bml.Normal(0, 50)]}
    found = bml.prior_grid(SLEEP, data, grid, "Days", priors={"Days": bml.Uniform(0, 9)}, **QUICK)
    row = found[found["prior"] == "Days ~ Normal(0, 50)"].iloc[0]
    assert row["source"] == "refit"
    assert row["upper"] > 12
    assert any("exclude" in note for note in found.attrs["notes"])


def test_draws_outside_a_support_weigh_nothing(data):
    found = bml.prior_grid(SLEEP, data, {"Days": bml.Uniform(9, 12)}, "Days", refit="never", **QUICK)
    row = found.iloc[-1]
    assert row["source"] == "reweighted"
    assert 9 < row["lower"] < row["upper"] < 12
    other = bml.prior_grid(SLEEP, data, {"Days": bml.Uniform(9, 12)}, "Days", refit="always", **QUICK).iloc[-1]
    assert row["mean"] == pytest.approx(other["mean"], abs=4 * other["sd"] / np.sqrt(300))


def test_held_parameters_are_sampled_and_have_their_value(data):
    grid = {"sigma": [bml.Fixed(25)], SLOPES: [bml.Fixed(0)]}
    found = bml.prior_grid("Reaction ~ Days + (Days || Subject)", data, grid, ["sigma", SLOPES], **QUICK)
    rows = found.set_index(["prior", "quantity"])
    held = rows.loc[("sigma ~ Fixed(25)", "sigma")]
    assert (held["mean"], held["sd"], held["source"]) == (25.0, 0.0, "refit")
    assert rows.loc[("sd(Days | Subject) ~ Fixed(0)", SLOPES), "mean"] == 0.0


def test_a_set_that_is_the_models_own_stands_once(data):
    found = bml.prior_grid(SLEEP, data, {"priors": ["weakly_informative", "flat"]}, "Days", **QUICK)
    assert list(found["prior"]) == ["REML fit", "weakly_informative", "flat"]


def test_the_same_seed_gives_the_same_rows(data):
    grid = {SLOPES: [bml.HalfNormal(1), bml.HalfNormal(20)]}
    one, other = (bml.prior_grid(SLEEP, data, grid, "Days", **QUICK) for _ in range(2))
    pd.testing.assert_frame_equal(pd.DataFrame(one), pd.DataFrame(other))


def test_intervals_have_the_content_asked_for(data):
    grid = {SLOPES: [bml.HalfNormal(20)]}
    wide, narrow = (bml.prior_grid(SLEEP, data, grid, "Days", ci_prob=p, **QUICK) for p in (0.95, 0.5))
    ratio = (wide["upper"] - wide["lower"]) / (narrow["upper"] - narrow["lower"])
    np.testing.assert_allclose(ratio, 1.96 / 0.674, rtol=0.15)
    assert "50%" in repr(narrow)


# -- refused, interrupted ------------------------------------------------------------------------


def test_improper_cells_are_refused_before_anything_is_sampled(data, monkeypatch):
    def never(*_, **__):
        raise AssertionError("something was sampled")

    monkeypatch.setattr(module, "sample_graph", never)
    two = data[data["Subject"].isin(data["Subject"].unique()[:2])]
    grid = {"sd(Subject)": [bml.HalfNormal(5), bml.HalfFlat()]}
    with pytest.raises(NotIdentified, match=r"`sd\(Subject\) ~ HalfFlat` cannot be sampled.*improper"):
        bml.prior_grid("Reaction ~ Days + (1 | Subject)", two, grid, progressbar=False)


@pytest.mark.parametrize(
    ("grid", "options", "error", "message"),
    [
        ({}, {}, SpecificationError, "A grid of priors is a dict"),
        ([bml.HalfNormal(1)], {}, SpecificationError, "A grid of priors is a dict"),
        ({"Days": []}, {}, SpecificationError, "`Days`: give a list of distributions"),
        ({"priors": []}, {}, SpecificationError, "names of prior sets"),
        ({"priors": ["weak"]}, {}, SpecificationError, "no prior set 'weak'"),
        ({"Days": ["flat"]}, {}, SpecificationError, "The prior of `Days` is 'flat'"),
        ({"Dayz": [bml.Normal(0, 1)]}, {}, ColumnNotFound, "Dayz"),
        ({SLOPES: [bml.Normal(0, 1)]}, {}, SpecificationError, "allows negative values"),
        ({"Days": [bml.Normal(0, 1)]}, {"refit": "yes"}, SpecificationError, "`refit='yes'`"),
        ({"Days": [bml.Normal(0, 1)]}, {"quantities": "Dayz"}, ColumnNotFound, "Dayz"),
        ({"Days": [bml.Normal(0, 1)]}, {"draws": 1}, SpecificationError, "`draws=1`"),
        ({"Days": [bml.Normal(0, 1)]}, {"ci_prob": 95}, SpecificationError, "ci_prob"),
    ],
)
def test_what_has_no_meaning_is_refused_before_anything_is_sampled(data, monkeypatch, grid, options, error, message):
    monkeypatch.setattr(module, "sample_graph", None)
    with pytest.raises(error, match=message):
        bml.prior_grid(SLEEP, data, grid, progressbar=False, **options)


def test_an_interrupt_keeps_what_is_done(data, monkeypatch):
    sample = module.sample_graph
    calls = []

    def interrupted(*args, **options):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return sample(*args, **options)

    monkeypatch.setattr(module, "sample_graph", interrupted)
    grid = {"Days": [bml.Normal(0, s) for s in (10, 20, 30)]}
    with pytest.warns(ConvergenceWarning, match="Interrupted"):
        found = bml.prior_grid(SLEEP, data, grid, "Days", refit="always", **QUICK)
    assert list(found["prior"]) == ["REML fit", "weakly_informative", "Days ~ Normal(0, 10)"]


def test_weights_that_do_not_serve_are_told_where_nothing_may_be_sampled(data):
    found = bml.prior_grid(SLEEP, data, {"Days": [bml.Normal(-20, 2)]}, "Days", refit="never", **QUICK)
    assert found.iloc[-1]["pareto_k"] > 0.7
    assert any("Not to be relied on" in note and "Normal(-20, 2)" in note for note in found.attrs["notes"])


def test_rows_that_are_dropped_are_told_once(data):
    short = data.assign(Reaction=data["Reaction"].where(data.index > 5))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        bml.prior_grid(SLEEP, short, {"Days": bml.Normal(0, 50)}, "Days", **QUICK)
    assert len([own for own in caught if issubclass(own.category, DataNote)]) == 1


def test_predictions_and_effects_are_quantities(data):
    wanted = ["mean(Days=9) - mean(Days=0)", "b(Days | Subject[308])"]
    found = bml.prior_grid(SLEEP, data, {"Days": bml.Normal(0, 50)}, wanted, **QUICK)
    rows = found[found["source"] == "base"].set_index("quantity")
    assert rows.loc[wanted[0], "mean"] == pytest.approx(94, abs=5)
    assert rows.loc[wanted[1], "mean"] == pytest.approx(9, abs=2)


# -- against numerical integration ---------------------------------------------------------------

SCHOOLS = "known_sd(effect, se) ~ 1 + (1 | school)"
TAU = "sd(Intercept | school)"
TAU_PRIORS = [
    bml.HalfNormal(1),
    bml.HalfNormal(5),
    bml.HalfNormal(25),
    bml.HalfCauchy(25),
    bml.Exponential(0.2),
    bml.Uniform(0, 30),
]


def eight_schools(prior) -> dict[str, tuple[float, float]]:
    """Mean and sd of mu ~ N(0, 20²) and of tau under a prior: mu in closed form at each tau, tau on a grid."""
    table = bml.datasets.load("eight_schools")
    y, se = table["effect"].to_numpy(), table["se"].to_numpy()
    upper = min(prior.support[1], 2000.0)
    tau = np.linspace(0, 1, 400_001)[1:-1] ** 3 * upper
    variance = se**2 + tau[:, None] ** 2
    precision = 1 / 20**2 + (1 / variance).sum(axis=1)
    mu = (y / variance).sum(axis=1) / precision
    quadratic = (y**2 / variance).sum(axis=1) - mu**2 * precision
    log_density = -0.5 * (np.log(variance).sum(axis=1) + np.log(precision) + quadratic) + prior.log_density(tau)
    weights = np.exp(log_density - log_density.max()) * np.gradient(tau)
    weights /= weights.sum()
    means = {"Intercept": weights @ mu, TAU: weights @ tau}
    squares = {"Intercept": weights @ (mu**2 + 1 / precision), TAU: weights @ tau**2}
    return {name: (means[name], np.sqrt(squares[name] - means[name] ** 2)) for name in means}


def test_eight_schools_under_every_prior_are_those_of_integration():
    found = bml.prior_grid(
        SCHOOLS, bml.datasets.load("eight_schools"), {TAU: TAU_PRIORS}, ["Intercept", TAU],
        priors={"Intercept": bml.Normal(0, 20)}, draws=5000, random_seed=1, target_accept=0.95, progressbar=False,
    ).set_index(["prior", "quantity"])  # fmt: skip
    assert set(found["source"]) == {"reml", "base", "reweighted"}
    for prior in TAU_PRIORS:
        for name, (mean, sd) in eight_schools(prior).items():
            own = found.loc[(f"{TAU} ~ {prior}", name)]
            assert own["mean"] == pytest.approx(mean, abs=max(0.05, 4 / np.sqrt(own["ess"])) * sd)
            assert own["sd"] == pytest.approx(sd, rel=0.1)
