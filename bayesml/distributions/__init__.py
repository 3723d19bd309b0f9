"""Registry of the distributions that priors are made of; `DISTRIBUTIONS[name]` is a class."""

from bayesml.distributions.base import Distribution
from bayesml.distributions.beta import Beta
from bayesml.distributions.cauchy import Cauchy
from bayesml.distributions.exponential import Exponential
from bayesml.distributions.fixed import Fixed
from bayesml.distributions.flat import Flat, HalfFlat
from bayesml.distributions.gamma import Gamma
from bayesml.distributions.half_cauchy import HalfCauchy
from bayesml.distributions.half_normal import HalfNormal
from bayesml.distributions.half_student_t import HalfStudentT
from bayesml.distributions.horseshoe import Horseshoe
from bayesml.distributions.inverse_gamma import InverseGamma
from bayesml.distributions.inverse_wishart import InverseWishart
from bayesml.distributions.laplace import Laplace
from bayesml.distributions.lkj import LKJ
from bayesml.distributions.log_normal import LogNormal
from bayesml.distributions.normal import Normal
from bayesml.distributions.on_precision import OnPrecision
from bayesml.distributions.on_variance import OnVariance
from bayesml.distributions.scaled_beta import ScaledBeta
from bayesml.distributions.student_t import StudentT
from bayesml.distributions.truncated import Truncated
from bayesml.distributions.uniform import Uniform

DISTRIBUTIONS: dict[str, type[Distribution]] = {
    kind.__name__: kind
    for kind in (
        Normal, StudentT, Cauchy, Laplace, HalfNormal, HalfStudentT, HalfCauchy, Exponential, Gamma, InverseGamma,
        LogNormal, OnVariance, OnPrecision, Uniform, Beta, ScaledBeta, Truncated, LKJ,
        InverseWishart, Horseshoe, Flat, HalfFlat, Fixed,
    )
}  # fmt: skip

__all__ = ["DISTRIBUTIONS", "Distribution", *DISTRIBUTIONS]
