"""Registry of the links; `LINKS[name]` is an instance."""

from bayesml.links.base import Link, Mean
from bayesml.links.cauchit import Cauchit
from bayesml.links.cloglog import Cloglog
from bayesml.links.identity import Identity
from bayesml.links.inverse import Inverse
from bayesml.links.log import Log
from bayesml.links.logit import Logit
from bayesml.links.loglog import Loglog
from bayesml.links.probit import Probit
from bayesml.links.sqrt import Sqrt

LINKS: dict[str, Link] = {
    link.name: link
    for link in (
        Identity(),
        Log(),
        Logit(),
        Probit(),
        Cloglog(),
        Loglog(),
        Cauchit(),
        Inverse(),
        Sqrt(),
    )
}

__all__ = [
    "LINKS",
    "Cauchit",
    "Cloglog",
    "Identity",
    "Inverse",
    "Link",
    "Log",
    "Logit",
    "Loglog",
    "Mean",
    "Probit",
    "Sqrt",
]
