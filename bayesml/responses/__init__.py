"""Registry of the responses: `RESPONSES[name]` is the response that a call of `name` on the left side selects."""

from bayesml.responses.base import Problem, Response
from bayesml.responses.known_sd import KnownSd
from bayesml.responses.plain import Plain
from bayesml.responses.trials import SuccessesAndFailures, SuccessesOfTrials

PLAIN = Plain()

RESPONSES: dict[str, Response] = {
    "cbind": SuccessesAndFailures(),
    "known_sd": KnownSd(),
    "p": SuccessesOfTrials(),
}

__all__ = ["PLAIN", "RESPONSES", "KnownSd", "Plain", "Problem", "Response", "SuccessesAndFailures", "SuccessesOfTrials"]
