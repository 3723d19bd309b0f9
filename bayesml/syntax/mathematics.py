"""A model printed as mathematics, in plain text and in LaTeX."""

from bayesml.spec.model import Model


def plain_text(model: Model) -> str:
    """The model in lines of plain text."""
    return repr(model)


def latex(model: Model) -> str:
    """The model as LaTeX."""
    return repr(model)
