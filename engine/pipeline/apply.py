"""Apply and settle: send a batch once, and write down what came of every record."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from connectors.base import Confirmed, Failed, ObjectSpec, Outcome
from connectors.errors import CallError, DuplicateFound, OutcomePending, Rejected
from connectors.records import Life, Operation, Record, Value
from engine.config.model import Endpoint, SyncConfig
from engine.model import Address, Candidate, Delivery, IntentState, IssueReport
from engine.pipeline.batch import InDoubt, Planned, Problem, Result, Settled, TryLater
from engine.pipeline.gateway import UnavailableError, alone_unanswered, whole_call_failed
from engine.pipeline.journals import PERIOD_CLOSED, month_is_closed, move_on
from engine.pipeline.life import MOVED, follow_target
from engine.pipeline.recognise import LOOK_FIRST
from engine.pipeline.replay import change_of
from engine.pipeline.services import Services
from engine.pipeline.settle import Settling
from engine.pipeline.targets import live_selection
from engine.store import deliveries, delivery_states
from engine.store.intents import PENDING, Ending
from engine.verdict import Next, Verdict, backoff, judge

MOST_KEYS: Final = 8
NOT_SENT: Final = "NOT_SENT"
OTHERS_FIRST: Final = "OTHERS_FIRST"

Results = dict[tuple[int, Address, str], Result]


def apply(services: Services, sync: SyncConfig, planned: Sequence[Planned]) -> Results:
    """Send intents in the vendor's batch size, settle each call; results by item."""
    results: Results = {}
    for group in _groups(planned).values():
        intent = group[0].intent
        spec = services.object_spec(Endpoint(intent.connection, intent.object))
        for chunk in _chunks(spec, group):
            results.update(_send(services, sync, chunk))
    return results


def _chunks(spec: ObjectSpec, group: Sequence[Planned]) -> list[Sequence[Planned]]:
    """What goes into one call each: the vendor's batches, or jobs where there is enough for one.

    What failed before goes by itself: a job answers late, and tells less of what is wrong.
    """
    whole: list[Sequence[Planned]] = []
    rest, size = list(group), spec.batch_write
    if spec.job_write_from:
        size = min(size, spec.job_write_from - 1)
        fresh = [item for item in group if not item.decided.matched.item.delivery.tries]
        jobs = _cut(fresh, max(spec.job_write_from, spec.job_write_most))
        whole = [job for job in jobs if len(job) >= spec.job_write_from]
        taken = {item.intent.id for job in whole for item in job}
        rest = [item for item in group if item.intent.id not in taken]
    return whole + _cut(rest, max(1, size))


