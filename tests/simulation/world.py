"""A world in one process: two systems, an engine, a clock, and chance, all from one seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from random import seed as seed_all
from typing import Any

from connectors.base import ConnectorSpec
from connectors.memory.connector import Memory
from connectors.memory.declarations import SPEC
from connectors.memory.faults import FaultPlan
from connectors.memory.objects import crm_objects, sales_objects
from connectors.memory.system import MemorySystem
from connectors.records import Record
from engine.clock import ManualClock
from engine.config.load import load
from engine.config.model import Config
from engine.ids import TimeIds
from engine.pipeline.gateway import Gateway
from engine.pipeline.services import Services
from engine.runner import Runner
from engine.store import delivery_states, delivery_views, inbox, ledger
from engine.store.store import Store
from tests.simulation.project import PROJECT, write_project

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
KEY = b"k" * 32
STILL_LEAST, STILL_MOST = timedelta(seconds=1), timedelta(seconds=30)


class Crash(BaseException):
    """The process is gone: nothing after this line happens."""


def declared() -> ConnectorSpec:
    """What the two systems declare, the objects that a test has changed among it."""
    objects = {one.name: one for one in SPEC.objects}
    objects |= {one.name: one.spec for one in (*crm_objects(), *sales_objects())}
    return replace(SPEC, objects=tuple(objects.values()))


class World:
    """Systems survive a crash; the engine is built anew on the same store."""

    def __init__(
        self,
        folder: Path,
        seed: int = 1,
        config: Config | None = None,
        store_url: str | None = None,
        project: str = PROJECT,
        mappings: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = write_project(folder, project, mappings)
        self.store_url = store_url
        self.random = Random(seed)
        seed_all(seed)  # waits between tries draw from the interpreter's own
        self.clock = ManualClock(START)
        self.crm = MemorySystem(crm_objects(), self.clock.now, account="crm-1")
        self.sales = MemorySystem(sales_objects(), self.clock.now, account="sales-1")
        self.config = config or load(self.folder, {}, {"memory": declared()})
        self.failpoint: Callable[[str], None] = lambda _point: None
        self.plans = {"crm": FaultPlan(), "sales": FaultPlan()}
        self.on_call: Callable[[Any, str], None] | None = None
        self.runner = self.boot()

    def boot(self) -> Runner:
        """Start an engine on what the last one left."""
        self.store = Store.open(self.store_url, self.folder / "state", KEY)
        connectors = {
            "crm": Memory(self.crm, faults=self.plans["crm"], on_call=self._called),
            "sales": Memory(self.sales, faults=self.plans["sales"], on_call=self._called),
        }
        chance = Random(self.random.random())
        gateway = Gateway(connectors, self.store, self.clock, chance)
        self.services = Services(
            config=self.config,
            store=self.store,
            gateway=gateway,
            clock=self.clock,
            ids=TimeIds(self.clock, Random(self.random.random())),
            random=Random(self.random.random()),
            failpoint=lambda point: self.failpoint(point),
        )
        runner = Runner(self.services)
        runner.recover()
        return runner

    def _called(self, call: Any, moment: str) -> None:
        if self.on_call is not None:
            self.on_call(call, moment)

    def crash(self) -> None:
        """Kill the engine and start it again."""
        self.store.close()
        self.runner = self.boot()

    def close(self) -> None:
        """Give the store's connections back."""
        self.store.close()

    def settle(self, hours_max: float = 12) -> None:
        """Let the engine work, time passing, until there is nothing to do."""
        limit = self.clock.now() + timedelta(hours=hours_max)
        self.runner.poll_now()
        quiet = 0
        while quiet < 2:
            assert self.clock.now() < limit, f"not idle: {self.tally()}"
            busy = self.runner.round().busy
            if self.runner.idle() and not self._later():
                # Past the overlap of every feed, and once more.
                self.clock.advance(timedelta(minutes=2))
                self.runner.poll_now()
                quiet = 0 if busy else quiet + 1
            elif not busy:
                self.clock.advance(self._still())

    def _still(self) -> timedelta:
        """Until something falls due, from a second to half a minute: polls stay in their pace."""
        with self.store.read() as tx:
            due = delivery_views.next_due(tx, list(self.config.syncs))
        moments = [*self.runner.failing_streams().values(), *([due] if due else [])]
        waits = [moment - self.clock.now() for moment in moments]
        return min(max(min(waits, default=STILL_LEAST), STILL_LEAST), STILL_MOST)

    def _later(self) -> bool:
        """Whether a retry is due some time."""
        tally = self.tally()
        return any(states.get("ready") for states in tally.values())

    def tally(self) -> dict[str, dict[str, int]]:
        with self.store.read() as tx:
            return delivery_views.tally(tx)

    def lines(self) -> list[dict[str, Any]]:
        with self.store.read() as tx:
            return list(ledger.exported(tx))

    def issues(self) -> list[Any]:
        from engine.store import issues

        with self.store.read() as tx:
            return issues.listed(tx, self.store.payloads)

    def live(self, system: MemorySystem, object: str) -> dict[str, Record]:
        return {
            id: record
            for id, record in system.state().get(object, {}).items()
            if record.life.value == "live"
        }

    def by_identity(self, object: str) -> dict[str, list[Record]]:
        """Live records of the sales system by the identity we gave them."""
        found: dict[str, list[Record]] = {}
        for record in self.live(self.sales, object).values():
            key = record.fields.get("Revline_Id__c")
            if key:
                found.setdefault(str(key), []).append(record)
        return found

    def writes(self) -> int:
        """Calls that write, to both systems."""
        return sum(
            count
            for system in (self.crm, self.sales)
            for (kind, _object), count in system.calls.items()
            if kind == "apply"
        )

    def verify(self) -> None:
        """What must hold at any moment at which nothing is being worked on."""
        with self.store.read() as tx:
            found = ledger.verify(tx, self.store.vault, None)
            assert found.fault is None, found.fault
            states = inbox.counts(tx)
            open_count = delivery_states.busy(tx, list(self.config.syncs))
        if not open_count:
            assert not states.get("new"), states
            assert not states.get("routed"), states
        for system in (self.crm, self.sales):
            assert system.violations == (), system.violations
