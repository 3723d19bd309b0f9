"""Every plot is legible with 3, 65 and 316 levels and for other outcomes, and its colours are safe.

A new plot enters by one line in `ENTRIES`: how it is drawn, and labels of the user that must be in the figure.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest
from matplotlib.figure import Figure

import bayesml as bml
from bayesml import plots
from bayesml.bayes.prior_predictive import PriorPredictive
from bayesml.results.base import Result
from tests.outcome_table import RESPONSES, outcome_table
from tests.plots import test_calibration, test_compare, test_compare_engines, test_loo, test_prior_grid
from tests.plots.legible import assert_legible, assert_safe_colours
from tests.plots.synthetic import ml, posterior
from tests.posteriors import sleepstudy

SIZES = ((3, "gaussian"), (65, "gaussian"), (316, "gaussian"))
FAMILIES = ((65, "binomial"), (65, "cumulative"))
"""Numbers of levels and families of the results that plots are rendered with."""


@dataclass(frozen=True)
class Case:
    """One figure: what it is called in the test's name, how it is drawn, and labels that must be in it."""

    name: str
    draw: Callable[[], Figure]
    labels: tuple[str, ...] = ()
    dense: bool = False


def of_draws(
    name: str, *labels: str, families: bool = True, effects: bool = True, dense: bool = False, **options
) -> list[Case]:
    """A plot of posteriors of each size: of all parameters, and where there are many levels of all random effects."""
    cases = []
    for levels, family in (*SIZES, *(FAMILIES if families else ())):
        wanted = {"parameters": "b(school)"} if effects and levels == 316 else {}
        shown = ("school[school 0",) if wanted else labels
        draw = drawing(name, lambda levels=levels, family=family: posterior(levels, family), **wanted, **options)
        cases.append(Case(f"{levels}-{family}", draw, shown, dense))
    return cases


def of_results(name: str, *labels: str, **options) -> list[Case]:
    """A plot of results of each size, of posteriors and in the linear model of fits."""
    cases = []
    for levels, family in (*SIZES, *FAMILIES):
        for kind, make in {"draws": posterior, **({"ml": ml} if family == "gaussian" else {})}.items():
            draw = drawing(name, lambda make=make, levels=levels, family=family: make(levels, family), **options)
            cases.append(Case(f"{levels}-{family}-{kind}", draw, labels))
    return cases


def of_tables(name: str, make: Callable[[int], Any], *labels: str, sizes: tuple[int, ...] = (3, 65, 316)) -> list[Case]:
    """A plot of something else that has as many rows as asked for."""
    return [Case(f"{size}-rows", drawing(name, lambda size=size: make(size)), labels) for size in sizes]


def drawing(name: str, result: Callable[[], Any], **options) -> Callable[[], Figure]:
    """Draws a plot of a result that is made when it is first needed."""
    return lambda: getattr(plots, name)(result(), **options)


def single(draw: Callable[[], Figure], *labels: str, name: str = "once", dense: bool = False) -> list[Case]:
    """One figure of something that has no levels."""
    return [Case(name, draw, labels, dense)]


def side_by_side(levels: int) -> dict[str, Result]:
    return {"posterior": posterior(levels), "likelihood": ml(levels)}


def of_parameters(name: str, *labels: str) -> list[Case]:
    """A plot of posteriors of each size that has no panels for random effects."""
    cases = []
    for levels, family in SIZES:
        draw = drawing(name, lambda levels=levels, family=family: posterior(levels, family))
        cases.append(Case(f"{levels}-{family}", draw, labels))
    return cases


def prior_data(family: str) -> PriorPredictive:
    """Data sets from the prior."""
    formula = f"{RESPONSES[family]} ~ x + (1 | g)"
    return bml.prior_predictive(formula, outcome_table(), draws=80, random_seed=1, family=family)


SETS = ["weakly_informative", "bambi", "rstanarm", "brms", "stata", "penalised_complexity"]

