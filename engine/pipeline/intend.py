"""Intend: write down every effect, and who may create what, before any byte is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from connectors.base import CreateIdentity
from connectors.records import Identity, Operation, Value
from engine.config.model import Enabled, Endpoint, Mode, SyncConfig
from engine.model import WHOLE, Address, Agreed, Intent
from engine.pipeline.batch import (
    Awaits,
    Decided,
    HeldBack,
    Item,
    Planned,
    Result,
    Settled,
    Skipped,
    TryLater,
)
from engine.pipeline.digests import body_digest, value_digest
from engine.pipeline.poll import WRITTEN
from engine.pipeline.services import Services
from engine.pipeline.targets import item_claims
from engine.store import claims, deliveries, intents, ledger, links, records
from engine.store.ledger import Line
from engine.store.sql import Tx

LINK_MOVED: Final = "LINK_MOVED"
OVERTAKEN: Final = "SOURCE_OVERTAKEN"
TARGET_BUSY: Final = "TARGET_BUSY"
GUARD_CREATES: Final = "GUARD_CREATES"
STAMP_OWED: Final = Agreed("", "")
"""In a link's base, for the identity field: it was sent, and is not known to have arrived."""
SOON: Final = timedelta(milliseconds=200)
GUARD_WINDOW: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Intended:
    """What is about to be sent, and the items that end here."""

    planned: tuple[Planned, ...]
    ended: Mapping[tuple[int, Address, str], Result]


def intend(services: Services, sync: SyncConfig, decided: Sequence[Decided]) -> Intended:
    """Record intents and take create claims for a batch, in one transaction."""
    with services.store.write() as tx:
        deliveries.fence(
            tx, {d.matched.item.delivery.number: d.matched.item.delivery for d in decided}.values()
        )
        intended = _Intending(services, sync, decided, tx).run()
        services.failpoint("intent.before_commit")
    services.failpoint("intent.after_commit")
    return intended


