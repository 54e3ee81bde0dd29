"""Short ways to the values that the store takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from connectors.records import Identity, Operation
from engine.model import (
    Address,
    Closing,
    Delivery,
    DeliveryState,
    InboxState,
    Intent,
    NewRow,
    Origin,
    Want,
)
from engine.store import deliveries, inbox
from engine.store.sql import Tx
from engine.store.store import Store
from engine.store.tables import delivery
from tests.store.conftest import LEASE, NOW

SYNC = "deals"


def at(id: str | int, connection: str = "crm", object: str = "deals") -> Address:
    return Address(connection, object, str(id))


def row(id: str | int, **changes: Any) -> NewRow:
    return replace(NewRow(at(id), "live", Origin.POLL, NOW), **changes)


def want(id: str | int, seq: int = 1, sync: str = SYNC, **changes: Any) -> Want:
    return replace(Want(sync, at(id), seq, NOW, NOW), **changes)


def ask(store: Store, *wants: Want) -> None:
    with store.write() as tx:
        deliveries.want(tx, wants)


def claim(
    store: Store, limit: int = 100, now: datetime = NOW, sync: str = SYNC, lease: timedelta = LEASE
) -> list[Delivery]:
    with store.write() as tx:
        return deliveries.claim(tx, sync, limit, now, lease)


def close(
    store: Store,
    claimed: Sequence[Delivery],
    state: DeliveryState,
    now: datetime = NOW,
    **changes: Any,
) -> None:
    with store.write() as tx:
        closings = [replace(Closing(item, state, now), **changes) for item in claimed]
        deliveries.close(tx, closings, now)


def states(store: Store) -> dict[str, str]:
    """The state of every delivery of the sync, by record."""
    with store.read() as tx:
        rows = tx.execute(select(delivery.c.id, delivery.c.state).where(delivery.c.sync == SYNC))
        return {found.id: found.state for found in rows}


def one(store: Store, id: str | int) -> Any:
    """A delivery's row."""
    with store.read() as tx:
        query = select(delivery).where(delivery.c.sync == SYNC, delivery.c.id == str(id))
        return tx.execute(query).one()


def bring(store: Store, id: str | int, state: DeliveryState, seq: int = 1) -> Delivery:
    """A delivery of a record, in a state; returns its last claim."""
    ask(store, want(id, seq))
    (claimed,) = [item for item in claim(store) if item.source == at(id)]
    if state is not DeliveryState.LEASED:
        close(store, [claimed], state)
    return claimed


def receive(store: Store, *rows: NewRow) -> list[int]:
    """Add rows and route each to the sync; returns their numbers."""
    with store.write() as tx:
        inbox.add(tx, rows)
        new = inbox.unrouted(tx, 10_000)
        deliveries.want(tx, [Want(SYNC, item.address, item.seq, NOW, NOW) for item in new])
        inbox.routed(tx, [(item.seq, 1, None) for item in new])
        return [item.seq for item in new]


def counts(store: Store) -> dict[str, int]:
    with store.read() as tx:
        return inbox.counts(tx)


def intent(id: str, number: int, **changes: Any) -> Intent:
    made = Intent(
        id=id,
        delivery=number,
        sync=SYNC,
        source=at(number),
        operation=Operation.CREATE,
        connection="sales",
        object="Opportunity",
        target_id=None,
        identity=Identity("Revline_Id__c", f"revline-deals-{number}"),
        business_key=f"deals-{number}",
        fields={"Name": "Big", "Amount": None},
        body_digest="d" * 24,
        config="c",
    )
    return replace(made, **changes)


def row_states(tx: Tx) -> dict[str, int]:
    return {InboxState(name).name: total for name, total in inbox.counts(tx).items()}
