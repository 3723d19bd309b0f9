"""Registry of the responses: `RESPONSES[name]` is the response that a call of `name` on the left side selects."""

from bayesml.responses.base import Response
from bayesml.responses.known_sd import KnownSd
from bayesml.responses.plain import Plain

PLAIN = Plain()

RESPONSES: dict[str, Response] = {"known_sd": KnownSd()}

__all__ = ["PLAIN", "RESPONSES", "KnownSd", "Plain", "Response"]
