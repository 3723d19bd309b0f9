"""Tables as plain text."""

import textwrap
from typing import TYPE_CHECKING
from unicodedata import combining, east_asian_width

from bayesml.tables.numbers import format_section

if TYPE_CHECKING:
    from bayesml.tables.table import Row, Section, Table

GAP = "  "
BETWEEN = "    "
NARROWEST = 60
SHORTEST_LABEL = 24


def render_text(table: "Table", width: int = 88) -> str:
    """The table as lines of at most `width` characters where its labels allow it.

    All sections are equally wide, so that they read as one table.
    """
    bodies = [format_section(section) for section in table.sections]
    widths = [column_widths(section, body) for section, body in zip(table.sections, bodies, strict=True)]
    full = table_width(table, widths, width)
    lines = [table.title] if table.title else []
    lines += textwrap.wrap(table.subtitle, width, subsequent_indent="  ")
    if table.facts:
        lines += ["", *render_facts(table.facts, full)]
    for section, body, columns in zip(table.sections, bodies, widths, strict=True):
        lines += render_section(section, body, columns, full)
    lines += ["─" * full] if table.sections else []
    lines += [line for note in table.notes for line in textwrap.wrap(note, full, subsequent_indent="  ")]
    return "\n".join(line.rstrip() for line in lines)


def table_width(table: "Table", widths: list[list[int]], most: int) -> int:
    """Characters of a line: what the widest section needs, but no more than `most` unless its cells alone do."""
    needed, least = [text_width(table.title)], [NARROWEST]
    for section, columns in zip(table.sections, widths, strict=True):
        cells = sum(columns) + len(GAP) * len(columns)
        labels = max([text_width(section.title), *(label_width(row) for row in section.rows if row.cells)])
        needed.append(labels + cells)
        least.append(min(labels, SHORTEST_LABEL) + cells)
    if table.facts:
        needed.append(2 * max(text_width(name + value) + 2 for name, value in table.facts) + len(BETWEEN))
    return max(min(max(needed), most), *least)


def render_facts(facts: tuple[tuple[str, str], ...], width: int) -> list[str]:
    """Name and value pairs in two columns that are read downwards."""
    half = -(-len(facts) // 2)
    column = (width - len(BETWEEN)) // 2
    cells = [name + aligned(f" {value}", column - text_width(name), right=True) for name, value in facts]
    return [BETWEEN.join(cells[row::half]) for row in range(half)]


def render_section(section: "Section", body: list[list[str]], widths: list[int], full: int) -> list[str]:
    """A rule, the header, a rule and the rows."""
    first = full - sum(widths) - len(GAP) * len(widths)
    header = aligned(section.title, first)
    for span in section.spans:
        title, room = section.columns[span.start].title, sum(widths[i] for i in span) + len(GAP) * (len(span) - 1)
        header += GAP + aligned(title, room, section.columns[span.start].numeric)
    lines = ["─" * full, header, "─" * full]
    for row, texts in zip(section.rows, body, strict=True):
        label = "  " * row.indent + row.label
        *above, last = textwrap.wrap(
            label, first if texts else full, drop_whitespace=False, subsequent_indent="    "
        ) or [""]
        cells = [GAP + aligned(text, widths[i], section.columns[i].numeric) for i, text in enumerate(texts)]
        lines += [*above, aligned(last, first) + "".join(cells)]
    return lines


def column_widths(section: "Section", body: list[list[str]]) -> list[int]:
    """Characters that each column needs for its cells and its share of the title."""
    widths = [max([text_width(row[i]) for row in body if i < len(row)], default=0) for i in range(len(section.columns))]
    for span in section.spans:
        room = sum(widths[i] for i in span) + len(GAP) * (len(span) - 1)
        widths[span.start] += max(0, text_width(section.columns[span.start].title) - room)
    return widths


def label_width(row: "Row") -> int:
    """Characters of a label with its indentation."""
    return 2 * row.indent + text_width(row.label)


def aligned(text: str, width: int, right: bool = False) -> str:
    """The text filled up with blanks to a width on the screen."""
    blanks = " " * (width - text_width(text))
    return blanks + text if right else text + blanks


def text_width(text: str) -> int:
    """Columns that a text takes on a screen: East Asian letters take two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)
