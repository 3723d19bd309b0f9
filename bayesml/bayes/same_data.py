"""Whether results are of the same data: what every comparison of models needs."""

from collections.abc import Mapping

import numpy as np

from bayesml.errors import RefusedTest, SpecificationError
from bayesml.post.lrtest import same_array, same_response
from bayesml.results.base import Result


def refuse_other_data(results: Mapping[str, Result]) -> None:
    """Refuse models of other rows, responses or transformations of these.

    Raises
    ------
    SpecificationError
        Fewer than two models.
    RefusedTest
        The models are not of the same data, or of densities and probabilities.
    """
    if len(results) < 2:
        raise SpecificationError("A comparison takes two models or more.")
    (first, a), *others = results.items()
    for name, b in others:
        refuse_pair(first, a, name, b)


def refuse_pair(first: str, a: Result, second: str, b: Result) -> None:
    """Refuse two models of different data."""
    one, two = a.design, b.design
    who = f"`{first}` and `{second}`"
    if one.n != two.n or one.nobs != two.nobs:
        raise RefusedTest(
            f"{who} are of different rows: {one.nobs} and {two.nobs}. If rows with missing values were dropped from "
            "one of them only, fit both to the rows that are complete for all models."
        )
    if not np.array_equal(one.y, two.y):
        if one.response_name != two.response_name:
            raise RefusedTest(
                f"{who} are of different responses, `{one.response_name}` and `{two.response_name}`: densities of a "
                "response and of a transformation of it are in different units and cannot be compared. Transform with "
                "the link or the family (lognormal for log(y)) instead."
            )
        raise RefusedTest(f"{who} are of different rows, or of the same rows in another order.")
    if not same_response(one, two) or not same_array(one.frequencies, two.frequencies):
        raise RefusedTest(
            f"{who} are of different responses: other trials, limits, status codes, categories or frequencies."
        )
    if whole(a) != whole(b):
        discrete, continuous = (first, second) if whole(a) else (second, first)
        raise RefusedTest(
            f"`{discrete}` gives probabilities of whole numbers and `{continuous}` densities of any number: the two "
            "are in different units and cannot be compared."
        )


def whole(result: Result) -> bool:
    """Whether responses have probabilities, not densities."""
    family = result.model.family
    return bool(family.whole or family.outcome != "number")
