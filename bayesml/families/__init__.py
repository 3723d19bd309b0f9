"""Registry of the families; `FAMILIES[name]` is an instance with default options."""

from bayesml.families.base import Family
from bayesml.families.bernoulli import Bernoulli
from bayesml.families.beta import Beta
from bayesml.families.binomial import Binomial
from bayesml.families.categorical import Categorical
from bayesml.families.cumulative import Cumulative
from bayesml.families.exponential import Exponential
from bayesml.families.gamma import Gamma
from bayesml.families.gaussian import Gaussian
from bayesml.families.loglogistic import Loglogistic
from bayesml.families.lognormal import Lognormal
from bayesml.families.negative_binomial import NegativeBinomial
from bayesml.families.poisson import Poisson
from bayesml.families.student_t import StudentT
from bayesml.families.weibull import Weibull

FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        Gaussian(),
        StudentT(),
        Bernoulli(),
        Binomial(),
        Poisson(),
        NegativeBinomial(),
        Gamma(),
        Beta(),
        Exponential(),
        Weibull(),
        Lognormal(),
        Loglogistic(),
        Cumulative(),
        Categorical(),
    )
}

FAMILY_SYNONYMS: dict[str, Family] = {
    name: meant for family in FAMILIES.values() for name, meant in family.named().items()
}
"""The family, with its options, that each name means."""

__all__ = [
    "FAMILIES",
    "FAMILY_SYNONYMS",
    "Bernoulli",
    "Beta",
    "Binomial",
    "Categorical",
    "Cumulative",
    "Exponential",
    "Family",
    "Gamma",
    "Gaussian",
    "Loglogistic",
    "Lognormal",
    "NegativeBinomial",
    "Poisson",
    "StudentT",
    "Weibull",
]
