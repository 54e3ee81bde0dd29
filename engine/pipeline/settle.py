"""Settle: one transaction that says what became of a call, for every record it carried."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from connectors.base import Confirmed
from connectors.records import Operation, Record, Value
from engine.clock import microseconds
from engine.config.model import SyncConfig
from engine.model import WHOLE, Address, Agreed, Intent, IntentState, Known, LinkState
from engine.pipeline import recognise
from engine.pipeline.batch import Planned
from engine.pipeline.digests import field_digests, value_digest
from engine.pipeline.intend import agreed_by_sending
from engine.pipeline.poll import WRITTEN
from engine.pipeline.services import Services
from engine.store import (
    claims,
    deliveries,
    delivery_states,
    intents,
    ledger,
    links,
    records,
    routes,
)
from engine.store.claims import Fulfilment
from engine.store.intents import Ending
from engine.store.ledger import Line
from engine.store.links import NewLink
from engine.store.sql import Tx

REMOVED: Final = "removed at the source"
DELETED: Final = "deleted in the target"
REASSIGNED: Final = "identity reassigned"
TURNS_MAX: Final = 12
TURN_WINDOW: Final = timedelta(hours=1)


class Settling:
    """Collects what a transaction has to say, and says it at once."""

    def __init__(self, services: Services, sync: SyncConfig, tx: Tx, now: datetime) -> None:
        self._services = services
        self._sync = sync
        self._tx = tx
        self._now = now
        self._endings: list[Ending] = []
        self._lines: list[Line] = []
        self._bases: dict[int, dict[tuple[str, str], Agreed]] = {}
        self._turns: dict[int, dict[str, tuple[tuple[str, int], ...]]] = {}
        self._written: dict[Address, tuple[datetime | None, dict[str, str]]] = {}
        self._linked: list[Address] = []
        self._freed: list[Address] = []
        self._made: list[tuple[Address, NewLink]] = []
        self._fulfilled: list[Fulfilment] = []
        self._crossings: dict[Address, int] = {}

    @property
    def tx(self) -> Tx:
        """The transaction that all of it is said in."""
        return self._tx

    def confirmed(self, planned: Planned, outcome: Confirmed, *, how: str = "confirmed") -> None:
        """A write took effect: link, base, memory and ledger line."""
        intent, decided = planned.intent, planned.decided
        item = decided.matched.item
        target = Address(intent.connection, intent.object, outcome.id)
        if intent.operation is Operation.DELETE:
            self.deleted(planned, how=how, request_id=outcome.request_id)
            return
        if intent.operation is Operation.ACT:
            self._acted(planned, target, how, outcome)
            return
        if item.crossing is not None:
            self._crossings[item.source] = item.crossing
        base = agreed_by_sending(self._services, decided, outcome.fields)
        name = item.rules.identity_field
        if name is not None and name in intent.fields:
            stamp = value_digest(self._services.store.vault, intent.fields[name])
            base[WHOLE, name] = Agreed(stamp, stamp)
        if intent.link is None:
            self._made.append((item.source, NewLink(item.source, target, base, intent.parent)))
        else:
            self._bases.setdefault(intent.link, {}).update(base)
            self._turn(planned, intent.link)
        stored: dict[str, Value] = {**intent.fields, **_known_fields(intent.fields, outcome)}
        digests = field_digests(self._services.store.vault, stored)
        self._written[target] = (outcome.version, digests)
        self._endings.append(
            Ending(
                intent.id,
                intent.attempts,
                IntentState.CONFIRMED,
                outcome=how,
                request_id=outcome.request_id,
                target_id=outcome.id,
            )
        )
        self._tell(planned, how, target=target, request_id=outcome.request_id)
        if intent.operation in (Operation.CREATE, Operation.UPSERT):
            made = Fulfilment(intent.delivery, item.source, intent.object, outcome.id)
            self._fulfilled.append(made)
            if outcome.created is False:
                self.was_there(planned)

    def collected(self, intent: Intent, record: Record, *, was_there: bool) -> None:
        """A job has confirmed a write. ``record`` holds what was sent, or what became of it."""
        vault = self._services.store.vault
        target = Address(intent.connection, intent.object, record.ref.id)
        base = {
            (near, name): Agreed(raw, value_digest(vault, record.fields[name]))
            for name, (near, raw) in intent.raw.items()
            if name in record.fields
        }
        name = _identity_field(self._sync, intent.object)
        if name is not None and name in intent.fields:
            stamp = value_digest(vault, intent.fields[name])
            base[WHOLE, name] = Agreed(stamp, stamp)
        if intent.link is None:
            self._made.append((intent.source, NewLink(intent.source, target, base, intent.parent)))
        else:
            self._bases.setdefault(intent.link, {}).update(base)
        self._written[target] = (record.version, field_digests(vault, record.fields))
        ending = Ending(
            intent.id, intent.attempts, IntentState.CONFIRMED, "confirmed", target_id=target.id
        )
        self._endings.append(ending)
        self._lines.append(self._line(intent, "confirmed", target))
        if intent.operation in (Operation.CREATE, Operation.UPSERT):
            made = Fulfilment(intent.delivery, intent.source, intent.object, target.id)
            self._fulfilled.append(made)
            if was_there:
                recognise.note(self._tx, self._sync.name, intent.object)

    def was_there(self, planned: Planned) -> None:
        """A record that was to be made was in the target: there may be more we do not know of."""
        recognise.note(self._tx, self._sync.name, planned.intent.object)

    def _acted(self, planned: Planned, target: Address, how: str, outcome: Confirmed) -> None:
        """An action was done: what it made of the record is known once it is read again."""
        self._written[target] = (outcome.version, {})
        self._endings.append(
            Ending(
                planned.intent.id,
                planned.intent.attempts,
                IntentState.CONFIRMED,
                outcome=how,
                request_id=outcome.request_id,
                target_id=outcome.id,
            )
        )
        self._tell(planned, how, target=target, request_id=outcome.request_id)

    def deleted(self, planned: Planned, *, how: str, request_id: str | None = None) -> None:
        """A target is deleted, now or before: its link ends, its values are free again."""
        intent = planned.intent
        end_deleted(self._tx, intent, self._now)
        self._endings.append(
            Ending(
                intent.id,
                intent.attempts,
                IntentState.CONFIRMED,
                outcome=how,
                request_id=request_id,
                target_id=intent.target_id,
            )
        )
        self._tell(planned, how, request_id=request_id)

    def _create_links(self) -> None:
        """Link what was created. A target already linked keeps its link, or changes hands."""
        groups: dict[tuple[str, str], list[NewLink]] = defaultdict(list)
        for source, new in self._made:
            groups[source.connection, source.object].append(new)
        for (connection, object), wanted in groups.items():
            fars = [new.far for new in wanted]
            taken = links.of_targets(self._tx, fars, connection, object)
            free: list[NewLink] = []
            for new in wanted:
                held = taken.get(new.far)
                if held is not None and held.near == new.near:
                    self._bases.setdefault(held.number, {}).update(new.base)
                    continue
                if held is not None:
                    # The identity is ours, the record another's: the old owner's link is stale.
                    links.close(self._tx, held.number, LinkState.CLOSED, REASSIGNED, self._now)
                free.append(new)
                self._linked.append(new.near)
            links.create_many(self._tx, free, self._now)

    def _turn(self, planned: Planned, number: int) -> None:
        """Remember the latest values written to each field, to notice a field that flaps."""
        link = planned.decided.matched.link
        if link is None:
            return
        since = microseconds(self._now - TURN_WINDOW)
        for change in planned.decided.changes:
            name = turn_name(change.rule.pair if change.rule else None, change.field)
            digest = value_digest(self._services.store.vault, change.after)
            kept = [turn for turn in link.flips.get(name, ()) if turn[1] >= since]
            turns = (*kept, (digest, microseconds(self._now)))[-TURNS_MAX:]
            self._turns.setdefault(number, {})[name] = turns

    def unknown(self, planned: Planned, ending: Ending) -> None:
        """The write was sent and its fate is not known."""
        self._endings.append(ending)
        self._tell(planned, "unknown", code=ending.code, request_id=ending.request_id)

    def pending(self, ending: Ending) -> None:
        """The vendor has taken the write as a job: nothing is decided yet."""
        self._endings.append(ending)

    def not_done(self, planned: Planned, ending: Ending, tell: str | None = None) -> None:
        """The write did not take effect: claims are free again, waiters look anew."""
        self._endings.append(ending)
        intent = planned.intent
        if intent.operation in (Operation.CREATE, Operation.UPSERT):
            claims.release(self._tx, intent.delivery, intent.source, intent.object)
            self._freed.append(intent.source)
        if tell is not None:
            self._tell(planned, tell, code=ending.code, request_id=ending.request_id)

    def _tell(
        self,
        planned: Planned,
        outcome: str,
        *,
        target: Address | None = None,
        code: str | None = None,
        request_id: str | None = None,
    ) -> None:
        intent = planned.intent
        if target is None and intent.target_id is not None:
            target = Address(intent.connection, intent.object, intent.target_id)
        line = self._line(intent, outcome, target or Address(intent.connection, intent.object, ""))
        self._lines.append(replace(line, code=code, request_id=request_id))

    def _line(self, intent: Intent, outcome: str, target: Address) -> Line:
        operation = intent.action or intent.operation.value
        if intent.operation is Operation.UPSERT:
            operation = Operation.CREATE.value
        return Line(
            time=self._now,
            sync=self._sync.name,
            operation=operation,
            outcome=outcome,
            config=intent.config,
            source=intent.source,
            target=target,
            business_key=intent.business_key,
            body_digest=intent.body_digest,
            intent=intent.id,
        )

    def add_line(self, line: Line) -> None:
        """A ledger line of the caller's."""
        self._lines.append(line)

    def write(self) -> None:
        """Say everything. The caller commits."""
        tx = self._tx
        self._create_links()
        claims.fulfil(tx, self._fulfilled)
        links.move_base(tx, self._bases, self._sync.source.connection, self._turns, self._now)
        self._remember()
        intents.end(tx, self._endings, self._now)
        routes.hand(tx, self._sync.name, self._crossings, finished=False)
        ledger.append(tx, self._lines)
        deliveries.wake(tx, [*self._linked, *self._freed], self._now)
        if self._services.facing(self._sync) is not None:
            delivery_states.forget_seen(tx, self._written)

    def _remember(self) -> None:
        known = records.known(self._tx, self._written)
        states: dict[Address, Known] = {}
        for address, (version, digests) in self._written.items():
            before = known.get(address)
            states[address] = Known(
                version=version or (before.version if before else None),
                hash=WRITTEN,
                life="live",
                fields={**(before.fields if before else {}), **digests},
                asked_at=self._now,
            )
        records.remember(self._tx, states)


