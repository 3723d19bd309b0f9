"""Real data sets that come with the package: `load`, `names`, `describe`."""

from bayesml.datasets.reading import describe, load, names, read

__all__ = ["describe", "load", "names", "read"]
