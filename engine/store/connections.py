"""Connections at run time: pinned accounts, pauses, calls per day; and plain counters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update

from connectors.records import AccountIdentity
from engine.store.sql import Tx, insert, put_new, storable
from engine.store.tables import api_usage, connection_state, counter


@dataclass(frozen=True, slots=True)
class ConnectionState:
    """A connection's pinned account, and whether it is paused."""

    name: str
    account: AccountIdentity | None
    paused_code: str | None
    paused_reason: str | None
    paused_until: datetime | None

    def usable(self, now: datetime) -> bool:
        """Whether it is not paused."""
        if self.paused_code is None:
            return True
        return self.paused_until is not None and self.paused_until <= now


def every(tx: Tx) -> dict[str, ConnectionState]:
    """All connections that were ever used."""
    return {
        row.name: ConnectionState(
            name=row.name,
            account=AccountIdentity(row.account_id, row.account_name, row.environment)
            if row.account_id
            else None,
            paused_code=row.paused_code,
            paused_reason=row.paused_reason,
            paused_until=row.paused_until,
        )
        for row in tx.execute(select(connection_state))
    }


def pin(tx: Tx, name: str, account: AccountIdentity) -> AccountIdentity:
    """Pin the account that answers; returns the one pinned, which may be another."""
    put_new(tx, connection_state, [{"name": name}])
    tx.execute(
        update(connection_state)
        .where(connection_state.c.name == name, connection_state.c.account_id.is_(None))
        .values(account_id=account.id, account_name=account.name, environment=account.environment)
    )
    pinned = every(tx)[name].account
    return account if pinned is None else pinned


def pause(
    tx: Tx, name: str, code: str, reason: str, now: datetime, until: datetime | None = None
) -> None:
    """Stop using a connection until a person resumes it, or until an instant."""
    put_new(tx, connection_state, [{"name": name}])
    tx.execute(
        update(connection_state)
        .where(connection_state.c.name == name)
        .values(
            paused_code=storable(code),
            paused_reason=storable(reason),
            paused_until=until,
            paused_at=now,
        )
    )


def resume(tx: Tx, name: str) -> bool:
    """Use a connection again; false if it was not paused."""
    changed = tx.execute(
        update(connection_state)
        .where(connection_state.c.name == name, connection_state.c.paused_code.is_not(None))
        .values(paused_code=None, paused_reason=None, paused_until=None, paused_at=None)
    )
    return bool(changed.rowcount)


def add_calls(tx: Tx, calls: Mapping[str, int], now: datetime) -> None:
    """Count calls made, per connection, on the day they were made (UTC)."""
    day = now.date().isoformat()
    for name, count in calls.items():
        statement = insert(tx, api_usage).values(connection=name, day=day, calls=count)
        tx.execute(
            statement.on_conflict_do_update(
                index_elements=["connection", "day"],
                set_={"calls": api_usage.c.calls + statement.excluded.calls},
            )
        )


def calls_on(tx: Tx, day: str) -> dict[str, int]:
    """Calls per connection on a day."""
    rows = tx.execute(
        select(api_usage.c.connection, api_usage.c.calls).where(api_usage.c.day == day)
    )
    return {row.connection: row.calls for row in rows}


def count(tx: Tx, sync: str, counts: Mapping[str, int]) -> None:
    """Add to a sync's counters."""
    for name, total in counts.items():
        if not total:
            continue
        statement = insert(tx, counter).values(sync=sync, name=name, total=total)
        tx.execute(
            statement.on_conflict_do_update(
                index_elements=["sync", "name"],
                set_={"total": counter.c.total + statement.excluded.total},
            )
        )


def counted(tx: Tx) -> dict[str, dict[str, int]]:
    """Counters per sync."""
    found: dict[str, dict[str, int]] = {}
    for row in tx.execute(select(counter)):
        found.setdefault(row.sync, {})[row.name] = row.total
    return found
