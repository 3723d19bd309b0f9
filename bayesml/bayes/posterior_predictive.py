"""`posterior_predictive`: draws of new responses, or of any quantity, for the rows of a posterior or for new rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from rich.progress import Progress

from bayesml.bayes.predictive_store import refuse_existing, write_store, zarr
from bayesml.errors import SpecificationError, TooLarge
from bayesml.post.options import one_of, refuse_unknown
from bayesml.post.posterior_prediction import quantiles, spread
from bayesml.post.predict import ELSEWHERE
from bayesml.post.prediction_rows import PredictionRows, prediction_rows, refuse_new_levels
from bayesml.post.quantities import KINDS, Quantity, quantity
from bayesml.post.row_draws import Block, RowDraws, thinned
from bayesml.post.streams import stream
from bayesml.results.base import Result
from bayesml.results.bayesian import BayesianResult
from bayesml.results.inference_data import data_datasets
from bayesml.results.posterior_summary import interval_tails
from bayesml.results.predictive import PREDICTIVE_STREAM
from bayesml.sources.frame import read_frame

RESPONSE = "response"
LONG = 8
"""Number of blocks of rows from which on progress is shown."""


def posterior_predictive(
    result: Result,
    newdata: Any = None,
    kind: str = RESPONSE,
    ranef: str = "conditional",
    outcome: Any = None,
    times: Any = None,
    new_levels: str = "error",
    draws: int | None = None,
    ci_prob: float = 0.95,
    random_seed: int | None = None,
    path: str | PathLike[str] | None = None,
    overwrite: bool = False,
    as_array: bool = False,
    memory_limit: float = 1000.0,
    progressbar: bool = True,
    **unknown: Any,
) -> pd.DataFrame | xr.DataArray | xr.DataTree:
    """Posterior predictive distribution of each row: its summary, all its draws, or all draws in a file.

    At each posterior draw a new response ``y ~ p(y | x'beta + z'b, parameters of the family)`` of each row.

    Parameters
    ----------
    result : BayesianResult
    newdata : data frame or dict of arrays, optional
        Default: the rows of the fit. New responses of trials need their number of trials, in the columns of the
        formula or in a column `trials`.
    kind : {"response", "mean", "linear", "probability", "survivor", "hazard", "median"}
        ``"response"``: a new response, of trials the number of successes. The others are those of `predict`, without
        the variation of a response about its mean.
    ranef : {"conditional", "zero", "marginal"}
        ``"conditional"``: with the random effects of the rows' levels. ``"zero"``: effects 0. ``"marginal"``: of
        levels taken at random: responses have effects drawn anew, the same in all rows of a level (each row is a
        level of its own where `newdata` is without the grouping factors); other kinds are averaged over levels.
    outcome, times
        As in `predict`.
    new_levels : {"error", "zero", "draw"}
        What is done with levels that the data do not have: an error that names them, effect 0, or effects drawn from
        their distribution. A level that is drawn has the same effects in each call with the same seed.
    draws : int, optional
        So many draws of each chain, evenly spaced. Default: all.
    ci_prob : float, default 0.95
        Content of the equal-tailed interval.
    random_seed : int, optional
        Default: follows from the seed of the sampling.
    path : path-like, optional
        Write all draws to this Zarr store, by blocks of rows; nothing is held. It appears under its name only when
        it is complete. Needs the extra `zarr`.
    overwrite : bool, default False
        Whether a store that exists may be replaced; it is, when the new one is complete.
    as_array : bool, default False
        Return all draws as an array in memory.
    memory_limit : float, default 1000
        Megabytes above which the array is refused; the error says its size.
    progressbar : bool, default True
        Show progress of long work.

    Returns
    -------
    DataFrame
        `mean sd median lower upper` on the index of `newdata`, `lower upper` the equal-tailed interval. Of categories
        the share of each among new responses; of several values a row, each in a row of its own, their label the last
        level of the index. A row with a missing value has NaN.
    xarray.DataArray
        With `as_array`: dims chain, draw, obs, and `outcome` or `predictor` where there are several values; counts are
        integers, categories the integers of their codes, `attrs["categories"]` their labels.
    xarray.DataTree
        With `path`: the store, opened; values are read when they are asked for. Its group `posterior_predictive` is
        what ArviZ reads; for the rows of the fit `observed_data` is there too.

    Raises
    ------
    SpecificationError
        A likelihood fit; unknown options; weights, known sds or trials of new rows that are not given.
    DataError
        A level that the data do not have, with `new_levels="error"`.
    TooLarge
        An array above `memory_limit`.
    StorageError
        `path` exists.

    Notes
    -----
    Responses that were censored are drawn as they would be without censoring.

    The three forms have the same draws under the same seed. Rows are worked on in blocks of 32 MB; random effects that
    were integrated out and are too large for memory are drawn into a temporary file first.

    Examples
    --------
    >>> import bayesml as bml
    >>> data = bml.datasets.load("dyestuff")
    >>> post = bml.sample("Yield ~ 1 + (1 | Batch)", data, random_seed=1, progressbar=False)
    >>> bml.posterior_predictive(post).shape
    (30, 5)
    >>> bml.posterior_predictive(post, as_array=True).dims
    ('chain', 'draw', 'obs')
    """
    refuse_unknown("posterior_predictive", unknown, ELSEWHERE)
    one_of("kind", kind, [RESPONSE, *KINDS])
    one_of("ranef", ranef, ["conditional", "zero", "marginal"])
    one_of("new_levels", new_levels, ["error", "zero", "draw"])
    tails = interval_tails(ci_prob)
    if not isinstance(result, BayesianResult):
        raise SpecificationError(
            "`posterior_predictive` takes the result of `sample`; of a fit `bml.predict` has prediction intervals and "
            "`bml.plots.predictive_check` compares new responses with the data."
        )
    if draws is not None and draws < 1:
        raise SpecificationError(f"`draws={draws}`: give a number of draws of each chain, at least 1.")
    if path is not None:
        if as_array:
            raise SpecificationError("`path` and `as_array` exclude each other: the store that is returned has all.")
        refuse_existing(Path(path), overwrite)
        zarr()
    wanted = None if kind == RESPONSE else quantity(result, kind, outcome, times)
    if wanted is None and (outcome is not None or times is not None):
        raise SpecificationError('`outcome` and `times` belong to `kind="probability"`, "survivor" and "hazard".')
    everything = rows_of(result, newdata, ranef, new_levels)
    if wanted is not None and wanted.times is not None:
        everything = everything.at_times(wanted.times)
    if wanted is None:
        everything.refuse_unknown_rows()
    new = new_levels == "draw"
    seed = stream(result, random_seed, PREDICTIVE_STREAM)
    found = Predictive(thinned(result, draws), everything, wanted, ranef, new, seed, progressbar)
    if path is not None:
        return found.write(Path(path), {"observed_data": observed(result)} if newdata is None else {})
    if as_array:
        found.refuse_large(memory_limit)
        return found.array()
    return found.summary(tails)


def rows_of(result: BayesianResult, newdata: Any, ranef: str, new_levels: str) -> PredictionRows:
    """The rows to draw for, with the levels that they have."""
    groups = ranef == "conditional"
    if ranef == "marginal" and newdata is not None:
        names = {name for term in result.design.state.formula.random for name in term.names}
        groups = names <= set(read_frame(newdata).names)
    rows = prediction_rows(result, newdata, random=ranef != "zero", groups=groups)
    if ranef == "conditional" and new_levels == "error":
        refuse_new_levels(result.design, rows)
    return rows


def observed(result: BayesianResult) -> xr.Dataset:
    """The group `observed_data`."""
    return data_datasets(result.graph)["observed_data"].rename({result.design.response_name: variable(result)})


def variable(result: BayesianResult) -> str:
    """Name of the response as a variable; a slash would be a path."""
    return result.design.response_name.replace("/", "_")


@dataclass(frozen=True, eq=False)
class Predictive:
    """Draws of rows, and what can be made of them.

    Parameters
    ----------
    result : BayesianResult
    everything : PredictionRows
        Those with missing values too.
    wanted : Quantity or None
        None for new responses.
    ranef : str
    draw_new : bool
    seed : tuple of int
    progressbar : bool
    """

    result: BayesianResult
    everything: PredictionRows
    wanted: Quantity | None
    ranef: str
    draw_new: bool
    seed: tuple[int, ...]
    progressbar: bool

    @property
    def columns(self) -> tuple[str, ...]:
        """Labels of several values a row."""
        return () if self.wanted is None else self.wanted.columns

    @property
    def codes(self) -> bool:
        """Whether draws are codes of categories."""
        return self.wanted is None and bool(self.result.design.categories)

    @property
    def whole(self) -> bool:
        """Whether draws are whole numbers."""
        return self.wanted is None and self.result.model.family.whole

    def blocks(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Positions of rows, and their draws (draws, m) or (draws, m, C), one block after another."""
        places = np.flatnonzero(self.everything.complete)
        rows = self.everything if len(places) == len(self.everything.X) else self.everything.take(places)
        source = RowDraws(self.result, rows, self.ranef, self.draw_new, self.seed)
        count = source.n_blocks
        size = " × ".join(map(str, self.shape))
        with Progress(disable=not (self.progressbar and count >= LONG)) as progress:
            task = progress.add_task(f"{size} draws, {self.nbytes / 1e6:.0f} MB", total=count)
            for block in source.blocks():
                yield places[block.part], self.drawn(block)
                progress.advance(task)

    def drawn(self, block: Block) -> np.ndarray:
        """Draws of one block."""
        return block.response() if self.wanted is None else block.quantity(self.wanted)

    def summary(self, tails: list[float]) -> pd.DataFrame:
        """Mean, sd and quantiles a row, or shares of categories."""
        labels = self.result.design.categories if self.codes else ("mean", "sd", "median", "lower", "upper")
        several = self.columns or (None,)
        out = np.full((len(self.everything.X), len(several), len(labels)), np.nan)
        for places, own in self.blocks():
            if self.codes:
                shares = [(own == code).mean(axis=0) for code in range(len(labels))]
                out[places, 0] = np.stack(shares, axis=-1)
                continue
            values = own if self.columns else own[..., None]
            limits = quantiles(values, [0.5, *tails], self.whole)
            found = [values.mean(axis=0), spread(values), *limits]
            out[places] = np.stack(found, axis=-1)
        index = self.everything.index
        if self.columns:
            assert self.wanted is not None
            index = repeated(index, self.columns, self.wanted.outer)
        names = pd.Index(labels, name=self.result.design.response_name if self.codes else None)
        return pd.DataFrame(out.reshape(-1, len(labels)), index=index, columns=names)

    # -- all draws ---------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """Chains, draws, rows, and values a row where there are several."""
        several = (len(self.columns),) if self.columns else ()
        return (*self.result.posterior.shape, len(self.everything.X), *several)

    @property
    def dtype(self) -> np.dtype:
        """Whole numbers are stored as such where no row has missing values."""
        return np.dtype(np.int64 if self.whole and self.everything.complete.all() else np.float64)

    @property
    def nbytes(self) -> int:
        """Size of all draws."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize

    def refuse_large(self, limit: float) -> None:
        """Refuse an array that is larger than a number of megabytes."""
        if self.nbytes > limit * 1e6:
            chains, draws, rows = self.shape[:3]
            raise TooLarge(
                f"All draws take {self.nbytes / 1e6:.0f} MB ({chains} chains × {draws} draws × {rows} rows). "
                '`path="draws.zarr"` writes them to disk; without `as_array` there is a summary of each row; '
                f"`draws=` takes fewer; `memory_limit={np.ceil(self.nbytes / 1e6):.0f}` allows the array."
            )

    def template(self, values: np.ndarray) -> xr.DataArray:
        """Values under their labels."""
        chains, draws = self.shape[:2]
        coords: dict[str, Any] = {"chain": np.arange(chains), "draw": np.arange(draws), "obs": self.row_labels}
        dims = ["chain", "draw", "obs"]
        if self.columns:
            assert self.wanted is not None
            dims.append(self.wanted.outer)
            coords[self.wanted.outer] = np.array(self.columns)
        return xr.DataArray(values, coords, dims, name=variable(self.result), attrs=self.attributes)

    @property
    def row_labels(self) -> np.ndarray:
        """Labels of the rows: those of their index, or their positions where these are not unique or not simple."""
        index = self.everything.index
        if index.nlevels > 1 or not index.is_unique:
            return np.arange(len(index))
        values = index.to_numpy()
        return values if values.dtype.kind in "iuf" else np.array([str(label) for label in values])

    @property
    def attributes(self) -> dict[str, Any]:
        """What the draws are."""
        out: dict[str, Any] = {
            "formula": str(self.result.model.formula), "ranef": self.ranef, "seed": [str(part) for part in self.seed]
        }  # fmt: skip
        return out | ({"categories": list(self.result.design.categories)} if self.codes else {})

    def array(self) -> xr.DataArray:
        """All draws."""
        values = np.full(self.shape, np.nan) if self.dtype.kind == "f" else np.zeros(self.shape, self.dtype)
        chains, draws = self.shape[:2]
        for places, own in self.blocks():
            values[:, :, places] = own.reshape(chains, draws, *own.shape[1:])
        return self.template(values)

    def write(self, path: Path, groups: dict[str, xr.Dataset]) -> xr.DataTree:
        """All draws in a store."""
        chains, draws = self.shape[:2]
        # a view of one number: labels, sizes and type without the values
        template = self.template(np.broadcast_to(np.zeros((), self.dtype), self.shape))
        write_store(path, template, self.whole_blocks(chains, draws), groups)
        return xr.open_datatree(path, engine="zarr", chunks=None)

    def whole_blocks(self, chains: int, draws: int) -> Iterator[tuple[slice, np.ndarray]]:
        """Blocks of consecutive rows (chain, draw, m, ...), those with missing values as NaN."""
        start = 0
        for places, own in self.blocks():
            stop = int(places[-1]) + 1
            values = np.full((chains, draws, stop - start, *own.shape[2:]), np.nan)
            values[:, :, places - start] = own.reshape(chains, draws, *own.shape[1:])
            yield slice(start, stop), values.astype(self.dtype, copy=False)
            start = stop


def repeated(index: pd.Index, labels: Sequence[str], name: str) -> pd.MultiIndex:
    """An index with several labels for each of its own."""
    levels = [np.repeat(index.get_level_values(i), len(labels)) for i in range(index.nlevels)]
    return pd.MultiIndex.from_arrays([*levels, np.tile(np.array(labels), len(index))], names=[*index.names, name])
