"""Marks that say "look again" survive whatever becomes of the delivery that is in hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.memory.faults import FaultKind
from connectors.records import Ref
from engine.model import Address, NewRow, Origin
from engine.store import inbox
from tests.simulation.moments import (
    ALWAYS,
    at_call,
    codes,
    company,
    deal,
    drain,
    fault,
    hear,
    hear_notice,
    later,
    line_of,
    only,
    rows,
    settle_twice,
)
from tests.simulation.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def test_a_value_put_back_after_a_facing_write_is_news_though_the_reader_saw_no_change(
    world: World,
) -> None:
    # given a rep's new stage on its way to the deal, and a notice of the deal, which did not change
    ref = deal(world, dealstage="appointment")
    world.settle()
    opportunity = only(world, "Opportunity").ref.id
    later(world)
    world.sales.update("Opportunity", opportunity, {"StageName": "Proposal"})
    world.clock.advance(timedelta(seconds=15))
    hear(world)
    hear_notice(world, "crm", ref)

    # when the facing sync writes the deal after it was read, and before that delivery ends
    def facing() -> None:
        world.clock.advance(timedelta(milliseconds=50))
        drain(world, "opportunities")
        world.clock.advance(timedelta(milliseconds=50))

    written = at_call(world, "after", "read", "deals", facing)
    drain(world, "deals")
    world.on_call = None
    assert written()
    assert world.crm.get("deals", ref.id).fields["dealstage"] == "proposal"
    # and the user puts the stage back to what was read
    world.clock.advance(timedelta(seconds=2))
    world.crm.update("deals", ref.id, {"dealstage": "appointment"})
    later(world, 2)
    settle_twice(world)
    # then the other side has it too
    assert world.crm.get("deals", ref.id).fields["dealstage"] == "appointment"
    assert world.sales.get("Opportunity", opportunity).fields["StageName"] == "Prospecting"
    assert codes(world) == []


def test_a_value_put_back_is_news_though_a_repeat_was_told_before_the_facing_write(
    world: World,
) -> None:
    # given a rep's new stage of one deal, and a batch of that deal, unchanged, and an edited one
    ref, other = deal(world, dealname="A"), deal(world, dealname="B")
    world.settle()
    opportunities = world.live(world.sales, "Opportunity").values()
    (opportunity,) = [one.ref.id for one in opportunities if one.fields["Name"] == "A"]
    later(world)
    world.sales.update("Opportunity", opportunity, {"StageName": "Proposal"})
    world.crm.update("deals", other.id, {"dealname": "B2"})
    world.clock.advance(timedelta(seconds=15))
    hear(world)
    hear_notice(world, "crm", ref)

    # when the facing sync writes the deal after it was found to be a repeat
    def facing() -> None:
        world.clock.advance(timedelta(milliseconds=50))
        drain(world, "opportunities")
        world.clock.advance(timedelta(milliseconds=50))

    written = at_call(world, "before", "apply", "Opportunity", facing)
    drain(world, "deals")
    world.on_call = None
    assert written()
    assert world.crm.get("deals", ref.id).fields["dealstage"] == "proposal"
    assert world.tally()["deals"] == {"done": 2}
    # and the user puts the stage back
    world.clock.advance(timedelta(seconds=2))
    world.crm.update("deals", ref.id, {"dealstage": "appointment"})
    later(world, 2)
    settle_twice(world)
    # then the other side has it too
    assert world.crm.get("deals", ref.id).fields["dealstage"] == "appointment"
    assert world.sales.get("Opportunity", opportunity).fields["StageName"] == "Prospecting"
    assert codes(world) == []


def test_a_childs_change_that_comes_during_a_retry_is_delivered(world: World) -> None:
    # given a notice of a deal that did not change, and a source that cannot be read
    ref = deal(world)
    line = line_of(world, ref)
    world.settle()
    later(world)
    hear_notice(world, "crm", ref)
    fault(world, "crm", FaultKind.RETRY_LATER, "read", "deals", ALWAYS)

    # when its line item is edited, and heard of, while the deal is in hand
    def edit() -> None:
        world.crm.update("line_items", line.id, {"quantity": 7})
        world.clock.advance(timedelta(seconds=15))
        hear(world)

    edited = at_call(world, "before", "read", "deals", edit)
    drain(world, "deals")
    world.on_call = None
    assert edited()
    assert world.tally()["deals"] == {"ready": 1}
    # and the source can be read again
    world.plans["crm"].clear()
    later(world)
    settle_twice(world)
    # then the target has the quantity, which the deal's own fields do not show
    assert only(world, "OpportunityLineItem").fields["Quantity"] == 7
    assert codes(world) == []


def resync(world: World, id: str) -> None:
    """An operator asks for a company to be compared with its target."""
    asked = NewRow(
        Address("crm", "companies", id),
        "changed",
        Origin.OPERATOR,
        world.clock.now(),
        only_sync="companies",
    )
    with world.store.write() as tx:
        inbox.add(tx, [asked])
    world.runner.route_all()


def test_a_resync_asked_for_during_a_retry_is_done(world: World) -> None:
    # given a target that somebody spoiled, a notice of its source, and a source that is away
    id = company(world)
    world.settle()
    account = only(world, "Account").ref.id
    later(world)
    world.sales.update("Account", account, {"Name": "wrong"})
    hear_notice(world, "crm", Ref("companies", id))
    fault(world, "crm", FaultKind.RETRY_LATER, "read", "companies", ALWAYS)
    # when the operator asks for the record while it is in hand
    asked = at_call(world, "before", "read", "companies", lambda: resync(world, id))
    drain(world, "companies")
    world.on_call = None
    assert asked()
    assert rows(world, "select state, recheck from delivery") == [("ready", 1)]
    # and the source can be read again
    world.plans["crm"].clear()
    later(world)
    settle_twice(world)
    # then the target was compared, and put right
    assert world.sales.get("Account", account).fields["Name"] == "A"
    assert codes(world) == []


def test_a_resync_whose_write_is_lost_is_still_a_resync(world: World) -> None:
    # given a target that somebody spoiled, and a resync whose write is refused for now
    id = company(world)
    world.settle()
    account = only(world, "Account").ref.id
    later(world)
    world.sales.update("Account", account, {"Name": "wrong", "BillingCity": "wrong"})
    fault(world, "sales", FaultKind.ROW_LOCKED, "apply", "Account")
    resync(world, id)
    drain(world, "companies")
    assert world.plans["sales"].played[FaultKind.ROW_LOCKED] == 1
    # when it is tried again
    settle_twice(world)
    # then the target is put right all the same
    assert world.sales.get("Account", account).fields["Name"] == "A"
    assert codes(world) == []
