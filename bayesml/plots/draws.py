"""Draws of chosen parameters, under their addresses, as arrays and as ArviZ reads them."""

import numpy as np
import xarray as xr

from bayesml.errors import SpecificationError
from bayesml.results.base import Result
from bayesml.results.bayesian import BayesianResult
from bayesml.results.selection import Wanted, select


def require_draws(result: Result, what: str) -> BayesianResult:
    """The result, which must be a posterior.

    Raises
    ------
    SpecificationError
        It is a likelihood fit, of which there are no draws.
    """
    if not isinstance(result, BayesianResult):
        raise SpecificationError(
            f"plots.{what}() draws a posterior; a fit by {result.kind} has none. Sample the model with `bml.sample`, "
            "or look at the fit with plots.forest(), plots.ranef(), plots.fit_by_group() or plots.residuals()."
        )
    return result


def selected_draws(result: BayesianResult, parameters: Wanted = None) -> dict[str, np.ndarray]:
    """Draws (chain, draw) of the parameters asked for, by address; see `results.selection.select`."""
    return {address.text: result.draws(address.text) for address in select(result, parameters)}


def address_tree(result: BayesianResult, parameters: Wanted = None) -> xr.DataTree:
    """The parameters asked for as an ArviZ DataTree, each a variable of its address; with the sample statistics."""
    chains, draws = result.posterior.shape
    coords = {"chain": np.arange(chains), "draw": np.arange(draws)}
    dims = ("chain", "draw")
    variables = {address: (dims, values) for address, values in selected_draws(result, parameters).items()}
    stats = {name: (dims, values) for name, values in result.posterior.stats.items()}
    return xr.DataTree.from_dict(
        {"posterior": xr.Dataset(variables, coords), "sample_stats": xr.Dataset(stats, coords)}
    )
