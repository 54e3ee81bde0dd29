"""How far reading got, stream by stream, and which schedule slots have fired."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, select

from engine.store.sql import Tx, insert, put_many
from engine.store.tables import meta, schedule_slot, stream

_ONE: Final = select(stream).where(stream.c.name == bindparam("name"))
_EVERY: Final = select(stream)
_META: Final = select(meta.c.value).where(meta.c.key == bindparam("key"))


@dataclass(frozen=True, slots=True)
class Stream:
    """``finished_at`` is when the stream was last read to its end."""

    name: str
    cursor: str | None
    at_head: bool
    finished_at: datetime | None
    updated_at: datetime


def get(tx: Tx, name: str) -> Stream | None:
    """A stream, or ``None`` if it was never read."""
    row = tx.execute(_ONE, {"name": name}).first()
    if row is None:
        return None
    return Stream(row.name, row.cursor, row.at_head, row.finished_at, row.updated_at)


def every(tx: Tx) -> dict[str, Stream]:
    """All streams by name."""
    return {
        row.name: Stream(row.name, row.cursor, row.at_head, row.finished_at, row.updated_at)
        for row in tx.execute(_EVERY)
    }


def put(tx: Tx, item: Stream) -> None:
    """Store where a stream is; in the same transaction as the rows it read."""
    put_many(
        tx,
        stream,
        [
            {
                "name": item.name,
                "cursor": item.cursor,
                "at_head": item.at_head,
                "finished_at": item.finished_at,
                "updated_at": item.updated_at,
            }
        ],
    )


def drop(tx: Tx, name: str) -> None:
    """Forget a stream, so that it starts anew."""
    tx.execute(stream.delete().where(stream.c.name == name))


def take_slot(tx: Tx, schedule: str, slot: int, now: datetime) -> bool:
    """Whether this node is the one to act on a schedule's slot."""
    taken = tx.execute(
        insert(tx, schedule_slot)
        .values(schedule=schedule, slot=slot, fired_at=now)
        .on_conflict_do_nothing()
        .returning(schedule_slot.c.slot)
    )
    return taken.first() is not None


def forget_slots(tx: Tx, before: datetime) -> int:
    """Forget slots that fired before an instant."""
    return tx.execute(schedule_slot.delete().where(schedule_slot.c.fired_at < before)).rowcount


def get_meta(tx: Tx, key: str) -> str | None:
    """A fact about the store."""
    found: str | None = tx.execute(_META, {"key": key}).scalar()
    return found


def put_meta(tx: Tx, key: str, value: str) -> None:
    """Set a fact about the store."""
    put_many(tx, meta, [{"key": key, "value": value}])