def _cut(items: Sequence[Planned], size: int) -> list[Sequence[Planned]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def _groups(planned: Sequence[Planned]) -> dict[tuple[str, ...], list[Planned]]:
    """What may share a call: the same object, operation, identity field and action."""
    groups: dict[tuple[str, ...], list[Planned]] = defaultdict(list)
    for item in planned:
        intent = item.intent
        field = intent.identity.field if intent.identity else ""
        groups[intent.object, intent.operation.value, field, intent.action or ""].append(item)
    return groups


def _send(services: Services, sync: SyncConfig, chunk: Sequence[Planned]) -> Results:
    connection = chunk[0].intent.connection
    services.failpoint("send.before")
    try:
        outcomes = services.gateway.write(connection, [change_of(item.intent) for item in chunk])
    except UnavailableError as unavailable:
        return _not_sent(services, sync, chunk, unavailable)
    services.failpoint("send.applied")
    stored = _read_back(services, sync, chunk, outcomes)
    return _settle(services, sync, chunk, outcomes, stored)


def _not_sent(
    services: Services, sync: SyncConfig, chunk: Sequence[Planned], why: UnavailableError
) -> Results:
    """The connection closed before the call: the intents end as never sent."""
    now = services.clock.now()
    with services.store.write() as tx:
        deliveries.fence(tx, _deliveries(chunk))
        settling = Settling(services, sync, tx, now)
        for item in chunk:
            ending = Ending(
                item.intent.id, item.intent.attempts, IntentState.ABSENT, NOT_SENT, why.code
            )
            settling.not_done(item, ending)
        settling.write()
    later = TryLater(why.until, why.code, counts=False)
    return {item.decided.matched.item.key: later for item in chunk}


def _deliveries(chunk: Sequence[Planned]) -> list[Delivery]:
    by_number = {
        item.decided.matched.item.delivery.number: item.decided.matched.item.delivery
        for item in chunk
    }
    return list(by_number.values())


def _read_back(
    services: Services,
    sync: SyncConfig,
    chunk: Sequence[Planned],
    outcomes: Sequence[Outcome],
) -> Mapping[str, Record]:
    """What the target made of new records, where a facing sync would bring it back to us.

    A value that the target changes on save is its own from then on; without this look it would
    come back as an edit.
    """
    if services.facing(sync) is None or chunk[0].intent.operation is Operation.UPDATE:
        return {}
    if sync.target.object != chunk[0].intent.object:
        return {}
    ids = [outcome.id for outcome in outcomes if isinstance(outcome, Confirmed)]
    if not ids:
        return {}
    selection = live_selection(chunk[0].decided.matched.item.rules, [])
    try:
        answer = services.gateway.read(
            chunk[0].intent.connection, lambda connector: connector.read(selection, ids), "read"
        )
    except (CallError, UnavailableError):
        return {}  # The write itself is known; what it became is seen when it comes back.
    return {record.ref.id: record for record in answer if record.life is Life.LIVE}


def _settle(
    services: Services,
    sync: SyncConfig,
    chunk: Sequence[Planned],
    outcomes: Sequence[Outcome],
    stored: Mapping[str, Record],
) -> Results:
    now = services.clock.now()
    results: Results = {}
    with services.store.write() as tx:
        deliveries.fence(tx, _deliveries(chunk))
        settling = Settling(services, sync, tx, now)
        whole = whole_call_failed(outcomes)
        if whole:
            services.gateway.batch_failed(sync.name)
        spared = whole or _spared(services, chunk, outcomes)
        others_busy = delivery_states.busy(tx, sync.after) > 0
        for item, outcome in zip(chunk, outcomes, strict=True):
            key = item.decided.matched.item.key
            if isinstance(outcome, Confirmed):
                settling.confirmed(item, _with_stored(outcome, stored.get(outcome.id)))
                results[key] = Settled(wrote=True)
            else:
                result = _failed(
                    services,
                    sync,
                    settling,
                    item,
                    outcome,
                    spared=spared,
                    others_busy=others_busy,
                )
                if isinstance(result, Problem) and month_is_closed(item, outcome.error):
                    result = move_on(services, sync, settling, item, outcome.error)
                results[key] = result
        services.failpoint("outcome.before_commit")
        settling.write()
        services.failpoint("outcome.ledger_inserted")
    services.failpoint("outcome.after_commit")
    results.update(_follow_gone(services, sync, chunk, results))
    return results


def _spared(services: Services, chunk: Sequence[Planned], outcomes: Sequence[Outcome]) -> bool:
    """Whether a record that was alone in its call keeps its tries: the system answers nobody."""
    if not alone_unanswered(outcomes):
        return False
    delivery, connection = chunk[0].decided.matched.item.delivery, chunk[0].intent.connection
    now = services.clock.now()
    return not services.gateway.answers.blames(delivery, connection, now, writing=True)


def _follow_gone(
    services: Services, sync: SyncConfig, chunk: Sequence[Planned], results: Results
) -> Results:
    """Targets that were not there any more are read once: a merge says where they went."""
    gone = [
        item.decided.matched
        for item in chunk
        if isinstance(result := results[item.decided.matched.item.key], TryLater)
        and result.code == MOVED
    ]
    fars = [matched.link.far for matched in gone if matched.link is not None]
    if not fars:
        return {}
    selection = live_selection(gone[0].item.rules, [])
    answer = services.gateway.read(
        fars[0].connection,
        lambda connector: connector.read(selection, [far.id for far in fars]),
        "read",
    )
    followed: Results = {}
    for matched, record in zip((m for m in gone if m.link is not None), answer, strict=True):
        if matched.link is not None and record.life is not Life.LIVE:
            followed[matched.item.key] = follow_target(
                services, sync, matched.item.source, matched.link.far, record
            )
    return followed


def _with_stored(outcome: Confirmed, record: Record | None) -> Confirmed:
    if record is None:
        return outcome
    fields: dict[str, Value] = {**outcome.fields, **record.fields}
    return Confirmed(outcome.id, outcome.created, outcome.version, fields, outcome.request_id)


def _failed(
    services: Services,
    sync: SyncConfig,
    settling: Settling,
    item: Planned,
    outcome: Failed,
    *,
    spared: bool,
    others_busy: bool,
) -> Result:
    error = outcome.error
    delivery = item.decided.matched.item.delivery
    verdict = judge(
        error,
        tries=0 if spared else delivery.tries,
        retries=sync.retries,
        now=services.clock.now(),
        random=services.random,
    )
    if verdict.next is Next.GONE and item.intent.operation is Operation.DELETE:
        settling.deleted(item, how="confirmed", request_id=error.request_id)
        return Settled(wrote=True)
    ending = _ending(item, error, verdict)
    if verdict.next is Next.DOUBT:
        if isinstance(error, OutcomePending):
            settling.pending(ending)
        else:
            settling.unknown(item, ending)
        return InDoubt(verdict.due_at, verdict.code)
    look = _may_be_ours(item, error, verdict) and _may_look(sync, item)
    early = others_busy and _too_early(sync, item, error, verdict)
    final = verdict.next in (Next.ISSUE, Next.DUPLICATE, Next.LOOK) and not (look or early)
    settling.not_done(item, ending, tell="refused" if final else None)
    if verdict.next is Next.GONE:
        # Where it went is asked for once this is committed.
        return TryLater(services.clock.now(), MOVED)
    if look:
        settling.was_there(item)
        return TryLater(services.clock.now(), LOOK_FIRST)
    if early:
        wait = backoff(delivery.tries, services.random)
        return TryLater(services.clock.now() + wait, OTHERS_FIRST)
    if final:
        return Problem(_report(sync, item, error, verdict))
    return _later(services, item, verdict, spared=spared)


def _ending(item: Planned, error: CallError, verdict: Verdict) -> Ending:
    """What the attempt came to: refused, not known, or taken as a job under a token."""
    doubt = verdict.next is Next.DOUBT
    pending = isinstance(error, OutcomePending)
    return Ending(
        item.intent.id,
        item.intent.attempts,
        IntentState.UNKNOWN if doubt else IntentState.REFUSED,
        outcome=PENDING if pending else "unknown" if doubt else "failed",
        code=error.code,
        request_id=error.request_id,
    )


def _may_be_ours(item: Planned, error: CallError, verdict: Verdict) -> bool:
    """Whether what a create met may be the record itself, made before and forgotten."""
    if verdict.next is Next.LOOK:
        return True
    if isinstance(error, Rejected) and error.code == PERIOD_CLOSED:
        # It may have been made while its month was open: what is there is not refused.
        return item.intent.identity is not None
    by_identity = item.intent.operation is Operation.CREATE and item.intent.identity is not None
    return by_identity and isinstance(error, DuplicateFound) and len(error.candidates) <= 1


def _too_early(sync: SyncConfig, item: Planned, error: CallError, verdict: Verdict) -> bool:
    """Whether what was refused may need what the syncs before this one still have in hand."""
    tries_left = item.decided.matched.item.delivery.tries < sync.retries
    return isinstance(error, Rejected) and verdict.next is Next.ISSUE and tries_left


def _may_look(sync: SyncConfig, item: Planned) -> bool:
    """Whether a look can still tell why a create was refused: there has been none just now."""
    decided = item.decided
    fresh = decided.matched.item.delivery.tries < sync.retries
    return decided.create and not decided.matched.looked and fresh


def _later(services: Services, item: Planned, verdict: Verdict, *, spared: bool) -> TryLater:
    if verdict.next is Next.PAUSE:
        until = verdict.until or services.clock.now() + timedelta(minutes=1)
        return TryLater(until, verdict.code, counts=False)
    if spared:
        # The call got no answer; none of its records is to blame, and none uses up a try.
        due_at = services.clock.now() + services.gateway.rest(item.intent.connection, writing=True)
        return TryLater(due_at, verdict.code, counts=False)
    return TryLater(verdict.due_at, verdict.code, counts=verdict.next is Next.RETRY)


def _report(sync: SyncConfig, item: Planned, error: CallError, verdict: Verdict) -> IssueReport:
    matched = item.decided.matched
    intent = item.intent
    fields = error.field_errors if isinstance(error, Rejected) else {}
    candidates: tuple[Candidate, ...] = ()
    if isinstance(error, DuplicateFound):
        candidates = tuple(
            Candidate(Address(intent.connection, ref.object, ref.id), "")
            for ref in error.candidates
        )
    code = "REFUSED"
    if verdict.next is Next.DUPLICATE:
        code = "DUPLICATE"
    elif not isinstance(error, Rejected):
        code = "RETRIES_SPENT"
    shown = dict(list(fields.items())[:MOST_KEYS])
    target = None
    if intent.target_id is not None:
        target = Address(intent.connection, intent.object, intent.target_id)
    return IssueReport(
        code=code,
        sync=sync.name,
        source=matched.item.source,
        target=target,
        parameters={
            "message": error.message,
            "vendor_code": error.code,
            "fields": ", ".join(shown) or "–",
            "object": intent.object,
            "tries": str(matched.item.delivery.tries + 1),
            "request_id": error.request_id or "",
        },
        candidates=candidates,
    )
