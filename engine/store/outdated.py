"""Which records were delivered with an older mapping than the present one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select

from engine.model import DeliveryState
from engine.store.deliveries import SHADOW
from engine.store.sql import Tx
from engine.store.tables import delivery, link


@dataclass(frozen=True, slots=True)
class Outdated:
    """How many records of a sync, and when the source of the one unchanged longest changed."""

    records: int = 0
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reach:
    """What a backfill meets: records that the sync knows, and those it would deliver again."""

    known: int
    owed: int


def _done(sync: str) -> ColumnElement[bool]:
    return and_(delivery.c.sync == sync, delivery.c.state == DeliveryState.DONE.value)


def _older(digest: str) -> ColumnElement[bool]:
    """Delivered for good with another mapping; what a shadow computed was not delivered."""
    seen = delivery.c.seen_digest
    return and_(seen.is_not(None), seen != digest, seen.not_like(f"{SHADOW}%"))


def every(tx: Tx, digests: Mapping[str, str]) -> dict[str, Outdated]:
    """By sync, given the digest of its present mapping; syncs without any are left out."""
    found: dict[str, Outdated] = {}
    for sync, digest in digests.items():
        query = select(func.count(), func.min(delivery.c.changed_at))
        count, since = tx.execute(query.where(_done(sync), _older(digest))).one()
        if count:
            found[sync] = Outdated(count, since)
    return found


def ids(tx: Tx, sync: str, digest: str, limit: int) -> list[str]:
    """The source ids of a sync's outdated records, the one delivered first first."""
    query = select(delivery.c.id).where(_done(sync), _older(digest))
    rows = tx.execute(query.order_by(delivery.c.number).limit(limit))
    return [row.id for row in rows]


def reach(tx: Tx, sync: str, digest: str, since: datetime | None) -> Reach:
    """What reading a sync's past again would meet, as far as it is known here."""
    mine = delivery.c.sync == sync
    if since is not None:
        changed = delivery.c.changed_at
        mine = and_(mine, or_(changed.is_(None), changed >= since))
    same = and_(_done(sync), delivery.c.seen_hash.is_not(None), delivery.c.seen_digest == digest)
    known = tx.execute(select(func.count()).select_from(delivery).where(mine)).scalar_one()
    kept = tx.execute(select(func.count()).select_from(delivery).where(mine, same)).scalar_one()
    return Reach(known, known - kept)


def linked(tx: Tx, left: tuple[str, str], right: tuple[str, str]) -> int:
    """How many records of one object are linked to records of the other."""
    (near, far) = sorted((left, right))
    query = select(func.count()).select_from(link)
    return int(
        tx.execute(
            query.where(
                link.c.left_connection == near[0],
                link.c.left_object == near[1],
                link.c.right_connection == far[0],
                link.c.right_object == far[1],
                link.c.state == "active",
            )
        ).scalar_one()
    )
