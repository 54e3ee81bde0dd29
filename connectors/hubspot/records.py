"""From HubSpot's record to ours, with the definitions of its properties at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from types import MappingProxyType
from typing import Final

from connectors.base import FieldDescription
from connectors.errors import UnexpectedAnswer
from connectors.hubspot.answers import rows, text_of
from connectors.hubspot.client import Call, Client, Door
from connectors.hubspot.objects import MERGEABLE, MERGED_IDS, RECORD_ID, modified_field
from connectors.hubspot.paths import Paths
from connectors.hubspot.properties import describe_property, read_instant, read_value
from connectors.records import Life, Record, Ref, Selection, Value

Definitions = Mapping[str, FieldDescription]
# How long a name that the account does not know is left alone before it is looked for again.
_UNKNOWN_FOR: Final = timedelta(minutes=10)


class PropertyCache:
    """The property definitions of each object: one call, kept until an unknown name turns up."""

    def __init__(self, client: Client, paths: Paths, now: Callable[[], datetime]) -> None:
        self._client = client
        self._paths = paths
        self._now = now
        self._lock = Lock()
        self._known: dict[str, Definitions] = {}
        self._looked: dict[tuple[str, str], datetime] = {}

    def of(self, object: str, names: Iterable[str] = ()) -> Definitions:
        """The definitions, read anew if one of ``names`` is missing and was not just looked for."""
        wanted = tuple(names)
        with self._lock:
            known = self._known.get(object)
            if known is not None and not self._look_again(object, known, wanted):
                return known
            fresh = self._read(object)
            now = self._now()
            self._looked |= {(object, name): now for name in wanted if name not in fresh}
            self._known[object] = fresh
            return fresh

    def refresh(self, object: str) -> Definitions:
        """The definitions as they are now."""
        with self._lock:
            self._known[object] = self._read(object)
            return self._known[object]

    def _look_again(self, object: str, known: Definitions, names: Sequence[str]) -> bool:
        now = self._now()
        return any(
            now - looked >= _UNKNOWN_FOR if looked else True
            for name in names
            if name not in known
            for looked in (self._looked.get((object, name)),)
        )

    def _read(self, object: str) -> Definitions:
        answer = self._client.call(
            Call(Door.PROPERTIES, "GET", self._paths.properties(object), object=object)
        )
        described = (describe_property(row) for row in rows(answer.body))
        return MappingProxyType({field.name: field for field in described if field.name})


@dataclass(frozen=True, slots=True)
class Reader:
    """Turns HubSpot's records of one object into ours, for one selection."""

    selection: Selection
    definitions: Definitions

    @property
    def properties(self) -> tuple[str, ...]:
        """The properties to ask for: the selected ones, and what version and merges need."""
        object = self.selection.object
        needed = [*self.selection.fields, modified_field(object), RECORD_ID]
        if object in MERGEABLE or MERGED_IDS in self.definitions:
            needed.append(MERGED_IDS)
        known = (name for name in needed if name in self.definitions)
        return tuple(dict.fromkeys(known))

    def record(
        self,
        row: Mapping[str, object],
        associations: Mapping[str, tuple[str, ...]] | None = None,
    ) -> Record:
        """The record of one row."""
        values = property_values(row)
        selected = (name for name in self.selection.fields if name in values)
        fields: dict[str, Value] = {
            name: read_value(self.definitions.get(name), values[name]) for name in selected
        }
        return Record(
            ref=Ref(self.selection.object, id_of(row)),
            fields=MappingProxyType(fields),
            version=version_of(self.selection.object, row),
            absorbed=absorbed_of(row),
            associations=MappingProxyType(dict(associations or {})),
        )


def gone(object: str, id: str, life: Life, *, successor: str | None = None) -> Record:
    """A record that is no longer there, without fields."""
    return Record(
        ref=Ref(object, id),
        fields=MappingProxyType({}),
        life=life,
        successor=Ref(object, successor) if successor else None,
    )


def id_of(row: Mapping[str, object]) -> str:
    """The row's id."""
    return text_of(row.get("id"))


def property_values(row: Mapping[str, object]) -> Mapping[str, object]:
    """The row's properties, as HubSpot sent them.

    Raises:
        UnexpectedAnswer: there are none to read.
    """
    properties = row.get("properties")
    if not isinstance(properties, Mapping):
        raise UnexpectedAnswer(
            "HubSpot's answer holds a record without properties.", code="UNREADABLE_ANSWER"
        )
    return properties


def version_of(object: str, row: Mapping[str, object]) -> datetime | None:
    """The modified time: the property, which search compares too, else ``updatedAt``."""
    properties = row.get("properties")
    held = properties.get(modified_field(object)) if isinstance(properties, Mapping) else None
    for text in (held, row.get("updatedAt")):
        instant = read_instant(text) if isinstance(text, str) else None
        if instant is not None:
            return instant
    return None


def absorbed_of(row: Mapping[str, object]) -> tuple[str, ...]:
    """The ids this record has swallowed in merges."""
    properties = row.get("properties")
    merged = properties.get(MERGED_IDS) if isinstance(properties, Mapping) else None
    if not isinstance(merged, str):
        return ()
    return tuple(dict.fromkeys(id.strip() for id in merged.split(";") if id.strip()))
