"""Seeds of what is drawn from a posterior after it was sampled: each verb has a stream of its own."""

from typing import Any

PREDICTION_STREAM, RESIDUAL_STREAM, CHECK_STREAM = 50, 52, 53


def stream(result: Any, random_seed: int | None, number: int) -> tuple[int, ...]:
    """Seed of a stream: follows from the seed of the sampling where none is given; of a fit from 0."""
    if random_seed is not None:
        return (random_seed, number)
    posterior = getattr(result, "posterior", None)
    return (0 if posterior is None else posterior.seed, number)
