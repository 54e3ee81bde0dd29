"""Recall: journals that are posted already, and that these books know nothing of.

A store that was lost, or put back to an older state, works out the same schedules anew. What it
would post may be in the ERP by now, in journals whose names it can tell but whose lines were put
together otherwise. So before lines are sealed for the first time, and before anything is posted
late for a month that was closed meanwhile, the journals are looked for under their names. What is
found counts as posted, line by line.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from connectors.base import Resolves
from connectors.errors import CallError, RetryLater
from connectors.records import Fields, Found, Identity, Life, NotYetKnowable, Record
from engine.books.amounts import amount
from engine.books.fitting import Posted, fit
from engine.books.records import batch_record
from engine.books.spec import LINE_OBJECTS
from engine.config.model import Enabled, SyncConfig
from engine.issues import owner
from engine.mapping.model import Desired, Lookups, SourceView
from engine.model import Address, IssueReport
from engine.money.calendar import Period, periods
from engine.money.lines import Reason
from engine.pipeline import recognise
from engine.pipeline.gateway import UnavailableError
from engine.pipeline.journals import JOURNAL_DIFFERS
from engine.pipeline.poll import backfill_stream
from engine.pipeline.references import Catalogues
from engine.pipeline.services import Services
from engine.pipeline.targets import live_selection
from engine.store import books, delivery_states, inbox, issues, ledger, regrouping, streams
from engine.store.books import Batch, Line, Promise
from engine.store.regrouping import Named
from engine.store.sql import Tx

AGAIN: Final = "books_recall_after:"
AGAIN_AFTER: Final = timedelta(minutes=1)
NUMBERS_AHEAD: Final = 2
"""A number may be missing: that of a batch whose lines moved on."""
LOOKS_AT_ONCE: Final = 100
GROUPS_FIRST: Final = 20
"""Of each month. Where none of these was posted, none of the others was."""

Keys = tuple[tuple[str, str], ...]


def recall(services: Services, sync: SyncConfig, last: Period) -> int | None:
    """Look for what is posted and not in these books. Returns how many journals were found.

    ``last`` is the last month that is due. Lines may be sealed where nothing was found. ``None``:
    the ERP, or a source of facts, has to be waited for.
    """
    if not _able(services, sync):
        return 0
    now = services.clock.now()
    with services.store.read() as tx:
        known = regrouping.is_recalled(tx, sync.name)
        after = streams.get_meta(tx, AGAIN + sync.name)
        groups = _late(tx, sync, last) if known else _every(tx, sync, last)
        ready = known or _all_told(services, tx, now)
    if not ready or (after and datetime.fromisoformat(after) > now):
        return None
    if known and not groups:
        return 0
    try:
        found = _look_first(services, sync, groups)
        catalogues = Catalogues(services).of(sync) if found and sync.mapping.catalogues else {}
    except (CallError, UnavailableError):
        with services.store.write() as tx:
            streams.put_meta(tx, AGAIN + sync.name, (now + AGAIN_AFTER).isoformat())
        return None
    with services.store.write() as tx:
        if found:
            promises = tuple(regrouping.promises(tx, LINE_OBJECTS[sync.source.object]))
            adopting = _Adopting(services, sync, tx, promises, Lookups({}, catalogues), now)
            for name, record in found:
                adopting.one(name, record)
            recognise.note(tx, sync.name, sync.target.object)
        regrouping.set_recalled(tx, sync.name)
    services.failpoint("recall.after_commit")
    return len(found)


def _able(services: Services, sync: SyncConfig) -> bool:
    """Whether the journals of a sync have names by which they can be found."""
    named = sync.mapping.identity_field is not None and "period" in sync.group_by
    return named and isinstance(services.gateway.connector(sync.target.connection), Resolves)


def _all_told(services: Services, tx: Tx, now: datetime) -> bool:
    """Whether every record that was there from the start has told its facts."""
    telling = [
        sync.name
        for sync in services.active_syncs()
        if sync.mapping.fact_kinds and sync.enabled is Enabled.ON
    ]
    known = streams.every(tx)
    past = [known.get(backfill_stream(name)) for name in telling]
    read_at = [one.finished_at for one in past if one is not None and one.finished_at is not None]
    if len(read_at) < len(telling):
        return False
    if not read_at:
        return True
    first = inbox.unrouted(tx, 1)
    if first and first[0].received_at <= max(read_at):
        return False
    return not delivery_states.unsettled(tx, telling, now, opened_by=max(read_at))


def _every(tx: Tx, sync: SyncConfig, last: Period) -> list[Keys]:
    """Every group that may have been posted, up to a month."""
    first: dict[Keys, Period] = {}
    for promise, day in regrouping.promises(tx, LINE_OBJECTS[sync.source.object]).items():
        key = _keys(sync, promise, "")
        first[key] = min(Period.of(day), first.get(key, Period.of(day)))
    return [
        tuple((name, month.name if name == "period" else value) for name, value in key)
        for key, since in sorted(first.items())
        for month in periods(since.first, last.last)
    ]


def _late(tx: Tx, sync: SyncConfig, last: Period) -> list[Keys]:
    """The groups in which the months of late lines would have been posted, had they been."""
    due = books.unsealed(tx, LINE_OBJECTS[sync.source.object], last)
    late = [line for line in due if line.reason is Reason.LATE]
    return sorted({_keys(sync, line, line.service.name) for line in late})


def _keys(sync: SyncConfig, one: Line | Promise, period: str) -> Keys:
    values = {
        "period": period,
        "entity": one.entity or "",
        "currency": one.currency,
        "family": one.family or "",
        "contract": one.contract,
    }
    return tuple((name, values[name]) for name in sync.group_by)


def _look_first(
    services: Services, sync: SyncConfig, groups: Sequence[Keys]
) -> list[tuple[Named, Record]]:
    """The journals that are there: of some groups of each month, and only then of all.

    Grouped by contract there are as many names as contracts and months, and a call each; what a
    store has posted and forgotten, it has posted for nearly all of them.
    """
    by_month: dict[str, list[Keys]] = defaultdict(list)
    for key in groups:
        by_month[dict(key)["period"]].append(key)
    first = [key for own in by_month.values() for key in own[:GROUPS_FIRST]]
    found, seen = _look(services, sync, first), set(first)
    if found and len(first) < len(groups):
        found += _look(services, sync, [key for key in groups if key not in seen])
    return sorted(found, key=lambda one: (one[0].keys["period"], one[0].number))


def _look(
    services: Services, sync: SyncConfig, groups: Iterable[Keys]
) -> list[tuple[Named, Record]]:
    """The journals that are there under names these books have no lines for."""
    found: list[tuple[Named, Record]] = []
    ahead = NUMBERS_AHEAD
    going = list(groups)
    while going:
        with services.store.read() as tx:
            asked = {key: regrouping.names(tx, sync.name, dict(key), ahead) for key in going}
        fresh = [name for own in asked.values() for name in own[_seen(own, ahead) :]]
        seen = dict(zip([one.id for one in fresh], _lookup(services, sync, fresh), strict=True))
        found += [(one, record) for one in fresh if (record := seen[one.id]) is not None]
        there = {one.id for one, _record in found}
        # Where one of the last names is taken, there may be more of them.
        going = [
            key for key, own in asked.items() if any(n.id in there for n in own[-NUMBERS_AHEAD:])
        ]
        ahead += NUMBERS_AHEAD
    return found


def _seen(own: Sequence[Named], ahead: int) -> int:
    """How many of the names were looked for in an earlier turn."""
    return 0 if ahead == NUMBERS_AHEAD else len(own) - NUMBERS_AHEAD


def _lookup(services: Services, sync: SyncConfig, asked: Sequence[Named]) -> list[Record | None]:
    mapping, connector = sync.mapping, services.gateway.connector(sync.target.connection)
    if not isinstance(connector, Resolves):
        return [None] * len(asked)
    selection = live_selection(mapping, [])
    found: list[Record | None] = []
    for start in range(0, len(asked), LOOKS_AT_ONCE):
        identities = [
            Identity(
                mapping.identity_field or "", mapping.identity_value(sync.source.object, one.id)
            )
            for one in asked[start : start + LOOKS_AT_ONCE]
        ]
        answers = services.gateway.read(
            sync.target.connection,
            lambda _, own=identities: connector.lookup(selection, own),  # type: ignore[misc]
            "lookup",
        )
        for answer in answers:
            if isinstance(answer, NotYetKnowable):
                raise RetryLater("what is posted does not show yet", code="NOT_YET_KNOWABLE")
            record = answer.record if isinstance(answer, Found) else None
            found.append(record if record is not None and record.life is Life.LIVE else None)
    return found


@dataclass(frozen=True, slots=True)
class _Adopting:
    """Takes journals that were found into the books, within a transaction."""

    services: Services
    sync: SyncConfig
    tx: Tx
    promises: Sequence[Promise]
    lookups: Lookups
    now: datetime

    def one(self, name: Named, record: Record) -> None:
        """Its lines count as posted; where they cannot be told, those planned for its month do.

        The batch then meets the journal, and what differs is an issue.
        """
        kind, month = LINE_OBJECTS[self.sync.source.object], Period(name.keys["period"])
        own = [one for one in self.promises if self._belongs(one, name)]
        planned = [
            line
            for line in regrouping.planned_for(self.tx, kind, month)
            if self._belongs(line, name)
        ]
        posted = Posted(record.fields, month)
        lines = fit(posted, own, planned, lambda some: self._render(name, some))
        if lines is not None:
            regrouping.adopt(self.tx, name, lines, self.now)
            self._tell(name, record, lines, "confirmed")
            return
        regrouping.put_into(self.tx, name, planned, self.now)
        self._tell(name, record, planned, "conflict")
        if not planned:
            self._nothing_of_it(name, record)

    def _belongs(self, one: Line | Promise, name: Named) -> bool:
        return dict(_keys(self.sync, one, name.keys["period"])) == dict(name.keys)

    def _render(self, name: Named, lines: Sequence[Line]) -> Fields | None:
        batch = Batch(name.id, name.keys, name.number, self.now, tuple(lines))
        view = SourceView(batch_record(self.sync.source.object, batch))
        made = self.sync.mapping.map(view, self.lookups)
        return made.fields if isinstance(made, Desired) else None

    def _addresses(self, name: Named, record: Record) -> tuple[Address, Address]:
        source, target = self.sync.source, self.sync.target
        return (
            Address(source.connection, source.object, name.id),
            Address(target.connection, target.object, record.ref.id),
        )

    def _tell(self, name: Named, record: Record, lines: Sequence[Line], outcome: str) -> None:
        total = sum(abs(line.amount_minor) for line in lines)
        source, target = self._addresses(name, record)
        line = ledger.Line(
            time=self.now,
            sync=self.sync.name,
            operation="recall",
            outcome=outcome,
            config=self.services.config.digest,
            source=source,
            target=target,
            business_key=name.id,
            amount=str(amount(total, lines[0].exponent)) if lines else None,
            currency=lines[0].currency if lines else None,
        )
        ledger.append(self.tx, [line])

    def _nothing_of_it(self, name: Named, record: Record) -> None:
        source, target = self._addresses(name, record)
        report = IssueReport(
            JOURNAL_DIFFERS,
            self.sync.name,
            source,
            target=target,
            parameters={"difference": "the books have nothing for it"},
        )
        told = [(report, None, owner(report.code))]
        issues.open_many(self.tx, self.services.store.payloads, self.services.ids, told, self.now)
