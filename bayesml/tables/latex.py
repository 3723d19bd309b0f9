"""Tables as LaTeX, with the rules of the booktabs package."""

from typing import TYPE_CHECKING

from bayesml.tables.numbers import format_section

if TYPE_CHECKING:
    from bayesml.tables.table import Section, Table

SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "|": r"\textbar{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "χ": r"$\chi$", "²": r"$^2$", "½": r"$\frac12$", "σ": r"$\sigma$",
}  # fmt: skip


def render_latex(table: "Table") -> str:
    """The table as LaTeX source: one tabular a section."""
    out = [rf"\noindent\textbf{{{tex(table.title)}}}"]
    if table.subtitle:
        out.append(rf"\\ \texttt{{{tex(table.subtitle)}}}")
    if table.facts:
        rows = [rf"{tex(name)} & {tex(value)} \\" for name, value in table.facts]
        out += ["", r"\medskip\noindent", r"\begin{tabular}{lr}", *rows, r"\end{tabular}"]
    for section in table.sections:
        out += ["", r"\medskip\noindent", *latex_section(section)]
    for note in table.notes:
        out += ["", rf"\noindent\footnotesize {tex(note)}\normalsize"]
    return "\n".join(out) + "\n"


def latex_section(section: "Section") -> list[str]:
    """One section as a tabular."""
    titles = []
    for span in section.spans:
        column = section.columns[span.start]
        titles.append(rf"\multicolumn{{{len(span)}}}{{{'r' if column.numeric else 'l'}}}{{{tex(column.title)}}}")
    layout = "l" + "".join("r" if column.numeric else "l" for column in section.columns)
    out = [
        rf"\begin{{tabular}}{{{layout}}}",
        r"\toprule",
        " & ".join([tex(section.title), *titles]) + r" \\",
        r"\midrule",
    ]
    for row, texts in zip(section.rows, format_section(section), strict=True):
        label = r"\quad " * row.indent + tex(row.label)
        texts = texts + [""] * (len(section.columns) - len(texts))
        out.append(" & ".join([label, *(minus(tex(text)) for text in texts)]) + r" \\")
    return [*out, r"\bottomrule", r"\end{tabular}"]


def tex(text: str) -> str:
    """The text with LaTeX's special characters escaped."""
    return "".join(SPECIAL.get(character, character) for character in text)


def minus(text: str) -> str:
    """A negative number with a minus sign instead of a hyphen."""
    return f"${text}$" if text.startswith("-") and text[1:2].isdigit() else text
