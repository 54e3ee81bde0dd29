"""Rebuilding links from what is in the target: our identity values name their source records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from connectors.base import Connector, Lists
from connectors.records import Life, Page, Record, Selection
from engine.config.model import Endpoint, SyncConfig
from engine.control import ControlError
from engine.mapping.model import CompiledChild, RuleSet
from engine.model import Address
from engine.pipeline.services import Services
from engine.store import deliveries, forgetting, ledger, links
from engine.store.sql import Tx


@dataclass(frozen=True, slots=True)
class _Pair:
    """A source record and its counterpart. ``root`` is the target's own parent, for a child."""

    near: Address
    far: Address
    root: Address | None = None


@dataclass(slots=True)
class _Count:
    """Links made, links there already, records left."""

    made: int = 0
    there: int = 0
    left: int = 0


def rebuild_links(services: Services, sync: SyncConfig) -> tuple[int, int, int]:
    """Walk through the target and link every record that carries our identity value.

    First the roots, then each kind of child under the roots that are linked. Returns how many links
    were made, were there already, and were left because one of the two records is linked elsewhere
    or was forgotten, or a child's root is not linked. Costs one listing of each target object, and
    a read of the sources where the mapping gives identities a form of its own.
    """
    connector = services.gateway.connector(sync.target.connection)
    kinds = [kind for kind in sync.mapping.children if kind.identity_field is not None]
    root = sync.mapping.identity_field
    if not isinstance(connector, Lists) or (root is None and not kinds):
        raise ControlError(
            "no_identity", f"sync {sync.name} leaves no identity value in its target"
        )
    count = _Count()
    if root is not None:
        for records in _pages(services, sync.target, connector, (root,)):
            pairs = [pair for record in records if (pair := _root(sync, root, record))]
            if sync.mapping.identity_is_plain:
                pairs = _with_source(services, sync, pairs)
            _link(services, sync, pairs, count)
    for kind in kinds:
        endpoint = Endpoint(sync.target.connection, kind.target_object)
        names = tuple(sorted({kind.identity_field or "", kind.parent_field}))
        for records in _pages(services, endpoint, connector, names):
            pairs = [pair for record in records if (pair := _child(sync, kind, record))]
            _link(services, sync, pairs, count)
    return count.made, count.there, count.left


def _pages(
    services: Services, endpoint: Endpoint, connector: Lists, names: tuple[str, ...]
) -> Iterator[tuple[Record, ...]]:
    selection = Selection(endpoint.object, names)
    limit = services.object_spec(endpoint).page_list
    cursor: str | None = None
    while True:
        page = services.gateway.read(
            endpoint.connection, partial(_page, connector, selection, cursor, limit), "list"
        )
        yield page.records
        if page.at_head:
            return
        cursor = page.cursor


def _page(
    connector: Lists, selection: Selection, cursor: str | None, limit: int, _: Connector
) -> Page:
    return connector.list(selection, cursor, limit)


def _root(sync: SyncConfig, name: str, record: Record) -> _Pair | None:
    return _pair(sync, sync.mapping, name, sync.source.object, record, None)


def _child(sync: SyncConfig, kind: CompiledChild, record: Record) -> _Pair | None:
    parent = record.fields.get(kind.parent_field)
    root = Address(sync.target.connection, sync.target.object, str(parent or ""))
    return _pair(sync, kind, kind.identity_field or "", kind.source_object, record, root)


def _with_source(services: Services, sync: SyncConfig, pairs: Sequence[_Pair]) -> list[_Pair]:
    """Those whose source record is there: a number such as O-00000001 may be the system's own."""
    if not pairs:
        return []
    selection = Selection(sync.source.object, sync.mapping.selection.fields[:1])
    ids = [pair.near.id for pair in pairs]
    found = services.gateway.read(
        sync.source.connection, lambda connector: connector.read(selection, ids), "read"
    )
    return [
        pair
        for pair, record in zip(pairs, found, strict=True)
        if record.life is Life.LIVE and record.ref.id == pair.near.id
    ]


def _pair(
    sync: SyncConfig,
    rules: RuleSet,
    name: str,
    object: str,
    record: Record,
    root: Address | None,
) -> _Pair | None:
    found = rules.source_of_identity(str(record.fields.get(name) or ""))
    if found is None or found[0] != object:
        return None
    near = Address(sync.source.connection, object, found[1])
    return _Pair(near, Address(sync.target.connection, record.ref.object, record.ref.id), root)


def _link(services: Services, sync: SyncConfig, pairs: Sequence[_Pair], count: _Count) -> None:
    """Link what is free on both sides, in one transaction."""
    if not pairs:
        return
    now = services.clock.now()
    source, object = sync.source.connection, pairs[0].far.object
    lines, linked = [], set[Address]()
    with services.store.write() as tx:
        nears = links.of_sources(tx, [one.near for one in pairs], sync.target.connection, object)
        fars = links.of_targets(tx, [one.far for one in pairs], source, pairs[0].near.object)
        roots = _roots(tx, sync, pairs)
        gone = forgetting.among(tx, [side for one in pairs for side in (one.near, one.far)])
        for one in pairs:
            if one.near in gone or one.far in gone:
                count.left += 1
                continue
            held = nears.get(one.near, [])
            if held and held[0].far == one.far:
                count.there += 1
                continue
            orphan = one.root is not None and one.root not in roots
            if held or one.far in fars or one.near in linked or orphan:
                count.left += 1
                continue
            parent = roots[one.root] if one.root is not None else None
            links.create(tx, one.near, one.far, {}, parent, now)
            linked.add(one.near)
            count.made += 1
            lines.append(
                ledger.Line(
                    time=now,
                    sync=sync.name,
                    operation="link",
                    outcome="operator",
                    config=services.config.digest,
                    source=one.near,
                    target=one.far,
                    code="REBUILT",
                )
            )
        ledger.append(tx, lines)
        deliveries.wake(tx, linked, now)


def _roots(tx: Tx, sync: SyncConfig, pairs: Sequence[_Pair]) -> dict[Address, int]:
    """The links of the roots that these children hang under, by target address."""
    wanted = {one.root for one in pairs if one.root is not None}
    found = links.of_targets(tx, wanted, sync.source.connection, sync.source.object)
    return {far: link.number for far, link in found.items()}
