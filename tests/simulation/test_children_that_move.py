"""A line item that goes to another deal is there once, under the deal that has it now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.records import Ref
from tests.simulation.moments import (
    acts,
    codes,
    deal,
    later,
    line_of,
    mapping_with,
    only,
    restart_as,
    rounds,
    rows,
)
from tests.simulation.project import PROJECT
from tests.simulation.world import World

NO_DELETES = PROJECT.replace("deletes_max: 100000", "deletes_max: 0")
assert NO_DELETES != PROJECT


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def two_deals(world: World) -> tuple[Ref, Ref, Ref]:
    """Two deals, and a line item of the first, in both systems."""
    one, two = deal(world, dealname="One"), deal(world, dealname="Two")
    line = line_of(world, one)
    world.settle()
    later(world)
    return one, two, line


def lines(world: World) -> dict[str, list[object]]:
    """The quantities in the sales system, by the name of the opportunity."""
    opportunities = world.live(world.sales, "Opportunity")
    found: dict[str, list[object]] = {
        str(record.fields["Name"]): [] for record in opportunities.values()
    }
    for line in world.live(world.sales, "OpportunityLineItem").values():
        root = opportunities[str(line.fields["OpportunityId"])]
        found[str(root.fields["Name"])].append(line.fields["Quantity"])
    return found


def move(world: World, line: Ref, one: Ref, two: Ref) -> None:
    world.crm.disassociate(one, line)
    world.crm.associate(two, line)


def test_a_child_that_moves_is_told_to_its_new_root(world: World) -> None:
    # given a line item of the first of two deals
    one, two, line = two_deals(world)
    # when it goes to the second, and only its own edit is heard of, which leads to the first
    move(world, line, one, two)
    world.crm.update("line_items", line.id, {"quantity": 4})
    world.settle()
    # then it is once in the target, under the second
    assert lines(world) == {"One": [], "Two": [4]}
    # and we remember that it leads there
    assert rows(world, "select id, root_id from include_index") == [(line.id, two.id)]
    assert codes(world) == []
    # and so its next edit arrives too
    world.crm.update("line_items", line.id, {"quantity": 5})
    world.settle()
    assert lines(world) == {"One": [], "Two": [5]}
    world.verify()


def test_a_child_taken_off_its_root_leads_nowhere(world: World) -> None:
    # given a line item that is taken off its deal, and belongs to none
    one, _two, line = two_deals(world)
    world.crm.disassociate(one, line)
    world.crm.update("line_items", line.id, {"quantity": 4})
    # when that was delivered
    world.settle()
    # then it is gone from the target, and nothing of it is kept
    assert lines(world) == {"One": [], "Two": []}
    assert rows(world, "select count(*) from include_index") == [(0,)]
    assert codes(world) == []
    # and a later edit of it costs no delivery
    before = rows(world, "select sum(lease) from delivery where sync = 'deals'")
    world.crm.update("line_items", line.id, {"quantity": 5})
    world.settle()
    assert rows(world, "select sum(lease) from delivery where sync = 'deals'") == before


def test_children_that_change_places(world: World) -> None:
    # given two deals with a line item each
    one, two, first = two_deals(world)
    values = {"name": "Seat", "hs_sku": "SEAT", "quantity": 8, "price": 10}
    second = world.crm.create("line_items", values).ref
    world.crm.associate(two, second)
    world.crm.update("deals", two.id, {"dealname": "Two."})
    world.settle()
    assert lines(world) == {"One": [3], "Two.": [8]}
    # when they change places
    later(world)
    move(world, first, one, two)
    move(world, second, two, one)
    world.crm.update("deals", one.id, {"dealname": "One."})
    world.crm.update("deals", two.id, {"dealname": "Two"})
    world.settle()
    # then so they have in the target
    assert lines(world) == {"One.": [8], "Two": [3]}
    assert codes(world) == []
    world.verify()


@pytest.mark.parametrize("told", ["line item", "new root"])
def test_a_child_that_may_not_leave_its_root_is_asked_about_once(tmp_path: Path, told: str) -> None:
    # given a guard that lets nothing be deleted
    world = World(tmp_path, project=NO_DELETES)
    one, two, line = two_deals(world)
    # when a line item goes to another deal, and we hear of it by itself or by the deal
    move(world, line, one, two)
    world.crm.update("line_items", line.id, {"quantity": 4})
    if told == "new root":
        world.crm.update("deals", two.id, {"dealname": "Two."})
    world.clock.advance(timedelta(seconds=15))
    lines_before = len(world.lines())
    leases = "select sum(lease) from delivery where sync = 'deals'"
    ((leases_before,),) = rows(world, leases)
    world.runner.poll_now()
    rounds(world, 30, seconds=1)
    # then a person is asked, the target is as it was, and nobody goes round in circles
    assert set(codes(world)) == {"GUARD_DELETES"}
    assert lines(world)["One"] == [3]
    assert len(world.live(world.sales, "OpportunityLineItem")) == 1
    assert world.tally()["deals"].get("ready") is None
    ((leases_after,),) = rows(world, leases)
    assert leases_after - leases_before <= 4
    assert len(world.lines()) - lines_before <= 5
    # and when the guard allows it and the person asks again, it moves
    restart_as(world, PROJECT)
    acts(world).retry({"issues": "all"})
    world.settle()
    assert lines(world)["One"] == []
    assert only(world, "OpportunityLineItem").fields["Quantity"] == 4
    assert codes(world) == []
    world.close()


@pytest.mark.parametrize("removed", ["delete", "flag"])
def test_a_merge_of_roots_takes_the_children_along(tmp_path: Path, removed: str) -> None:
    # given a deal with a line item in both systems, and no deletes allowed
    swaps = {"removed: delete": f"removed: {removed}"}
    world = World(
        tmp_path, project=NO_DELETES, mappings=mapping_with("deal_to_opportunity", **swaps)
    )
    one = deal(world, dealname="One")
    line_of(world, one)
    world.settle()
    later(world)
    opportunity, line = only(world, "Opportunity").ref, only(world, "OpportunityLineItem").ref
    # when it is merged into a deal that has no counterpart yet
    two = deal(world, dealname="Two")
    world.crm.merge("deals", two.id, one.id)
    world.settle()
    # then the survivor has the opportunity, with the very line item that was there
    assert only(world, "Opportunity").ref == opportunity
    assert only(world, "OpportunityLineItem").ref == line
    assert lines(world) == {"Two": [3]}
    outcomes = {(entry["operation"], entry["outcome"]) for entry in world.lines()}
    assert not outcomes & {("delete", "confirmed"), ("delete", "flagged")}
    assert codes(world) == []
    world.verify()
    world.close()
