"""What a design learnt from its rows: all that is needed to build the same columns from new ones."""

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

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
        Which columns of the fixed part are kept, by place among all; the others are linear combinations of earlier ones.
    base_levels : dict of str to tuple of str
        For each factor of the fixed part with treatment coding, by its label, the levels that have no column beside an
        intercept: the reference.
    references : dict of str to str
        Each coefficient of a factor's main effect that is left out because it is the reference: `{"treat[oxygen]": "treat"}`.
    """

    formula: Formula
    learned: Learned
    kept: tuple[int, ...]
    base_levels: dict[str, str]
