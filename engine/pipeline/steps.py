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
from engine.model import Address, Intent, IntentState, Link
from engine.pipeline.apply import apply
from engine.pipeline.batch import Decided, Item, Matched, Planned, Result, Settled, Work
from engine.pipeline.children import stopped
from engine.pipeline.digests import body_digest
from engine.pipeline.services import Services
from engine.store import deliveries, intents, ledger
from engine.store.intents import Ending
from engine.store.ledger import Line

Keep = Callable[[int, Result], None]


def do_steps(
    services: Services,
    sync: SyncConfig,
    linked: Sequence[tuple[Work, Link]],
    answers: Lookups,
    keep: Keep,
) -> None:
    """Do what is due on the targets of these records; ``keep`` gets each record's results.

    A step that was done and is due still is not done again: that would charge twice.
    """
    going = list(linked)
    in_doubt = _in_doubt(services, [work for work, _link in going])
    done: set[tuple[int, str]] = set()
    for _ in range(len(sync.mapping.actions) + 1):
        targets = _read(services, sync, [link for _work, link in going])
        due = []
        for work, link in going:
            target = targets.get(link.far.id)
            found = (
                sync.mapping.next_step(work.view, answers, target) if target is not None else None
            )
            if isinstance(found, StepDue) and (work.delivery.number, found.name) in done:
                keep(work.delivery.number, _without_effect(sync, work, found))
            elif isinstance(found, StepDue):
                due.append((work, link, found))
            elif isinstance(found, AwaitsLink | Unmappable):
                keep(work.delivery.number, stopped(sync, work.delivery.source, found))
        _settle_doubt(services, sync, in_doubt, due)
        in_doubt = []
        if not due:
            return
        done |= {(work.delivery.number, step.name) for work, _link, step in due}
        going = _act(services, sync, due, keep)


def _without_effect(sync: SyncConfig, work: Work, step: StepDue) -> Result:
    message = f"the step `{step.name}` was done, and its `done_when` does not hold yet"
    return stopped(
        sync, work.delivery.source, Unmappable((("STEP_WITHOUT_EFFECT", step.name, message),))
    )


def _in_doubt(services: Services, works: Iterable[Work]) -> list[Intent]:
    numbers = [work.delivery.number for work in works]
    with services.store.read() as tx:
        found = intents.open_of(tx, services.store.vault, numbers)
    return [
        intent
        for several in found.values()
        for intent in several
        if intent.operation is Operation.ACT
    ]


def _read(services: Services, sync: SyncConfig, linked: Sequence[Link]) -> dict[str, Record]:
    if not linked:
        return {}
    # A step that is done must not look due: its effect would be had twice.
    selection = Selection(sync.target.object, sync.mapping.step_fields, fresh=True)
    ids = [link.far.id for link in linked]
    answer = services.gateway.read(
        sync.target.connection, lambda connector: connector.read(selection, ids), "read"
    )
    return {record.ref.id: record for record in answer if record.life is Life.LIVE}


def _settle_doubt(
    services: Services,
    sync: SyncConfig,
    in_doubt: Sequence[Intent],
    due: Sequence[tuple[Work, Link, StepDue]],
) -> None:
    """What was in doubt is done if it is not due any more, and never happened if it still is."""
    if not in_doubt:
        return
    now = services.clock.now()
    still = {(work.delivery.number, step.action) for work, _link, step in due}
    with services.store.write() as tx:
        for intent in in_doubt:
            absent = (intent.delivery, intent.action) in still
            state = IntentState.ABSENT if absent else IntentState.CONFIRMED
            outcome = "absent" if absent else "resolved"
            intents.end(tx, [Ending(intent.id, intent.attempts, state, outcome)], now)
            ledger.append(tx, [_line(sync, intent, outcome, now)])


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
    due: Sequence[tuple[Work, Link, StepDue]],
    keep: Keep,
) -> list[tuple[Work, Link]]:
    """Do one step of each; returns those that may go on to their next."""
    planned = [_planned(services, sync, work, link, step) for work, link, step in due]
    now = services.clock.now()
    with services.store.write() as tx:
        deliveries.fence(tx, [work.delivery for work, _link, _step in due])
        intents.record(tx, services.store.vault, [item.intent for item in planned], now, sent=True)
        services.failpoint("intent.before_commit")
    services.failpoint("intent.after_commit")
    results = apply(services, sync, planned)
    further = []
    for (work, link, _step), item in zip(due, planned, strict=True):
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
