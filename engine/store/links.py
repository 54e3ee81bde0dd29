"""Links: which records of two systems are the same thing, and what both sides agreed on.

A link is stored once, its smaller (connection, object) on the left, and read from either side.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Select, and_, bindparam, or_, select, update

from engine.model import Address, Agreed, Link, LinkState
from engine.store.sql import Tx, by_place, chunks, insert, insert_many, put_new
from engine.store.tables import edge, link

ACTIVE = LinkState.ACTIVE.value


def _left_first(near: Address, far: Address) -> bool:
    return (near.connection, near.object) <= (far.connection, far.object)


def _sides(near_connection: str, far_connection: str) -> tuple[bool, ...]:
    """Where the near records may be: on the left (true), on the right, or on either side."""
    if near_connection == far_connection:
        return (True, False)
    return (near_connection < far_connection,)


def _seen(row: Any, *, from_left: bool) -> Link:
    left = Address(row.left_connection, row.left_object, row.left_id)
    right = Address(row.right_connection, row.right_object, row.right_id)
    base: dict[tuple[str, str], Agreed] = {}
    for left_field, right_field, left_digest, right_digest in orjson.loads(row.base):
        if from_left:
            base[left_field, right_field] = Agreed(left_digest, right_digest)
        else:
            base[right_field, left_field] = Agreed(right_digest, left_digest)
    flips = orjson.loads(row.flips) if row.flips else {}
    return Link(
        number=row.number,
        near=left if from_left else right,
        far=right if from_left else left,
        state=LinkState(row.state),
        base=base,
        base_no=row.base_no,
        parent=row.parent,
        alias_of=row.alias_of,
        reason=row.reason,
        flips={name: tuple((d, at) for d, at in turns) for name, turns in flips.items()},
    )


def base_text(base: Mapping[tuple[str, str], Agreed], *, from_left: bool) -> str:
    """A base as stored: rows of left field, right field, left digest, right digest."""
    rows = [
        [near, far, agreed.source, agreed.target]
        if from_left
        else [far, near, agreed.target, agreed.source]
        for (near, far), agreed in base.items()
    ]
    return orjson.dumps(sorted(rows)).decode()


def _of_sources(*, from_left: bool, any_object: bool) -> Select[Any]:
    near, far = ("left", "right") if from_left else ("right", "left")
    where = [
        link.c[f"{near}_connection"] == bindparam("connection"),
        link.c[f"{near}_object"] == bindparam("object"),
        link.c[f"{near}_id"].in_(bindparam("ids", expanding=True)),
        link.c[f"{far}_connection"] == bindparam("far_connection"),
        link.c.state == bindparam("state"),
    ]
    if not any_object:
        where.append(link.c[f"{far}_object"] == bindparam("far_object"))
    return select(link).where(*where).order_by(link.c.number)


# Built once: building a statement costs several times what running it does.
_OF_SOURCES: Final = {
    (from_left, any_object): _of_sources(from_left=from_left, any_object=any_object)
    for from_left in (True, False)
    for any_object in (True, False)
}


def of_sources(
    tx: Tx,
    near: Iterable[Address],
    far_connection: str,
    far_object: str | None,
    state: LinkState = LinkState.ACTIVE,
) -> dict[Address, list[Link]]:
    """Links of records to one connection (and object, if given), seen from the records."""
    found: dict[Address, list[Link]] = {}
    for (connection, object), ids in by_place(near).items():
        place = {"connection": connection, "object": object, "far_connection": far_connection}
        for part in chunks(ids):
            for from_left in _sides(connection, far_connection):
                statement = _OF_SOURCES[from_left, far_object is None]
                asked = {**place, "far_object": far_object, "ids": part, "state": state.value}
                for row in tx.execute(statement, asked):
                    seen = _seen(row, from_left=from_left)
                    found.setdefault(seen.near, []).append(seen)
    return found


def of_targets(
    tx: Tx, far: Iterable[Address], near_connection: str, near_object: str
) -> dict[Address, Link]:
    """Active links that already hold one of these targets, by target, seen from the source side."""
    flipped = of_sources(tx, far, near_connection, near_object)
    return {target: turned(found[0]) for target, found in flipped.items()}


def turned(seen: Link) -> Link:
    """The same link, seen from the other side."""
    base = {
        (far, near): Agreed(agreed.target, agreed.source)
        for (near, far), agreed in seen.base.items()
    }
    return Link(
        number=seen.number,
        near=seen.far,
        far=seen.near,
        state=seen.state,
        base=base,
        base_no=seen.base_no,
        parent=seen.parent,
        reason=seen.reason,
        flips=seen.flips,
    )


def at(
    tx: Tx, address: Address, *, states: Sequence[LinkState] = (LinkState.ACTIVE,)
) -> list[Link]:
    """Every link of a record, to anywhere, seen from the record."""
    found: list[Link] = []
    for side in ("left", "right"):
        rows = tx.execute(
            select(link)
            .where(
                link.c[f"{side}_connection"] == address.connection,
                link.c[f"{side}_object"] == address.object,
                link.c[f"{side}_id"] == address.id,
                link.c.state.in_([state.value for state in states]),
            )
            .order_by(link.c.number)
        )
        found.extend(_seen(row, from_left=side == "left") for row in rows)
    return found


def aliases_of(tx: Tx, numbers: Sequence[int], near_connection: str) -> list[Link]:
    """The links that went on as these, seen from the source connection."""
    found: list[Link] = []
    for part in chunks(numbers):
        rows = tx.execute(
            select(link).where(link.c.alias_of.in_(part), link.c.state == LinkState.ALIAS.value)
        )
        found.extend(_seen(row, from_left=row.left_connection == near_connection) for row in rows)
    return found


def children_of(tx: Tx, parents: Sequence[int], near_connection: str) -> dict[int, list[Link]]:
    """Active links under these parent links, seen from the source connection."""
    found: dict[int, list[Link]] = {}
    for part in chunks(parents):
        rows = tx.execute(select(link).where(link.c.parent.in_(part), link.c.state == ACTIVE))
        for row in rows:
            seen = _seen(row, from_left=row.left_connection == near_connection)
            found.setdefault(row.parent, []).append(seen)
    return found


@dataclass(frozen=True, slots=True)
class NewLink:
    """A link to be: ``near`` is the source's side, ``base`` is seen from it."""

    near: Address
    far: Address
    base: Mapping[tuple[str, str], Agreed]
    parent: int | None = None


