"""Newton ascent over square roots of covariances, with the boundary treated as part of the problem.

The unknowns are theta, with ``Lambda_k = sum_i theta_i B_i`` for each random term, and further smooth
parameters. In theta the likelihood is smooth across the boundary of the covariances, and even in what vanishes
there; so steps go straight onto it. Two things theta cannot tell are asked of G = Lambda Lambda':
whether the face reached is better than its neighbourhood (then the point is put on it exactly), and whether
a positive slope ``N'(dl/dG)N`` leads off it again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from bayesml.covariance import Covariance
from bayesml.errors import NotIdentified

Chart = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class Local:
    """What an objective returns at a point.

    Parameters
    ----------
    value : float
    slopes : sequence of ndarray (q, q)
        dl/dG of each term.
    extra : ndarray
        Gradient in the further parameters.
    state : any
        Whatever the objective's `curvature` needs of this point.
    root_slopes : sequence of ndarray (q, q)
        What is to be added to the derivatives in the square roots, ``2 (dl/dG) Lambda``; may be empty.
    """

    value: float
    slopes: Sequence[np.ndarray]
    extra: np.ndarray
    state: Any = None
    root_slopes: Sequence[np.ndarray] = ()


class Objective(Protocol):
    """A log likelihood (or posterior) of square roots of covariances and further parameters."""

    def __call__(self, roots: Sequence[np.ndarray], extra: np.ndarray) -> Local:
        """Value and derivatives."""
        ...

    def curvature(self, local: Local, changes: Sequence[Sequence[np.ndarray]]) -> np.ndarray | None:
        """Approximate second derivatives along changes dG of the terms and in the further parameters, or None."""
        ...


GAIN_TO_STOP = 1e-9  # of log likelihood; one more step is taken from there
OTHER_STARTS = (20.0, 0.05)  # of all variances relative to sigma², tried where a likelihood may have several maxima
WEAK = 1.0  # theta² times a level's cross-product, below which it may
NEAR_FACE = 0.3  # theta² times a level's cross-product, below which the face without it is tried
FACE_TOLERANCE = 1e-9  # of log likelihood that may be given up for an exact zero
FLAT = 1e-8  # eigenvalue of the Hessian relative to the largest, below which a direction is flat
SMALLEST_SLOPE = 1e-2  # of l in a relative variance: the scale of slopes where all of them are rounding
NOISE = 3e-13  # of a log likelihood, relative
WIDE = 0.1  # information below which a step is widened
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

    charts: list[Chart]
    extra: np.ndarray
    value: float = -np.inf
    slopes: Sequence[np.ndarray] = ()
    gradient: np.ndarray = field(default_factory=lambda: np.empty(0))
    local: Local | None = None

    @property
    def roots(self) -> list[np.ndarray]:
        """Lambda of each term."""
        return [root_of(chart) for chart in self.charts]

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
    sizes : sequence of float
        Cross-product a level of a standardised column of each term, about its rows a level: with it
        the square roots say how much of a level's data they explain.
    expensive : bool
        Whether to do without differences of the gradient as long as the objective's own curvature serves.
    report : callable, optional
        Called with (iteration, value, gain) after each step.
    limit : int
        Iterations.
    memory : int
        Steps, besides the last, that correct an approximate Hessian.
    polish : bool
        Whether an ascent on an approximate Hessian ends with Newton steps on differences of the gradient.
    """

    def __init__(
        self,
        objective: Objective,
        covariances: Sequence[Covariance],
        sizes: Sequence[float],
        expensive: bool = False,
        report: Callable[[int, float, float], None] | None = None,
        limit: int = 200,
        memory: int = 2,
        polish: bool = False,
    ):
        self.memory, self.polish = memory, polish
        self.objective, self.covariances = objective, list(covariances)
        self.sizes = list(sizes)
        self.expensive, self.report, self.limit = expensive, report, limit
        self.evaluations = self.iterations = 0

    def evaluate(self, point: Point) -> Point:
        """Fill in value and derivatives."""
        roots = point.roots
        local = self.objective(roots, point.extra)
        self.evaluations += 1
        if not np.isfinite(local.value):
            return point
        inner = [2.0 * slope @ root for slope, root in zip(local.slopes, roots, strict=True)]
        if local.root_slopes:
            inner = [given + more for given, more in zip(inner, local.root_slopes, strict=True)]
        parts = [flat(basis) @ part.ravel() for (basis, _), part in zip(point.charts, inner, strict=True)]
        point.value, point.slopes, point.local = local.value, local.slopes, local
        point.gradient = np.concatenate([*parts, local.extra])
        return point

    def differences(self, point: Point, central: bool) -> np.ndarray:
        """Hessian from differences of the exact gradient."""
        if self.polish:
            self.evaluate(point.at(point.vector))  # an objective that remembers modes is then at this one
        x = point.vector
        H = np.empty((len(x), len(x)))
        for i in range(len(x)):
            covariance = i < len(x) - len(point.extra)
            size = STEP * max(1.0, abs(x[i])) if covariance else STEP
            H[i] = self.difference(point, i, size, central)
            if not covariance and 0.0 < -H[i, i] < WIDE:
                # known to many units only: differences over one unit drown in the noise of the gradient
                H[i] = self.difference(point, i, size / np.sqrt(-H[i, i]), central)
        return 0.5 * (H + H.T)

    def difference(self, point: Point, i: int, size: float, central: bool) -> np.ndarray:
        """One row of `differences`, with a step of this size."""
        step = np.zeros(len(point.vector))
        step[i] = size
        ahead = self.evaluate(point.at(point.vector + step))
        behind = self.evaluate(point.at(point.vector - step)) if central or not np.isfinite(ahead.value) else point
        # one-sided beside a place where nothing can be evaluated
        ahead, behind = (side if np.isfinite(side.value) else point for side in (ahead, behind))
        width = ahead.vector[i] - behind.vector[i]
        if width == 0.0:
            raise NotIdentified(
                "The likelihood can be evaluated on neither side of the point where its ascent ended. Is the response "
                "constant within groups, or computed from other columns?"
            )
        return (ahead.gradient - behind.gradient) / width

    def best(self, charts: list[Chart], extra: np.ndarray) -> Optimum:
        """`run`, and again from other starts where covariances are weakly determined: there may be two maxima."""
        best = self.run(charts, extra)
        if self.expensive or not self.weak(best.point):
            return best
        for scale in OTHER_STARTS:
            other = self.run(
                [s.chart(scale * np.eye(b.shape[1])) for s, (b, _) in zip(self.covariances, charts, strict=True)], extra
            )
            if other.point.value > best.point.value + 1e-7:
                best = other
        return best

    def weak(self, point: Point) -> bool:
        """Whether there are several unknowns, and some square root is small, or on the boundary."""
        sizes = [len(s.basis(basis.shape[1])) for s, (basis, _) in zip(self.covariances, point.charts, strict=True)]
        if sum(sizes) < 2:
            return False
        on_face = [len(theta) < size for (_, theta), size in zip(point.charts, sizes, strict=True)]
        values = [self.smallest(root) ** 2 * rows for root, rows in zip(point.roots, self.sizes, strict=True)]
        return any(on_face) or min(values) < WEAK

    def run(self, charts: list[Chart], extra: np.ndarray) -> Optimum:
        """Climb from a start until the point is optimal on its face and no way leads off it."""
        self.iterations = 0
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
        if self.polish:
            # what is left by a Hessian that may be wrong by a factor of a thousand
            near = gain_from(point, H) < 1e-3 * GAIN_TO_STOP if len(H) == len(point.vector) else False
            return self.optimum(point, H) if near else self.polished(point)
        # `climb` returns its last Hessian; the one that is reported belongs to the point itself
        return self.optimum(point, H if self.expensive else self.differences(point, central=True))

    def polished(self, point: Point) -> Optimum:
        """The optimum after Newton steps on differences of the gradient, which the approximate Hessian only neared."""
        H = self.differences(point, central=False)
        for _ in range(20):
            if gain_from(point, H) < GAIN_TO_STOP:
                break
            new = self.search(point, newton_step(point.gradient, H)[0], last=False)
            if new is None:
                break
            self.iterations += 1
            point, H = new, self.differences(new, central=False)
        # the last step costs one evaluation and leaves no more than rounding
        end = self.search(point, newton_step(point.gradient, H)[0], last=True) if len(point.vector) else None
        found = self.optimum(end or point, H)
        if found.converged or found.iterations >= self.limit:
            return found
        # one-sided differences may curve a flat direction the wrong way
        return self.optimum(found.point, self.differences(found.point, central=True))

    def settle(self, charts: list[Chart]) -> Optimum:
        """As `run`, from where another ascent ended: confirm it, put it on the boundary if it is there, or go on."""
        point, _ = self.fall(self.evaluate(Point(list(charts), np.empty(0))))
        H = self.model(point)
        if H is None or gain_from(point, H) > GAIN_TO_STOP or self.leave(point) is not None:
            return self.run(point.charts, point.extra)
        return self.optimum(point, H)

    def optimum(self, point: Point, hessian: np.ndarray) -> Optimum:
        """The point with what certifies it."""
        gain = gain_from(point, hessian)
        slopes = np.array([s / scale for s, _, scale, _ in self.exits(point)])
        converged = gain < 1e-6 and not (slopes > 1e-4).any() and self.iterations < self.limit
        message = "optimum" if converged else f"stopped after {self.iterations} iterations"
        return Optimum(point, hessian, gain, slopes, self.iterations, self.evaluations, converged, message)

    def climb(self, point: Point) -> tuple[Point, np.ndarray]:
        """Newton steps on one face."""
        H = np.empty((0, 0))
        history: list[tuple[np.ndarray, np.ndarray]] = []
        exact = not self.expensive
        while self.iterations < self.limit and len(point.vector):
            model = None if exact else self.model(point)
            exact = model is None
            H = self.differences(point, central=False) if model is None else with_secants(model, history)
            step, gain = newton_step(point.gradient, H)
            longest = np.abs(step / np.maximum(1.0, np.abs(point.vector))).max()
            last = gain < GAIN_TO_STOP
            new = self.search(point, step * (2.0 / max(longest, 2.0)), last)
            self.iterations += 1
            if new is None:
                if exact:
                    break
                exact = True  # the approximate Hessian misled
                continue
            if self.report is not None:
                self.report(self.iterations, new.value, gain)
            history = [*history[-self.memory :], (new.vector - point.vector, new.gradient - point.gradient)]
            point = new
            if last:
                break
            point, fell = self.fall(point)
            if fell:
                history = []
        return point, H

    def model(self, point: Point) -> np.ndarray | None:
        """Hessian in the unknowns from the objective's approximation, where it has one."""
        if point.local is None:
            return None
        if not len(point.vector):
            return np.empty((0, 0))
        changes = []
        for (basis, _), root in zip(point.charts, point.roots, strict=True):
            moved = basis @ root.T
            changes.append(moved + moved.transpose(0, 2, 1))
        H = self.objective.curvature(point.local, changes)
        if H is None or len(H) != len(point.vector):
            return None
        at = 0
        for (basis, _), slope in zip(point.charts, point.slopes, strict=True):
            k = len(basis)
            H[at : at + k, at : at + k] += 2.0 * np.einsum("iab,ac,jcb->ij", basis, slope, basis)
            at += k
        return H

    def search(self, point: Point, step: np.ndarray, last: bool) -> Point | None:
        """The first of step, step/3, step/9 … that climbs; at the end of a climb the step itself unless it falls."""
        x = point.vector
        slope = float(point.gradient @ step)
        for shrink in range(25):
            t = 3.0**-shrink
            new = self.evaluate(point.at(x + t * step))
            enough = point.value + 1e-4 * t * slope if not last else point.value - 1e-9 * (1.0 + abs(point.value))
            if new.value >= enough and (last or new.value > point.value):
                return new
            # where a gain would be lost in the rounding of the value, the slope along the step tells
            lost = NOISE * (1.0 + abs(point.value))
            flatter = new.value > point.value - lost and abs(float(new.gradient @ step)) < 0.5 * slope
            if shrink == 0 and slope < lost and flatter:
                return new
            if last:
                return None
        return None

    def fall(self, point: Point) -> tuple[Point, bool]:
        """Put the point on a neighbouring face where one is near and that costs nothing."""
        fell, again = False, True
        while again:
            again = False
            for k, structure in enumerate(self.covariances):
                if not len(point.charts[k][1]):
                    continue
                root = root_of(point.charts[k])
                if self.smallest(root) ** 2 * self.sizes[k] > NEAR_FACE:
                    continue
                G = root @ root.T
                for face in (G, *structure.faces(G)):  # a step may have ended on a face already
                    charts = list(point.charts)
                    charts[k] = structure.chart(face)
                    if len(charts[k][1]) == len(point.charts[k][1]):
                        continue
                    new = self.evaluate(Point(charts, point.extra))
                    if new.value >= point.value - FACE_TOLERANCE:
                        point, fell, again = new, True, True
                        break
        return point, fell

    def smallest(self, root: np.ndarray) -> float:
        """The smallest singular value of a square root that its chart allows to vanish."""
        values = np.linalg.svd(root, compute_uv=False)
        return float(values[values > 1e-7 * values[0]][-1]) if values[0] > 0.0 else 0.0

    def exits(self, point: Point) -> list[tuple[float, np.ndarray, float, int]]:
        """Slopes off the boundary: slope, direction, size of dl/dG, term."""
        out = []
        for k, (structure, root, slope) in enumerate(zip(self.covariances, point.roots, point.slopes, strict=True)):
            scale = max(float(np.abs(slope).max()), SMALLEST_SLOPE)
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


