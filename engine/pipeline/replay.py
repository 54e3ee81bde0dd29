"""Replay: the same key and the same bytes again, where the vendor promises that it is harmless.

A vendor that keeps the answer to an idempotency key answers a repeat with what became of the first
sending. That is surer than a look-up, whose index may lag, but only while the key is remembered: an
hour before the horizon, counted from the first sending, replaying ends and looking begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from connectors.base import Confirmed, CreateIdentity
from connectors.errors import CallError, Rejected, RetryLater
from connectors.records import Change, Operation, Record, Ref
from engine.config.model import Endpoint
from engine.model import Intent
from engine.pipeline.services import Services
from engine.store import codec, intents

MARGIN: Final = timedelta(hours=1)
SERVER_ERROR: Final = 500
# The key was seen with other bytes, or what is stored under it is an accident of the vendor's: it
# will never tell what became of the first sending.
NEVER_TELLS: Final = frozenset({"KEY_REUSED", "STORED_FAILURE"})
# Said before the key is looked at: of the first sending they tell nothing.
_AT_THE_DOOR: Final = frozenset({401, 403, 408, 409, 425, 429})


@dataclass(frozen=True, slots=True)
class Replayed:
    """What the vendor answers to a repeated key: the record, a refusal, or nothing we can use.

    ``mute``: this key will never answer; only a look can tell.
    """

    intent: Intent
    record: Record | None = None
    refusal: CallError | None = None
    mute: bool = False


def replayable(services: Services, intent: Intent) -> bool:
    """Whether sending an intent of unknown outcome again, with its key, is harmless now."""
    spec = services.object_spec(Endpoint(intent.connection, intent.object))
    if spec.replay_horizon is None or intent.first_sent_at is None or intent.parked:
        return False
    if services.clock.now() >= intent.first_sent_at + spec.replay_horizon - MARGIN:
        return False
    if intent.operation is Operation.CREATE:
        return spec.create_identity in (CreateIdentity.IDEMPOTENCY_KEY, CreateIdentity.OWN_NUMBER)
    if intent.operation is Operation.ACT:
        return any(act.name == intent.action and act.replayable for act in spec.actions)
    return False


def replay(services: Services, wanted: Sequence[Intent]) -> list[Replayed]:
    """Send these again, one call each, after noting that they are."""
    found = []
    for before in wanted:
        intent = replace(before, attempts=before.attempts + 1)
        _note(services, intent, services.clock.now())
        services.failpoint("send.before")
        (outcome,) = services.gateway.write(intent.connection, [change_of(intent)])
        services.failpoint("send.applied")
        if isinstance(outcome, Confirmed):
            ref = Ref(intent.object, outcome.id)
            record = Record(ref, dict(outcome.fields), version=outcome.version)
            found.append(Replayed(intent, record=record))
        elif outcome.error.code in NEVER_TELLS:
            found.append(Replayed(intent, mute=True))
        elif _refused(outcome.error):
            found.append(Replayed(intent, refusal=outcome.error))
        else:
            found.append(Replayed(intent))
    return found


def _refused(error: CallError) -> bool:
    """Whether the answer says that nothing came of this key, so that another one is needed.

    Vendors store failures as well: a record that was locked at the first sending is locked under
    that key for as long as the key is remembered.
    """
    if type(error) is RetryLater:
        status = error.status
        return status is not None and status < SERVER_ERROR and status not in _AT_THE_DOOR
    return isinstance(error, Rejected)


def _note(services: Services, intent: Intent, now: datetime) -> None:
    with services.store.write() as tx:
        intents.attempted(tx, [(intent.id, intent.attempts)], now)


def change_of(intent: Intent) -> Change:
    """What the connector is given for an intent: the same bytes each time, stored or not."""
    return Change(
        key=intent.id,
        operation=intent.operation,
        object=intent.object,
        fields=codec.canonical(intent.fields),
        id=intent.target_id,
        identity=intent.identity,
        action=intent.action,
    )
