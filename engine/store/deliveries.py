"""Deliveries: what has to reach a target, who works on it, and how it ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Integer, and_, bindparam, case, delete, func, or_, select, update

from engine.model import Address, Closing, Delivery, DeliveryState, InboxState, Want
from engine.store import inbox
from engine.store.sql import Tx, by_place, chunks, insert, insert_many, storable
from engine.store.tables import CLAIMABLE, delivery, intent, wait
from engine.store.tables import inbox as inbox_table

READY = DeliveryState.READY.value
KEEPS_STATE = (DeliveryState.LEASED.value, DeliveryState.IN_DOUBT.value, READY)


SHADOW: Final = "shadow:"
"""Before a mapping's digest: what was delivered was only computed, not sent."""


SHADOW_REASON: Final = "shadow"
CLAIMED: Final = "?"
"""The seen hash while a delivery is worked on: what it was comes back only with a good end."""


_DUE: Final = (
    select(delivery)
    .where(delivery.c.sync == bindparam("sync"), CLAIMABLE, delivery.c.due_at <= bindparam("now"))
    .order_by(delivery.c.due_at, delivery.c.number)
    .limit(bindparam("most", type_=Integer))
)
_DUE_FOR_US: Final = _DUE.with_for_update(skip_locked=True)
_LEASED: Final = select(
    delivery.c.number,
    delivery.c.lease,
    delivery.c.wanted,
    delivery.c.recheck,
    delivery.c.seen_hash,
).where(
    delivery.c.number.in_(bindparam("numbers", expanding=True)),
    delivery.c.state == DeliveryState.LEASED.value,
)
_LEASED_BY_US: Final = _LEASED.with_for_update()


class LeaseLostError(Exception):
    """Another worker holds a delivery of this batch; nothing of the batch may be committed."""


def want(tx: Tx, wants: Sequence[Want]) -> None:
    """Ask for deliveries: open a closed one, or let an open one know that there is more.

    A delivery that is being worked on keeps its state and is looked at again when it is settled;
    one that waits for a retry keeps its due time; every other open state becomes ready.
    """
    if not wants:
        return
    statement = insert(tx, delivery)
    new = statement.excluded
    keeps = or_(*(delivery.c.state == state for state in KEEPS_STATE))
    was_done = delivery.c.state == DeliveryState.DONE.value
    greatest = func.max if tx.dialect.name == "sqlite" else func.greatest
    tx.execute(
        statement.on_conflict_do_update(
            index_elements=["sync", "connection", "object", "id"],
            set_={
                "wanted": greatest(delivery.c.wanted, new.wanted),
                "state": case((keeps, delivery.c.state), else_=READY),
                "due_at": case((keeps, delivery.c.due_at), else_=new.due_at),
                "tries": case((keeps, delivery.c.tries), else_=0),
                "recheck": or_(delivery.c.recheck, new.recheck),
                "seen_hash": case((new.seen_hash == "", None), else_=delivery.c.seen_hash),
                "opened_at": case((was_done, new.opened_at), else_=delivery.c.opened_at),
                "changed_at": new.changed_at,
            },
        ),
        [
            {
                "sync": item.sync,
                "connection": item.root.connection,
                "object": item.root.object,
                "id": item.root.id,
                "state": READY,
                "due_at": item.at,
                "wanted": item.seq,
                "taken": 0,
                "settled": 0,
                "lease": 0,
                "tries": 0,
                "recheck": item.recheck,
                # Empty text marks a change that the root's own hash cannot show.
                "seen_hash": "" if item.through_child else None,
                "opened_at": item.at,
                "changed_at": item.changed_at,
            }
            for item in wants
        ],
    )


def claim(
    tx: Tx,
    sync: str,
    limit: int,
    now: datetime,
    lease_for: timedelta,
    *,
    ordered: bool = False,
) -> list[Delivery]:
    """Lease up to ``limit`` due deliveries of a sync, oldest due first.

    ``ordered``: each claim covers the oldest version not delivered yet, instead of the newest.
    """
    query = _DUE_FOR_US if tx.dialect.name == "postgresql" else _DUE
    rows = list(tx.execute(query, {"sync": sync, "now": now, "most": limit}))
    for part in chunks([row.number for row in rows]):
        tx.execute(
            update(delivery)
            .where(delivery.c.number.in_(part))
            .values(
                state=DeliveryState.LEASED.value,
                lease=delivery.c.lease + 1,
                taken=delivery.c.wanted,
                seen_hash=CLAIMED,
                leased_until=now + lease_for,
            )
        )
    claimed = [_claimed(row) for row in rows]
    if not ordered:
        return claimed
    oldest = inbox.oldest(tx, [(item.source, item.settled) for item in claimed])
    return [replace(item, taken=oldest.get(item.source, item.taken)) for item in claimed]


