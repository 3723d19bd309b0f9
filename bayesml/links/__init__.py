"""Registry of the links; `LINKS[name]` is an instance."""

from bayesml.links.base import Link, Mean
from bayesml.links.identity import Identity
from bayesml.links.log import Log
from bayesml.links.logit import Logit

LINKS: dict[str, Link] = {link.name: link for link in (Identity(), Log(), Logit())}

__all__ = ["LINKS", "Identity", "Link", "Log", "Logit", "Mean"]
