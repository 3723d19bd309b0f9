"""The fixed list of functions and codings that may stand in a formula, and their arguments.

This is the whole vocabulary: `bayesml.syntax` refuses anything else, and `bayesml.design`
has an evaluator for each.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Signature:
    """Arguments of a function, in the order in which they may be given without their names.

    Parameters
    ----------
    arguments : tuple of str
        The first one is what the function is applied to.
    required : int
        How many of them must be given.
    """

    arguments: tuple[str, ...]
    required: int = 1


_ONE = Signature(("x",))

ELEMENTWISE: dict[str, Signature] = {
    **dict.fromkeys(["log2", "log10", "log1p", "exp", "expm1", "sqrt", "abs", "sin", "cos", "tan", "tanh"], _ONE),
    **dict.fromkeys(["floor", "ceiling", "sign"], _ONE),
    "log": Signature(("x", "base")),
    "I": _ONE,
}
"""Functions of each row alone."""

STATEFUL: dict[str, Signature] = {
    "center": _ONE,
    "scale": Signature(("x", "center", "scale")),
    "poly": Signature(("x", "degree", "raw")),
    "bs": Signature(("x", "df", "knots", "degree", "include_intercept", "lower_bound", "upper_bound")),
    "ns": Signature(("x", "df", "knots", "lower_bound", "upper_bound")),
    "cr": Signature(("x", "df", "knots", "lower_bound", "upper_bound", "constraints")),
}
"""Functions that learn something from the rows of the fit and keep it for new ones."""

CATEGORICAL: dict[str, Signature] = {"C": Signature(("x", "coding"))}
"""Functions whose value is a factor."""

CODINGS: dict[str, Signature] = {
    "Treatment": Signature(("reference",), required=0),
    "Sum": Signature((), required=0),
    "Helmert": Signature((), required=0),
    "Poly": Signature((), required=0),
    "Simple": Signature(("reference",), required=0),
}
"""How the levels of a factor become columns: the second argument of `C`."""

VECTOR = "c"
"""Several numbers as one argument: `knots=c(1, 2)`."""

FUNCTIONS: dict[str, Signature] = ELEMENTWISE | STATEFUL | CATEGORICAL

FUNCTION_SYNONYMS: dict[str, str] = {
    "ln": "log",
    "factor": "C",
    "as.factor": "C",
    "ceil": "ceiling",
    "standardize": "scale",
    "standardise": "scale",
    "Center": "center",
    "Scale": "scale",
}
"""Names that users of other systems bring, and ours."""

CODING_SYNONYMS: dict[str, str] = {
    "treatment": "Treatment",
    "contr.treatment": "Treatment",
    "dummy": "Treatment",
    "sum": "Sum",
    "contr.sum": "Sum",
    "Deviation": "Sum",
    "helmert": "Helmert",
    "contr.helmert": "Helmert",
    "poly": "Poly",
    "contr.poly": "Poly",
    "simple": "Simple",
}
