"""What was last known of each record, and how children lead to their roots."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import orjson
from sqlalchemy import bindparam, delete, select

from engine.model import Address, Known
from engine.store.sql import Tx, by_place, chunks, put_many, put_new
from engine.store.tables import include_index, record_state

_KNOWN: Final = select(record_state).where(
    record_state.c.connection == bindparam("connection"),
    record_state.c.object == bindparam("object"),
    record_state.c.id.in_(bindparam("ids", expanding=True)),
)


def known(tx: Tx, addresses: Iterable[Address]) -> dict[Address, Known]:
    """What is known of these records; an unknown one is left out."""
    found: dict[Address, Known] = {}
    for (connection, object), ids in by_place(addresses).items():
        for part in chunks(ids):
            place = {"connection": connection, "object": object, "ids": part}
            for row in tx.execute(_KNOWN, place):
                found[Address(connection, object, row.id)] = Known(
                    version=row.version,
                    hash=row.hash,
                    life=row.life,
                    fields=orjson.loads(row.fields),
                    asked_at=row.asked_at,
                )
    return found


def remember(tx: Tx, states: Mapping[Address, Known]) -> None:
    """Replace what is known of these records."""
    put_many(
        tx,
        record_state,
        [
            {
                "connection": address.connection,
                "object": address.object,
                "id": address.id,
                "version": state.version,
                "hash": state.hash,
                "asked_at": state.asked_at,
                "life": state.life,
                "fields": orjson.dumps(dict(state.fields)).decode(),
            }
            for address, state in states.items()
        ],
    )


def index_children(
    tx: Tx, sync: str, object: str, root_ids: Sequence[str], pairs: Iterable[tuple[str, str]]
) -> None:
    """Replace, for these roots, the children that lead to them. Pairs are (child id, root id)."""
    for part in chunks(root_ids):
        tx.execute(
            delete(include_index).where(
                include_index.c.sync == sync,
                include_index.c.object == object,
                include_index.c.root_id.in_(part),
            )
        )
    rows = [
        {"sync": sync, "object": object, "id": child, "root_id": root}
        for child, root in dict.fromkeys(pairs)
    ]
    put_new(tx, include_index, rows)


def roots(tx: Tx, sync: str, object: str, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """For each child the roots it is known to lead to."""
    found: dict[str, list[str]] = {}
    for part in chunks(ids):
        rows = tx.execute(
            select(include_index.c.id, include_index.c.root_id).where(
                include_index.c.sync == sync,
                include_index.c.object == object,
                include_index.c.id.in_(part),
            )
        )
        for row in rows:
            found.setdefault(row.id, []).append(row.root_id)
    return {child: tuple(sorted(root_ids)) for child, root_ids in found.items()}
