"""How numbers are printed."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bayesml.tables.table import Section

Cell = float | int | str | None
MISSING = "."
MOST_DECIMALS = 6
SIGNIFICANT, FEWEST = 4, 2
LARGEST_ORDER = 7


def format_section(section: "Section") -> list[list[str]]:
    """The cells of a section as text, row by row; rows without cells give empty lists."""
    numbers = [i for i, column in enumerate(section.columns) if column.format == "number" and column.decimals is None]
    spreads = [i for i in numbers if section.columns[i].spread]
    deciding = [
        decider([row.cells[i] for i in (*spreads, *numbers)]) if row.cells else math.nan for row in section.rows
    ]
    shared = decimals(deciding)
    each = section.per_row or shared is None
    out = []
    for row, own in zip(section.rows, deciding, strict=True):
        places = decimals([own]) if each else shared
        out.append(
            [
                format_cell(cell, column.format, places if column.decimals is None else column.decimals)
                for cell, column in zip(row.cells, section.columns, strict=False)
            ]
        )
    return out


def decider(cells: Sequence[Cell]) -> float:
    """The number that decides the decimals of a row: the first that is neither 0 nor missing; NaN if there is none."""
    for cell in cells:
        if isinstance(cell, float | int) and math.isfinite(cell) and cell != 0:
            return abs(cell)
    return math.nan


def decimals(deciding: Sequence[float]) -> int | None:
    """Decimals that show each of these numbers with four significant digits, with two at least.

    None where the numbers are too far apart for that, or too far from one.
    """
    orders = [math.floor(math.log10(x)) for x in deciding if math.isfinite(x)]
    if not orders:
        return SIGNIFICANT - 1
    if FEWEST - 1 - min(orders) > MOST_DECIMALS or max(orders) > LARGEST_ORDER:
        return None
    return min(max(SIGNIFICANT - 1 - min(orders), 1), MOST_DECIMALS)


def format_cell(cell: Cell, style: str, places: int | None) -> str:
    """One cell as text."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell
    if not math.isfinite(cell):
        return MISSING if math.isnan(cell) else ("inf" if cell > 0 else "-inf")
    match style:
        case "count":
            return f"{cell:.0f}" if float(cell).is_integer() else f"{cell:.1f}"
        case "ratio":
            return f"{cell:.3f}"
        case "p":
            return format_p(cell)
        case "statistic":
            return f"{cell:.2f}" if abs(cell) < 1e6 else f"{cell:.4g}"
        case _:
            text = f"{cell:.{SIGNIFICANT}g}" if places is None else f"{cell:.{places}f}"
            return text[1:] if text.startswith("-") and not text.strip("-0.") else text


def format_p(p: float) -> str:
    """A p value: three decimals, `<0.001` below."""
    return MISSING if math.isnan(p) else "<0.001" if p < 0.0005 else f"{p:.3f}"


def p_phrase(p: float, name: str = "p") -> str:
    """`p = 0.012` or `p < 0.001`."""
    text = format_p(p)
    return f"{name} < {text[1:]}" if text.startswith("<") else f"{name} = {text}"
