"""Each function and coding that may stand in a formula has an evaluator, and each evaluator a name."""

import numpy as np
import pandas as pd
import pytest

from bayesml.design.build import build_design
from bayesml.design.codings import _CODINGS
from bayesml.design.splines import BASES
from bayesml.design.transforms import ROWWISE, TRANSFORMS
from bayesml.spec.expressions import OPERATORS
from bayesml.spec.functions import CODING_SYNONYMS, CODINGS, ELEMENTWISE, FUNCTION_SYNONYMS, FUNCTIONS, STATEFUL
from bayesml.syntax.model import Model

DATA = pd.DataFrame({"y": np.arange(20.0), "x": np.linspace(0.2, 1.4, 20) ** 2, "f": list("abcd") * 5})
EXACT = {
    "log": np.log, "log2": np.log2, "log10": np.log10, "log1p": np.log1p, "exp": np.exp, "expm1": np.expm1,
    "sqrt": np.sqrt, "abs": np.abs, "sin": np.sin, "cos": np.cos, "tan": np.tan, "tanh": np.tanh, "floor": np.floor,
    "ceiling": np.ceil, "sign": np.sign, "I": np.array, "center": lambda x: x - x.mean(),
    "scale": lambda x: (x - x.mean()) / x.std(ddof=1),
}  # fmt: skip


def test_evaluators():
    assert set(ROWWISE) == set(ELEMENTWISE) | set(OPERATORS)
    assert set(TRANSFORMS) == set(STATEFUL)
    assert set(BASES) <= set(STATEFUL)
    assert set(_CODINGS) == set(CODINGS)
    assert set(FUNCTION_SYNONYMS.values()) <= set(FUNCTIONS)
    assert set(CODING_SYNONYMS.values()) <= set(CODINGS)


@pytest.mark.parametrize("function", EXACT)
@pytest.mark.filterwarnings("ignore:.*linear combination")
def test_values(function):
    design = build_design(Model(f"y ~ 0 + {function}(x)"), DATA)
    assert design.coefficients == (f"{function}(x)",)
    np.testing.assert_allclose(design.X[:, 0], EXACT[function](DATA.x.to_numpy()), rtol=1e-14)


@pytest.mark.parametrize("synonym", FUNCTION_SYNONYMS)
def test_synonyms_print_one_name(synonym):
    design = build_design(Model(f"y ~ {synonym}(x)"), DATA.assign(x=[0.5, 1, 2, 4] * 5))
    assert all(name.startswith(f"{FUNCTION_SYNONYMS[synonym]}(x)") for name in design.coefficients[1:])


ARITHMETIC = {
    "-x^2": lambda x: -(x**2),
    "2^-x": lambda x: 2**-x,
    "x - 1 - x*2/4": lambda x: x - 1 - x / 2,
    "(1 + x)^2^1": lambda x: (1 + x) ** 2,
    "-(-x)": lambda x: x,
    "x/2/3": lambda x: x / 6,
    "abs(x - 1) + log(x, 2)": lambda x: abs(x - 1) + np.log2(x),
}


@pytest.mark.parametrize("text", ARITHMETIC)
def test_arithmetic(text):
    design = build_design(Model(f"y ~ 0 + I({text})"), DATA)
    np.testing.assert_allclose(design.X[:, 0], ARITHMETIC[text](DATA.x.to_numpy()), rtol=1e-14)


@pytest.mark.parametrize("operator", ["<", "<=", ">", ">=", "==", "!="])
def test_comparisons(operator):
    design = build_design(Model(f"x ~ I(y {operator} 3)"), DATA)
    assert design.coefficients[1] == f"I(y {operator} 3)[True]"
    np.testing.assert_array_equal(design.X[:, 1], DATA.eval(f"y {operator} 3"))


def test_labels_are_compared_with_text():
    design = build_design(Model("y ~ I(f == 'b') + I(f != \"c\")"), DATA)
    np.testing.assert_array_equal(design.X[:, 1:], np.column_stack([DATA.f == "b", DATA.f != "c"]))
