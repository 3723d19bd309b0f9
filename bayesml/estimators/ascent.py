"""Newton ascent over square roots of covariances, with the boundary treated as part of the problem.

The unknowns are theta, with ``Lambda_k = sum_i theta_i B_i`` for each random term, and further smooth
parameters. In theta the likelihood is smooth across the boundary of the covariances, and even in what vanishes
there; so steps go straight onto it. Two things theta cannot tell are asked of G = Lambda Lambda':
whether the face reached is better than its neighbourhood (then the point is put on it exactly), and whether
a positive slope ``N'(dl/dG)N`` leads off it again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from bayesml.covariance import Covariance

# value, dl/dG of each term, gradient in the further parameters
Objective = Callable[[Sequence[np.ndarray], np.ndarray], tuple[float, Sequence[np.ndarray], np.ndarray]]

GAIN_TO_STOP = 1e-9  # of log likelihood; one more Newton step is taken from there
FACE_TOLERANCE = 1e-9  # of log likelihood that may be given up for an exact zero
STEP = 1e-5  # of central differences of the gradient


@dataclass(eq=False)
class Point:
    """Where the ascent stands.

    Parameters
    ----------
    charts : list of (basis, theta)
        One a random term: square roots ``sum_i theta_i basis_i``.
    extra : ndarray
        Further parameters.
    value : float
    slopes : sequence of ndarray (q, q)
        dl/dG of each term.
    gradient : ndarray
        In all theta, then in `extra`.
    """

    charts: list[tuple[np.ndarray, np.ndarray]]
    extra: np.ndarray
    value: float = -np.inf
    slopes: Sequence[np.ndarray] = ()
    gradient: np.ndarray = field(default_factory=lambda: np.empty(0))

    @property
    def roots(self) -> list[np.ndarray]:
        """Lambda of each term."""
        return [np.tensordot(theta, basis, 1) for basis, theta in self.charts]

    @property
    def vector(self) -> np.ndarray:
        """All unknowns."""
        return np.concatenate([*(theta for _, theta in self.charts), self.extra])

    def at(self, vector: np.ndarray) -> "Point":
        """The same charts at other values."""
        charts, start = [], 0
        for basis, theta in self.charts:
            charts.append((basis, vector[start : start + len(theta)]))
            start += len(theta)
        return Point(charts, vector[start:])


@dataclass(frozen=True, eq=False)
class Optimum:
    """Result of an ascent.

    Parameters
    ----------
    point : Point
    hessian : ndarray
        Of the log likelihood in the unknowns of `point` (those of the face it ends on).
    gain_left : float
        Log likelihood still to gain on that face, ``g'(-H)^-1 g / 2``; infinite where H is not negative definite.
    exit_slopes : ndarray
        Slopes ``N'(dl/dG)N`` off the boundary, at most 0 at an optimum; relative to the size of dl/dG.
    iterations, evaluations : int
    converged : bool
    message : str
    """

    point: Point
    hessian: np.ndarray
    gain_left: float
    exit_slopes: np.ndarray
    iterations: int
    evaluations: int
    converged: bool
    message: str


class Ascent:
    """One maximisation; `run` returns an `Optimum`.

    Parameters
    ----------
    objective : callable
        Of the square roots and the further parameters.
    covariances : sequence of Covariance
        Structures of the terms.
    expensive : bool
        Whether to update the Hessian by secants between iterations rather than by differences.
    report : callable, optional
        Called with (iteration, value, gain) after each step.
    """

    def __init__(
        self,
        objective: Objective,
        covariances: Sequence[Covariance],
        expensive: bool = False,
        report: Callable[[int, float, float], None] | None = None,
        limit: int = 200,
    ):
        self.objective, self.covariances = objective, list(covariances)
        self.expensive, self.report, self.limit = expensive, report, limit
        self.evaluations = self.iterations = 0

    def evaluate(self, point: Point) -> Point:
        """Fill in value and derivatives."""
        roots = point.roots
        value, slopes, extra = self.objective(roots, point.extra)
        self.evaluations += 1
        if not np.isfinite(value):
            point.value = -np.inf
            return point
        parts = [
            2.0 * np.tensordot(basis, slope @ root, 2)
            for (basis, _), slope, root in zip(point.charts, slopes, roots, strict=True)
        ]
        point.value, point.slopes, point.gradient = value, slopes, np.concatenate([*parts, extra])
        return point

    def differences(self, point: Point, central: bool) -> np.ndarray:
        """Hessian from differences of the exact gradient."""
        x = point.vector
        H = np.empty((len(x), len(x)))
        for i in range(len(x)):
            step = np.zeros(len(x))
            step[i] = STEP * max(1.0, abs(x[i])) if i < len(x) - len(point.extra) else STEP
            ahead = self.evaluate(point.at(x + step)).gradient
            behind = self.evaluate(point.at(x - step)).gradient if central else point.gradient
            H[i] = (ahead - behind) / ((2.0 if central else 1.0) * step[i])
        return 0.5 * (H + H.T)

    def run(self, charts: list[tuple[np.ndarray, np.ndarray]], extra: np.ndarray) -> Optimum:
        """Climb from a start until the point is optimal on its face and no way leads off it."""
        point = self.evaluate(Point(list(charts), extra))
        if not np.isfinite(point.value):
            raise FloatingPointError("the log likelihood is not finite at the starting values")
        for _ in range(40):
            point, H = self.climb(point)
            point, fell = self.fall(point)
            if fell:
                continue
            left = self.leave(point)
            if left is None:
                break
            point = left
        # `climb` returns its last Hessian; the one that is reported belongs to the point itself
        H = self.differences(point, central=True) if len(point.vector) and not self.expensive else H
        gain = gain_from(point.gradient, H)
        slopes = np.array([s / scale for s, _, scale, _ in self.exits(point)])
        converged = gain < 1e-6 and not (slopes > 1e-4).any() and self.iterations < self.limit
        message = "optimum" if converged else f"stopped after {self.iterations} iterations"
        return Optimum(point, H, gain, slopes, self.iterations, self.evaluations, converged, message)

    def climb(self, point: Point) -> tuple[Point, np.ndarray]:
        """Newton steps on one face."""
        H = np.empty((0, 0))
        secant = False
        while self.iterations < self.limit and len(point.vector):
            if not secant:
                H = self.differences(point, central=False)
            step, gain = newton_step(point.gradient, H)
            longest = np.abs(step / np.maximum(1.0, np.abs(point.vector))).max()
            last = gain < GAIN_TO_STOP
            new = self.search(point, step * min(1.0, 2.0 / longest), last)
            self.iterations += 1
            if new is None:
                if not secant:
                    break
                secant = False  # the updated Hessian misled: take differences again
                continue
            if self.report is not None:
                self.report(self.iterations, new.value, gain)
            if self.expensive:
                base = H if secant else negative_definite(H)
                H, secant = secant_update(base, new.vector - point.vector, new.gradient - point.gradient), True
            point = new
            if last:
                break
            if self.near_face(point):
                point, fell = self.fall(point)
                secant = secant and not fell
        return point, H

    def search(self, point: Point, step: np.ndarray, last: bool) -> Point | None:
        """The first of step, step/3, step/9 … that climbs; at the end of a climb the step itself unless it falls."""
        x = point.vector
        slope = float(point.gradient @ step)
        for shrink in range(25):
            t = 3.0**-shrink
            new = self.evaluate(point.at(x + t * step))
            enough = point.value + 1e-4 * t * slope if not last else point.value - 1e-9 * (1.0 + abs(point.value))
            if new.value >= enough:
                return new
            if last:
                return None
        return None

    def near_face(self, point: Point) -> bool:
        """Whether any part of a square root is small enough to try without it."""
        return any(len(theta) and np.abs(theta).min() < 0.03 for _, theta in point.charts)

    def fall(self, point: Point) -> tuple[Point, bool]:
        """Put the point on a neighbouring face where that costs nothing."""
        fell, again = False, True
        while again:
            again = False
            for k, structure in enumerate(self.covariances):
                basis, theta = point.charts[k]
                if not len(theta):
                    continue
                root = np.tensordot(theta, basis, 1)
                for face in structure.faces(root @ root.T):
                    charts = list(point.charts)
                    charts[k] = structure.chart(face)
                    new = self.evaluate(Point(charts, point.extra))
                    if new.value >= point.value - FACE_TOLERANCE:
                        point, fell, again = new, True, True
                        break
        return point, fell

    def exits(self, point: Point) -> list[tuple[float, np.ndarray, float, int]]:
        """Slopes off the boundary: slope, direction, size of dl/dG, term."""
        out = []
        for k, (structure, root, slope) in enumerate(zip(self.covariances, point.roots, point.slopes, strict=True)):
            scale = max(float(np.abs(slope).max()), 1e-300)
            out += [(s, direction, scale, k) for s, direction in structure.exits(root @ root.T, slope)]
        return out

    def leave(self, point: Point) -> Point | None:
        """A better point off the boundary, or None."""
        for slope, direction, scale, k in sorted(self.exits(point), key=lambda item: -item[0]):
            if not slope > 1e-8 * scale:
                return None
            root = point.roots[k]
            best, t = point, 1e-4
            for _ in range(60):
                charts = list(point.charts)
                charts[k] = self.covariances[k].chart(root @ root.T + t * direction)
                new = self.evaluate(Point(charts, point.extra))
                if not new.value > best.value:
                    if best is not point:
                        break
                    t /= 16.0
                    if t < 1e-13:
                        break
                    continue
                best, t = new, t * 4.0
            if best.value > point.value + FACE_TOLERANCE:
                return best
        return None


def newton_step(gradient: np.ndarray, hessian: np.ndarray) -> tuple[np.ndarray, float]:
    """Ascent step with the eigenvalues of -H made positive, and the gain it predicts."""
    values, vectors = np.linalg.eigh(-hessian)
    values = np.maximum(np.abs(values), 1e-8 * max(np.abs(values).max(), 1e-300))
    along = vectors.T @ gradient
    return vectors @ (along / values), 0.5 * float(np.sum(along**2 / values))


def negative_definite(hessian: np.ndarray) -> np.ndarray:
    """The Hessian with all eigenvalues negative."""
    values, vectors = np.linalg.eigh(hessian)
    values = -np.maximum(np.abs(values), 1e-8 * max(np.abs(values).max(), 1e-300))
    return (vectors * values) @ vectors.T


def gain_from(gradient: np.ndarray, hessian: np.ndarray) -> float:
    """``g'(-H)^-1 g / 2``; infinite where H is not negative definite."""
    if not len(gradient):
        return 0.0
    values, vectors = np.linalg.eigh(-hessian)
    if values[0] <= 0.0:
        return np.inf
    return 0.5 * float(np.sum((vectors.T @ gradient) ** 2 / values))


def secant_update(hessian: np.ndarray, step: np.ndarray, change: np.ndarray) -> np.ndarray:
    """BFGS update of the Hessian of a function to be maximised."""
    curvature = float(step @ change)
    pushed = hessian @ step
    along = float(step @ pushed)
    if curvature >= -1e-14 * np.linalg.norm(step) * np.linalg.norm(change) or along >= 0.0:
        return hessian
    return hessian + np.outer(change, change) / curvature - np.outer(pushed, pushed) / along
