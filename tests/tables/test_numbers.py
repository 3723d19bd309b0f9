import math

import pytest

from bayesml.tables.numbers import decimals, format_cell, format_p, format_section, p_phrase
from bayesml.tables.table import Column, Row, Section


@pytest.mark.parametrize(
    ("cell", "style", "places", "text"),
    [
        (251.40512, "number", 3, "251.405"),
        (-0.00001, "number", 3, "0.000"),
        (-0.5, "number", 1, "-0.5"),
        (1.23456789e-9, "number", None, "1.235e-09"),
        (math.nan, "number", 3, "."),
        (math.inf, "number", 3, "inf"),
        (-math.inf, "number", 3, "-inf"),
        (None, "number", 3, ""),
        ("base", "number", 3, "base"),
        (36.8383, "statistic", None, "36.84"),
        (0.0655, "ratio", None, "0.066"),
        (10, "count", None, "10"),
        (12.5, "count", None, "12.5"),
        (0.00049, "p", None, "<0.001"),
        (0.0451, "p", None, "0.045"),
    ],
)
def test_format_cell(cell, style, places, text):
    assert format_cell(cell, style, places) == text


def test_decimals_show_four_digits_of_the_smallest_standard_error():
    assert decimals([6.82, 1.55]) == 3
    assert decimals([288.7, 14.8]) == 2
    assert decimals([12345.0]) == 1
    assert decimals([math.nan]) == 3
    assert decimals([0.02, 9.03e-4]) == decimals([6.9e-5]) == 6


def test_decimals_give_up_where_scales_are_too_far_apart():
    assert decimals([1e-6]) is None
    assert decimals([1.0, 3e9]) is None


def test_p_phrase():
    assert p_phrase(1e-9) == "p < 0.001"
    assert p_phrase(0.05) == "p = 0.050"
    assert format_p(math.nan) == "."


def section(*rows: Row, per_row: bool = False) -> Section:
    return Section("", (Column("estimate"), Column("se", spread=True)), rows, per_row)


def test_rows_share_their_decimals():
    texts = format_section(section(Row("a", (251.40512, 6.82456)), Row("b", (10.46729, 1.54579))))
    assert texts == [["251.405", "6.825"], ["10.467", "1.546"]]


def test_rows_may_choose_their_own_decimals():
    texts = format_section(section(Row("a", (251.40512, 682.456)), Row("b", (0.046729, 0.00154579)), per_row=True))
    assert texts == [["251.4", "682.5"], ["0.046729", "0.001546"]]


def test_rows_of_very_different_scales_choose_their_own():
    texts = format_section(section(Row("a", (3e9, 2e9)), Row("b", (0.5, 0.25))))
    assert texts[1] == ["0.5000", "0.2500"]


def test_rows_without_cells_stay_empty():
    assert format_section(section(Row("group"), Row("a", (1.0, 0.5)))) == [[], ["1.0000", "0.5000"]]


def test_a_column_may_fix_its_decimals():
    fixed = Section("", (Column("log likelihood", decimals=4),), (Row("a", (-871.8141359,)),))
    assert format_section(fixed) == [["-871.8141"]]