def _claimed(row: Any) -> Delivery:
    return Delivery(
        number=row.number,
        sync=row.sync,
        source=Address(row.connection, row.object, row.id),
        lease=row.lease + 1,
        taken=row.wanted,
        settled=row.settled,
        tries=row.tries,
        recheck=row.recheck,
        seen_hash=None if row.seen_hash in ("", CLAIMED) else row.seen_hash,
        seen_digest=row.seen_digest,
        opened_at=row.opened_at,
        changed_at=row.changed_at,
        reason=row.reason,
    )


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """What came to a delivery while it was worked on."""

    wanted: int
    recheck: bool
    seen_forgotten: bool


def fence(tx: Tx, claimed: Iterable[Delivery]) -> dict[int, Meanwhile]:
    """Prove that every lease is still ours. Returns what each delivery wants by now.

    Raises :class:`LeaseLostError`, which rolls the whole commit back: we are a zombie.
    """
    leases = {item.number: item.lease for item in claimed}
    found: dict[int, Meanwhile] = {}
    query = _LEASED_BY_US if tx.dialect.name == "postgresql" else _LEASED
    for part in chunks(sorted(leases)):
        for row in tx.execute(query, {"numbers": part}):
            if row.lease == leases[row.number]:
                found[row.number] = Meanwhile(
                    row.wanted, row.recheck, seen_forgotten=row.seen_hash != CLAIMED
                )
    if len(found) != len(leases):
        raise LeaseLostError(f"{len(leases) - len(found)} leases are no longer ours")
    return found


def close(tx: Tx, closings: Sequence[Closing], now: datetime) -> None:
    """End claims. A delivery that learned of more while it was worked on is ready again at once.

    Call :func:`fence` first, in the same transaction.
    """
    if not closings:
        return
    meanwhile = fence(tx, [closing.delivery for closing in closings])
    rows = []
    for closing in closings:
        item = closing.delivery
        more = meanwhile[item.number].wanted > item.taken
        again = more and closing.state in (
            DeliveryState.DONE,
            DeliveryState.WAITING,
            DeliveryState.HELD,
            DeliveryState.ISSUE,
        )
        rows.append(_closed_row(closing, now, meanwhile[item.number], again=again))
    tx.execute(
        update(delivery)
        .where(delivery.c.number == bindparam("at"))
        .values(
            {
                name: bindparam(f"to_{name}")
                for name in (
                    "state",
                    "due_at",
                    "tries",
                    "reason",
                    "detail",
                    "settled",
                    "recheck",
                    "seen_hash",
                    "seen_digest",
                    "ended_at",
                )
            }
        ),
        rows,
    )
    _finish_rows(tx, closings)
    over = [one.delivery.number for one in closings if not one.keeps_waits]
    for part in chunks(over):
        tx.execute(delete(wait).where(wait.c.delivery.in_(part)))
    insert_many(tx, wait, _wait_rows(closings, now))


def _closed_row(
    closing: Closing, now: datetime, meanwhile: Meanwhile, *, again: bool
) -> dict[str, Any]:
    item = closing.delivery
    done = closing.state is DeliveryState.DONE
    seen = done and not again and not meanwhile.seen_forgotten
    ended = closing.state not in (DeliveryState.READY, DeliveryState.IN_DOUBT)
    return {
        "at": item.number,
        "to_state": READY if again else closing.state.value,
        "to_due_at": now if again else closing.due_at,
        "to_tries": 0 if again else closing.tries,
        "to_reason": storable(closing.reason),
        "to_detail": closing.detail,
        "to_settled": item.taken if ended else item.settled,
        "to_recheck": meanwhile.recheck and (again or not done),
        # What came meanwhile may be a child's change, which the root's hash cannot show.
        "to_seen_hash": closing.seen_hash if seen else None,
        "to_seen_digest": closing.seen_digest if done else item.seen_digest,
        "to_ended_at": now if done else None,
    }


def _finish_rows(tx: Tx, closings: Sequence[Closing]) -> None:
    """Rows end with the claim that covered them; a parked one is with its delivery's issue."""
    groups: dict[tuple[InboxState, str | None], list[tuple[str, Address, int, int]]] = {}
    for closing in closings:
        item = closing.delivery
        if closing.state in (DeliveryState.READY, DeliveryState.IN_DOUBT):
            continue
        parked = closing.state is not DeliveryState.DONE
        state = InboxState.PARKED if parked else closing.row_state
        span = (item.sync, item.source, item.settled, item.taken)
        groups.setdefault((state, closing.reason), []).append(span)
    for (state, reason), spans in groups.items():
        inbox.finish(tx, spans, state, storable(reason))


