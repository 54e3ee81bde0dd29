"""Keeping the books: schedules follow from facts, due lines are handed over in batches.

Both steps are one transaction each and can be repeated at will: they compute what should be there
and write what is missing. What was handed over is never touched again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from engine.books.records import amount
from engine.books.spec import CONNECTION, CONTRACTS, DEALS, LINE_OBJECTS
from engine.config.model import Enabled, Endpoint, SyncConfig
from engine.model import Address
from engine.money.calendar import DAY, Period
from engine.money.lines import plan_lines
from engine.money.scheduling import Plan, plans
from engine.pipeline.services import Services
from engine.store import books, facts, ledger
from engine.store.books import Promise, Version
from engine.store.ledger import Line
from engine.store.sql import Tx

CONTRACTS_PER_ROUND: Final = 50
LINES_PER_BATCH: Final = 400
"""Two journal entries each: below the 1,000 lines that the ERP takes well."""


def keep(services: Services) -> tuple[Endpoint, ...]:
    """Bring the books up to date; returns which of their objects have news."""
    if CONNECTION not in services.config.connections:
        return ()
    found: dict[Endpoint, None] = {}
    if _schedule(services):
        found |= dict.fromkeys(Endpoint(CONNECTION, name) for name in (CONTRACTS, DEALS))
    for sync in services.active_syncs():
        due = sync.source.connection == CONNECTION and sync.period_end is not None
        if due and sync.enabled is Enabled.ON and _seal(services, sync):
            found[sync.source] = None
            found |= dict.fromkeys(Endpoint(CONNECTION, name) for name in (CONTRACTS, DEALS))
    return tuple(found)


def unkept(services: Services, tx: Tx) -> bool:
    """Whether facts arrived that the schedules do not follow from yet."""
    return CONNECTION in services.config.connections and books.any_dirty(tx)


def _schedule(services: Services) -> int:
    """Let the schedules of some contracts follow from their facts. Returns how many there were."""
    with services.store.read() as tx:
        if not books.any_dirty(tx):
            return 0
    now = services.clock.now()
    with services.store.write() as tx:
        names = books.take_dirty(tx, CONTRACTS_PER_ROUND, now)
        closed = books.closed_periods(tx)
        for name in names:
            _Contract(services, tx, name, closed, now).follow()
        services.failpoint("books.before_commit")
    services.failpoint("books.after_commit")
    return len(names)


class _Contract:
    """The schedules of one contract, within a transaction."""

    def __init__(
        self,
        services: Services,
        tx: Tx,
        name: str,
        closed: frozenset[Period],
        now: datetime,
    ) -> None:
        self._services = services
        self._tx = tx
        self._name = name
        self._closed = closed
        self._now = now

    def follow(self) -> None:
        own = facts.versions(self._tx, self._name)
        wanted = {plan.key.name: plan for plan in plans(own, self._services.config.books.method_of)}
        lines = books.lines_of(self._tx, [self._name])
        for name, plan in wanted.items():
            key = plan.key
            promise = Promise(
                self._name, name, key.kind, key.family, key.entity, key.currency, key.exponent
            )
            self._promise(promise, plan, lines)
        # A promise that no fact speaks of any more is taken back.
        for line in {line.promise: line for line in lines if line.promise not in wanted}.values():
            promise = Promise(
                self._name,
                line.promise,
                line.kind,
                line.family,
                line.entity,
                line.currency,
                line.exponent,
            )
            self._promise(promise, None, lines)

    def _promise(self, promise: Promise, plan: Plan | None, lines: Sequence[books.Line]) -> None:
        version = self._version(promise, plan)
        posted = [
            (line.service, line.amount_minor)
            for line in lines
            if line.promise == promise.name and line.batch is not None
        ]
        desired = plan.by_period if plan else {}
        planned = plan_lines(desired, posted, self._closed.__contains__)
        books.replace_lines(self._tx, promise, version, planned, self._now)

    def _version(self, promise: Promise, plan: Plan | None) -> int:
        """The number of the schedule's version; a new one is opened where the plan is another."""
        last = books.latest_version(self._tx, promise)
        digest = plan.digest if plan else ""
        if last is not None and (last.digest == digest or plan is None):
            return last.number
        if plan is None:
            return 0
        number = last.number + 1 if last else 1
        version = Version(
            number, plan.method.value, digest, plan.amount_minor, plan.first, plan.last
        )
        books.put_version(self._tx, promise, version, self._now)
        line = Line(
            time=self._now,
            sync="books",
            operation="schedule",
            outcome="confirmed",
            config=self._services.config.digest,
            source=Address(CONNECTION, CONTRACTS, self._name),
            business_key=f"{self._name}:{promise.name}:{number}",
            code=f"METHOD_{plan.method.value.upper()}",
            amount=str(amount(plan.amount_minor, promise.exponent)),
            currency=promise.currency,
        )
        ledger.append(self._tx, [line])
        return number


def last_ended(sync: SyncConfig, services: Services) -> Period:
    """The last accounting period whose end is far enough back for this sync to post it."""
    local = services.clock.now().astimezone(services.config.books.zone)
    moment = local - (sync.period_end or timedelta(0))
    return Period.of(Period.of(moment.date()).first - DAY)


def _seal(services: Services, sync: SyncConfig) -> int:
    """Put due lines into batches; returns how many batches were made."""
    kind, last = LINE_OBJECTS[sync.source.object], last_ended(sync, services)
    with services.store.read() as tx:
        if books.any_dirty(tx) or not books.any_unsealed(tx, kind, last):
            return 0
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
        services.failpoint("seal.before_commit")
    services.failpoint("seal.after_commit")
    return made


def _part(line: books.Line, name: str) -> str:
    value = {
        "period": line.period.name,
        "entity": line.entity or "",
        "currency": line.currency,
        "family": line.family or "",
        "contract": line.contract,
    }
    return value[name]
