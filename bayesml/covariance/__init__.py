"""Registry of the covariance structures; `COVARIANCES[name]` is an instance."""

from bayesml.covariance.base import Covariance
from bayesml.covariance.exchangeable import Exchangeable
from bayesml.covariance.identity import Identity
from bayesml.covariance.independent import Independent
from bayesml.covariance.unstructured import Unstructured

COVARIANCES: dict[str, Covariance] = {
    structure.name: structure for structure in (Unstructured(), Independent(), Identity(), Exchangeable())
}

__all__ = ["COVARIANCES", "Covariance", "Exchangeable", "Identity", "Independent", "Unstructured"]
