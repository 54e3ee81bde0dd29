"""Intents and attempts: every effect is recorded before it is sent, and resolved, never guessed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, TypeAlias, cast

from sqlalchemy import bindparam, func, select, update

from connectors.records import Identity, Operation, Value
from engine.model import Address, Intent, IntentState
from engine.store import codec
from engine.store.payloads import ErasedError, Payloads
from engine.store.sql import Tx, chunks, insert_many, storable
from engine.store.tables import attempt, intent

BODY: Final = "intent body"
PENDING: Final = "pending"
"""The outcome of an attempt that was taken as a job; its request id is the job's token."""
NO_EFFECT: Final = (IntentState.SHADOW, IntentState.REFUSED, IntentState.ABSENT)
STILL_OPEN: Final = (IntentState.UNKNOWN, IntentState.PARKED)


@dataclass(frozen=True, slots=True)
class Ending:
    """What an attempt came to. ``state`` UNKNOWN keeps the intent open."""

    intent: str
    number: int
    state: IntentState
    outcome: str
    code: str | None = None
    request_id: str | None = None
    target_id: str | None = None
    link: int | None = None


def record(
    tx: Tx, payloads: Payloads, intents: Sequence[Intent], now: datetime, *, sent: bool
) -> None:
    """Write intents down: with a first attempt about to be made, or (not ``sent``) as shadows."""
    state = IntentState.SENT if sent else IntentState.SHADOW
    bodies = payloads.seal(
        tx,
        [(payloads.concerns(item.source, _target(item)), _body(item)) for item in intents],
        BODY,
    )
    insert_many(
        tx,
        intent,
        [
            {
                "id": item.id,
                "delivery": item.delivery,
                "sync": item.sync,
                "source_connection": item.source.connection,
                "source_object": item.source.object,
                "source_id": item.source.id,
                "link": item.link,
                "parent": item.parent,
                "operation": item.operation.value,
                "connection": item.connection,
                "object": item.object,
                "target_id": item.target_id,
                "identity_field": item.identity.field if item.identity else None,
                "identity_value": item.identity.value if item.identity else None,
                "business_key": item.business_key,
                "body": body,
                "body_digest": item.body_digest,
                "config": item.config,
                "state": state.value,
                "created_at": now,
                "ended_at": None if sent else now,
            }
            for item, body in zip(intents, bodies, strict=True)
        ],
    )
    if sent:
        attempted(tx, [(item.id, item.attempts) for item in intents], now)


def _target(item: Intent) -> Address:
    return Address(item.connection, item.object, item.target_id or "")


def _body(item: Intent) -> bytes:
    raw = {name: (near, digest) for name, (near, digest) in item.raw.items()}
    return codec.dump({"fields": dict(item.fields), "raw": raw, "action": item.action})


def attempted(tx: Tx, sendings: Sequence[tuple[str, int]], now: datetime) -> None:
    """Note that these are about to be sent; committed before the first byte."""
    insert_many(
        tx,
        attempt,
        [{"intent": id, "number": number, "key": id, "sent_at": now} for id, number in sendings],
    )


def end(tx: Tx, endings: Sequence[Ending], now: datetime) -> None:
    """Write down what came of attempts; a resolved intent loses its body."""
    if not endings:
        return
    tx.execute(
        update(attempt)
        .where(attempt.c.intent == bindparam("of"), attempt.c.number == bindparam("no"))
        .values(
            finished_at=now,
            outcome=bindparam("to_outcome"),
            code=bindparam("to_code"),
            request_id=bindparam("to_request_id"),
        ),
        [
            {
                "of": ending.intent,
                "no": ending.number,
                "to_outcome": ending.outcome,
                "to_code": storable(ending.code),
                "to_request_id": storable(ending.request_id),
            }
            for ending in endings
        ],
    )
    for still_open in (True, False):
        group = [item for item in endings if (item.state in STILL_OPEN) is still_open]
        if group:
            _end_intents(tx, group, None if still_open else now)


