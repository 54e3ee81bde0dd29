"""A source that is put back to what it was is news, whatever became of the change in between."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.memory.faults import FaultKind
from connectors.records import Ref
from tests.simulation.moments import (
    ALWAYS,
    at_point,
    codes,
    companies_with,
    company,
    deal,
    drain,
    fault,
    hear,
    later,
    line_of,
    only,
)
from tests.simulation.world import Crash, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def heard(world: World) -> None:
    """What was edited is past the lag of the feed, and routed."""
    world.clock.advance(timedelta(seconds=15))
    hear(world)


def test_a_change_put_back_while_its_write_is_in_doubt(world: World) -> None:
    # given a new name that arrived, and whose answer was lost
    id = company(world, "A")
    world.settle()
    later(world)
    fault(world, "sales", FaultKind.ANSWER_LOST, "apply", "Account")
    world.crm.update("companies", id, {"name": "B"})
    heard(world)
    drain(world, "companies")
    assert world.tally()["companies"] == {"in_doubt": 1}
    assert only(world, "Account").fields["Name"] == "B"
    # when the user puts the old name back
    world.crm.update("companies", id, {"name": "A"})
    heard(world)
    world.settle()
    # then the target has it, and nothing is left open
    assert only(world, "Account").fields["Name"] == "A"
    assert world.tally()["companies"] == {"done": 1}
    assert codes(world) == []


def test_a_change_put_back_after_one_of_its_children_was_refused(world: World) -> None:
    # given a new name of a deal, which arrived, with a quantity that is refused for good
    ref = deal(world, dealname="A")
    line = line_of(world, ref)
    world.settle()
    later(world)
    fault(world, "sales", FaultKind.REFUSED, "apply", "OpportunityLineItem", ALWAYS)
    world.crm.update("line_items", line.id, {"quantity": 9})
    world.crm.update("deals", ref.id, {"dealname": "B"})
    world.settle()
    assert only(world, "Opportunity").fields["Name"] == "B"
    assert codes(world) == ["REFUSED"]
    # when the deal gets its old name back, and the line item stays as it is
    world.crm.update("deals", ref.id, {"dealname": "A"})
    world.settle()
    # then the target has the old name, and the question about the line item is still there
    assert only(world, "Opportunity").fields["Name"] == "A"
    assert codes(world) == ["REFUSED"]
    # and when the line item is put back too, nothing is left to ask
    world.crm.update("line_items", line.id, {"quantity": 3})
    world.settle()
    assert only(world, "OpportunityLineItem").fields["Quantity"] == 3
    assert codes(world) == []


def test_a_change_put_back_after_a_child_of_its_own_fields_was_refused(world: World) -> None:
    # given a product whose price is a record of its own on the other side, and is refused once
    world.crm.create("products", {"name": "A", "hs_sku": "S", "price": 10}, id="S")
    world.settle()
    later(world)
    fault(world, "sales", FaultKind.REFUSED, "apply", "PricebookEntry")
    world.crm.update("products", "S", {"name": "B", "price": 12})
    world.settle()
    assert only(world, "Product2").fields["Name"] == "B"
    assert codes(world) == ["REFUSED"]
    # when name and price are put back
    world.crm.update("products", "S", {"name": "A", "price": 10})
    world.settle()
    # then both are so on the other side
    assert only(world, "Product2").fields["Name"] == "A"
    assert only(world, "PricebookEntry").fields["UnitPrice"] == 10
    assert codes(world) == []


@pytest.mark.parametrize("point", ["send.applied", "outcome.after_commit"])
def test_a_change_put_back_after_the_engine_was_killed(world: World, point: str) -> None:
    # given a new name that arrived, and an engine killed before the delivery had ended
    id = company(world, "A")
    world.settle()
    later(world)
    world.crm.update("companies", id, {"name": "B"})
    heard(world)

    def die() -> None:
        raise Crash

    killed = at_point(world, point, die)
    with pytest.raises(Crash):
        drain(world, "companies")
    assert killed()
    assert only(world, "Account").fields["Name"] == "B"
    # when the user puts the old name back, and an engine is started again
    world.crm.update("companies", id, {"name": "A"})
    world.clock.advance(timedelta(minutes=1))
    world.crash()
    hear(world)
    world.settle()
    # then the target has the old name
    assert only(world, "Account").fields["Name"] == "A"
    assert world.tally()["companies"] == {"done": 1}
    assert codes(world) == []


def test_a_change_put_back_while_a_child_waits_for_its_product(world: World) -> None:
    # given a new name that arrived, with a line item whose product nobody has yet
    ref = deal(world, dealname="A")
    world.settle()
    later(world)
    values = {"name": "Seat", "hs_sku": "SEAT", "quantity": 3, "price": 10}
    world.crm.associate(ref, world.crm.create("line_items", values).ref)
    world.crm.update("deals", ref.id, {"dealname": "B"})
    world.settle()
    assert only(world, "Opportunity").fields["Name"] == "B"
    assert world.tally()["deals"] == {"waiting": 1}
    # when the deal gets its old name back
    world.crm.update("deals", ref.id, {"dealname": "A"})
    world.settle()
    # then the target has it, though the line item goes on waiting
    assert only(world, "Opportunity").fields["Name"] == "A"
    assert world.tally()["deals"] == {"waiting": 1}
    assert codes(world) == []


def test_a_record_restored_while_its_delete_is_in_doubt(tmp_path: Path) -> None:
    # given an archived company whose account was deleted, and the answer to that was lost
    project = companies_with("on_delete: delete\n    guards: {deletes_max: 10}")
    world = World(tmp_path, project=project)
    id = company(world, "A")
    world.settle()
    later(world)
    fault(world, "sales", FaultKind.ANSWER_LOST, "apply", "Account")
    world.crm.archive("companies", id)
    world.clock.advance(timedelta(hours=2))
    hear(world)
    drain(world, "companies")
    assert world.live(world.sales, "Account") == {}
    assert world.tally()["companies"] == {"in_doubt": 1}
    # when it is restored
    world.crm.restore("companies", id)
    world.clock.advance(timedelta(minutes=1))
    world.settle()
    # then it has an account again, and one link that stands
    assert only(world, "Account").fields["Name"] == "A"
    assert world.tally()["companies"] == {"done": 1}
    assert codes(world) == []
    world.verify()
    world.close()


def test_a_target_that_is_gone_stays_an_issue_when_the_change_is_put_back(world: World) -> None:
    # given a company whose account somebody deleted, and an edit that found it gone
    id = company(world, "A")
    world.settle()
    later(world)
    world.sales.delete("Account", only(world, "Account").ref.id)
    world.crm.update("companies", id, {"name": "B"})
    world.settle()
    assert codes(world) == ["TARGET_GONE"]
    # when the edit is taken back, so that the source is as it was last written
    world.crm.update("companies", id, {"name": "A"})
    world.settle()
    # then the account is still gone, and so the question is still there
    assert codes(world) == ["TARGET_GONE"]
    assert world.tally()["companies"] == {"issue": 1}
    assert world.live(world.sales, "Account") == {}


def test_a_target_that_came_back_is_no_issue_when_the_change_is_put_back(world: World) -> None:
    # given the same, and the account was restored since
    id = company(world, "A")
    world.settle()
    later(world)
    account = Ref("Account", only(world, "Account").ref.id)
    world.sales.delete("Account", account.id)
    world.crm.update("companies", id, {"name": "B"})
    world.settle()
    assert codes(world) == ["TARGET_GONE"]
    world.sales.restore("Account", account.id)
    # when the edit is taken back
    world.crm.update("companies", id, {"name": "A"})
    world.settle()
    # then all is well again
    assert codes(world) == []
    assert only(world, "Account").ref == account
    assert only(world, "Account").fields["Name"] == "A"
