"""Routing: on which side of a rule each record is, and which crossings were handed over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Table, select

from engine.model import Address
from engine.store.route_tables import hand_over, route_standing
from engine.store.sql import Tx, by_place, chunks, put_many


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a record stands by a rule. ``crossing`` numbers the times that it came over to a side,
    upwards from the instant at which it was first seen.

    ``asked_at`` is when we asked for the record that told so; what was asked for before tells
    nothing any more.
    """

    above: bool
    crossing: int
    asked_at: datetime
    crossed_at: datetime


@dataclass(frozen=True, slots=True)
class HandOver:
    """The latest crossing that a sync delivered. ``finished``: with everything that belongs to it;
    otherwise the root record alone is known to be written."""

    crossing: int
    finished: bool


def standings(tx: Tx, route: str, addresses: Iterable[Address]) -> dict[Address, Standing]:
    """Where these records stand; those that were never looked at are left out."""
    return {
        address: Standing(row.above, row.crossing, row.asked_at, row.crossed_at)
        for address, row in _rows(tx, route_standing, route_standing.c.route, route, addresses)
    }


def stand(tx: Tx, route: str, found: Mapping[Address, Standing]) -> None:
    """Remember where these records stand."""
    rows = [
        {
            "route": route,
            **_place(address),
            "above": one.above,
            "crossing": one.crossing,
            "asked_at": one.asked_at,
            "crossed_at": one.crossed_at,
        }
        for address, one in found.items()
    ]
    put_many(tx, route_standing, rows)


def handed_over(tx: Tx, sync: str, addresses: Iterable[Address]) -> dict[Address, HandOver]:
    """Which crossing of each of these records a sync delivered last."""
    return {
        address: HandOver(row.crossing, row.finished)
        for address, row in _rows(tx, hand_over, hand_over.c.sync, sync, addresses)
    }


def hand(tx: Tx, sync: str, crossings: Mapping[Address, int], *, finished: bool) -> None:
    """A sync has written these crossings. Call it in the transaction that says what was written."""
    rows = [
        {"sync": sync, **_place(address), "crossing": crossing, "finished": finished}
        for address, crossing in crossings.items()
    ]
    put_many(tx, hand_over, rows)


def _rows(
    tx: Tx, table: Table, name: Column[str], named: str, addresses: Iterable[Address]
) -> Iterable[tuple[Address, Any]]:
    for (connection, object), ids in by_place(addresses).items():
        for part in chunks(ids):
            query = select(table).where(
                name == named,
                table.c.connection == connection,
                table.c.object == object,
                table.c.id.in_(part),
            )
            for row in tx.execute(query):
                yield Address(connection, object, row.id), row


def _place(address: Address) -> dict[str, str]:
    return {"connection": address.connection, "object": address.object, "id": address.id}
