"""Tables as Markdown, in the pipe syntax that GitHub, Quarto and pandoc read."""

from typing import TYPE_CHECKING

from bayesml.tables.numbers import format_section

if TYPE_CHECKING:
    from bayesml.tables.table import Section, Table

SPECIAL = frozenset("\\`*_{}[]<>|~$#")
INDENT = "&nbsp;&nbsp;"


def render_markdown(table: "Table") -> str:
    """The table as Markdown source: one pipe table a section."""
    parts = [f"**{markdown(table.title)}**"] if table.title else []
    if table.subtitle:
        parts.append(code(table.subtitle))
    if table.facts:
        rows = [f"| {markdown(name)} | {markdown(value)} |" for name, value in table.facts]
        parts.append("\n".join(["| | |", "| :-- | --: |", *rows]))
    parts += ["\n".join(markdown_section(section)) for section in table.sections]
    parts += [markdown(note) for note in table.notes]
    return "\n\n".join(parts) + "\n"


def markdown_section(section: "Section") -> list[str]:
    """One section as a pipe table; a title over several columns stands above the first."""
    titles = [section.title, *(column.title for column in section.columns)]
    rules = [":--", *("--:" if column.numeric else ":--" for column in section.columns)]
    rows = [
        [INDENT * row.indent + markdown(row.label), *map(markdown, texts + [""] * (len(section.columns) - len(texts)))]
        for row, texts in zip(section.rows, format_section(section), strict=True)
    ]
    return [piped([markdown(title) for title in titles]), piped(rules), *map(piped, rows)]


def piped(cells: list[str]) -> str:
    """Cells of a line."""
    return f"| {' | '.join(cells)} |"


def markdown(text: str) -> str:
    """The text with Markdown's special characters escaped."""
    return "".join(f"\\{character}" if character in SPECIAL else character for character in text)


def code(text: str) -> str:
    """The text as code, in as many backticks as it needs."""
    fence = "`"
    while fence in text:
        fence += "`"
    return f"{fence} {text} {fence}" if "`" in text else f"`{text}`"
