"""Laplace's approximation of a marginal likelihood whose rows enter through linear predictors.

Model, K predictors a row and any log density of a row given them::

    eta = X beta + sum_k Z_k b_k + offset,   b_k = Lambda_k u,   u ~ N(0, I)
    l = max over u of [sum_i l_i(eta_i) - |u|² / 2] - log|Lambda'Z'WZLambda + I| / 2,   W = -l''

Effects are held as c, with b = G c and u = Lambda'c: at the mode c = Z'l', whatever is singular in G. With ``h`` the
covariance of a row's predictors at the mode, ``a = l''' h / 2`` and ``zeta`` the predictors of the effects that solve
``(Z'WZ + G^-1) b = Z'a``, the gradient is

- in beta ``X'(l' + a - W zeta)``,
- in G, summed over levels, ``(c c' + c v' + v c' - M) / 2``, ``v = Z'(a - W zeta)`` and M the level's block of Z'PZ,
- in ancillary parameters ``sum_i dl_i + tr(h dl''_i) / 2 + zeta dl'_i``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np
from scipy.linalg import lapack

from bayesml.linalg.border import LOOPS_UP_TO, border_for, scale_border, symmetric_product
from bayesml.linalg.elimination import eliminate
from bayesml.linalg.layout import Layout, grouping_factors, lay_out, order_by, refuse_large_border
from bayesml.linalg.marginal import assemble
from bayesml.linalg.prediction import combination_variances, named_effects
from bayesml.linalg.predictors import PredictorColumns, predictor_columns
from bayesml.linalg.scaling import TermColumns
from bayesml.linalg.working import (
    accumulate_weighted,
    add_effects,
    border_places,
    factor_border,
    level_sums,
    row_variances,
    solve_chain,
    sweep_chain,
    sweep_covariances,
)

MODE_TOLERANCE = 1e-18
"""Decrement at the mode. Its root is the error of gradients, of which Hessians are differences over small steps."""
FAR = 1e3
"""Gain expected of a step, by row, above which a start is given up: c, kept by adding steps, would lose its digits."""
NEARLY = 1e-7  # decrement from which one further step suffices
LIMIT = 100  # evaluations of a search for the mode
HALVINGS = 30


class IndefiniteError(ArithmeticError):
    """The log density of the effects is not concave at the point where the search for its mode ended."""


@dataclass(eq=False)
class Factored:
    """``Lambda'Z'WZLambda + I`` factored.

    Parameters
    ----------
    lam : ndarray
        Square roots by factor.
    rows, K, S, H : ndarray
        What elimination left, and the factor of the border.
    logdet : float
        NaN where it is not positive definite.
    """

    lam: np.ndarray
    rows: np.ndarray
    K: np.ndarray
    S: np.ndarray
    H: np.ndarray
    logdet: float


class Place(NamedTuple):
    """Effects, or a change of them: c and b = G c by level of every factor, and the predictors eta (n, K)."""

    c: np.ndarray
    b: np.ndarray
    eta: np.ndarray

    def moved(self, step: "Place", t: float) -> "Place":
        """The place plus t times a step."""
        return Place(*(own + t * change for own, change in zip(self, step, strict=True)))


@dataclass(eq=False)
class Mode:
    """The mode of the effects at given parameters.

    Parameters
    ----------
    c : ndarray
        By level of every factor, b = G c.
    b : ndarray
        Effects on the accumulated columns.
    eta : ndarray (n, K)
    penalised : float
        Log density of the rows and of u, without the latter's constant.
    third : Third
        Derivatives of the rows.
    factored : Factored
    """

    c: np.ndarray
    b: np.ndarray
    eta: np.ndarray
    penalised: float
    third: Any
    factored: Factored

    @property
    def value(self) -> float:
        """Laplace's log likelihood."""
        return self.penalised - 0.5 * self.factored.logdet


