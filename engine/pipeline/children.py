"""Children: line items and the like are a set under their root, each with its own link."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from connectors.records import Life, Operation, Record, Ref
from engine.config.model import Enabled, SyncConfig
from engine.mapping.model import (
    AwaitsLink,
    CompiledChild,
    Desired,
    Held,
    Lookups,
    Mapped,
    MappedChild,
    MatchKey,
    NotIncluded,
    Unmappable,
)
from engine.model import Address, Intent, IssueReport, Link, LinkState, NewRow, Origin
from engine.pipeline.batch import (
    Awaits,
    Decided,
    HeldBack,
    Item,
    Matched,
    Planned,
    Problem,
    Result,
    Skipped,
    TryLater,
    Work,
)
from engine.pipeline.digests import body_digest
from engine.pipeline.services import Services
from engine.store import deliveries, inbox, intents, ledger, links
from engine.store.ledger import Line

ItemKey: TypeAlias = tuple[int, Address, str]
GUARD_WINDOW: Final = timedelta(hours=1)
LEFT: Final = "removed from its root"
LEFT_ROOT: Final = "left"
CHILD_MOVED: Final = "CHILD_MOVED"
UNMAPPABLE: Final = "MAPPING"
SOON: Final = timedelta(milliseconds=200)


@dataclass(frozen=True, slots=True)
class Removal:
    """Deletes to be sent for children that left, and those the guard does not allow."""

    deletes: tuple[Planned, ...]
    guarded: tuple[tuple[ItemKey, Result], ...]


@dataclass(frozen=True, slots=True)
class ChildBatch:
    """The wanted children of a batch of roots, those that stop here, and those that are gone."""

    items: tuple[Item, ...]
    ended: Mapping[tuple[int, Address, str], Result]
    removed: tuple[tuple[Work, Link], ...]
    moved: tuple[tuple[Work, Link], ...]


def wanted(
    services: Services,
    sync: SyncConfig,
    child: CompiledChild,
    works: Sequence[tuple[Work, Link]],
    lookups: Lookups,
) -> ChildBatch:
    """The children of one kind of the given linked roots."""
    items: list[Item] = []
    ended: dict[tuple[int, Address, str], Result] = {}
    present: dict[int, set[Address]] = {}
    by_number = {work.delivery.number: work for work, _parent in works}
    for work, parent in works:
        for mapped in sync.mapping.map_children(child, work.view, lookups):
            source = Address(sync.source.connection, mapped.source_object, mapped.source_id)
            if isinstance(mapped.mapped, NotIncluded):
                continue
            present.setdefault(parent.number, set()).add(source)
            if isinstance(mapped.mapped, Desired):
                items.append(_item(child, work, parent, mapped, source, mapped.mapped))
            else:
                key = (work.delivery.number, source, child.target_object)
                ended[key] = stopped(sync, source, mapped.mapped)
    removed = _gone(services, sync, child, works, present)
    moved = _moved(services, sync, child, items, by_number)
    # A child that came from another root ends there first; it is made anew under this one.
    came = {link.near for _work, link in moved}
    due_at = services.clock.now() + SOON
    ended.update(
        {
            item.key: TryLater(due_at, CHILD_MOVED, counts=False)
            for item in items
            if item.source in came
        }
    )
    staying = tuple(item for item in items if item.source not in came)
    return ChildBatch(staying, ended, tuple(removed), tuple(moved))


Leaving: TypeAlias = list[tuple[Work, Link]]


def _gone(
    services: Services,
    sync: SyncConfig,
    child: CompiledChild,
    works: Sequence[tuple[Work, Link]],
    present: Mapping[int, set[Address]],
) -> Leaving:
    """Linked children of these roots that are not in the set any more."""
    numbers = [parent.number for _work, parent in works]
    with services.store.read() as tx:
        linked = links.children_of(tx, numbers, sync.source.connection)
    return [
        (work, link)
        for work, parent in works
        for link in linked.get(parent.number, ())
        if link.near.object == child.source_object
        and link.far.object == child.target_object
        and link.near not in present.get(parent.number, set())
    ]


def _moved(
    services: Services,
    sync: SyncConfig,
    child: CompiledChild,
    items: Sequence[Item],
    by_number: Mapping[int, Work],
) -> Leaving:
    """Links of these children that stand under another root."""
    sources = [item.source for item in items]
    with services.store.read() as tx:
        found = links.of_sources(tx, sources, sync.target.connection, child.target_object)
    return [
        (by_number[item.delivery.number], link)
        for item in items
        for link in found.get(item.source, ())
        if item.parent is not None and link.parent not in (None, item.parent.number)
    ]


def _item(
    child: CompiledChild,
    work: Work,
    parent: Link,
    mapped: MappedChild,
    source: Address,
    desired: Desired,
) -> Item:
    return Item(
        delivery=work.delivery,
        source=source,
        record=mapped.record or work.view.record,
        rules=child,
        desired=replace(desired, matches=_under(parent, child.parent_field, desired.matches)),
        business_key=f"{source.object}-{source.id}",
        read_at=work.asked_at,
        enforce=work.delivery.recheck,
        parent=parent,
        parent_field=child.parent_field,
    )


def _under(parent: Link, field: str, matches: Sequence[MatchKey]) -> tuple[MatchKey, ...]:
    """A child is looked for among the children of its root's counterpart, nowhere else."""
    return tuple(MatchKey(match.rule, {**match.values, field: parent.far.id}) for match in matches)


