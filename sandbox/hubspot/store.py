"""The records of an account: reading, writing, archiving, merging, and the unique values."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sandbox.clock import VirtualClock, iso_milliseconds
from sandbox.hubspot.schema import ObjectType, Schema

FIRST_ID: Final = 20_000_000_001
_TICK: Final = timedelta(milliseconds=1)


@dataclass(slots=True)
class Record:
    """One record. ``properties`` holds non-blank values only, as text.

    ``history`` keeps replaced values per property, oldest first. ``previous`` is the state before
    the latest write. ``unindexed`` holds what search may still show: (when it was replaced, state).
    """

    type: ObjectType
    id: str
    properties: dict[str, str]
    created_at: datetime
    updated_at: datetime
    archived: bool = False
    archived_at: datetime | None = None
    merged_into: str | None = None
    history: dict[str, list[tuple[str, datetime]]] = field(default_factory=dict)
    previous: dict[str, str] | None = None
    unindexed: list[tuple[datetime, dict[str, str] | None]] = field(default_factory=list)


class Store:
    """All records of all objects. Ids grow, with gaps, and are never used twice."""

    def __init__(self, schema: Schema, clock: VirtualClock, seed: int) -> None:
        self._schema = schema
        self._clock = clock
        self._chance = random.Random(f"ids-{seed}")
        self._next_id = FIRST_ID
        self._tables: dict[str, dict[str, Record]] = {}
        self._order: dict[str, list[int]] = {}
        self._unique: dict[tuple[str, str], dict[str, str]] = {}
        self.index_delay = timedelta(0)
        self.revision = 0
        self._written_at = clock.now()

    # -- reading ---------------------------------------------------------------------------------

    def get(self, object_type: ObjectType, id: str) -> Record | None:
        """The record under exactly this id, archived or merged ones included."""
        return self._tables.get(object_type.name, {}).get(id)

    def survivor(self, object_type: ObjectType, id: str) -> Record | None:
        """The record an id leads to: itself, or the survivor of its merges."""
        record = self.get(object_type, id)
        while record is not None and record.merged_into is not None:
            record = self.get(object_type, record.merged_into)
        return record

    def by_unique(self, object_type: ObjectType, name: str, value: str) -> Record | None:
        """The live record that holds a unique value."""
        definition = object_type.properties.get(name)
        key = value.strip().lower() if definition is not None and definition.email else value
        id = self._unique.get((object_type.name, name), {}).get(key)
        return self.get(object_type, id) if id is not None else None

    def all(self, object_type: ObjectType) -> Iterator[Record]:
        """Every record of an object, by id."""
        yield from self._tables.get(object_type.name, {}).values()

    def page(
        self, object_type: ObjectType, after: int, limit: int, *, archived: bool
    ) -> tuple[list[Record], int | None]:
        """Up to ``limit`` records from id ``after`` on, and the id the next page starts at."""
        table = self._tables.get(object_type.name, {})
        order = self._order.get(object_type.name, [])
        found: list[Record] = []
        for position in range(bisect_left(order, after), len(order)):
            record = table.get(str(order[position]))
            if record is None or record.archived != archived or record.merged_into is not None:
                continue
            if len(found) == limit:
                return found, order[position]
            found.append(record)
        return found, None

    def live(self) -> Iterator[Record]:
        """Every record that is neither archived nor merged away."""
        for table in self._tables.values():
            yield from (record for record in table.values() if not record.archived)

    def tables(self) -> Mapping[str, Mapping[str, Record]]:
        """Everything, per object and id."""
        return self._tables

    def indexed(self, record: Record) -> Mapping[str, str] | None:
        """What search knows of a record; ``None`` while it does not know it."""
        if record.unindexed:
            horizon = self._clock.now() - self.index_delay
            while record.unindexed and record.unindexed[0][0] <= horizon:
                record.unindexed.pop(0)
            if record.unindexed:
                return record.unindexed[0][1]
        return record.properties

    @property
    def index_is_current(self) -> bool:
        """Whether search sees every write, so that its answers change only with the next one."""
        return self._clock.now() - self._written_at >= self.index_delay

    # -- writing ---------------------------------------------------------------------------------

    def _milliseconds_now(self) -> datetime:
        now = self._clock.now()
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def create(
        self, object_type: ObjectType, values: Mapping[str, str], created_at: datetime | None = None
    ) -> Record:
        """A new record; values are already checked. ``created_at`` is for seeded data."""
        now = self._milliseconds_now()
        at = (
            created_at.replace(microsecond=created_at.microsecond // 1000 * 1000)
            if created_at
            else now
        )
        id = str(self._next_id)
        self._order.setdefault(object_type.name, []).append(self._next_id)
        self._next_id += self._chance.randrange(1, 8)
        stamp = iso_milliseconds(at)
        properties = {name: value for name, value in values.items() if value != ""}
        properties |= {"hs_object_id": id, "createdate": stamp, object_type.modified: stamp}
        record = Record(object_type, id, properties, at, at)
        if created_at is None and self.index_delay:
            self._written_at = now
            record.unindexed.append((now, None))
        self._tables.setdefault(object_type.name, {})[id] = record
        self._claim(record, properties)
        self.revision += 1
        return record

    def update(self, record: Record, values: Mapping[str, str]) -> dict[str, str]:
        """Write checked values (``""`` clears); the ones that changed. Always bumps the time."""
        before = dict(record.properties)
        changed = {name: v for name, v in values.items() if v != before.get(name, "")}
        at = max(self._milliseconds_now(), record.updated_at + _TICK)
        if self.index_delay:
            self.indexed(record)  # drops what search has caught up with
            self._written_at = self._clock.now()
            record.unindexed.append((self._written_at, before))
        for name, value in changed.items():
            record.history.setdefault(name, []).append((before.get(name, ""), record.updated_at))
            if value == "":
                del record.properties[name]
            else:
                record.properties[name] = value
        record.previous = before
        record.updated_at = at
        record.properties[record.type.modified] = iso_milliseconds(at)
        self._release(record, before)
        self._claim(record, record.properties)
        self.revision += 1
        return changed

    def _claim(self, record: Record, properties: Mapping[str, str]) -> None:
        for name in record.type.unique_names:
            if name in properties:
                index = self._unique.setdefault((record.type.name, name), {})
                index[properties[name]] = record.id
        for email in filter(None, properties.get("hs_additional_emails", "").split(";")):
            self._unique.setdefault((record.type.name, "email"), {})[email] = record.id

    def _release(self, record: Record, properties: Mapping[str, str]) -> None:
        for name in record.type.unique_names:
            index = self._unique.get((record.type.name, name), {})
            values = [properties.get(name, "")]
            if name == "email":
                values += properties.get("hs_additional_emails", "").split(";")
            for value in values:
                if index.get(value) == record.id:
                    del index[value]

    def archive(self, record: Record) -> None:
        """Move to the recycle bin; unique values are free again."""
        record.archived = True
        record.archived_at = max(self._milliseconds_now(), record.updated_at + _TICK)
        record.updated_at = record.archived_at
        self._release(record, record.properties)
        self.revision += 1

    def restore(self, record: Record) -> None:
        """Out of the recycle bin; a unique value taken meanwhile is lost."""
        record.archived, record.archived_at = False, None
        for name in record.type.unique_names:
            value = record.properties.get(name)
            if value is not None and self.by_unique(record.type, name, value) is not None:
                del record.properties[name]
        self.update(record, {})

    def merge(self, survivor: Record, loser: Record) -> None:
        """The survivor keeps its values, fills its blanks from the loser and remembers its id."""
        kept = {"hs_object_id", "createdate", survivor.type.modified, "hs_merged_object_ids"}
        values = {
            name: value
            for name, value in loser.properties.items()
            if name not in kept and name not in survivor.properties
        }
        merged = [survivor.properties.get("hs_merged_object_ids", ""), loser.id]
        merged.append(loser.properties.get("hs_merged_object_ids", ""))
        values["hs_merged_object_ids"] = ";".join(filter(None, merged))
        emails = [survivor.properties.get("hs_additional_emails", "")]
        if "email" in survivor.properties and survivor.type.name == "contacts":
            emails.append(loser.properties.get("email", ""))
        emails.append(loser.properties.get("hs_additional_emails", ""))
        if any(emails):
            values["hs_additional_emails"] = ";".join(filter(None, emails))
        self.archive(loser)
        loser.merged_into = survivor.id
        self.update(survivor, values)

    def erase(self, record: Record) -> None:
        """Remove for good; nothing is kept."""
        self._release(record, record.properties)
        del self._tables[record.type.name][record.id]
        self.revision += 1
