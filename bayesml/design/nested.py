"""Whether grouping factors are nested in each other."""

from itertools import pairwise

import numpy as np

from bayesml.design.arrays import Design


def nested_chain(design: Design) -> list[str]:
    """The grouping factors from coarse to fine if each is nested in the one before; empty if any are crossed."""
    terms = {term.group: term for term in design.random}
    ordered = sorted(terms, key=lambda group: len(terms[group].levels))
    for coarse, fine in pairwise(ordered):
        a, b = terms[coarse], terms[fine]
        if len(np.unique(b.codes * len(a.levels) + a.codes)) > len(b.levels):
            return []
    return ordered
