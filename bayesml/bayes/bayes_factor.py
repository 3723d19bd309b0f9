"""`bayes_factor`: how much better one sampled model predicts the data than another, priors included."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bayesml.bayes.evidence import Evidence, evidence, require_posterior
from bayesml.bayes.same_data import refuse_other_data
from bayesml.results.bayesian import BayesianResult
from bayesml.tables.table import Column, Row, Section, Table

WORDS = ((3.0, "barely worth mentioning"), (20.0, "positive"), (150.0, "strong"), (np.inf, "very strong"))


@dataclass(frozen=True, eq=False, repr=False)
class BayesFactor:
    """Bayes factor of one model against another, ``p(y | a) / p(y | b)``.

    Parameters
    ----------
    a, b : Evidence

    Attributes
    ----------
    log_bayes_factor : float
    bayes_factor : float
        Above 1 where the data speak for `a`.
    mcse : float
        Monte-Carlo error of `log_bayes_factor`.
    """

    a: Evidence
    b: Evidence

    @property
    def log_bayes_factor(self) -> float:
        """Difference of the log marginal likelihoods."""
        return self.a.log_evidence - self.b.log_evidence

    @property
    def bayes_factor(self) -> float:
        """The factor itself; infinite where it is too large for a number."""
        with np.errstate(over="ignore"):
            return float(np.exp(self.log_bayes_factor))

    @property
    def mcse(self) -> float:
        """Error of the logarithm."""
        return float(np.hypot(self.a.mcse, self.b.mcse))

    def __float__(self) -> float:
        return self.bayes_factor

    def probability(self, prior: float = 0.5) -> float:
        """Posterior probability of `a`, with that of `b` the rest, from its prior probability."""
        return float(1.0 / (1.0 + (1.0 - prior) / prior * np.exp(-self.log_bayes_factor)))

    @cached_property
    def words(self) -> str:
        """The strength of the evidence by Kass and Raftery (1995)."""
        size = np.exp(abs(self.log_bayes_factor))
        word = next(word for limit, word in WORDS if size <= limit)
        return word if word == WORDS[0][1] else f"{word} evidence for {'a' if self.log_bayes_factor > 0 else 'b'}"

    @property
    def table(self) -> Table:
        """Both marginal likelihoods and their difference."""
        columns = (Column("log", decimals=3), Column("Monte-Carlo error", decimals=4))
        rows = tuple(
            Row(f"{name}: {own.result.formula}", (own.log_evidence, own.mcse))
            for name, own in (("a", self.a), ("b", self.b))
        )
        last = Row("Bayes factor of a against b", (self.log_bayes_factor, self.mcse))
        notes = (
            f"Bayes factor {self.bayes_factor:.4g}: {self.words} (Kass and Raftery 1995). With equal prior "
            f"probabilities a has the probability {self.probability():.3f}.",
            "It depends on the priors of the parameters that only one of the models has: wider priors speak against "
            "them, however many data there are.",
        )
        return Table("Bayes factor", sections=(Section("Marginal likelihood", columns, (*rows, last)),), notes=notes)

    def __repr__(self) -> str:
        return str(self.table)

    def _repr_html_(self) -> str:
        return self.table.to_html()


def bayes_factor(a: BayesianResult | Evidence, b: BayesianResult | Evidence) -> BayesFactor:
    """Bayes factor of one sampled model against another, by bridge sampling.

    Parameters
    ----------
    a, b : BayesianResult or Evidence
        Posteriors of the same data, nested or not; or what `evidence` returned for them.

    Returns
    -------
    BayesFactor
        `log_bayes_factor`, `bayes_factor`, `mcse`, `probability(prior)`; `float()` of it is the factor.

    Raises
    ------
    RefusedTest
        Other rows or responses, or a flat prior: its name is said.
    SpecificationError
        A result is no posterior.

    Notes
    -----
    For a coefficient that is zero in `b`, `bml.hypothesis(a, "x = 0")` gives the same from the larger model alone
    (Savage and Dickey), if the priors of all that is common agree. Default priors that are scaled to the data are the
    same in both models; but priors of the intercept, scaled to the columns, need not be: give them. For a standard
    deviation of zero only this works.

    References
    ----------
    Kass and Raftery (1995), Bayes factors, JASA 90:773-795.

    Examples
    --------
    >>> import bayesml as bml
    >>> sleep = bml.datasets.load("sleepstudy")
    >>> options = {"random_seed": 1, "progressbar": False}
    >>> slopes = bml.sample("Reaction ~ Days + (Days | Subject)", sleep, **options)
    >>> intercepts = bml.sample("Reaction ~ Days + (1 | Subject)", sleep, **options)
    >>> bml.bayes_factor(slopes, intercepts).log_bayes_factor > 10
    True
    """
    results = {name: own.result if isinstance(own, Evidence) else own for name, own in (("a", a), ("b", b))}
    for result in results.values():
        require_posterior(result, "bayes_factor")
    refuse_other_data(results)
    return BayesFactor(*(own if isinstance(own, Evidence) else evidence(own) for own in (a, b)))
