"""Files of priors: TOML to the prior of each kind of parameter on a unit scale; mistakes are told with their line."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from functools import cache
from typing import Any, NoReturn

from bayesml.distributions import DISTRIBUTIONS, Distribution, OnPrecision, OnVariance, Truncated
from bayesml.errors import SpecificationError

KINDS: dict[str, str] = {
    "intercept": "real",
    "coefficient": "real",
    "residual_sd": "positive",
    "random_sd": "positive",
    "random_sd_correlated": "positive",
    "correlation": "correlation",
    "random_covariance": "covariance matrix",
    "dispersion": "positive",
    "coefficient_of_variation": "positive",
    "precision": "positive",
    "log_sd": "positive",
    "shape": "positive",
    "degrees_of_freedom": "positive",
    "cutpoint": "real",
}
"""Kinds of parameters, and where their values lie."""

OPTIONAL = ("random_covariance",)
"""Kinds that a set need not have: standard deviations and correlations then have priors of their own."""

STANDS_IN = {"random_sd_correlated": "random_sd", "coefficient_of_variation": "dispersion"}
"""The kind whose prior is taken where a set has none for this one."""

SCALED: dict[str, tuple[str, ...]] = {
    "response": tuple(KINDS),
    "centred": ("intercept", "random_sd", "random_sd_correlated"),
    "columns": ("coefficient",),
}
"""Scales of data by name, beside true and false, and the kinds that have them."""

UNITS = ("moments", "moments_or_one", "median_mad")
DIVISORS = {"n": 0, "n - 1": 1}
SQUARES = {"variance": OnVariance, "precision": OnPrecision}
WRAPPERS = ("Fixed", "OnVariance", "OnPrecision", "Truncated")
"""Distributions that the entries of a set do not name: values held, and what other keys say."""

TEXTS = ("name", "title", "scale", "source")
TOP = (*TEXTS, "base", "unit", "divisor", "priors")
ENTRY = ("distribution", "numbers", "scaled", "of", "lower", "upper", "spaced", "instead")


@dataclass(frozen=True)
class PriorEntry:
    """The prior of one kind of parameter.

    Parameters
    ----------
    prior : Distribution
        On the unit scale.
    scaled : bool or str
        Which scale of the data it is multiplied with: the natural one (True), none, or one of `SCALED`.
    spaced : tuple of float, or None
        Of cut points: the locations of the first and of the last, between which the others stand evenly.
    instead : tuple of (families, links, PriorEntry)
        Entries that hold for these families and links; an empty tuple means any.
    """

    prior: Distribution
    scaled: bool | str = False
    spaced: tuple[float, float] | None = None
    instead: tuple[tuple[tuple[str, ...], tuple[str, ...], "PriorEntry"], ...] = ()

    def of(self, family: str, link: str) -> "PriorEntry":
        """The entry that holds for a family and a link."""
        for families, links, entry in self.instead:
            if (not families or family in families) and (not links or link in links):
                return entry
        return self


@dataclass(frozen=True)
class PriorFile:
    """A prior set as its file says it.

    Parameters
    ----------
    name : str
    title, scale, source : str
        Text for people.
    base : str
        Set that kinds without a prior are left to; empty for none.
    unit : str
        What stands for mean and standard deviation of the response: one of `UNITS`.
    divisor : int
        0 or 1: standard deviations of data have the divisor n, or n - 1.
    kinds : mapping of str to PriorEntry
    """

    name: str
    title: str
    scale: str
    source: str
    base: str
    unit: str
    divisor: int
    kinds: Mapping[str, PriorEntry]


@cache
def read_prior_file(name: str, text: str, bases: tuple[str, ...] | None = None) -> PriorFile:
    """A file of priors, checked.

    Parameters
    ----------
    name : str
        As messages call it.
    text : str
        TOML.
    bases : tuple of str, optional
        Sets that kinds may be left to; not checked by default.

    Raises
    ------
    SpecificationError
        Anything in it that is not understood, with its line.
    """
    return Reading(name, text, bases).file()


class Reading:
    """One file being read: its content, and where everything stands in it."""

    def __init__(self, name: str, text: str, bases: tuple[str, ...] | None = None):
        self.name, self.rows, self.bases = name, text.splitlines(), bases
        try:
            self.content = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            found = re.search(r"at line (\d+)", str(error))
            line = int(found[1]) if found else len(self.rows)
            self.refuse_line(line, f"this is no TOML: {error}")
        self.lines = lines_of_keys(self.rows)

    def file(self) -> PriorFile:
        """The whole file."""
        self.known(self.content, TOP, (), "entry")
        for key in (*TEXTS, "base"):
            self.typed(self.content, key, str, "a text", ())
        base = self.content.get("base", "")
        if base and self.bases is not None and base not in self.bases:
            self.refuse(("base",), f"there is no prior set {base!r}.{nearest(base, self.bases)}")
        priors = self.content.get("priors")
        if not isinstance(priors, dict) or not priors:
            self.refuse(("priors",), "there are no priors; write them as [priors.coefficient], say.")
        self.known(priors, tuple(KINDS), ("priors",), "kind of parameter")
        name = self.content.get("name", self.name)
        return PriorFile(
            name,
            self.content.get("title", name),
            self.content.get("scale", ""),
            self.content.get("source", ""),
            base,
            self.chosen(self.content, "unit", UNITS, UNITS[0], ()),
            DIVISORS[self.chosen(self.content, "divisor", tuple(DIVISORS), "n", ())],
            {kind: self.entry(kind, entry, ("priors", kind)) for kind, entry in priors.items()},
        )

    def entry(self, kind: str, entry: Any, place: tuple[str, ...]) -> PriorEntry:
        """The prior of one kind."""
        if not isinstance(entry, dict):
            self.refuse(place, f'the prior of `{kind}` is a table, as {{ distribution = "Normal" }}, not {entry!r}.')
        self.known(entry, ENTRY, place, "key")
        base = {key: value for key, value in entry.items() if key != "instead"}
        return self.plain_entry(kind, base, place, self.instead(kind, base, entry.get("instead", []), place))

    def instead(self, kind: str, base: dict[str, Any], others: Any, place: tuple[str, ...]) -> tuple[Any, ...]:
        """What holds for some families and links."""
        here = (*place, "instead")
        if not isinstance(others, list) or not all(isinstance(other, dict) for other in others):
            self.refuse(here, f"what holds for some families is written [[priors.{kind}.instead]].")
        found = []
        for i, other in enumerate(others):
            here = (*place, "instead", str(i))
            self.known(other, ("families", "links", *ENTRY[:-1]), here, "key")
            for key in ("families", "links"):
                names = other.get(key, [])
                if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
                    self.refuse((*here, key), f"`{key}` is a list of names.")
            changed = base | {key: value for key, value in other.items() if key in ENTRY}
            if "distribution" in other and "numbers" not in other:
                changed.pop("numbers", None)
            entry = self.plain_entry(kind, changed, here, ())
            found.append((tuple(other.get("families", ())), tuple(other.get("links", ())), entry))
        return tuple(found)

    def plain_entry(
        self, kind: str, entry: dict[str, Any], place: tuple[str, ...], instead: tuple[Any, ...]
    ) -> PriorEntry:
        """A prior with its scale."""
        prior = self.fitting(kind, self.distribution(kind, entry, place), place)
        scaled = entry.get("scaled", False)
        names = [name for name, kinds in SCALED.items() if kind in kinds]
        if not (isinstance(scaled, bool) or scaled in names):
            allowed = " or ".join(f'"{name}"' for name in names)
            self.refuse((*place, "scaled"), f"`scaled` of `{kind}` is true, false, {allowed}, not {scaled!r}.")
        if scaled is not False:
            try:
                prior.times(2.0)
                if kind == "intercept":
                    prior.moved(1.0)
            except SpecificationError as error:
                self.refuse((*place, "scaled"), str(error))
        return PriorEntry(prior, scaled, self.spaced(kind, entry, prior, place), instead)

    def distribution(self, kind: str, entry: dict[str, Any], place: tuple[str, ...]) -> Distribution:
        """The distribution with its numbers, on the unit scale."""
        name = entry.get("distribution")
        if name is None:
            self.refuse(place, f'the prior of `{kind}` needs `distribution`, a name such as "Normal".')
        allowed = [known for known in DISTRIBUTIONS if known not in WRAPPERS]
        if name not in allowed:
            self.refuse((*place, "distribution"), f"a set takes no distribution {name!r}.{nearest(name, allowed)}")
        cls = DISTRIBUTIONS[name]
        numbers = entry.get("numbers", {})
        here = (*place, "numbers")
        if not isinstance(numbers, dict):
            self.refuse(here, f"`numbers` is a table of the parameters of {name}, as {{ sigma = 1.0 }}.")
        names = tuple(field.name for field in fields(cls))  # type: ignore[arg-type]
        self.known(numbers, names, here, f"parameter of {name} called")
        try:
            prior: Distribution = cls(**numbers)
            square = self.chosen(entry, "of", tuple(SQUARES), "", place)
            prior = SQUARES[square](prior) if square else prior
            if "lower" in entry or "upper" in entry:
                prior = Truncated(prior, entry.get("lower"), entry.get("upper"))
            return prior
        except SpecificationError as error:
            self.refuse(here, str(error))
        except TypeError:
            missing = [name for name in names if name not in numbers]
            self.refuse(here, f"{cls.__name__} needs numbers for {', '.join(missing)}.")

    def fitting(self, kind: str, prior: Distribution, place: tuple[str, ...]) -> Distribution:
        """The prior as parameters of the kind can have it."""
        here = (*place, "distribution")
        if KINDS[kind] == "correlation":
            if prior.partial_correlations(3, False) is None:
                self.refuse(here, f"correlations take LKJ, not {prior}.")
            return prior
        if (prior.of == "covariance matrix") != (KINDS[kind] == "covariance matrix"):
            other = "takes InverseWishart" if prior.of == "number" else "is none"
            self.refuse(here, f"{prior} is a prior of a {prior.of}; `{kind}` {other}.")
        if KINDS[kind] == "covariance matrix":
            return prior
        if prior.of == "correlations":
            self.refuse(here, f"{prior} is a prior of correlations; `{kind}` is none.")
        if KINDS[kind] == "real":
            return prior
        positive = prior.positive_counterpart
        if positive is None or (positive is not prior and not prior.improper):
            hint = f" Take {positive}." if positive is not None else ""
            self.refuse(here, f"`{kind}` is positive, and {prior} allows negative values.{hint}")
        return positive

    def spaced(
        self, kind: str, entry: dict[str, Any], prior: Distribution, place: tuple[str, ...]
    ) -> tuple[float, float] | None:
        """Locations of the first and the last cut point."""
        ends = entry.get("spaced")
        if ends is None:
            return None
        here = (*place, "spaced")
        if kind != "cutpoint":
            self.refuse(here, "`spaced` is for cut points.")
        if not (isinstance(ends, list) and len(ends) == 2 and all(type(end) in (int, float) for end in ends)):
            self.refuse(here, f"`spaced` holds the locations of the first and the last cut point, not {ends!r}.")
        if not ends[0] < ends[1] or "mu" not in prior.numbers:
            self.refuse(here, "`spaced` needs two increasing numbers and a distribution with a location.")
        return float(ends[0]), float(ends[1])

    # -- checks ----------------------------------------------------------------------------------

    def known(self, table: Mapping[str, Any], allowed: Sequence[str], place: tuple[str, ...], what: str) -> None:
        """Refuse keys that nothing reads."""
        for key in table:
            if key not in allowed:
                self.refuse((*place, key), f"there is no {what} `{key}`.{nearest(key, allowed)}")

    def typed(self, table: Mapping[str, Any], key: str, kind: type, what: str, place: tuple[str, ...]) -> None:
        """Refuse a value of the wrong type."""
        if key in table and not isinstance(table[key], kind):
            self.refuse((*place, key), f"`{key}` is {what}, not {table[key]!r}.")

    def chosen(
        self, table: Mapping[str, Any], key: str, allowed: Sequence[str], default: str, place: tuple[str, ...]
    ) -> str:
        """One of several texts."""
        value = table.get(key, default)
        if value != default and value not in allowed:
            names = " or ".join(f'"{name}"' for name in allowed)
            self.refuse((*place, key), f"`{key}` is {names}, not {value!r}.")
        return str(value)

    def refuse(self, place: tuple[str, ...], message: str) -> NoReturn:
        """Raise an error at the line of a key, or of the nearest table that holds it."""
        while place and place not in self.lines:
            place = place[:-1]
        self.refuse_line(self.lines.get(place, 1), message)

    def refuse_line(self, line: int, message: str) -> NoReturn:
        """Raise an error at a line."""
        shown = self.rows[line - 1].rstrip() if 0 < line <= len(self.rows) else ""
        source = f"\n    {shown.strip()}" if shown.strip() else ""
        raise SpecificationError(f"`{self.name}`, line {line}: {message}{source}")


def lines_of_keys(rows: Sequence[str]) -> dict[tuple[str, ...], int]:
    """Line of each table and key of a valid TOML text, by its path; keys inside inline tables are not looked for.

    Tables of an array have their number as the last part of their path.
    """
    found: dict[tuple[str, ...], int] = {}
    seen: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    quotes, depth = "", 0
    for number, row in enumerate(rows, 1):
        if not quotes and depth == 0:
            text = row.strip()
            if text.startswith("["):
                table = key_path(text.strip("[").partition("]")[0])
                found.setdefault(table, number)
                if text.startswith("[["):
                    seen[table] = seen.get(table, -1) + 1
                    table = (*table, str(seen[table]))
                    found[table] = number
            elif "=" in text and not text.startswith("#"):
                path = key_path(text.partition("=")[0])
                for length in range(1, len(path) + 1):
                    found.setdefault(table + path[:length], number)
        quotes, depth = open_brackets(row, quotes, depth)
    return found


def key_path(text: str) -> tuple[str, ...]:
    """Parts of a dotted key."""
    try:
        inner: Any = tomllib.loads(f"{text} = 0")
    except tomllib.TOMLDecodeError:
        return (text.strip(),)
    parts = []
    while isinstance(inner, dict):
        ((part, inner),) = inner.items()
        parts.append(part)
    return tuple(parts)


def open_brackets(row: str, quotes: str, depth: int) -> tuple[str, int]:
    """The quotes of a text that goes on in the next row, and how many brackets are open."""
    header = depth == 0 and not quotes and row.lstrip().startswith("[")
    for token in re.findall(r'"""|\'\'\'|"(?:\\.|[^"\\])*"(?!")|\'[^\']*\'(?!\')|#|[\[\]{}]', row):
        if quotes:
            quotes = "" if token == quotes else quotes
        elif token == "#":
            break
        elif token in ('"""', "'''"):
            quotes = token
        elif token in "[{":
            depth += 1
        elif token in "]}":
            depth -= 1
    return quotes, 0 if header else depth


def nearest(given: Any, allowed: Sequence[str]) -> str:
    """What may have been meant, or all that there is."""
    close = get_close_matches(str(given), allowed, 1)
    return f" Did you mean `{close[0]}`?" if close else f" There are {', '.join(allowed)}."
