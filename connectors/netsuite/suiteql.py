"""SuiteQL text: the only place that turns names and values into a query.

Texts travel as ``?`` parameters; only checked names, whole numbers and checked times are written
into the query itself. NetSuite help, "Executing SuiteQL Queries Through REST Web Services".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from connectors.errors import Rejected

STAMP_FORMAT: Final = "YYYY-MM-DD HH24:MI:SS"
DAY_FORMAT: Final = "YYYY-MM-DD"

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}", re.ASCII)
_ID: Final = re.compile(r"-?[0-9]{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Condition:
    """A piece of a WHERE clause and the values of its question marks, in order."""

    text: str
    values: tuple[str, ...] = ()


EVERYTHING: Final = Condition("")


@dataclass(frozen=True, slots=True)
class Query:
    """A whole query and the values of its question marks."""

    text: str
    values: tuple[str, ...] = ()


def record_id(text: str) -> str | None:
    """The id, if it can be one: one that is not a whole number spoils a whole query."""
    return text if _ID.fullmatch(text) else None


def object_name(name: str) -> str:
    """The name, if a record type could be called so. Raises ``Rejected``."""
    if not _NAME.fullmatch(name):
        raise Rejected(
            f"{name!r} cannot be the name of a NetSuite record type", code="INVALID_RECORD_TYPE"
        )
    return name


def field_name(name: str) -> str:
    """The name, if a field could be called so; dots lead into a structure. Raises ``Rejected``."""
    if not all(_NAME.fullmatch(part) for part in name.split(".")):
        raise Rejected(
            f"{name!r} cannot be the name of a NetSuite field",
            code="INVALID_FIELD",
            field_errors={name: "not a field name"},
        )
    return name


def column_name(name: str) -> str:
    """The name as a column; columns have no dots. Raises ``Rejected``."""
    if not _NAME.fullmatch(name):
        raise Rejected(f"{name!r} cannot be a column", code="INVALID_FIELD")
    return name.lower()


def stamp_text(moment: datetime) -> str:
    """A wall-clock time to the second."""
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def stamp_literal(moment: datetime) -> str:
    """A wall-clock time as a query writes it."""
    return f"TO_DATE('{stamp_text(moment)}','{STAMP_FORMAT}')"


def stamp_column(column: str, alias: str) -> str:
    """A time printed the same way whatever the account's and the user's date formats."""
    return f"TO_CHAR({column_name(column)},'{STAMP_FORMAT}') AS {column_name(alias)}"


def day_column(column: str, alias: str) -> str:
    """A date printed the same way whatever the account's and the user's date formats."""
    return f"TO_CHAR({column_name(column)},'{DAY_FORMAT}') AS {column_name(alias)}"


def label_column(column: str, alias: str) -> str:
    """What a reference is called."""
    return f"BUILTIN.DF({column_name(column)}) AS {column_name(alias)}"


def after(column: str, moment: datetime, id: str, *, key: str = "id") -> Condition:
    """The rows that follow (moment, id) in the order of both."""
    at = stamp_literal(moment)
    name, last = column_name(column), _checked_id(id)
    return Condition(f"({name} > {at} OR ({name} = {at} AND {column_name(key)} > {last}))")


def since(column: str, moment: datetime) -> Condition:
    """The rows from a moment on, the second it lies in included."""
    return Condition(f"{column_name(column)} >= {stamp_literal(moment)}")


def id_after(id: str) -> Condition:
    """The rows that follow an id."""
    return Condition(f"id > {_checked_id(id)}")


def ids(values: Sequence[str], *, column: str = "id") -> Condition:
    """The rows with these ids."""
    listed = ", ".join(_checked_id(value) for value in values)
    return Condition(f"{column_name(column)} IN ({listed})")


def all_true(conditions: Sequence[Condition]) -> Condition:
    """The conditions joined by AND."""
    return _joined(conditions, " AND ")


def any_true(conditions: Sequence[Condition]) -> Condition:
    """The conditions joined by OR, each in its own parentheses."""
    return _joined(conditions, " OR ")


def select(
    columns: Sequence[str],
    table: str,
    conditions: Sequence[Condition],
    order: Sequence[str],
) -> Query:
    """One SELECT. ``columns`` are checked names or pieces made here."""
    where = all_true([one for one in conditions if one.text])
    text = f"SELECT {', '.join(columns)} FROM {column_name(table)}"  # noqa: S608 - names checked
    if where.text:
        text += f" WHERE {where.text}"
    if order:
        text += f" ORDER BY {', '.join(column_name(name) for name in order)}"
    return Query(text, where.values)


def _joined(conditions: Sequence[Condition], word: str) -> Condition:
    values = tuple(value for one in conditions for value in one.values)
    if len(conditions) == 1:
        return conditions[0]
    return Condition(word.join(f"({one.text})" for one in conditions), values)


def _checked_id(text: str) -> str:
    if record_id(text) is None:
        raise Rejected(f"{text!r} is not a NetSuite record id", code="INVALID_ID")
    return text
