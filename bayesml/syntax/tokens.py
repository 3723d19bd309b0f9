"""Text of a formula or hypothesis cut into tokens that know their place."""

import re
from dataclasses import dataclass
from typing import Literal

from bayesml.errors import FormulaError
from bayesml.spec.expressions import PLAIN_NAME, looks_private

Kind = Literal["name", "quoted", "number", "string", "operator", "end"]


@dataclass(frozen=True)
class Token:
    """A piece of the text.

    Parameters
    ----------
    kind : str
        `"quoted"` is a name in backticks.
    text : str
        The name without its backticks, the string without its quotes, else as written.
    position, length : int
        Place in the source.
    """

    kind: Kind
    text: str
    position: int
    length: int

    def __str__(self) -> str:
        return "the end" if self.kind == "end" else f"`{self.text}`"


_NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_OPERATOR = re.compile(r"%in%|\|\||&&|\*\*|<=|>=|==|!=|[-+*/^:~|()\[\],=<>.!&]|[\u2264\u2265\u2260]")
_QUOTED = {
    "`": re.compile(r"`((?:[^`\\]|\\.)*)`"),
    '"': re.compile(r'"((?:[^"\\]|\\.)*)"'),
    "'": re.compile(r"'((?:[^'\\]|\\.)*)'"),
}
_ESCAPE = re.compile(r"\\(.)")
_SAME = {"**": "^", "\u2264": "<=", "\u2265": ">=", "\u2260": "!="}


def tokenize(source: str) -> list[Token]:
    """Tokens of a text, the last one of kind `"end"`.

    Raises
    ------
    FormulaError
        A character that has no meaning, a quote that is not closed, or a name with double
        underscores outside of backticks (a formula is not code).
    """
    tokens: list[Token] = []
    position = 0
    while position < len(source):
        if source[position].isspace():
            position += 1
            continue
        token = token_at(source, position)
        tokens.append(token)
        position += token.length
    tokens.append(Token("end", "", len(source), 1))
    return tokens


def token_at(source: str, position: int) -> Token:
    """The token that starts at a position, which is not a space."""
    first = source[position]
    if first in _QUOTED:
        if not (match := _QUOTED[first].match(source, position)):
            raise FormulaError(f"the quote {first} is not closed", source, position)
        text = _ESCAPE.sub(r"\1", match[1])
        return Token("quoted" if first == "`" else "string", text, position, len(match[0]))
    if match := _NUMBER.match(source, position):
        return Token("number", match[0], position, len(match[0]))
    if match := PLAIN_NAME.match(source, position):
        if looks_private(match[0]):
            message = f"`{match[0]}`: a formula is not code (a column of this name goes in backticks)"
            raise FormulaError(message, source, position, len(match[0]))
        return Token("name", match[0], position, len(match[0]))
    if match := _OPERATOR.match(source, position):
        return Token("operator", _SAME.get(match[0], match[0]), position, len(match[0]))
    raise FormulaError(f"{first!r} has no meaning here (names with signs or spaces go in backticks)", source, position)