def _wait_rows(closings: Sequence[Closing], now: datetime) -> list[Mapping[str, Any]]:
    rows = {
        (closing.delivery.number, address): {
            "delivery": closing.delivery.number,
            "connection": address.connection,
            "object": address.object,
            "id": address.id,
            "to_object": to_object,
            "since": now,
        }
        for closing in closings
        for address, to_object in closing.waits
    }
    return list(rows.values())


def wake(tx: Tx, sources: Iterable[Address], now: datetime, *, linked: bool = True) -> int:
    """Make ready what waits for a link of one of these records. Returns how many.

    ``linked``: the link has come, so that what was written without it is written again; otherwise
    it was decided against, and only those that cannot go on without knowing look again.
    """
    numbers: set[int] = set()
    for (connection, object), ids in by_place(sources).items():
        for part in chunks(ids):
            rows = tx.execute(
                select(wait.c.delivery).where(
                    wait.c.connection == connection, wait.c.object == object, wait.c.id.in_(part)
                )
            )
            numbers.update(row.delivery for row in rows)
    states = [DeliveryState.WAITING.value, *([DeliveryState.DONE.value] if linked else [])]
    return _awake(tx, numbers, states, now)


def _awake(tx: Tx, numbers: Iterable[int], states: Sequence[str], now: datetime) -> int:
    ordered = sorted(numbers)
    for part in chunks(ordered):
        tx.execute(
            update(delivery)
            .where(delivery.c.number.in_(part), delivery.c.state.in_(states))
            .values(state=READY, due_at=now, tries=0, seen_hash=None)
        )
    return len(ordered)


def recover(tx: Tx, now: datetime, *, all_leases: bool, sync: str | None = None) -> int:
    """Take back leases: all of them (the lock proves their owner dead) or the expired ones.

    ``sync`` limits it to one sync's. A delivery with an intent that was sent and never answered
    comes back as in doubt.
    """
    expired = delivery.c.state == DeliveryState.LEASED.value
    if not all_leases:
        expired = and_(expired, delivery.c.leased_until < now)
    if sync is not None:
        expired = and_(expired, delivery.c.sync == sync)
    numbers = [row.number for row in tx.execute(select(delivery.c.number).where(expired))]
    for part in chunks(numbers):
        doubtful = select(intent.c.delivery).where(
            intent.c.delivery.in_(part), intent.c.ended_at.is_(None)
        )
        tx.execute(
            update(delivery)
            .where(delivery.c.number.in_(part))
            .values(
                state=case(
                    (delivery.c.number.in_(doubtful), DeliveryState.IN_DOUBT.value), else_=READY
                ),
                lease=delivery.c.lease + 1,
                due_at=now,
            )
        )
    return len(numbers)


def go_live(tx: Tx, sync: str, now: datetime) -> int:
    """A shadow sync is switched on: what it only computed is to be sent. Returns how many."""
    return tx.execute(
        update(delivery)
        .where(
            delivery.c.sync == sync,
            delivery.c.state == DeliveryState.DONE.value,
            or_(delivery.c.seen_digest.startswith(SHADOW), delivery.c.reason == SHADOW_REASON),
        )
        .values(state=READY, due_at=now, seen_hash=None, seen_digest=None, tries=0)
    ).rowcount


def release_held(tx: Tx, reason: str, now: datetime, *, due: bool) -> int:
    """Let go what is held for a reason: what is due again, or all of it. Returns how many."""
    where = [delivery.c.state == DeliveryState.HELD.value, delivery.c.reason == reason]
    if due:
        where.append(delivery.c.due_at <= now)
    return tx.execute(
        update(delivery).where(*where).values(state=READY, due_at=now, tries=0)
    ).rowcount


def supersede(tx: Tx, sources: Iterable[Address], now: datetime, reason: str) -> None:
    """Close deliveries of records that go on as others; those in hand end themselves."""
    for (connection, object), ids in by_place(sources).items():
        for part in chunks(ids):
            at = and_(
                delivery.c.connection == connection,
                delivery.c.object == object,
                delivery.c.id.in_(part),
                delivery.c.state.not_in([DeliveryState.DONE.value, *KEEPS_STATE[:2]]),
            )
            tx.execute(
                update(delivery)
                .where(at)
                .values(
                    state=DeliveryState.DONE.value,
                    settled=delivery.c.wanted,
                    reason=reason,
                    ended_at=now,
                )
            )
            tx.execute(
                update(inbox_table)
                .where(
                    inbox_table.c.connection == connection,
                    inbox_table.c.object == object,
                    inbox_table.c.id.in_(part),
                    inbox_table.c.state == InboxState.ROUTED.value,
                )
                .values(state=InboxState.SUPERSEDED.value, reason=reason, snapshot=None, open=0)
            )
