"""Making a plan, and applying one that still holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from connectors.errors import CallError
from engine.config.model import SyncConfig
from engine.control import ControlError
from engine.model import Address, NewRow, Origin
from engine.pipeline.gateway import UnavailableError
from engine.pipeline.plan import Plan, make_plan
from engine.pipeline.references import Catalogues
from engine.pipeline.services import Services
from engine.store import inbox, ledger

WRITES: Final = ("create", "update", "link", "delete")


def plan_now(services: Services, sync: SyncConfig, ids: Sequence[str] | None, limit: int) -> Plan:
    """The sync's plan as things are now. Raises ``CallError`` or ``UnavailableError``."""
    return make_plan(services, Catalogues(services), sync, ids, limit)


def apply_plan(services: Services, given: Mapping[str, Any]) -> dict[str, Any]:
    """Ask for the delivery of what a plan names, if the plan made now has the same digest."""
    sync = services.config.syncs.get(str(given.get("sync")))
    if sync is None:
        raise ControlError("unknown_sync", f"there is no sync {given.get('sync')!r}")
    try:
        plan = plan_now(services, sync, given.get("ids"), int(given.get("limit") or 10_000))
    except (CallError, UnavailableError) as error:
        raise ControlError("unavailable", str(error)) from None
    if plan.digest != given.get("digest"):
        raise ControlError(
            "plan_changed",
            f"the plan is {plan.digest} by now: source, target or configuration have changed",
            f"look at it again: revline plan {sync.name}",
        )
    now = services.clock.now()
    roots = _roots(plan, sync)
    rows = [NewRow(root, "changed", Origin.OPERATOR, now, only_sync=sync.name) for root in roots]
    line = ledger.Line(
        time=now,
        sync=sync.name,
        operation="apply_plan",
        outcome="operator",
        config=services.config.digest,
        body_digest=plan.digest,
        counts=plan.counts(),
    )
    with services.store.write() as tx:
        inbox.add(tx, rows)
        ledger.append(tx, [line])
    return {"sync": sync.name, "digest": plan.digest, "records": len(roots)}


def _roots(plan: Plan, sync: SyncConfig) -> list[Address]:
    """The root records to deliver. A child is delivered with its root, which it does not name:
    then every root is looked at, and those that are as they should be cost no write."""
    own = [one for one in plan.records if one.source.object == sync.source.object]
    writing = [one for one in plan.records if one.action in WRITES]
    if any(one.source.object != sync.source.object for one in writing):
        return list(dict.fromkeys(one.source for one in own))
    return [one.source for one in own if one.action in WRITES]
