"""The exact marginal likelihood of a linear multilevel model from its cross-products.

Model, rows scaled by the square root of their weight::

    y = X beta + sum_k Z_k b_k + e,   b_k = Lambda_k u,   u ~ N(0, I),   e ~ N(0, sigma² I)

`GaussianSystem` holds the cross-products; after it is built no row is read again. Its
kernels return value and exact derivatives in one sweep.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from scipy.linalg import solve_triangular

from bayesml.linalg.border import LOOPS_UP_TO, border_for, symmetric_product
from bayesml.linalg.crossproducts import accumulate
from bayesml.linalg.elimination import eliminate, sweep_back
from bayesml.linalg.information import residual_effects, working_products
from bayesml.linalg.layout import Layout, grouping_factors, lay_out, refuse_large_border
from bayesml.linalg.marginal import assemble, draw_effects, kernel_addresses
from bayesml.linalg.prediction import combination_variances, named_effects
from bayesml.linalg.rows import scaled_blocks, term_columns
from bayesml.linalg.scaling import Scaling, TermColumns, scaling


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What one evaluation at given square roots Lambda / sigma returns, on the accumulated columns.

    Parameters
    ----------
    logdet_u, logdet_x : float
        log |Lambda'Z'WZLambda + I| and log |X'V^-1 X| (relative).
    r2 : float
        Penalised residual sum of squares at the solution.
    D, E : tuple of ndarray (q, q)
        For each term the sums over levels of ``Z'PZ`` and ``a a'``, ``a = Z'V^-1(y - X beta)``: with them
        ``dl/dG = (E / sigma² - D) / 2`` on the relative scale.
    lam, rows, S, K, H, C : ndarray
        Square roots by factor; what elimination left; Cholesky factor and covariance of the border.
    solution, modes : ndarray
        Effects of the border with the coefficients, and effects of the chain.
    """

    logdet_u: float
    logdet_x: float
    r2: float
    D: tuple[np.ndarray, ...]
    E: tuple[np.ndarray, ...]
    lam: np.ndarray
    rows: np.ndarray
    S: np.ndarray
    K: np.ndarray
    H: np.ndarray
    C: np.ndarray
    solution: np.ndarray
    modes: np.ndarray


