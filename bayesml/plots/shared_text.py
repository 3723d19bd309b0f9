"""What the documentation of several plots says alike, written once."""

import re
from collections.abc import Callable
from textwrap import indent
from typing import Any

TEXTS = {
    "parameters": """\
result : BayesianResult
parameters : str or sequence of str, optional
    Addresses (`Days`), groups of them (`sd(Subject)`, `b(Subject)`) and patterns (`b(Days | *)`). Default: all but
    the random effects.""",
    "worst panels": """\
limit : int, default 12
    Panels at most; of more parameters those with the largest R-hat are shown, which the figure says.
columns : int, optional
    Panels in a row.""",
    "first panels": """\
limit : int, default 12
    Panels at most; of more parameters the first are shown, which the figure says.
columns : int, optional
    Panels in a row.
ci_prob : float, default 0.95
    Content of the equal-tailed interval, drawn as a bar below with the median as a point.""",
    "refusals": """\
SpecificationError
    The result is a likelihood fit, which has no draws.
ColumnNotFound
    There is no such parameter.""",
    "titled panels": """\
matplotlib.figure.Figure
    One panel a parameter, titled by its address, R-hat, and bulk and tail effective sample size.""",
}


def documented[F: Callable[..., Any]](function: F) -> F:
    """Put in the place of each line `{name}` of a docstring the text of that name, indented as the line is."""
    function.__doc__ = re.sub(
        r"^( *)\{(.+)\}$", lambda found: indent(TEXTS[found[2]], found[1]), function.__doc__ or "", flags=re.MULTILINE
    )
    return function