def stopped(sync: SyncConfig, source: Address, mapped: Mapped) -> Result:
    """What a mapping that did not yield values means for its item."""
    if isinstance(mapped, NotIncluded):
        return Skipped("not included")
    if isinstance(mapped, Held):
        return HeldBack(mapped.code, mapped.reason)
    if isinstance(mapped, AwaitsLink):
        waits = tuple(
            (Address(sync.source.connection, ref.object, ref.id), ref.to or "")
            for ref in mapped.references
        )
        return Awaits(waits, mapped.field)
    if isinstance(mapped, Unmappable):
        sentences = "; ".join(sentence for _code, _field, sentence in mapped.faults)
        fields = ", ".join(field for _code, field, _sentence in mapped.faults if field)
        report = IssueReport(
            code=UNMAPPABLE,
            sync=sync.name,
            source=source,
            parameters={
                "message": sentences,
                "fields": fields or "–",
                "fault": mapped.faults[0][0],
            },
        )
        return Problem(report)
    raise AssertionError("values were wanted and there are some")


def remove(
    services: Services,
    sync: SyncConfig,
    child: CompiledChild,
    gone: Sequence[tuple[Work, Link]],
    *,
    tell: bool,
) -> Removal:
    """Children that left the set: flagged, or deleted where the mapping and the guard allow.

    ``tell``: whoever has them now is to hear of it.
    """
    if not gone:
        return Removal((), ())
    now = services.clock.now()
    deleting = child.removed == "delete" and sync.enabled is Enabled.ON
    planned = [_delete(services, sync, child, work, link) for work, link in gone]
    if deleting and _over_guard(services, sync, len(gone)):
        return Removal((), tuple(_guarded(sync, work, link) for work, link in gone))
    with services.store.write() as tx:
        deliveries.fence(tx, {work.delivery.number: work.delivery for work, _ in gone}.values())
        if tell:
            # It may be another root's by now, which hears of it only this way.
            rows = [NewRow(link.near, LEFT_ROOT, Origin.MERGE, now) for _work, link in gone]
            inbox.add(tx, rows)
        if deleting:
            # The link ends when the delete is confirmed, so that a lost one is made up for.
            sealed = [item.intent for item in planned]
            intents.record(tx, services.store.payloads, sealed, now, sent=True)
        else:
            for _work, link in gone:
                links.close(tx, link.number, LinkState.CLOSED, LEFT, now)
                ledger.append(tx, [_flag_line(services, sync, link, now)])
    return Removal(tuple(planned) if deleting else (), ())


def _over_guard(services: Services, sync: SyncConfig, wanted: int) -> bool:
    limit = sync.guards.deletes_max
    if limit is None:
        return False
    since = services.clock.now() - GUARD_WINDOW
    with services.store.read() as tx:
        return intents.deletes_since(tx, sync.name, since) + wanted > limit


def _guarded(sync: SyncConfig, work: Work, link: Link) -> tuple[ItemKey, Result]:
    report = IssueReport(
        code="GUARD_DELETES",
        sync=sync.name,
        source=link.near,
        target=link.far,
        parameters={"object": link.far.object},
    )
    return (work.delivery.number, link.near, link.far.object), Problem(report)


def _delete(
    services: Services, sync: SyncConfig, child: CompiledChild, work: Work, link: Link
) -> Planned:
    key = f"{link.near.object}-{link.near.id}-delete"
    ghost = Record(Ref(link.near.object, link.near.id), {}, life=Life.DELETED)
    item = Item(work.delivery, link.near, ghost, child, Desired({}), key, work.asked_at)
    intent = Intent(
        id=services.ids.new(),
        delivery=work.delivery.number,
        sync=sync.name,
        source=link.near,
        operation=Operation.DELETE,
        connection=link.far.connection,
        object=link.far.object,
        target_id=link.far.id,
        identity=None,
        business_key=key,
        fields={},
        body_digest=body_digest(services.store.vault, {}),
        config=services.config.digest,
        link=link.number,
    )
    return Planned(intent, Decided(Matched(item, link=link)))


def _flag_line(services: Services, sync: SyncConfig, link: Link, now: datetime) -> Line:
    return Line(
        time=now,
        sync=sync.name,
        operation="delete",
        outcome="flagged",
        config=services.config.digest,
        source=link.near,
        target=link.far,
    )
