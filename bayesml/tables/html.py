"""Tables as HTML."""

from html import escape
from typing import TYPE_CHECKING

from bayesml.tables.numbers import format_section

if TYPE_CHECKING:
    from bayesml.tables.table import Section, Table

LABEL = "text-align:left;font-weight:normal"


def render_html(table: "Table") -> str:
    """The table as an HTML fragment with its few styles inline."""
    parts = ['<div class="bayesml-table">', f"<p><strong>{escape(table.title)}</strong>"]
    if table.subtitle:
        parts.append(f"<br><code>{escape(table.subtitle)}</code>")
    parts.append("</p>")
    if table.facts:
        rows = [
            f"<tr><td style='text-align:left'>{escape(name)}</td><td style='text-align:right'>{escape(value)}</td></tr>"
            for name, value in table.facts
        ]
        parts += ["<table>", *rows, "</table>"]
    for section in table.sections:
        parts += html_section(section)
    if table.notes:
        parts.append("<p><small>" + "<br>".join(map(escape, table.notes)) + "</small></p>")
    return "\n".join([*parts, "</div>"])


def html_section(section: "Section") -> list[str]:
    """One section as a table element."""
    headers = []
    for span in section.spans:
        column = section.columns[span.start]
        headers.append(
            f"<th colspan='{len(span)}' style='text-align:{side(column.numeric)}'>{escape(column.title)}</th>"
        )
    out = [
        "<table>",
        f"<thead><tr><th style='text-align:left'>{escape(section.title)}</th>{''.join(headers)}</tr></thead>",
        "<tbody>",
    ]
    for row, texts in zip(section.rows, format_section(section), strict=True):
        texts = texts + [""] * (len(section.columns) - len(texts))
        cells = "".join(
            f"<td style='text-align:{side(column.numeric)}'>{escape(text)}</td>"
            for column, text in zip(section.columns, texts, strict=True)
        )
        label = f"<th style='{LABEL};padding-left:{row.indent + 0.5}em'>{escape(row.label)}</th>"
        out.append(f"<tr>{label}{cells}</tr>")
    return [*out, "</tbody>", "</table>"]


def side(numeric: bool) -> str:
    """Alignment of a column."""
    return "right" if numeric else "left"
