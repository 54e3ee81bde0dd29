"""Life of a link: its source record is merged, converted, removed, or comes back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from connectors.records import Life, Operation, Record, Ref, Selection
from engine.config.model import Enabled, OnDelete, SyncConfig
from engine.mapping.model import Desired
from engine.model import (
    Address,
    Candidate,
    Delivery,
    Intent,
    IssueReport,
    Link,
    LinkState,
    NewRow,
    Origin,
)
from engine.pipeline.batch import (
    Decided,
    Item,
    Matched,
    Planned,
    Problem,
    Result,
    Skipped,
    TryLater,
)
from engine.pipeline.digests import body_digest
from engine.pipeline.route import THROUGH_CHILD
from engine.pipeline.services import Services
from engine.pipeline.settle import REMOVED
from engine.store import claims, deliveries, forgetting, inbox, intents, ledger, links
from engine.store.ledger import Line
from engine.store.sql import Tx

DELETE_WINDOW: Final = timedelta(hours=1)
MOVED: Final = "TARGET_MOVED"
GONE: Final = "TARGET_GONE"


@dataclass(frozen=True, slots=True)
class Ended:
    """What a record's new life meant for its delivery, and deletes it leaves to be sent."""

    result: Result
    deletes: tuple[Planned, ...] = ()


def follow(services: Services, sync: SyncConfig, delivery: Delivery, record: Record) -> Ended:
    """Carry a record that is no longer live over to what it became."""
    now = services.clock.now()
    with services.store.write() as tx:
        deliveries.fence(tx, [delivery])
        lives = _Lives(services, sync, tx, now)
        if record.life in (Life.MERGED, Life.CONVERTED) and record.successor is not None:
            result = lives.goes_on(delivery.source, record.successor, record)
            return Ended(result)
        return lives.removed(delivery, record)


def absorb(services: Services, sync: SyncConfig, roots: Sequence[Record]) -> None:
    """Follow merges that a survivor tells of: the merged records' links move to it."""
    merged = [(record, loser) for record in roots for loser in record.absorbed]
    if not merged:
        return
    connection = sync.source.connection
    losers = [Address(connection, sync.source.object, loser) for _record, loser in merged]
    with services.store.read() as tx:
        linked = links.of_sources(tx, losers, sync.target.connection, None)
    if not linked:
        return
    with services.store.write() as tx:
        lives = _Lives(services, sync, tx, services.clock.now())
        for (record, _loser), address in zip(merged, losers, strict=True):
            if address in linked:
                lives.goes_on(address, record.ref, record)


def rivals(services: Services, sync: SyncConfig, sources: Sequence[Address]) -> list[Problem]:
    """Survivors of merges whose targets are still two. A pair that was merged too is settled."""
    far, near = sync.target, sync.source.connection
    with services.store.read() as tx:
        own = links.of_sources(tx, sources, far.connection, far.object)
        by_number = {several[0].number: several[0] for several in own.values()}
        aliases = [
            alias
            for alias in links.aliases_of(tx, sorted(by_number), near)
            if alias.reason == Life.MERGED.value and alias.far != by_number[alias.alias_of or 0].far
        ]
    if not aliases:
        return []
    selection = Selection(far.object, ())
    ids = [alias.far.id for alias in aliases]
    answer = services.gateway.read(
        far.connection, lambda connector: connector.read(selection, ids), "read"
    )
    problems = []
    now = services.clock.now()
    for alias, record in zip(aliases, answer, strict=True):
        if record.life is Life.LIVE:
            problems.append(_two_targets(sync, by_number[alias.alias_of or 0], alias))
        else:
            with services.store.write() as tx:
                links.close(tx, alias.number, LinkState.CLOSED, "merged on both sides", now)
    return problems


def _two_targets(sync: SyncConfig, own: Link, alias: Link) -> Problem:
    report = IssueReport(
        code="MERGED_TWO_TARGETS",
        sync=sync.name,
        source=own.near,
        target=own.far,
        parameters={"object": own.far.object, "other": alias.far.id},
        candidates=(Candidate(own.far, "kept"), Candidate(alias.far, "merged at the source")),
    )
    return Problem(report)


