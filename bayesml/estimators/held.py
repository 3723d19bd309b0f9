"""Parameters held at values in a likelihood fit."""

from dataclasses import dataclass, replace

import numpy as np

from bayesml.covariance import Covariance
from bayesml.design.addresses import covariance_addresses
from bayesml.design.arrays import Design, RandomColumns
from bayesml.errors import SpecificationError


class PartlyHeld(Covariance):
    """A structure in which only some of the square roots' parameters theta are free."""

    name = "partly held"
    column_freedom = "scale"
    correlations = "none"
    common_sd = False

    def __init__(self, structure: Covariance, free: np.ndarray):
        self.structure, self.free = structure, free

    def basis(self, q: int) -> np.ndarray:
        return self.structure.basis(q)[self.free]

    def theta(self, G: np.ndarray) -> np.ndarray:
        return self.structure.theta(G)[self.free]


@dataclass(frozen=True, eq=False)
class HeldTerm:
    """The free part of a random term, and the constant part of its square root.

    Parameters
    ----------
    free : Covariance
    root : ndarray (q, q)
        Natural scale; zero where nothing is held.
    """

    free: Covariance
    root: np.ndarray


def hold_term(design: Design, k: int, held: dict[str, float]) -> HeldTerm:
    """What is free of random term k when the sds and correlations in `held`, by address, are given.

    Raises
    ------
    SpecificationError
        Some but not all parameters of a correlated term are held.
    """
    term = design.random[k]
    q = len(term.names)
    addresses = [address for address in covariance_addresses(design) if address.term == k]
    given = [address for address in addresses if address.text in held]
    if not given:
        return HeldTerm(term.covariance, np.zeros((q, q)))
    if len(given) == len(addresses):
        G = held_covariance(term, {a.text: held[a.text] for a in addresses}, addresses)
        root = np.tensordot(term.covariance.theta(G), term.covariance.basis(q), 1)
        return HeldTerm(PartlyHeld(term.covariance, np.zeros(len(term.covariance.basis(q)), bool)), root)
    if term.covariance.correlations != "none":
        missing = ", ".join(a.text for a in addresses if a.text not in held)
        raise SpecificationError(
            f"{', '.join(a.text for a in given)} cannot be held alone: the columns of `{term.group}` are correlated. "
            f'Hold {missing} too, or make the columns independent: `covariance={{"{term.group}": "independent"}}`.'
        )
    values = np.array([held.get(address.text, 0.0) for address in addresses])
    free = np.array([address.text not in held for address in addresses])
    return HeldTerm(PartlyHeld(term.covariance, free), np.tensordot(values, term.covariance.basis(q), 1))


def held_covariance(term: RandomColumns, values: dict[str, float], addresses: list) -> np.ndarray:
    """G (q, q) of a term whose parameters are all given."""
    q = len(term.names)
    sds, corr = np.empty(q), np.eye(q)
    for address in addresses:
        value = values[address.text]
        if address.kind == "sd":
            sds[:] = value if term.covariance.common_sd else sds
            sds[address.column] = value
        elif term.covariance.correlations == "one":
            corr[~np.eye(q, dtype=bool)] = value
        else:
            corr[address.column, address.other] = corr[address.other, address.column] = value
    if np.linalg.eigvalsh(corr)[0] < -1e-10:
        raise SpecificationError(f"The correlations held for `{term.group}` are not those of any covariance matrix.")
    return corr * np.outer(sds, sds)


def hold_coefficients(design: Design, held: dict[str, float]) -> tuple[Design, np.ndarray, np.ndarray]:
    """The design without the held coefficients, whose part goes to the offset; which are free; all values."""
    free = np.array([name not in held for name in design.coefficients], bool)
    values = np.array([held.get(name, 0.0) for name in design.coefficients])
    if free.all():
        return design, free, values
    offset = np.zeros(design.n) if design.offset is None else design.offset.copy()
    for column, value, is_free in zip(design.fixed_columns, values, free, strict=True):
        if not is_free:
            offset += value if column is None else value * column
    kept = tuple(column for column, is_free in zip(design.fixed_columns, free, strict=True) if is_free)
    names = tuple(name for name, is_free in zip(design.coefficients, free, strict=True) if is_free)
    return replace(design, fixed_columns=kept, coefficients=names, offset=offset), free, values


@dataclass(frozen=True, eq=False)
class Held:
    """What is held at values in a fit.

    Parameters
    ----------
    free : ndarray of bool (p,)
        Coefficients that are estimated.
    values : ndarray (p,)
        The values of the others.
    terms : tuple of HeldTerm
    """

    free: np.ndarray
    values: np.ndarray
    terms: tuple[HeldTerm, ...]

    @property
    def in_covariances(self) -> bool:
        """Whether any sd or correlation is held."""
        return any(isinstance(term.free, PartlyHeld) for term in self.terms)


def hold(design: Design, held: dict[str, float]) -> tuple[Design, Held]:
    """The design without its held coefficients, and what is held, by address."""
    terms = tuple(hold_term(design, k, held) for k in range(len(design.random)))
    reduced, free, values = hold_coefficients(design, held)
    return reduced, Held(free, values, terms)
