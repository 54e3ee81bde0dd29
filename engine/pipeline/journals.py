"""What is special about batches of the books on their way to the ledger of the ERP.

A batch is sealed for a month, and the month can close before the journal arrives. The ERP then
refuses it, now and for ever; but its lines were earned, and belong into the first open month.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias

from connectors.errors import CallError, Rejected
from connectors.records import Value
from engine.books.amounts import amount
from engine.books.spec import CONNECTION, LINE_OBJECTS
from engine.config.model import Enabled, SyncConfig
from engine.model import Address, IssueReport
from engine.pipeline.batch import Decided, Item, Planned, Problem, Result, Skipped
from engine.pipeline.containment import contains
from engine.pipeline.services import Services
from engine.pipeline.settle import Settling
from engine.store import deliveries, regrouping
from engine.store.ledger import Line

PERIOD_CLOSED: Final = "PERIOD_CLOSED"
BATCH_PERIOD_CLOSED: Final = "BATCH_PERIOD_CLOSED"
JOURNAL_DIFFERS: Final = "JOURNAL_DIFFERS"
BROKEN_UP: Final = "batch broken up"
SHOWN_MOST: Final = 3

ItemKey: TypeAlias = tuple[int, Address, str]


def is_batch(source: Address) -> bool:
    """Whether a record is a batch of the books."""
    return source.connection == CONNECTION and source.object in LINE_OBJECTS


def month_is_closed(item: Planned, error: CallError) -> bool:
    """Whether a journal was refused because its month takes no postings any more."""
    own = is_batch(item.decided.matched.item.source) and item.decided.create
    return own and isinstance(error, Rejected) and error.code == PERIOD_CLOSED


def move_on(
    services: Services, sync: SyncConfig, settling: Settling, item: Planned, error: CallError
) -> Result:
    """The lines of a refused batch go to the first open month, in batches to be made.

    Only where a look has shown that the journal is not there: a line must never be in two.
    """
    source, now = item.decided.matched.item.source, services.clock.now()
    why = "a look whether it was posted before was not possible"
    if item.decided.matched.looked:
        why = "another sync posts the same lines elsewhere"
        if _alone(services, sync):
            moved = regrouping.move_on(settling.tx, source.id, sync.target.connection, now)
            if moved is not None:
                settling.add_line(_line(sync, item, moved, now))
                return Skipped("period closed")
            why = "no open month after it is known"
    report = IssueReport(
        code=BATCH_PERIOD_CLOSED,
        sync=sync.name,
        source=source,
        parameters={"message": error.message, "vendor_code": error.code, "why": why},
    )
    return Problem(report)


def broken_up(
    services: Services, sync: SyncConfig, problems: Mapping[ItemKey, Problem], items: Sequence[Item]
) -> dict[ItemKey, Result]:
    """What comes of problems. A batch that met the journal of another store is broken up, once.

    Its lines are put together anew when all that is posted is known.
    """
    found: dict[ItemKey, Result] = dict(problems)
    met = [
        item
        for item in items
        if item.key in problems and problems[item.key].report.code == JOURNAL_DIFFERS
    ]
    if not met or sync.enabled is not Enabled.ON:
        return found
    now = services.clock.now()
    with services.store.write() as tx:
        deliveries.fence(tx, [item.delivery for item in met])
        for item in met:
            if regrouping.break_up(tx, sync.name, item.source.id, now):
                found[item.key] = Skipped(BROKEN_UP)
    return found


def difference(decided: Decided) -> str:
    """How a journal differs from its batch, in a sentence."""
    for change in decided.changes:
        ours, theirs = _entries(change.after), _entries(change.before)
        if ours and theirs:
            only_ours = [one for one in ours if not any(contains(it, one) for it in theirs)]
            only_theirs = [one for one in theirs if not any(contains(one, it) for it in ours)]
            return (
                f"{len(only_theirs)} of its {len(theirs)} entries are not in the books"
                f"{_shown(only_theirs)}, and {len(only_ours)} of the books' {len(ours)} are not in "
                f"it{_shown(only_ours)}"
            )
    return ", ".join(sorted(change.field for change in decided.changes))


def _entries(value: Value) -> list[Value]:
    """The longest list in a value."""
    if isinstance(value, Mapping):
        return max((_entries(inner) for inner in value.values()), key=len, default=[])
    return list(value) if isinstance(value, tuple | list) else []


def _shown(entries: Sequence[Value]) -> str:
    shown = [", ".join(_words(one)) for one in entries[:SHOWN_MOST]]
    more = "; …" if len(entries) > SHOWN_MOST else ""
    return f" ({'; '.join(shown)}{more})" if shown else ""


def _words(entry: Value) -> list[str]:
    if not isinstance(entry, Mapping):
        return [str(entry)]
    names = ("account", "debit", "credit", "memo")
    return [
        f"{name} {inner.get('id') if isinstance(inner, Mapping) else inner}"
        for name in names
        if (inner := entry.get(name)) is not None
    ]


def _alone(services: Services, sync: SyncConfig) -> bool:
    """Whether nobody else may have posted these lines already."""
    others = [one for one in services.config.syncs.values() if one.source == sync.source]
    return all(one is sync or one.enabled is Enabled.OFF for one in others)


def _line(sync: SyncConfig, item: Planned, moved: regrouping.Moved, now: datetime) -> Line:
    lines = moved.batch.lines
    total = sum(abs(line.amount_minor) for line in lines)
    return Line(
        time=now,
        sync=sync.name,
        operation="move",
        outcome="confirmed",
        config=item.intent.config,
        source=item.intent.source,
        business_key=f"{moved.batch.id}:{moved.to.name}",
        code=PERIOD_CLOSED,
        intent=item.intent.id,
        amount=str(amount(total, lines[0].exponent)),
        currency=lines[0].currency,
    )
