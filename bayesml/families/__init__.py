"""Registry of the families; `FAMILIES[name]` is an instance with default options."""

from bayesml.families.base import Family
from bayesml.families.gaussian import Gaussian

FAMILIES: dict[str, Family] = {family.name: family for family in (Gaussian(),)}

FAMILY_SYNONYMS: dict[str, str] = {
    synonym: family.name for family in FAMILIES.values() for synonym in (family.name, *family.synonyms)
}
"""The name of the family that each name means."""

__all__ = ["FAMILIES", "FAMILY_SYNONYMS", "Family", "Gaussian"]
