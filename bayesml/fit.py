"""`fit`: estimates of a model by maximum likelihood, restricted likelihood or posterior mode."""

from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any, Literal

from bayesml.design.build import build_design
from bayesml.errors import SpecificationError
from bayesml.estimators import gaussian
from bayesml.estimators.quadrature import RULES, QuadratureRule
from bayesml.graphs.roles import build_graph
from bayesml.linalg.threads import one_blas_thread
from bayesml.results.likelihood import LikelihoodResult
from bayesml.spec.model import Model
from bayesml.spec.priors import DEFAULT_SET, Priors
from bayesml.spec.terms import Formula
from bayesml.syntax.model import Model as WrittenModel

CRITERIA = ("ml", "reml", "map")
INTEGRATIONS = ("exact", "laplace", *RULES)
POINTS = 7


def fit(
    formula: str | Formula | Model,
    data: Any,
    criterion: Literal["ml", "reml", "map"] | None = None,
    integration: Literal["exact", "laplace", "aghq", "mvaghq", "ghq"] | None = None,
    points: int | Sequence[int] = POINTS,
    verbose: bool = False,
    **options: Any,
) -> LikelihoodResult:
    """Estimates of a multilevel model.

    ::

        y_i ~ family(g^-1(eta_i), …),    eta = X beta + sum_k Z_k b_k + offset,    b_k ~ N(0, G_k)

    The random effects are integrated out: exactly in linear models, where beta and sigma are profiled out (ML) or beta
    is integrated out too (REML); else by Laplace's approximation, or by Gauss–Hermite quadrature where grouping factors
    are nested. The estimates are the maximum over all covariances, those on the boundary included.

    Parameters
    ----------
    formula : str or Model
        ``"Reaction ~ Days + (Days | Subject)"``, or a `Model`.
    data : DataFrame, polars or pyarrow table, or dict of arrays
        Never changed.
    criterion : {"reml", "ml", "map"}, optional
        Restricted likelihood (the default of linear models), likelihood (of all others), or posterior mode of the
        natural parameters (coefficients, sds, correlations) under `priors`, without a Jacobian.
    integration : {"exact", "laplace", "aghq", "mvaghq", "ghq"}, optional
        How the random effects are integrated out. Default: exactly where that is possible, else by Laplace's method.
        ``"aghq"`` puts the nodes at the modes, scaled by the curvatures; ``"mvaghq"`` at the posterior means, scaled by
        the posterior covariances; ``"ghq"`` does not adapt them.
    points : int or sequence of int, default 7
        Nodes a random effect in a quadrature; one for each level of grouping, the coarsest first, or one for all.
    verbose : bool, default False
        Print the iterations.
    **options
        Those of `Model`: `family`, `link`, `covariance`, `weights`, `priors`, `na`, …; with a `Model`, only `priors`.

    Returns
    -------
    LikelihoodResult

    Raises
    ------
    FormulaError, SpecificationError, DataError
        Before any work starts.
    NotIdentified
        The data cannot tell the parameters apart.
    TooLarge
        The crossed factors would not fit in memory.

    Warns
    -----
    DataNote
        Rows or columns were dropped, or something was read in a way that should be known.
    ConvergenceWarning
        The ascent did not end at a maximum; `result.status` has the advice.

    Examples
    --------
    >>> import bayesml as bml
    >>> sleep = bml.datasets.load("sleepstudy")
    >>> bml.fit("Reaction ~ Days + (Days | Subject)", sleep).fixef.round(2).to_dict()
    {'Intercept': 251.41, 'Days': 10.47}
    """
    model = as_model(formula, options)
    exact = is_exact(model)
    use = chosen(criterion, model, exact and integration in (None, "exact"), options.get("priors") == DEFAULT_SET)
    method = integral(integration, use, exact)
    rule = quadrature(method, points)
    with one_blas_thread():
        design = build_design(model, data)
    report = print_iteration if verbose else None
    if method == "exact":
        return gaussian.estimate(build_graph(model, design), use, report=report)
    # PyTensor takes a second to import: only where derivatives of an outcome are wanted
    laplace = import_module("bayesml.estimators.laplace")
    result: LikelihoodResult = laplace.estimate(build_graph(model, design), use, report=report, rule=rule)
    return result


def is_exact(model: Model) -> bool:
    """Whether the random effects are integrated out exactly: a density whose mean is linear, seen as it is."""
    return model.family.exact_with(model.link) and not model.response.needs_tails


def integral(integration: str | None, criterion: str, exact: bool) -> str:
    """The integral, checked against the model.

    Raises
    ------
    SpecificationError
        It does not exist, or not for this model and criterion.
    """
    if integration not in (None, *INTEGRATIONS):
        known = ", ".join(f'"{name}"' for name in INTEGRATIONS)
        raise SpecificationError(f"`integration={integration!r}` is not one of {known}.")
    if integration is None:
        return "exact" if exact else "laplace"
    if integration == "exact" and not exact:
        raise SpecificationError(
            '`integration="exact"` is for linear models: gaussian with the identity link, responses seen as they are. '
            'Leave it out, or give "laplace".'
        )
    if integration != "exact" and criterion == "reml":
        raise SpecificationError(f'`integration="{integration}"` has no restricted likelihood: give `criterion="ml"`.')
    return integration


def quadrature(integration: str, points: int | Sequence[int]) -> QuadratureRule | None:
    """The rule of a quadrature; None for the other integrals, which have no points."""
    if integration == "ghq" and points == 1:
        raise SpecificationError('`integration="ghq"` with one point, at effects of zero, tells nothing of variances.')
    if integration in RULES:
        return QuadratureRule(integration, points)
    if points != POINTS:
        raise SpecificationError(
            f'`points={points!r}` is for `integration="aghq"`, `"mvaghq"` or `"ghq"`; this is "{integration}".'
        )
    return None


def as_model(formula: str | Formula | Model, options: dict[str, Any]) -> Model:
    """The model that a verb was given: a formula with options, or a model, whose priors alone can be given anew."""
    if not isinstance(formula, Model):
        return WrittenModel(formula, **options)
    given = sorted(options.keys() - {"priors"})
    if given:
        raise SpecificationError(
            f"The model already says {', '.join(given)}: give options with a formula, or change the model with "
            "`dataclasses.replace`."
        )
    return replace(formula, priors=Priors.of(options["priors"])) if "priors" in options else formula


def chosen(criterion: str | None, model: Model, exact: bool, asked: bool = False) -> str:
    """The criterion, checked against the integral and the priors, the default ones too where they were asked for."""
    criterion = criterion or ("reml" if exact else "ml")
    if criterion == "reml" and not exact:
        raise SpecificationError(
            '`criterion="reml"` exists for linear models only, whose integral is exact. Use `criterion="ml"`.'
        )
    if criterion not in CRITERIA:
        raise SpecificationError(f"`criterion={criterion!r}` is not one of {', '.join(map(repr, CRITERIA))}.")
    if criterion != "map" and (asked or not model.priors.only_fixes):
        raise SpecificationError(
            f'`criterion="{criterion}"` uses no priors, and these were given: {model.priors}. '
            'Use `criterion="map"` for the posterior mode, or `bml.sample`.'
        )
    return criterion


def print_iteration(iteration: int, value: float, gain: float) -> None:
    """One line an iteration."""
    print(f"iteration {iteration:3d}   log likelihood {value:.6f}   expected gain {gain:.2e}")
