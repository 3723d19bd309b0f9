"""What `hypothesis` returns: one statement with its probabilities and Bayes factor, or a table of several."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from bayesml.bayes.bayes_factor_posterior import log_posterior_density
from bayesml.bayes.bayes_factor_prior import LogDensity, Scaled, log_density_jointly
from bayesml.bayes.margins import Margin, contrast_of, margin_of
from bayesml.bayes.point_null import Restrictions, restrictions_of
from bayesml.bayes.statement_draws import ReadStatement, effective_draws, error_of_share
from bayesml.errors import ColumnNotFound
from bayesml.results.bayesian import PRIOR_STREAM, BayesianResult
from bayesml.results.posterior import effect_bytes
from bayesml.results.posterior_summary import highest_density, interval_tails
from bayesml.results.sections import percent
from bayesml.syntax.statement import Arithmetic, Statement
from bayesml.tables.table import Column, Row, Section, Table

PRIOR_DRAWS = 100_000
PRIOR_BYTES = 200_000_000
DENSITY_STREAM, INTEGRAL_STREAM = 30, 31
UNCERTAIN = 0.5
"""Error of a log Bayes factor above which its size, not only its digits, is uncertain."""


class PriorDraws:
    """Draws from the priors of a posterior's model, made when they are first needed and shared by statements.

    Parameters
    ----------
    result : BayesianResult
    seed : int
        Of everything that is drawn for the statements.
    """

    def __init__(self, result: BayesianResult, seed: int):
        self.result, self.seed = result, seed
        self._drawn: dict[bool, BayesianResult] = {}

    def of(self, effects: bool) -> BayesianResult:
        """The draws, with random effects or without: as many as take 200 MB, 100 000 at most, 1000 at least."""
        if effects not in self._drawn:
            draws = PRIOR_DRAWS
            if effects:
                draws = max(1000, min(draws, PRIOR_BYTES // effect_bytes(self.result.design, 1)))
            self._drawn[effects] = self.result.prior_draws(draws, [self.seed, PRIOR_STREAM], effects)
        return self._drawn[effects]


@dataclass(frozen=True, eq=False, repr=False)
class Hypothesis:
    """How probable a statement is, after and before the data.

    Parameters
    ----------
    result : BayesianResult
    read : ReadStatement
        The statement, as it belongs to the model.
    name : str
        Label in tables and plots; the text by default.
    ci_prob : float
        Content of the interval of `estimate`.
    prior : PriorDraws

    Attributes
    ----------
    text : str
        As it was given.
    statement : Comparison or Logical
    probability : float
        Share of the posterior draws for which it holds.
    mcse : float
        Monte-Carlo standard error of `probability`, from the effective number of draws of the event. Where all
        draws agree, that of one more draw that does not.
    odds : float
        probability / (1 - probability); infinite where it held for all draws.
    prior_probability, prior_mcse : float or None
        The same of draws from the priors; None where the prior of a parameter in it is improper (`why_no_prior`).
    prior_odds : float or None
    bayes_factor : float or None
        Posterior odds / prior odds: for the statement against its complement. `bayes_factor_mcse` is its error, NaN
        where all draws agree; it is then known as a bound only, which is printed.
    estimate : dict
        `median sd lower upper` of left - right of a single comparison, of the middle of two limits; NaN of others.
    table : DataFrame
        All of it in one row.
    """

    result: BayesianResult
    read: ReadStatement
    name: str
    ci_prob: float
    prior: PriorDraws = field(repr=False)
    kind = "order"

    def __float__(self) -> float:
        return self.probability

    @property
    def text(self) -> str:
        """As it was given."""
        return self.read.text

    @property
    def statement(self) -> Statement:
        """As a tree."""
        return self.read.statement

    @cached_property
    def holds(self) -> np.ndarray:
        """Whether it holds at each draw, (chain, draw)."""
        return self.read.values(self.result)

    @cached_property
    def effective(self) -> float:
        """Smallest effective number of draws of what it is about."""
        return effective_draws(self.result, self.read.leaf_list, self.read.leaves(self.result))

    # -- after the data --------------------------------------------------------------------------

    @cached_property
    def probability(self) -> float:
        """Posterior probability."""
        return float(np.mean(self.holds))

    @cached_property
    def mcse(self) -> float:
        """Monte-Carlo standard error of the posterior probability."""
        return error_of_share(self.holds, self.effective)

    @property
    def odds(self) -> float:
        """Posterior odds."""
        return odds_of(self.probability)

    # -- before the data -------------------------------------------------------------------------

    @cached_property
    def prior_holds(self) -> np.ndarray | None:
        """Whether it holds at each draw from the priors; None where one is improper."""
        prior = self.prior.of(self.read.effects)
        draws = self.read.leaves(prior)
        if any(np.isnan(draws(leaf)).any() for leaf in self.read.leaf_list):
            return None
        return self.read.values(prior)

    @property
    def why_no_prior(self) -> str:
        """The reason for which there is no prior probability; empty where there is one."""
        if self.prior_holds is not None:
            return ""
        draws = self.read.leaves(self.prior.of(self.read.effects))
        named = ", ".join(f"`{leaf}`" for leaf in self.read.leaf_list if np.isnan(draws(leaf)).any())
        return f"No prior probability and no Bayes factor: the prior of {named} is flat. Give a proper one."

    @cached_property
    def prior_probability(self) -> float | None:
        """Probability under the priors with the numbers that were sampled with."""
        return None if self.prior_holds is None else float(np.mean(self.prior_holds))

    @cached_property
    def prior_mcse(self) -> float | None:
        """Monte-Carlo standard error of the prior probability, of independent draws."""
        if self.prior_holds is None:
            return None
        share, n = float(np.mean(self.prior_holds)), self.prior_holds.size
        if share in (0.0, 1.0):
            return error_of_share(self.prior_holds, float(n))
        return float(np.sqrt(share * (1 - share) / n))

    @property
    def prior_odds(self) -> float | None:
        """Prior odds."""
        return None if self.prior_probability is None else odds_of(self.prior_probability)

    # -- Bayes factor ----------------------------------------------------------------------------

    @property
    def bayes_factor(self) -> float | None:
        """Posterior odds over prior odds."""
        if self.prior_odds is None:
            return None
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(np.divide(self.odds, self.prior_odds))

    @property
    def bayes_factor_mcse(self) -> float | None:
        """Monte-Carlo standard error of the Bayes factor; NaN where all draws agree."""
        if self.bayes_factor is None or self.prior_probability is None or self.prior_mcse is None:
            return None
        shares = np.array([self.probability, self.prior_probability])
        if ((shares == 0) | (shares == 1)).any():
            return float("nan")
        relative = np.array([self.mcse, self.prior_mcse]) / (shares * (1 - shares))
        return float(self.bayes_factor * np.hypot(*relative))

    @property
    def bound(self) -> str:
        """The Bayes factor as a bound, where all posterior or all prior draws agree: that of one more that does not."""
        p, prior = self.probability, self.prior_probability
        assert prior is not None and self.prior_holds is not None
        if p in (0.0, 1.0) and prior in (0.0, 1.0):
            return "not known: all draws agree, before and after the data"
        few, few_prior = 1 / (self.effective + 2), 1 / (self.prior_holds.size + 2)
        ratio = odds_of(np.clip(p, few, 1 - few)) / odds_of(np.clip(prior, few_prior, 1 - few_prior))
        return f"{'above' if p == 1.0 or prior == 0.0 else 'below'} {ratio:.2g}"

    # -- what it is about ------------------------------------------------------------------------

    @property
    def margin(self) -> Margin | None:
        """The one quantity and its limits that the statement is about; None of joint statements."""
        return margin_of(self.statement)

    @property
    def contrast(self) -> Arithmetic | None:
        """What `estimate` is of; None of joint statements."""
        return contrast_of(self.statement)

    @cached_property
    def estimate(self) -> dict[str, float]:
        """`median sd lower upper` of the contrast."""
        if self.contrast is None:
            return dict.fromkeys(("median", "sd", "lower", "upper"), np.nan)
        draws = self.read.values(self.result, self.contrast)
        lower, upper = np.quantile(draws, interval_tails(self.ci_prob))
        found = float(np.median(draws)), float(draws.std(ddof=1)), float(lower), float(upper)
        return dict(zip(("median", "sd", "lower", "upper"), found, strict=True))

    # -- shown -----------------------------------------------------------------------------------

    @property
    def record(self) -> dict[str, Any]:
        """The row of the table."""
        return {
            "hypothesis": self.text,
            "estimate": self.estimate["median"],
            **{name: self.estimate[name] for name in ("sd", "lower", "upper")},
            "probability": self.probability,
            "mcse": self.mcse,
            "prior_probability": number_or_nan(self.prior_probability),
            "prior_mcse": number_or_nan(self.prior_mcse),
            "odds": self.odds,
            "prior_odds": number_or_nan(self.prior_odds),
            "bayes_factor": number_or_nan(self.bayes_factor),
            "bayes_factor_mcse": number_or_nan(self.bayes_factor_mcse),
        }

    @property
    def table(self) -> pd.DataFrame:
        """One row with everything."""
        return pd.DataFrame([self.record], index=pd.Index([self.name], name="name"))

    @property
    def bayes_factor_text(self) -> str:
        """The Bayes factor with its error, or what is known of it."""
        if self.bayes_factor is None or self.bayes_factor_mcse is None:
            return ""
        if np.isnan(self.bayes_factor_mcse):
            return self.bound
        return with_error(self.bayes_factor, self.bayes_factor_mcse)

    @property
    def notes(self) -> tuple[str, ...]:
        """What should be known of the numbers."""
        return (*self.read.told, *([self.why_no_prior] if self.why_no_prior else []))

    def __str__(self) -> str:
        return f"P({self.name}) = {share_text(self.probability, self.mcse)}"

    @property
    def lines(self) -> list[str]:
        """What is printed below the probability."""
        out = []
        if self.prior_probability is not None and self.prior_mcse is not None:
            out.append(
                f"prior {share_text(self.prior_probability, self.prior_mcse)}; Bayes factor against its complement "
                f"{self.bayes_factor_text}"
            )
        return out

    def __repr__(self) -> str:
        lines = [*self.lines]
        if self.contrast is not None:
            own = self.estimate
            lines.append(
                f"{self.contrast}: median {own['median']:.4g}, sd {own['sd']:.3g}, {percent(self.ci_prob)} interval "
                f"[{own['lower']:.4g}, {own['upper']:.4g}]"
            )
        return "\n  ".join([str(self), *lines, *self.notes])

    def to_table(self) -> Table:
        """The hypothesis as a table of one row, with what is printed below it as notes."""
        table = Hypotheses((self,)).to_table()
        of = [] if self.contrast is None else [f"Median, sd and interval are of {self.contrast}."]
        return replace(table, title=str(self), notes=(*self.lines, *of, *self.notes))

    def _repr_html_(self) -> str:
        return self.to_table().to_html()


@dataclass(frozen=True, eq=False, repr=False)
class Region(Hypothesis):
    """How much of a posterior lies in a region of practical equivalence, between two limits.

    Attributes
    ----------
    probability : float
        Share of the draws inside.
    below, above : float
        Shares of the draws below and above.
    hdi : tuple of float
        The narrowest interval that holds `ci_prob` of the draws.
    verdict : {"inside", "outside", "undecided"}
        Whether the HDI lies wholly inside, wholly outside, or neither.

    References
    ----------
    Kruschke (2018), Rejecting or accepting parameter values in Bayesian estimation, Advances in Methods and Practices
    in Psychological Science 1, 270-280.
    """

    kind = "region"

    @property
    def margin(self) -> Margin:
        found = margin_of(self.statement)
        assert found is not None
        return found

    @cached_property
    def draws(self) -> np.ndarray:
        """Draws of the quantity, (chain, draw)."""
        return self.read.values(self.result, self.margin.quantity)

    @property
    def below(self) -> float:
        """Share of the draws below the region."""
        return float(np.mean(self.draws <= self.margin.lower))

    @property
    def above(self) -> float:
        """Share of the draws above the region."""
        return float(np.mean(self.draws >= self.margin.upper))

    @cached_property
    def hdi(self) -> tuple[float, float]:
        """The narrowest interval that holds `ci_prob` of the draws."""
        return highest_density(self.draws, self.ci_prob)

    @property
    def verdict(self) -> str:
        """Where the HDI lies."""
        (low, high), margin = self.hdi, self.margin
        if margin.lower <= low and high <= margin.upper:
            return "inside"
        return "outside" if high <= margin.lower or low >= margin.upper else "undecided"

    @property
    def record(self) -> dict[str, Any]:
        return super().record | {"below": self.below, "above": self.above, "verdict": self.verdict}

    @property
    def lines(self) -> list[str]:
        meaning = {
            "inside": "inside the region: practically equal",
            "outside": "outside the region: different",
            "undecided": "partly inside the region: undecided",
        }[self.verdict]
        return [
            f"below {self.below:.3f}, inside {self.probability:.3f}, above {self.above:.3f}",
            f"{percent(self.ci_prob)} HDI [{self.hdi[0]:.4g}, {self.hdi[1]:.4g}] lies {meaning}",
            *super().lines,
        ]


@dataclass(frozen=True, eq=False, repr=False)
class PointHypothesis(Hypothesis):
    """The Bayes factor of equations between parameters, by the ratio of densities of Savage and Dickey.

    ``BF01 = p(R theta = r | y) / p(R theta = r)``: for the model with the restriction against the model without it.

    Attributes
    ----------
    bayes_factor : float
        BF01, for the equation; `bf01` is the same, `bf10` its inverse, against the equation.
    log_bf01, log_mcse : float
        Its logarithm and the Monte-Carlo standard error of that.
    probability : float
        Posterior probability of the equation where its prior probability is 1/2: BF01 / (1 + BF01).
    prior_density, posterior_density : LogDensity
        Logarithms with their errors, and how they were computed.

    Notes
    -----
    The model with the restriction has the other parameters' priors as they are: for a parameter at a value this is what
    one would write down. For a combination (`a - b = 0`) its prior is that of the model given the equation.

    References
    ----------
    Dickey (1971), The weighted likelihood ratio, linear hypotheses on normal location parameters, Annals of
    Mathematical Statistics 42, 204-223; Verdinelli and Wasserman (1995), Computing Bayes factors using a generalization
    of the Savage-Dickey density ratio, Journal of the American Statistical Association 90, 614-618.
    """

    kind = "point"

    @cached_property
    def restrictions(self) -> Restrictions:
        """The equations."""
        return restrictions_of(self.result, self.read)

    @cached_property
    def prior_density(self) -> LogDensity:
        """Log prior density at the point."""
        own = self.restrictions
        return log_density_jointly(own.priors, own.R, own.r, [self.prior.seed, DENSITY_STREAM])

    @cached_property
    def posterior_density(self) -> LogDensity:
        """Log posterior density at the point."""
        own = self.restrictions
        alone = own.single and len(own.R) == 1
        support = Scaled(own.priors[0], float(own.R[0, 0])).ends if alone else (-np.inf, np.inf)
        seed = [self.prior.seed, INTEGRAL_STREAM]
        return log_posterior_density(self.result, own.addresses, own.R, own.r, support, own.lines[0], seed)

    @property
    def log_bf01(self) -> float:
        """Logarithm of the Bayes factor for the equation."""
        return self.posterior_density.value - self.prior_density.value

    @property
    def log_mcse(self) -> float:
        """Monte-Carlo standard error of the log Bayes factor."""
        return float(np.hypot(self.posterior_density.error, self.prior_density.error))

    @property
    def bf01(self) -> float:
        """For the equation; infinite where it is too large for a number."""
        with np.errstate(over="ignore"):
            return float(np.exp(self.log_bf01))

    @property
    def bf10(self) -> float:
        """Against the equation; infinite where it is too large for a number."""
        with np.errstate(over="ignore"):
            return float(np.exp(-self.log_bf01))

    @property
    def bayes_factor(self) -> float:
        return self.bf01

    @property
    def bayes_factor_mcse(self) -> float:
        return self.bf01 * self.log_mcse if self.bf01 else 0.0

    @cached_property
    def probability(self) -> float:
        """Posterior probability of the equation, of prior probability 1/2."""
        return self.bf01 / (1 + self.bf01) if self.log_bf01 < 0 else 1 / (1 + self.bf10)

    @cached_property
    def mcse(self) -> float:
        """Monte-Carlo standard error of `probability`."""
        spread = self.probability * (1 - self.probability)
        return spread * self.log_mcse if spread else 0.0

    @property
    def odds(self) -> float:
        return self.bf01

    @property
    def prior_probability(self) -> float:  # type: ignore[override]
        """1/2, by convention."""
        return 0.5

    @property
    def prior_mcse(self) -> float:  # type: ignore[override]
        """0."""
        return 0.0

    @property
    def notes(self) -> tuple[str, ...]:
        out = [*self.read.told]
        if not self.restrictions.single:
            out.append(f"{self.name}: its prior is that of the model given the equation.")
        if self.log_mcse > UNCERTAIN:
            out.append(
                f"{self.name}: the error of its log Bayes factor is {self.log_mcse:.2g}; sample more draws, or compare "
                "the models by bridge sampling, `bml.evidence`."
            )
        return tuple(out)

    def __str__(self) -> str:
        larger, name = (self.bf01, "BF01") if self.log_bf01 >= 0 else (self.bf10, "BF10")
        side = "for" if self.log_bf01 >= 0 else "against"
        return f"{name} = {with_error(larger, larger * self.log_mcse)} {side} {self.name}"

    @property
    def lines(self) -> list[str]:
        return [
            f"log BF01 = {self.log_bf01:.3f} ± {self.log_mcse:.3f}: log density of the posterior "
            f"{self.posterior_density.value:.3f} ({self.posterior_density.method}), of the prior "
            f"{self.prior_density.value:.3f} ({self.prior_density.method})",
            f"posterior probability {share_text(self.probability, self.mcse)}, where 1/2 before the data",
        ]


@dataclass(frozen=True, repr=False)
class Hypotheses:
    """Several statements about one posterior.

    Parameters
    ----------
    parts : tuple of Hypothesis

    Attributes
    ----------
    table : DataFrame
        A row for each: `hypothesis estimate sd lower upper probability mcse prior_probability prior_mcse odds
        prior_odds bayes_factor bayes_factor_mcse`; with regions `below above verdict`.

    Notes
    -----
    By position or name a single one: ``found[0]``, ``found["Days > 8"]``.
    """

    parts: tuple[Hypothesis, ...]

    def __len__(self) -> int:
        return len(self.parts)

    def __iter__(self) -> Iterator[Hypothesis]:
        return iter(self.parts)

    def __getitem__(self, key: int | str) -> Hypothesis:
        if not isinstance(key, str):
            return self.parts[key]
        for part in self.parts:
            if key in (part.name, part.text):
                return part
        names = ", ".join(f"`{part.name}`" for part in self.parts)
        raise ColumnNotFound(f"There is no hypothesis `{key}`; there are {names}.")

    @property
    def table(self) -> pd.DataFrame:
        """A row for each."""
        index = pd.Index([part.name for part in self.parts], name="name")
        return pd.DataFrame([part.record for part in self.parts], index=index)

    def to_table(self) -> Table:
        """The table as it is printed."""
        content = percent(self.parts[0].ci_prob)
        columns = (
            Column("median"), Column("sd", spread=True), Column(f"[{content} interval]"), Column("", joined=True),
            Column("P", "text"), Column("prior P", "text"), Column("Bayes factor", "text"),
        )  # fmt: skip
        rows = tuple(Row(part.name, tuple(cells(part))) for part in self.parts)
        kinds = {part.kind for part in self.parts}
        notes = [
            "P: posterior probability ± its Monte-Carlo error. Medians: of left - right; of a range of its middle."
        ]
        if kinds - {"point"}:
            notes.append("Bayes factor: posterior odds over prior odds, for the statement against its complement.")
        if "point" in kinds:
            notes.append(
                "Of an equation: BF01, for the equation against its negation (Savage-Dickey); P takes 1/2 for its "
                "prior probability."
            )
        for part in self.parts:
            if isinstance(part, Region):
                notes.append(f"{part.name}: " + "; ".join(part.lines[:2]) + ".")
        told = dict.fromkeys(note for part in self.parts for note in part.notes)
        section = Section("Hypothesis", columns, rows, per_row=True)
        return Table("Hypotheses", self.parts[0].result.formula, (), (section,), (*notes, *told))

    def __str__(self) -> str:
        return str(self.to_table())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self.to_table().to_html()


def cells(part: Hypothesis) -> list[Any]:
    """The printed row of one statement."""
    own = part.estimate
    prior = (
        ""
        if part.prior_probability is None or part.prior_mcse is None
        else (share_text(part.prior_probability, part.prior_mcse) if part.prior_mcse else f"{part.prior_probability:g}")
    )
    numbers: Mapping[str, Any] = dict.fromkeys(own) if part.contrast is None else own
    return [
        *(numbers[name] for name in ("median", "sd", "lower", "upper")),
        share_text(part.probability, part.mcse), prior, part.bayes_factor_text,
    ]  # fmt: skip


def odds_of(probability: float) -> float:
    """p / (1 - p); infinite at 1."""
    return float(probability / (1.0 - probability)) if probability < 1.0 else np.inf


def number_or_nan(value: float | None) -> float:
    """NaN for None, in tables."""
    return np.nan if value is None else value


def share_text(share: float, error: float) -> str:
    """A probability with its error, both to the error's first digit, two decimals at least and eight at most."""
    if 0 < share < 1e-5:
        return f"{share:.1e} ± {error:.0e}"
    if 1 - 1e-6 < share < 1:
        return "above 0.999999"
    decimals = int(np.clip(-np.floor(np.log10(max(error, 1e-12))), 2, 8))
    return f"{share:.{decimals}f} ± {error:.{decimals}f}"


def with_error(value: float, error: float) -> str:
    """A positive number with its error, both to the error's first digit where that is not too many."""
    if np.isinf(value):
        return "above 1e308"
    if not 1e-4 <= value < 1e6:
        return f"{value:.2e} ± {error:.1e}"
    decimals = int(np.clip(-np.floor(np.log10(max(error, 1e-12))), 0, 6 if value < 1 else 3))
    return f"{value:.{decimals}f} ± {error:.{decimals}f}"
