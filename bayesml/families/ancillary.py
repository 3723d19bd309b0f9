"""Parameters of a family besides its linear predictors: their names, their domains, their unconstrained scales."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

import numpy as np

Domain = Literal["positive", "real", "ordered"]


@dataclass(frozen=True)
class Ancillary:
    """One ancillary parameter.

    Parameters
    ----------
    name : str
        Its address: `sigma`, `alpha`, `shape`, `cut[1|2]`.
    key : str
        Its name in the mapping that densities read; parameters that share a key come as a tuple, as cut points do.
    domain : {"positive", "real", "ordered"}
        `ordered`: above the one before it with the same key.
    prior : str
        Kind of prior in a prior set: `residual_sd`, `dispersion`, `shape`, `cutpoint`.
    start : float
        Where an ascent starts, on the natural scale, unless the family's `start` says better.
    """

    name: str
    key: str
    domain: Domain = "positive"
    prior: str = "dispersion"
    start: float = 1.0


def natural(ancillaries: Sequence[Ancillary], values: Sequence[Any], namespace: ModuleType) -> list[Any]:
    """Natural values from unconstrained ones: exp of a logarithm, sums of gaps; expressions or numbers."""
    out: list[Any] = []
    for i, (ancillary, value) in enumerate(zip(ancillaries, values, strict=True)):
        if ancillary.domain == "positive":
            out.append(namespace.exp(value))
        elif follows(ancillaries, i):
            out.append(out[-1] + namespace.exp(value))
        else:
            out.append(value)
    return out


def unconstrained(ancillaries: Sequence[Ancillary], values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Unconstrained values of natural ones: logarithms, and of ordered ones the first and the logarithms of gaps."""
    out = np.array(values, float)
    for i, ancillary in enumerate(ancillaries):
        if ancillary.domain == "positive":
            out[i] = np.log(values[i])
        elif follows(ancillaries, i):
            out[i] = np.log(values[i] - values[i - 1])
    return out


def jacobian(ancillaries: Sequence[Ancillary], values: Sequence[float]) -> np.ndarray:
    """Derivatives (natural, unconstrained) at natural values."""
    n = len(ancillaries)
    out = np.zeros((n, n))
    for i, ancillary in enumerate(ancillaries):
        if ancillary.domain == "positive":
            out[i, i] = values[i]
        elif follows(ancillaries, i):
            out[i] = out[i - 1]
            out[i, i] = values[i] - values[i - 1]
        else:
            out[i, i] = 1.0
    return out


def follows(ancillaries: Sequence[Ancillary], i: int) -> bool:
    """Whether an ordered parameter has one before it."""
    own = ancillaries[i]
    return own.domain == "ordered" and i > 0 and ancillaries[i - 1].key == own.key
