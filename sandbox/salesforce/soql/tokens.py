"""Cutting a query into tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sandbox.salesforce.errors import Refusal

_PATTERN: Final = re.compile(
    r"""\s*(?:
      (?P<instant>\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2}))
    | (?P<date>\d{4}-\d{2}-\d{2}(?![\dT]))
    | (?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?![\w.]))
    | (?P<text>'(?:[^'\\]|\\.)*')
    | (?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*(?::\d+)?)
    | (?P<sign><=|>=|!=|<>|=|<|>|\(|\)|,)
    )""",
    re.VERBOSE | re.ASCII | re.DOTALL,
)
# What a literal underscore or percent sign is kept as until LIKE, or any other operator, reads it.
LITERAL_UNDERSCORE: Final = "\ufdd0"
LITERAL_PERCENT: Final = "\ufdd1"
_ESCAPES: Final = {
    "n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\",
    "_": LITERAL_UNDERSCORE, "%": LITERAL_PERCENT,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Token:
    """``kind`` is the group that matched or ``end``; ``at`` the 0-based place in the query."""

    kind: str
    text: str
    at: int

    def is_word(self, *words: str) -> bool:
        """Whether this is one of the (upper-case) keywords."""
        return self.kind == "name" and self.text.upper() in words

    def is_sign(self, sign: str) -> bool:
        """Whether this is the sign."""
        return self.kind == "sign" and self.text == sign


def malformed(query: str, at: int, message: str) -> Refusal:
    """MALFORMED_QUERY, pointing at the place as the platform does."""
    return Refusal("MALFORMED_QUERY", _pointing(query, at, message))


def no_such_field(query: str, at: int, name: str, entity: str) -> Refusal:
    """INVALID_FIELD for a name that is not on the object."""
    message = (
        f"No such column '{name}' on entity '{entity}'. If you are attempting to use a custom "
        "field, be sure to append the '__c' after the custom field name. Please reference your "
        "WSDL or the describe call for the appropriate names."
    )
    return Refusal("INVALID_FIELD", _pointing(query, at, message))


def _pointing(query: str, at: int, message: str) -> str:
    near = query[max(0, at - 30) : at + 30].replace("\n", " ")
    return f"\n{near}\n{' ' * min(at, 30)}^\nERROR at Row:1:Column:{at + 1}\n{message}"


def tokenise(query: str) -> list[Token]:
    """The tokens with an ``end`` token last; raises MALFORMED_QUERY on a stray character."""
    if len(query) > 100_000:
        raise Refusal("QUERY_TOO_COMPLICATED", "SOQL statements cannot be longer than 100000.")
    found: list[Token] = []
    at = 0
    end = len(query.rstrip())
    while at < end:
        match = _PATTERN.match(query, at)
        if match is None:
            rest = query[at:].lstrip()
            raise malformed(query, at, f"unexpected token: '{rest[:20]}'")
        kind = str(match.lastgroup)
        found.append(Token(kind, match[kind], match.start(kind)))
        at = match.end()
    found.append(Token("end", "<EOF>", end))
    return found


def unquote(query: str, token: Token) -> str:
    """The value of a text token, escaped wildcards as their stand-ins."""

    def replaced(match: re.Match[str]) -> str:
        if match[1] not in _ESCAPES:
            message = f"Illegal character sequence '\\{match[1]}'"
            raise Refusal("INVALID_SOQL", _pointing(query, token.at, message))
        return _ESCAPES[match[1]]

    return re.sub(r"\\(.)", replaced, token.text[1:-1], flags=re.DOTALL)
