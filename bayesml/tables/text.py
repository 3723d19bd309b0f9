"""Tables as plain text."""

import textwrap
from typing import TYPE_CHECKING

from bayesml.tables.numbers import format_section

if TYPE_CHECKING:
    from bayesml.tables.table import Section, Table

GAP = "  "


def render_text(table: "Table", width: int = 88) -> str:
    """The table as lines of at most `width` characters where its labels allow it."""
    blocks = [render_section(section, width) for section in table.sections]
    parts = [[table.title, *textwrap.wrap(table.subtitle, width, subsequent_indent="  ")]]
    if table.facts:
        parts.append(render_facts(table.facts, width))
    parts += blocks
    if table.notes:
        parts.append([line for note in table.notes for line in textwrap.wrap(note, width, subsequent_indent="  ")])
    return "\n\n".join("\n".join(line.rstrip() for line in part) for part in parts if any(part))


def render_facts(facts: tuple[tuple[str, str], ...], width: int) -> list[str]:
    """Name and value pairs in two columns that are read downwards."""
    half = -(-len(facts) // 2)
    sides = [facts[:half], facts[half:]]
    column = (width - 4 * len(GAP)) // 2
    out = []
    for row in range(half):
        cells = [f"{name}{value:>{max(column - len(name), len(value) + 1)}}" for name, value in (side[row] for side in sides if row < len(side))]
        out.append((4 * " ").join(cells) if len(cells) > 1 else cells[0])
    return out


def render_section(section: "Section", width: int) -> list[str]:
    """A rule, a header, a rule, the rows and a rule."""
    body = format_section(section)
    labels = ["  " * row.indent + row.label for row in section.rows]
    widths = column_widths(section, body)
    first = max([len(section.title), *map(len, labels)])
    first = min(first, max(width - sum(widths) - len(GAP) * len(widths), 24))
    header = section.title.ljust(first)
    for span in section.spans:
        title, room = section.columns[span.start].title, sum(widths[i] for i in span) + len(GAP) * (len(span) - 1)
        header += GAP + aligned(title, room, section.columns[span.start].numeric)
    rule = "─" * len(header)
    lines = [rule, header, rule]
    for label, row in zip(labels, body, strict=True):
        *above, last = textwrap.wrap(label, first, drop_whitespace=False, subsequent_indent="    ") or [""]
        cells = [GAP + aligned(text, widths[i], section.columns[i].numeric) for i, text in enumerate(row)]
        lines += [*above, last.ljust(first) + "".join(cells)]
    return [*lines, rule]


def column_widths(section: "Section", body: list[list[str]]) -> list[int]:
    """Characters that each column needs for its cells and its share of the title."""
    widths = [max([len(row[i]) for row in body if i < len(row)], default=0) for i in range(len(section.columns))]
    for span in section.spans:
        room = sum(widths[i] for i in span) + len(GAP) * (len(span) - 1)
        widths[span.start] += max(0, len(section.columns[span.start].title) - room)
    return widths


def aligned(text: str, width: int, right: bool) -> str:
    """The text filled up with blanks."""
    return text.rjust(width) if right else text.ljust(width)
