"""The rows of the table: what is measured, its budget, and the script of each program."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Row:
    """A piece of work, timed for this package and for its peers.

    Parameters
    ----------
    name : str
    work : str
        What is done, for the table.
    budget : str
        What must be met, as text with its unit.
    limit : float
        The budget as a number of `quantity`.
    scripts : dict of str to str
        For each program the script that measures it; ours is `bayesml`.
    quantity : str
        The number compared: `seconds` (less is better) or `ess_per_second` (more is better).
    cold : bool
        Each run starts with empty caches of compiled code.
    against : str
        The peer that the budget is a ratio to, if it is one.
    repeats : int
        Fresh processes, of which the best counts.
    loglik : float
        Log likelihood that ours must reach, to 1e-4; none where there is nothing to compare.
    arrays : float
        Memory that ours may take above the data, in arrays of numbers as long as the rows; none where it is no budget.
    short : str
        Its title in the README's row of timings; none where it is not shown there.
    """

    name: str
    work: str
    budget: str
    limit: float
    scripts: dict[str, str] = field(default_factory=dict)
    quantity: Literal["seconds", "ess_per_second"] = "seconds"
    cold: bool = False
    against: str = ""
    repeats: int = 1
    loglik: float | None = None
    arrays: float | None = None
    short: str = ""


ROWS = (
    Row("import", "`import bayesml`", "0.2 s", 0.2, {"bayesml": "import_bayesml.py"}, repeats=5),
    Row(
        "first-fit",
        "first fit in a fresh process, sleepstudy, import included, warm caches",
        "2 s",
        2.0,
        {"bayesml": "first_fit_bayesml.py", "mixedlm": "first_fit_mixedlm.py", "lme4": "first_fit_lme4.R"},
        repeats=3,
        short="first fit of a process",
    ),
    Row(
        "first-fit-cold",
        "the same, empty caches",
        "8 s",
        8.0,
        {"bayesml": "first_fit_bayesml.py"},
        cold=True,
    ),
    Row(
        "later-fits",
        "sleepstudy REML, later fits in a process",
        "10 ms",
        0.010,
        {
            "bayesml": "later_fits_bayesml.py",
            "mixedlm": "later_fits_mixedlm.py",
            "lme4": "later_fits_lme4.R",
            "statsmodels": "later_fits_statsmodels.py",
        },
        short="later fits",
    ),
    Row(
        "refits",
        "1 000 refits of sleepstudy to new responses",
        "0.5 s",
        0.5,
        {"bayesml": "refits_bayesml.py", "mixedlm": "refits_mixedlm.py", "lme4": "refits_lme4.R"},
        short="1 000 refits",
    ),
    Row(
        "insteval",
        "InstEval, 73 421 rows, 3 crossed factors, ML",
        "5 × faster than mixedlm",
        5.0,
        {
            "bayesml": "insteval_bayesml.py",
            "mixedlm": "insteval_mixedlm.py",
            "gpboost": "insteval_gpboost.py",
            "lme4": "insteval_lme4.R",
        },
        against="mixedlm",
        short="InstEval, 73 421 rows",
    ),
    Row(
        "million",
        "1 000 000 rows, 10 000 groups, random slope, REML, from a DataFrame",
        "0.5 s, memory at most twice the data",
        0.5,
        {"bayesml": "million_bayesml.py", "mixedlm": "million_mixedlm.py"},
        short="1 000 000 rows",
    ),
    Row(
        "verbagg",
        "VerbAgg, 7 584 rows, persons and items crossed, logit, Laplace",
        "10 × faster than mixedlm, log likelihood −4075.6999",
        10.0,
        {
            "bayesml": "verbagg_bayesml.py",
            "mixedlm": "verbagg_mixedlm.py",
            "gpboost": "verbagg_gpboost.py",
            "lme4": "verbagg_lme4.R",
        },
        against="mixedlm",
        loglik=-4075.69986,
        short="VerbAgg, crossed logit",
    ),
    Row(
        "cbpp",
        "cbpp, binomial by quadrature with 25 points, later fits",
        "20 ms",
        0.020,
        {"bayesml": "cbpp_bayesml.py", "mixedlm": "cbpp_mixedlm.py", "lme4": "cbpp_lme4.R"},
    ),
    Row(
        "logit-slope",
        "logit with a random slope, 100 000 rows, 5 000 groups, Laplace",
        "1 s",
        1.0,
        {"bayesml": "logit_slope_bayesml.py", "mixedlm": "logit_slope_mixedlm.py"},
    ),
    Row(
        "poisson-million",
        "Poisson of three levels, 1 000 000 rows, 20 000 groups in 1 000, Laplace",
        "5 s, memory of a few arrays of the rows",
        5.0,
        {"bayesml": "poisson_million_bayesml.py"},
        arrays=10.0,
    ),
    Row(
        "first-cbpp",
        "first fit of cbpp by Laplace in a fresh process, import included, warm caches",
        "3 s",
        3.0,
        {"bayesml": "first_cbpp_bayesml.py", "mixedlm": "first_cbpp_mixedlm.py", "lme4": "first_cbpp_lme4.R"},
        repeats=3,
    ),
    Row(
        "first-cbpp-cold",
        "the same, empty caches",
        "12 s",
        12.0,
        {"bayesml": "first_cbpp_bayesml.py"},
        cold=True,
    ),
    Row(
        "nuts",
        "NUTS, sleepstudy, smallest bulk ESS per second of sampling",
        "15 × the joint graph under nutpie",
        15.0,
        {
            "bayesml": "nuts_bayesml.py",
            "joint graph, nutpie": "nuts_joint_graph.py",
            "joint graph by hand, nutpie": "nuts_by_hand.py",
        },
        quantity="ess_per_second",
        against="joint graph, nutpie",
        short="effective draws",
    ),
    Row(
        "first-posterior",
        "the same from `import` to the posterior in a fresh process, warm caches",
        "3 s",
        3.0,
        {"bayesml": "first_posterior_bayesml.py", "Bambi": "first_posterior_bambi.py"},
        repeats=3,
        short="`import` to posterior",
    ),
    Row(
        "first-posterior-cold",
        "the same, empty caches",
        "12 s",
        12.0,
        {"bayesml": "first_posterior_bayesml.py", "Bambi": "first_posterior_bambi.py"},
        cold=True,
    ),
    Row(
        "first-posterior-verbagg",
        "NUTS, VerbAgg, crossed logit, smallest bulk ESS per second from `import` in a fresh process, warm caches",
        "3 × Bambi",
        3.0,
        {"bayesml": "first_posterior_verbagg_bayesml.py", "Bambi": "first_posterior_verbagg_bambi.py"},
        quantity="ess_per_second",
        against="Bambi",
    ),
)
