"""Equalities as linear restrictions, and the reasons for which a Savage–Dickey ratio is not their Bayes factor."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bayesml.bayes.statement_draws import ReadStatement
from bayesml.design.addresses import Address, parameter_addresses
from bayesml.distributions import Distribution
from bayesml.errors import RefusedTest
from bayesml.graphs.prior_numbers import TermPriors
from bayesml.post.linear_hypothesis import Form, equations, form_of
from bayesml.post.row_predictors import fixed_masks
from bayesml.results.bayesian import BayesianResult
from bayesml.syntax import statement as tree

ELSEWHERE = "Fit the model with the restriction too and compare the two by bridge sampling, `bml.evidence`"


@dataclass(frozen=True, eq=False)
class Restrictions:
    """Equations ``R theta = r`` between parameters with independent, proper priors.

    Parameters
    ----------
    addresses : list of Address, length p
    priors : list of Distribution, length p
    R : ndarray (m, p)
    r : ndarray (m,)
    lines : tuple of str
        The equations as text.
    """

    addresses: list[Address]
    priors: list[Distribution]
    R: np.ndarray
    r: np.ndarray
    lines: tuple[str, ...]

    @property
    def single(self) -> bool:
        """Whether each equation holds one parameter at a value."""
        return bool((np.count_nonzero(self.R, axis=1) == 1).all())


def restrictions_of(result: BayesianResult, read: ReadStatement) -> Restrictions:
    """The equations of a statement about a posterior.

    Raises
    ------
    RefusedTest
        They are not linear, depend on each other, or have no Bayes factor as a ratio of densities; with the reason and
        what to do.
    """
    found = list(parameter_addresses(result.design, result.ancillary))
    leaf = leaves(result, read, found)
    rows, values, lines = [], [], []
    for left, right in equations(read.statement, read.text):
        (a, first), (b, second) = (linear(part, leaf, read.text) for part in (left, right))
        row = np.broadcast_to(a - b, len(found))
        if not row.any():
            raise RefusedTest(f"`{left} = {right}` says nothing about a parameter.")
        rows.append(row)
        values.append(second - first)
        lines.append(f"{left} = {right}")
    R, r = np.stack(rows), np.array(values)
    used = np.flatnonzero(R.any(axis=0))
    scale = np.array([np.std(result.draws(found[j].text)) or 1.0 for j in used])
    if np.linalg.matrix_rank(R[:, used] * scale, tol=1e-10 * np.abs(R[:, used] * scale).max()) < len(R):
        raise RefusedTest(
            f"The equations of `{read.text}` depend on each other: leave out what follows from the others."
        )
    check_one_kind([found[j] for j in used], R)
    priors = [prior_of(result, found[j]) for j in used]
    refuse_held(priors, R[:, used], lines)
    if len(used) == 1:
        refuse_edge(found[used[0]], priors[0], float(r[0] / R[0, used[0]]))
    return Restrictions([found[j] for j in used], priors, R[:, used], r, tuple(lines))


def leaves(
    result: BayesianResult, read: ReadStatement, found: list[Address]
) -> Callable[[tree.Address | tree.Prediction], Form | None]:
    """Weights of the parameters in each address and prediction of a statement."""
    texts, eye = [address.text for address in found], np.eye(len(found))

    def form(leaf: tree.Address | tree.Prediction) -> Form | None:
        if isinstance(leaf, tree.Prediction):
            at = read.predictions[leaf]
            if at.conditional:
                raise RefusedTest(f"`{leaf}` depends on random effects, {WHY_NOT_EFFECTS}")
            if not at.quantity.linear:
                return None
            weights = np.zeros(len(found))
            weights[: len(result.design.coefficients)] = at.rows.X[0] * fixed_masks(result.design)[0]
            return weights, float(at.rows.offset[0])
        if leaf.address not in texts:
            raise RefusedTest(f"`{leaf.address}` is a random effect, {WHY_NOT_EFFECTS}")
        return eye[texts.index(leaf.address)], 0.0

    return form


WHY_NOT_EFFECTS = (
    "whose prior density at a point is infinite or nearly so, since its standard deviation may be 0: ask for a range, "
    "as in `-1 < b(...) < 1`, or compare models with and without the term by `bml.evidence`."
)


def linear(part: tree.Arithmetic, leaf: Callable[[tree.Address | tree.Prediction], Form | None], text: str) -> Form:
    """Weights and constant of one side of an equation."""
    form = form_of(part, leaf)
    if form is None:
        raise RefusedTest(
            f"`{part}` in `{text}` is not linear in the parameters. Write the equation for the parameters themselves, "
            "as in `sd(x | g) = 2`, or ask for a range."
        )
    return form


def check_one_kind(used: list[Address], R: np.ndarray) -> None:
    """Refuse several equations that are not all of coefficients."""
    others = [address.text for address in used if address.kind != "coefficient"]
    if len(R) > 1 and others:
        raise RefusedTest(
            f"Several equations are tested together where all are of coefficients; `{others[0]}` is none. {ELSEWHERE}, "
            "or test one equation at a time."
        )


def refuse_held(priors: list[Distribution], R: np.ndarray, lines: list[str]) -> None:
    """Refuse equations about what the model holds at values."""
    held = np.array([prior.fixed is not None for prior in priors])
    for row, line in zip(R, lines, strict=True):
        if not row[~held].any():
            raise RefusedTest(f"`{line}` is about parameters that the model holds at values.")


def refuse_edge(address: Address, prior: Distribution, value: float) -> None:
    """Refuse a value at the edge of, or outside, the range of a parameter."""
    low, high = prior.support
    if low < value < high:
        return
    if value in (low, high):
        what = "a model without the term" if address.kind == "sd" else "another model"
        raise RefusedTest(
            f"`{address.text} = {value:g}` is at the edge of the parameter's range: it is {what}, and no ratio of "
            f"densities at one point. {ELSEWHERE}."
        )
    raise RefusedTest(f"`{address.text} = {value:g}` is impossible under its prior {prior}: the hypothesis is false.")


def prior_of(result: BayesianResult, address: Address) -> Distribution:
    """The prior of one parameter, independent of all others.

    Raises
    ------
    RefusedTest
        It is flat, or the prior of several parameters together.
    """
    priors = result.graph.priors
    whole = priors.terms[address.term].covariance if address.kind in ("sd", "corr") else None
    if whole is not None:
        raise RefusedTest(
            f"`{address.text}` belongs to a covariance matrix with one prior, {whole}: given its value the other "
            f"parameters have another prior than in a model without it. {ELSEWHERE}."
        )
    match address.kind:
        case "coefficient":
            prior = priors.coefficients[address.column]
            if prior.conditional_row is not None:
                raise RefusedTest(
                    f"`{address.text}` has the prior {prior}, whose scale other coefficients may share and whose "
                    f"density at 0 is infinite: there is no ratio of densities. {ELSEWHERE}, or ask for a range."
                )
        case "sd":
            refuse_joint_prior(priors.terms[address.term], address)
            prior = priors.terms[address.term].sds[address.column]
        case "corr":
            term = priors.terms[address.term]
            refuse_joint_prior(term, address)
            if len(term.corr_addresses) > 1:
                raise RefusedTest(
                    f"`{address.text}` is one of {len(term.corr_addresses)} correlations with one prior, "
                    f"{term.correlation}: given its value the others have another prior than in a model without it, so "
                    f"that the ratio of densities is no Bayes factor. {ELSEWHERE}."
                )
            prior = term.partials[0]
        case _:
            prior = priors.of_ancillary(address.text)
            own = next(a for a in result.ancillaries if a.name == address.text)
            together = [a for a in result.ancillaries if a.key == own.key]
            if own.domain == "ordered" and len(together) > 1:
                raise RefusedTest(
                    f"`{address.text}` is one of {len(together)} cut points in order, whose priors depend on one "
                    f"another. {ELSEWHERE}, or ask for a range."
                )
    if prior.improper:
        raise RefusedTest(
            f"`{address.text}` has a flat prior: there is no Bayes factor, as its prior density is arbitrary. Give it "
            'a proper prior that says which values you expect, as in `priors={"'
            + address.text
            + '": bml.Normal(0, 10)}`.'
        )
    return prior


def refuse_joint_prior(term: TermPriors, address: Address) -> None:
    """Refuse a parameter of a covariance matrix that has one prior as a whole."""
    if term.covariance is not None and len(term.sds) > 1:
        raise RefusedTest(
            f"`{address.text}` is a parameter of a covariance matrix with one prior, {term.covariance}: given its "
            "value the others have another prior than in a model without it, so that the ratio of densities is "
            f"no Bayes factor. {ELSEWHERE}."
        )
