"""`wald_test`: Wald test of linear hypotheses about coefficients, cut points and parameters of the family."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from bayesml.errors import RefusedTest, SpecificationError
from bayesml.post.linear_hypothesis import linear_restrictions
from bayesml.results.base import Result
from bayesml.results.likelihood import LikelihoodResult
from bayesml.tables.numbers import p_phrase


@dataclass(frozen=True, repr=False)
class WaldTest:
    """Result of `wald_test`.

    Attributes
    ----------
    statistic : float
        Wald χ².
    df : int
        Number of independent restrictions.
    p : float
        By χ²(df).
    hypothesis : tuple of str
        The restrictions, one each.
    """

    statistic: float
    df: int
    p: float
    hypothesis: tuple[str, ...]

    def __repr__(self) -> str:
        lines = [f"  ({i}) {line}" for i, line in enumerate(self.hypothesis, 1)]
        return "\n".join(["Wald test", *lines, f"  chi2({self.df}) = {self.statistic:.2f}, {p_phrase(self.p)}"])


def wald_test(result: LikelihoodResult, hypothesis: str | Sequence[str]) -> WaldTest:
    """Wald test that linear restrictions of the coefficients hold together.

    ``(R b - r)' (R V R')⁻¹ (R b - r)``, b the coefficients and V their covariance. Cut points and parameters of the
    family may be among them.

    Parameters
    ----------
    result : LikelihoodResult
    hypothesis : str or sequence of str
        Equations over coefficient addresses: ``"Days = 10"``, ``"a[2] = a[3] = 0"``, ``"x1 + x2 = 1, x3 = 0"``,
        ``"shape = 1"``, ``"perhaps: x = yes: x"``.
        The name of a term alone, ``"treat"`` or ``"x:treat"``, means that all its columns are 0. Several texts are
        tested together: ``["treat", "x = 1"]``.

    Returns
    -------
    WaldTest
        `statistic`, `df`, `p`, `hypothesis`.

    Raises
    ------
    RefusedTest
        A posterior (see `hypothesis`); an inequality; something that is not linear; a variance parameter, or a
        parameter of the family at the edge of its range, whose Wald test is wrong there (see `lrtest`); equations
        that contradict each other.
    FormulaError, ColumnNotFound
        Text that cannot be read; a parameter that is not there.

    Notes
    -----
    The χ² holds for many groups; with few it rejects too often.

    Examples
    --------
    >>> import bayesml as bml
    >>> fit = bml.fit("Reaction ~ Days + (Days | Subject)", bml.datasets.load("sleepstudy"))
    >>> round(bml.wald_test(fit, "Days = 10").statistic, 3)
    0.091
    """
    refuse_posterior(result)
    texts = [hypothesis] if isinstance(hypothesis, str) else hypothesis
    if not isinstance(texts, Sequence) or not texts or not all(isinstance(text, str) for text in texts):
        raise SpecificationError(
            f"A hypothesis is a text of equations, or a list of them, not {hypothesis!r}: "
            '`"x1 = 0, x2 = x3"`, `["x1 = 0", "x2 = x3"]`.'
        )
    further = [a.text for a in result.variances.addresses if a.term < 0 and result.part(a) != "residual"]
    R, r, lines = linear_restrictions(texts, result, (*result.design.coefficients, *further))
    p = len(result.design.coefficients)
    beta, vcov = result.solution.beta, result.solution.vcov_beta
    if R[:, p:].any():
        refuse_edges(result, further, R, r, lines)
        names = [*result.design.coefficients, *further]
        beta = result.parameters.loc[names, "estimate"].to_numpy(float)
        vcov = result.vcov_all.loc[names, names].to_numpy()
    else:
        R = R[:, :p]
    distance, covariance = R @ beta - r, R @ vcov @ R.T
    # On the scale of standard errors, so that units do not decide what counts as dependent.
    sd = np.sqrt(np.diag(covariance))
    if not (sd > 0).all():
        raise RefusedTest(f"`{lines[int(np.argmin(sd))]}` is about a coefficient that was fixed, not estimated.")
    values, vectors = np.linalg.eigh(covariance / np.outer(sd, sd))
    kept = values > 1e-10 * values[-1]
    z = vectors.T @ (distance / sd)
    if np.any(np.abs(z[~kept]) > 1e-6 * max(1.0, np.abs(distance / sd).max())):
        raise RefusedTest(f"The equations of `{', '.join(texts)}` contradict each other.")
    statistic, df = float(np.sum(z[kept] ** 2 / values[kept])), int(kept.sum())
    return WaldTest(statistic, df, float(chdtrc(df, statistic)), lines)


def refuse_edges(
    result: LikelihoodResult, further: list[str], R: np.ndarray, r: np.ndarray, lines: tuple[str, ...]
) -> None:
    """Refuse that a positive parameter of the family is 0, where its estimate has no normal distribution."""
    p = len(result.design.coefficients)
    positive = {a.text for a in result.variances.addresses if result.variances.domain(a) == "positive"}
    for row, value, line in zip(R, r, lines, strict=True):
        alone = np.flatnonzero(row)
        if len(alone) == 1 and alone[0] >= p and further[alone[0] - p] in positive and value / row[alone[0]] <= 0:
            raise RefusedTest(
                f"`{line}` is at the edge of the range of `{further[alone[0] - p]}`, where a Wald test is wrong: "
                "compare two fits by `lrtest`."
            )


def refuse_posterior(result: Result) -> None:
    """A posterior has no standard errors to test with."""
    if not isinstance(result, LikelihoodResult):
        raise RefusedTest(
            "A Wald test needs a likelihood fit (`fit`). For a posterior ask for the probability of what you mean: "
            '`bml.hypothesis(post, "Days > 8")`.'
        )
