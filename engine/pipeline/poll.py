"""Poll: ask a system what changed; rows and cursor are committed together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from connectors.base import Exports, Lists, Polls, Removals
from connectors.records import Life, Page, Record
from engine.config.model import Endpoint, SyncConfig
from engine.model import Address, Known, NewRow, Origin
from engine.pipeline.digests import field_digests, record_hash
from engine.pipeline.gateway import reads
from engine.pipeline.services import Services
from engine.store import (
    codec,
    connections,
    delivery_states,
    forgetting,
    inbox,
    records,
    streams,
)
from engine.store.sql import Tx
from engine.store.streams import Stream

SNAPSHOT: Final = "inbox snapshot"
WRITTEN: Final = ""
"""The hash of a record that we wrote last: its content as a whole is not known."""
UNTOLD: Final = "~"
"""Before a hash: one sync has read this content for itself; the others have not heard of it."""


@dataclass(frozen=True, slots=True)
class Polled:
    """One page: how many records it had, how many were news, whether the stream is at its head.

    ``again_after``: the system is still at work on the next one.
    """

    records: int
    news: int
    at_head: bool
    again_after: timedelta | None = None


def changes_stream(endpoint: Endpoint) -> str:
    """The name of an object's change stream."""
    return f"changes:{endpoint}"


def removed_stream(endpoint: Endpoint) -> str:
    """The name of an object's stream of removed records."""
    return f"removed:{endpoint}"


def backfill_stream(sync: str) -> str:
    """The name of a sync's backfill."""
    return f"backfill:{sync}"


def poll_changes(services: Services, endpoint: Endpoint) -> Polled:
    """Read the next page of an object's changes."""
    name = changes_stream(endpoint)
    stream = _stream(services, name)
    selection = services.selection(endpoint)
    spec = services.object_spec(endpoint)
    asked_at = services.clock.now()
    connector = services.gateway.connector(endpoint.connection)
    if not isinstance(connector, Polls):
        return _finished(services, name, asked_at)
    cursor = stream.cursor if stream else None
    if cursor is None:
        cursor = connector.first_cursor(selection, _first_since(services, endpoint, asked_at))
    services.failpoint("poll.before_page")
    page = services.gateway.read(
        endpoint.connection,
        lambda _: connector.changes(selection, cursor, spec.page_changes),
        *reads("changes", selection),
    )
    services.failpoint("poll.page_received")
    return _commit(services, name, endpoint, page, asked_at, Origin.POLL)


def _first_since(services: Services, endpoint: Endpoint, now: datetime) -> datetime:
    """Where following changes begins: now, less the overlap; backfills bring what is older."""
    return now - services.object_spec(endpoint).overlap


def poll_removed(services: Services, endpoint: Endpoint) -> Polled:
    """Read the next page of an object's removed records."""
    name = removed_stream(endpoint)
    stream = _stream(services, name)
    asked_at = services.clock.now()
    connector = services.gateway.connector(endpoint.connection)
    if not isinstance(connector, Removals):
        return _finished(services, name, asked_at)
    selection = services.selection(endpoint)
    cursor = stream.cursor if stream else None
    limit = services.object_spec(endpoint).page_list
    page = services.gateway.read(
        endpoint.connection, lambda _: connector.removed(selection, cursor, limit), "removed"
    )
    return _commit(services, name, endpoint, page, asked_at, Origin.REMOVED)


def backfill(services: Services, sync: SyncConfig, since: datetime | None) -> Polled:
    """Read the next page of all records of a sync's source."""
    name = backfill_stream(sync.name)
    stream = _stream(services, name)
    asked_at = services.clock.now()
    connector = services.gateway.connector(sync.source.connection)
    if isinstance(connector, Exports):
        operation, listing = "export", connector.export
    elif isinstance(connector, Lists):
        operation, listing = "list", connector.list
    else:
        return _finished(services, name, asked_at)
    selection = services.selection(sync.source)
    cursor = stream.cursor if stream and not stream.at_head else None
    limit = services.object_spec(sync.source).page_list
    page = services.gateway.read(
        sync.source.connection,
        lambda _: listing(selection, cursor, limit, since),
        *reads(operation, selection),
    )
    services.failpoint("poll.page_received")
    kept = tuple(record for record in page.records if _recent(record, since))
    page = replace(page, records=kept)
    asked_at = min(asked_at, page.asked_at or asked_at)
    return _commit(services, name, sync.source, page, asked_at, Origin.BACKFILL, sync)


def _recent(record: Record, since: datetime | None) -> bool:
    return since is None or record.version is None or record.version >= since


def _stream(services: Services, name: str) -> Stream | None:
    with services.store.read() as tx:
        return streams.get(tx, name)


def _finished(services: Services, name: str, now: datetime) -> Polled:
    """A stream that the connector does not offer is always at its head."""
    with services.store.write() as tx:
        streams.put(tx, Stream(name, None, at_head=True, finished_at=now, updated_at=now))
    return Polled(0, 0, at_head=True)


