"""Route: news about a record becomes a delivery for every sync that the record concerns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Final

from connectors.base import Parents
from connectors.errors import CallError, Rejected
from connectors.records import NoticeKind, Ref
from engine.config.model import Endpoint, SyncConfig
from engine.model import Address, InboxRow, NewRow, Origin, Want
from engine.pipeline.gateway import UnavailableError
from engine.pipeline.services import Services
from engine.store import deliveries, forgetting, inbox, records

BATCH: Final = 1000
THROUGH_CHILD: Final = "through_child"


def route(services: Services) -> int:
    """Route a batch of new rows. Returns how many there were."""
    blocked = [name for name in services.config.connections if not services.gateway.usable(name)]
    with services.store.read() as tx:
        rows = inbox.unrouted(tx, BATCH, but=blocked)
    if not rows:
        return 0
    roots, unanswered = _roots_of_children(services, rows)
    with services.store.write() as tx:
        new = inbox.still_new(tx, [row.seq for row in rows])
        routes = _Routes(services, roots, forgetting.among(tx, {row.address for row in rows}))
        for row in rows:
            if row.seq not in new:
                continue
            if Endpoint(row.address.connection, row.address.object) in unanswered:
                routes.postpone(row)
            else:
                routes.add(row)
        inbox.add(tx, routes.derived)
        deliveries.want(tx, routes.wants)
        inbox.routed(tx, routes.ends)
        inbox.postpone(tx, routes.postponed)
        services.failpoint("route.before_commit")
    services.failpoint("route.after_commit")
    return len(rows)


class _Routes:
    """What a batch of rows asks for, and how each row ends."""

    def __init__(
        self,
        services: Services,
        roots: Mapping[Address, set[Address]],
        forgotten: Collection[Address],
    ) -> None:
        self._services = services
        self._roots = roots
        self._forgotten = forgotten
        self._now = services.clock.now()
        self.wants: list[Want] = []
        self.derived: list[NewRow] = []
        self.ends: list[tuple[int, int, str | None]] = []
        self.postponed: list[int] = []

    def postpone(self, row: InboxRow) -> None:
        """Its roots cannot be told now: it goes to the end of the queue, the others go on."""
        self.postponed.append(row.seq)

    def add(self, row: InboxRow) -> None:
        """Route one row. What was forgotten stays so, whatever is told of it."""
        if row.address in self._forgotten:
            self.ends.append((row.seq, 0, forgetting.REASON))
            return
        endpoint = Endpoint(row.address.connection, row.address.object)
        syncs = _concerned(self._services, row, endpoint)
        self.wants.extend(_want(row, sync) for sync in syncs)
        self.derived.extend(
            NewRow(root, THROUGH_CHILD, row.origin, self._now, related=row.address.ref)
            for root in sorted(self._roots.get(row.address, ()))
        )
        if row.related is not None and row.kind == NoticeKind.ASSOCIATED.value:
            self.derived.extend(_other_end(self._services, row))
        reason = "through its root" if row.address in self._roots else "no sync is concerned"
        self.ends.append((row.seq, len(syncs), reason))


def _concerned(services: Services, row: InboxRow, endpoint: Endpoint) -> list[SyncConfig]:
    return [
        sync
        for sync in services.syncs_from(endpoint)
        if (row.only_sync is None or row.only_sync == sync.name)
        and (sync.webhooks or row.origin is not Origin.WEBHOOK)
    ]


def _want(row: InboxRow, sync: SyncConfig) -> Want:
    return Want(
        sync=sync.name,
        root=row.address,
        seq=row.seq,
        at=row.received_at,
        changed_at=row.version or row.received_at,
        # An association can change without the record's own fields showing it.
        through_child=row.kind in (THROUGH_CHILD, NoticeKind.ASSOCIATED.value)
        or row.origin is Origin.RECHECK,
        recheck=row.origin is Origin.OPERATOR,
    )


def _other_end(services: Services, row: InboxRow) -> list[NewRow]:
    """An association concerns both of its ends."""
    related: Ref | None = row.related
    if related is None:
        return []
    endpoint = Endpoint(row.address.connection, related.object)
    if not services.syncs_from(endpoint):
        return []
    address = Address(row.address.connection, related.object, related.id)
    return [NewRow(address, THROUGH_CHILD, row.origin, row.received_at, related=row.address.ref)]


def _roots_of_children(
    services: Services, rows: Sequence[InboxRow]
) -> tuple[Mapping[Address, set[Address]], set[Endpoint]]:
    """For rows about included children, the roots they belong to: known ones and present ones.

    Also the objects whose system did not answer: their rows are looked at later.
    """
    by_endpoint: dict[Endpoint, set[str]] = defaultdict(set)
    for row in rows:
        if row.kind != THROUGH_CHILD:
            by_endpoint[Endpoint(row.address.connection, row.address.object)].add(row.address.id)
    found: dict[Address, set[Address]] = defaultdict(set)
    unanswered: set[Endpoint] = set()
    for endpoint, ids in by_endpoint.items():
        for sync in services.syncs_including(endpoint):
            try:
                roots = _roots(services, sync, endpoint, sorted(ids))
            except Rejected:
                roots = _one_by_one(services, sync, endpoint, sorted(ids))
            except (CallError, UnavailableError):
                unanswered.add(endpoint)
                continue
            for child, root_ids in roots.items():
                address = Address(endpoint.connection, endpoint.object, child)
                found[address].update(
                    Address(endpoint.connection, sync.source.object, id) for id in root_ids
                )
    return found, unanswered


def _one_by_one(
    services: Services, sync: SyncConfig, endpoint: Endpoint, ids: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """One of these ids is refused: the others are told all the same, and it has no root."""
    found: dict[str, tuple[str, ...]] = {}
    for id in ids:
        with suppress(Rejected):
            found.update(_roots(services, sync, endpoint, [id]))
    return found


def _roots(
    services: Services, sync: SyncConfig, endpoint: Endpoint, ids: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    with services.store.read() as tx:
        known = records.roots(tx, sync.name, endpoint.object, ids)
    unknown = [id for id in ids if id not in known]
    connector = services.gateway.connector(endpoint.connection)
    if not unknown or not isinstance(connector, Parents):
        return known
    present = services.gateway.read(
        endpoint.connection,
        lambda _: connector.parents(endpoint.object, unknown, sync.source.object),
        "parents",
    )
    return {**known, **{child: tuple(roots) for child, roots in present.items()}}
