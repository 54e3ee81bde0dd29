"""The words of a query, and a place among them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_TOKEN: Final = re.compile(
    r"""\s*(?:
      (?P<string>'(?:[^']|'')*')
    | (?P<quoted>"[^"]+")
    | (?P<number>\d+(?:\.\d+)?)
    | (?P<name>[A-Za-z_][A-Za-z0-9_$]*)
    | (?P<sign><>|!=|<=|>=|\|\||[-+*/(),.=<>?])
    )""",
    re.VERBOSE,
)
RESERVED: Final = frozenset(
    {
        "select", "distinct", "from", "where", "group", "by", "having", "order", "asc", "desc",
        "and", "or", "not", "in", "like", "is", "null", "between", "join", "inner", "left",
        "outer", "on", "as", "case", "when", "then", "else", "end", "fetch", "first", "next",
        "rows", "row", "only", "nulls", "last", "limit", "union", "escape",
    }
)  # fmt: skip


class QueryError(ValueError):
    """The query cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Token:
    """One word: string, quoted, number, name, sign or end. Quotes are taken off."""

    kind: str
    text: str


def tokens_of(text: str) -> list[Token]:
    """The words of a query, and the end."""
    found, place, end = [], 0, len(text.rstrip())
    while place < end:
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise QueryError(f"cannot read {text[place : place + 20]!r}")
        kind, word = match.lastgroup, match[match.lastgroup]
        if kind == "string":
            word = word[1:-1].replace("''", "'")
        elif kind == "quoted":
            word = word[1:-1]
        found.append(Token(kind, word))
        place = match.end()
    found.append(Token("end", ""))
    return found


class Cursor:
    """A place in a query, and the ways to go on from there."""

    def __init__(self, text: str) -> None:
        self._tokens = tokens_of(text)
        self._at = 0

    def _peek(self, ahead: int = 0) -> Token:
        place = min(self._at + ahead, len(self._tokens) - 1)
        return self._tokens[place]

    def _is(self, *words: str) -> bool:
        token = self._peek()
        return token.kind in {"name", "sign"} and token.text.lower() in words

    def _take(self, *words: str) -> bool:
        if self._is(*words):
            self._at += 1
            return True
        return False

    def _expect(self, *words: str) -> None:
        for word in words:
            if not self._take(word):
                shown = self._peek().text or "the end"
                raise QueryError(f"{word.upper()} is expected at {shown!r}")

    def _is_name(self) -> bool:
        token = self._peek()
        plain = token.kind == "name" and token.text.lower() not in RESERVED
        return plain or token.kind == "quoted"

    def _name(self) -> str:
        if not self._is_name():
            raise QueryError(f"a name is expected at {self._peek().text or 'the end'!r}")
        self._at += 1
        return self._tokens[self._at - 1].text
