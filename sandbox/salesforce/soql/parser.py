"""Recursive descent over the tokens of a query."""

from __future__ import annotations

import re
from typing import Final

from sandbox.salesforce.soql.tokens import Token, malformed, tokenise, unquote
from sandbox.salesforce.soql.tree import (
    All,
    Any,
    Comparison,
    Condition,
    Literal,
    Membership,
    Not,
    Order,
    Path,
    Query,
)

_COMPARISONS: Final = frozenset({"=", "!=", "<>", "<", "<=", ">", ">="})
_ENDS: Final = ("WHERE", "ORDER", "LIMIT", "OFFSET", "WITH", "GROUP", "HAVING", "FOR", "ALL")
_RELATIVE: Final = re.compile(
    r"(?:YESTERDAY|TODAY|TOMORROW|LAST_90_DAYS|NEXT_90_DAYS"
    r"|(?:LAST|THIS|NEXT)_(?:WEEK|MONTH|QUARTER|YEAR)"
    r"|(?:LAST|NEXT)_N_(?:DAYS|WEEKS|MONTHS|YEARS):\d{1,5}|N_DAYS_AGO:\d{1,5})",
    re.ASCII | re.IGNORECASE,
)
_DEPTH_MAX: Final = 40


def parse(text: str) -> Query:
    """The tree of a query; raises MALFORMED_QUERY as a :class:`Refusal`."""
    parser = _Parser(text)
    query = parser.query()
    parser.expect_end()
    return query


def parse_condition(text: str) -> Condition:
    """The tree of a WHERE clause alone."""
    parser = _Parser(text)
    condition = parser.condition()
    parser.expect_end()
    return condition


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokenise(text)
        self.place = 0
        self.depth = 0

    @property
    def here(self) -> Token:
        return self.tokens[self.place]

    def take(self) -> Token:
        token = self.here
        self.place += token.kind != "end"
        return token

    def fail(self, token: Token | None = None) -> Exception:
        found = token or self.here
        return malformed(self.text, found.at, f"unexpected token: '{found.text}'")

    def word(self, *words: str) -> bool:
        if self.here.is_word(*words):
            self.take()
            return True
        return False

    def sign(self, sign: str) -> bool:
        if self.here.is_sign(sign):
            self.take()
            return True
        return False

    def need_word(self, word: str) -> None:
        if not self.word(word):
            raise self.fail()

    def need_sign(self, sign: str) -> None:
        if not self.sign(sign):
            raise self.fail()

    def expect_end(self) -> None:
        if self.here.kind != "end":
            raise self.fail()

    def query(self) -> Query:
        self.deepen()
        self.need_word("SELECT")
        fields = [self.field()]
        while self.sign(","):
            fields.append(self.field())
        self.need_word("FROM")
        source = self.take()
        if source.kind != "name":
            raise self.fail(source)
        if self.here.kind == "name" and not self.here.is_word(*_ENDS):
            raise malformed(self.text, self.here.at, "aliases are not supported here")
        where = self.condition() if self.word("WHERE") else None
        order: tuple[Order, ...] = ()
        if self.word("ORDER"):
            self.need_word("BY")
            order = self.orders()
        limit = self.count() if self.word("LIMIT") else None
        offset = self.count() if self.word("OFFSET") else 0
        self.depth -= 1
        if offset > 2000:
            raise malformed(self.text, self.here.at, "Maximum SOQL offset allowed is 2000")
        return Query(self.text, source.text, source.at, tuple(fields), where, order, limit, offset)

    def field(self) -> Path | Query | str:
        if self.sign("("):
            inner = self.query()
            self.need_sign(")")
            return inner
        token = self.take()
        if token.kind != "name" or token.is_word("FROM"):
            raise self.fail(token)
        if not self.sign("("):
            return Path(tuple(token.text.split(".")), token.at)
        if token.is_word("COUNT"):
            self.need_sign(")")
            return "COUNT()"
        if token.is_word("FIELDS"):
            scope = self.take()
            self.need_sign(")")
            if scope.is_word("ALL", "STANDARD", "CUSTOM"):
                return f"FIELDS({scope.text.upper()})"
        raise self.fail(token)

    def orders(self) -> tuple[Order, ...]:
        found = [self.order()]
        while self.sign(","):
            found.append(self.order())
        return tuple(found)

    def order(self) -> Order:
        path = self.path()
        descending = self.word("DESC")
        if not descending:
            self.word("ASC")
        nulls_last = False
        if self.word("NULLS"):
            nulls_last = self.word("LAST")
            if not nulls_last:
                self.need_word("FIRST")
        return Order(path, descending, nulls_last)

    def count(self) -> int:
        token = self.take()
        if token.kind != "number" or not token.text.isdigit():
            raise self.fail(token)
        return int(token.text)

    def path(self) -> Path:
        token = self.take()
        if token.kind != "name" or ":" in token.text:
            raise self.fail(token)
        return Path(tuple(token.text.split(".")), token.at)

    def deepen(self) -> None:
        self.depth += 1
        if self.depth > _DEPTH_MAX:
            raise malformed(self.text, self.here.at, "too many nested conditions")

    def condition(self) -> Condition:
        """The platform refuses AND mixed with OR, and a joined NOT, without parentheses."""
        self.deepen()
        if self.word("NOT"):
            self.depth -= 1
            return Not(self.term())
        parts = [self.term()]
        joined: str | None = None
        while self.here.is_word("AND", "OR"):
            word = self.take()
            if joined is not None and word.text.upper() != joined:
                raise self.fail(word)
            joined = word.text.upper()
            parts.append(self.term())
        self.depth -= 1
        if joined is None:
            return parts[0]
        return All(tuple(parts)) if joined == "AND" else Any(tuple(parts))

    def term(self) -> Condition:
        if self.sign("("):
            inner = self.condition()
            self.need_sign(")")
            return inner
        path = self.path()
        token = self.take()
        if token.kind == "sign" and token.text in _COMPARISONS:
            operator = "!=" if token.text == "<>" else token.text
            return Comparison(path, operator, self.literal())
        if token.is_word("LIKE"):
            return Comparison(path, "LIKE", self.literal())
        if token.is_word("IN", "INCLUDES", "EXCLUDES"):
            return self.membership(path, token.text.upper())
        if token.is_word("NOT"):
            self.need_word("IN")
            return self.membership(path, "NOT IN")
        raise self.fail(token)

    def membership(self, path: Path, operator: str) -> Membership:
        self.need_sign("(")
        if self.here.is_word("SELECT") and operator in {"IN", "NOT IN"}:
            inner = self.query()
            self.need_sign(")")
            return Membership(path, operator, query=inner)
        literals = [self.literal()]
        while self.sign(","):
            literals.append(self.literal())
        self.need_sign(")")
        return Membership(path, operator, tuple(literals))

    def literal(self) -> Literal:
        token = self.take()
        match token.kind:
            case "text":
                return Literal("text", unquote(self.text, token), token.at)
            case "number" | "date" | "instant":
                return Literal(token.kind, token.text, token.at)
            case "name":
                word = token.text.upper()
                if word in {"TRUE", "FALSE"}:
                    return Literal("boolean", word, token.at)
                if word == "NULL":
                    return Literal("null", "", token.at)
                if _RELATIVE.fullmatch(word):
                    return Literal("relative", word, token.at)
        raise self.fail(token)
