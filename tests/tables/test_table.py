import pandas as pd
import pytest

from bayesml.tables.table import Column, Row, Section, Table
from bayesml.tables.text import text_width

COLUMNS = (
    Column("estimate"),
    Column("se", spread=True),
    Column("[95% conf. interval]", name="lower"),
    Column("", name="upper", joined=True),
)
TABLE = Table(
    title="A table",
    subtitle="y ~ x",
    facts=(("Rows used", "10"), ("Log likelihood", "-3.5")),
    sections=(
        Section("Fixed effects", COLUMNS, (Row("x", (1.25, 0.5, 0.25, 2.25)), Row("a_b", (-1.0, 0.25, -1.5, -0.5)))),
        Section("Groups", (Column("levels", "count"),), (Row("school"), Row("mean", (12,), 1, name="size"))),
    ),
    notes=("A note that says <this> & that.",),
)

TEXT = """\
A table
y ~ x

Rows used                 10    Log likelihood          -3.5
────────────────────────────────────────────────────────────
Fixed effects         estimate      se  [95% conf. interval]
────────────────────────────────────────────────────────────
x                       1.2500  0.5000       0.2500   2.2500
a_b                    -1.0000  0.2500      -1.5000  -0.5000
────────────────────────────────────────────────────────────
Groups                                                levels
────────────────────────────────────────────────────────────
school
  mean                                                    12
────────────────────────────────────────────────────────────
A note that says <this> & that."""


def test_text():
    assert TABLE.to_text() == TEXT


def test_text_is_str_and_repr():
    assert str(TABLE) == repr(TABLE) == TABLE.to_text()


def test_pandas_has_numbers_and_names():
    frame = TABLE.to_pandas()
    assert list(frame.columns) == ["estimate", "se", "lower", "upper"]
    assert frame.loc["x", "upper"] == 2.25
    expected = pd.DataFrame({"levels": [12]}, index=["size"])
    pd.testing.assert_frame_equal(TABLE.to_pandas("Groups"), expected)


def test_unknown_section_names_those_there_are():
    with pytest.raises(KeyError, match="Fixed effects"):
        TABLE.to_pandas("Random effects")


def test_spans_join_the_limits_of_an_interval():
    assert [list(span) for span in TABLE.sections[0].spans] == [[0], [1], [2, 3]]


def test_html_escapes_text_and_spans_titles():
    html = TABLE._repr_html_()
    assert "A note that says &lt;this&gt; &amp; that." in html
    assert "<th colspan='2' style='text-align:right'>[95% conf. interval]</th>" in html
    assert html.count("<table>") == html.count("</table>") == 3


def test_latex_escapes_text_and_sets_minus_signs():
    latex = TABLE.to_latex()
    assert r"a\_b & $-1.0000$ & 0.2500 & $-1.5000$ & $-0.5000$ \\" in latex
    assert r"\multicolumn{2}{r}{[95\% conf. interval]} \\" in latex
    assert r"y \textasciitilde{} x" in latex
    assert latex.count(r"\toprule") == latex.count(r"\bottomrule") == 2


def test_long_labels_are_broken_and_lines_stay_within_the_width():
    label = "a very long coefficient:" * 6
    wide = Table("t", sections=(Section("Fixed effects", COLUMNS, (Row(label, (1.0, 0.5, 0.0, 2.0)),)),))
    lines = wide.to_text(88).splitlines()
    assert max(map(len, lines)) <= 88
    assert sum("1.0000" in line for line in lines) == 1


def test_notes_are_broken_at_the_width_of_the_table():
    noted = Table("t", sections=TABLE.sections, notes=("word " * 60,))
    assert max(map(len, noted.to_text(88).splitlines())) <= 88


def test_letters_of_all_alphabets_are_aligned():
    labels = ["größe", "体重", "e\u0301ge", "plain"]
    rows = tuple(Row(label, (1.0, 0.5, 0.0, 2.0)) for label in labels)
    lines = Table("t", sections=(Section("", COLUMNS, rows),)).to_text().splitlines()
    shown = [line for line in lines if "2.0000" in line]
    assert [text_width(line) for line in shown] == [60] * 4
    assert text_width("体重") == 4


def test_markdown_escapes_text_and_keeps_the_columns():
    table = TABLE.to_markdown()
    assert "| x | 1.2500 | 0.5000 | 0.2500 | 2.2500 |" in table
    assert r"| a\_b | -1.0000 |" in table
    assert r"A note that says \<this\> & that." in table
    assert "`y ~ x`" in table
    widths = {line.replace("\\|", "").count("|") for line in table.splitlines() if "estimate" in line or "1.25" in line}
    assert widths == {6}