def revive(services: Services, sync: SyncConfig, sources: Sequence[Address]) -> None:
    """A record that came back takes up the link it had, if its target is still free."""
    far = sync.target
    with services.store.read() as tx:
        active = links.of_sources(tx, sources, far.connection, far.object)
        away = [source for source in sources if source not in active]
        ended = links.of_sources(tx, away, far.connection, far.object, LinkState.CLOSED)
        closed = {
            source: several[-1]
            for source, several in ended.items()
            if several[-1].reason == REMOVED
        }
        if not closed:
            return
        taken = links.of_targets(
            tx, [link.far for link in closed.values()], sync.source.connection, sync.source.object
        )
    free: dict[Address, Link] = {}
    for source, link in closed.items():
        if link.far not in taken and all(link.far != other.far for other in free.values()):
            free[source] = link
    if not free:
        return
    now = services.clock.now()
    with services.store.write() as tx:
        for source, link in free.items():
            links.reopen(tx, link.number, now)
            ledger.append(tx, [_line(services, sync, now, "link", "reopened", source, link.far)])


def follow_target(
    services: Services, sync: SyncConfig, source: Address, far: Address, record: Record
) -> Result:
    """A linked target is not where it was: follow it, or tell that it is gone."""
    now = services.clock.now()
    if record.life in (Life.MERGED, Life.CONVERTED) and record.successor is not None:
        with services.store.write() as tx:
            _Lives(services, sync, tx, now).goes_on(far, record.successor, record)
        return TryLater(now, MOVED, counts=False)
    report = IssueReport(
        code="TARGET_GONE",
        sync=sync.name,
        source=source,
        target=far,
        parameters={"object": far.object},
    )
    return Problem(report)


def let_go(services: Services, sync: SyncConfig, link: Link) -> TryLater:
    """End the link of a target that is gone, so that the record is created anew."""
    now = services.clock.now()
    with services.store.write() as tx:
        links.close(tx, link.number, LinkState.CLOSED, GONE, now)
        claims.forget_target(tx, link.far.connection, link.far.object, link.far.id)
        line = _line(services, sync, now, "link", "closed", link.near, link.far)
        ledger.append(tx, [line])
    return TryLater(now, GONE, counts=False)


