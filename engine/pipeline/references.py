"""References: answer, for a whole batch, what other records are linked to."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from connectors.base import Connector, Lists
from connectors.records import Fields, Page, Selection
from engine.config.model import Endpoint, SyncConfig
from engine.mapping.model import CatalogueSpec, LinkAnswer, Lookups, Reference, targets_in
from engine.mapping.values import catalogue_rows
from engine.model import Address, Link
from engine.pipeline.batch import Work
from engine.pipeline.services import Services
from engine.store import delivery_states, links
from engine.store.sql import Tx

CATALOGUE_FRESH: Final = timedelta(minutes=10)
CATALOGUE_DOUBTED: Final = timedelta(seconds=30)


class Catalogues:
    """Small tables of the targets, read once and kept for ten minutes. Thread-safe."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, CatalogueSpec], _Kept] = {}

    def of(self, sync: SyncConfig) -> Mapping[str, Mapping[str, Fields | None]]:
        """The catalogues a sync's mapping names."""
        return {spec.name: self._one(sync, spec) for spec in sync.mapping.catalogues}

    def stale(self, sync: SyncConfig) -> bool:
        """Forget what was read of a sync's catalogues some time ago; whether there was any.

        A record that does not fit may only need what was added to the target since.
        """
        before = self._services.clock.now() - CATALOGUE_DOUBTED
        wanted = {(sync.target.connection, spec) for spec in sync.mapping.catalogues}
        with self._lock:
            old = [key for key in wanted if key in self._kept and self._kept[key].read_at < before]
            for key in old:
                del self._kept[key]
        return bool(old)

    def _one(self, sync: SyncConfig, spec: CatalogueSpec) -> Mapping[str, Fields | None]:
        key = (sync.target.connection, spec)
        now = self._services.clock.now()
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or kept.read_at + CATALOGUE_FRESH <= now:
                rows = _read_catalogue(self._services, sync.target.connection, spec)
                kept = self._kept[key] = _Kept(now, rows)
            return kept.rows


class _Kept:
    __slots__ = ("read_at", "rows")

    def __init__(self, read_at: datetime, rows: Mapping[str, Fields | None]) -> None:
        self.read_at = read_at
        self.rows = rows


def _read_catalogue(
    services: Services, connection: str, spec: CatalogueSpec
) -> Mapping[str, Fields | None]:
    connector = services.gateway.connector(connection)
    if not isinstance(connector, Lists):
        return {}
    selection = Selection(spec.object, tuple(sorted({*spec.key, *spec.fields})))
    limit = services.object_spec(Endpoint(connection, spec.object)).page_list
    rows: list[Fields] = []
    cursor: str | None = None
    while True:
        page = services.gateway.read(
            connection, partial(_list_page, connector, selection, cursor, limit), "list"
        )
        rows.extend(record.fields for record in page.records)
        if page.at_head:
            return catalogue_rows(spec, rows)
        cursor = page.cursor


def _list_page(
    connector: Lists, selection: Selection, cursor: str | None, limit: int, _: Connector
) -> Page:
    return connector.list(selection, cursor, limit)


def lookups(
    services: Services, catalogues: Catalogues, sync: SyncConfig, works: Sequence[Work]
) -> Lookups:
    """The answers to every question the mapping of these records will ask."""
    if not works:
        return Lookups({}, {})
    asked = {ref for work in works for ref in sync.mapping.references(work.view)}
    return Lookups(answers(services, sync, asked), catalogues.of(sync))


def answers(
    services: Services, sync: SyncConfig, asked: Iterable[Reference]
) -> dict[Reference, LinkAnswer]:
    """Which target each referenced record is linked to, and whether it may yet be."""
    asked = set(asked)
    if not asked:
        return {}
    near = sync.source.connection
    addresses = {ref: Address(near, ref.object, ref.id) for ref in asked}
    with services.store.read() as tx:
        found = links.of_sources(tx, set(addresses.values()), sync.target.connection, None)
        answered: dict[Reference, LinkAnswer] = {}
        open_refs: list[Reference] = []
        for ref in asked:
            target = _chosen(found.get(addresses[ref], ()), ref.targets)
            if target is not None:
                answered[ref] = LinkAnswer(target)
            else:
                open_refs.append(ref)
        pending = _pending(services, sync, open_refs, tx=tx)
    for ref in open_refs:
        answered[ref] = LinkAnswer(None, pending=ref in pending)
    return answered


def linked_to(tx: Tx, near: Address, connection: str, to: str) -> str | None:
    """The one record of a connection that a record is linked to; ``to`` as in a reference."""
    found = links.of_sources(tx, [near], connection, None)
    return _chosen(found.get(near, ()), targets_in(to))


def _chosen(found: Sequence[Link], targets: Sequence[str]) -> str | None:
    """The id of the only link to the first of the objects that has one; no objects: to any."""
    ids = [
        [link.far.id for link in found if target is None or link.far.object == target]
        for target in targets or (None,)
    ]
    first = next((several for several in ids if several), [])
    return first[0] if len(first) == 1 else None


def _pending(
    services: Services, sync: SyncConfig, refs: Sequence[Reference], *, tx: Tx
) -> set[Reference]:
    """The references whose record has work ahead in a sync that would link it."""
    found: set[Reference] = set()
    by_syncs: dict[tuple[str, ...], dict[Address, list[Reference]]] = {}
    for ref in refs:
        root = root_of(sync.source.connection, ref)
        # Only these count: what is open in another sync says nothing about this link.
        linking = tuple(
            other.name
            for other in services.syncs_from(Endpoint(root.connection, root.object))
            if other.target.connection == sync.target.connection
            and other.name != sync.name
            and _could_link(other, ref)
        )
        by_syncs.setdefault(linking, {}).setdefault(root, []).append(ref)
    for syncs, roots in by_syncs.items():
        if syncs:
            for root in delivery_states.pending(tx, syncs, sorted(roots)):
                found.update(roots[root])
    return found


def _could_link(sync: SyncConfig, ref: Reference) -> bool:
    if ref.to is None or "/" in ref.object:
        return True
    return sync.target.object in ref.targets


def root_of(connection: str, ref: Reference) -> Address:
    """The record whose delivery makes the link: a virtual child's is its root."""
    if "/" not in ref.object:
        return Address(connection, ref.object, ref.id)
    return Address(connection, ref.object.split("/", 1)[0], ref.id.split(":", 1)[0])
