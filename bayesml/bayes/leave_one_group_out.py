"""`leave_one_group_out`: how well a new group is predicted."""

from typing import Literal

from bayesml.bayes.evidence import require_posterior
from bayesml.bayes.loo import Loo, loo
from bayesml.bayes.units import GROUP
from bayesml.results.bayesian import BayesianResult


def leave_one_group_out(
    result: BayesianResult,
    group: str | None = None,
    exact: Literal["auto"] | bool = "auto",
    refits: int = 20,
    progressbar: bool = True,
) -> Loo:
    """Expected log predictive density of all rows of a new group: `loo` with ``unit=group``.

    ``elpd = sum_j log p(y_j | y_-j)`` with ``p(y_j | theta) = ∫ p(y_j | b, theta) p(b | theta) db``, y_j all rows of
    level j: its random effects are not known beforehand.

    Parameters
    ----------
    result : BayesianResult
    group : str, optional
        The grouping factor; default: the coarsest.
    exact, refits, progressbar
        As in `loo`.

    Returns
    -------
    Loo

    Raises
    ------
    RefusedTest
        Crossed factors, or one within another: its levels are not independent given the parameters.

    References
    ----------
    Merkle, Furr and Rabe-Hesketh (2019), Psychometrika 84:802-829.

    Examples
    --------
    >>> import bayesml as bml
    >>> sleep = bml.datasets.load("sleepstudy")
    >>> post = bml.sample("Reaction ~ Days + (Days | Subject)", sleep, random_seed=1, progressbar=False)
    >>> round(bml.leave_one_group_out(post, refits=0).elpd)
    -886
    """
    require_posterior(result, "leave_one_group_out")
    return loo(result, GROUP if group is None else group, exact, refits, progressbar)
