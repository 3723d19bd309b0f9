"""A marginalised graph as a `pm.Model`."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.tensor import TensorVariable

from bayesml.graphs.covariance_priors import covariance_potential
from bayesml.graphs.dimensions import Dimensions, text_coords
from bayesml.graphs.expressions import correlation_root, correlations
from bayesml.graphs.flat_variables import flat_correlations, flat_input, flat_vector
from bayesml.graphs.marginal import GaussianMarginal
from bayesml.graphs.marginal_kernel import density_address
from bayesml.graphs.natural import CovarianceParameters
from bayesml.graphs.prior_variables import log_factors, scalar_variable, vector_variable
from bayesml.graphs.roles import Graph
from bayesml.linalg.gaussian import GaussianSystem
from bayesml.linalg.marginal import kernel_addresses


class MachineCode:
    """The addresses of the kernels as inputs of a model's density, which cannot be evaluated before `enter`."""

    def __init__(self) -> None:
        self.density = flat_input("density_address", np.array(0, np.int64))
        self.kernels = flat_input("kernel_addresses", np.zeros(5, np.int64))

    def enter(self, system: GaussianSystem) -> None:
        """Compile the kernels for a system, or take them from the cache."""
        self.kernels.set_value(kernel_addresses(system.layout.border))
        self.density.set_value(density_address())


def marginal_model(graph: Graph, system: GaussianSystem | None = None, code: MachineCode | None = None) -> pm.Model:
    """The density of outcome and remaining parameters as a PyMC model.

    The path from variables to density is one Op. Its variables are the same for every model, so that compiled code
    does not depend on the number of terms:

    - `sd` (sd_address): standard deviations of all terms;
    - `partial_unit` (corr_address): their partial, or common, correlations on (0, 1), if there are any;
    - `sigma`, if it is free;
    - `beta` (coef), where only random effects are integrated out; `beta_given` (coef_given), coefficients whose
      priors are not normal or flat, where the coefficients are too;
    - those that `beta_log_factor` (coef_mixed) is a function of: logs of the factors of normal priors whose sd has a
      prior itself, as `Horseshoe`; these coefficients are integrated out given them.

    `sd_Subject` and `corr_Subject` are deterministic functions of these; the term `marginal` of the log density is
    the likelihood.

    Parameters
    ----------
    graph : Graph
        Marginalised.
    system : GaussianSystem, optional
        Of the same design and given coefficients, if it was built before.
    code : MachineCode, optional
        Still to be entered by the caller; by default it is entered here.
    """
    dimensions, parameters = Dimensions(graph), CovarianceParameters(graph)
    priors = graph.priors
    given = ~graph.integrated_beta
    system = GaussianSystem.of(graph.design, given) if system is None else system
    if code is None:
        code = MachineCode()
        code.enter(system)
    coords = {name: labels for name, labels in dimensions.coords.items() if name not in ("obs", *dimensions.levels)}
    with pm.Model(coords=text_coords(coords), check_bounds=False) as model:
        sds = [prior for term in priors.terms for prior in term.own_sds]
        partials = [prior for term in priors.terms for prior in term.partials]
        sd = flat_vector("sd", sds, "sd_address", [a for term in priors.terms for a in term.sd_addresses])
        labels = [a for term in priors.terms for a in term.corr_addresses]
        unit = flat_correlations(partials, parameters.bounds, labels)
        covariance_potential(graph, parameters, sd, unit)
        sigma = flat_input("sigma", np.asarray(1.0)) if priors.sigma is None else scalar_variable("sigma", priors.sigma)
        beta = _coefficients(graph, given)
        settings = (*graph.coefficient_rows, *parameters.bounds, parameters.layout)
        names = ("given", "prior_mean", "prior_precision", "lower", "width", "layout")
        inputs = [flat_input(name, array) for name, array in zip(names, settings, strict=True)]
        numbers = [flat_input(name, array) for name, array in system_inputs(system).items()]
        inputs += [code.density, *numbers, code.kernels]
        pm.Potential("marginal", GaussianMarginal()(sd, unit, sigma, beta, *inputs)[0])
        _natural_parameters(graph, dimensions, parameters, sd, unit)
    return model


def system_inputs(system: GaussianSystem) -> dict[str, np.ndarray]:
    """The arrays of a system by the names of the inputs that hold them."""
    return {f"cross_products_{i}": array for i, array in enumerate(system.numbers())}


def _coefficients(graph: Graph, given: np.ndarray) -> TensorVariable:
    """Values of the coefficients (p,); zero where they are integrated out, or the log factors of their priors' sds."""
    places, mixed = np.flatnonzero(given), np.flatnonzero(graph.mixed_beta)
    chosen = [graph.priors.coefficients[j] for j in places]
    labels = [graph.fixed[j] for j in places]
    if len(places) == len(given) or not len(places) + len(mixed):
        return flat_vector("beta", chosen, "coef", labels, size=len(given))
    model = pm.modelcontext(None)
    beta = flat_input("beta_integrated", np.zeros(len(given)))
    if len(places):
        model.add_coord("coef_given", np.asarray(labels))
        values = vector_variable("beta_given", chosen, "coef_given", labels)
        beta = pt.set_subtensor(beta[flat_input("beta_places", places)], values)
    if len(mixed):
        labels = [graph.fixed[j] for j in mixed]
        model.add_coord("coef_mixed", np.asarray(labels))
        factors = log_factors("beta", [graph.priors.coefficients[j] for j in mixed], "coef_mixed", labels)
        beta = pt.set_subtensor(beta[flat_input("beta_mixed_places", mixed)], factors)
    return beta


def _natural_parameters(
    graph: Graph, dimensions: Dimensions, parameters: CovarianceParameters, sd: TensorVariable, unit: TensorVariable
) -> None:
    """`sd_Subject` and `corr_Subject` of each term, as in the joint model."""
    values = parameters.bounds[0] + parameters.bounds[1] * unit
    for k, role in enumerate(graph.random):
        sd_at, corr_at = parameters.layout[k, 2], parameters.layout[k, 4]
        own = sd[sd_at : sd_at + role.n_sds] if dimensions.sd(k) else sd[sd_at]
        pm.Deterministic(f"sd_{role.suffix}", own, dims=dimensions.sd(k))
        if role.n_correlations == 0:
            continue
        own = values[corr_at : corr_at + role.n_correlations]
        if role.covariance.correlations == "one":
            pm.Deterministic(f"corr_{role.suffix}", own[0])
        else:
            corr = correlations(role, correlation_root(role, own))
            pm.Deterministic(f"corr_{role.suffix}", corr, dims=dimensions.corr(k))