class _Lives:
    """One transaction of following lives."""

    def __init__(self, services: Services, sync: SyncConfig, tx: Tx, now: datetime) -> None:
        self._services = services
        self._sync = sync
        self._tx = tx
        self._now = now

    def goes_on(self, source: Address, successor: Ref, record: Record) -> Result:
        """Move the links of a merged or converted record to the record it goes on as."""
        heir = Address(source.connection, successor.object, successor.id)
        reason = record.life.value if record.life is not Life.LIVE else Life.MERGED.value
        for link in links.at(self._tx, source):
            self._move(link, heir, reason)
        edges = [
            (heir, kind, Address(source.connection, ref.object, ref.id))
            for kind, ref in record.edges.items()
        ]
        links.add_edges(self._tx, [(source, reason, heir), *edges], self._now)
        deliveries.supersede(self._tx, [source], self._now, reason)
        # The heir is looked at again: it may stand for more than it did.
        inbox.add(self._tx, [NewRow(heir, THROUGH_CHILD, Origin.MERGE, self._now)])
        return Skipped(reason)

    def _move(self, link: Link, heir: Address, reason: str) -> None:
        """One link to its heir; where the heir has one already, two targets stand for one.

        A heir that was forgotten takes up nothing.
        """
        if forgetting.among(self._tx, [heir]):
            links.close(self._tx, link.number, LinkState.CLOSED, forgetting.REASON, self._now)
            self._tell("link", "closed", link.near, link.far)
            return
        rivals = links.of_sources(self._tx, [heir], link.far.connection, link.far.object)
        rival = rivals[heir][0] if heir in rivals else None
        if rival is None and self._has_another(link, heir):
            links.close(self._tx, link.number, LinkState.CLOSED, reason, self._now)
            self._tell("link", "closed", link.near, link.far)
            return
        if rival is None:
            links.close(self._tx, link.number, LinkState.ALIAS, reason, self._now)
            base = link.base if heir.object == link.near.object else {}
            number = links.create(self._tx, heir, link.far, base, link.parent, self._now)
            links.adopt(self._tx, link.number, number)
            links.close(self._tx, link.number, LinkState.ALIAS, reason, self._now, alias_of=number)
            self._tell("link", "moved", heir, link.far)
            deliveries.wake(self._tx, [heir], self._now)
            return
        links.close(
            self._tx, link.number, LinkState.ALIAS, reason, self._now, alias_of=rival.number
        )
        self._tell("link", "alias", link.near, link.far)

    def _has_another(self, link: Link, heir: Address) -> bool:
        """Whether the other side is linked to yet another record of the heir's kind."""
        found = links.of_sources(self._tx, [link.far], heir.connection, heir.object)
        return any(other.number != link.number for other in found.get(link.far, ()))

    def removed(self, delivery: Delivery, record: Record) -> Ended:
        """Close the link with a tombstone; touch the target only where the sync says so."""
        source = delivery.source
        far = self._sync.target
        found = links.of_sources(self._tx, [source], far.connection, far.object).get(source)
        if not found:
            return Ended(Skipped(f"{record.life.value}, and never linked"))
        link = found[0]
        if self._sync.on_delete is OnDelete.DELETE and self._sync.enabled is Enabled.ON:
            return self._delete(delivery, record, link)
        links.close(self._tx, link.number, LinkState.CLOSED, REMOVED, self._now)
        self._tell("delete", "flagged", source, link.far)
        return Ended(Skipped(record.life.value))

    def _delete(self, delivery: Delivery, record: Record, link: Link) -> Ended:
        limit = self._sync.guards.deletes_max
        since = self._now - DELETE_WINDOW
        made = intents.deletes_since(self._tx, self._sync.name, since)
        if limit is not None and made >= limit:
            report = IssueReport(
                code="GUARD_DELETES",
                sync=self._sync.name,
                source=delivery.source,
                target=link.far,
                parameters={"object": link.far.object},
            )
            return Ended(Problem(report))
        planned = self._planned(delivery, record, link)
        intents.record(
            self._tx, self._services.store.payloads, [planned.intent], self._now, sent=True
        )
        # The link ends when the delete is confirmed, so that a lost one is made up for.
        return Ended(Skipped(record.life.value), (planned,))

    def _planned(self, delivery: Delivery, record: Record, link: Link) -> Planned:
        mapping = self._sync.mapping
        key = f"{link.near.object}-{link.near.id}-delete"
        item = Item(delivery, delivery.source, record, mapping, Desired({}), key, self._now)
        intent = Intent(
            id=self._services.ids.new(),
            delivery=delivery.number,
            sync=self._sync.name,
            source=delivery.source,
            operation=Operation.DELETE,
            connection=link.far.connection,
            object=link.far.object,
            target_id=link.far.id,
            identity=None,
            business_key=key,
            fields={},
            body_digest=body_digest(self._services.store.vault, {}),
            config=self._services.config.digest,
            link=link.number,
        )
        return Planned(intent, Decided(Matched(item, link=link)))

    def _tell(self, operation: str, outcome: str, source: Address, target: Address) -> None:
        line = _line(self._services, self._sync, self._now, operation, outcome, source, target)
        ledger.append(self._tx, [line])


def _line(
    services: Services,
    sync: SyncConfig,
    now: datetime,
    operation: str,
    outcome: str,
    source: Address,
    target: Address,
) -> Line:
    return Line(
        time=now,
        sync=sync.name,
        operation=operation,
        outcome=outcome,
        config=services.config.digest,
        source=source,
        target=target,
    )
