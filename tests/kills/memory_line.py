"""A line on two memory systems in files: what HTTP would add is tried elsewhere."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from connectors.memory.objects import crm_objects, sales_objects
from connectors.memory.system import MemorySystem
from connectors.records import Life, Ref
from engine.store import inbox, ledger
from engine.store.store import Store
from engine.store.vault import parse_key
from tests.kills.child import Command, Zygote
from tests.simulation.project import write_project

KEY = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="
COMPANIES, CONTACTS, PRODUCTS, DEALS = 6, 9, 3, 5
OWN_FIELDS = {"id", "version", "created_at"}


def some_time_ago() -> datetime:
    """Long enough ago that the systems' search indexes have caught up."""
    return datetime.now(UTC) - timedelta(minutes=1)


class MemoryLine:
    """A project, its two systems with records in the first, and the command that runs it."""

    def __init__(self, folder: Path, zygote: Zygote) -> None:
        self.folder = write_project(folder)
        self.command = Command(zygote, folder, {"REVLINE_KEY": KEY})
        system = self._system("crm")
        fill(system)
        system.close()

    def _system(self, name: str) -> MemorySystem:
        objects = crm_objects() if name == "crm" else sales_objects()
        return MemorySystem.open(self.folder / f"{name}.db", objects, some_time_ago)

    def outcome(self) -> dict[str, Any]:
        """The target's content with identities instead of ids, after checking what always holds."""
        sales = self._system("sales")
        try:
            assert sales.violations == ()
            doubled = {
                (object, key): told
                for object, keys in sales.counts().items()
                for key, told in keys.items()
                if told["creates"] > 1 or len(told["ids"]) > 1
            }
            assert doubled == {}
            records = [
                record
                for table in sales.state().values()
                for record in table.values()
                if record.life is Life.LIVE
            ]
        finally:
            sales.close()
        self.verify()
        names = {record.ref.id: str(record.fields.get("Revline_Id__c")) for record in records}
        return {
            f"{record.ref.object} {names[record.ref.id]}": {
                name: names.get(str(value), value) for name, value in record.fields.items()
            }
            for record in records
        }

    def verify(self) -> None:
        """The ledger is whole, and nothing that was heard is left lying."""
        store = Store.open(None, self.folder / "state", parse_key(KEY))
        try:
            outside = ledger.read_head(store.head_file)
            with store.read() as tx:
                found = ledger.verify(tx, store.vault, outside)
                states = inbox.counts(tx)
            assert found.fault is None, found
            assert found.unsealed == 0
            assert not states.get("new"), states
            assert not states.get("routed"), states
        finally:
            store.close()


def fill(crm: MemorySystem) -> None:
    """Companies with contacts, products, deals with lines."""
    companies = [
        crm.create("companies", {"name": f"Company {n}", "domain": f"c{n}.example"}).ref
        for n in range(COMPANIES)
    ]
    for n in range(CONTACTS):
        fields = {"email": f"p{n}@c{n}.example", "firstname": "Pat", "lastname": f"Number {n}"}
        contact = crm.create("contacts", fields).ref
        crm.associate(contact, companies[n % COMPANIES], primary=True)
    for n in range(PRODUCTS):
        fields = {"name": f"Product {n}", "hs_sku": f"SKU{n}", "price": Decimal(10 + n)}
        crm.create("products", fields, id=f"SKU{n}")
    for n in range(DEALS):
        deal = crm.create(
            "deals",
            {
                "dealname": f"Deal {n}",
                "amount": Decimal("100.10") + n,
                "deal_currency_code": "USD",
                "dealstage": "appointment",
                "closedate": date(2026, 6, 1),
            },
        ).ref
        crm.associate(deal, companies[n % COMPANIES], primary=True)
        for place in range(n % 3 + 1):
            _line(crm, deal, n, place)


def _line(crm: MemorySystem, deal: Ref, n: int, place: int) -> None:
    fields = {
        "name": f"Line {n}.{place}",
        "hs_sku": f"SKU{place % PRODUCTS}",
        "quantity": place + 1,
        "price": Decimal(10),
    }
    crm.associate(deal, crm.create("line_items", fields).ref)
