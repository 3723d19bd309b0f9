"""`equations`: the model of a result in mathematics."""

from bayesml.errors import SpecificationError
from bayesml.graphs.equations import Equations, equations_of
from bayesml.results.base import Result
from bayesml.results.bayesian import BayesianResult
from bayesml.results.likelihood import LikelihoodResult


def equations(result: Result, priors: bool | None = None) -> Equations:
    r"""The model of a result in mathematics, with the user's own names.

    Parameters
    ----------
    result : LikelihoodResult or BayesianResult
    priors : bool, optional
        Whether to add the prior of each parameter; default: for posteriors.

    Returns
    -------
    Equations
        Shows itself in a notebook; `.latex` is its source, `.to_mathml()` what browsers read. Row i is an observation,
        Subject[i] its level of a grouping factor, ``w`` prior weights, ``o`` the offset, ``s`` known
        standard errors, ``n`` trials. Normal distributions are written with their variance, other families with the
        parameters that their pages describe.

    Raises
    ------
    SpecificationError
        The argument is no result.

    Examples
    --------
    >>> import bayesml as bml
    >>> fit = bml.fit("Reaction ~ Days + (1 | Subject)", bml.datasets.load("sleepstudy"))
    >>> print(bml.equations(fit).latex.split(r" \\ ")[-1].removesuffix(r"\end{aligned}"))
    b_{0,\text{Subject}} &\sim \operatorname{Normal}(0, \sigma_{0,\text{Subject}}^2)
    """
    if not isinstance(result, BayesianResult | LikelihoodResult):
        raise SpecificationError(f"Equations are written of a result of `fit` or `sample`, not of {result!r}.")
    return equations_of(result.graph, isinstance(result, BayesianResult) if priors is None else priors)
