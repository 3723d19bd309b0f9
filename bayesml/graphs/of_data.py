"""The roles of a model on the user's data."""

from collections.abc import Mapping
from dataclasses import replace
from os import PathLike
from typing import Any

from bayesml.design.build import build_design
from bayesml.distributions import Distribution
from bayesml.graphs.roles import Graph, build_graph
from bayesml.spec import model as spec
from bayesml.spec.priors import Priors
from bayesml.syntax.model import Model, refuse_unknown

PriorsLike = Priors | str | PathLike[str] | Mapping[str, Distribution] | None


def graph_of(model: str | spec.Model, data: Any, priors: PriorsLike = None, **keywords: Any) -> Graph:
    """The roles of a model, or of a formula with the options of `Model`, on data."""
    if isinstance(model, spec.Model):
        refuse_unknown(keywords, ("priors",))
        specification = model if priors is None else replace(model, priors=Priors.of(priors))
    else:
        specification = Model(model, priors=priors, **keywords)
    return build_graph(specification, build_design(specification, data))
