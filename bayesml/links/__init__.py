"""Registry of the links; `LINKS[name]` is an instance."""

from bayesml.links.base import Link, Mean
from bayesml.links.identity import Identity

LINKS: dict[str, Link] = {link.name: link for link in (Identity(),)}

__all__ = ["LINKS", "Identity", "Link", "Mean"]
