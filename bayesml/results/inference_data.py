"""Draws and data as the groups of an ArviZ DataTree."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from bayesml.design.arrays import Design
from bayesml.graphs.roles import term_suffixes
from bayesml.results.posterior import Posterior, column_pairs

OBSERVATION = "obs"
SAMPLE = ("chain", "draw")


def observation_labels(design: Design) -> np.ndarray:
    """Labels of the rows: the index of the data where it is unique and flat, else positions."""
    index = design.index
    if isinstance(index, pd.MultiIndex) or not index.is_unique:
        return np.asarray(design.rows)
    return index.to_numpy()


def posterior_dataset(design: Design, posterior: Posterior, effects: Sequence[np.ndarray] | None) -> xr.Dataset:
    """Variables `beta sd_g corr_g sigma b_g`; dims chain, draw, then named ones with the user's labels."""
    chains, draws = posterior.shape
    coords: dict[str, Sequence] = {
        "chain": np.arange(chains),
        "draw": np.arange(draws),
        "coef": list(design.coefficients),
    }
    variables = {"beta": ((*SAMPLE, "coef"), posterior.beta), "sigma": (SAMPLE, posterior.sigma)}
    for k, (term, name) in enumerate(
        zip(design.random, term_suffixes([term.group for term in design.random]), strict=True)
    ):
        columns, pair, level = f"{name}_term", f"{name}_pair", name
        coords[columns] = list(term.names)
        common_sd = posterior.sds[k].shape[-1] < len(term.names)
        sd = posterior.sds[k]
        variables[f"sd_{name}"] = (SAMPLE, sd[..., 0]) if common_sd else ((*SAMPLE, columns), sd)
        corr = posterior.corrs[k]
        if corr.shape[-1]:
            pairs = [f"{term.names[i]}, {term.names[j]}" for i, j in column_pairs(len(term.names))]
            one = corr.shape[-1] < len(pairs)
            if not one:
                coords[pair] = pairs
            variables[f"corr_{name}"] = (SAMPLE, corr[..., 0]) if one else ((*SAMPLE, pair), corr)
        if effects is not None:
            coords[level] = list(term.level_labels)
            variables[f"b_{name}"] = ((*SAMPLE, level, columns), effects[k])
    return xr.Dataset(variables, coords=coords)


def stats_dataset(posterior: Posterior) -> xr.Dataset:
    """Statistics of the sampler."""
    chains, draws = posterior.shape
    variables = {name: (SAMPLE, values) for name, values in posterior.stats.items()}
    return xr.Dataset(variables, coords={"chain": np.arange(chains), "draw": np.arange(draws)})


def data_datasets(design: Design) -> dict[str, xr.Dataset]:
    """Groups `observed_data` and `constant_data`."""
    rows = {OBSERVATION: observation_labels(design)}
    constant: dict[str, tuple] = {"X": ((OBSERVATION, "coef"), design.X)}
    coords: dict[str, Sequence] = {**rows, "coef": list(design.coefficients)}
    for term, name in zip(design.random, term_suffixes([term.group for term in design.random]), strict=True):
        constant[f"{name}_level"] = (OBSERVATION, np.asarray(term.level_labels)[term.codes])
        constant[f"Z_{name}"] = ((OBSERVATION, f"{name}_term"), term.Z)
        coords[f"{name}_term"] = list(term.names)
    for name in ("weights", "known_sd", "offset"):
        if (values := getattr(design, name)) is not None:
            constant[name] = (OBSERVATION, values)
    return {
        "observed_data": xr.Dataset({design.response_name: (OBSERVATION, design.y)}, coords=rows),
        "constant_data": xr.Dataset(constant, coords=coords),
    }


def row_dataset(design: Design, values: np.ndarray) -> xr.Dataset:
    """Values of each row at each draw, (chain, draw, n), under the name of the response."""
    chains, draws = values.shape[:2]
    coords = {"chain": np.arange(chains), "draw": np.arange(draws), OBSERVATION: observation_labels(design)}
    return xr.Dataset({design.response_name: ((*SAMPLE, OBSERVATION), values)}, coords=coords)


def to_datatree(
    design: Design, posterior: Posterior, effects: Sequence[np.ndarray] | None, formula: str = ""
) -> xr.DataTree:
    """The groups posterior, sample_stats, observed_data and constant_data."""
    groups = {
        "posterior": posterior_dataset(design, posterior, effects),
        "sample_stats": stats_dataset(posterior),
        **data_datasets(design),
    }
    groups["posterior"].attrs = {
        "formula": formula,
        "inference_library": "bayesml with nutpie",
        "parametrisation": posterior.parametrisation,
    }
    return xr.DataTree.from_dict(groups)
