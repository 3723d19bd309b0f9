"""`report`: one self-contained page about a result."""

from importlib.resources import files
from os import PathLike
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from bayesml.errors import SpecificationError, StorageError
from bayesml.report.parts import parts_of
from bayesml.results.base import Result
from bayesml.results.whole_file import whole_file

ENDINGS = (".html", ".htm")


def report(result: Result, path: str | PathLike[str], title: str | None = None, ci_prob: float = 0.95) -> Path:
    """Write one self-contained HTML page about a result.

    The model in mathematics, a summary of the data, priors, estimates, variance components, diagnostics with verdicts
    in words, predictive check and plots with alternative texts. Nothing on the page comes from the network.

    Parameters
    ----------
    result : LikelihoodResult or BayesianResult
    path : str or path
        Ends in ``.html``. Written under another name first, so that a page that is there is replaced whole or not
        at all.
    title : str, optional
        Default: the response by the first grouping factor.
    ci_prob : float, default 0.95
        Content of all intervals.

    Returns
    -------
    pathlib.Path
        Of the page.

    Raises
    ------
    SpecificationError
        The argument is no result, or the path does not end in ``.html``.
    StorageError
        There is no such folder, nothing may be written there, or the disk is full.

    Examples
    --------
    >>> import bayesml as bml, tempfile
    >>> fit = bml.fit("Reaction ~ Days + (Days | Subject)", bml.datasets.load("sleepstudy"))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = bml.report(fit, f"{folder}/sleep.html").read_text()
    >>> "Days: 10.47" in page
    True
    """
    if not isinstance(result, Result):
        raise SpecificationError(f"A report is about a result of `fit` or `sample`, not about {type(result).__name__}.")
    target = Path(path)
    if target.suffix.lower() not in ENDINGS:
        raise SpecificationError(f"`{path}`: a report is an HTML page; let the name end in `.html`.")
    if not target.parent.is_dir():
        raise StorageError(f"There is no folder `{target.parent}` to write the report into.")
    text = page(result, title, ci_prob)
    with whole_file(target) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return target


def page(result: Result, title: str | None, ci_prob: float) -> str:
    """The page as text."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    template = environment.from_string(files("bayesml.report").joinpath("page.html").read_text(encoding="utf-8"))
    groups = " and ".join(result.ngroups)
    default = f"{result.design.response_name} by {groups}" if groups else result.design.response_name
    heading = result.summary().title
    return template.render(title=title or default, subtitle=heading, parts=parts_of(result, ci_prob))
