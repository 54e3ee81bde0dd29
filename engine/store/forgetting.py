"""Forgetting a person: every value and key goes; ids, amounts and the ledger stay.

What is left names records, never what was in them: links end with a tombstone, and an entry in
``forgotten`` keeps anything new about those records out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, TypeAlias

from sqlalchemy import Column, ColumnElement, and_, delete, or_, select, update

from connectors.records import Life
from engine.model import Address, Candidate, DeliveryState, InboxState, LinkState
from engine.store import inbox, issues, links
from engine.store.payloads import Payloads
from engine.store.person_tables import forgotten
from engine.store.route_tables import hand_over, route_standing
from engine.store.sql import Tx, by_place, chunks, put_new
from engine.store.tables import create_claim, delivery, intent, issue, link, record_state, wait
from engine.store.tables import inbox as inbox_table

REASON: Final = "forgotten"
GOES_ON_AS: Final = (Life.MERGED.value, Life.CONVERTED.value)
IN_HAND: Final = (DeliveryState.LEASED.value, DeliveryState.IN_DOUBT.value)
NO_BASE: Final = links.base_text({}, from_left=True)

Place: TypeAlias = tuple[Column[Any], Column[Any], Column[Any]]
"""Where a table names a record: its columns for the connection, the object and the id."""

_INBOX: Final = (inbox_table.c.connection, inbox_table.c.object, inbox_table.c.id)
_DELIVERY: Final = (delivery.c.connection, delivery.c.object, delivery.c.id)
_STATE: Final = (record_state.c.connection, record_state.c.object, record_state.c.id)
_LEFT: Final = (link.c.left_connection, link.c.left_object, link.c.left_id)
_RIGHT: Final = (link.c.right_connection, link.c.right_object, link.c.right_id)
_CLAIMED_BY: Final = (
    create_claim.c.source_connection,
    create_claim.c.source_object,
    create_claim.c.source_id,
)
_CLAIMED: Final = (create_claim.c.connection, create_claim.c.object, create_claim.c.target_id)
_SENT_FOR: Final = (intent.c.source_connection, intent.c.source_object, intent.c.source_id)
_SENT_TO: Final = (intent.c.connection, intent.c.object, intent.c.target_id)
_ISSUE_OF: Final = (issue.c.source_connection, issue.c.source_object, issue.c.source_id)
_ISSUE_AT: Final = (issue.c.target_connection, issue.c.target_object, issue.c.target_id)
_STANDING: Final = (
    route_standing.c.connection,
    route_standing.c.object,
    route_standing.c.id,
)
_HANDED: Final = (hand_over.c.connection, hand_over.c.object, hand_over.c.id)
_FORGOTTEN: Final = (forgotten.c.connection, forgotten.c.object, forgotten.c.id)


def relatives(tx: Tx, payloads: Payloads, start: Address) -> tuple[Address, ...]:
    """The records that are the same person as one of them: itself first, the others in order.

    Over links, whatever became of them, and over what it was merged or converted into.
    """
    found = {start}
    open_ends = [start]
    while open_ends:
        here = open_ends.pop()
        near = {seen.far for seen in links.at(tx, here, states=tuple(LinkState))}
        for one, kind, other in links.edges_at(tx, here):
            far = other if one == here else one
            if kind in GOES_ON_AS or payloads.is_person(far):
                near.add(far)
        open_ends.extend(sorted(near - found))
        found |= near
    return (start, *sorted(found - {start}))


def among(tx: Tx, addresses: Collection[Address]) -> set[Address]:
    """Those of the records that were forgotten."""
    rows = (
        row
        for where in _each(_FORGOTTEN, addresses)
        for row in tx.execute(select(*_FORGOTTEN).where(where))
    )
    return {Address(*row) for row in rows}


def known(tx: Tx, addresses: Sequence[Address]) -> bool:
    """Whether anything is stored about these records."""
    places = (_INBOX, _DELIVERY, _STATE, _LEFT, _RIGHT, _SENT_FOR, _SENT_TO, _ISSUE_OF)
    return any(
        tx.execute(select(place[0]).where(where).limit(1)).first() is not None
        for place in places
        for where in _each(place, addresses)
    )


def in_hand(tx: Tx, addresses: Sequence[Address]) -> int:
    """How many writes about these records are under way or in doubt: they must end first."""
    busy = [and_(where, delivery.c.state.in_(IN_HAND)) for where in _each(_DELIVERY, addresses)] + [
        and_(where, intent.c.ended_at.is_(None))
        for place in (_SENT_FOR, _SENT_TO)
        for where in _each(place, addresses)
    ]
    return sum(len(tx.execute(select(1).where(where)).all()) for where in busy)


def erase(
    tx: Tx, payloads: Payloads, addresses: Sequence[Address], now: datetime
) -> dict[str, int]:
    """Erase what is stored about the records of one person; returns rows per place.

    To be called when nothing about them is :func:`in_hand`.
    """
    numbers = _numbers(tx, addresses)
    places = {
        "keys": payloads.erase(tx, addresses),
        "copies of records": _snapshots(tx, addresses),
        "bodies of writes": _bodies(tx, addresses, numbers),
        "issues": _issues(tx, payloads, addresses, numbers),
        "digests of fields": _delete(tx, _STATE, addresses),
        "links": _links(tx, addresses, now),
        "create claims": _delete(tx, _CLAIMED_BY, addresses) + _delete(tx, _CLAIMED, addresses),
        "sides of routes": _delete(tx, _STANDING, addresses) + _delete(tx, _HANDED, addresses),
        "deliveries": _deliveries(tx, numbers, now),
    }
    rows = [
        {"connection": one.connection, "object": one.object, "id": one.id, "at": now}
        for one in addresses
    ]
    put_new(tx, forgotten, rows)
    return places


def _each(place: Place, addresses: Iterable[Address]) -> Iterator[ColumnElement[bool]]:
    """Conditions that together cover the rows that name one of the records at this place."""
    connection, object, id = place
    for (in_connection, of_object), ids in by_place(addresses).items():
        for part in chunks(ids):
            yield and_(connection == in_connection, object == of_object, id.in_(part))


def _delete(tx: Tx, place: Place, addresses: Sequence[Address]) -> int:
    table = place[0].table
    return sum(tx.execute(delete(table).where(at)).rowcount for at in _each(place, addresses))


def _numbers(tx: Tx, addresses: Sequence[Address]) -> list[int]:
    """Every delivery of the records; what belongs to their children is found by these."""
    return [
        number
        for where in _each(_DELIVERY, addresses)
        for number in tx.execute(select(delivery.c.number).where(where)).scalars()
    ]


def _snapshots(tx: Tx, addresses: Sequence[Address]) -> int:
    still_open = [state.value for state in inbox.STILL_OPEN]
    erased = 0
    for where in _each(_INBOX, addresses):
        held = and_(where, inbox_table.c.snapshot.is_not(None))
        erased += tx.execute(update(inbox_table).where(held).values(snapshot=None)).rowcount
        unfinished = and_(where, inbox_table.c.state.in_(still_open))
        ended = {"state": InboxState.SKIPPED.value, "reason": REASON, "open": 0}
        tx.execute(update(inbox_table).where(unfinished).values(ended))
    return erased


def _bodies(tx: Tx, addresses: Sequence[Address], numbers: Sequence[int]) -> int:
    """What was written to or for them, and to their children."""
    places = [at for place in (_SENT_FOR, _SENT_TO) for at in _each(place, addresses)]
    places += [intent.c.delivery.in_(part) for part in chunks(numbers)]
    held = intent.c.body.is_not(None)
    return sum(
        tx.execute(update(intent).where(at, held).values(body=None)).rowcount for at in places
    )


def _issues(
    tx: Tx, payloads: Payloads, addresses: Sequence[Address], numbers: Sequence[int]
) -> int:
    """Their own issues go; where they are named as candidates, nothing is shown of them."""
    gone = _delete(tx, _ISSUE_OF, addresses) + _delete(tx, _ISSUE_AT, addresses)
    for part in chunks(numbers):
        gone += tx.execute(delete(issue).where(issue.c.delivery.in_(part))).rowcount
    persons = set(addresses)
    for one in issues.all_with_candidates(tx, payloads):
        if any(candidate.target in persons for candidate in one.candidates):
            shown = tuple(
                Candidate(candidate.target, REASON) if candidate.target in persons else candidate
                for candidate in one.candidates
            )
            issues.tell_again(tx, payloads, replace(one, candidates=shown))
            gone += 1
    return gone


def _links(tx: Tx, addresses: Sequence[Address], now: datetime) -> int:
    """Links end, and what both sides agreed on goes; so it does for the children under them."""
    ends = or_(*_each(_LEFT, addresses), *_each(_RIGHT, addresses))
    numbers = list(tx.execute(select(link.c.number).where(ends)).scalars())
    tombstone = {"state": LinkState.CLOSED.value, "reason": REASON, "updated_at": now}
    nothing = {"base": NO_BASE, "flips": None}
    for part in chunks(numbers):
        tx.execute(update(link).where(link.c.number.in_(part)).values(tombstone | nothing))
        tx.execute(update(link).where(link.c.parent.in_(part)).values(nothing))
    return len(numbers)


def _deliveries(tx: Tx, numbers: Sequence[int], now: datetime) -> int:
    for part in chunks(numbers):
        tx.execute(delete(wait).where(wait.c.delivery.in_(part)))
        ended = {
            "state": DeliveryState.DONE.value,
            "settled": delivery.c.wanted,
            "reason": REASON,
            "detail": None,
            "seen_hash": None,
            "ended_at": now,
        }
        tx.execute(update(delivery).where(delivery.c.number.in_(part)).values(ended))
    return len(numbers)
