"""The ``q`` of a list: ``field OPERATOR value``, AND before OR, parentheses.

"Record Collection Filtering", NetSuite help. Dates are in the account's format, M/D/YYYY.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, TypeAlias

from sandbox.netsuite.errors import parameter_error
from sandbox.netsuite.schema import FieldSpec, RecordType

Test: TypeAlias = Callable[[Mapping[str, Any]], bool]

_TOKEN: Final = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([()\[\],])|([^\s()\[\],"]+))')
_KINDS: Final[Mapping[str, frozenset[str]]] = {
    "IS": frozenset({"text", "boolean", "enum"}),
    "CONTAIN": frozenset({"text"}),
    "START_WITH": frozenset({"text"}),
    "END_WITH": frozenset({"text"}),
    "EQUAL": frozenset({"number", "integer"}),
    "GREATER": frozenset({"number", "integer"}),
    "GREATER_OR_EQUAL": frozenset({"number", "integer"}),
    "LESS": frozenset({"number", "integer"}),
    "LESS_OR_EQUAL": frozenset({"number", "integer"}),
    "BETWEEN": frozenset({"number", "integer"}),
    "ANY_OF": frozenset({"ref", "enum", "id"}),
    "ON": frozenset({"date", "instant"}),
    "BEFORE": frozenset({"date", "instant"}),
    "AFTER": frozenset({"date", "instant"}),
    "ON_OR_BEFORE": frozenset({"date", "instant"}),
    "ON_OR_AFTER": frozenset({"date", "instant"}),
    "EMPTY": frozenset({"text", "number", "integer", "date", "instant", "ref", "enum"}),
}
_COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "IS": lambda have, want: have == want,
    "CONTAIN": lambda have, want: want in have,
    "START_WITH": lambda have, want: have.startswith(want),
    "END_WITH": lambda have, want: have.endswith(want),
    "EQUAL": lambda have, want: have == want,
    "GREATER": lambda have, want: have > want,
    "GREATER_OR_EQUAL": lambda have, want: have >= want,
    "LESS": lambda have, want: have < want,
    "LESS_OR_EQUAL": lambda have, want: have <= want,
    "BETWEEN": lambda have, want: want[0] <= have <= want[1],
    "ANY_OF": lambda have, want: have in want,
    "ON": lambda have, want: have[:10] == want,
    "BEFORE": lambda have, want: have[:10] < want,
    "AFTER": lambda have, want: have[:10] > want,
    "ON_OR_BEFORE": lambda have, want: have[:10] <= want,
    "ON_OR_AFTER": lambda have, want: have[:10] >= want,
}


def parse(text: str, spec: RecordType) -> Test:
    """The test that a filter means for rows of a type; refuses what it cannot read."""
    return _Parser(text, spec).whole()


def _wrong(message: str) -> Exception:
    return parameter_error(f"Invalid query: {message}.", "q")


class _Parser:
    def __init__(self, text: str, spec: RecordType) -> None:
        self._spec = spec
        self._tokens: list[tuple[str, bool]] = []  # text, whether it was quoted
        place, end = 0, len(text.rstrip())
        while place < end:
            match = _TOKEN.match(text, place)
            if match is None:
                raise _wrong(f"cannot read {text[place:]!r}")
            quoted = match[1]
            plain = match[2] or match[3]
            whole = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain
            self._tokens.append((whole, quoted is not None))
            place = match.end()
        self._at = 0

    def whole(self) -> Test:
        test = self._either()
        if self._at != len(self._tokens):
            raise _wrong(f"unexpected {self._tokens[self._at][0]!r}")
        return test

    def _peek(self) -> str:
        return self._tokens[self._at][0] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        if self._at >= len(self._tokens):
            raise _wrong("it ends too early")
        self._at += 1
        return self._tokens[self._at - 1][0]

    def _either(self) -> Test:
        tests = [self._both()]
        while self._peek() == "OR":
            self._next()
            tests.append(self._both())
        return lambda row: any(test(row) for test in tests)

    def _both(self) -> Test:
        tests = [self._one()]
        while self._peek() == "AND":
            self._next()
            tests.append(self._one())
        return lambda row: all(test(row) for test in tests)

    def _one(self) -> Test:
        if self._peek() == "(":
            self._next()
            inner = self._either()
            if self._next() != ")":
                raise _wrong("a parenthesis is not closed")
            return inner
        name, operator = self._next(), self._next()
        negated = operator.endswith("_NOT")
        operator = operator.removesuffix("_NOT")
        field = FieldSpec("id", "id") if name == "id" else self._spec.fields.get(name)
        if field is None:
            raise _wrong(f"unknown field {name}")
        if operator not in _KINDS or field.kind not in _KINDS[operator]:
            raise _wrong(f"{operator} does not fit {name}")
        if operator == "EMPTY":
            return lambda row: (row.get(name) is None) != negated
        wanted, compare = self._operand(field, operator), _COMPARE[operator]
        lower = field.kind == "text"

        def test(row: Mapping[str, Any]) -> bool:
            have = row.get(name)
            if field.kind == "boolean":
                have = bool(have)
            if have is None:
                return negated
            return compare(have.lower() if lower else have, wanted) != negated

        return test

    def _operand(self, field: FieldSpec, operator: str) -> Any:
        if operator not in {"BETWEEN", "ANY_OF"}:
            return _value(field, self._next())
        if self._next() != "[":
            raise _wrong(f"{operator} takes a list in brackets")
        values = [_value(field, self._next())]
        while self._next() == ",":
            values.append(_value(field, self._next()))
        if operator == "BETWEEN" and len(values) != 2:
            raise _wrong("BETWEEN takes two values")
        return values


def _value(field: FieldSpec, text: str) -> Any:
    try:
        match field.kind:
            case "number" | "integer":
                return Decimal(text)
            case "boolean":
                return {"true": True, "false": False}[text]
            case "date" | "instant":
                return datetime.strptime(text, "%m/%d/%Y").date().isoformat()  # noqa: DTZ007
    except (ArithmeticError, KeyError, ValueError) as error:
        raise _wrong(f"{text!r} is no value for {field.name}") from error
    return text.lower() if field.kind == "text" else text
