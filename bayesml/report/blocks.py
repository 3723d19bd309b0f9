"""What the page of a report is made of, each as HTML with all that users wrote escaped."""

import base64
import io
from dataclasses import dataclass
from typing import Any, Protocol

import matplotlib.pyplot as plt
import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure

from bayesml.tables.numbers import format_cell
from bayesml.tables.table import Table

DPI = 130


class Block(Protocol):
    """A piece of a page."""

    @property
    def markup(self) -> Markup: ...


@dataclass(frozen=True)
class Part:
    """A part of the page under one heading.

    Parameters
    ----------
    title : str
    blocks : tuple of Block
    """

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of text; `quiet` for what is beside the point."""

    text: str
    quiet: bool = False

    @property
    def markup(self) -> Markup:
        """The paragraph."""
        return Markup('<p class="quiet">{}</p>' if self.quiet else "<p>{}</p>").format(self.text)


@dataclass(frozen=True)
class Code:
    """Text as it was typed."""

    text: str

    @property
    def markup(self) -> Markup:
        """The text between `pre`."""
        return Markup("<pre>{}</pre>").format(self.text)


@dataclass(frozen=True)
class Verdict:
    """A judgement in words, good or bad."""

    text: str
    good: bool

    @property
    def markup(self) -> Markup:
        """A marked paragraph; the mark does not rest on colour alone."""
        return Markup('<p class="{}"><strong>{}</strong> {}</p>').format(
            "verdict" if self.good else "verdict bad", "In order:" if self.good else "Look at this:", self.text
        )


@dataclass(frozen=True)
class Rendered:
    """HTML that the package itself rendered."""

    html: str

    @property
    def markup(self) -> Markup:
        """The HTML in a box that scrolls where it is wider than the page."""
        return Markup('<div class="wide">') + Markup(self.html) + Markup("</div>")


@dataclass(frozen=True)
class Numbers:
    """A DataFrame with four significant digits.

    Parameters
    ----------
    frame : DataFrame
    caption : str
    """

    frame: pd.DataFrame
    caption: str = ""

    @property
    def markup(self) -> Markup:
        """A table with the index as row headers."""
        frame, side = self.frame, 'style="text-align:{}"'
        numeric = [pd.api.types.is_numeric_dtype(frame[column]) for column in frame.columns]
        sides = [Markup(side).format("right" if number else "left") for number in numeric]
        head = Markup("").join(
            Markup("<th scope='col' {}>{}</th>").format(place, name)
            for place, name in zip(sides, frame.columns, strict=True)
        )
        rows = [
            Markup("<tr><th scope='row' style='text-align:left;font-weight:normal'>{}</th>{}</tr>").format(
                label if not isinstance(label, tuple) else ":".join(map(str, label)),
                Markup("").join(
                    Markup("<td {}>{}</td>").format(place, cell_text(cell))
                    for place, cell in zip(sides, cells, strict=True)
                ),
            )
            for label, cells in zip(frame.index, frame.itertuples(index=False), strict=True)
        ]
        caption = Markup("<caption>{}</caption>").format(self.caption) if self.caption else ""
        table = Markup(
            "<table>{}<thead><tr><th style='text-align:left'>{}</th>{}</tr></thead><tbody>{}</tbody></table>"
        )
        return Markup('<div class="wide">{}</div>').format(
            table.format(caption, frame.index.name or "", head, Markup("").join(rows))
        )


def cell_text(cell: Any) -> str:
    """A cell as text; numbers with four significant digits."""
    return format_cell(cell, "number", None) if isinstance(cell, float) else str(cell)


@dataclass(frozen=True)
class Picture:
    """A figure inside the page, closed once it is drawn.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    alt : str
        What it shows, for those who cannot see it.
    caption : str
    """

    figure: Figure
    alt: str
    caption: str

    @property
    def markup(self) -> Markup:
        """The picture as data of the page itself."""
        buffer = io.BytesIO()
        self.figure.savefig(buffer, format="png", dpi=DPI)
        plt.close(self.figure)
        data = base64.b64encode(buffer.getvalue()).decode("ascii")
        picture = Markup('<figure><img alt="{}" src="data:image/png;base64,{}"><figcaption>{}</figcaption></figure>')
        return picture.format(self.alt, data, self.caption)


def of_table(table: Table) -> Rendered:
    """A table of the package."""
    return Rendered(table.to_html())


__all__ = ["Block", "Code", "Numbers", "Paragraph", "Part", "Picture", "Rendered", "Verdict", "of_table"]
