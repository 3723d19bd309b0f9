"""Square roots C of correlation matrices, R = C C', from independent parameters."""

from types import ModuleType
from typing import Any


def root_of_partials(partials: Any, q: int, namespace: ModuleType) -> Any:
    """Lower triangular root of a correlation matrix with given partial correlations.

    ``C[i, j] = z[i, j] sqrt(prod_{k<j} (1 - z[i, k]²))``, where z[i, j] is the partial correlation of columns
    i > j given columns 0 … j - 1, and z[i, i] = 1.

    The ones of the diagonal are added, and not multiplied into the product: it would be 0 above the diagonal, where the
    derivative of its root does not exist.

    Parameters
    ----------
    partials : array or tensor (..., q, q)
        z in the lower triangle, zeros elsewhere.
    q : int
    namespace : module
        `numpy` or `pytensor.tensor`.

    References
    ----------
    Lewandowski, Kurowicka and Joe (2009), Journal of Multivariate Analysis 100, section 2.4.
    """
    columns, left = [], namespace.ones_like(partials[..., 0])
    identity = namespace.eye(q)
    for j in range(q):
        z = partials[..., j]
        columns.append((z + identity[j]) * namespace.sqrt(left))
        left = left * (1.0 - z**2)
    return namespace.stack(columns, axis=-1)


def root_of_common(r: Any, q: int, namespace: ModuleType) -> Any:
    """Symmetric root of the matrix whose correlations all are r (...), -1 / (q - 1) <= r <= 1."""
    mean = namespace.full((q, q), 1.0 / q)
    r = r[..., None, None]
    return namespace.sqrt(1.0 + (q - 1) * r) * mean + namespace.sqrt(1.0 - r) * (namespace.eye(q) - mean)
