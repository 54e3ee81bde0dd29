"""Plan: what a sync would do now, field by field, against the live target. Writes nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

import orjson

from connectors.base import Lists
from connectors.records import Life, Record, Value
from engine.config.model import Endpoint, Mode, SyncConfig
from engine.mapping.model import CompiledChild, Desired, Lookups
from engine.model import Address, Delivery, Link
from engine.pipeline import children, prepare
from engine.pipeline.batch import (
    Awaits,
    Decided,
    HeldBack,
    Item,
    Matched,
    Problem,
    Result,
    Skipped,
    Work,
)
from engine.pipeline.crossing import Sides, take_sides
from engine.pipeline.diff import Sight, diff, two_way_pairs
from engine.pipeline.digests import value_digest
from engine.pipeline.gateway import reads
from engine.pipeline.match import match
from engine.pipeline.prepare import Read
from engine.pipeline.references import Catalogues, lookups
from engine.pipeline.services import Services
from engine.store import forgetting, links

UNSAVED: Final = "(the new record)"
COMING: Final = ("create", "update", "link", "unchanged")


@dataclass(frozen=True, slots=True)
class PlannedField:
    """One field that would be written. ``before`` is the live value."""

    name: str
    before: Value
    after: Value
    owner: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class PlannedRecord:
    """What would happen to one record.

    ``action``: create | update | link | unchanged | waiting | held | ambiguous | issue | skipped.
    ``why`` is the match rule that hit, or the reason in plain words.
    """

    source: Address
    object: str
    action: str
    target_id: str | None = None
    fields: tuple[PlannedField, ...] = ()
    why: str | None = None
    candidates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """A sync's plan. ``calls`` are the writing calls it will cost, by object and operation.

    ``digest`` covers every planned write and the configuration; applying compares it with the
    plan made then, so that a world that moved is refused.
    """

    sync: str
    made_at: datetime
    records: tuple[PlannedRecord, ...]
    calls: Mapping[str, int] = field(default_factory=dict)
    digest: str = ""

    def counts(self) -> dict[str, int]:
        """Records per action."""
        found: dict[str, int] = {}
        for record in self.records:
            found[record.action] = found.get(record.action, 0) + 1
        return found


def make_plan(
    services: Services,
    catalogues: Catalogues,
    sync: SyncConfig,
    ids: Sequence[str] | None = None,
    limit: int = 10_000,
) -> Plan:
    """Read the source (all of it, or the records named) and the live target, and decide."""
    now = services.clock.now()
    found: list[PlannedRecord] = []
    for batch in _sources(services, sync, ids, limit):
        found.extend(_Planning(services, catalogues, sync, batch, now).run())
    records = tuple(found)
    plan = Plan(sync.name, now, records, _calls(services, sync, records))
    return replace(plan, digest=_digest(sync, records))


def _sources(
    services: Services, sync: SyncConfig, ids: Sequence[str] | None, limit: int
) -> list[list[Record]]:
    """Live source records in pages."""
    connection = sync.source.connection
    selection = services.selection(sync.source)
    connector = services.gateway.connector(connection)
    if ids is not None:
        read = services.gateway.read(
            connection, lambda c: c.read(selection, ids), *reads("read", selection)
        )
        return [[record for record in read if record.life is Life.LIVE]]
    if not isinstance(connector, Lists):
        return []
    pages: list[list[Record]] = []
    size = services.object_spec(sync.source).page_list
    cursor: str | None = None
    count = 0
    while count < limit:
        at = cursor
        page = services.gateway.read(
            connection,
            lambda _, at=at: connector.list(selection, at, size),  # type: ignore[misc]
            *reads("list", selection),
        )
        since = sync.start_from.since
        kept = [
            record
            for record in page.records
            if since is None or record.version is None or record.version >= since
        ]
        pages.append(kept)
        count += len(kept)
        if page.at_head:
            break
        cursor = page.cursor
    return pages


class _Planning:
    """Plans one page of records with the pipeline's own stages."""

    def __init__(
        self,
        services: Services,
        catalogues: Catalogues,
        sync: SyncConfig,
        records: Sequence[Record],
        now: datetime,
    ) -> None:
        self._services = services
        self._catalogues = catalogues
        self._sync = sync
        self._records = records
        self._now = now

    def run(self) -> list[PlannedRecord]:
        with self._services.store.read() as tx:
            gone = forgetting.among(tx, [self._source(record) for record in self._records])
        why = Skipped(forgetting.REASON)
        aside = [self._stopped(one, self._sync.target.object, why) for one in sorted(gone)]
        return aside + self._plan([one for one in self._records if self._source(one) not in gone])

    def _plan(self, records: Sequence[Record]) -> list[PlannedRecord]:
        reads = [
            (self._delivery(number, record), Read(record, self._now, fresh=True))
            for number, record in enumerate(records)
        ]
        works = prepare.works(self._services, self._sync, reads, remember=False)
        answers = lookups(self._services, self._catalogues, self._sync, works)
        sides = take_sides(self._services, self._sync, works, acting=False)
        planned = [
            self._aside(work, sides) for work in works if work.delivery.number in sides.ended
        ]
        works = [work for work in works if work.delivery.number not in sides.ended]
        items: list[Item] = []
        for work in works:
            mapped = self._sync.mapping.map(work.view, answers)
            if isinstance(mapped, Desired):
                items.append(self._item(work, mapped))
            else:
                result = children.stopped(self._sync, work.delivery.source, mapped)
                planned.append(
                    self._stopped(work.delivery.source, self._sync.target.object, result)
                )
        planned.extend(self._decide(items))
        told = {work.delivery.source: sides.told.get(work.delivery.number) for work in works}
        planned = [_with_side(one, told.get(one.source)) for one in planned]
        coming = {one.source for one in planned if one.action in COMING}
        for kind in self._sync.mapping.children:
            below = [work for work in works if work.delivery.source in coming]
            planned.extend(self._children(kind, below, answers))
        return planned

    def _aside(self, work: Work, sides: Sides) -> PlannedRecord:
        """A record of the other side, or one that was handed over before."""
        number, source = work.delivery.number, work.delivery.source
        shown = self._stopped(source, self._sync.target.object, sides.ended[number])
        return _with_side(shown, sides.told.get(number))

    def _delivery(self, number: int, record: Record) -> Delivery:
        return Delivery(
            number=number,
            sync=self._sync.name,
            source=self._source(record),
            lease=0,
            taken=0,
            settled=0,
            tries=0,
            recheck=True,
            seen_hash=None,
            seen_digest=None,
            opened_at=self._now,
            changed_at=None,
        )

    def _source(self, record: Record) -> Address:
        return Address(self._sync.source.connection, self._sync.source.object, record.ref.id)

    def _item(self, work: Work, desired: Desired) -> Item:
        source = work.delivery.source
        key = self._sync.mapping.business_key_of(work.view)
        return Item(
            work.delivery,
            source,
            work.view.record,
            self._sync.mapping,
            desired,
            key,
            self._now,
            enforce=True,
        )

    def _decide(self, items: Sequence[Item]) -> list[PlannedRecord]:
        if not items:
            return []
        batch = match(self._services, self._sync, items, acting=False)
        planned = [
            self._stopped(key[1], items[0].rules.target_object, result)
            for key, result in batch.ended.items()
        ]
        planned.extend(
            self._shown(diff(matched, self._sight(matched))) for matched in batch.matched
        )
        return planned

    def _sight(self, matched: Matched) -> Sight:
        vault = self._services.store.vault
        facing = self._services.facing(self._sync)
        two_way = (
            two_way_pairs(matched.item.rules.rules, facing.mapping.rules)
            if facing is not None and matched.item.parent is None
            else frozenset()
        )
        return Sight(digest=lambda value: value_digest(vault, value), two_way=two_way)

    def _shown(self, decided: Decided) -> PlannedRecord:
        matched, item = decided.matched, decided.matched.item
        fields = tuple(
            PlannedField(
                change.field,
                change.before,
                change.after,
                change.rule.owner.value if change.rule and change.rule.owner else None,
                change.reason,
            )
            for change in decided.changes
        )
        action = "update" if fields else "unchanged"
        if decided.create:
            action = "create"
        elif matched.link is None:
            action = "link" if self._sync.mode is Mode.LINK_ONLY or not fields else "update"
        target = matched.link.far.id if matched.link else None
        if target is None and matched.target is not None:
            target = matched.target.ref.id
        return PlannedRecord(
            item.source, item.rules.target_object, action, target, fields, matched.via
        )

    def _stopped(self, source: Address, object: str, result: Result) -> PlannedRecord:
        match result:
            case Awaits():
                names = ", ".join(f"{address.object} {address.id}" for address, _to in result.waits)
                return PlannedRecord(source, object, "waiting", why=f"waits for {names}")
            case HeldBack():
                return PlannedRecord(source, object, "held", why=result.reason)
            case Problem():
                report = result.report
                shown = tuple(f"{c.target.object} {c.target.id}" for c in report.candidates)
                action = "ambiguous" if report.candidates else "issue"
                why = report.parameters.get("message") or report.code
                return PlannedRecord(source, object, action, why=why, candidates=shown)
            case Skipped():
                return PlannedRecord(source, object, "skipped", why=result.reason)
        return PlannedRecord(source, object, "unchanged")

    def _children(
        self, kind: CompiledChild, works: Sequence[Work], answers: Lookups
    ) -> list[PlannedRecord]:
        """Children of linked roots are compared; those of new roots will be created with them."""
        sources = [work.delivery.source for work in works]
        with self._services.store.read() as tx:
            linked = links.of_sources(
                tx, sources, self._sync.target.connection, self._sync.target.object
            )
        known = [
            (work, linked[work.delivery.source][0])
            for work in works
            if work.delivery.source in linked
        ]
        batch = children.wanted(self._services, self._sync, kind, known, answers)
        planned = self._decide(batch.items)
        planned += [
            self._stopped(key[1], kind.target_object, result) for key, result in batch.ended.items()
        ]
        planned += [self._removed(kind, link) for _work, link in batch.removed]
        for work in works:
            if work.delivery.source not in linked:
                planned += self._new_children(kind, work, answers)
        return planned

    def _removed(self, kind: CompiledChild, link: Link) -> PlannedRecord:
        action = "delete" if kind.removed == "delete" else "flag"
        return PlannedRecord(link.near, kind.target_object, action, link.far.id, why=children.LEFT)

    def _new_children(
        self, kind: CompiledChild, work: Work, answers: Lookups
    ) -> list[PlannedRecord]:
        planned = []
        for mapped in self._sync.mapping.map_children(kind, work.view, answers):
            source = Address(self._sync.source.connection, mapped.source_object, mapped.source_id)
            if isinstance(mapped.mapped, Desired):
                fields = [
                    PlannedField(name, None, value, None, "changed")
                    for name, value in mapped.mapped.fields.items()
                ]
                fields.append(PlannedField(kind.parent_field, None, UNSAVED, None, "changed"))
                planned.append(
                    PlannedRecord(source, kind.target_object, "create", fields=tuple(fields))
                )
            else:
                result = children.stopped(self._sync, source, mapped.mapped)
                planned.append(self._stopped(source, kind.target_object, result))
        return planned


