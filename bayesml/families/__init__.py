"""Registry of the families; `FAMILIES[name]` is an instance with default options."""

from bayesml.families.base import Family
from bayesml.families.bernoulli import Bernoulli
from bayesml.families.gaussian import Gaussian
from bayesml.families.poisson import Poisson

FAMILIES: dict[str, Family] = {family.name: family for family in (Gaussian(), Bernoulli(), Poisson())}

FAMILY_SYNONYMS: dict[str, Family] = {
    name: meant for family in FAMILIES.values() for name, meant in family.named().items()
}
"""The family, with its options, that each name means."""

__all__ = ["FAMILIES", "FAMILY_SYNONYMS", "Bernoulli", "Family", "Gaussian", "Poisson"]