def _end_intents(tx: Tx, endings: Sequence[Ending], ended_at: datetime | None) -> None:
    values: dict[str, Any] = {
        "state": bindparam("to_state"),
        "code": bindparam("to_code"),
        "ended_at": ended_at,
        "target_id": func.coalesce(bindparam("to_target"), intent.c.target_id),
        "link": func.coalesce(bindparam("to_link"), intent.c.link),
    }
    if ended_at is not None:
        values["body"] = None
    tx.execute(
        update(intent).where(intent.c.id == bindparam("at")).values(values),
        [
            {
                "at": ending.intent,
                "to_state": ending.state.value,
                "to_code": storable(ending.code),
                "to_target": ending.target_id,
                "to_link": ending.link,
            }
            for ending in endings
        ],
    )


_OPEN_OF: Final = (
    select(intent)
    .where(
        intent.c.delivery.in_(bindparam("deliveries", expanding=True)),
        intent.c.ended_at.is_(None),
    )
    .order_by(intent.c.id)
)


def open_of(tx: Tx, payloads: Payloads, deliveries: Iterable[int]) -> dict[int, list[Intent]]:
    """The unresolved intents of deliveries, oldest first, with their bodies and attempts."""
    found: dict[int, list[Intent]] = {}
    for part in chunks(sorted(deliveries)):
        rows = list(tx.execute(_OPEN_OF, {"deliveries": part}))
        tries = _attempts(tx, [row.id for row in rows])
        tokens = _tokens(tx, [row.id for row in rows])
        bodies = payloads.open(tx, [bytes(row.body) for row in rows if row.body], BODY)
        opened = iter(bodies)
        for row in rows:
            number, first = tries.get(row.id, (0, None))
            body = _opened(row, next(opened)) if row.body else {}
            one = replace(_intent(row, body, number, first), token=tokens.get(row.id))
            found.setdefault(row.delivery, []).append(one)
    return found


def _attempts(tx: Tx, ids: Sequence[str]) -> dict[str, tuple[int, datetime | None]]:
    found: dict[str, tuple[int, datetime | None]] = {}
    for part in chunks(ids):
        rows = tx.execute(
            select(attempt.c.intent, func.max(attempt.c.number), func.min(attempt.c.sent_at))
            .where(attempt.c.intent.in_(part))
            .group_by(attempt.c.intent)
        )
        for id, number, first in rows:
            found[id] = (number, first)
    return found


def _opened(row: Any, body: bytes | None) -> dict[str, Value]:
    if body is None:  # what it sent cannot be told any more, so it cannot be sent again either
        raise ErasedError(f"intent {row.id} is about a person who was forgotten")
    return codec.load_fields(body)


def _tokens(tx: Tx, ids: Sequence[str]) -> dict[str, str]:
    """The jobs that hold intents, by intent."""
    found: dict[str, str] = {}
    for part in chunks(ids):
        rows = tx.execute(
            select(attempt.c.intent, attempt.c.request_id)
            .where(attempt.c.intent.in_(part), attempt.c.outcome == PENDING)
            .order_by(attempt.c.number)
        )
        found.update({id: token for id, token in rows if token})
    return found


def _intent(
    row: Any, body: Mapping[str, Value], attempts: int, first_sent_at: datetime | None
) -> Intent:
    fields = cast("Mapping[str, Value]", body.get("fields", {}))
    raw = cast("Mapping[str, tuple[str, str]]", body.get("raw", {}))
    identity = Identity(row.identity_field, row.identity_value) if row.identity_field else None
    return Intent(
        id=row.id,
        delivery=row.delivery,
        sync=row.sync,
        source=Address(row.source_connection, row.source_object, row.source_id),
        operation=Operation(row.operation),
        connection=row.connection,
        object=row.object,
        target_id=row.target_id,
        identity=identity,
        business_key=row.business_key,
        fields=fields,
        raw={name: (near, digest) for name, (near, digest) in raw.items()},
        action=cast("str | None", body.get("action")),
        parked=row.state == IntentState.PARKED.value,
        body_digest=row.body_digest,
        config=row.config,
        link=row.link,
        parent=row.parent,
        attempts=attempts,
        first_sent_at=first_sent_at,
    )


