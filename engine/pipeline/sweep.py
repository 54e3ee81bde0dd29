"""Sweep: what waits is looked at now and then, so that no lost hint leaves it waiting for ever."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from engine.issues import owner
from engine.model import Address, DeliveryState, IssueReport, NewRow, Origin
from engine.pipeline.children import UNMAPPABLE
from engine.pipeline.crossing import UNKNOWN
from engine.pipeline.intend import GUARD_CREATES
from engine.pipeline.references import linked_to
from engine.pipeline.route import THROUGH_CHILD
from engine.pipeline.services import Services
from engine.store import deliveries, delivery_states, delivery_views, inbox, issues, ledger
from engine.store.ledger import Line
from engine.store.sql import Tx

EVERY: Final = timedelta(minutes=5)
ISSUE_AFTER: Final = timedelta(days=1)
WAITS_LONG: Final = "WAITS_LONG"
AT_ONCE: Final = 2_000
"""Records of a sync that one sweep has read again: what lies by the thousand must not use up a
day's calls."""


def sweep(services: Services) -> int:
    """Wake what no longer has to wait; open an issue for what has waited a day.

    What a gate holds, or a mapping cannot map, is read again after a while: what was missing may
    have been filled in on another record, of which nobody tells us. Returns how many deliveries
    were woken.
    """
    now = services.clock.now()
    with services.store.write() as tx:
        inbox.add(tx, _looked_at_again(services, tx, now))
        deliveries.release_held(tx, GUARD_CREATES, now, due=True)
        waiting = delivery_views.listed(tx, DeliveryState.WAITING)
        waits = delivery_views.waits_of(tx, [row["number"] for row in waiting])
        woken = 0
        for row in waiting:
            if row["sync"] not in services.config.syncs:
                continue
            found = _linked(services, tx, row["sync"], waits.get(row["number"], ()))
            if found:
                woken += deliveries.wake(tx, found, now)
            elif row["opened_at"] + ISSUE_AFTER <= now:
                _report(services, tx, row, waits.get(row["number"], ()), now)
    return woken


def _looked_at_again(services: Services, tx: Tx, now: datetime) -> list[NewRow]:
    return [
        NewRow(root, THROUGH_CHILD, Origin.RECHECK, now, only_sync=sync.name)
        for sync in services.active_syncs()
        for root in delivery_states.resting(
            tx,
            sync.name,
            now - sync.recheck_held,
            AT_ONCE,
            held_but=(GUARD_CREATES, UNKNOWN),
            issue_of=UNMAPPABLE,
        )
    ]


def _linked(
    services: Services, tx: Tx, sync: str, waits: Sequence[tuple[Address, str]]
) -> list[Address]:
    connection = services.config.syncs[sync].target.connection
    return [
        address
        for address, to_object in waits
        if linked_to(tx, address, connection, to_object) is not None
    ]


def _report(
    services: Services,
    tx: Tx,
    row: Mapping[str, Any],
    waits: Sequence[tuple[Address, str]],
    now: datetime,
) -> None:
    """One issue per waiting record, naming what it waits for and how that stands."""
    source = Address(str(row["connection"]), str(row["object"]), str(row["id"]))
    sync = str(row["sync"])
    if issues.is_open(tx, sync, source):
        return
    awaited = ", ".join(f"{address.object} {address.id}" for address, _to in waits)
    report = IssueReport(
        code=WAITS_LONG,
        sync=sync,
        source=source,
        parameters={"awaited": awaited, "awaited_state": _states(tx, waits)},
    )
    opened = [(report, row["number"], owner(WAITS_LONG))]
    issues.open_many(tx, services.store.payloads, services.ids, opened, now)
    line = Line(
        time=now,
        sync=sync,
        operation="deliver",
        outcome="issue",
        config=services.config.digest,
        source=source,
        code=WAITS_LONG,
    )
    ledger.append(tx, [line])


def _states(tx: Tx, waits: Sequence[tuple[Address, str]]) -> str:
    """How the awaited records stand themselves, in words."""
    words = []
    for address, _to_object in waits:
        states = delivery_views.states_of(tx, address)
        shown = ", ".join(f"{sync}: {state}" for sync, state in states) or "no sync has seen it"
        words.append(f"{address.object} {address.id} ({shown})")
    return "; ".join(words)