PAGES = Path(__file__).parents[2] / "docs"
PARAMETERS = ("hours", "sd(Intercept | school)")
STATEMENTS = [
    "hours > 0.2",
    "0.2 < hours < 0.6",
    "b(Intercept | school[school 001]) > b(Intercept | school[school 002])",
]
ENTRIES: dict[str, list[Case]] = {
    "autocorrelation": of_draws("autocorrelation", *PARAMETERS, "lag", families=False),
    "calibration": of_tables("calibration", test_calibration.ranks, "sd(some long column 0 | School)"),
    "compare": of_tables("compare", lambda n: test_compare.comparison("loo", n), "block 1", sizes=(3, 12)),
    "compare_engines": of_tables("compare_engines", test_compare_engines.comparison, "sd(a long name 1 | School)"),
    "cumulative_sum": of_draws("cumulative_sum", *PARAMETERS, "draw", families=False),
    "density": of_draws("density", *PARAMETERS),
    "diagnostics": [
        *of_draws("diagnostics", "sd(Intercept | school)", "R-hat", families=False, dense=True),
        *single(lambda: plots.diagnostics(sleepstudy()), "sd(Days | Subject)", name="sleepstudy", dense=True),
    ],
    "energy": single(lambda: plots.energy(posterior(3)), "E-BFMI", "chain 4"),
    "ess": [
        *of_draws("ess", *PARAMETERS),
        *single(lambda: plots.ess(posterior(65), kind="evolution"), *PARAMETERS, name="evolution"),
    ],
    "fit_by_group": of_results("fit_by_group", "school 001", "hours"),
    "forest": [
        *of_results("forest", *PARAMETERS),
        *single(lambda: plots.forest(side_by_side(3), ["*", "b"], rope=(-0.1, 0.1)), *PARAMETERS, "likelihood"),
        *single(lambda: plots.forest(side_by_side(316), "b"), "b(Intercept | school[school 007])", name="effects"),
    ],
    "histogram": of_draws("histogram", *PARAMETERS, families=False),
    "hypothesis": [
        *single(lambda: plots.hypothesis(bml.hypothesis(posterior(65), STATEMENTS)), "hours > 0.2", "school 002"),
        *single(lambda: plots.hypothesis(bml.hypothesis(sleepstudy(), "Days = 10")), "Days = 10", name="equality"),
    ],
    "loo": of_tables("loo", test_loo.found, "Pareto k", "elpd"),
    "pairs": of_draws("pairs", *PARAMETERS, "3 divergent transitions", families=False),
    "predictive_check": of_results("predictive_check", "observed"),
    "prior_grid": of_tables("prior_grid", lambda n: test_prior_grid.made_up(n, 3), "quantity 0"),
    "prior_posterior": of_parameters("prior_posterior", *PARAMETERS, "sd: prior"),
    "prior_predictive": [
        *single(lambda: plots.prior_predictive(prior_data("gaussian")), "observed", "50 simulated", name="numbers"),
        *single(lambda: plots.prior_predictive(prior_data("cumulative")), "observed", name="categories"),
        *single(lambda: plots.prior_predictive(prior_data("poisson"), "statistic"), "share of zeros", name="statistic"),
    ],
    "priors": [
        *of_parameters("priors", *PARAMETERS, "95% interval"),
        *single(lambda: plots.priors(posterior(65), priors=SETS), *PARAMETERS, *SETS, name="sets"),
    ],
    "ranef": of_results("ranef", "school 0", "Intercept"),
    "rank": of_draws("rank", *PARAMETERS, "rank among all draws", families=False),
    "residuals": of_results("residuals", "quantile residual"),
    "sensitivity": single(lambda: plots.sensitivity(sleepstudy()), "sd(Days | Subject)", "Days"),
    "trace": [
        *of_draws("trace", *PARAMETERS, "draw", families=False, dense=True),
        *single(lambda: plots.trace(sleepstudy()), "sd(Days | Subject)", name="sleepstudy", dense=True),
    ],
}
CASES = [pytest.param(case, id=f"{name}-{case.name}") for name, cases in ENTRIES.items() for case in cases]


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.mark.parametrize("case", CASES)
def test_figures_are_legible_and_their_colours_safe(case):
    figure = case.draw()
    assert isinstance(figure, Figure)
    assert_safe_colours(figure, dense=case.dense)
    assert_legible(figure, case.labels)


def test_every_plot_has_an_entry():
    assert sorted(ENTRIES) == sorted(plots.__all__)


@pytest.mark.parametrize("name", sorted(plots.__all__))
def test_plots_are_documented(name):
    own = getattr(bml.plots, name)
    assert "Examples" in own.__doc__
    assert f"plots.{name}" in (PAGES / "api.md").read_text()
    gallery = (PAGES / "gallery.md").read_text()
    assert f"### {name}\n" in gallery
    assert f"bml.plots.{name}(" in gallery
