"""Resolve: find out what became of a write whose answer was lost. Never by sending it again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from connectors.base import Resolves
from connectors.records import (
    Found,
    Life,
    Lookup,
    NotYetKnowable,
    Operation,
    Record,
    Selection,
)
from engine.config.model import Endpoint, SyncConfig
from engine.model import (
    Address,
    Agreed,
    Delivery,
    Intent,
    IntentState,
    IssueReport,
    Known,
    LinkState,
)
from engine.pipeline.batch import InDoubt, Problem, Result, TryLater
from engine.pipeline.collect import AT_ONCE, Answer, as_stored, collect, settle_collected
from engine.pipeline.containment import differing
from engine.pipeline.digests import field_digests, value_digest
from engine.pipeline.poll import WRITTEN
from engine.pipeline.replay import replay, replayable
from engine.pipeline.services import Services
from engine.pipeline.settle import end_deleted
from engine.store import claims, deliveries, delivery_states, intents, ledger, links, records
from engine.store.claims import Fulfilment
from engine.store.intents import Ending
from engine.store.ledger import Line
from engine.store.sql import Tx

LOOK_AGAIN: Final = timedelta(seconds=30)
SHOWS_WITHIN: Final = timedelta(minutes=5)
"""How late a target may show what an action did to it; longer where its object says so."""
MAKING: Final = (Operation.CREATE, Operation.UPSERT)


def resolve(services: Services, sync: SyncConfig, claimed: Sequence[Delivery]) -> dict[int, Result]:
    """Resolve the open intents of a batch. Returns the deliveries that cannot go on now."""
    with services.store.read() as tx:
        open_intents = intents.open_of(
            tx, services.store.payloads, [delivery.number for delivery in claimed]
        )
    if not open_intents:
        return {}
    services.failpoint("recover.before_lookup")
    answers = _answers(services, [item for several in open_intents.values() for item in several])
    answers = as_stored(services, sync, answers)
    by_number = {delivery.number: delivery for delivery in claimed}
    answers = settle_collected(services, sync, answers, by_number)
    stopped: dict[int, Result] = {}
    for start in range(0, len(answers), AT_ONCE):
        # A job's answers are many, and nobody else can write meanwhile.
        part = answers[start : start + AT_ONCE]
        with services.store.write() as tx:
            deliveries.fence(tx, [by_number[one] for one in {a.intent.delivery for a in part}])
            for answer in part:
                delivery = by_number[answer.intent.delivery]
                result = _Resolving(services, sync, tx, delivery).one(answer)
                if result is not None:
                    stopped[answer.intent.delivery] = result
        services.failpoint("recover.after_commit")
    return stopped


def _answers(services: Services, unresolved: Sequence[Intent]) -> list[Answer]:
    """What became of each: asked by its key where the vendor remembers it, else looked up.

    An action is told by reading its target, which its step does; here it only waits until what it
    did would show.
    """
    found, unresolved = collect(services, unresolved)
    again = [intent for intent in unresolved if replayable(services, intent)]
    others = [intent for intent in unresolved if intent not in again]
    for one in replay(services, again):
        if one.mute:
            others.append(one.intent)
        elif one.record is not None or one.refusal is not None:
            found.append(Answer(one.intent, one.record, refused=one.refusal))
        else:
            found.append(Answer(one.intent, None, until=services.clock.now() + LOOK_AGAIN))
    acts = [intent for intent in others if intent.operation is Operation.ACT]
    found += [
        Answer(intent, None, until=until)
        for intent in acts
        if (until := _shows_at(services, intent)) is not None or intent.parked
    ]
    return found + _look(services, [intent for intent in others if intent not in acts])


def _shows_at(services: Services, intent: Intent) -> datetime | None:
    """Until when the effect of an action may not be visible yet; ``None`` if it would be."""
    now = services.clock.now()
    spec = services.object_spec(Endpoint(intent.connection, intent.object))
    shows_at = (intent.first_sent_at or now) + max(SHOWS_WITHIN, spec.lookup_lag)
    return shows_at if shows_at > now else None


def _look(services: Services, unresolved: Sequence[Intent]) -> list[Answer]:
    groups: dict[tuple[str, str, bool], list[Intent]] = defaultdict(list)
    for intent in unresolved:
        # One that is parked may name what it made; it is looked for as it was then.
        by_identity = intent.target_id is None or intent.operation in MAKING
        groups[intent.connection, intent.object, by_identity].append(intent)
    answers: list[Answer] = []
    for (connection, object, by_identity), group in groups.items():
        names = {name for intent in group for name in intent.fields}
        names.update(intent.identity.field for intent in group if intent.identity)
        selection = Selection(object, tuple(sorted(names)))
        if by_identity:
            answers.extend(_by_identity(services, connection, selection, group))
        else:
            answers.extend(_by_id(services, connection, selection, group))
    return answers


def _by_identity(
    services: Services, connection: str, selection: Selection, group: Sequence[Intent]
) -> list[Answer]:
    connector = services.gateway.connector(connection)
    identities = [intent.identity for intent in group if intent.identity is not None]
    spec = services.object_spec(Endpoint(connection, selection.object))
    nameless = len(identities) != len(group)
    if not isinstance(connector, Resolves) or nameless or not spec.findable:
        return [Answer(intent, None, hopeless=True) for intent in group]
    found: Sequence[Lookup] = services.gateway.read(
        connection, lambda _: connector.lookup(selection, identities), "lookup"
    )
    now = services.clock.now()
    answers = []
    for intent, answer in zip(group, found, strict=True):
        if isinstance(answer, Found):
            answers.append(Answer(intent, answer.record))
        elif isinstance(answer, NotYetKnowable):
            answers.append(Answer(intent, None, until=answer.until))
        else:
            # Not seen is not absent until a record made then would have become visible.
            sent = intent.first_sent_at or now
            seen_by = sent + spec.lookup_lag
            answers.append(Answer(intent, None, until=seen_by if seen_by > now else None))
    return answers


def _by_id(
    services: Services, connection: str, selection: Selection, group: Sequence[Intent]
) -> list[Answer]:
    ids = [intent.target_id or "" for intent in group]
    found = services.gateway.read(
        connection, lambda connector: connector.read(selection, ids), "read"
    )
    return [Answer(intent, record) for intent, record in zip(group, found, strict=True)]


class _Resolving:
    """Writes down what a look told about one intent."""

    def __init__(self, services: Services, sync: SyncConfig, tx: Tx, delivery: Delivery) -> None:
        self._services = services
        self._sync = sync
        self._tx = tx
        self._delivery = delivery
        self._now = services.clock.now()

    def one(self, answer: Answer) -> Result | None:
        """``None``: the intent is resolved and its delivery goes on."""
        intent = answer.intent
        if answer.hopeless or intent.parked:
            return self._parked(answer)
        if answer.until is not None:
            return InDoubt(
                min(answer.until, self._now + LOOK_AGAIN), "NOT_YET_KNOWABLE", counts=False
            )
        if answer.refused is not None and answer.collected:
            self._end(intent, IntentState.REFUSED, "failed")
            self._free(intent)
            # The job itself has used up a try; what is wrong is told by the one to come.
            return self._spent() or TryLater(self._now, answer.refused.code, counts=False)
        if answer.refused is not None:
            self._end(intent, IntentState.REFUSED, "failed")
            self._tell(intent, "refused", intent.target_id)
            self._free(intent)
            return self._spent()
        record = answer.record
        if record is not None and intent.operation is Operation.ACT:
            self._end(intent, IntentState.CONFIRMED, "resolved", intent.target_id)
            self._tell(intent, "resolved", intent.target_id)
            return None
        if record is not None and record.life is Life.LIVE:
            differs = differing(intent.fields, record.fields)
            if intent.target_id is None:
                return self._created(intent, record, differs)
            if not differs and intent.operation is not Operation.DELETE:
                self._found(intent, record)
                return None
        elif record is not None and intent.operation is Operation.DELETE:
            end_deleted(self._tx, intent, self._now)
            self._end(intent, IntentState.CONFIRMED, "resolved", intent.target_id)
            self._tell(intent, "resolved", intent.target_id)
            return None
        # Not applied, or overtaken by an edit: what to do now is decided afresh.
        self._absent(intent)
        return self._spent()

    def _parked(self, answer: Answer) -> Result | None:
        """A person's business, unless what was made is by now what was to be made."""
        intent, record = answer.intent, answer.record
        if intent.parked and record is not None and record.ref.id == intent.target_id:
            return self._created(intent, record, differing(intent.fields, record.fields))
        if not intent.parked:
            self._end(intent, IntentState.PARKED, "parked")
            self._tell(intent, "parked", None)
        return Problem(IssueReport("IN_DOUBT", self._sync.name, intent.source))

    def _spent(self) -> Result | None:
        """A write that never arrives is not sent for ever."""
        tries = self._delivery.tries
        if tries <= self._sync.retries:
            return None
        report = IssueReport(
            code="RETRIES_SPENT",
            sync=self._sync.name,
            source=self._delivery.source,
            parameters={"tries": str(tries), "message": "every answer was lost, nothing arrived"},
        )
        return Problem(report)

    def _created(self, intent: Intent, record: Record, differs: list[str]) -> Result | None:
        spec = self._services.object_spec(Endpoint(intent.connection, intent.object))
        if differs and spec.immutable_when is not None:
            if not intent.parked:
                self._end(intent, IntentState.PARKED, "parked", record.ref.id)
                self._tell(intent, "parked", record.ref.id)
            report = IssueReport(
                "RESOLVED_DIFFERS",
                self._sync.name,
                intent.source,
                target=Address(intent.connection, intent.object, record.ref.id),
                parameters={"fields": ", ".join(differs)},
            )
            return Problem(report)
        target = Address(intent.connection, intent.object, record.ref.id)
        taken = links.of_targets(
            self._tx, [target], intent.source.connection, intent.source.object
        ).get(target)
        if taken is not None and taken.near != intent.source:
            links.close(self._tx, taken.number, LinkState.CLOSED, "identity reassigned", self._now)
            taken = None
        if taken is None:
            base = self._agreed(intent, record)
            links.create(self._tx, intent.source, target, base, intent.parent, self._now)
        made = Fulfilment(intent.delivery, intent.source, intent.object, record.ref.id)
        claims.fulfil(self._tx, [made])
        deliveries.wake(self._tx, [intent.source], self._now)
        self._found(intent, record)
        return None

    def _agreed(self, intent: Intent, record: Record) -> dict[tuple[str, str], Agreed]:
        """What both sides agree on, of the fields that are as they were sent.

        A field that is not shown has arrived with the others: a write takes effect whole.
        """
        differs = set(differing(intent.fields, record.fields))
        vault = self._services.store.vault
        shown = {**intent.fields, **record.fields}
        return {
            (near, name): Agreed(raw, value_digest(vault, shown[name]))
            for name, (near, raw) in intent.raw.items()
            if name in shown and name not in differs
        }

    def _found(self, intent: Intent, record: Record) -> None:
        """It took effect. What is there now is remembered; the diff that follows does the rest."""
        target = Address(intent.connection, intent.object, record.ref.id)
        before = records.known(self._tx, [target]).get(target)
        digests = field_digests(self._services.store.vault, record.fields)
        known = Known(
            version=record.version or (before.version if before else None),
            hash=WRITTEN,
            life=record.life.value,
            fields={**(before.fields if before else {}), **digests},
            asked_at=self._now,
        )
        records.remember(self._tx, {target: known})
        if intent.link is not None:
            base = self._agreed(intent, record)
            near = intent.source.connection
            links.move_base(self._tx, {intent.link: base}, near, {}, self._now)
        delivery_states.forget_seen(self._tx, [target])
        self._end(intent, IntentState.CONFIRMED, "resolved", record.ref.id)
        self._tell(intent, "resolved", record.ref.id)

    def _absent(self, intent: Intent) -> None:
        self._end(intent, IntentState.ABSENT, "absent")
        self._tell(intent, "absent", intent.target_id)
        self._free(intent)

    def _free(self, intent: Intent) -> None:
        """Nothing was created: the claims are free again, waiters look anew."""
        if intent.target_id is None:
            claims.release(self._tx, intent.delivery, intent.source, intent.object)
            deliveries.wake(self._tx, [intent.source], self._now)

    def _end(
        self, intent: Intent, state: IntentState, outcome: str, target_id: str | None = None
    ) -> None:
        ending = Ending(intent.id, intent.attempts, state, outcome, target_id=target_id)
        intents.end(self._tx, [ending], self._now)

    def _tell(self, intent: Intent, outcome: str, target_id: str | None) -> None:
        operation = intent.action or intent.operation.value
        if intent.operation is Operation.UPSERT:
            operation = Operation.CREATE.value
        line = Line(
            time=self._now,
            sync=self._sync.name,
            operation=operation,
            outcome=outcome,
            config=intent.config,
            source=intent.source,
            target=Address(intent.connection, intent.object, target_id or ""),
            business_key=intent.business_key,
            body_digest=intent.body_digest,
            intent=intent.id,
        )
        ledger.append(self._tx, [line])
