"""Addresses of the parameters that have priors, and which of them a text means."""

from collections.abc import Iterable
from typing import Protocol

import numpy as np

from bayesml.design.addresses import corr_address, reversed_group, sd_address
from bayesml.design.arrays import RandomColumns
from bayesml.errors import ColumnNotFound
from bayesml.syntax.address import canonical, nearest_addresses


class Term(Protocol):
    """What is asked of a random term."""

    @property
    def columns(self) -> RandomColumns: ...
    @property
    def q(self) -> int: ...
    @property
    def n_sds(self) -> int: ...
    @property
    def n_correlations(self) -> int: ...


def sd_addresses(term: Term) -> tuple[str, ...]:
    """`sd(Days | Subject)` of each free standard deviation; `sd(Subject)` where the columns share one."""
    return tuple(sd_address(term.columns, i) for i in range(term.n_sds))


def cov_address(term: Term) -> str:
    """`cov(Subject)`, the whole covariance matrix of a term."""
    return f"cov({term.columns.group})"


def corr_addresses(term: Term) -> tuple[str, ...]:
    """`corr(Intercept, Days | Subject)` of each free correlation; `corr(Subject)` where they are equal.

    In the order of ``tril_indices(q, -1)``.
    """
    pairs = zip(*np.tril_indices(term.q, -1), strict=True)
    return tuple(corr_address(term.columns, int(j), int(i)) for i, j in pairs)[: term.n_correlations]


def spellings_of_group(kind: str, group: str) -> Iterable[str]:
    """How `sd(school:class)` may be written, in canonical form."""
    return dict.fromkeys(canonical(f"{kind}({name})") for name in (group, reversed_group(group)))


def no_such_parameter(given: str, known: Iterable[str]) -> ColumnNotFound:
    """The error for an address of `priors=` that is not there, with its nearest neighbours."""
    names = list(dict.fromkeys(known))
    return ColumnNotFound(f"`priors=` names `{given}`, which is no parameter: {nearest_addresses(given, names)}")
