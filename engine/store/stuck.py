"""Contracts whose schedules could not be worked out: who they are, and since when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import delete, select

from engine.clock import microseconds
from engine.model import Address
from engine.store import issues, streams
from engine.store.money_tables import schedule_line
from engine.store.sql import Tx, chunks
from engine.store.tables import meta

OVER: Final = "a newer success"
_KEY: Final = "books_stuck:"


def stop(tx: Tx, contract: str, now: datetime) -> None:
    """A look at a contract has failed: drop what was planned for it and is in no batch yet."""
    streams.put_meta(tx, _KEY + contract, str(microseconds(now)))
    tx.execute(
        delete(schedule_line).where(
            schedule_line.c.contract == contract, schedule_line.c.batch.is_(None)
        )
    )


def since(tx: Tx, moment: datetime) -> list[str]:
    """The contracts whose last look failed at or before a moment."""
    rows = tx.execute(select(meta).where(meta.c.key.startswith(_KEY, autoescape=True)))
    latest = microseconds(moment)
    return sorted(row.key.removeprefix(_KEY) for row in rows if int(row.value) <= latest)


def among(tx: Tx, contracts: Sequence[str]) -> set[str]:
    """Those of these contracts whose last look failed."""
    found: set[str] = set()
    for part in chunks([_KEY + name for name in contracts]):
        found |= {row.key for row in tx.execute(select(meta.c.key).where(meta.c.key.in_(part)))}
    return {key.removeprefix(_KEY) for key in found}


def over(tx: Tx, told: tuple[str, Address], contract: str, now: datetime) -> None:
    """A look went well again: the issue about it is closed."""
    sync, source = told
    tx.execute(delete(meta).where(meta.c.key == _KEY + contract))
    issues.end_of(tx, sync, source, OVER, now)
