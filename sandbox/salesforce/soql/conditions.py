"""A WHERE clause as one Python function of a row.

Text compares without regard to case, a blank text is null, ``!=`` and ``NOT IN`` let nulls pass,
and a comparison with null on either side is otherwise false.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final, TypeAlias

from sandbox.salesforce import ids
from sandbox.salesforce.errors import Refusal
from sandbox.salesforce.schema import NUMBERS, TEXTS, FieldSpec, ObjectSpec
from sandbox.salesforce.soql import tree
from sandbox.salesforce.soql.dates import day_range
from sandbox.salesforce.soql.paths import Getter, Org, resolve
from sandbox.salesforce.soql.tokens import LITERAL_PERCENT, LITERAL_UNDERSCORE
from sandbox.salesforce.values import Row, instant_text, parse_instant

Test: TypeAlias = Callable[[Row], bool]
SubQuery: TypeAlias = Callable[[tree.Query], frozenset[Any]]

_ORDERED: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Conditions:
    """Compiles the conditions of one query on one object."""

    def __init__(
        self, org: Org, source: ObjectSpec, query: str, now: datetime, sub_query: SubQuery
    ) -> None:
        self._org = org
        self._source = source
        self._query = query
        self._now = now
        self._sub_query = sub_query

    def compile(self, condition: tree.Condition) -> Test:
        """The condition as a function; raises :class:`Refusal` for a type mismatch."""
        match condition:
            case tree.Comparison():
                return self._comparison(condition)
            case tree.Membership():
                return self._membership(condition)
            case tree.Not(inner):
                negated = self.compile(inner)
                return lambda row: not negated(row)
            case tree.All(conditions):
                every = tuple(self.compile(part) for part in conditions)
                return lambda row: all(test(row) for test in every)
            case tree.Any(conditions):
                some = tuple(self.compile(part) for part in conditions)
                return lambda row: any(test(row) for test in some)

    def _field(self, path: tree.Path) -> tuple[FieldSpec, Getter]:
        found = resolve(self._org, self._source, path, self._query)
        if not filterable(found.field):
            message = f"field '{found.field.name}' can not be filtered in a query call"
            raise Refusal("INVALID_FIELD", message)
        return found.field, found.get

    def _comparison(self, condition: tree.Comparison) -> Test:
        field, get = self._field(condition.path)
        sign = condition.operator
        if condition.literal.kind == "relative":
            return self._relative(field, get, sign, condition.literal.text)
        if sign == "LIKE":
            return _like(field, get, condition.literal)
        value = typed(field, condition.literal)
        if value is None:
            if sign not in {"=", "!="}:
                raise _bad_operator(field)
            return (
                (lambda row: get(row) is None) if sign == "=" else lambda row: get(row) is not None
            )
        key = keyed(field, get)
        if sign == "=":
            return lambda row: key(row) == value
        if sign == "!=":
            return lambda row: key(row) != value
        if field.type in {"boolean", "multipicklist"}:
            raise _bad_operator(field)
        compare = _ORDERED[sign]

        def ordered(row: Row) -> bool:
            here = key(row)
            return here is not None and compare(here, value)

        return ordered

    def _relative(self, field: FieldSpec, get: Getter, sign: str, literal: str) -> Test:
        if field.type not in {"date", "datetime"} or sign == "LIKE":
            raise _mistyped(field)
        first, after = (self._day(field, day) for day in day_range(literal, self._now.date()))
        tests: dict[str, Callable[[Any], bool]] = {
            "=": lambda here: first <= here < after,
            "!=": lambda here: not first <= here < after,
            "<": lambda here: here < first,
            "<=": lambda here: here < after,
            ">": lambda here: here >= after,
            ">=": lambda here: here >= first,
        }
        test = tests[sign]
        null_passes = sign == "!="

        def relative(row: Row) -> bool:
            here = get(row)
            return null_passes if here is None else test(here)

        return relative

    @staticmethod
    def _day(field: FieldSpec, day: date) -> str:
        if field.type == "date":
            return day.isoformat()
        return instant_text(datetime.combine(day, time(), UTC))

    def _membership(self, condition: tree.Membership) -> Test:
        field, get = self._field(condition.path)
        if condition.operator in {"INCLUDES", "EXCLUDES"}:
            return _includes(field, get, condition)
        values = (
            self._sub_query(condition.query)
            if condition.query is not None
            else frozenset(typed(field, literal) for literal in condition.literals)
        )
        key = keyed(field, get)
        if condition.operator == "IN":
            return lambda row: key(row) in values
        return lambda row: key(row) not in values


def filterable(field: FieldSpec) -> bool:
    """Long text and compound fields can be neither filtered nor sorted by."""
    return field.type != "address" and not (field.type == "textarea" and field.length > 255)


def keyed(field: FieldSpec, get: Getter) -> Getter:
    """Reads the field in the form it is compared in."""
    if field.type in TEXTS and not field.case_sensitive:

        def folded(row: Row) -> Any:
            here = get(row)
            return here.lower() if here is not None else None

        return folded
    return get


def typed(field: FieldSpec, literal: tree.Literal) -> Any:
    """A literal in the form the field is compared in; refuses a literal of another type."""
    if literal.kind == "null" or (literal.kind == "text" and literal.text == ""):
        return None
    if field.type in {"id", "reference"} and literal.kind == "text":
        try:
            return ids.normalise(literal.text)
        except ids.MalformedId as error:
            message = f"invalid ID field: {literal.text}"
            raise Refusal("INVALID_QUERY_FILTER_OPERATOR", message) from error
    if (field.type in TEXTS or field.type == "multipicklist") and literal.kind == "text":
        text = literal.text.replace(LITERAL_UNDERSCORE, "_").replace(LITERAL_PERCENT, "%")
        return text if field.case_sensitive or field.type == "multipicklist" else text.lower()
    if field.type in NUMBERS and literal.kind == "number":
        return Decimal(literal.text)
    if field.type == "boolean" and literal.kind == "boolean":
        return literal.text == "TRUE"
    if field.type in {"date", "datetime"}:
        return _typed_time(field, literal)
    raise _mistyped(field)


def _typed_time(field: FieldSpec, literal: tree.Literal) -> str:
    try:
        if field.type == "date" and literal.kind == "date":
            return date.fromisoformat(literal.text).isoformat()
        if field.type == "datetime" and literal.kind == "instant":
            instant = parse_instant(literal.text)
            # Kept instants are whole seconds; a fraction still has to sort between them.
            return instant_text(instant)[:-8] + f"{instant.microsecond // 1000:03d}+0000"
    except ValueError as error:
        raise Refusal("INVALID_FIELD", f"invalid date: {literal.text}") from error
    raise _mistyped(field)


def _mistyped(field: FieldSpec) -> Refusal:
    quoted = "" if field.type in TEXTS or field.type in {"id", "reference"} else "not "
    kind = {"datetime": "dateTime", "id": "ID", "reference": "ID"}.get(field.type, field.type)
    return Refusal(
        "INVALID_FIELD",
        f"value of filter criterion for field '{field.name}' must be of type {kind} and should "
        f"{quoted}be enclosed in quotes",
    )


def _bad_operator(field: FieldSpec) -> Refusal:
    return Refusal("INVALID_QUERY_FILTER_OPERATOR", f"invalid operator on {field.type} field")


def _like(field: FieldSpec, get: Getter, literal: tree.Literal) -> Test:
    if field.type not in TEXTS or literal.kind != "text":
        raise _bad_operator(field)
    signs = {"%": ".*", "_": ".", LITERAL_PERCENT: "%", LITERAL_UNDERSCORE: "_"}
    text = literal.text.lower()
    pattern = re.compile("".join(signs.get(sign) or re.escape(sign) for sign in text), re.DOTALL)

    def like(row: Row) -> bool:
        here = get(row)
        return here is not None and pattern.fullmatch(here.lower()) is not None

    return like


def _includes(field: FieldSpec, get: Getter, condition: tree.Membership) -> Test:
    if field.type != "multipicklist":
        raise _bad_operator(field)
    wanted = tuple(frozenset(literal.text.split(";")) for literal in condition.literals)

    def includes(row: Row) -> bool:
        here = frozenset((get(row) or "").split(";"))
        return any(group <= here for group in wanted)

    if condition.operator == "INCLUDES":
        return includes
    return lambda row: not includes(row)
