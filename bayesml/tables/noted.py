"""A DataFrame that says below its rows what a reader must know of them."""

from collections.abc import Iterable
from html import escape

import pandas as pd


class NotedFrame(pd.DataFrame):
    """A DataFrame that prints notes below itself; whatever is taken out of it is a plain pandas object.

    Parameters
    ----------
    data : DataFrame
    notes : iterable of str
        Also kept in `attrs["notes"]`.
    """

    def __init__(self, data: pd.DataFrame, notes: Iterable[str] = ()):
        super().__init__(data)
        self.attrs["notes"] = list(notes)

    @property
    def _constructor(self) -> type[pd.DataFrame]:
        return pd.DataFrame

    def __repr__(self) -> str:
        return "\n".join([super().__repr__(), *self.attrs["notes"]])

    def _repr_html_(self) -> str:
        return (
            (super()._repr_html_() or "")
            + "<p><small>"
            + "<br>".join(map(escape, self.attrs["notes"]))
            + "</small></p>"
        )
