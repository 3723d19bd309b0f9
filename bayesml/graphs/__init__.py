"""Graphs: the roles of a model on data, and the PyMC models built from them.

`build_graph` needs neither PyTensor nor PyMC; `bayesml.graphs.wrap` does.
"""

from bayesml.graphs.roles import Graph, RandomRole, build_graph
from bayesml.graphs.transforms import centre, marginalise

__all__ = ["Graph", "RandomRole", "build_graph", "centre", "marginalise"]
