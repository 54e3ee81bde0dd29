"""Feeds that cannot be read: since when, how often tried, and why, until one read succeeds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import orjson
from sqlalchemy import select

from engine.clock import instant, microseconds
from engine.store.payloads import Payloads
from engine.store.sql import Tx, put_many
from engine.store.tables import meta

PREFIX: Final = "failing:"
MESSAGE: Final = "feed failure"


@dataclass(frozen=True, slots=True)
class FailingFeed:
    """A stream that fails. ``message`` is the vendor's; it is sealed where it lies."""

    stream: str
    code: str
    message: str
    since: datetime
    tries: int


def note(tx: Tx, payloads: Payloads, stream: str, code: str, message: str, now: datetime) -> None:
    """A read of the stream failed, once more or for the first time."""
    before = _raw(tx, stream)
    (sealed,) = payloads.seal(tx, [(None, message.encode())], MESSAGE)
    content = {
        "code": code,
        "since": before["since"] if before else microseconds(now),
        "tries": before["tries"] + 1 if before else 1,
        "message": sealed.hex(),
    }
    put_many(tx, meta, [{"key": PREFIX + stream, "value": orjson.dumps(content).decode()}])


def clear(tx: Tx, stream: str) -> None:
    """A read of the stream succeeded."""
    tx.execute(meta.delete().where(meta.c.key == PREFIX + stream))


def is_failing(tx: Tx, stream: str) -> bool:
    """Whether the last read of the stream failed."""
    return _raw(tx, stream) is not None


def failing(tx: Tx, payloads: Payloads) -> list[FailingFeed]:
    """Every stream whose last read failed, by name."""
    rows = tx.execute(
        select(meta.c.key, meta.c.value)
        .where(meta.c.key.startswith(PREFIX, autoescape=True))
        .order_by(meta.c.key)
    )
    found = []
    for row in rows:
        raw = orjson.loads(row.value)
        found.append(
            FailingFeed(
                stream=row.key.removeprefix(PREFIX),
                code=raw["code"],
                message=payloads.open_one(tx, bytes.fromhex(raw["message"]), MESSAGE).decode(),
                since=instant(raw["since"]),
                tries=raw["tries"],
            )
        )
    return found


def _raw(tx: Tx, stream: str) -> dict[str, int] | None:
    value = tx.execute(select(meta.c.value).where(meta.c.key == PREFIX + stream)).scalar()
    found: dict[str, int] | None = orjson.loads(value) if value else None
    return found
