"""Prepare: have every source record of a batch at hand, with its children, in few calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from connectors.base import Children
from connectors.errors import UnexpectedAnswer
from connectors.records import Life, Record, Selection
from engine.books.spec import CONNECTION
from engine.config.model import Endpoint, SyncConfig, WriteOrder
from engine.mapping.model import SourceView
from engine.model import Address, Delivery, Known
from engine.pipeline.batch import Work
from engine.pipeline.digests import record_hash
from engine.pipeline.gateway import reads
from engine.pipeline.poll import SNAPSHOT, WRITTEN, remember_read
from engine.pipeline.services import Services
from engine.store import codec, inbox, records


@dataclass(frozen=True, slots=True)
class Read:
    """A source record, with the time we asked for it and whether we read it just now."""

    record: Record
    asked_at: datetime
    fresh: bool


def sources(
    services: Services, sync: SyncConfig, claimed: Sequence[Delivery]
) -> dict[Address, Read]:
    """The root records of a batch: from snapshots where a poll brought them, else by one read.

    Our own books are always read: it costs no call, and a journal must be as it is now.
    """
    with services.store.read() as tx:
        paged = [] if sync.source.connection == CONNECTION else claimed
        stored = inbox.snapshots(tx, [(item.source, item.taken) for item in paged])
        known = records.known(tx, [item.source for item in claimed])
        sealed = [snapshot for snapshot, _asked_at in stored.values()]
        opened = services.store.payloads.open(tx, sealed, SNAPSHOT)
    found: dict[Address, Read] = {}
    for (address, (_sealed, asked_at)), snapshot in zip(stored.items(), opened, strict=True):
        if snapshot is None:
            continue
        record = codec.load_record(snapshot)
        if ordered(sync) or not _overtaken(record, asked_at, known.get(address)):
            found[address] = Read(record, asked_at, fresh=False)
    missing = [item.source for item in claimed if item.source not in found]
    if missing:
        found.update(_read(services, sync, missing))
        _remember(services, {a: found[a] for a in missing})
    return found


def ordered(sync: SyncConfig) -> bool:
    """Whether every version that was seen is to be delivered, old ones too."""
    return sync.write_order is WriteOrder.ORDERED


def _overtaken(record: Record, asked_at: datetime, known: Known | None) -> bool:
    """Whether a page's copy is older than what we know, or than our own last write."""
    if known is None:
        return False
    if known.hash == WRITTEN:
        return asked_at <= known.asked_at
    if known.version is None or record.version is None:
        return False
    return record.version < known.version


def _read(services: Services, sync: SyncConfig, missing: Sequence[Address]) -> dict[Address, Read]:
    asked_at = services.clock.now()
    selection = services.selection(sync.source)
    ids = [address.id for address in missing]
    answer = services.gateway.read(
        sync.source.connection,
        lambda connector: connector.read(selection, ids),
        *reads("read", selection),
    )
    return {
        address: Read(record, asked_at, fresh=True)
        for address, record in zip(missing, answer, strict=True)
    }


def _remember(services: Services, fresh: Mapping[Address, Read]) -> None:
    """What was read now is the newest we know; reads of one record are ordered by the asking."""
    vault = services.store.vault
    with services.store.write() as tx:
        known = records.known(tx, fresh)
        for asked_at in sorted({read.asked_at for read in fresh.values()}):
            rows = [
                (address, (read.record, record_hash(vault, read.record)))
                for address, read in fresh.items()
                if read.asked_at == asked_at and read.record.life is Life.LIVE
            ]
            remember_read(services, tx, rows, known, asked_at, told=False)


def works(
    services: Services,
    sync: SyncConfig,
    reads: Sequence[tuple[Delivery, Read]],
    *,
    remember: bool = True,
) -> list[Work]:
    """Live roots with the children the mapping includes; notes which child leads to which root."""
    children = _children(services, sync, [read.record for _delivery, read in reads])
    if remember:
        _index(services, sync, [read.record for _delivery, read in reads], children)
    vault = services.store.vault
    found = []
    for delivery, read in reads:
        own = {name: sets.get(read.record.ref.id, ()) for name, sets in children.items()}
        view = SourceView(read.record, own)
        found.append(Work(delivery, view, record_hash(vault, read.record), read.asked_at))
    return found


def _children(
    services: Services, sync: SyncConfig, roots: Sequence[Record]
) -> dict[str, Mapping[str, tuple[Record, ...]]]:
    """Per include: root id → children, in the source's order."""
    found: dict[str, Mapping[str, tuple[Record, ...]]] = {}
    for name, wanted in sync.mapping.includes.items():
        endpoint = Endpoint(sync.source.connection, wanted.object)
        selection = services.selection(endpoint)
        found[name] = _children_of(services, sync, roots, selection)
    return found


def _index(
    services: Services,
    sync: SyncConfig,
    roots: Sequence[Record],
    children: Mapping[str, Mapping[str, tuple[Record, ...]]],
) -> None:
    """Note which child leads to which root, for a notice that names only the child."""
    if not roots or not children:
        return
    ids = [root.ref.id for root in roots]
    with services.store.write() as tx:
        for name, sets in children.items():
            pairs = [(child.ref.id, root) for root, kids in sets.items() for child in kids]
            object = sync.mapping.includes[name].object
            records.index_children(tx, sync.name, object, ids, pairs)


def _children_of(
    services: Services, sync: SyncConfig, roots: Sequence[Record], selection: Selection
) -> Mapping[str, tuple[Record, ...]]:
    """Children by id where the roots' own associations name them, else by asking for them."""
    if not roots:
        return {}
    connection = sync.source.connection
    named = {root.ref.id: root.associations.get(selection.object) for root in roots}
    if all(ids is not None for ids in named.values()):
        wanted = list(dict.fromkeys(id for ids in named.values() for id in ids or ()))
        if not wanted:
            return {}
        answer = services.gateway.read(
            connection, lambda c: c.read(selection, wanted), *reads("read", selection)
        )
        by_id = {record.ref.id: record for record in answer if record.life is Life.LIVE}
        return {
            root: tuple(by_id[id] for id in ids or () if id in by_id) for root, ids in named.items()
        }
    connector = services.gateway.connector(connection)
    if not isinstance(connector, Children):
        # Not knowing the children is not the same as there being none.
        raise UnexpectedAnswer(
            f"{connection} cannot list the {selection.object} of its {sync.source.object}",
            code="CHILDREN_UNKNOWN",
        )
    ids = list(named)
    return services.gateway.read(
        connection,
        lambda _: connector.children(selection, sync.source.object, ids),
        *reads("children", selection),
    )
