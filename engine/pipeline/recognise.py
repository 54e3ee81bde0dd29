"""Recognise: records that we made and forgot are found by the identity they carry, not made again.

An upsert on our own identity needs no look-up first, and a backfill is spared one per batch. But
where a store was lost, or put back to an older state, an upsert finds records that were made
before: it writes over what was theirs by now, and is refused where a field may be given only once.
So the first sign of that makes us look before we create, for as long as looking finds something.
Where an idempotency key is all that keeps a create from being repeated, we always look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from connectors.base import CreateIdentity, Resolves
from connectors.records import Found, Identity, Life, NotYetKnowable, Record
from engine.config.model import Endpoint, SyncConfig
from engine.pipeline.batch import Item
from engine.pipeline.services import Services
from engine.pipeline.targets import live_selection
from engine.store import streams
from engine.store.sql import Tx

LOOK_FIRST: Final = "LOOK_FIRST"
"""Why a delivery is tried again: the target refused to make a record that may be there."""
_SIGN: Final = "look_first:"


@dataclass(frozen=True, slots=True)
class Sight:
    """What a look for an item's own identity showed: the live record, nothing, or not yet.

    ``elsewhere`` is the parent it hangs under where that is not the parent the item has.
    """

    record: Record | None = None
    until: datetime | None = None
    elsewhere: str | None = None


def note(tx: Tx, sync: str, object: str) -> None:
    """A record was there that we did not know of: look first from now on."""
    if not streams.get_meta(tx, _SIGN + f"{sync}/{object}"):
        streams.put_meta(tx, _SIGN + f"{sync}/{object}", "yes")


def worth_a_look(services: Services, sync: SyncConfig, items: Sequence[Item]) -> list[Item]:
    """Of items without a counterpart, those whose record may be there already."""
    able = [item for item in items if item.rules.identity_field is not None]
    connector = services.gateway.connector(sync.target.connection)
    if not able or not isinstance(connector, Resolves):
        return []
    spec = services.object_spec(Endpoint(sync.target.connection, able[0].rules.target_object))
    if not spec.findable:
        return []
    if spec.create_identity is CreateIdentity.IDEMPOTENCY_KEY:
        return able  # Only the key keeps it from being made twice, and a new store has new keys.
    with services.store.read() as tx:
        sign = streams.get_meta(tx, _SIGN + f"{sync.name}/{able[0].rules.target_object}")
    return able if sign else [item for item in able if item.delivery.reason == LOOK_FIRST]


def look(
    services: Services, sync: SyncConfig, items: Sequence[Item], *, acting: bool
) -> list[Sight]:
    """Look for each item's own identity, in batches. When nothing is found, looking ends."""
    rules = items[0].rules
    field = rules.identity_field or ""
    connection = sync.target.connection
    connector = services.gateway.connector(connection)
    if not isinstance(connector, Resolves):
        return [Sight() for _ in items]
    parents = {item.parent_field: "" for item in items if item.parent_field}
    selection = live_selection(rules, [parents])
    identities = [
        Identity(field, rules.identity_value(item.source.object, item.source.id)) for item in items
    ]
    answers = services.gateway.read(
        connection, lambda _: connector.lookup(selection, identities), "lookup"
    )
    seen: list[Sight] = []
    for item, answer in zip(items, answers, strict=True):
        if isinstance(answer, NotYetKnowable):
            seen.append(Sight(until=answer.until))
        elif isinstance(answer, Found) and answer.record.life is Life.LIVE:
            seen.append(Sight(answer.record, elsewhere=_elsewhere(item, answer.record)))
        else:
            seen.append(Sight())
    if acting and not any(one.record or one.until for one in seen):
        _end(services, sync.name, rules.target_object)
    return seen


def _elsewhere(item: Item, record: Record) -> str | None:
    if item.parent is None or item.parent_field is None:
        return None
    parent = record.fields.get(item.parent_field)
    return str(parent) if parent and parent != item.parent.far.id else None


def _end(services: Services, sync: str, object: str) -> None:
    with services.store.read() as tx:
        sign = streams.get_meta(tx, _SIGN + f"{sync}/{object}")
    if sign:
        with services.store.write() as tx:
            streams.put_meta(tx, _SIGN + f"{sync}/{object}", "")
