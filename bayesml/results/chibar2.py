"""Null distributions of likelihood-ratio statistics: chi-squares, and their mixtures at a boundary."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.special import chdtrc

from bayesml.design.arrays import Design


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

    def __str__(self) -> str:
        if not self.is_mixture:
            return f"chi2({self.weights[0][0]})"
        return "chibar2 = " + " + ".join(f"{w:.3g} chi2({df})" for df, w in self.weights)


def without_random(design: Design) -> ChiBarSquare:
    """The distribution of LR against the model without any random effects.

    One variance: ½χ²(0) + ½χ²(1). Two or three independent variances: weights from the covariance
    of their scores at zero. Else the χ² with all variances and covariances, which is conservative.
    """
    count = sum(term.covariance.n_parameters(len(term.names)) for term in design.random)
    separate = all(term.covariance.correlations == "none" or len(term.names) == 1 for term in design.random)
    if count == 1:
        return ChiBarSquare.half(0)
    if separate and count <= 3:
        return orthant_mixture(score_covariance(design))
    return ChiBarSquare.chi2(count, conservative=True)


def score_covariance(design: Design) -> np.ndarray:
    """Covariance of the scores of all variances at zero, given sigma² (K, K), up to a factor.

    With P the residual projection, the entries are tr(P A_k P A_l), A_k = d V / d variance_k,
    less their regression on the score of sigma². No matrix larger than rows × coefficients or levels × levels occurs.
    """
    weights = np.ones(design.nobs) if design.precision_weights is None else design.precision_weights
    X = design.X
    S = np.linalg.inv(X.T @ (weights[:, None] * X))
    rows = np.arange(design.nobs)
    parts: list[list[sparse.csr_array]] = []
    for term in design.random:
        columns = [np.ones(design.nobs) if z is None else z for z in term.columns]
        blocks = [sparse.csr_array((z, (rows, term.codes)), shape=(design.nobs, len(term.levels))) for z in columns]
        parts += [blocks] if term.covariance.common_sd else [[block] for block in blocks]
    count = len(parts)
    information, with_sigma = np.zeros((count, count)), np.zeros(count)
    weighted = [[block.multiply(weights[:, None]).tocsr() for block in blocks] for blocks in parts]
    on_X = [[block.T @ X for block in blocks] for blocks in weighted]
    for k in range(count):
        for l in range(k + 1):
            information[k, l] = information[l, k] = sum(
                projected_norm(parts[k][a].T @ weighted[l][b], on_X[k][a], on_X[l][b], S)
                for a in range(len(parts[k]))
                for b in range(len(parts[l]))
            )
        with_sigma[k] = sum(
            (block.power(2).T @ weights).sum() - np.sum((B @ S) * B) for block, B in zip(parts[k], on_X[k], strict=True)
        )
    return information - np.outer(with_sigma, with_sigma) / (design.nobs - X.shape[1])


def projected_norm(C: sparse.csr_array, B: np.ndarray, D: np.ndarray, S: np.ndarray) -> float:
    """Squared norm of C - B S D' without forming the product."""
    return float(C.power(2).sum() - 2 * np.sum((C.T @ B @ S) * D) + np.trace(S @ (D.T @ D) @ S @ (B.T @ B)))


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
