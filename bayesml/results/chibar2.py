"""Null distributions of likelihood-ratio statistics: chi-squares, and their mixtures at a boundary."""

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from bayesml.design.arrays import Design
from bayesml.tables.numbers import p_phrase


@dataclass(frozen=True)
class ChiBarSquare:
    """A mixture of chi-square distributions; with one component a chi-square.

    Parameters
    ----------
    weights : tuple of (int, float)
        Degrees of freedom and weight of each component; the weights add to one.
    conservative : bool, default False
        True where the distribution of the statistic is a mixture with unknown weights and this
        chi-square bounds it: the true p is smaller.
    """

    weights: tuple[tuple[int, float], ...]
    conservative: bool = False

    @classmethod
    def chi2(cls, df: int, conservative: bool = False) -> "ChiBarSquare":
        """A single chi-square."""
        return cls(((df, 1.0),), conservative)

    @classmethod
    def half(cls, df: int) -> "ChiBarSquare":
        """½χ²(df) + ½χ²(df + 1): one more variance (df = 0), or one more column correlated with df others."""
        return cls(((df, 0.5), (df + 1, 0.5)))

    @property
    def is_mixture(self) -> bool:
        """Whether there is more than one component."""
        return len(self.weights) > 1

    def shifted(self, df: int) -> "ChiBarSquare":
        """The distribution with `df` further restrictions that are not on a boundary."""
        return ChiBarSquare(tuple((d + df, w) for d, w in self.weights), self.conservative)

    def p(self, statistic: float) -> float:
        """Probability of a value at least as large; 1 at 0."""
        if statistic <= 0:
            return 1.0
        return float(sum(w * chdtrc(df, statistic) for df, w in self.weights if df > 0))

    @property
    def symbol(self) -> str:
        """`chi2(3)`; of two equal neighbours Stata's `chibar2(01)`, one more variance."""
        if not self.is_mixture:
            return f"chi2({self.weights[0][0]})"
        halves = [w for _, w in self.weights] == [0.5, 0.5]
        places = [str(df) for df, _ in self.weights]
        return f"chibar2({('' if len(places[-1]) == 1 else ',').join(places)})" if halves else "chibar2"

    def __str__(self) -> str:
        if not self.is_mixture:
            return self.symbol
        return " + ".join(f"{w:.3f} chi2({df})" for df, w in self.weights)

    def report(self, statistic: float) -> str:
        """One phrase: `chi2(3) = 150.04, p < 0.001`, and what must be known of the distribution."""
        phrase = f"{self.symbol} = {statistic:.2f}, {p_phrase(self.p(statistic))}"
        if self.conservative:
            return f"{phrase} (conservative: the true p is smaller)"
        return f"{phrase} (chibar2: {self})" if self.symbol == "chibar2" else phrase


def without_random(design: Design, sigma_free: bool = True, linear: bool = True) -> ChiBarSquare:
    """The distribution of LR against the model without any random effects.

    One variance: ½χ²(0) + ½χ²(1). Two or three independent variances in a linear model: weights from the covariance
    of their scores at zero. Else the χ² with all variances and covariances, which is conservative.
    """
    count = sum(term.covariance.n_parameters(len(term.names)) for term in design.random)
    separate = all(term.covariance.correlations == "none" or len(term.names) == 1 for term in design.random)
    if count == 1:
        return ChiBarSquare.half(0)
    if separate and linear and count <= 3:
        return orthant_mixture(score_covariance(design, sigma_free))
    return ChiBarSquare.chi2(count, conservative=True)


@dataclass(frozen=True, eq=False)
class ScoreColumn:
    """A column of Z and its products with an orthonormal basis Q of the weighted columns of X.

    Parameters
    ----------
    codes : ndarray (n,)
    levels : int
    z : ndarray (n,)
    on_x : ndarray (levels, p)
        Z'W^(1/2)Q.
    """

    codes: np.ndarray
    levels: int
    z: np.ndarray
    on_x: np.ndarray


def score_covariance(design: Design, sigma_free: bool = True) -> np.ndarray:
    """Covariance of the scores of all variances at zero (K, K), up to a factor.

    With P the residual projection and A_k = Z_k Z_k' the derivative of V, the entries are tr(P A_k P A_l)
    = |Z_k'PZ_l|², less their regression on the score of sigma² where that is estimated. Nothing of
    size levels × levels is formed.
    """
    weights = np.ones(design.n) if design.row_weights is None else design.row_weights
    root = np.sqrt(weights)
    # By an orthonormal basis: X'WX loses its digits far from the origin of a covariate.
    Q, _ = np.linalg.qr(root[:, None] * design.X)
    parts: list[list[ScoreColumn]] = []
    for term in design.random:
        J = len(term.levels)
        columns = []
        for z in (np.ones(design.n) if column is None else column for column in term.columns):
            on_x = np.array([np.bincount(term.codes, root * z * x, J) for x in Q.T]).reshape(-1, J).T
            columns.append(ScoreColumn(term.codes, J, z, on_x))
        parts += [columns] if term.covariance.common_sd else [[column] for column in columns]
    count = len(parts)
    information, with_sigma = np.zeros((count, count)), np.zeros(count)
    for k in range(count):
        for l in range(k + 1):
            norms = [projected_norm(a, b, weights) for a in parts[k] for b in parts[l]]
            information[k, l] = information[l, k] = sum(norms)
        with_sigma[k] = sum(weights @ a.z**2 - np.sum(a.on_x**2) for a in parts[k])
    if not sigma_free:
        return information
    return information - np.outer(with_sigma, with_sigma) / (design.nobs - Q.shape[1])


def projected_norm(a: ScoreColumn, b: ScoreColumn, weights: np.ndarray) -> float:
    """Squared norm of Z_a'PZ_b = C - A B', with C = Z_a'WZ_b by its non-zero entries."""
    places, entry = np.unique(a.codes * b.levels + b.codes, return_inverse=True)
    C = np.bincount(entry, weights * a.z * b.z)
    A, B = a.on_x, b.on_x
    cross = np.sum(C * np.sum(A[places // b.levels] * B[places % b.levels], axis=1))
    return float(C @ C - 2 * cross + np.sum((A.T @ A) * (B.T @ B)))


def orthant_mixture(information: np.ndarray) -> ChiBarSquare:
    """Weights of the projection of a normal vector on the positive orthant, two or three parameters.

    The estimates have covariance V, the inverse of `information`. The weight of all K is the
    probability that N(0, V) is positive, the weight of none that N(0, information) is
    (Kudo 1963; Shapiro 1988, eq. 5.10).
    """
    if not np.all(np.isfinite(information)) or np.linalg.cond(information) > 1e12:
        return ChiBarSquare.chi2(len(information), conservative=True)
    everything, none = orthant_probability(np.linalg.inv(information)), orthant_probability(information)
    if len(information) == 2:
        return ChiBarSquare(((0, none), (1, 0.5), (2, everything)))
    return ChiBarSquare(((0, none), (1, 0.5 - everything), (2, 0.5 - none), (3, everything)))


def orthant_probability(V: np.ndarray) -> float:
    """Probability that all entries of N(0, V) are positive, for two or three of them."""
    sd = np.sqrt(np.diag(V))
    angles = np.arcsin(np.clip(V / np.outer(sd, sd), -1, 1))[np.triu_indices(len(V), 1)]
    return float(2.0 ** -len(V) + angles.sum() / (4 * np.pi) * (2 if len(V) == 2 else 1))
