"""How much of its account's allowance a vendor says is used, as last heard."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select

from engine.store.sql import Tx, put_many
from engine.store.tables import meta

_KEY: Final = "allowance:"


@dataclass(frozen=True, slots=True)
class Allowance:
    """Calls of the whole account, ours and everybody's, and the most it may make."""

    used: int
    most: int
    heard_at: datetime


def note(tx: Tx, heard: Mapping[str, tuple[int, int]], now: datetime) -> None:
    """Keep what was heard last, by connection: the calls used and the most there may be."""
    rows = [
        {"key": _KEY + name, "value": json.dumps([used, most, now.isoformat()])}
        for name, (used, most) in sorted(heard.items())
    ]
    if rows:
        put_many(tx, meta, rows)


def every(tx: Tx) -> dict[str, Allowance]:
    """The allowances by connection, of those that were heard of."""
    found: dict[str, Allowance] = {}
    rows = tx.execute(select(meta.c.key, meta.c.value).where(meta.c.key.startswith(_KEY)))
    for key, value in rows:
        used, most, at = json.loads(value)
        found[key.removeprefix(_KEY)] = Allowance(used, most, datetime.fromisoformat(at))
    return found


def shown(allowance: Allowance | None) -> dict[str, object] | None:
    """An allowance as others read it."""
    if allowance is None:
        return None
    at = allowance.heard_at.isoformat().replace("+00:00", "Z")
    return {"used": allowance.used, "limit": allowance.most, "heard_at": at}
