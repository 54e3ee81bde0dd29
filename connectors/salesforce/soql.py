"""SOQL text: the only place that turns names and values into a query.

Values are quoted by :func:`literal` and nothing else; names are checked by :func:`object_name` and
:func:`field_name`. See the SOQL reference, "Quoted String Escape Sequences" and "Date Formats".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TypeAlias

from connectors.errors import Rejected

Literal: TypeAlias = bool | int | str | Decimal | date | datetime

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}", re.ASCII)
_PATH = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}(\.[A-Za-z][A-Za-z0-9_]{0,79}){0,5}", re.ASCII)
_ESCAPES = {
    "\\": "\\\\",
    "'": "\\'",
    '"': '\\"',
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\b": "\\b",
    "\f": "\\f",
}
_ESCAPE_TABLE = str.maketrans(_ESCAPES)


def object_name(name: str) -> str:
    """The name, if an sObject could be called so. Raises ``Rejected``."""
    if not _NAME.fullmatch(name):
        raise Rejected(f"{name!r} cannot be the name of a Salesforce object", code="INVALID_TYPE")
    return name


def field_name(name: str) -> str:
    """The name, if a field could be called so; dots lead through parents. Raises ``Rejected``."""
    if not _PATH.fullmatch(name):
        raise Rejected(
            f"{name!r} cannot be the name of a Salesforce field",
            code="INVALID_FIELD",
            field_errors={name: "not a field name"},
        )
    return name


def literal(value: Literal | None) -> str:
    """The value as SOQL writes it. Raises ``ValueError`` for a value it has no way to write."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        if "\x00" in value:
            raise ValueError("a text with a NUL character cannot be searched for")
        return "'" + value.translate(_ESCAPE_TABLE) + "'"
    if isinstance(value, datetime):
        return instant_literal(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError("an amount that is not a number cannot be searched for")
        return format(value, "f")
    return str(value)


def instant_literal(value: datetime) -> str:
    """An aware time in UTC, with milliseconds only where there are any."""
    if value.tzinfo is None:
        raise ValueError("a time without a zone is not an instant")
    text = value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    milliseconds = value.microsecond // 1000
    return f"{text}.{milliseconds:03d}Z" if milliseconds else f"{text}Z"


def any_of(field: str, values: Iterable[Literal]) -> str:
    """``field IN (…)``, in the order given."""
    return f"{field_name(field)} IN ({','.join(literal(value) for value in values)})"


def all_true(conditions: Sequence[str]) -> str:
    """The conditions joined by AND, each in its own parentheses when there are several."""
    return _joined(conditions, " AND ")


def any_true(conditions: Sequence[str]) -> str:
    """The conditions joined by OR, each in its own parentheses when there are several."""
    return _joined(conditions, " OR ")


def _joined(conditions: Sequence[str], word: str) -> str:
    if len(conditions) == 1:
        return conditions[0]
    return word.join(f"({condition})" for condition in conditions)


def select(
    object: str,
    fields: Iterable[str],
    *,
    where: str | None = None,
    order: Sequence[str] = (),
    limit: int | None = None,
) -> str:
    """One SELECT. Names repeated in another case are selected once, as SOQL refuses repeats."""
    unique: dict[str, str] = {}
    for name in fields:
        unique.setdefault(field_name(name).lower(), name)
    names = ",".join(unique.values())
    text = f"SELECT {names} FROM {object_name(object)}"  # noqa: S608 - names are checked
    if where is not None:
        text += f" WHERE {where}"
    if order:
        text += f" ORDER BY {', '.join(field_name(name) for name in order)}"
    if limit is not None:
        text += f" LIMIT {limit:d}"
    return text