def _commit(
    services: Services,
    name: str,
    endpoint: Endpoint,
    page: Page,
    asked_at: datetime,
    origin: Origin,
    only: SyncConfig | None = None,
) -> Polled:
    """Rows for what is news, what is known now, and the cursor: all or nothing."""
    now = services.clock.now()
    hashes = {
        Address(endpoint.connection, record.ref.object, record.ref.id): (
            record,
            record_hash(services.store.vault, record),
        )
        for record in page.records
    }
    with services.store.write() as tx:
        for address in forgetting.among(tx, hashes):
            del hashes[address]  # nothing is kept of it, not even a digest
        known = records.known(tx, hashes)
        news = _news(hashes, known, origin) if only is None else _owed(tx, only, hashes, known)
        heard = _Heard(origin, asked_at, now, only.name if only else None)
        inbox.add(tx, _rows(services, tx, news, known, heard))
        remember_read(services, tx, news.items(), known, asked_at, told=only is None)
        services.failpoint("poll.rows.partial")
        finished_at = now if page.at_head else None
        previous = streams.get(tx, name)
        if finished_at is None and previous is not None:
            finished_at = previous.finished_at
        streams.put(tx, Stream(name, page.cursor, page.at_head, finished_at, now))
        if only is not None:
            connections.count(tx, only.name, {"repeated": len(hashes) - len(news)})
    services.failpoint("poll.after_commit")
    return Polled(len(page.records), len(news), page.at_head, page.again_after)


Hashed: TypeAlias = dict[Address, tuple[Record, str]]


def _news(hashes: Hashed, known: Mapping[Address, Known], origin: Origin) -> Hashed:
    """What tells something that not every sync has been told of."""
    return {
        address: (record, hash)
        for address, (record, hash) in hashes.items()
        if _is_news(known.get(address), record, hash, origin)
    }


def _is_news(known: Known | None, record: Record, hash: str, origin: Origin) -> bool:
    """Whether a record tells something. Older than what is known is stale; equal is a repeat.

    Equal time with another content is news: a modified time can be too coarse to tell. So is what
    only one sync has heard of, by reading it for itself.
    """
    if origin is Origin.REMOVED:
        return known is not None and known.life == Life.LIVE.value
    return known is None or (not _stale(known, record) and known.hash != hash)


def _stale(known: Known | None, record: Record) -> bool:
    if known is None or known.version is None or record.version is None:
        return False
    return record.version < known.version


@dataclass(frozen=True, slots=True)
class _Copy:
    """A record as a page shows it, and when we asked."""

    record: Record
    hash: str
    asked_at: datetime


def _exact(known: Known | None, copy: _Copy) -> bool:
    """Whether the page's copy can be used as it is; if not, the record is read again.

    Not when the time is one we know and the content is another: either may be the later one. After
    our own write the content is not known: a copy that was asked for later is the echo.
    """
    version = copy.record.version
    if version is None:
        return False
    if known is None or known.version is None:
        return True
    if known.hash == WRITTEN:
        return copy.asked_at > known.asked_at
    if version == known.version:
        return known.hash in (copy.hash, UNTOLD + copy.hash)
    return version > known.version


def _owed(tx: Tx, sync: SyncConfig, hashes: Hashed, known: Mapping[Address, Known]) -> Hashed:
    """What a sync has not delivered as it is now."""
    seen = delivery_states.seen(tx, sync.name, list(hashes))
    return {
        address: (record, hash)
        for address, (record, hash) in hashes.items()
        if seen.get(address) != (hash, sync.mapping.digest)
        and not _stale(known.get(address), record)
    }


@dataclass(frozen=True, slots=True)
class _Heard:
    """How and when a page came to us."""

    origin: Origin
    asked_at: datetime
    received_at: datetime
    only_sync: str | None


def _rows(
    services: Services,
    tx: Tx,
    news: Hashed,
    known: Mapping[Address, Known],
    heard: _Heard,
) -> list[NewRow]:
    """Inbox rows for what is news, with a sealed copy of each record that can be used as it is."""
    payloads = services.store.payloads
    usable = [
        (address, record)
        for address, (record, hash) in news.items()
        if heard.origin is not Origin.REMOVED
        and _exact(known.get(address), _Copy(record, hash, heard.asked_at))
    ]
    copies = [(payloads.concerns(at), codec.dump_record(record)) for at, record in usable]
    sealed = payloads.seal(tx, copies, SNAPSHOT)
    snapshots = {at: copy for (at, _record), copy in zip(usable, sealed, strict=True)}
    return [
        NewRow(
            address=address,
            kind=record.life.value,
            origin=heard.origin,
            received_at=heard.received_at,
            only_sync=heard.only_sync,
            version=record.version,
            asked_at=heard.asked_at,
            snapshot=snapshots.get(address),
        )
        for address, (record, _hash) in news.items()
    ]


def remember_read(
    services: Services,
    tx: Tx,
    read: Iterable[tuple[Address, tuple[Record, str]]],
    known: Mapping[Address, Known],
    asked_at: datetime,
    *,
    told: bool,
) -> None:
    """Keep digests of what was read: for telling repeats, and for knowing the other side.

    ``told``: every sync hears of it. What only one sync has read is still news to the others. What
    was asked for before something we know by now is left out.
    """
    states: dict[Address, Known] = {}
    for address, (record, hash) in read:
        before = known.get(address)
        if before is not None and before.asked_at > asked_at and not told:
            continue
        fields = dict(before.fields) if before else {}
        fields.update(field_digests(services.store.vault, record.fields))
        known_to_all = told or (before is not None and before.hash == hash)
        mark = hash if known_to_all else UNTOLD + hash
        if before is not None and before.hash == WRITTEN and before.asked_at >= asked_at:
            mark, fields = WRITTEN, dict(before.fields)
        asked = max(asked_at, before.asked_at) if before else asked_at
        version = record.version
        if before is not None and before.version is not None and version is not None:
            version = max(version, before.version)
        states[address] = Known(version, mark, record.life.value, fields, asked)
    records.remember(tx, states)


def overdue(stream: Stream | None, every: timedelta, now: datetime) -> bool:
    """Whether a stream wants reading: never read, amid a sweep, or its time has come."""
    if stream is None or not stream.at_head or stream.finished_at is None:
        return True
    return stream.finished_at + every <= now
