"""Until when vendors asked us to leave an account alone, per class of its limits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import select

from engine.store.connections import ConnectionState
from engine.store.sql import Tx, insert, storable
from engine.store.tables import limit_wait

Waits: TypeAlias = Mapping[str, Mapping[str, datetime]]
"""By account and limit class: no such call before this instant."""


def account_of(connector: str, connection: str, state: ConnectionState | None) -> str:
    """Whose limits a connection's calls count against; its own name until its account is known."""
    if state is None or state.account is None:
        return f"connection {connection}"
    return f"{connector} {state.account.id}"


def wait(tx: Tx, account: str, limit_class: str, until: datetime) -> None:
    """The vendor asked for a pause: no call of this class before an instant."""
    row = {
        "account": storable(account),
        "limit_class": storable(limit_class),
        "not_before": until,
    }
    statement = insert(tx, limit_wait).values(row)
    tx.execute(
        statement.on_conflict_do_update(
            index_elements=["account", "limit_class"],
            set_={"not_before": statement.excluded.not_before},
            where=limit_wait.c.not_before < statement.excluded.not_before,
        )
    )


def every(tx: Tx) -> Waits:
    """All pauses that were ever asked for, the latest of each class."""
    found: dict[str, dict[str, datetime]] = {}
    for row in tx.execute(select(limit_wait)):
        found.setdefault(row.account, {})[row.limit_class] = row.not_before
    return found