@dataclass(frozen=True, eq=False)
class Gradient:
    """Derivatives of Laplace's log likelihood.

    Parameters
    ----------
    beta : ndarray (p,)
        On the accumulated columns.
    phi : ndarray (a,)
    slopes : tuple of ndarray (q, q)
        dl/dG of each term, on the accumulated columns.
    D : tuple of ndarray (q, q)
        Sums over levels of Z'PZ.
    """

    beta: np.ndarray
    phi: np.ndarray
    slopes: tuple[np.ndarray, ...]
    D: tuple[np.ndarray, ...]


@dataclass(frozen=True, eq=False)
class LaplaceSystem:
    """Rows of a model in the order of its finest groups, and the kernels over them.

    Parameters
    ----------
    layout : Layout
    columns : PredictorColumns
        Accumulated columns of X and Z, in the order of `order`.
    codes : ndarray of int64 (n, F)
    order : ndarray of int64 (n,)
        Positions in the design of the rows.
    derivatives : any
        Methods `value`, `second` and `third` of predictors (n, K) and unconstrained ancillary parameters (a,), of the
        rows in this order.
    frequencies : ndarray (n,) or None
    K : int
        Number of predictors.
    """

    layout: Layout
    columns: PredictorColumns
    codes: np.ndarray
    order: np.ndarray
    derivatives: Any
    frequencies: np.ndarray | None
    K: int

    @classmethod
    def of(cls, design: Any, make_derivatives: Any) -> Self:
        """System of a `bayesml.design.arrays.Design`; `make_derivatives(order)` gives the rows' derivatives."""
        terms = [TermColumns(term.columns, term.covariance.column_freedom) for term in design.random]
        factors = grouping_factors(
            [term.codes for term in design.random],
            [len(term.levels) for term in design.random],
            [len(term.columns) for term in terms],
        )
        layout = lay_out(factors, 0)
        refuse_large_border(layout)
        K = len(design.predictors)
        if layout.chain:
            order = order_by(layout.factors[0].codes, layout.factors[0].levels)[0]
        else:
            order = np.arange(design.n)
        codes = np.empty((design.n, len(layout.factors)), np.int64)
        for f, factor in enumerate(layout.factors):
            codes[:, f] = factor.codes[order]
        columns = predictor_columns(design, terms, [k for factor in layout.factors for k in factor.terms], order, K)
        frequencies = None if design.frequencies is None else design.frequencies[order]
        return cls(layout, columns, codes, order, make_derivatives(order), frequencies, K)

    @cached_property
    def start(self) -> np.ndarray:
        """First effect of each factor."""
        sizes = [factor.levels * factor.q for factor in self.layout.factors]
        return np.append(0, np.cumsum(sizes)).astype(np.int64)

    @property
    def n_effects(self) -> int:
        """Number of random effects."""
        return int(self.start[-1])

    @cached_property
    def places(self) -> np.ndarray:
        """Place of each row's border effects in the list of its finest node, (n, factors of the border)."""
        lay = self.layout
        out = np.empty((len(self.codes), len(lay.border_start) - 1), np.int64)
        if lay.chain:
            border_places(self.codes, lay.q, lay.chain_start, lay.ptr, lay.idx, lay.border_start, out)
        return out

    # -- pieces -----------------------------------------------------------------------------------

    def by_level(self, x: np.ndarray, matrices: np.ndarray, transposed: bool = False) -> np.ndarray:
        """Each factor's matrix (q, q) times the vector of every level."""
        out = np.empty_like(x)
        for f, q in enumerate(self.layout.q):
            part = slice(self.start[f], self.start[f + 1])
            M = matrices[self.layout.lam_start[f] : self.layout.lam_start[f + 1]].reshape(q, q)
            out[part] = x[part] * M[0, 0] if q == 1 else (x[part].reshape(-1, q) @ (M if transposed else M.T)).ravel()
        return out

    def covariances(self, lam: np.ndarray) -> np.ndarray:
        """G = Lambda Lambda' of every factor, flat as `lam`."""
        out = np.empty_like(lam)
        for f, q in enumerate(self.layout.q):
            part = slice(self.layout.lam_start[f], self.layout.lam_start[f + 1])
            M = lam[part].reshape(q, q)
            out[part] = (M @ M.T).ravel()
        return out

    def effect_predictors(self, b: np.ndarray) -> np.ndarray:
        """Z b (n, K)."""
        out = np.zeros((len(self.codes), self.K))
        add_effects(out, self.columns.Z, self.codes, self.columns.z_of, self.layout.q, self.start, b)
        return out

    def sums(self, r: np.ndarray) -> np.ndarray:
        """Z'r by level of every factor, r (n, K)."""
        out = np.zeros(self.n_effects)
        level_sums(r, self.columns.Z, self.codes, self.columns.z_of, self.layout.q, self.start, out)
        return out

    @cached_property
    def rows_counted(self) -> float:
        """Number of rows, each as often as it counts."""
        return float(len(self.codes) if self.frequencies is None else self.frequencies.sum())

    def counted(self, values: np.ndarray) -> float:
        """Sum over rows, each as often as it counts."""
        return float(values.sum() if self.frequencies is None else values @ self.frequencies)

    def weighted(self, values: np.ndarray) -> np.ndarray:
        """Values of rows (n, …) times their frequencies."""
        if self.frequencies is None:
            return values
        return values * self.frequencies.reshape(-1, *(values.ndim - 1) * (1,))

    def factor(self, lam: np.ndarray, d2: np.ndarray) -> Factored:
        """Accumulate and factor ``Lambda'Z'WZLambda + I``, W = -d2 (n, K, K)."""
        lay = self.layout
        m = lay.border
        rows, S = np.zeros(lay.off[-1]), np.zeros((lay.size, lay.size))
        K, H = np.empty(lay.k_start[-1]), np.zeros((m, m))
        if not self.n_effects:
            return Factored(lam, rows, K, S, H, 0.0)
        accumulate_weighted(
            self.columns.Z, self.codes, self.columns.z_of, d2, self.places, lay.q, lay.chain_start, lay.parent, lay.ptr,
            lay.up, lay.off, lay.border_start, rows, S,
        )  # fmt: skip
        logdet = eliminate(
            lam, lay.lam_start, lay.q, lay.chain_start, lay.parent, lay.ptr, lay.idx, lay.up, lay.off, rows, K,
            lay.k_start, S,
        )  # fmt: skip
        if m:
            scale_border(S[:m, :m].copy(), H, lam, lay.lam_start, lay.q, lay.chain, lay.border_start)
            if m <= LOOPS_UP_TO:
                logdet += factor_border(H)
            else:
                info = lapack.dpotrf(H.T, lower=0, overwrite_a=1, clean=0)[1]
                logdet += 2.0 * np.log(np.diag(H)).sum() if not info else np.nan
        return Factored(lam, rows, K, S, H, float(logdet))

    def solve(self, factored: Factored, rhs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """b and c with ``(Z'WZ + G^-1) b = rhs`` and b = G c, by level; rhs is changed."""
        lay = self.layout
        m, chain = lay.border, lay.chain
        b, c = np.empty_like(rhs), np.empty_like(rhs)
        border = rhs[self.start[chain] :].copy()
        arrays = (self.start, lay.q, lay.chain_start, lay.parent, lay.ptr, lay.idx, lay.off, factored.rows, factored.K)
        solve_chain(rhs, *arrays, lay.k_start, border)
        if m:
            lam = factored.lam
            inner = border_product(border, lam, lay, True)
            inner = lapack.dpotrs(factored.H.T, inner, lower=0)[0]
            effects = border_product(inner, lam, lay, False)
            padded = np.zeros(lay.size)
            padded[:m] = effects
            c[self.start[chain] :] = border - symmetric_product(factored.S, padded)[:m]
            b[self.start[chain] :] = effects
            border = effects
        sweep_chain(rhs, *arrays, lay.k_start, border, b, c)
        return b, c

    # -- mode and derivatives ---------------------------------------------------------------------

    def assembled(self, roots: Sequence[np.ndarray]) -> np.ndarray:
        """Square roots by factor, from those by term."""
        flat = np.concatenate([root.ravel() for root in roots]) if roots else np.empty(0)
        return assemble(flat, self.layout.term_table, self.layout.q, self.layout.lam_start)

    def fixed_predictors(self, beta: np.ndarray) -> np.ndarray:
        """X beta + offset (n, K), beta on the accumulated columns."""
        return self.columns.fixed(beta)

    def mode(
        self,
        lam: np.ndarray,
        beta: np.ndarray,
        phi: np.ndarray,
        c: np.ndarray | None = None,
        tolerance: float = MODE_TOLERANCE,
    ) -> Mode:
        """The mode of the effects, by Newton steps from a start c.

        Where rows are not concave, steps are taken as if they were flat; at the mode all must be concave together.

        Raises
        ------
        IndefiniteError
            The Hessian is not negative definite where the search ends, or nothing is finite at the start.
        """
        fixed = self.fixed_predictors(beta)
        nowhere = here = Place(np.zeros(self.n_effects), np.zeros(self.n_effects), fixed)
        if c is not None and c.any():
            b = self.by_level(c, self.covariances(lam))
            here = Place(c, b, fixed + self.effect_predictors(b))
        if not self.n_effects:
            third = self.derivatives.third(fixed, phi)
            return Mode(*here, self.counted(third.value), third, self.factor(lam, third.d2))
        before, step, t, value = here, None, 1.0, -np.inf
        nearly, last = False, np.inf
        for _ in range(LIMIT):
            rows = self.derivatives.third(here.eta, phi) if nearly else None
            density, d1, d2 = (rows.value, rows.d1, rows.d2) if rows else self.derivatives.second(here.eta, phi)
            penalised = self.counted(density) - 0.5 * float(here.b @ here.c)
            if not penalised >= value - 1e-9 * (1.0 + abs(value)):
                if step is None and here is not nowhere:
                    here = nowhere
                    continue
                if step is None:
                    raise IndefiniteError("the log density is not finite at the start of the search for its mode")
                t, nearly = 0.5 * t, False
                if t < 0.5**HALVINGS:
                    raise IndefiniteError("no step from the neighbourhood of the mode climbs")
                here = before.moved(step, t)
                continue
            d2 = self.weighted(d2)
            factored = self.factor(lam, d2)
            indefinite = not np.isfinite(factored.logdet)
            residual = self.sums(self.weighted(d1)) - here.c
            step_b, step_c = self.solve(self.factor(lam, clipped(d2)) if indefinite else factored, residual.copy())
            # g'H^-1 g, as the gradient in u is Lambda'(residual)
            decrement = float(residual @ step_b)
            if step is None and here is not nowhere and not decrement < FAR * (1.0 + len(self.codes)):
                here = nowhere
                continue
            # at the end, or where only rounding is left
            if decrement < tolerance * (1.0 + 1e-6 * abs(penalised)) or (nearly and decrement > 0.25 * last):
                if indefinite:
                    raise IndefiniteError("the log density of the random effects is not concave at its mode")
                # c is the scores themselves: where G is singular no step b tells it
                third = rows or self.derivatives.third(here.eta, phi)
                return Mode(here.c + residual, here.b, here.eta, penalised, third, factored)
            last = decrement
            before, step, t, value = here, Place(step_c, step_b, self.effect_predictors(step_b)), 1.0, penalised
            here = before.moved(step, t)
            nearly = decrement < NEARLY and not indefinite
        raise IndefiniteError("the mode of the random effects was not found")

    def gradient(self, mode: Mode) -> Gradient:
        """Exact derivatives of Laplace's log likelihood at a mode."""
        third, factored, lay = mode.third, mode.factored, self.layout
        d1 = self.weighted(third.d1)
        if not self.n_effects:
            return Gradient(self.columns.fixed_sums(d1), self.phi_gradient(third, None, None), (), ())
        D = np.zeros(lay.lam_start[-1])
        h = self.variances(factored, D)
        adjoint = self.weighted(
            0.5 * (h[:, :, :, None] * third.d3).sum((1, 2)) if self.K > 1 else 0.5 * h[:, 0] * third.d3[:, 0, 0]
        )
        zeta = self.effect_predictors(self.solve(factored, self.sums(adjoint))[0])
        moved = adjoint + times(self.weighted(third.d2), zeta)
        v = self.sums(moved)
        E = np.empty_like(D)
        for f, q in enumerate(lay.q):
            part = slice(self.start[f], self.start[f + 1])
            own_c, own_v = mode.c[part].reshape(-1, q), v[part].reshape(-1, q)
            cross = own_c.T @ own_v
            E[lay.lam_start[f] : lay.lam_start[f + 1]] = (own_c.T @ own_c + cross + cross.T).ravel()
        slopes = tuple(0.5 * (e - d) for e, d in zip(lay.by_term(E), lay.by_term(D), strict=True))
        return Gradient(self.columns.fixed_sums(d1 + moved), self.phi_gradient(third, h, zeta), slopes, lay.by_term(D))

    def phi_gradient(self, third: Any, h: np.ndarray | None, zeta: np.ndarray | None) -> np.ndarray:
        """Derivatives in the unconstrained ancillary parameters (a,)."""
        out = np.empty(len(third.phi))
        for a, own in enumerate(third.phi):
            rows = own
            if h is not None and zeta is not None:
                rows = own + 0.5 * (third.d2_phi[a] * h).sum((1, 2)) + (third.d1_phi[a] * zeta).sum(1)
            out[a] = self.counted(rows)
        return out

    def variances(self, factored: Factored, D: np.ndarray) -> np.ndarray:
        """Covariances (n, K, K) of the rows' predictors given the data; adds the sums of Z'PZ to D."""
        lay = self.layout
        cov, C = self.effect_covariance(factored, D)
        h = np.empty((len(self.codes), self.K, self.K))
        row_variances(
            self.columns.Z, self.codes, self.columns.z_of, self.K, self.places, lay.q, lay.chain_start, lay.parent,
            lay.ptr, lay.up, lay.off, lay.border_start, cov, C, h,
        )  # fmt: skip
        return h

    def effect_covariance(self, factored: Factored, D: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Covariances of the effects: of the chain in the places of `rows`, of the border (m, m)."""
        lay = self.layout
        m = lay.border
        C = np.zeros((m, m))
        if m:
            S = factored.S.copy()
            S[m, m] = 1.0  # the place of y
            H, solution = np.zeros((lay.size, lay.size)), np.empty(lay.size)
            border_for(m, lay.size)(
                S, factored.lam, lay.lam_start, lay.q, lay.chain, lay.border_start, m, H, C, solution, D,
                np.zeros_like(D),
            )  # fmt: skip
        cov = np.zeros_like(factored.rows)
        sweep_covariances(
            lay.lam_start, lay.q, lay.chain_start, lay.parent, lay.ptr, lay.idx, lay.up, lay.off, factored.rows,
            factored.K, lay.k_start, C, cov, D,
        )  # fmt: skip
        return cov, C

    def fixed_information(self, d2: np.ndarray) -> np.ndarray:
        """X'WX on the accumulated columns (p, p), W = -d2, without random effects."""
        d2 = self.weighted(d2)
        unit = np.eye(len(self.columns.coefficients))
        rows = [-self.columns.fixed_sums(times(d2, self.columns.predictors_of(e))) for e in unit]
        out = np.array(rows).reshape(unit.shape)
        return 0.5 * (out + out.T)

    def coefficient_information(self, d2: np.ndarray, factored: Factored) -> np.ndarray:
        """``X'V^-1 X`` of the linear model of the working responses, V = W^-1 + ZGZ', on the accumulated columns."""
        d2 = self.weighted(d2)
        p = len(self.columns.coefficients)
        out, sums = np.empty((p, p)), np.empty((p, self.n_effects))
        for j in range(p):
            wx = -times(d2, self.columns.predictors_of(np.eye(p)[j]))
            out[j], sums[j] = self.columns.fixed_sums(wx), self.sums(wx)
        for j in range(p if self.n_effects else 0):
            out[j] -= sums @ self.solve(factored, sums[j].copy())[0]
        return 0.5 * (out + out.T)

    def level_covariances(self, factored: Factored) -> tuple[np.ndarray, ...]:
        """Covariance of each level's effects at fixed parameters, on the accumulated columns, (levels, q, q) a term."""
        lay = self.layout
        cov, C = self.effect_covariance(factored, np.zeros(lay.lam_start[-1]))
        out: dict[int, np.ndarray] = {}
        for f, factor in enumerate(lay.factors):
            q = factor.q
            if f < lay.chain:
                nodes = np.arange(lay.chain_start[f], lay.chain_start[f + 1])
                width = (lay.off[nodes + 1] - lay.off[nodes]) // q
                place = lay.off[nodes][:, None, None] + width[:, None, None] * np.arange(q)[:, None] + np.arange(q)
                blocks = cov[place]
            else:
                place = lay.border_start[f - lay.chain] + np.arange(factor.levels * q).reshape(-1, q)
                blocks = C[place[:, :, None], place[:, None, :]]
            at = 0
            for k, width_k in zip(factor.terms, factor.widths, strict=True):
                out[k] = blocks[:, at : at + width_k, at : at + width_k]
                at += width_k
        return tuple(out[k] for k in range(len(out)))

    def combination_variances(self, factored: Factored, random: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
        """Variance (rows,) of ``sum_k z_k'b_k`` given data and parameters; (codes, Z) a term, on the user's columns."""
        lay, count = self.layout, len(random[0][0]) if random else 0
        if not random:
            return np.zeros(count)
        nodes, depth, values, columns, weights = named_effects(lay, self.columns.terms, random, count, 0)
        C = self.effect_covariance(factored, np.zeros(lay.lam_start[-1]))[1]
        variance = np.empty(count)
        combination_variances(
            nodes, depth, values, columns, weights, factored.lam, lay.lam_start, lay.q, lay.chain_start, lay.parent,
            lay.ptr, lay.idx, lay.off, lay.border_start, factored.rows, factored.K, lay.k_start, factored.H, C,
            lay.size <= LOOPS_UP_TO, variance,
        )  # fmt: skip
        return variance

    def by_term(self, b: np.ndarray) -> tuple[np.ndarray, ...]:
        """Effects by level of every factor as (levels, q) a term."""
        out: dict[int, np.ndarray] = {}
        for f, factor in enumerate(self.layout.factors):
            own = b[self.start[f] : self.start[f + 1]].reshape(-1, factor.q)
            at = 0
            for k, width in zip(factor.terms, factor.widths, strict=True):
                out[k] = own[:, at : at + width]
                at += width
        return tuple(out[k] for k in range(len(out)))


def border_product(x: np.ndarray, lam: np.ndarray, layout: Layout, transposed: bool) -> np.ndarray:
    """Lambda x, or Lambda'x, on the effects of the border."""
    out = np.empty_like(x)
    for f in range(len(layout.border_start) - 1):
        q = int(layout.q[layout.chain + f])
        at = layout.lam_start[layout.chain + f]
        L = lam[at : at + q * q].reshape(q, q)
        part = slice(layout.border_start[f], layout.border_start[f + 1])
        out[part] = x[part] * L[0, 0] if q == 1 else (x[part].reshape(-1, q) @ (L if transposed else L.T)).ravel()
    return out


def times(d2: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Matrices (n, K, K) times vectors (n, K)."""
    return d2[:, 0] * x if d2.shape[1] == 1 else np.einsum("nkl,nl->nk", d2, x)


def clipped(d2: np.ndarray) -> np.ndarray:
    """The nearest negative semidefinite second derivatives of every row."""
    if d2.shape[1] == 1:
        return np.minimum(d2, 0.0)
    values, vectors = np.linalg.eigh(d2)
    return np.einsum("nik,nk,njk->nij", vectors, np.minimum(values, 0.0), vectors)
