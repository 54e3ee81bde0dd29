"""Two systems in memory, a project of one sync, and an engine over both."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from connectors.memory.connector import Memory
from connectors.memory.declarations import SPEC
from connectors.memory.objects import crm_objects, sales_objects
from connectors.memory.system import MemorySystem
from connectors.records import Fields
from engine.clock import ManualClock
from engine.config.load import load
from engine.config.model import Config, SyncConfig
from engine.ids import TimeIds
from engine.pipeline.gateway import Gateway
from engine.pipeline.poll import backfill_stream
from engine.pipeline.services import Services
from engine.runner import Runner
from engine.store import streams
from engine.store.store import Store
from engine.store.streams import Stream

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
KEY = b"benchmark benchmark benchmark 32"
SYNC = "contacts"

PROJECT = """
version: 1
environment: benchmark
connections:
  crm: {connector: memory, path: crm.db, objects: crm}
  sales: {connector: memory, path: sales.db, objects: sales}
syncs:
  contacts:
    from: crm.contacts
    to: sales.Contact
    mapping: contacts
    start_from: everything
"""

MAPPING = """
mapping: contacts
source: {object: contacts}
target: {object: Contact, identity: Revline_Id__c}
fields:
  LastName: {from: lastname, default: Unknown}
  FirstName: firstname
  Email: = lower(email)
  Phone: phone
"""


def contact(number: int) -> Fields:
    """The contact of this number, always the same."""
    return {
        "firstname": f"First{number % 977}",
        "lastname": f"Last{number}",
        "email": f"person{number}@company{number % 4001}.example",
        "phone": f"+1 555 {number:07d}",
    }


def source_of(records: int, clock: ManualClock) -> MemorySystem:
    """A system that holds so many contacts, last changed long before the engine looks."""
    system = MemorySystem(crm_objects(), clock.now, account="crm")
    for number in range(records):
        system.create("contacts", contact(number))
    clock.advance(timedelta(days=1))
    return system


@dataclass(frozen=True, slots=True)
class Bench:
    """An engine and the two systems it stands between."""

    services: Services
    runner: Runner
    crm: MemorySystem
    sales: MemorySystem
    clock: ManualClock

    @property
    def sync(self) -> SyncConfig:
        return self.services.config.syncs[SYNC]

    def until_idle(self) -> None:
        """Work until there is nothing to do."""
        self.runner.until_idle()

    def look_again(self) -> None:
        """Ask for everything once more, as ``revline backfill`` does."""
        now = self.clock.now()
        with self.services.store.write() as tx:
            streams.put(tx, Stream(backfill_stream(SYNC), None, False, None, now))

    def contacts_written(self) -> int:
        """How many contacts the target holds."""
        return len(self.sales.state().get("Contact", {}))

    def close(self) -> None:
        """Close the store."""
        self.services.store.close()


def project(folder: Path) -> Config:
    """The project, written and read as a user's would be."""
    (folder / "mappings").mkdir(parents=True)
    (folder / "revline.yaml").write_text(PROJECT, encoding="utf-8")
    (folder / "mappings" / "contacts.yaml").write_text(MAPPING, encoding="utf-8")
    return load(folder, {}, {"memory": SPEC})


def bench(folder: Path, crm: MemorySystem, clock: ManualClock) -> Bench:
    """An engine on a fresh store in this folder."""
    config = project(folder)
    sales = MemorySystem(sales_objects(), clock.now, account="sales")
    store = Store.open(None, folder / "state", KEY)
    gateway = Gateway({"crm": Memory(crm), "sales": Memory(sales)}, store, clock)
    services = Services(
        config=config,
        store=store,
        gateway=gateway,
        clock=clock,
        ids=TimeIds(clock, Random(1)),
        random=Random(2),
    )
    runner = Runner(services)
    runner.recover()
    return Bench(services, runner, crm, sales, clock)
