"""The graph of a model and data, or of a result, with its own priors or with others."""

from dataclasses import replace
from typing import Any

from bayesml.errors import SpecificationError
from bayesml.graphs.of_data import PriorsLike, graph_of
from bayesml.graphs.roles import Graph, build_graph
from bayesml.results.base import Result
from bayesml.results.bayesian import BayesianResult
from bayesml.spec.model import Model
from bayesml.spec.priors import Priors


def graph_of_model_or_result(
    model: str | Model | Result, data: Any, priors: PriorsLike, verb: str, **keywords: Any
) -> Graph:
    """The graph of a model, or of a formula with the options of `Model`, on data; or of a result, which has both.

    Raises
    ------
    SpecificationError
        Data beside a result, or none without one.
    """
    if not isinstance(model, Result):
        if data is None:
            raise SpecificationError(f"{verb}() needs data, as priors are on their scale: {verb}(model, data).")
        return graph_of(model, data, priors, **keywords)
    if data is not None or keywords:
        raise SpecificationError("A result has its own data and options: leave them out.")
    if priors is not None:
        return build_graph(replace(model.model, priors=Priors.of(priors)), model.design)
    return model.graph if isinstance(model, BayesianResult) else build_graph(model.model, model.design)
