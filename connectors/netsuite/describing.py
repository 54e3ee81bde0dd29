"""Which fields a record has: those of the vendor's browser, and the account's own by their prefix.

The account's own metadata catalogue is not read; what it adds (``custbody_…``) is accepted, and a
field it lacks is refused by name when it is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from connectors.base import FieldDescription, FieldType, ObjectDescription
from connectors.errors import Gone, Rejected
from connectors.netsuite.fields import LISTS, LOCKED, RECORDS, REQUIRED, is_custom, type_of
from connectors.netsuite.objects import IDENTITY_FIELD, SPEC
from connectors.netsuite.rest import Rest
from connectors.netsuite.tables import table_of

_PARTS: Final[Mapping[str, FieldType]] = {
    "id": FieldType.TEXT,
    "refName": FieldType.TEXT,
    "externalId": FieldType.TEXT,
}


class OpenFields(Mapping[str, FieldDescription]):
    """The fields known by name; asked for by name also the parts of a reference (``entity.id``),
    what is inside a structure, and the account's own fields. ``open_names``: any name will do."""

    def __init__(self, fields: Mapping[str, FieldDescription], *, open_names: bool) -> None:
        self._fields = dict(fields)
        self._open = open_names

    def __getitem__(self, name: str) -> FieldDescription:
        found = self._fields.get(name)
        if found is not None:
            return found
        first, dot, inner = name.partition(".")
        held = self._fields.get(first)
        if held is None and (self._open or is_custom(first)):
            return FieldDescription(name, name, FieldType.OTHER)
        if held is None or not dot:
            raise KeyError(name)
        if held.type in (FieldType.REFERENCE, FieldType.CHOICE):
            part = _PARTS.get(inner)
            if part is None:
                raise KeyError(name)
            return FieldDescription(name, name, part, writable=held.writable and inner != "refName")
        if held.type is not FieldType.OTHER:
            raise KeyError(name)
        return FieldDescription(name, name, FieldType.OTHER, writable=held.writable)

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


def described(rest: Rest, object: str) -> ObjectDescription:
    """The record type. One that is not known here is asked for. Raises ``Rejected``."""
    table, facts = table_of(object), SPEC.object(object)
    label = facts.label if facts is not None and facts.name != "*" else object
    if table.whole:
        fields = {
            column.name: FieldDescription(column.name, column.name, column.type, writable=False)
            for column in table.columns
        }
        return ObjectDescription(
            object, label, OpenFields(fields, open_names=False), creatable=False, updatable=False
        )
    known = RECORDS.get(object)
    if known is not None:
        fields = {name: _field(object, name) for name in sorted(known)}
        return ObjectDescription(object, label, OpenFields(fields, open_names=False))
    try:
        rest.get(object, {"limit": "1"})
    except Gone as error:
        raise Rejected(
            f"this account has no record type {object}, or our role may not see it",
            code="INVALID_RECORD_TYPE",
            status=error.status,
        ) from None
    fields = {IDENTITY_FIELD: _field(object, IDENTITY_FIELD), "id": _field(object, "id")}
    return ObjectDescription(object, label, OpenFields(fields, open_names=True))


def _field(object: str, name: str) -> FieldDescription:
    kind = FieldType.TEXT if name in (IDENTITY_FIELD, "id") else type_of(object, name)
    return FieldDescription(
        name=name,
        label=name,
        type=kind,
        required_on_create=name in REQUIRED.get(object, frozenset()),
        writable=name not in LOCKED or (name in LISTS and name != "links"),
        unique=name in (IDENTITY_FIELD, "id"),
        length=255 if name == IDENTITY_FIELD else None,
    )