def end_deleted(tx: Tx, intent: Intent, now: datetime) -> None:
    """End the link of a deleted target with a tombstone."""
    if intent.link is not None:
        links.close(tx, intent.link, LinkState.CLOSED, DELETED, now)
    claims.forget_target(tx, intent.connection, intent.object, intent.target_id or "")


def _identity_field(sync: SyncConfig, object: str) -> str | None:
    """The field that holds our identity in an object that a sync writes."""
    if object == sync.mapping.target_object:
        return sync.mapping.identity_field
    own = [kind for kind in sync.mapping.children if kind.target_object == object]
    return own[0].identity_field if own else None


def _known_fields(sent: Mapping[str, Value], outcome: Confirmed) -> dict[str, Value]:
    """Of what the answer showed, the fields that we sent."""
    return {name: value for name, value in outcome.fields.items() if name in sent}


def turn_name(near: str | None, far: str) -> str:
    """One name for a field pair, whichever side writes it."""
    return "|".join(sorted((near or far, far)))


def flapping(turns: tuple[tuple[str, int], ...], since: int, most: int = 3) -> bool:
    """Whether a field went back and forth between two values more than ``most`` times."""
    digests = [digest for digest, at in turns if at >= since]
    back = sum(
        1
        for before, between, after in zip(digests, digests[1:], digests[2:], strict=False)
        if before == after != between
    )
    return back > most
