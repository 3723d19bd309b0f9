"""Response with a known standard deviation of each row."""

from collections.abc import Mapping

import numpy as np

from bayesml.responses.plain import Plain


class KnownSd(Plain):
    """`known_sd(y, se)`: the residual standard deviation of each row is known, and sigma is no parameter.

    The rows of a meta-analysis are estimates with their standard errors.
    """

    name = "known_sd"
    arguments = ("y", "sd")
    fixes_scale = True

    def problem(self, values: Mapping[str, np.ndarray]) -> str | None:
        bad = int(np.sum(~(np.isfinite(values["sd"]) & (values["sd"] > 0))))
        return f"`sd` must be positive and finite; {bad} of {len(values['sd'])} rows are not." if bad else None
