"""What all tests share: seeds from one place, and models that are fitted once a session."""

import os

# Small kernels are slower with many BLAS threads than with one; must be set before NumPy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import zlib

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import settings

mpl.use("Agg")
settings.register_profile("bayesml", deadline=None, derandomize=True)
settings.load_profile("bayesml")


@pytest.fixture
def seed(request) -> int:
    """A seed that differs between tests and is the same in every run."""
    return zlib.crc32(request.node.nodeid.encode())


@pytest.fixture
def rng(seed) -> np.random.Generator:
    """A generator seeded by `seed`."""
    return np.random.default_rng(seed)
