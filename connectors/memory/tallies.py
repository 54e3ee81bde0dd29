"""What a memory account counted about the writes it got."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from connectors.memory.objects import MemoryObject
from connectors.memory.tables import Row, Tables

CREATES: Final = "creates"
CHANGING_UPDATES: Final = "changing_updates"
UNCHANGED_UPDATES: Final = "unchanged_updates"
DELETES: Final = "deletes"
_KINDS: Final = (CREATES, CHANGING_UPDATES, UNCHANGED_UPDATES, DELETES)


@dataclass(frozen=True, slots=True)
class Violation:
    """Something a real vendor would dislike or an auditor would ask about."""

    code: str
    object: str
    detail: str


def external_of(declared: MemoryObject, row: Row) -> str:
    """The external id by which writes to a record are counted."""
    identity = declared.spec.identity_field
    value = row.fields.get(identity) if identity else None
    return str(value) if value is not None else f"id:{row.id}"


def counts(
    tables: Tables, objects: Mapping[str, MemoryObject]
) -> dict[str, dict[str, dict[str, Any]]]:
    """Writes and living records per object and external id."""
    counted: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in objects}

    def entry(object: str, external: str) -> dict[str, Any]:
        fresh: dict[str, Any] = dict.fromkeys(_KINDS, 0) | {"ids": []}
        return counted[object].setdefault(external, fresh)

    for kind in _KINDS:
        for object, external, number in tables.tallies(kind):
            entry(object, external)[kind] = number
    for name, declared in objects.items():
        for row in tables.rows(name):
            entry(name, external_of(declared, row))["ids"].append(row.id)
    return counted