def root_of(chart: Chart) -> np.ndarray:
    """Lambda = sum_i theta_i B_i."""
    basis, theta = chart
    return (theta @ flat(basis)).reshape(basis.shape[1:])


def flat(basis: np.ndarray) -> np.ndarray:
    """Matrices (k, q, q) as rows (k, q²)."""
    return basis.reshape(len(basis), basis.shape[1] ** 2)


def newton_step(gradient: np.ndarray, hessian: np.ndarray) -> tuple[np.ndarray, float]:
    """Ascent step with the eigenvalues of -H made positive, and the gain it predicts."""
    values, vectors = np.linalg.eigh(-hessian)
    values = np.maximum(np.abs(values), 1e-8 * max(np.abs(values).max(), 1e-300))
    along = vectors.T @ gradient
    return vectors @ (along / values), 0.5 * float(np.sum(along**2 / values))


def gain_from(point: Point, hessian: np.ndarray) -> float:
    """``g'(-H)^-1 g / 2``; infinite where H is not negative definite. Flat directions without slope gain nothing."""
    if not len(point.vector):
        return 0.0
    scale = np.maximum(1.0, np.abs(point.vector))
    values, vectors = np.linalg.eigh(-hessian * np.outer(scale, scale))
    along = vectors.T @ (point.gradient * scale)
    rising = values <= 0.0
    flat = np.abs(values) <= FLAT * np.abs(values).max(initial=1.0)
    if np.any(rising & ~flat) or np.any(np.abs(along[rising]) > 1e-6):
        return np.inf
    return 0.5 * float(np.sum(along[~rising] ** 2 / values[~rising]))


def with_secants(hessian: np.ndarray, history: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Symmetric rank-one updates of an approximate Hessian by the last steps and changes of gradient."""
    for step, change in history:
        if len(step) != len(hessian):
            continue
        missed = change - hessian @ step
        along = float(missed @ step)
        if abs(along) > 1e-6 * np.linalg.norm(missed) * np.linalg.norm(step):
            hessian = hessian + np.outer(missed, missed) / along
    return hessian
