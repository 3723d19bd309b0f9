"""A joint graph as the `pm.Model` that is sampled: the same variables for every model, so that it is compiled once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pymc as pm
from pytensor.tensor import TensorVariable

from bayesml.design.arrays import Design
from bayesml.graphs.covariance_priors import covariance_potential
from bayesml.graphs.dimensions import Dimensions, text_coords
from bayesml.graphs.expressions import INPUT_NAMES, outcome_inputs
from bayesml.graphs.flat_variables import flat_correlations, flat_input, flat_vector
from bayesml.graphs.joint_kernel import joint_addresses
from bayesml.graphs.joint_predictors import JointPredictors
from bayesml.graphs.natural import CovarianceParameters
from bayesml.graphs.outcome_variable import observe_outcome
from bayesml.graphs.prior_variables import ancillary_variables
from bayesml.graphs.roles import Graph

CENTRED = 5
"""Column of `terms` that says whether a term is centred."""


@dataclass(frozen=True, eq=False)
class FlatArrays:
    """The arrays of a design as the kernels of `bayesml.graphs.joint_kernel` take them.

    Parameters
    ----------
    terms, columns, fixed, X, Z, codes, offset, sizes, scaled : ndarray
    """

    terms: np.ndarray
    columns: np.ndarray
    fixed: np.ndarray
    X: np.ndarray
    Z: np.ndarray
    codes: np.ndarray
    offset: np.ndarray
    sizes: np.ndarray
    scaled: np.ndarray

    @classmethod
    def of(cls, design: Design, centred: Sequence[bool]) -> "FlatArrays":
        """Those of a design; columns that are the same array are kept once."""
        X, places = different(design.fixed_columns, design.n)
        several = len(design.predictors) > 1
        own = design.fixed_predictors if several else (0,) * len(places)
        fixed = np.array(list(zip(places, own, strict=True)), np.int64).reshape(-1, 2)
        Z, z_places = different([z for term in design.random for z in term.columns], design.n)
        z_own = [k for term in design.random for k in (term.predictors if several else (0,) * len(term.names))]
        columns = np.array(list(zip(z_places, z_own, strict=True)), np.int64).reshape(-1, 2)
        rows, effect, lam, column = [], 0, 0, 0
        for term, is_centred in zip(design.random, centred, strict=True):
            q, J = len(term.names), len(term.levels)
            rows.append((q, J, effect, lam, column, is_centred))
            effect, lam, column = effect + q * J, lam + q * q, column + q
        return cls(
            terms=np.array(rows, np.int64).reshape(-1, 6),
            columns=columns,
            fixed=fixed,
            X=X,
            Z=Z,
            codes=np.array([term.codes for term in design.random], np.int32).reshape(-1, design.n),
            offset=np.empty(0) if design.offset is None else np.array(design.offset, float),
            sizes=np.array([len(design.predictors), design.n], np.int64),
            scaled=np.zeros(effect),
        )

    @property
    def n_effects(self) -> int:
        """Number of random effects."""
        return int(np.sum(self.terms[:, 0] * self.terms[:, 1]))


def different(columns: Sequence[np.ndarray | None], n: int) -> tuple[np.ndarray, list[int]]:
    """The different arrays among columns (r, n), and the place of each column among them; -1 is a column of ones."""
    found: dict[int, int] = {}
    kept: list[np.ndarray] = []
    places = []
    for column in columns:
        if column is None:
            places.append(-1)
            continue
        if id(column) not in found:
            found[id(column)] = len(kept)
            kept.append(column)
        places.append(found[id(column)])
    return np.array(kept, float).reshape(-1, n), places


def sampled_model(graph: Graph) -> pm.Model:
    """The joint density of outcome, random effects and parameters, for the sampler.

    The path from parameters to linear predictors is one Op. Its variables are the same for every model:

    - `sd` (sd_address), `partial_unit` (corr_address): standard deviations and partial correlations of all terms;
    - the family's parameters, under their names;
    - `beta` (coef);
    - `effects` (effect): random effects of all terms, standardised unless their term is centred; those of centred terms
      are divided by a power of their standard deviation, which is the input `scaled`, zero here.

    It has the density of `joint_model`, which is the one for people to read.

    Parameters
    ----------
    graph : Graph
    """
    parameters, priors, dimensions = CovarianceParameters(graph), graph.priors, Dimensions(graph)
    arrays = FlatArrays.of(graph.design, graph.centred)
    points = {name: labels for name, labels in dimensions.coords.items() if name.endswith("point") or name == "obs"}
    with pm.Model(coords=text_coords(points), check_bounds=False) as model:
        model.add_coord("effect", np.arange(arrays.n_effects))
        sds = [prior for term in priors.terms for prior in term.own_sds]
        partials = [prior for term in priors.terms for prior in term.partials]
        sd = flat_vector("sd", sds, "sd_address", [a for term in priors.terms for a in term.sd_addresses])
        labels = [a for term in priors.terms for a in term.corr_addresses]
        unit = flat_correlations(partials, parameters.bounds, labels)
        covariance_potential(graph, parameters, sd, unit)
        values = ancillary_variables(graph)
        beta = flat_vector("beta", priors.coefficients, "coef", graph.fixed)
        # their density is an output of the Op
        effects = pm.Flat("effects", dims="effect") if arrays.n_effects else flat_input("effects", np.empty(0))
        inputs = [
            *(
                flat_input(name, array)
                for name, array in zip(("corr_lower", "corr_width"), parameters.bounds, strict=True)
            ),
            flat_input("layout", parameters.layout),
            *(flat_input(name, array) for name, array in vars(arrays).items()),
            flat_input("kernel_addresses", joint_addresses()),
        ]
        eta, density = JointPredictors()(sd, unit, beta, effects, *inputs)
        pm.Potential("density_of_effects", density)
        observe_outcome(graph, [eta[k] for k in range(len(graph.predictors))], values, observed(graph))
    return model


def observed(graph: Graph) -> dict[str, TensorVariable]:
    """The arrays of the outcome as inputs."""
    return {name: pm.Data(name, array, dims="obs") for name, array in observed_arrays(graph).items()}


def observed_arrays(graph: Graph) -> dict[str, np.ndarray]:
    """The arrays of the outcome (n,) by the names of their inputs."""
    return {INPUT_NAMES.get(name, name): array for name, array in outcome_inputs(graph).items()}
