"""Draws of rows to predict for: a quantity of each, or a new response of each, by blocks of rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from bayesml.linalg.normal_average import average, covariance_roots, product_rule, sobol_rule
from bayesml.post.effect_draws import EffectDraws, FreshEffects, HeldEffects, Seed, StoredEffects
from bayesml.post.prediction_rows import PredictionRows
from bayesml.post.quantities import Quantity
from bayesml.post.row_predictors import between, fixed_predictors, random_masks
from bayesml.results.posterior import flat_draws, row_blocks, term_covariance, term_roots
from bayesml.results.predictive import response_generator
from bayesml.results.response_scale import family_parameters

COARSE = 0.9
"""Step of the rule that averages over random effects: the error of the draws is larger than that of coarse nodes."""
UNSEEN = 1
"""Stream of the effects of levels, beside that of new responses."""


@dataclass(frozen=True, eq=False)
class RowDraws:
    """Draws of each row, made block by block: the same numbers whoever asks for them.

    Parameters
    ----------
    result : BayesianResult
    rows : PredictionRows
        Without missing values.
    ranef : {"conditional", "zero", "marginal"}
    draw_new : bool
        Whether effects of levels that the data do not have are drawn; they are 0 otherwise.
    seed : tuple of int
    """

    result: Any
    rows: PredictionRows
    ranef: str
    draw_new: bool
    seed: Seed

    @property
    def n_draws(self) -> int:
        """Number of draws, those of all chains."""
        return int(self.result.posterior.sigma.size)

    @cached_property
    def beta(self) -> np.ndarray:
        """Draws of the coefficients, (draws, p)."""
        return flat_draws(self.result.posterior.beta)

    @cached_property
    def values(self) -> list[np.ndarray]:
        """Draws of each parameter of the family, (draws, 1)."""
        return [flat_draws(self.result.draws(name))[:, None] for name in self.result.ancillary]

    @cached_property
    def parts(self) -> list[tuple[Any, ...]]:
        """Columns, sds and correlations of each term."""
        post = self.result.posterior
        return list(zip(self.result.design.random, post.sds, post.corrs, strict=True))

    @cached_property
    def covariances(self) -> list[np.ndarray]:
        """G of each term at each draw, (draws, q, q)."""
        return [flat_draws(term_covariance(*own)) for own in self.parts]

    @cached_property
    def known(self) -> EffectDraws:
        """Effects of the levels of the data."""
        if self.result.effects_fit:
            return HeldEffects(self.result.effects)
        return StoredEffects(self.result.design, self.result.posterior)

    @cached_property
    def fresh(self) -> FreshEffects:
        """Effects of levels that the data do not have, by their labels."""
        return self.drawn_anew([term.unseen_labels for term in self.rows.terms])

    @cached_property
    def at_random(self) -> tuple[FreshEffects, list[np.ndarray]]:
        """Effects of levels taken at random, and which of them each row has: its level, or one of its own."""
        own_levels = np.arange(len(self.rows.X))
        labels: list[Sequence[str]] = []
        codes: list[np.ndarray] = []
        for k, term in enumerate(self.rows.terms):
            names = self.result.design.random[k].level_labels
            if (term.codes >= 0).any() or (term.unseen >= 0).any():
                labels.append((*names, *term.unseen_labels))
                codes.append(np.where(term.codes >= 0, term.codes, len(names) + term.unseen))
            else:
                labels.append([f"row {row}" for row in own_levels])
                codes.append(own_levels)
        return self.drawn_anew(labels), codes

    def drawn_anew(self, labels: list[Any]) -> FreshEffects:
        """Effects of levels that no data speak of."""
        return FreshEffects([flat_draws(term_roots(*own)) for own in self.parts], labels, (*self.seed, UNSEEN))

    def blocks(self) -> Iterator["Block"]:
        """One block of rows after another."""
        for part in row_blocks(len(self.rows.X), self.n_draws * len(self.result.design.predictors)):
            yield Block(self, part, self.rows.take(np.arange(len(self.rows.X))[part]))

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return sum(1 for _ in row_blocks(len(self.rows.X), self.n_draws * len(self.result.design.predictors)))


@dataclass(frozen=True, eq=False)
class Block:
    """Draws of some rows.

    Parameters
    ----------
    source : RowDraws
    part : slice
        Which rows.
    rows : PredictionRows
    """

    source: RowDraws
    part: slice
    rows: PredictionRows

    @cached_property
    def eta(self) -> np.ndarray:
        """Linear predictors (draws, m, K): with the effects of the rows' levels, or without any."""
        source, design = self.source, self.source.result.design
        eta = fixed_predictors(design, self.rows, source.beta)
        if source.ranef == "conditional":
            for k, term in enumerate(self.rows.terms):
                self.add(eta, k, source.known, term.codes)
                if source.draw_new:
                    self.add(eta, k, source.fresh, term.unseen)
        return eta

    @cached_property
    def eta_of_response(self) -> np.ndarray:
        """Linear predictors (draws, m, K) of new responses: those of a level taken at random have its effects."""
        if self.source.ranef != "marginal":
            return self.eta
        eta = self.eta.copy()
        effects, codes = self.source.at_random
        for k in range(len(self.rows.terms)):
            self.add(eta, k, effects, codes[k][self.part])
        return eta

    def add(self, eta: np.ndarray, k: int, effects: EffectDraws, codes: np.ndarray) -> None:
        """Add Z b of one term; nothing where the code is -1."""
        here = np.flatnonzero(codes >= 0)
        if not len(here):
            return
        levels, local = np.unique(codes[here], return_inverse=True)
        b, Z = effects.take(k, levels), self.rows.terms[k].Z[here]
        where = slice(None) if len(here) == len(codes) else here
        for i, mask in enumerate(random_masks(self.source.result.design)[k].T):
            own = b[:, local, i]
            own *= Z[:, i]
            for predictor in np.flatnonzero(mask):
                eta[:, where, predictor] += own

    def quantity(self, quantity: Quantity) -> np.ndarray:
        """A quantity at each draw, (draws, m), or (draws, m, C) of several values; averaged over levels if marginal."""
        if self.source.ranef == "marginal" and not quantity.linear:
            S = between(self.source.result.design, self.rows, self.source.covariances)
            return averaged(self.rows, quantity, self.eta, S, self.source.values)
        etas = list(np.moveaxis(self.eta, -1, 0))
        return np.asarray(quantity.function(etas, self.source.values, self.rows.scale_factor, self.rows.times))

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters of the family of new responses."""
        self.rows.refuse_unknown_rows()
        return self.of_family(self.eta_of_response)

    def of_family(self, eta: np.ndarray) -> dict[str, Any]:
        """Parameters of the family at linear predictors (draws, m, K)."""
        result, etas = self.source.result, list(np.moveaxis(eta, -1, 0))
        return family_parameters(
            result.model, result.design.categories, etas, self.source.values, self.rows.scale_factor, self.rows.trials
        )

    def response(self) -> np.ndarray:
        """A new response at each draw, (draws, m): of trials the successes, of categories their codes."""
        rng = response_generator(self.source.seed, self.part)
        drawn = self.source.result.model.family.simulate(rng, self.parameters)
        return np.broadcast_to(drawn, (self.source.n_draws, len(self.rows.X)))


def averaged(
    rows: PredictionRows, quantity: Quantity, eta: np.ndarray, S: np.ndarray, values: Sequence[np.ndarray]
) -> np.ndarray:
    """The quantity averaged over the random effects at each draw, (draws, m) or (draws, m, C).

    Parameters
    ----------
    eta : ndarray (draws, m, K)
    S : ndarray (draws, m, K, K)
        Covariance of what the random effects add.
    """
    draws, m, K = eta.shape
    roots = covariance_roots(S.reshape(-1, K, K))
    spreads = np.quantile(np.sqrt((roots**2).sum(axis=1)), 0.99, axis=0)
    rule = product_rule(spreads, COARSE) if roots.shape[2] <= 3 else None

    def function(etas: np.ndarray, places: np.ndarray) -> np.ndarray:
        # Every place is a draw of a row: its parameters and what is known of the row.
        own = [value[places // m] for value in values]
        scale, times = (None if known is None else known[places % m, None] for known in (rows.scale_factor, rows.times))
        return quantity.function(list(np.moveaxis(etas, -1, 0)), own, scale, times)

    out = average(function, eta.reshape(-1, K), roots, rule or sobol_rule(roots.shape[2]))
    return out.reshape(draws, m, *out.shape[1:])


def thinned(result: Any, draws: int | None) -> Any:
    """The result with so many draws of each chain, evenly spaced; itself where that is all."""
    count = result.posterior.shape[1]
    if draws is None or draws >= count:
        return result
    return at_places(result, np.round(np.linspace(0, count - 1, draws)).astype(int))


def at_places(result: Any, places: np.ndarray) -> Any:
    """The result with some of the draws of each chain."""
    whole = replace(result.posterior, effects=result.effects if result.effects_fit else None)
    return replace(result, posterior=whole.at(places))
