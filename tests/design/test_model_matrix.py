"""Columns of the fixed part against R's `model.matrix`."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bayesml.design.arrays import stack
from bayesml.design.build import build_design
from bayesml.design.columns import read_column
from bayesml.design.evaluation import Evaluator
from bayesml.design.predictor import predictor_columns
from bayesml.design.state import Learned
from bayesml.syntax.formula import parse_formula
from bayesml.syntax.model import Model

CASES = json.loads(Path(__file__).with_name("model_matrix.json").read_text())
DATA = pd.DataFrame(
    {
        "y": range(1, 13),
        "x": [0.5, 1, 2, 3.5, 4, 5.5, 6, 7, 8, 9.5, 10, 12],
        "z": [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8],
        "f": list("abc") * 4,
        "g": ["u"] * 6 + ["v"] * 6,
        "h": list("pqpqrrqpprqr"),
    }
)


def bare(name: str) -> str:
    """An address as R writes it, spaces and brackets aside."""
    return "".join(character for character in name if character not in "[]() ")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["formula"])
def test_columns_are_those_of_r(case):
    columns = {name: read_column(name, DATA[name].to_numpy()) for name in DATA}
    made = predictor_columns(parse_formula("y" + case["formula"]).fixed, Evaluator(columns, None, 12, Learned()))
    np.testing.assert_allclose(stack(made.values, 12), np.array(case["rows"]), rtol=0, atol=1e-13 * 1e3)
    if "C(" not in case["formula"]:  # R numbers the columns of a coding; here they have their levels
        assert list(map(bare, made.names)) == list(map(bare, case["columns"]))


def test_addresses_of_codings():
    design = build_design(Model("y ~ C(h, Sum) + C(f, Helmert) + C(g, Simple)"), DATA)
    assert design.coefficients == (
        "Intercept", "C(h, Sum)[p]", "C(h, Sum)[q]", "C(f, Helmert)[b]", "C(f, Helmert)[c]", "C(g, Simple)[v]",
    )  # fmt: skip


def test_simple_coding_has_the_mean_of_the_levels_as_intercept():
    design = build_design(Model("y ~ C(h, Simple)"), DATA)
    beta = np.linalg.lstsq(design.X, design.y, rcond=None)[0]
    means = DATA.groupby("h").y.mean()
    np.testing.assert_allclose(beta, [means.mean(), means["q"] - means["p"], means["r"] - means["p"]])


@pytest.mark.parametrize("reference", ['Treatment("q")', 'Treatment(reference="q")', 'contr.treatment(base="q")'])
def test_reference_level(reference):
    design = build_design(Model(f"y ~ C(h, {reference})"), DATA)
    assert [name[-3:] for name in design.coefficients[1:]] == ["[p]", "[r]"]
    assert design.state.base_levels == {'C(h, Treatment("q"))': 'C(h, Treatment("q"))[q]'}


def test_order_of_levels_can_be_given():
    design = build_design(Model('y ~ C(h, levels=c("r", "p", "q"))'), DATA)
    assert [name[-3:] for name in design.coefficients[1:]] == ["[p]", "[q]"]
    np.testing.assert_array_equal(design.X[:, 1], DATA.h == "p")
