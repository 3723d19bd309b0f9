"""`Table`: what a verb has to show, as a value that knows nothing of screens or pages."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from bayesml.errors import ColumnNotFound
from bayesml.tables.html import render_html
from bayesml.tables.latex import render_latex
from bayesml.tables.markdown import render_markdown
from bayesml.tables.numbers import Cell
from bayesml.tables.text import render_text


@dataclass(frozen=True)
class Column:
    """A column of a section.

    Parameters
    ----------
    title : str
    format : {"number", "statistic", "ratio", "p", "count", "text"}
        ``"number"``: in units of the data; all such cells of a section share their decimals, enough
        for the smallest standard error. ``"statistic"``: two decimals. ``"ratio"``: three, for
        correlations and proportions. ``"p"``: three, `<0.001` below. ``"count"``: whole numbers, averages
        with one decimal. ``"text"``: as it stands, left-aligned.
    name : str, optional
        Column of the DataFrame; default: the title.
    spread : bool, default False
        Whether the column holds standard errors, which decide the decimals.
    decimals : int, optional
        Decimals of a ``"number"`` column, instead of those that it would share with others.
    joined : bool, default False
        The column stands under the title of the one to its left, as the upper limit of an interval does.
    """

    title: str
    format: Literal["number", "statistic", "ratio", "p", "count", "text"] = "number"
    name: str = ""
    spread: bool = False
    joined: bool = False
    decimals: int | None = None

    @property
    def numeric(self) -> bool:
        """Whether cells are aligned to the right."""
        return self.format != "text"


@dataclass(frozen=True)
class Row:
    """A row of a section.

    Parameters
    ----------
    label : str
    cells : tuple
        One a column; None is an empty cell, NaN is printed as a dot: there is no such number.
    indent : int, default 0
        Steps by which the label is moved in.
    name : str, optional
        Index in the DataFrame; default: the label.
    """

    label: str
    cells: tuple[Cell, ...] = ()
    indent: int = 0
    name: str = ""


@dataclass(frozen=True)
class Section:
    """Rows under one header.

    Parameters
    ----------
    title : str
        Stands above the labels.
    columns : tuple of Column
    rows : tuple of Row
    per_row : bool, default False
        Decimals are chosen for each row by itself: for rows in different units.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    per_row: bool = False

    @property
    def spans(self) -> tuple[range, ...]:
        """Positions of the columns under each title."""
        starts = [i for i, column in enumerate(self.columns) if not column.joined]
        return tuple(range(a, b) for a, b in zip(starts, [*starts[1:], len(self.columns)], strict=True))

    def to_pandas(self) -> pd.DataFrame:
        """The cells as numbers; rows without cells are left out."""
        rows = [row for row in self.rows if row.cells]
        names = [column.name or column.title for column in self.columns]
        return pd.DataFrame([row.cells for row in rows], index=[row.name or row.label for row in rows], columns=names)


@dataclass(frozen=True)
class Table:
    """Titled sections with header lines and notes; shows itself as text, HTML, LaTeX and Markdown.

    Parameters
    ----------
    title : str
    subtitle : str
    facts : tuple of (str, str)
        Name and value pairs of the header, set in two columns, read downwards.
    sections : tuple of Section
    notes : tuple of str
        Lines below the sections.
    """

    title: str
    subtitle: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    sections: tuple[Section, ...] = ()
    notes: Sequence[str] = field(default=())

    def to_text(self, width: int = 88) -> str:
        """Plain text; long notes are broken at `width` characters."""
        return render_text(self, width)

    def to_html(self) -> str:
        """An HTML fragment that needs no style sheet."""
        return render_html(self)

    def to_latex(self) -> str:
        """LaTeX tabulars that use the booktabs rules."""
        return render_latex(self)

    def to_markdown(self) -> str:
        """Markdown, one pipe table a section."""
        return render_markdown(self)

    def to_pandas(self, section: int | str = 0) -> pd.DataFrame:
        """One section as a DataFrame of numbers, by position or title."""
        if isinstance(section, int):
            return self.sections[section].to_pandas()
        titled = {s.title: s for s in self.sections}
        if section not in titled:
            raise ColumnNotFound(f"There is no section `{section}`; the sections are {', '.join(map(repr, titled))}.")
        return titled[section].to_pandas()

    def __str__(self) -> str:
        return self.to_text()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self.to_html()
