"""`lrtest`: likelihood-ratio test of one model within another."""

from dataclasses import dataclass

import numpy as np

from bayesml.design.addresses import covariance_addresses
from bayesml.design.arrays import Design
from bayesml.errors import RefusedTest
from bayesml.families import Family
from bayesml.post.nesting import random_null, same_volume, spans
from bayesml.post.row_predictors import fixed_masks
from bayesml.results.chibar2 import ChiBarSquare
from bayesml.results.likelihood import LikelihoodResult
from bayesml.results.sections import part_names
from bayesml.tables.numbers import p_phrase
from bayesml.tables.table import Column, Row, Section, Table


@dataclass(frozen=True, repr=False)
class LikelihoodRatioTest:
    """Result of `lrtest`.

    Attributes
    ----------
    statistic : float
        LR = 2 (loglik of the larger - loglik of the smaller), at least 0.
    df : int
        Difference in the number of parameters.
    p : float
        By `null`.
    p_chi2 : float
        By χ²(df), which ignores that a variance cannot be negative.
    null : ChiBarSquare
        The distribution of the statistic under the smaller model; `null.conservative` where it is only a bound.
    models : tuple of (str, float, int)
        Formula (and family, if they differ in it), log likelihood and number of parameters, the smaller model first.
    """

    statistic: float
    df: int
    p: float
    p_chi2: float
    null: ChiBarSquare
    models: tuple[tuple[str, float, int], ...]

    @property
    def table(self) -> Table:
        """The test as a table."""
        columns = (Column("log likelihood", decimals=4), Column("df", "count"))
        rows = tuple(Row(formula, (loglik, df)) for formula, loglik, df in self.models)
        line = self.null.report(self.statistic)
        if self.null.is_mixture:
            line += f"; ignoring the boundary, chi2({self.df}), {p_phrase(self.p_chi2)}"
        return Table("Likelihood-ratio test", sections=(Section("Model", columns, rows),), notes=(line + ".",))

    def __repr__(self) -> str:
        return str(self.table)

    def _repr_html_(self) -> str:
        return self.table.to_html()


def lrtest(small: LikelihoodResult, big: LikelihoodResult) -> LikelihoodRatioTest:
    """Likelihood-ratio test of a model within a larger one.

    LR = 2 (loglik(big) - loglik(small)), clipped at 0, where p is 1.

    Parameters
    ----------
    small, big : LikelihoodResult
        Fits of nested models to the same rows; in either order.

    Returns
    -------
    LikelihoodRatioTest
        `statistic`, `df`, `p`, `p_chi2`, `null`.

    Raises
    ------
    RefusedTest
        The comparison would be wrong: posteriors, other rows, responses or weights, ML against REML, REML with
        fixed parts that span different columns or are coded differently, MAP, another integration, models that are
        not nested, a variance common to both models at 0, a fit that did not converge; other families, unless the
        smaller one is a special case of the larger one.

    Notes
    -----
    A variance cannot be negative, so LR is not χ² where one is tested. One variance: ½χ²(0) + ½χ²(1). One
    more column, correlated with q others: ½χ²(q) + ½χ²(q + 1). Two or three independent variances against
    no random effects: weights from the information. Otherwise χ² with all parameters bounds p from above, and the
    result says so. Poisson within negative binomial is alpha = 0, an edge like that of a variance: ½χ²(0) + ½χ²(1).

    References
    ----------
    Self & Liang (1987), JASA 82, 605-610. Stram & Lee (1994), Biometrics 50, 1171-1177.

    Examples
    --------
    >>> import bayesml as bml
    >>> df = bml.datasets.load("sleepstudy")
    >>> small = bml.fit("Reaction ~ Days + (1 | Subject)", df)
    >>> big = bml.fit("Reaction ~ Days + (Days | Subject)", df)
    >>> bml.lrtest(small, big).p < 0.001
    True
    """
    for result in (small, big):
        if not isinstance(result, LikelihoodResult):
            raise RefusedTest(
                "A likelihood-ratio test compares likelihood fits (`fit`); posteriors are compared by `hypothesis`."
            )
    if small.df > big.df:
        small, big = big, small
    refuse_different_data(small, big)
    refuse_different_criteria(small, big)
    null = null_distribution(small, big)
    refuse_unfinished(small, big)
    df = big.df - small.df
    statistic = max(0.0, 2 * (big.loglik - small.loglik))
    families = [part_names(result) for result in (small, big)]
    models = tuple(
        (result.formula if families[0] == families[1] else f"{result.formula}, {family}", result.loglik, result.df)
        for result, family in zip((small, big), families, strict=True)
    )
    return LikelihoodRatioTest(statistic, df, null.p(statistic), ChiBarSquare.chi2(df).p(statistic), null, models)


def refuse_different_data(small: LikelihoodResult, big: LikelihoodResult) -> None:
    """Both fits must be to the same responses, rows and weights."""
    a, b = small.design, big.design
    if a.nobs != b.nobs:
        raise RefusedTest(
            f"The fits are to different rows: {a.nobs} and {b.nobs}. If rows with missing values were dropped "
            "from one of them only, fit both to the rows that are complete for the larger model."
        )
    if not np.array_equal(a.y, b.y):
        raise RefusedTest(f"The fits are to different responses or rows (`{a.response_name}` and `{b.response_name}`).")
    if not same_array(a.precision_weights, b.precision_weights):
        raise RefusedTest("The fits have different weights, so their likelihoods cannot be compared.")
    if not same_response(a, b):
        raise RefusedTest(
            f"The fits are to different responses (`{a.response_name}` and `{b.response_name}`): other trials, limits, "
            "status codes, categories or frequencies."
        )
    if not same_array(a.offset, b.offset):
        raise RefusedTest("The fits have different offsets, so neither is a special case of the other.")