def give_up(tx: Tx, deliveries: Iterable[int], now: datetime) -> int:
    """A person says that what is parked did not arrive: it ends, and may be sent anew."""
    ended = 0
    for part in chunks(sorted(deliveries)):
        ended += tx.execute(
            update(intent)
            .where(intent.c.delivery.in_(part), intent.c.state == IntentState.PARKED.value)
            .values(state=IntentState.ABSENT.value, ended_at=now, body=None)
        ).rowcount
    return ended


Act: TypeAlias = tuple[int, str, str, str]
"""What an action was: its delivery, target id, business key and the digest of its fields."""


def acts_done(tx: Tx, deliveries: Iterable[int]) -> dict[Act, datetime]:
    """The actions that deliveries have done, and when they were last known to be."""
    found: dict[Act, datetime] = {}
    columns = (intent.c.delivery, intent.c.target_id, intent.c.business_key, intent.c.body_digest)
    for part in chunks(sorted(deliveries)):
        rows = tx.execute(
            select(*columns, intent.c.ended_at)
            .where(
                intent.c.delivery.in_(part),
                intent.c.operation == Operation.ACT.value,
                intent.c.state == IntentState.CONFIRMED.value,
            )
            .order_by(intent.c.ended_at)
        )
        found.update({(row[0], row[1] or "", row[2], row[3]): row[4] for row in rows})
    return found


_BUSY_TARGETS: Final = select(intent.c.target_id, intent.c.delivery).where(
    intent.c.connection == bindparam("connection"),
    intent.c.object == bindparam("object"),
    intent.c.target_id.in_(bindparam("ids", expanding=True)),
    intent.c.ended_at.is_(None),
)


def busy_targets(tx: Tx, targets: Iterable[Address], but: Iterable[int]) -> set[Address]:
    """Those of the records that an unresolved intent of another delivery is about to change."""
    mine = set(but)
    found: set[Address] = set()
    groups: dict[tuple[str, str], list[str]] = {}
    for target in targets:
        groups.setdefault((target.connection, target.object), []).append(target.id)
    for (connection, object), ids in groups.items():
        for part in chunks(ids):
            place = {"connection": connection, "object": object, "ids": part}
            rows = tx.execute(_BUSY_TARGETS, place)
            found.update(
                Address(connection, object, row.target_id)
                for row in rows
                if row.delivery not in mine
            )
    return found


def creates_since(tx: Tx, sync: str, since: datetime) -> int:
    """How many creates of a sync were recorded since an instant, for its guard."""
    return _since(tx, sync, since, (Operation.CREATE, Operation.UPSERT))


def deletes_since(tx: Tx, sync: str, since: datetime) -> int:
    """How many deletes of a sync were recorded since an instant, for its guard."""
    return _since(tx, sync, since, (Operation.DELETE,))


def _since(tx: Tx, sync: str, since: datetime, operations: Sequence[Operation]) -> int:
    return int(
        tx.execute(
            select(func.count())
            .select_from(intent)
            .where(
                intent.c.sync == sync,
                intent.c.created_at >= since,
                intent.c.operation.in_([operation.value for operation in operations]),
                intent.c.state.not_in([state.value for state in NO_EFFECT]),
            )
        ).scalar_one()
    )


def unresolved(tx: Tx, limit: int = 1000) -> list[dict[str, Any]]:
    """Open intents, oldest first, for status: what was sent and is not known to have arrived."""
    rows = tx.execute(
        select(
            intent.c.id,
            intent.c.sync,
            intent.c.source_connection,
            intent.c.source_object,
            intent.c.source_id,
            intent.c.operation,
            intent.c.connection,
            intent.c.object,
            intent.c.target_id,
            intent.c.state,
            intent.c.created_at,
        )
        .where(intent.c.ended_at.is_(None))
        .order_by(intent.c.id)
        .limit(limit)
    )
    return [dict(row) for row in rows.mappings()]