def create_many(tx: Tx, wanted: Sequence[NewLink], now: datetime) -> None:
    """New active links. Both sides of each must be free; the unique indexes see to it."""
    insert_many(tx, link, [_new_row(item, now) for item in wanted])


def create(
    tx: Tx,
    near: Address,
    far: Address,
    base: Mapping[tuple[str, str], Agreed],
    parent: int | None,
    now: datetime,
) -> int:
    """One new active link; returns its number."""
    row = _new_row(NewLink(near, far, base, parent), now)
    made = tx.execute(insert(tx, link).values(row).returning(link.c.number))
    return int(made.scalar_one())


def _new_row(item: NewLink, now: datetime) -> dict[str, Any]:
    from_left = _left_first(item.near, item.far)
    left, right = (item.near, item.far) if from_left else (item.far, item.near)
    return {
        "left_connection": left.connection,
        "left_object": left.object,
        "left_id": left.id,
        "right_connection": right.connection,
        "right_object": right.object,
        "right_id": right.id,
        "state": ACTIVE,
        "parent": item.parent,
        "base": base_text(item.base, from_left=from_left),
        "base_no": 1,
        "created_at": now,
        "updated_at": now,
    }


def move_base(
    tx: Tx,
    changes: Mapping[int, Mapping[tuple[str, str], Agreed]],
    near_connection: str,
    turns: Mapping[int, Mapping[str, tuple[tuple[str, int], ...]]],
    now: datetime,
) -> None:
    """Let both sides agree on new values: the entries replace those of the same fields.

    ``changes`` are by link number and seen from ``near_connection``; what the link holds by now is
    read again, so that two syncs that settle one after the other both keep what they agreed on.
    ``turns`` replaces the record of a link's latest writes.
    """
    rows = []
    for part in chunks(sorted(changes)):
        for row in tx.execute(select(link).where(link.c.number.in_(part))):
            from_left = row.left_connection == near_connection
            seen = _seen(row, from_left=from_left)
            merged = {**seen.base, **changes[row.number]}
            kept = {**seen.flips, **turns.get(row.number, {})}
            rows.append(
                {
                    "at": row.number,
                    "to_base": base_text(merged, from_left=from_left),
                    "to_flips": orjson.dumps(kept).decode() if kept else None,
                }
            )
    if rows:
        tx.execute(
            update(link)
            .where(link.c.number == bindparam("at"))
            .values(
                base=bindparam("to_base"),
                flips=bindparam("to_flips"),
                updated_at=now,
                base_no=link.c.base_no + 1,
            ),
            rows,
        )


