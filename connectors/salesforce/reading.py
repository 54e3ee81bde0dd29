"""Rows of an answer as records: typed by what the account says of its fields.

Formats: Object Reference, "Primitive Data Types" and "Field Types".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Final, TypeAlias

from connectors.base import FieldType
from connectors.errors import UnexpectedAnswer
from connectors.records import Life, Record, Ref, Selection, Value
from connectors.salesforce.describing import Column, Schema, Schemas
from connectors.salesforce.ids import normal_id

STAMP = "SystemModstamp"
Row: TypeAlias = Mapping[str, object]
_BOOKKEEPING = (
    "IsDeleted",
    "MasterRecordId",
    "IsConverted",
    "ConvertedContactId",
    "ConvertedAccountId",
    "ConvertedOpportunityId",
)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:?\d\d)", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


@dataclass(frozen=True, slots=True)
class Reading:
    """How rows of one selection are asked for and understood."""

    object: str
    columns: tuple[Column, ...]
    traits: frozenset[str]
    versioned: bool

    @property
    def soql_fields(self) -> tuple[str, ...]:
        """What to select, the bookkeeping included."""
        stamp = (STAMP,) if self.versioned else ()
        return ("Id", *stamp, *sorted(self.traits), *(column.soql for column in self.columns))

    @property
    def live(self) -> tuple[str, ...]:
        """What keeps a plain query, which leaves out the recycle bin, to live records."""
        return ("IsConverted = false",) if "IsConverted" in self.traits else ()

    def record(self, row: Row) -> Record:
        """The record a row shows. Raises ``UnexpectedAnswer``."""
        id = row_id(row)
        life, successor, edges = self._life(row)
        return Record(
            ref=Ref(self.object, id),
            fields=(
                MappingProxyType({})
                if life in (Life.DELETED, Life.MERGED)
                else MappingProxyType(
                    {column.key: _value_at(row, column) for column in self.columns}
                )
            ),
            version=parse_instant(row.get(STAMP)) if self.versioned else None,
            life=life,
            successor=successor,
            edges=MappingProxyType(edges),
        )

    def _life(self, row: Row) -> tuple[Life, Ref | None, dict[str, Ref]]:
        master = _reference(row.get("MasterRecordId"))
        if row.get("IsDeleted") and master:
            return Life.MERGED, Ref(self.object, master), {}
        if row.get("IsConverted"):
            contact = _reference(row.get("ConvertedContactId"))
            edges = {
                role: Ref(object, id)
                for role, object in (("account", "Account"), ("opportunity", "Opportunity"))
                if (id := _reference(row.get(f"Converted{object}Id")))
            }
            return Life.CONVERTED, Ref("Contact", contact) if contact else None, edges
        if row.get("IsDeleted"):
            return Life.DELETED, None, {}
        return Life.LIVE, None, {}


def reading(schemas: Schemas, selection: Selection) -> Reading:
    """Prepare to read a selection; describes the object, and its parents where paths lead there."""
    schema = schemas.get(selection.object)
    return Reading(
        object=schema.name,
        columns=tuple(schemas.column(selection.object, name) for name in selection.fields),
        traits=traits(schema),
        versioned=schema.find(STAMP) is not None,
    )


def traits(schema: Schema) -> frozenset[str]:
    """Which bookkeeping fields the object has. Only leads are converted into a contact."""
    found = frozenset(name for name in _BOOKKEEPING if schema.find(name) is not None)
    return found if "ConvertedContactId" in found else found - {"IsConverted"}


def gone(object: str, id: str) -> Record:
    """What is known of a record that no longer exists."""
    return Record(ref=Ref(object, id), fields=MappingProxyType({}), life=Life.DELETED)


def row_id(row: Row) -> str:
    """The row's id. Raises ``UnexpectedAnswer``."""
    id = _reference(row.get("Id"))
    if id is None:
        raise UnexpectedAnswer("a row came without a record id", code="ROW_WITHOUT_ID")
    return id


def parse_instant(value: object) -> datetime:
    """An instant as the vendor prints it, in UTC. Raises ``UnexpectedAnswer``."""
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        try:
            return datetime.fromisoformat(value).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise _mismatch("a date and time")


def typed(kind: FieldType, value: object) -> Value:
    """The value as the field's type says. Raises ``UnexpectedAnswer`` where it is another type."""
    if value is None:
        return None
    convert = _CONVERTERS.get(kind, _frozen)
    return convert(value)


def _value_at(row: Row, column: Column) -> Value:
    here: object = row
    for step in column.path[:-1]:
        if here is None:
            return None
        if not isinstance(here, Mapping):
            raise _mismatch("a parent record")
        here = here.get(step)
    if here is None:
        return None
    name = column.path[-1]
    if not isinstance(here, Mapping) or name not in here:
        raise UnexpectedAnswer(f"a row came without its field {column.soql}", code="ROW_SHAPE")
    if column.field.vendor_type == "id":
        return _reference(here[name])
    try:
        return typed(column.field.description.type, here[name])
    except UnexpectedAnswer as error:
        raise UnexpectedAnswer(
            f"{column.soql} did not come as {column.field.vendor_type}: {error.message}",
            code=error.code,
        ) from None


def _mismatch(expected: str) -> UnexpectedAnswer:
    return UnexpectedAnswer(f"expected {expected}", code="VALUE_TYPE")


def _reference(value: object) -> str | None:
    """An id in 18 characters; a text that is none stays as it is."""
    if value is None or value == "":
        return None
    text = _text(value)
    return normal_id(text) or text


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _mismatch("text")
    return value


def _decimal(value: object) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    raise _mismatch("a number")


def _integer(value: object) -> int:
    number = _decimal(value)
    if number != number.to_integral_value():
        raise _mismatch("a whole number")
    return int(number)


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise _mismatch("true or false")
    return value


def _date(value: object) -> date:
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise _mismatch("a date")


def _choices(value: object) -> tuple[str, ...]:
    return tuple(sorted(part for part in _text(value).split(";") if part))


def _frozen(value: object) -> Value:
    """A compound value (an address, a location) as it came, unchangeable."""
    if isinstance(value, Mapping):
        return MappingProxyType(
            {str(key): _frozen(part) for key, part in value.items() if key != "attributes"}
        )
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(_frozen(part) for part in value)
    if value is None or isinstance(value, bool | int | str | Decimal):
        return value
    raise _mismatch("a value")


_CONVERTERS: Final[Mapping[FieldType, Callable[[object], Value]]] = MappingProxyType(
    {
        FieldType.TEXT: _text,
        FieldType.CHOICE: _text,
        FieldType.CHOICES: _choices,
        FieldType.REFERENCE: _reference,
        FieldType.INTEGER: _integer,
        FieldType.DECIMAL: _decimal,
        FieldType.BOOLEAN: _boolean,
        FieldType.DATE: _date,
        FieldType.INSTANT: parse_instant,
        FieldType.OTHER: _frozen,
    }
)
