"""Polynomials and splines: several columns of one variable. Loaded only when a formula uses one.

`poly`, `bs` and `cr` are computed by formulaic, `ns` by SciPy. x is shifted by its mean for `poly`,
which makes it exact for dates and other numbers far from zero.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from formulaic.transforms.basis_spline import basis_spline
from formulaic.transforms.cubic_spline import natural_cubic_spline
from formulaic.transforms.poly import poly
from scipy.interpolate import BSpline

from bayesml.design.transforms import State, Transform, number_option
from bayesml.errors import DataError, SpecificationError


class Polynomial:
    """`poly(x, degree, raw=False)`: orthonormal polynomials on the rows of the fit, as R's."""

    def learn(self, x: np.ndarray, options: Mapping[str, Any]) -> State:
        degree = self._degree(options)
        if options.get("raw", False):
            return {}
        distinct = len(np.unique(x))
        if degree >= distinct:
            raise DataError(
                f"`poly` of degree {degree} needs more than {degree} distinct values; there are {distinct}."
            )
        shift = float(np.mean(x))
        learned: dict[str, Any] = {}
        poly(x - shift, degree, _state=learned)
        return {
            "shift": shift,
            "alpha": [float(learned["alpha"][i]) for i in range(degree)],
            "norms2": [float(learned["norms2"][i]) for i in range(degree + 1)],
        }

    def apply(self, x: np.ndarray, options: Mapping[str, Any], state: State) -> list[np.ndarray]:
        degree = self._degree(options)
        if options.get("raw", False):
            return [x ** float(power) for power in range(1, degree + 1)]
        learned = {"alpha": dict(enumerate(state["alpha"])), "norms2": dict(enumerate(state["norms2"]))}
        return list(np.ascontiguousarray(poly(x - state["shift"], degree, _state=learned).T))

    def _degree(self, options: Mapping[str, Any]) -> int:
        degree = number_option(options, "degree", 1, "poly", whole=True)
        if degree < 1:
            raise SpecificationError(f"`degree` of `poly` must be at least 1, not {degree}.")
        return degree


class BasisSpline:
    """`bs(x, df, knots, degree=3, include_intercept=False)`: B-splines, as R's `bs`; polynomials go on outside."""

    def learn(self, x: np.ndarray, options: Mapping[str, Any]) -> State:
        state: State = {}
        self._columns(x, options, state)
        return {
            "knots": [float(k) for k in state["knots"]],
            "lower": state["lower_bound"],
            "upper": state["upper_bound"],
        }

    def apply(self, x: np.ndarray, options: Mapping[str, Any], state: State) -> list[np.ndarray]:
        known = {"knots": state["knots"], "lower_bound": state["lower"], "upper_bound": state["upper"]}
        return self._columns(x, options, known)

    def _columns(self, x: np.ndarray, options: Mapping[str, Any], state: State) -> list[np.ndarray]:
        try:
            columns = basis_spline(
                x,
                df=number_option(options, "df", None, "bs", whole=True),
                knots=knots_option(options, "bs"),
                degree=number_option(options, "degree", 3, "bs", whole=True),
                include_intercept=bool(options.get("include_intercept", False)),
                lower_bound=number_option(options, "lower_bound", None, "bs"),
                upper_bound=number_option(options, "upper_bound", None, "bs"),
                extrapolation="extend",
                _state=state,
            )
        except ValueError as error:
            raise SpecificationError(f"`bs`: {error}") from error
        return [np.asarray(column, dtype=np.float64) for column in columns.__wrapped__.values()]


class CubicRegressionSpline:
    """`cr(x, df, knots, constraints="center")`: natural cubic regression splines as mgcv's, linear outside."""

    def learn(self, x: np.ndarray, options: Mapping[str, Any]) -> State:
        state: State = {}
        self._columns(x, options, state)
        constraints = state["constraints"]
        return {
            "knots": [float(k) for k in state["knots"]],
            "lower": float(state["lower_bound"]),
            "upper": float(state["upper_bound"]),
            "constraints": None if constraints is None else np.asarray(constraints).tolist(),
        }

    def apply(self, x: np.ndarray, options: Mapping[str, Any], state: State) -> list[np.ndarray]:
        constraints = state["constraints"]
        known = {
            "knots": state["knots"],
            "lower_bound": state["lower"],
            "upper_bound": state["upper"],
            "constraints": None if constraints is None else np.asarray(constraints),
            "cyclic": False,
        }
        return self._columns(x, options, known)

    def _columns(self, x: np.ndarray, options: Mapping[str, Any], state: State) -> list[np.ndarray]:
        try:
            columns = natural_cubic_spline(
                x,
                df=number_option(options, "df", None, "cr", whole=True),
                knots=knots_option(options, "cr"),
                lower_bound=number_option(options, "lower_bound", None, "cr"),
                upper_bound=number_option(options, "upper_bound", None, "cr"),
                constraints=options.get("constraints"),
                extrapolation="extend",
                _state=state,
            )
        except ValueError as error:
            raise SpecificationError(f"`cr`: {error}") from error
        return [np.asarray(column, dtype=np.float64) for column in columns.__wrapped__.values()]


class NaturalSpline:
    """`ns(x, df, knots)`: natural cubic splines without their constant, as R's `ns`; linear outside the boundary."""

    def learn(self, x: np.ndarray, options: Mapping[str, Any]) -> State:
        df = number_option(options, "df", None, "ns", whole=True)
        inner = knots_option(options, "ns")
        if (df is None) == (inner is None) and df is not None:
            raise SpecificationError("`ns` takes `df` or `knots`, not both.")
        if inner is None:
            inner = np.quantile(x, np.linspace(0, 1, max(df or 1, 1) + 1)[1:-1]).tolist()
        lower = number_option(options, "lower_bound", float(np.min(x)), "ns")
        upper = number_option(options, "upper_bound", float(np.max(x)), "ns")
        if not lower < upper or any(not lower < k < upper for k in inner):
            raise SpecificationError("`ns`: the knots must lie strictly between the smallest and the largest value.")
        return {"inner": [float(k) for k in inner], "lower": lower, "upper": upper}

    def apply(self, x: np.ndarray, options: Mapping[str, Any], state: State) -> list[np.ndarray]:
        lower, upper = state["lower"], state["upper"]
        knots = np.concatenate([[lower] * 4, np.sort(state["inner"]), [upper] * 4])
        spline = BSpline(knots, np.eye(len(knots) - 4), 3)
        curvature = spline.derivative(2)(np.array([lower, upper]))[:, 1:]
        inside = np.clip(x, lower, upper)
        basis = spline(inside) + (x - inside)[:, None] * spline.derivative(1)(inside)
        # natural: no curvature at the boundary; the complement of the two curvatures' row space
        q, _ = np.linalg.qr(curvature.T, mode="complete")
        return list(np.ascontiguousarray((basis[:, 1:] @ q[:, 2:]).T))


def knots_option(options: Mapping[str, Any], function: str) -> list[float] | None:
    """Knots given as one number or several."""
    given = options.get("knots")
    if given is None:
        return None
    values = list(given) if isinstance(given, tuple) else [given]
    if any(isinstance(v, bool) or not isinstance(v, int | float) for v in values):
        raise SpecificationError(f"`knots` of `{function}` are numbers: `knots=c(1, 2)`.")
    return sorted(float(v) for v in values)


BASES: dict[str, Transform] = {
    "poly": Polynomial(),
    "bs": BasisSpline(),
    "ns": NaturalSpline(),
    "cr": CubicRegressionSpline(),
}
