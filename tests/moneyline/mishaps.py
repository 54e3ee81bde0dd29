"""What goes wrong on the line: answers that are cut off, and an engine that is killed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.model import Address, NewRow, Origin
from engine.store import inbox
from tests.moneyline.world import MoneyLine

EFFECTS = ("confirmed", "unknown", "resolved", "absent", "refused", "parked")


class Crash(BaseException):
    """The process is gone: nothing after this line happens."""


def fault(line: MoneyLine, system: str, method: str, path: str, **rule: Any) -> None:
    """From now on one such request goes wrong, ``nth`` says which; by default its answer is cut off
    after it took effect."""
    match = {"method": method, "path": path, "nth": rule.pop("nth", 1)}
    given = {"action": "reset", "phase": "after", "times": 1, **rule}
    line.simulators[system].faults.add({"match": match, **given})


def killed(line: MoneyLine, point: str, when: Callable[[], bool] = lambda: True) -> None:
    """Let the line work until the engine comes to a point and something is true; there it dies."""

    def passed(name: str) -> None:
        if name == point and when():
            raise Crash

    line.failpoint = passed
    try:
        line.settle()
    except Crash:
        line.failpoint = lambda _point: None
        line.store.close()
        return
    raise AssertionError(f"the engine never came to {point}")


def look_again(line: MoneyLine, sync: str, id: str) -> None:
    """What `revline issues resync` does for one record."""
    source = line.services.config.syncs[sync].source
    address = Address(source.connection, source.object, id)
    row = NewRow(address, "changed", Origin.OPERATOR, line.clock.now(), only_sync=sync)
    with line.store.write() as tx:
        inbox.add(tx, [row])


def requests(line: MoneyLine, system: str, method: str, path: str) -> list[Any]:
    """What was asked of a system, oldest first."""
    journal = line.simulators[system].journal
    return [
        entry
        for entry in journal.entries
        if entry.request.method == method and entry.request.path == path
    ]


def keys(line: MoneyLine, system: str, path: str) -> list[str]:
    """The idempotency keys that creates came with, oldest first."""
    found = requests(line, system, "POST", path)
    return [str(entry.request.headers.get("idempotency-key")) for entry in found]


def outcomes(line: MoneyLine, sync: str) -> list[str]:
    """What the ledger says became of what a sync sent, oldest first."""
    line.store.seal()
    return [
        str(entry["outcome"])
        for entry in line.lines()
        if entry["sync"] == sync and entry["outcome"] in EFFECTS
    ]


MADE = {
    "zuora": ("accounts", "orders", "subscriptions", "invoices", "payments", "refunds"),
    "stripe": ("customers", "payment_intents", "refunds"),
    "netsuite": ("customer", "invoice", "customerPayment", "customerRefund", "journalEntry"),
}


def made(line: MoneyLine) -> dict[str, list[str]]:
    """The ids of everything that is there, by system and object."""
    return {
        f"{system}.{object}": sorted(line.records(system, object))
        for system, objects in MADE.items()
        for object in objects
    }
