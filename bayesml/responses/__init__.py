"""Registry of the responses: `RESPONSES[name]` is the response that a call of `name` on the left side selects."""

from bayesml.responses.base import Problem, Response
from bayesml.responses.censored import Censored, Tobit
from bayesml.responses.interval import Interval
from bayesml.responses.known_sd import KnownSd
from bayesml.responses.plain import Plain
from bayesml.responses.survival import LateEntry, TimeToEvent
from bayesml.responses.trials import SuccessesAndFailures, SuccessesOfTrials

PLAIN = Plain()

RESPONSES: dict[str, Response] = {
    "cbind": SuccessesAndFailures(),
    "p": SuccessesOfTrials(),
    "censored": Censored(),
    "interval": Interval(),
    "tobit": Tobit(),
    "Surv": TimeToEvent(),
    "known_sd": KnownSd(),
}

__all__ = [
    "PLAIN",
    "RESPONSES",
    "Censored",
    "Interval",
    "KnownSd",
    "LateEntry",
    "Plain",
    "Problem",
    "Response",
    "SuccessesAndFailures",
    "SuccessesOfTrials",
    "TimeToEvent",
    "Tobit",
]