class _Intending:
    """One transaction of intending."""

    def __init__(
        self, services: Services, sync: SyncConfig, decided: Sequence[Decided], tx: Tx
    ) -> None:
        self._services = services
        self._sync = sync
        self._decided = decided
        self._tx = tx
        self._now = services.clock.now()
        self._shadow = sync.enabled is Enabled.SHADOW
        self._ended: dict[tuple[int, Address, str], Result] = {}
        self._lines: list[Line] = []

    def run(self) -> Intended:
        self._stop_stale()
        self._guard_creates()
        self._claim_creates()
        planned: list[Planned] = []
        for decided in self._going():
            if not decided.changes and not decided.create:
                self._settle_unchanged(decided)
                continue
            if self._sync.mode is Mode.LINK_ONLY or (
                self._sync.mode is Mode.CREATE_ONLY and not decided.create
            ):
                self._settle_unchanged(decided)
                continue
            planned.append(self._plan(decided))
        intents.record(
            self._tx,
            self._services.store.payloads,
            [item.intent for item in planned],
            self._now,
            sent=not self._shadow,
        )
        ledger.append(self._tx, self._lines)
        if self._shadow:
            for item in planned:
                self._ended[item.decided.matched.item.key] = Skipped("shadow")
            planned = []
        return Intended(tuple(planned), self._ended)

    def _going(self) -> list[Decided]:
        return [item for item in self._decided if item.matched.item.key not in self._ended]

    def _end(self, item: Item, result: Result) -> None:
        self._ended[item.key] = result

    def _stop_stale(self) -> None:
        """A decision stands only while the link is as it was and nobody else is writing there."""
        with_links = [item for item in self._decided if item.matched.link is not None]
        numbers = [item.matched.link.number for item in with_links if item.matched.link]
        present = links.base_numbers(self._tx, numbers)
        ends = [item.matched.link.far for item in with_links if item.matched.link]
        ends += [item.matched.item.source for item in with_links]
        self._stop_overtaken()
        mine = [item.matched.item.delivery.number for item in self._decided]
        busy = intents.busy_targets(self._tx, ends, mine)
        for decided in with_links:
            link, item = decided.matched.link, decided.matched.item
            if link is None:
                continue
            if present.get(link.number) != link.base_no:
                self._end(item, TryLater(self._now, LINK_MOVED, counts=False))
            elif link.far in busy or item.source in busy:
                self._end(item, TryLater(self._now + SOON, TARGET_BUSY, counts=False))

    def _stop_overtaken(self) -> None:
        """A source that the facing sync wrote to since we read it is read again."""
        if self._services.facing(self._sync) is None:
            return
        sources = [item.matched.item.source for item in self._decided]
        known = records.known(self._tx, sources)
        for decided in self._decided:
            item = decided.matched.item
            state = known.get(item.source)
            if state is not None and state.hash == WRITTEN and state.asked_at >= item.read_at:
                self._end(item, TryLater(self._now + SOON, OVERTAKEN, counts=False))

    def _guard_creates(self) -> None:
        limit = self._sync.guards.creates_max
        if limit is None:
            return
        since = self._now - GUARD_WINDOW
        made = intents.creates_since(self._tx, self._sync.name, since)
        for decided in self._going():
            if not decided.create:
                continue
            made += 1
            if made > limit:
                reason = (
                    f"More than {limit} records would be created within an hour. Look at the plan, "
                    "then raise guards.creates_max or retry."
                )
                self._end(decided.matched.item, HeldBack(GUARD_CREATES, reason))

    def _claim_creates(self) -> None:
        """Only the holder of every claim may create; the loser waits for the winner's link."""
        if self._shadow:
            return
        creating = [item.matched.item for item in self._going() if item.create]
        wanted = {item.key: item_claims(self._services, self._sync, item) for item in creating}
        rows = [
            (claim, item.delivery.number, item.source)
            for item in creating
            for claim in wanted[item.key]
        ]
        held = claims.take(self._tx, rows, self._now) if rows else {}
        for item in creating:
            lost = [held[claim] for claim in wanted[item.key] if held[claim].source != item.source]
            if lost:
                # Give back what was won beside the lost one: nobody may wait for a waiter.
                claims.release(
                    self._tx, item.delivery.number, item.source, item.rules.target_object
                )
                waits = ((lost[0].source, item.rules.target_object),)
                self._end(item, Awaits(waits, field="match"))

    def _settle_unchanged(self, decided: Decided) -> None:
        """Nothing to write: link what was found, note what both sides agree on."""
        item, link = decided.matched.item, decided.matched.link
        near = self._sync.source.connection
        if link is None and decided.matched.target is not None and not self._shadow:
            self._link(decided, dict(decided.agreed))
        elif link is not None and decided.agreed and not self._shadow:
            changes = {link.number: dict(decided.agreed)}
            links.move_base(self._tx, changes, near, {}, self._now)
        self._end(item, Settled())

    def _link(self, decided: Decided, base: Mapping[tuple[str, str], Agreed]) -> int | None:
        """Link an item to the record a rule found, unless somebody else has just done so."""
        item, target = decided.matched.item, decided.matched.target
        if target is None:
            return None
        far = Address(self._sync.target.connection, item.rules.target_object, target.ref.id)
        parent = item.parent.number if item.parent else None
        number = links.create(self._tx, item.source, far, base, parent, self._now)
        deliveries.wake(self._tx, [item.source], self._now)
        self._lines.append(
            Line(
                time=self._now,
                sync=self._sync.name,
                operation="link",
                outcome="confirmed",
                config=self._services.config.digest,
                source=item.source,
                target=far,
                business_key=item.business_key,
                code=decided.matched.via,
            )
        )
        return number

    def _plan(self, decided: Decided) -> Planned:
        matched = decided.matched
        item = matched.item
        vault = self._services.store.vault
        fields: dict[str, Value] = {change.field: change.after for change in decided.changes}
        link_number = matched.link.number if matched.link else None
        if matched.link is None and matched.target is not None and not self._shadow:
            owed = self._stamp(item, matched.target.fields, fields)
            link_number = self._link(decided, {**decided.agreed, **owed})
        elif matched.link is not None and _stamp_owed(item, matched.link.base):
            self._stamp(item, {}, fields)
        if decided.create and item.parent is not None and item.parent_field is not None:
            fields[item.parent_field] = item.parent.far.id
        intent = Intent(
            id=self._services.ids.new(),
            delivery=item.delivery.number,
            sync=self._sync.name,
            source=item.source,
            operation=self._operation(decided),
            connection=self._sync.target.connection,
            object=item.rules.target_object,
            target_id=_target_id(decided),
            identity=self._identity(decided),
            business_key=item.business_key,
            fields=fields,
            raw={
                change.field: (change.rule.pair or WHOLE, change.raw_digest)
                for change in decided.changes
                if change.rule is not None
            },
            body_digest=body_digest(vault, fields),
            config=self._services.config.digest,
            link=link_number,
            parent=item.parent.number if item.parent else None,
        )
        for conflict in decided.conflicts:
            self._lines.append(self._conflict_line(item, intent, conflict.winner))
        return Planned(intent, decided)

    def _conflict_line(self, item: Item, intent: Intent, winner: str) -> Line:
        target = None
        if intent.target_id is not None:
            target = Address(intent.connection, intent.object, intent.target_id)
        return Line(
            time=self._now,
            sync=self._sync.name,
            operation=intent.operation.value,
            outcome="conflict",
            config=intent.config,
            source=item.source,
            target=target,
            business_key=item.business_key,
            code=f"WINNER_{winner.upper()}",
            intent=intent.id,
        )

    def _stamp(
        self, item: Item, present: Mapping[str, Value], fields: dict[str, Value]
    ) -> dict[tuple[str, str], Agreed]:
        """Give a record that a rule found our identity, if it has none: it is findable from now.

        Returns what the link's base keeps so that a write that fails does not lose the stamp.
        """
        name = item.rules.identity_field
        if name is None or present.get(name):
            return {}
        fields[name] = item.rules.identity_value(item.source.object, item.source.id)
        return {(WHOLE, name): STAMP_OWED}

    def _operation(self, decided: Decided) -> Operation:
        if not decided.create:
            return Operation.UPDATE
        rules = decided.matched.item.rules
        endpoint = Endpoint(self._sync.target.connection, rules.target_object)
        spec = self._services.object_spec(endpoint)
        by_value = spec.create_identity in (
            CreateIdentity.EXTERNAL_ID,
            CreateIdentity.UNIQUE_PROPERTY,
        )
        # An upsert may find the record: one that is not edited any more is made or left alone.
        upserts = by_value and rules.identity_field and spec.immutable_when is None
        return Operation.UPSERT if upserts else Operation.CREATE

    def _identity(self, decided: Decided) -> Identity | None:
        rules = decided.matched.item.rules
        if not decided.create or rules.identity_field is None:
            return None
        source = decided.matched.item.source
        return Identity(rules.identity_field, rules.identity_value(source.object, source.id))


def _stamp_owed(item: Item, base: Mapping[tuple[str, str], Agreed]) -> bool:
    name = item.rules.identity_field
    return name is not None and base.get((WHOLE, name)) == STAMP_OWED


def _target_id(decided: Decided) -> str | None:
    if decided.matched.link is not None:
        return decided.matched.link.far.id
    if decided.matched.target is not None:
        return decided.matched.target.ref.id
    return None


def agreed_by_sending(
    services: Services, decided: Decided, stored: Mapping[str, Value]
) -> dict[tuple[str, str], Agreed]:
    """What both sides agree on once a write is confirmed: our raw value, and what is stored."""
    vault = services.store.vault
    found = dict(decided.agreed)
    for change in decided.changes:
        if change.rule is None:
            continue
        value = stored.get(change.field, change.after)
        pair = (change.rule.pair or WHOLE, change.field)
        found[pair] = Agreed(change.raw_digest, value_digest(vault, value))
    return found
