"""The store is lost, the target is not: what was made before is found again, never made twice."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.memory.faults import Fault, FaultKind, Rule
from connectors.records import Ref
from engine.commands.rebuilding import rebuild_links
from engine.model import Address
from engine.store import links
from tests.simulation.world import World

DEAL = {
    "dealname": "Rollout",
    "amount": Decimal(30),
    "deal_currency_code": "USD",
    "dealstage": "appointment",
    "closedate": date(2026, 6, 1),
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def fill(world: World, deals: int = 3) -> None:
    """Products with a price, deals with two lines each, all delivered."""
    for number in range(deals):
        values = {"name": "Seat", "hs_sku": f"S{number}", "price": Decimal(10)}
        product = world.crm.create("products", values).ref.id
        deal = world.crm.create("deals", {**DEAL, "dealname": f"Deal {number}"}).ref
        for _ in range(2):
            add_line(world, deal, product)
    world.settle()
    assert len(world.live(world.sales, "OpportunityLineItem")) == 2 * deals


def add_line(world: World, deal: Ref, product: str) -> None:
    values = {"name": "Seats", "hs_sku": product, "quantity": Decimal(3), "price": Decimal(10)}
    world.crm.associate(deal, world.crm.create("line_items", values).ref)


def lose_store(world: World) -> None:
    world.store.close()
    shutil.rmtree(world.folder / "state")
    world.clock.advance(timedelta(minutes=10))
    world.runner = world.boot()


def targets(world: World) -> dict[str, set[str]]:
    names = ("Product2", "PricebookEntry", "Opportunity", "OpportunityLineItem")
    return {name: set(world.live(world.sales, name)) for name in names}


def whole(world: World, before: dict[str, set[str]]) -> None:
    """Nothing was made or removed, no issue is open, and a second run writes nothing."""
    assert targets(world) == before
    assert world.issues() == []
    writes = world.writes()
    world.clock.advance(timedelta(hours=2))
    world.settle()
    assert world.writes() == writes
    world.verify()


def test_children_in_the_target_are_found_again_and_not_made_twice(world: World) -> None:
    fill(world)
    before = targets(world)
    lose_store(world)
    world.settle()
    whole(world, before)
    changes = {
        key: count["changing_updates"]
        for key, count in world.sales.counts()["OpportunityLineItem"].items()
    }
    assert set(changes.values()) == {0}


def test_what_changed_while_the_store_was_away_is_the_only_thing_written(world: World) -> None:
    fill(world, deals=1)
    before = targets(world)
    item = sorted(world.live(world.crm, "line_items"))[0]
    world.store.close()
    world.crm.update("line_items", item, {"quantity": Decimal(7)})
    lose_store(world)
    world.settle()
    whole(world, before)
    (line,) = world.by_identity("OpportunityLineItem")[f"revline-line_items-{item}"]
    assert line.fields["Quantity"] == 7


def test_a_child_of_a_deal_found_again_can_still_be_removed(world: World) -> None:
    fill(world, deals=1)
    lose_store(world)
    world.settle()
    world.clock.advance(timedelta(minutes=10))
    world.crm.archive("line_items", sorted(world.live(world.crm, "line_items"))[0])
    (deal,) = world.live(world.crm, "deals")
    world.crm.update("deals", deal, {"dealname": "Smaller"})
    world.settle()
    assert len(world.live(world.sales, "OpportunityLineItem")) == 1
    assert world.issues() == []


def test_a_child_found_under_another_parent_is_a_persons_business(world: World) -> None:
    fill(world, deals=2)
    line = sorted(world.live(world.sales, "OpportunityLineItem").values(), key=lambda one: one.ref)[
        0
    ]
    other = next(
        id for id in world.live(world.sales, "Opportunity") if id != line.fields["OpportunityId"]
    )
    world.sales.update("OpportunityLineItem", line.ref.id, {"OpportunityId": other})
    before = targets(world)
    lose_store(world)
    world.settle()
    (issue,) = world.issues()
    assert issue.code == "CHILD_ELSEWHERE"
    assert issue.parameters["parent"] == other
    assert targets(world) == before


def test_a_field_that_may_never_be_written_is_refused_once_looked_at(world: World) -> None:
    """The same refusal, and nothing is there: an issue, not a loop."""
    fill(world, deals=1)
    (product,) = world.live(world.crm, "products")
    add_line(world, world.crm.create("deals", DEAL).ref, product)
    world.plans["sales"].add(
        Rule(Fault(FaultKind.FIELD_LOCKED), "apply", "OpportunityLineItem", times=99)
    )
    world.settle()
    (issue,) = world.issues()
    assert issue.code == "REFUSED"
    assert [n for (kind, _object), n in world.sales.calls.items() if kind == "lookup"] == [1]


def test_a_first_backfill_looks_for_nothing(world: World) -> None:
    fill(world)
    assert not [key for key in world.sales.calls if key[0] == "lookup"]


def test_looking_first_ends_when_nothing_is_found(world: World) -> None:
    fill(world, deals=1)
    lose_store(world)
    world.settle()
    world.clock.advance(timedelta(minutes=10))
    for number in range(2):
        before = world.sales.calls.get(("lookup", "Opportunity"), 0)
        world.crm.create("deals", {**DEAL, "dealname": f"New {number}"})
        world.settle()
    assert world.sales.calls.get(("lookup", "Opportunity"), 0) == before


def test_links_are_rebuilt_for_children_too(world: World) -> None:
    fill(world)
    before = targets(world)
    with world.store.read() as tx:
        known = {(link.near, link.far) for link, _ in links.all_links(tx)}
    lose_store(world)
    made = {
        name: rebuild_links(world.services, world.config.syncs[name])
        for name in ("products", "deals")
    }
    assert made == {"products": (6, 0, 0), "deals": (9, 0, 0)}
    with world.store.read() as tx:
        assert {(link.near, link.far) for link, _ in links.all_links(tx)} == known
        item = Address("crm", "line_items", sorted(world.live(world.crm, "line_items"))[0])
        (link,) = links.of_sources(tx, [item], "sales", None)[item]
        assert link.parent is not None
    assert rebuild_links(world.services, world.config.syncs["deals"]) == (0, 9, 0)
    calls = dict(world.sales.calls)
    world.settle()
    whole(world, before)
    assert world.sales.calls.get(("lookup", "OpportunityLineItem"), 0) == calls.get(
        ("lookup", "OpportunityLineItem"), 0
    )


def test_a_child_whose_root_is_not_linked_is_left_by_a_rebuild(world: World) -> None:
    fill(world, deals=1)
    (opportunity,) = world.live(world.sales, "Opportunity")
    world.sales.update("Opportunity", opportunity, {"Revline_Id__c": None})
    lose_store(world)
    assert rebuild_links(world.services, world.config.syncs["deals"]) == (0, 0, 2)
