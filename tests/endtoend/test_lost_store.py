"""The engine's store is deleted, the targets stay: all is found again, nothing made twice."""

from __future__ import annotations

import shutil

from engine.commands.rebuilding import rebuild_links
from engine.model import Address
from engine.store import links
from tests.endtoend.world import Line

DEAL = {
    "dealstage": "appointmentscheduled",
    "pipeline": "default",
    "closedate": "2026-12-01T00:00:00Z",
    "deal_currency_code": "USD",
}
MADE = (
    "Account",
    "Contact",
    "Opportunity",
    "OpportunityContactRole",
    "OpportunityLineItem",
    "Product2",
    "PricebookEntry",
)


def fill(line: Line) -> str:
    """A company with a person and three deals of two lines each; the id of one of the lines."""
    company = line.create("hubspot", "companies", name="Arc", domain="arc.example")
    person = line.create("hubspot", "contacts", lastname="Sato", email="sato@arc.example")
    line.associate("contacts", person, "companies", company)
    item = ""
    for number in range(3):
        product = line.create("hubspot", "products", name="Seat", hs_sku=f"S{number}", price="10")
        deal = line.create("hubspot", "deals", dealname=f"Deal {number}", **DEAL)
        line.associate("deals", deal, "companies", company)
        line.associate("deals", deal, "contacts", person)
        for _ in range(2):
            fields = {"name": "Seats", "hs_product_id": product, "quantity": "3", "price": "10"}
            item = line.create("hubspot", "line_items", **fields)
            line.associate("deals", deal, "line_items", item)
    line.calm()
    assert len(targets(line)["OpportunityLineItem"]) == 6
    return item


def targets(line: Line) -> dict[str, set[str]]:
    return {name: set(line.live("salesforce", name)) for name in MADE}


def lose_store(line: Line) -> None:
    line.store.close()
    shutil.rmtree(line.folder / "state")
    line.shift(minutes=10)
    line.boot()


def whole(line: Line, before: dict[str, set[str]]) -> None:
    """No duplicate, no issue, and a second run writes nothing."""
    assert targets(line) == before
    assert line.codes() == []
    line.shift(hours=2)
    line.backfill()
    with line.spent() as spent:
        line.settle()
    assert not spent.writes
    line.verify()


def test_lines_prices_and_roles_are_found_again_after_the_store_is_lost(line: Line) -> None:
    item = fill(line)
    before = targets(line)
    line.update("hubspot", "line_items", item, quantity="5")
    lose_store(line)
    line.calm()
    whole(line, before)
    quantities = [
        row["Quantity"] for row in line.live("salesforce", "OpportunityLineItem").values()
    ]
    assert sorted(quantities) == [3, 3, 3, 3, 3, 5]


def test_a_rebuild_links_lines_prices_and_roles_so_that_nothing_is_refused(line: Line) -> None:
    item = fill(line)
    before = targets(line)
    lose_store(line)
    made = {
        name: rebuild_links(line.services, line.config.syncs[name])[0]
        for name in ("companies", "contacts", "products", "deals")
    }
    currencies = 3
    counts = {"companies": 1, "contacts": 1, "products": 3 + 3 * currencies, "deals": 3 + 6 + 3}
    assert made == counts
    with line.store.read() as tx:
        source = Address("hubspot", "line_items", item)
        ((link,),) = links.of_sources(tx, [source], "salesforce", None).values()
    assert link.parent is not None
    with line.spent() as spent:
        line.calm()
    assert spent.on("salesforce", "PATCH", r"/composite/sobjects/\w+/Revline_Id__c$") == 0
    whole(line, before)
