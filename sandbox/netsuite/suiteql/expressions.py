"""Values of a query: columns, constants, parameters, functions, arithmetic, CASE."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from sandbox.netsuite.suiteql.tables import Column
from sandbox.netsuite.suiteql.tokens import Cursor, QueryError

AGGREGATES: Final = {"COUNT": "COUNT", "SUM": "EXACT_SUM", "MAX": "MAX", "MIN": "MIN", "AVG": "AVG"}
# name: the engine's name, least and most arguments, kind of the result (None: that of the first)
FUNCTIONS: Final[Mapping[str, tuple[str, int, int, str | None]]] = {
    "TO_CHAR": ("TO_CHAR", 1, 2, "text"),
    "TO_DATE": ("TO_DATE", 2, 2, "date"),
    "TO_TIMESTAMP": ("TO_DATE", 2, 2, "date"),
    "TO_NUMBER": ("AS_NUMBER", 1, 1, "number"),
    "NVL": ("COALESCE", 2, 2, None),
    "COALESCE": ("COALESCE", 2, 9, None),
    "UPPER": ("UPPER", 1, 1, "text"),
    "LOWER": ("LOWER", 1, 1, "text"),
    "LENGTH": ("LENGTH", 1, 1, "number"),
    "SUBSTR": ("SUBSTR", 2, 3, "text"),
    "ABS": ("ABS", 1, 1, "number"),
    "ROUND": ("ROUND", 1, 2, "number"),
}
CLOCKS: Final = frozenset({"SYSDATE", "SYSTIMESTAMP", "CURRENT_DATE", "CURRENT_TIMESTAMP"})
DEPTH_MAX: Final = 50
NO_SOURCES: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Expression:
    """A piece of SQL. ``constant``: a literal or parameter, of the kind it is needed in."""

    sql: str
    kind: str  # number, text, flag, date, unknown
    column: Column | None = None
    alias: str = ""
    name: str = ""
    constant: bool = False


def fitted(one: Expression, other: Expression) -> str:
    """A text or parameter as the kind of what it is compared to."""
    if one.constant and one.kind in {"text", "unknown"}:
        if other.kind == "date":
            return f"ACCOUNT_DATE({one.sql})"
        if other.kind == "number":
            return f"AS_NUMBER({one.sql})"
    return one.sql


class Values(Cursor, ABC):
    """Reads values."""

    def __init__(
        self,
        text: str,
        tables: Mapping[str, Mapping[str, Column]],
        sources: Mapping[str, str] = NO_SOURCES,
    ) -> None:
        super().__init__(text)
        self._tables = tables
        self._sources = sources  # what is read in place of a table
        self._scope: dict[str, str] = {}  # alias → table
        self._aliases: dict[str, Expression] = {}
        self._parameters = 0
        self._depth = 0

    @abstractmethod
    def _condition(self) -> str:
        """A condition, for CASE."""

    def _value(self) -> Expression:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise QueryError("it is nested too deeply")
        left = self._product()
        while self._is("+", "-", "||"):
            sign = self._peek().text
            self._at += 1
            right = self._product()
            kind = "text" if sign == "||" else "number"
            left = Expression(f"({left.sql} {sign} {right.sql})", kind)
        self._depth -= 1
        return left

    def _product(self) -> Expression:
        left = self._atom()
        while self._is("*", "/"):
            sign = self._peek().text
            self._at += 1
            right = self._atom()
            exact = " * 1.0" if sign == "/" else ""
            left = Expression(f"({left.sql}{exact} {sign} {right.sql})", "number")
        return left

    def _atom(self) -> Expression:
        token = self._peek()
        if self._take("("):
            inner = self._value()
            self._expect(")")
            return Expression(f"({inner.sql})", inner.kind)
        if self._take("-"):
            inner = self._atom()
            return Expression(f"(-{inner.sql})", "number")
        if self._take("?"):
            self._parameters += 1
            return Expression("?", "unknown", constant=True)
        if token.kind == "number":
            self._at += 1
            return Expression(token.text, "number", constant=True)
        if token.kind == "string":
            self._at += 1
            quoted = token.text.replace("'", "''")
            return Expression(f"'{quoted}'", "text", constant=True)
        if self._take("null"):
            return Expression("NULL", "unknown")
        if self._take("case"):
            return self._case()
        return self._named()

    def _case(self) -> Expression:
        parts, kind = [], "text"
        while self._take("when"):
            condition = self._condition()
            self._expect("then")
            value = self._value()
            kind = value.kind
            parts.append(f"WHEN {condition} THEN {value.sql}")
        if not parts:
            raise QueryError("WHEN is expected after CASE")
        if self._take("else"):
            parts.append(f"ELSE {self._value().sql}")
        self._expect("end")
        return Expression(f"(CASE {' '.join(parts)} END)", kind)

    def _named(self) -> Expression:
        name = self._name()
        word = name.upper()
        if word == "BUILTIN" and self._take("."):
            return self._built_in()
        if self._is("("):
            return self._call(word)
        if word in CLOCKS and name.lower() not in self._aliases:
            return Expression("ACCOUNT_NOW()", "date")
        if self._take("."):
            return self._column(name.lower(), self._name().lower())
        found = self._aliases.get(name.lower())
        if found is not None:
            return Expression(f'"{found.name}"', found.kind)
        holders = [one for one, table in self._scope.items() if name.lower() in self._tables[table]]
        if len(holders) > 1:
            raise QueryError(f"'{name}' is in several tables")
        if not holders:
            raise QueryError(f"Unknown identifier '{name}'.")
        return self._column(holders[0], name.lower())

    def _column(self, alias: str, name: str) -> Expression:
        table = self._scope.get(alias)
        column = self._tables[table].get(name) if table is not None else None
        if column is None:
            raise QueryError(f"Field '{name}' for record '{table or alias}' was not found.")
        return Expression(f'"{alias}"."{name}"', column.kind, column, alias, name)

    def _built_in(self) -> Expression:
        function = self._name().upper()
        if function != "DF":
            raise QueryError(f"unknown function BUILTIN.{function}")
        self._expect("(")
        inner = self._value()
        self._expect(")")
        column = inner.column
        if column is None:
            raise QueryError("BUILTIN.DF takes a field")
        if column.name in {"status", "type"} and self._scope[inner.alias] == "transaction":
            return Expression(f'"{inner.alias}"."{column.name}name"', "text")
        if column.target is None:
            return Expression(f"TO_CHAR({inner.sql})", "text")
        return Expression(f"DISPLAY_NAME('{column.target}', {inner.sql})", "text")

    def _call(self, word: str) -> Expression:
        self._expect("(")
        if word in AGGREGATES:
            return self._aggregate(word)
        if word not in FUNCTIONS:
            raise QueryError(f"unknown function {word}")
        name, least, most, kind = FUNCTIONS[word]
        arguments = [self._value()]
        while self._take(","):
            arguments.append(self._value())
        self._expect(")")
        if not least <= len(arguments) <= most:
            raise QueryError(f"{word} takes {least} to {most} arguments")
        inner = ", ".join(one.sql for one in arguments)
        return Expression(f"{name}({inner})", kind or arguments[0].kind)

    def _aggregate(self, word: str) -> Expression:
        if word == "COUNT" and self._take("*"):
            self._expect(")")
            return Expression("COUNT(*)", "number")
        distinct = "DISTINCT " if self._take("distinct") else ""
        inner = self._value()
        self._expect(")")
        kind = inner.kind if word in {"MAX", "MIN"} else "number"
        return Expression(f"{AGGREGATES[word]}({distinct}{inner.sql})", kind)
