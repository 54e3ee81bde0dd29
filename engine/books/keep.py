"""Keeping the books: schedules follow from facts, due lines are handed over in batches.

Both steps are one transaction each and can be repeated at will: they compute what should be there
and write what is missing. What was handed over is never touched again.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import Final

from engine.books.recall import recall
from engine.books.schedules import schedule
from engine.books.spec import CONNECTION, CONTRACTS, DEALS, LINE_OBJECTS
from engine.config.model import Enabled, Endpoint, SyncConfig
from engine.money.calendar import DAY, Period
from engine.pipeline.services import Services
from engine.store import books, facts
from engine.store.sql import Tx

LINES_PER_BATCH: Final = 400
"""Two journal entries each: below the 1,000 lines that the ERP takes well."""


def keep(services: Services) -> tuple[Endpoint, ...]:
    """Bring the books up to date; returns which of their objects have news."""
    if CONNECTION not in services.config.connections:
        return ()
    found: dict[Endpoint, None] = {}
    if schedule(services):
        found |= dict.fromkeys(Endpoint(CONNECTION, name) for name in (CONTRACTS, DEALS))
    for sync in services.active_syncs():
        posts = sync.source.connection == CONNECTION and sync.period_end is not None
        if posts and sync.enabled is Enabled.ON and _hand_over(services, sync):
            found[sync.source] = None
            found |= dict.fromkeys(Endpoint(CONNECTION, name) for name in (CONTRACTS, DEALS))
    return tuple(found)


def unkept(services: Services, tx: Tx) -> bool:
    """Whether facts arrived that the schedules do not follow from yet."""
    return CONNECTION in services.config.connections and books.any_dirty(tx)


def last_ended(sync: SyncConfig, services: Services) -> Period:
    """The last accounting period whose end is far enough back for this sync to post it."""
    local = services.clock.now().astimezone(services.config.books.zone)
    moment = local - (sync.period_end or timedelta(0))
    return Period.of(Period.of(moment.date()).first - DAY)


def _hand_over(services: Services, sync: SyncConfig) -> int:
    """Put due lines into batches, once all that was posted before is known.

    Returns how many batches there are that were not there before.
    """
    kind, last = LINE_OBJECTS[sync.source.object], last_ended(sync, services)
    with services.store.read() as tx:
        if books.any_dirty(tx) or not books.any_unsealed(tx, kind, last):
            return 0
    found = recall(services, sync, last)
    if found is None:
        return 0
    # What was found changes the plans of its contracts, so nothing is sealed before the next look.
    return found or _seal(services, sync, kind, last)


def _seal(services: Services, sync: SyncConfig, kind: str, last: Period) -> int:
    now = services.clock.now()
    made = 0
    with services.store.write() as tx:
        closed = books.closed_periods(tx)
        groups: dict[tuple[str, ...], list[books.Line]] = defaultdict(list)
        late: set[str] = set()
        for line in books.unsealed(tx, kind, last, hold=True):
            if line.period in closed:
                late.add(line.contract)
                continue
            groups[tuple(_part(line, name) for name in sync.group_by)].append(line)
        facts.mark(tx, late, now)
        for key, lines in groups.items():
            keys = dict(zip(sync.group_by, key, strict=True))
            for start in range(0, len(lines), LINES_PER_BATCH):
                books.seal(tx, sync.name, keys, lines[start : start + LINES_PER_BATCH], now)
                made += 1
            books.touch(tx, {line.contract for line in lines}, now)
            facts.mark(tx, {line.contract for line in lines if _abroad(line, services)}, now)
        services.failpoint("seal.before_commit")
    services.failpoint("seal.after_commit")
    return made


def _abroad(line: books.Line, services: Services) -> bool:
    """Whether what was just earned needs a rate to be told."""
    reporting = services.config.books.reporting
    return reporting is not None and line.currency != reporting.currency


def _part(line: books.Line, name: str) -> str:
    value = {
        "period": line.period.name,
        "entity": line.entity or "",
        "currency": line.currency,
        "family": line.family or "",
        "contract": line.contract,
    }
    return value[name]
