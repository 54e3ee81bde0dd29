"""The line end to end on memory systems: backfill, changes both ways, no echo."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.records import Ref
from tests.simulation.conftest import ON_BOTH
from tests.simulation.world import World

pytestmark = ON_BOTH


@pytest.fixture
def world(tmp_path: Path, store_url: str | None) -> Iterator[World]:
    made = World(tmp_path, store_url=store_url)
    yield made
    made.close()


def seed(world: World) -> dict[str, str]:
    """One company with a contact, a product and a deal with a line."""
    crm = world.crm
    company = crm.create("companies", {"name": "Acme", "domain": "acme.example"}).ref
    contact = crm.create(
        "contacts", {"email": "Ann@acme.example", "firstname": "Ann", "lastname": "Lee"}
    ).ref
    product = crm.create(
        "products", {"name": "Seat", "hs_sku": "SEAT", "price": Decimal("10")}, id="SEAT"
    ).ref
    deal = crm.create(
        "deals",
        {
            "dealname": "Big",
            "amount": Decimal("100.10"),
            "deal_currency_code": "USD",
            "dealstage": "appointment",
            "closedate": date(2026, 6, 1),
        },
    ).ref
    line = crm.create(
        "line_items", {"name": "Seat", "hs_sku": "SEAT", "quantity": 3, "price": Decimal("10")}
    ).ref
    crm.associate(contact, company, primary=True)
    crm.associate(deal, company, primary=True)
    crm.associate(deal, line)
    return {
        "company": company.id,
        "contact": contact.id,
        "product": product.id,
        "deal": deal.id,
        "line": line.id,
    }


def test_backfill_brings_everything_once(world: World) -> None:
    ids = seed(world)
    world.settle()
    world.verify()
    assert world.issues() == []
    (account,) = world.live(world.sales, "Account").values()
    (contact,) = world.live(world.sales, "Contact").values()
    (opportunity,) = world.live(world.sales, "Opportunity").values()
    (line,) = world.live(world.sales, "OpportunityLineItem").values()
    (entry,) = world.live(world.sales, "PricebookEntry").values()
    assert account.fields["Name"] == "Acme"
    assert account.fields["Revline_Id__c"] == f"revline-companies-{ids['company']}"
    assert contact.fields["AccountId"] == account.ref.id
    assert opportunity.fields["Amount"] == Decimal("100.10")
    assert opportunity.fields["AccountId"] == account.ref.id
    assert line.fields["OpportunityId"] == opportunity.ref.id
    assert line.fields["PricebookEntryId"] == entry.ref.id


def test_a_second_settle_writes_nothing(world: World) -> None:
    seed(world)
    world.settle()
    before = world.writes()
    world.clock.advance(timedelta(hours=1))
    world.settle()
    assert world.writes() == before


def test_changes_travel_both_ways_without_echo(world: World) -> None:
    ids = seed(world)
    world.settle()
    (opportunity,) = world.live(world.sales, "Opportunity").values()
    before = world.writes()
    world.clock.advance(timedelta(minutes=10))
    world.crm.update("deals", ids["deal"], {"amount": Decimal("250")})
    world.settle()
    assert world.sales.get("Opportunity", opportunity.ref.id).fields["Amount"] == Decimal("250")
    assert world.writes() == before + 1
    world.clock.advance(timedelta(minutes=10))
    world.sales.update("Opportunity", opportunity.ref.id, {"StageName": "Proposal"})
    world.settle()
    assert world.crm.get("deals", ids["deal"]).fields["dealstage"] == "proposal"
    assert world.writes() == before + 2
    assert world.issues() == []


def test_a_removed_line_item_is_deleted(world: World) -> None:
    ids = seed(world)
    world.settle()
    world.clock.advance(timedelta(minutes=10))
    world.crm.disassociate(Ref("deals", ids["deal"]), Ref("line_items", ids["line"]))
    world.crm.update("deals", ids["deal"], {"dealname": "Bigger"})
    world.settle()
    assert world.live(world.sales, "OpportunityLineItem") == {}


def test_a_changed_line_item_reaches_its_target(world: World) -> None:
    ids = seed(world)
    world.settle()
    world.clock.advance(timedelta(minutes=10))
    world.crm.update("line_items", ids["line"], {"quantity": 5})
    world.settle()
    (line,) = world.live(world.sales, "OpportunityLineItem").values()
    assert line.fields["Quantity"] == 5
