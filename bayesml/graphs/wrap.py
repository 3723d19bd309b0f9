"""A graph as a plain `pm.Model`."""

from math import inf

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from pytensor.tensor import TensorVariable
from pytensor.tensor.linalg import solve_triangular

from bayesml.distributions import LKJ
from bayesml.graphs.dimensions import Dimensions, text_coords
from bayesml.graphs.expressions import (
    correlation_root,
    correlations,
    covariance_root,
    effects,
    input_arrays,
    linear_predictors,
)
from bayesml.graphs.marginal_model import marginal_model
from bayesml.graphs.outcome_variable import observe_outcome
from bayesml.graphs.prior_numbers import TermPriors
from bayesml.graphs.prior_variables import ancillary_variables, scalar_variable, vector_variable
from bayesml.graphs.roles import Graph
from bayesml.graphs.tensors import TENSORS


def to_pymc(graph: Graph) -> pm.Model:
    """A graph as a PyMC model.

    Parameters
    ----------
    graph : Graph

    Returns
    -------
    pm.Model
        With variables `beta` (coef), `sd_Subject` (Subject_term), `corr_Subject` (Subject_pair), `b_Subject` (Subject,
        Subject_term), `sigma` and other parameters of the family under their names, `cut` (cutpoint), `eta` (obs), or
        (obs, predictor), where it is not the mean, `mu` (obs) and `y` (obs), observed. Correlations are functions of
        the independent `partial_Subject`, random effects of the standardised `u_Subject` unless the term is centred.
        Where random effects were integrated out, as in `marginal_model`.
    """
    return joint_model(graph) if graph.integrated == "nothing" else marginal_model(graph)


def joint_model(graph: Graph) -> pm.Model:
    """The density of outcome, random effects and parameters."""
    dimensions = Dimensions(graph)
    # the numbers of priors were checked when they were given: no check of them enters the density
    with pm.Model(coords=text_coords(dimensions.coords), check_bounds=False) as model:
        inputs = {name: pm.Data(name, array, dims=dims) for name, (array, dims) in input_arrays(graph).items()}
        beta = None
        if graph.fixed:
            beta = vector_variable("beta", graph.priors.coefficients, "coef", graph.fixed)
        b = [random_effects(graph, k, dimensions) for k in range(len(graph.random))]
        values = ancillary_variables(graph)
        eta = linear_predictors(graph, inputs, beta, b)
        observe_outcome(graph, named_predictors(graph, eta), values, inputs)
    return model


def named_predictors(graph: Graph, eta: TensorVariable) -> list[TensorVariable]:
    """The linear predictors of the model at hand, named: `eta`, and the mean `mu` where one predictor has one."""
    if len(graph.predictors) > 1:
        eta = pm.Deterministic("eta", eta, dims=("obs", "predictor"))
        return [eta[:, k] for k in range(len(graph.predictors))]
    if graph.link.mean_support != (-inf, inf):
        eta = pm.Deterministic("eta", eta, dims="obs")
    if graph.family.outcome == "number":
        pm.Deterministic("mu", graph.link.inverse(eta, TENSORS), dims="obs")
    return [eta]


def whole_matrix_prior(priors: TermPriors, sd: TensorVariable, root: TensorVariable) -> TensorVariable:
    """What makes the priors of standard deviations and correlations up to that of their whole covariance matrix.

    By themselves the standard deviations have their margins, and the correlation matrix is uniform.
    """
    prior, q = priors.covariance, len(priors.sds)
    assert prior is not None
    assert prior.nu is not None
    nu, scale = (pytensor.shared(np.asarray(value, float), name=name) for name, value in (
        ("wishart_nu", prior.nu), ("wishart_scale", prior.matrix(q)),
    ))  # fmt: skip
    half = solve_triangular(root, pt.linalg.cholesky(scale), lower=True)
    value = prior.constant(q) - LKJ(1).log_density_of(0.0, q) - 0.5 * (half**2).sum()
    value += q * pt.log(sd).sum() - (nu + q + 1) * pt.log(pt.diagonal(root)).sum()
    shape, rates = (nu - q + 1) / 2, pt.diagonal(scale) / 2
    margins = shape * pt.log(rates) - pt.gammaln(shape) - (2 * shape + 1) * pt.log(sd) - rates / sd**2 + np.log(2)
    return value - margins.sum()


def random_effects(graph: Graph, k: int, dimensions: Dimensions) -> TensorVariable:
    """Variables of random term k in the model at hand; the random effects (J, q)."""
    role, priors, dims = graph.random[k], graph.priors.terms[k], dimensions.b(k)
    sd_name, corr_name = f"sd_{role.suffix}", f"corr_{role.suffix}"
    if dimensions.sd(k):
        sd = vector_variable(sd_name, priors.sds, dimensions.sd(k)[0], role.sd_labels)
    else:
        sd = scalar_variable(sd_name, priors.sds[0])[None]
    root = None
    if role.covariance.correlations == "one" and role.n_correlations:
        root = correlation_root(role, scalar_variable(corr_name, priors.partials[0])[None])
    elif role.n_correlations:
        partials = vector_variable(f"partial_{role.suffix}", priors.partials, dimensions.corr(k)[0], role.pairs)
        root = correlation_root(role, partials)
        pm.Deterministic(corr_name, correlations(role, root), dims=dimensions.corr(k))
    Lambda = covariance_root(role, sd, root)
    if priors.covariance is not None:
        pm.Potential(f"cov_{role.suffix}_prior", whole_matrix_prior(priors, sd, Lambda))
    if not graph.centred[k]:
        u = pm.Normal(f"u_{role.suffix}", 0.0, 1.0, dims=dims)
        return pm.Deterministic(f"b_{role.suffix}", effects(u, Lambda), dims=dims)
    if root is None:
        return pm.Normal(f"b_{role.suffix}", 0.0, Lambda, dims=dims)
    return pm.MvNormal(f"b_{role.suffix}", pt.zeros(role.q), cov=Lambda @ Lambda.T, dims=dims)
