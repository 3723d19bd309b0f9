"""What a design learnt from its rows: all that is needed to build the same columns from new ones."""

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from bayesml.spec.expressions import Expression, names_in
from bayesml.spec.terms import Formula


@dataclass
class Learned:
    """Levels of the factors and states of the transforms, by the text of their expressions.

    Parameters
    ----------
    levels : dict of str to pandas.Index
    transforms : dict of str to dict
        Plain numbers and lists.
    """

    levels: dict[str, pd.Index] = field(default_factory=dict)
    transforms: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class DesignState:
    """What a design keeps besides its arrays.

    Parameters
    ----------
    formula : Formula
        With the columns that a `.` stands for.
    learned : Learned
    kept : tuple of int
        Which columns of the fixed part are kept, by place among all; the others follow from earlier ones.
    base_levels : dict of str to str
        For each treatment-coded main effect, by its label, the address that its reference level would have:
        ``{"treat": "treat[oxygen]"}``. For tables that show base levels.
    weights : str or None
        Column of the prior weights.
    known_sd : Expression or None
        What the known sd of each row is computed from.
    random_kept : tuple of tuple of int
        For each random term of the design, which of its columns are kept.
    random_terms : tuple of int
        For each random term of the design, the random term of the formula that it comes from.
    """

    formula: Formula
    learned: Learned
    kept: tuple[int, ...]
    base_levels: dict[str, str]
    weights: str | None = None
    known_sd: Expression | None = None
    random_kept: tuple[tuple[int, ...], ...] = ()
    random_terms: tuple[int, ...] = ()

    @property
    def known_sd_names(self) -> tuple[str, ...]:
        """Columns that the known sd is computed from."""
        return () if self.known_sd is None else names_in(self.known_sd)