def base_numbers(tx: Tx, numbers: Sequence[int]) -> dict[int, int]:
    """The present ``base_no`` of active links, to see whether a decision is still good."""
    found: dict[int, int] = {}
    for part in chunks(numbers):
        rows = tx.execute(
            select(link.c.number, link.c.base_no).where(
                link.c.number.in_(part), link.c.state == ACTIVE
            )
        )
        found.update({row.number: row.base_no for row in rows})
    return found


def close(
    tx: Tx,
    number: int,
    state: LinkState,
    reason: str,
    now: datetime,
    *,
    alias_of: int | None = None,
) -> None:
    """End a link: closed with a tombstone, or an alias of the one it goes on as."""
    tx.execute(
        update(link)
        .where(link.c.number == number)
        .values(
            state=state.value,
            reason=reason,
            alias_of=alias_of,
            base_no=link.c.base_no + 1,
            updated_at=now,
        )
    )


def adopt(tx: Tx, old: int, new: int) -> None:
    """The children of one link go on under another."""
    tx.execute(update(link).where(link.c.parent == old).values(parent=new))


def reopen(tx: Tx, number: int, now: datetime) -> None:
    """Take up a closed link again: the record came back."""
    tx.execute(
        update(link)
        .where(link.c.number == number)
        .values(state=ACTIVE, reason=None, base_no=link.c.base_no + 1, updated_at=now)
    )


def add_edges(tx: Tx, rows: Iterable[tuple[Address, str, Address]], now: datetime) -> None:
    """Record what came from what; saying it twice is harmless."""
    put_new(
        tx,
        edge,
        [
            {
                "from_connection": source.connection,
                "from_object": source.object,
                "from_id": source.id,
                "kind": kind,
                "to_connection": target.connection,
                "to_object": target.object,
                "to_id": target.id,
                "created_at": now,
            }
            for source, kind, target in rows
        ],
    )


def edges_at(tx: Tx, address: Address) -> list[tuple[Address, str, Address]]:
    """The edges that start or end at a record."""

    def side(name: str) -> Any:
        return and_(
            edge.c[f"{name}_connection"] == address.connection,
            edge.c[f"{name}_object"] == address.object,
            edge.c[f"{name}_id"] == address.id,
        )

    rows = tx.execute(select(edge).where(or_(side("from"), side("to"))))
    return [
        (
            Address(row.from_connection, row.from_object, row.from_id),
            row.kind,
            Address(row.to_connection, row.to_object, row.to_id),
        )
        for row in rows
    ]


def all_links(tx: Connection, after: int = 0, limit: int = 1000) -> list[tuple[Link, str]]:
    """Links in the order of their numbers with their state, for the command line."""
    rows = tx.execute(
        select(link).where(link.c.number > after).order_by(link.c.number).limit(limit)
    )
    return [(_seen(row, from_left=True), row.state) for row in rows]
