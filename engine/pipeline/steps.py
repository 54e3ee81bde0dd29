"""Steps: actions on target records that are there, one after another, each told by reading.

Before an action its target is read; only what reading shows decides whether it is due. An action
whose answer was lost is therefore resolved here: by the same look that finds the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from connectors.records import Life, Operation, Record, Selection
from engine.config.model import SyncConfig
from engine.mapping.model import AwaitsLink, Desired, Lookups, StepDue, Unmappable
from engine.model import Address, Intent, IntentState, IssueReport, Link
from engine.pipeline.apply import apply
from engine.pipeline.batch import (
    Decided,
    InDoubt,
    Item,
    Matched,
    Planned,
    Problem,
    Result,
    Settled,
    TryLater,
    Work,
)
from engine.pipeline.children import stopped
from engine.pipeline.digests import body_digest
from engine.pipeline.resolve import LOOK_AGAIN, SHOWS_WITHIN
from engine.pipeline.services import Services
from engine.store import deliveries, intents, ledger
from engine.store.intents import Act, Ending
from engine.store.ledger import Line

Keep = Callable[[int, Result], None]


def do_steps(
    services: Services,
    sync: SyncConfig,
    works: Sequence[Work],
    linked: Sequence[tuple[Work, Link]],
    answers: Lookups,
    keep: Keep,
) -> None:
    """Do what is due on the targets of these records; ``keep`` gets each record's results.

    ``works`` are all records of the batch, ``linked`` those that may go on. A step that was done
    with the same fields and is due still is not done again: that could pay twice.
    """
    unsure = _settle_doubt(services, sync, works, answers, keep)
    going = [(work, link) for work, link in linked if work.delivery.number not in unsure]
    with services.store.read() as tx:
        done = intents.acts_done(tx, [work.delivery.number for work, _link in going])
    for _ in range(len(sync.mapping.actions) + 1):
        targets = _read(services, sync, [link.far.id for _work, link in going])
        due = []
        for work, link in going:
            target = targets.get(link.far.id)
            if target is None:
                continue
            found = sync.mapping.next_step(work.view, answers, target)
            if isinstance(found, StepDue):
                item = _planned(services, sync, work, link, found)
                done_at = done.get(_act_of(item.intent))
                if done_at is not None:
                    keep(work.delivery.number, _unseen(services, sync, work, found, done_at))
                else:
                    due.append((work, link, item))
            elif found is not None:
                keep(work.delivery.number, stopped(sync, work.delivery.source, found))
        if not due:
            return
        now = services.clock.now()
        done |= {_act_of(item.intent): now for _work, _link, item in due}
        going = _act(services, sync, due, keep)


def _act_of(intent: Intent) -> Act:
    return intent.delivery, intent.target_id or "", intent.business_key, intent.body_digest


def _unseen(
    services: Services, sync: SyncConfig, work: Work, step: StepDue, done_at: datetime
) -> Result:
    """What was done may show late; what does not show at all is told."""
    now = services.clock.now()
    shows_at = done_at + max(SHOWS_WITHIN, services.object_spec(sync.target).lookup_lag)
    if now < shows_at:
        return TryLater(min(shows_at, now + LOOK_AGAIN), "STEP_NOT_SEEN", counts=False)
    message = (
        f"the step `{step.name}` was done, and its `done_when` does not hold; it is not done again"
    )
    fault = ("STEP_WITHOUT_EFFECT", step.name, message)
    return stopped(sync, work.delivery.source, Unmappable((fault,)))


def _in_doubt(services: Services, works: Iterable[Work]) -> list[Intent]:
    numbers = [work.delivery.number for work in works]
    with services.store.read() as tx:
        found = intents.open_of(tx, services.store.payloads, numbers)
    return [
        intent
        for several in found.values()
        for intent in several
        if intent.operation is Operation.ACT
    ]


def _read(services: Services, sync: SyncConfig, ids: Sequence[str]) -> dict[str, Record]:
    if not ids:
        return {}
    # A step that is done must not look due: its effect would be had twice.
    selection = Selection(sync.target.object, sync.mapping.step_fields, fresh=True)
    wanted = list(dict.fromkeys(ids))
    answer = services.gateway.read(
        sync.target.connection, lambda connector: connector.read(selection, wanted), "read"
    )
    return {record.ref.id: record for record in answer if record.life is Life.LIVE}


def _settle_doubt(
    services: Services,
    sync: SyncConfig,
    works: Sequence[Work],
    answers: Lookups,
    keep: Keep,
) -> set[int]:
    """What was in doubt is done if it is not due any more, and never happened if it still is.

    Returns the deliveries that stay in doubt: their target is gone, or what is due cannot be told.
    """
    in_doubt = _in_doubt(services, works)
    if not in_doubt:
        return set()
    by_number = {work.delivery.number: work for work in works}
    targets = _read(services, sync, [intent.target_id or "" for intent in in_doubt])
    unsure: set[int] = set()
    endings: list[tuple[Intent, IntentState, str]] = []
    now = services.clock.now()
    for intent in in_doubt:
        work, target = by_number[intent.delivery], targets.get(intent.target_id or "")
        if target is None:
            endings.append((intent, IntentState.PARKED, "parked"))
            keep(intent.delivery, Problem(IssueReport("IN_DOUBT", sync.name, intent.source)))
            unsure.add(intent.delivery)
            continue
        found = sync.mapping.next_step(work.view, answers, target)
        if isinstance(found, AwaitsLink | Unmappable):
            keep(intent.delivery, InDoubt(now + LOOK_AGAIN, "NOT_YET_KNOWABLE", counts=False))
            unsure.add(intent.delivery)
        elif found is not None and intent.business_key.endswith(f":{found.name}"):
            endings.append((intent, IntentState.ABSENT, "absent"))
        else:
            endings.append((intent, IntentState.CONFIRMED, "resolved"))
    with services.store.write() as tx:
        deliveries.fence(tx, [by_number[one.delivery].delivery for one, _s, _o in endings])
        for intent, state, outcome in endings:
            intents.end(tx, [Ending(intent.id, intent.attempts, state, outcome)], now)
            ledger.append(tx, [_line(sync, intent, outcome, now)])
    return unsure


def _line(sync: SyncConfig, intent: Intent, outcome: str, now: datetime) -> Line:
    return Line(
        time=now,
        sync=sync.name,
        operation=intent.action or Operation.ACT.value,
        outcome=outcome,
        config=intent.config,
        source=intent.source,
        target=Address(intent.connection, intent.object, intent.target_id or ""),
        business_key=intent.business_key,
        body_digest=intent.body_digest,
        intent=intent.id,
    )


def _act(
    services: Services,
    sync: SyncConfig,
    due: Sequence[tuple[Work, Link, Planned]],
    keep: Keep,
) -> list[tuple[Work, Link]]:
    """Do one step of each; returns those that may go on to their next."""
    planned = [item for _work, _link, item in due]
    now = services.clock.now()
    with services.store.write() as tx:
        deliveries.fence(tx, [work.delivery for work, _link, _item in due])
        intents.record(
            tx, services.store.payloads, [item.intent for item in planned], now, sent=True
        )
        services.failpoint("intent.before_commit")
    services.failpoint("intent.after_commit")
    results = apply(services, sync, planned)
    further = []
    for work, link, item in due:
        result = results[item.decided.matched.item.key]
        keep(work.delivery.number, result)
        if isinstance(result, Settled):
            further.append((work, link))
    return further


def _planned(
    services: Services, sync: SyncConfig, work: Work, link: Link, step: StepDue
) -> Planned:
    business_key = f"{sync.mapping.business_key_of(work.view)}:{step.name}"
    intent = Intent(
        id=services.ids.new(),
        delivery=work.delivery.number,
        sync=sync.name,
        source=work.delivery.source,
        operation=Operation.ACT,
        connection=sync.target.connection,
        object=sync.target.object,
        target_id=link.far.id,
        identity=None,
        business_key=business_key,
        fields=step.fields,
        body_digest=body_digest(services.store.vault, step.fields),
        config=services.config.digest,
        link=link.number,
        action=step.action,
    )
    item = Item(
        delivery=work.delivery,
        source=work.delivery.source,
        record=work.view.record,
        rules=sync.mapping,
        desired=Desired({}),
        business_key=business_key,
        read_at=work.asked_at,
    )
    return Planned(intent, Decided(Matched(item, link)))
