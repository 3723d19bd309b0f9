"""What a prediction was asked to be."""

from dataclasses import dataclass

import numpy as np

from bayesml.post.quantities import Quantity


@dataclass(frozen=True, eq=False)
class Request:
    """Options of `predict` that engines need.

    Parameters
    ----------
    quantity : Quantity
    ranef : {"conditional", "zero", "marginal"}
    draw_new : bool
        Whether effects of unseen levels are drawn.
    interval : {"confidence", "prediction"} or None
    ci_prob : float
    with_se : bool
    rng : numpy.random.Generator
        Of a fit.
    seed : tuple of int
        Of a posterior.
    """

    quantity: Quantity
    ranef: str
    draw_new: bool
    interval: str | None
    ci_prob: float
    with_se: bool
    rng: np.random.Generator
    seed: tuple[int, ...] = ()

    @property
    def conditional(self) -> bool:
        """Whether the effects of the rows' own levels count."""
        return self.ranef == "conditional"

    @property
    def averaged(self) -> bool:
        """Whether the quantity itself is an average over the random effects; of linear ones it is what it is at 0."""
        return self.ranef == "marginal" and not self.quantity.linear