def same_response(a: Design, b: Design) -> bool:
    """Whether all that is known of the responses of two designs is the same."""
    names = a.response.keys() | b.response.keys()
    return (
        a.categories == b.categories
        and same_array(a.frequencies, b.frequencies)
        and all(same_array(a.response.get(name), b.response.get(name)) for name in names)
    )


def same_array(a: np.ndarray | None, b: np.ndarray | None) -> bool:
    """Equal arrays, or both absent."""
    return a is b or (a is not None and b is not None and np.array_equal(a, b, equal_nan=True))


def refuse_different_criteria(small: LikelihoodResult, big: LikelihoodResult) -> None:
    """Both log likelihoods must be of one kind."""
    if "map" in (small.criterion, big.criterion):
        raise RefusedTest(
            'A MAP fit maximises a posterior, which has no likelihood-ratio test: fit both by `criterion="ml"`.'
        )
    # without random effects nothing is integrated
    integrals = [result.integration for result in (small, big) if result.design.random]
    for what, a, b in (
        ("criterion", small.criterion, big.criterion),
        ("integration", integrals[0] if integrals else None, integrals[-1] if integrals else None),
        ("response", small.model.response, big.model.response),
        ("family", small.model.family, special_family(small, big)),
        ("link", small.model.link, big.model.link),
    ):
        if a != b:
            raise RefusedTest(
                f"The fits differ in their {what}, {a} and {b}: likelihoods of different kinds cannot be compared."
            )


def special_family(small: LikelihoodResult, big: LikelihoodResult) -> Family:
    """The family of the larger model, or that of the smaller one where it is a special case of it."""
    own, other = small.model.family, big.model.family
    return own if own.name in other.special_cases else other


def null_distribution(small: LikelihoodResult, big: LikelihoodResult) -> ChiBarSquare:
    """The distribution of LR, or a refusal where the models are not nested or not comparable."""
    within = fixed_part_within(small, big)
    extra = len(big.design.coefficients) - len(small.design.coefficients)
    if small.criterion == "reml" and not (within and extra == 0):
        raise RefusedTest(
            "REML likelihoods of different fixed parts cannot be compared: each is the likelihood of other contrasts "
            'of the data. Fit both by `criterion="ml"`, or test coefficients with `wald_test`.'
        )
    if small.criterion == "reml" and not same_volume(big.design.X, small.design.X):
        raise RefusedTest(
            "The fixed parts span the same columns, but are scaled or coded differently, and REML likelihoods depend "
            'on that. Write the fixed part of both in the same way, or fit both by `criterion="ml"`.'
        )
    null = random_null(small.design, big.design, big.sigma_free, big.linear)
    if not within or null is None:
        part = "random" if within else "fixed"
        raise RefusedTest(
            f"The models are not nested: the {part} part of `{small.formula}` is no special case of that of "
            f"`{big.formula}`."
        )
    held = restrictions_held(small, big)
    if small.model.family == big.model.family:
        return null.shifted(extra + held)
    if not big.model.family.special_cases[small.model.family.name]:
        return null.shifted(extra + held + 1)
    if null == ChiBarSquare.chi2(0):
        return ChiBarSquare.half(0).shifted(extra + held)
    # Two edges at once: the chi-square with all parameters bounds whatever mixture it is.
    return ChiBarSquare.chi2(big.df - small.df, conservative=True)


def fixed_part_within(small: LikelihoodResult, big: LikelihoodResult) -> bool:
    """Whether the fixed part of the larger model holds that of the smaller one, in each linear predictor."""
    pairs = zip(predictor_columns(small), predictor_columns(big), strict=True)
    return all(spans(larger, smaller) for smaller, larger in pairs)


def predictor_columns(result: LikelihoodResult) -> list[np.ndarray]:
    """Columns of X of each linear predictor; with a constant where cut points stand for it."""
    X, masks = result.design.X, fixed_masks(result.design)
    if not result.model.family.takes_intercept:
        return [np.column_stack([np.ones(len(X)), X])]
    return [X[:, mask > 0] for mask in masks]


def restrictions_held(small: LikelihoodResult, big: LikelihoodResult) -> int:
    """Number of parameters that the smaller model holds fixed and the larger one estimates."""
    held = {name: value for name, value in small.held.items() if big.held.get(name) != value}
    if not big.held.items() <= small.held.items():
        raise RefusedTest(f"The larger model holds parameters fixed ({', '.join(big.held)}) that the smaller does not.")
    if small.criterion == "reml" and held.keys() & set(small.design.coefficients):
        raise RefusedTest(
            'REML likelihoods with other coefficients held fixed cannot be compared: use `criterion="ml"`.'
        )
    if any(name.startswith("sd(") and value == 0 for name, value in held.items()):
        raise RefusedTest(
            "An sd held at 0 is on its boundary: leave the random effect out of the smaller model instead."
        )
    return len(held)


def refuse_unfinished(small: LikelihoodResult, big: LikelihoodResult) -> None:
    """Both must be at their optima, and a variance that both have must not be at its boundary."""
    for result in (small, big):
        if not result.converged:
            raise RefusedTest(f"The fit of `{result.formula}` did not converge: {result.status.advice}")
    common = {address.text for address in covariance_addresses(small.design)}
    at_boundary = dict.fromkeys([*small.boundary, *(address for address in big.boundary if address in common)])
    if at_boundary:
        raise RefusedTest(
            f"{', '.join(at_boundary)}, which both models have, is at its boundary: no known distribution holds for "
            "the test then. Leave what it belongs to out of both models."
        )
