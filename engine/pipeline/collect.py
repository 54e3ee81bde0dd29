"""Collect: what became of writes that the vendor took as a job and answers later.

A job's answer is asked for by the token under which it was taken. A record that the job refused is
sent once more by itself, which tells more exactly what is wrong with it and costs one of its tries.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from connectors.base import Collects, Confirmed, Outcome
from connectors.errors import CallError, OutcomePending, OutcomeUnknown
from connectors.records import Life, Record, Ref
from engine.config.model import SyncConfig
from engine.model import Delivery, Intent
from engine.pipeline.gateway import UnavailableError
from engine.pipeline.replay import change_of
from engine.pipeline.services import Services
from engine.pipeline.settle import Settling
from engine.pipeline.targets import live_selection
from engine.store import deliveries

AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """What a look told about one intent: the record if it is there, or when to look again.

    ``collected``: it is the answer to the write itself, which a job gave late; ``was_there``: of a
    record that was to be made and was in the target before.
    """

    intent: Intent
    record: Record | None
    until: datetime | None = None
    hopeless: bool = False
    refused: CallError | None = None
    collected: bool = False
    was_there: bool = False


def collect(services: Services, unresolved: Sequence[Intent]) -> tuple[list[Answer], list[Intent]]:
    """What the jobs say that hold some of these; and those of which no job can tell.

    All of one job are asked for together.
    """
    groups: dict[tuple[str, str], list[Intent]] = defaultdict(list)
    for intent in unresolved:
        if intent.token is not None and not intent.parked:
            groups[intent.connection, intent.token].append(intent)
    found: list[Answer] = []
    for (connection, token), group in groups.items():
        outcomes = _asked(services, connection, token, group)
        answers = map(_answer, [services] * len(group), group, outcomes)
        found += [answer for answer in answers if answer is not None]
    told = {answer.intent.id for answer in found}
    return found, [intent for intent in unresolved if intent.id not in told]


def _asked(
    services: Services, connection: str, token: str, group: Sequence[Intent]
) -> Sequence[Outcome | None]:
    connector = services.gateway.connector(connection)
    if not isinstance(connector, Collects):
        return [None for _ in group]
    changes = [change_of(intent) for intent in group]
    return services.gateway.read(connection, lambda _: connector.collect(token, changes), "collect")


def _answer(services: Services, intent: Intent, outcome: Outcome | None) -> Answer | None:
    """``None``: the job cannot tell."""
    if outcome is None:
        return None
    if isinstance(outcome, Confirmed):
        # The write took effect whole: what was sent is there.
        fields = {**intent.fields, **outcome.fields}
        record = Record(Ref(intent.object, outcome.id), fields, version=outcome.version)
        return Answer(intent, record, collected=True, was_there=outcome.created is False)
    error = outcome.error
    if isinstance(error, OutcomePending):
        until = services.clock.now() + error.again_after
        return Answer(intent, None, until=until, collected=True)
    if isinstance(error, OutcomeUnknown):
        return None
    return Answer(intent, None, refused=error, collected=True)


def as_stored(services: Services, sync: SyncConfig, answers: Sequence[Answer]) -> list[Answer]:
    """What the target made of records that a job created, where they come back to us."""
    made = [
        answer.record.ref.id
        for answer in answers
        if answer.collected
        and answer.record is not None
        and answer.intent.target_id is None
        and answer.intent.object == sync.target.object
    ]
    stored = _read_back(services, sync, made)
    return [
        replace(answer, record=replace(now, fields={**answer.record.fields, **now.fields}))
        if answer.record is not None and (now := stored.get(answer.record.ref.id)) is not None
        else answer
        for answer in answers
    ]


def _read_back(services: Services, sync: SyncConfig, ids: Sequence[str]) -> dict[str, Record]:
    """What the target made of new records, by id, where a facing sync would bring them back."""
    if not ids or services.facing(sync) is None:
        return {}
    selection = live_selection(sync.mapping, [])
    try:
        answer = services.gateway.read(
            sync.target.connection, lambda connector: connector.read(selection, ids), "read"
        )
    except (CallError, UnavailableError):
        return {}  # The write itself is known; what it became is seen when it comes back.
    return {record.ref.id: record for record in answer if record.life is Life.LIVE}


def settle_collected(
    services: Services,
    sync: SyncConfig,
    answers: Sequence[Answer],
    by_number: Mapping[int, Delivery],
) -> list[Answer]:
    """Write down what jobs have confirmed; returns the other answers.

    Part by part, as there are many and nobody else can write meanwhile.
    """
    done = [answer for answer in answers if answer.collected and answer.record is not None]
    for start in range(0, len(done), AT_ONCE):
        part = done[start : start + AT_ONCE]
        with services.store.write() as tx:
            deliveries.fence(tx, [by_number[one] for one in {a.intent.delivery for a in part}])
            settling = Settling(services, sync, tx, services.clock.now())
            for answer in part:
                if answer.record is not None:
                    settling.collected(answer.intent, answer.record, was_there=answer.was_there)
            settling.write()
        services.failpoint("recover.after_commit")
    return [answer for answer in answers if not (answer.collected and answer.record is not None)]
