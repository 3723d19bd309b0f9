"""`sample`: draws from the posterior of a multilevel model."""

from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal

from bayesml.design.build import build_design
from bayesml.distributions import Distribution
from bayesml.errors import SpecificationError
from bayesml.estimators.compile_ahead import CompileAhead
from bayesml.fit import as_model, is_exact
from bayesml.graphs.roles import build_graph
from bayesml.spec.model import Model
from bayesml.spec.priors import Priors
from bayesml.spec.terms import Formula

if TYPE_CHECKING:
    from bayesml.results.bayesian import BayesianResult


def sample(
    formula: str | Formula | Model,
    data: Any,
    priors: str | PathLike[str] | Mapping[str, Distribution] | Priors | None = None,
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    cores: int | None = None,
    random_seed: int | None = None,
    target_accept: float | None = None,
    parametrisation: Literal["auto", "marginal", "partial", "centred", "noncentred"] = "auto",
    progressbar: bool = True,
    seed: int | None = None,
    **options: Any,
) -> "BayesianResult":
    """Draws from the posterior of a multilevel model, of the same graph that `fit` maximises.

    Parameters
    ----------
    formula : str or Model
        ``"Reaction ~ Days + (Days | Subject)"``, or a `Model`.
    data : DataFrame, polars or pyarrow table, or dict of arrays
        Never changed.
    priors : str, path or dict, optional
        A prior set, ``"weakly_informative"`` (the default), ``"flat"``, ``"rstanarm"``, …; the path of a file of one's
        own, ``"my_priors.toml"``; or priors by address that replace some of the default set, or
        of another: ``bml.Priors("stata", {"x": bml.Normal(0, 1)})``.
        `prior_table(model, data)` shows them as numbers.
    draws, tune : int, default 1000
        Draws to keep, and draws to adapt with, in each chain.
    chains : int, default 4
    cores : int, optional
        Chains that run at once; default: one a processor.
    random_seed, seed : int, optional
        Two names of one option. Same seed, same draws.
    target_accept : float, optional
        Mean acceptance probability that the step size is adapted to, in (0, 1); default 0.8 for linear models, 0.9
        where random effects are sampled. Raise it where there are divergences.
    parametrisation : {"auto", "marginal", "partial", "centred", "noncentred"}
        ``"marginal"``: what the integral is exact for (random effects, coefficients with normal or flat priors) is not
        sampled but drawn exactly afterwards, so that the posterior holds every quantity of the joint
        model. The others sample the random effects too: themselves (``"centred"``), standardised (``"noncentred"``),
        or each centred as far as the data say something of it (``"partial"``). ``"auto"`` is marginal for linear
        models, else partial.
    progressbar : bool, default True
    **options
        Those of `Model`: `covariance`, `weights`, `na`, …

    Returns
    -------
    BayesianResult

    Raises
    ------
    FormulaError, SpecificationError, DataError
        Before any work starts.
    NotIdentified
        The posterior is improper under flat priors.
    SamplingError
        All chains failed; the message names parameters and values.

    Warns
    -----
    DataNote
        Rows or columns were dropped, or something was read in a way that should be known.
    ConvergenceWarning
        Sampling was interrupted or did not go well, or chains failed and were left out; `result.status` has the advice.

    Examples
    --------
    >>> import bayesml as bml
    >>> sleep = bml.datasets.load("sleepstudy")
    >>> post = bml.sample("Reaction ~ Days + (Days | Subject)", sleep, random_seed=1, progressbar=False)
    >>> round(post["Days"])
    10
    """
    if seed is not None and random_seed is not None:
        raise SpecificationError("`seed` and `random_seed` are two names of one option: give one of them.")
    model = as_model(formula, options)
    if priors is not None:
        model = replace(model, priors=Priors.of(priors))
    marginal = parametrisation == "marginal" or (parametrisation == "auto" and is_exact(model))
    # the kernels of marginal sampling are the large ones
    with CompileAhead(wanted=marginal) as ahead:
        design = build_design(model, data)
        # PyMC takes two seconds to import: only here, where the other process is at work already.
        nuts = import_module("bayesml.estimators.nuts")
        result: BayesianResult = nuts.sample_graph(
            build_graph(model, design),
            draws=draws,
            tune=tune,
            chains=chains,
            cores=cores,
            random_seed=seed if random_seed is None else random_seed,
            target_accept=target_accept,
            parametrisation=parametrisation,
            progressbar=progressbar,
            ahead=ahead,
        )
    return result