@dataclass(frozen=True, eq=False)
class GaussianSystem:
    """Cross-products of a linear multilevel model and the maps back to the user's columns.

    Parameters
    ----------
    layout : Layout
    scaling : Scaling
    rows, S : ndarray
        Block rows of the chain's nodes; lower triangle of the border.
    n : float
        Number of observations, those counted that frequencies stand for.
    half_log_weights : float
        ``sum log(w) / 2``.
    order : ndarray of int64 (p,)
        Position in the design of each coefficient of the system.
    """

    layout: Layout
    scaling: Scaling
    rows: np.ndarray
    S: np.ndarray
    n: float
    half_log_weights: float
    order: np.ndarray

    @classmethod
    def of(cls, design: Any, given: Sequence[bool] | np.ndarray | None = None) -> Self:
        """System of a `bayesml.design.arrays.Design`, or of anything with its arrays.

        `given` marks the coefficients that `marginal_density` will be given; the others can be integrated out.
        """
        mask = np.zeros(len(design.fixed_columns), bool) if given is None else np.asarray(given, bool)
        order = np.argsort(mask, kind="stable")
        return cls.build(
            design.y,
            [design.fixed_columns[j] for j in order],
            term_columns(design),
            [term.codes for term in design.random],
            [len(term.levels) for term in design.random],
            design.precision_weights,
            design.offset,
            order,
            frequencies=design.frequencies,
            # what is given must not be mixed into what is integrated out: no shift if that is the intercept
            shift=bool(mask.all()) or not any(c is None and g for c, g in zip(design.fixed_columns, mask, strict=True)),
        )

    @classmethod
    def build(
        cls,
        y: np.ndarray,
        x: Sequence[np.ndarray | None],
        z: Sequence[TermColumns],
        codes: Sequence[np.ndarray],
        levels: Sequence[int],
        weights: np.ndarray | None = None,
        offset: np.ndarray | None = None,
        order: np.ndarray | None = None,
        shift: bool = True,
        frequencies: np.ndarray | None = None,
    ) -> Self:
        """Accumulate the cross-products: two passes over the rows, in batches.

        A row of frequency f counts as f equal rows: in the cross-products with its weight times f, and f times in the
        number of rows and in the sum of log weights.

        Raises
        ------
        TooLarge
            The dense border of crossed factors does not fit in memory.
        """
        layout = lay_out(grouping_factors(list(codes), list(levels), [len(t.columns) for t in z]), len(x))
        refuse_large_border(layout)
        log_weights = None if weights is None else np.log(weights)
        if frequencies is not None:
            weights = frequencies if weights is None else weights * frequencies
            log_weights = None if log_weights is None else frequencies * log_weights
        maps = scaling(y, x, z, weights, offset, shift)
        n, p = len(y), len(x)
        rows, S = np.zeros(layout.off[-1]), np.zeros((layout.size, layout.size))
        for part, block, levels_of in scaled_blocks(layout, maps, x, z, n):
            response = block[:, -1]
            np.subtract(y[part], maps.y_shift, out=response)
            if offset is not None:
                response -= offset[part]
            response -= block[:, -1 - p : -1] @ maps.gamma
            response /= maps.y_scale
            if weights is not None:
                block *= np.sqrt(weights[part])[:, None]
            accumulate(
                block, levels_of, layout.q, layout.chain_start, layout.parent, layout.ptr,
                layout.idx, layout.up, layout.off, layout.border_start, p, rows, S,
            )  # fmt: skip
        half_log_weights = 0.0 if log_weights is None else 0.5 * float(log_weights.sum())
        count = n if frequencies is None else float(frequencies.sum())
        return cls(layout, maps, rows, S, count, half_log_weights, np.arange(p) if order is None else order)

    @property
    def term_table(self) -> np.ndarray:
        """Places of the terms, as the layout has them."""
        return self.layout.term_table

    @property
    def coefficients(self) -> int:
        """Number of columns of X, p."""
        return self.layout.coefficients

    def evaluate(self, lams: Sequence[np.ndarray], integrated: bool) -> Evaluation:
        """Determinants, residual sum of squares and derivatives at relative square roots `lams`.

        Parameters
        ----------
        lams : sequence of ndarray (q, q)
            Lambda_k / sigma of each term on the accumulated columns.
        integrated : bool
            Whether the coefficients are integrated out (REML) in D; profiled otherwise.
        """
        lay = self.layout
        lam = assemble(
            np.concatenate([m.ravel() for m in lams]) if lams else np.empty(0), self.term_table, lay.q, lay.lam_start
        )
        limit = lay.border + (lay.coefficients if integrated else 0)
        rows, S = self.rows.copy(), self.S.copy()
        K, H, C = np.empty(lay.k_start[-1]), np.empty_like(S), np.empty((limit, limit))
        solution, modes = np.empty(lay.size), np.empty(self.chain_effects)
        D, E = np.zeros(lay.lam_start[-1]), np.zeros(lay.lam_start[-1])
        logdet = eliminate(
            lam,
            lay.lam_start,
            lay.q,
            lay.chain_start,
            lay.parent,
            lay.ptr,
            lay.idx,
            lay.up,
            lay.off,
            rows,
            K,
            lay.k_start,
            S,
        )
        border = border_for(lay.border, lay.size)
        logdet_u, logdet_x, r2 = border(
            S, lam, lay.lam_start, lay.q, lay.chain, lay.border_start, limit, H, C, solution, D, E
        )
        sweep_back(
            lay.lam_start, lay.q, lay.chain_start, lay.parent, lay.ptr, lay.idx, lay.up, lay.off, rows, K, lay.k_start,
            C, limit, solution, D, E, modes, np.empty(0),
        )  # fmt: skip
        return Evaluation(
            logdet + logdet_u,
            logdet_x,
            r2,
            self.layout.by_term(D),
            self.layout.by_term(E),
            lam,
            rows,
            S,
            K,
            H,
            C,
            solution,
            modes,
        )

    def coefficients_from(self, evaluation: Evaluation) -> np.ndarray:
        """Coefficients of the user's columns (p,)."""
        out = np.empty(self.coefficients)
        out[self.order] = (
            self.scaling.coefficients @ evaluation.solution[self.layout.border : -1] + self.scaling.constant
        )
        return out

    def coefficient_covariance(self, evaluation: Evaluation) -> np.ndarray:
        """(X'V^-1 X)^-1 of the user's columns, for unit sigma (p, p)."""
        m = self.layout.border
        half = solve_triangular(
            evaluation.H[m:-1, m:-1],
            (self.scaling.coefficients / self.scaling.y_scale).T,
            lower=True,
            check_finite=False,
        )
        out = np.empty((self.coefficients, self.coefficients))
        out[np.ix_(self.order, self.order)] = half.T @ half
        return out

    def effect_covariances(self, evaluation: Evaluation, integrated: bool) -> tuple[np.ndarray, ...]:
        """Covariance of each level's effects given y, for unit sigma, (levels, q, q) a term.

        `integrated` says whether the evaluation integrated the coefficients: their uncertainty is then included.
        """
        lay = self.layout
        limit = lay.border + (lay.coefficients if integrated else 0)
        own = np.empty(2 * lay.k_start[-1])
        sweep_back(
            lay.lam_start, lay.q, lay.chain_start, lay.parent, lay.ptr, lay.idx, lay.up, lay.off, evaluation.rows,
            evaluation.K, lay.k_start, evaluation.C, limit, evaluation.solution, np.zeros(lay.lam_start[-1]),
            np.zeros(lay.lam_start[-1]), np.empty(self.chain_effects), own,
        )  # fmt: skip
        out = {}
        for f, factor in enumerate(lay.factors):
            if f < lay.chain:
                start = lay.k_start[lay.chain_start[f]]
                blocks = own[start : start + factor.levels * factor.q**2].reshape(-1, factor.q, factor.q)
            else:
                first = lay.border_start[f - lay.chain]
                place = first + np.arange(factor.levels * factor.q).reshape(-1, factor.q)
                blocks = evaluation.C[place[:, :, None], place[:, None, :]]
            at = 0
            for k, width in zip(factor.terms, factor.widths, strict=True):
                T = self.scaling.terms[k]
                out[k] = T @ blocks[:, at : at + width, at : at + width] @ T.T
                at += width
        return tuple(out[k] for k in range(len(out)))

    def combination_variances(
        self, evaluation: Evaluation, X: np.ndarray, random: Sequence[tuple[np.ndarray, np.ndarray]]
    ) -> np.ndarray:
        """Variance of ``x'beta + sum_k z_k'b_k``, estimated jointly, for unit sigma, (rows,).

        Parameters
        ----------
        evaluation : Evaluation
            With the coefficients integrated.
        X : ndarray (rows, p)
        random : sequence of (codes (rows,), Z (rows, q))
            One a random term; -1 leaves the effect out.
        """
        lay, count = self.layout, len(X)
        m, p = lay.border, self.coefficients
        nodes, depth, values, columns, weights = named_effects(lay, self.scaling.terms, random, count, p)
        columns[:, columns.shape[1] - p :] = m + np.arange(p)
        weights[:, columns.shape[1] - p :] = X[:, self.order] @ (self.scaling.coefficients / self.scaling.y_scale)
        variance = np.empty(count)
        combination_variances(
            nodes, depth, values, columns, weights, evaluation.lam, lay.lam_start, lay.q,
            lay.chain_start, lay.parent, lay.ptr, lay.idx, lay.off, lay.border_start, evaluation.rows, evaluation.K,
            lay.k_start, evaluation.H, evaluation.C,
            lay.size <= LOOPS_UP_TO, variance,
        )  # fmt: skip
        return variance

    def working_products(
        self, evaluation: Evaluation, changes: Sequence[Sequence[np.ndarray]]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Average-information products of changes dG of the terms' covariances.

        Parameters
        ----------
        changes : sequence, one a term, of sequences of ndarray (q, q)
            Symmetric directions dG_i, relative, on the accumulated columns.

        Returns
        -------
        products : ndarray (k, k)
            ``f_i'P f_j`` with ``f_i = Z dG_i a``, a = Z'V^-1(y - X beta).
        slopes : ndarray (k,)
            ``a'dG_i a``, minus the derivative of r².
        """
        lay, m = self.layout, self.layout.border
        a = np.empty(self.chain_effects)
        residual_effects(
            lay.lam_start, lay.q, lay.chain_start, lay.parent, lay.ptr, lay.idx, lay.up, lay.off, evaluation.rows,
            evaluation.solution, evaluation.modes, a,
        )  # fmt: skip
        border = -symmetric_product(evaluation.S, evaluation.solution)[:m]
        count = sum(map(len, changes))
        w, v = np.zeros((len(a), count)), np.zeros((m, count))
        column, at, slopes = 0, np.append(0, np.cumsum([f.levels * f.q for f in lay.factors])), np.empty(count)
        for (f, first, width, _), directions in zip(self.term_table, changes, strict=True):
            inside = f < lay.chain
            start = at[f] - (0 if inside else at[lay.chain])
            stop = start + lay.factors[f].levels * lay.factors[f].q
            source = (a if inside else border)[start:stop].reshape(-1, lay.factors[f].q)[:, first : first + width]
            for direction in directions:
                moved = source @ direction
                target = (w if inside else v)[start:stop, column].reshape(-1, lay.factors[f].q)
                target[:, first : first + width] = moved
                slopes[column] = np.sum(source * moved)
                (w if inside else v)[start:stop, column] = target.ravel()
                column += 1
        return working_products(lay, self.rows, self.S, evaluation, w, v), slopes

    @cached_property
    def chain_effects(self) -> int:
        """Number of random effects that are eliminated in blocks."""
        lay = self.layout
        return int((np.diff(lay.chain_start) * lay.q[: lay.chain]).sum())

    def arrays(self) -> tuple[np.ndarray, ...]:
        """What `marginal_density` and `draw_effects` take after their parameters, always of the same types."""
        return (*self.numbers(), kernel_addresses(self.layout.border))

    def numbers(self) -> tuple[np.ndarray, ...]:
        """`arrays()` without the last, the addresses: nothing is compiled."""
        lay, maps = self.layout, self.scaling
        inverse = [np.linalg.inv(T).ravel() for T in maps.terms]
        return (
            self.order.astype(np.int64), self.term_table, lay.q, lay.lam_start, lay.chain_start, lay.parent, lay.ptr,
            lay.idx, lay.up, lay.off, lay.k_start, lay.border_start, self.rows, self.S,
            np.concatenate(inverse) if inverse else np.empty(0), maps.coefficients,
            np.linalg.inv(maps.coefficients), maps.constant, np.array([self.n, maps.y_scale, self.half_log_weights]),
        )  # fmt: skip

    def effects_by_term(self, chain: np.ndarray, border: np.ndarray) -> tuple[np.ndarray, ...]:
        """Effects on the user's columns, (..., levels, q) a term, from those of the chain and of the border."""
        lay, at, out = self.layout, 0, {}
        for f, factor in enumerate(lay.factors):
            count = factor.levels * factor.q
            if f < lay.chain:
                values, at = chain[..., at : at + count], at + count
            else:
                start = lay.border_start[f - lay.chain]
                values = border[..., start : start + count]
            values = values.reshape(*values.shape[:-1], factor.levels, factor.q)
            first = 0
            for k, width in zip(factor.terms, factor.widths, strict=True):
                out[k] = values[..., first : first + width] @ self.scaling.terms[k].T * self.scaling.y_scale
                first += width
        return tuple(out[k] for k in range(len(out)))

    def draw(
        self,
        lams: np.ndarray,
        sigmas: np.ndarray,
        betas: np.ndarray,
        given: np.ndarray,
        prior_mean: np.ndarray,
        prior_precision: np.ndarray,
        rng: np.random.Generator | None,
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        """Exact draws of coefficients and random effects given the other parameters.

        Parameters
        ----------
        lams, sigmas, betas : ndarray (draws, ...)
            As for `marginal_density`, a row a draw.
        rng : Generator or None
            None returns the conditional means.

        Returns
        -------
        beta : ndarray (draws, p)
        effects : tuple of ndarray (draws, levels, q)
            One a random term.
        """
        # Arrays that may only be read would be another signature to compile.
        lams, sigmas, betas = (np.require(array, np.float64, ["C", "W"]) for array in (lams, sigmas, betas))
        draws, size = len(sigmas), self.chain_effects + self.layout.border + self.coefficients
        normal = np.zeros((draws, size)) if rng is None else rng.standard_normal((draws, size))
        chain, border = np.empty((draws, self.chain_effects)), np.empty((draws, self.layout.border))
        beta = np.empty((draws, self.coefficients))
        draw_effects(
            lams, sigmas, betas, given, prior_mean, prior_precision, normal, chain, border, beta, *self.arrays()
        )
        return beta, self.effects_by_term(chain, border)
