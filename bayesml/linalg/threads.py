"""One BLAS thread for small work: on a busy machine threads that wait for each other cost more than they do."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController


@cache
def controller() -> ThreadpoolController:
    """The BLAS libraries of this process; looking for them takes milliseconds, so it is done once."""
    return ThreadpoolController()


@contextmanager
def one_blas_thread(small: bool = True) -> Iterator[None]:
    """Hold BLAS to one thread while the block runs; not if the work is not `small`."""
    if not small:
        yield
        return
    with controller().limit(limits=1, user_api="blas"):
        yield
