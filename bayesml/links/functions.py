"""Functions that NumPy and `pytensor.tensor` do not both have, under one name.

In a graph they are PyTensor's own scalar operations, whose derivatives are exact and share exponentials.
"""

from types import ModuleType
from typing import Any

import numpy as np
from scipy import special


def softplus(x: Any, namespace: ModuleType) -> Any:
    """``log(1 + exp(x))``; its derivative is `sigmoid`."""
    return np.logaddexp(0.0, x) if namespace is np else namespace.softplus(x)


def sigmoid(x: Any, namespace: ModuleType) -> Any:
    """``1 / (1 + exp(-x))``."""
    return special.expit(x) if namespace is np else namespace.sigmoid(x)


def gammaln(x: Any, namespace: ModuleType) -> Any:
    """Log of the gamma function; for arguments without parameters, as its derivatives are slow."""
    return special.gammaln(x) if namespace is np else namespace.gammaln(x)
