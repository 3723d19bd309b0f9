"""The verb `graph`: a model on data as a plain `pm.Model`."""

from typing import Any

import pymc as pm

from bayesml.graphs.of_data import PriorsLike, graph_of
from bayesml.graphs.propriety import require_proper
from bayesml.graphs.wrap import to_pymc
from bayesml.spec.model import Model


def graph(
    model: str | Model,
    data: Any,
    priors: PriorsLike = None,
    **keywords: Any,
) -> pm.Model:
    """The PyMC model of a multilevel model on data: the one that is fitted and sampled.

    Parameters
    ----------
    model : str or Model
        A formula, or a model.
    data : DataFrame, pyarrow.Table or dict of arrays
    priors : str or dict, optional
        Name of a prior set, or priors by address; those of the model where it is not given.
    **keywords
        Options of `Model`, where a formula is given.

    Returns
    -------
    pm.Model
        Named dimensions carry the user's labels. For `(Days | Subject)`: `beta` (coef), `sd_Subject` (Subject_term),
        `corr_Subject` (Subject_pair), `b_Subject` (Subject, Subject_term), `sigma`, `mu` (obs), `y` (obs), observed. A
        second term of a group is `sd_Subject_2`.

    Raises
    ------
    NotIdentified
        The posterior is improper.

    Examples
    --------
    >>> import bayesml as bml
    >>> pm_model = bml.graph("Reaction ~ Days + (Days | Subject)", bml.datasets.load("sleepstudy"))
    >>> [variable.name for variable in pm_model.free_RVs]
    ['beta', 'sd_Subject', 'partial_Subject_unit', 'u_Subject', 'sigma']
    """
    roles = graph_of(model, data, priors, **keywords)
    require_proper(roles)
    return to_pymc(roles)
