"""Take in: verified webhook requests become inbox rows, and the spool position moves along."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from connectors.records import Notice, Ref
from engine.model import Address, NewRow, Origin
from engine.pipeline.services import Services
from engine.store import forgetting, inbox, streams

POSITION: Final = "spool_position"
BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class SpooledRequest:
    """A verified request as the receiver stored it: the events, without their values."""

    seq: int
    connection: str
    received_at: datetime
    notices: tuple[Notice, ...]


class SpoolSource(Protocol):
    """Where spooled requests are read."""

    def after(self, position: int, limit: int) -> Sequence[SpooledRequest]:
        """Requests beyond a position, in order."""
        ...

    def erase(self, seqs: Sequence[int], now: datetime) -> None:
        """Have what these requests said erased; their events stay. Raises ``OSError``."""
        ...


def take_in(services: Services, spool: SpoolSource) -> int:
    """Bring in what the receiver has stored. Returns the number of requests."""
    with services.store.read() as tx:
        position = int(streams.get_meta(tx, POSITION) or 0)
    requests = spool.after(position, BATCH)
    if not requests:
        return 0
    rows = [row for request in requests for row in _rows(request)]
    _erase_forgotten(services, spool, requests)
    with services.store.write() as tx:
        if int(streams.get_meta(tx, POSITION) or 0) != position:
            return 0  # Another engine was quicker.
        inbox.add(tx, rows)
        streams.put_meta(tx, POSITION, str(requests[-1].seq))
    services.failpoint("take_in.after_commit")
    return len(requests)


def _erase_forgotten(
    services: Services, spool: SpoolSource, requests: Sequence[SpooledRequest]
) -> None:
    """What a request says of somebody who was forgotten is not kept, the request is an address."""
    named = {request.seq: {row.address for row in _rows(request)} for request in requests}
    with services.store.read() as tx:
        gone = forgetting.among(tx, set[Address]().union(*named.values()))
    seqs = [seq for seq, addresses in named.items() if addresses & gone]
    if seqs:
        spool.erase(seqs, services.clock.now())


def _rows(request: SpooledRequest) -> list[NewRow]:
    """One row per event; a merge also tells of each record that was merged away."""
    rows = []
    for notice in request.notices:
        rows.append(_row(request, notice, notice.ref, notice.event_key))
        rows.extend(
            _row(request, notice, Ref(notice.ref.object, loser), f"{notice.event_key}#{loser}")
            for loser in notice.absorbed
        )
    return rows


def _row(request: SpooledRequest, notice: Notice, ref: Ref, event_key: str) -> NewRow:
    return NewRow(
        address=Address(request.connection, ref.object, ref.id),
        kind=notice.kind.value,
        origin=Origin.WEBHOOK,
        received_at=request.received_at,
        event_key=event_key,
        related=notice.related,
    )