def _with_side(record: PlannedRecord, side: str | None) -> PlannedRecord:
    """A planned record that says on which side of the route it is."""
    if side is None:
        return record
    return replace(record, why=f"{side}; {record.why}" if record.why else side)


def _calls(
    services: Services, sync: SyncConfig, records: Sequence[PlannedRecord]
) -> dict[str, int]:
    """Writing calls: full batches per object and operation."""
    counts: dict[tuple[str, str], int] = {}
    for record in records:
        if record.action in ("create", "update", "delete"):
            place = (record.object, record.action)
            counts[place] = counts.get(place, 0) + 1
    calls: dict[str, int] = {}
    for (object, action), count in sorted(counts.items()):
        size = max(1, services.object_spec(Endpoint(sync.target.connection, object)).batch_write)
        calls[f"{object} {action}"] = -(-count // size)
    return calls


def _digest(sync: SyncConfig, records: Sequence[PlannedRecord]) -> str:
    rows = sorted(
        [
            str(record.source),
            record.object,
            record.action,
            record.target_id or "",
            sorted((one.name, str(one.before), str(one.after)) for one in record.fields),
        ]
        for record in records
        if record.action in ("create", "update", "link", "delete")
    )
    data = orjson.dumps([sync.digest, rows])
    return hashlib.sha256(data).hexdigest()[:16]
