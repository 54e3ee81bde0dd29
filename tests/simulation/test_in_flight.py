"""What comes while a delivery is being worked on is neither lost nor overwritten."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.memory.faults import MemoryCall
from connectors.records import Ref
from engine.model import Address, NewRow, Origin
from engine.pipeline.poll import poll_changes
from engine.store import inbox
from tests.simulation.moments import (
    at_call,
    at_point,
    codes,
    company,
    deal,
    drain,
    hear,
    hear_notice,
    later,
    line_of,
    only,
    settle_twice,
)
from tests.simulation.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def test_a_child_edited_while_its_root_is_sent_reaches_its_target(world: World) -> None:
    # given a deal with a line item in both systems, and a change of the deal on its way
    ref = deal(world)
    line = line_of(world, ref)
    world.settle()
    later(world)
    world.crm.update("deals", ref.id, {"dealname": "D2"})
    world.clock.advance(timedelta(seconds=15))

    # when the line item is edited, and heard of, just after the deal was sent
    def edit() -> None:
        world.crm.update("line_items", line.id, {"quantity": 7})
        world.clock.advance(timedelta(seconds=15))
        hear(world)

    edited = at_point(world, "send.applied", edit)
    settle_twice(world)
    # then the target has the new quantity
    assert edited()
    assert only(world, "OpportunityLineItem").fields["Quantity"] == 7
    assert world.tally()["deals"] == {"done": 1}
    assert world.issues() == []


def test_a_resync_asked_for_while_the_record_is_sent_is_done_afterwards(world: World) -> None:
    # given a target that somebody spoiled, and a change of another field on its way
    id = company(world)
    world.settle()
    account = only(world, "Account").ref.id
    later(world)
    world.crm.update("companies", id, {"city": "Lund"})
    world.sales.update("Account", account, {"Name": "wrong"})

    # when the operator asks for the record while it is leased
    def ask() -> None:
        row = NewRow(
            Address("crm", "companies", id),
            "changed",
            Origin.OPERATOR,
            world.clock.now(),
            only_sync="companies",
        )
        with world.store.write() as tx:
            inbox.add(tx, [row])
        world.runner.route_all()

    asked = at_point(world, "outcome.after_commit", ask)
    settle_twice(world)
    # then it is compared with its target, not only with what we remember
    assert asked()
    assert world.sales.get("Account", account).fields["Name"] == "A"


def facing_edit(world: World) -> tuple[Ref, str]:
    """A rep moved the stage on one side; on the other, another field of the deal was edited."""
    ref = deal(world, dealstage="appointment")
    line_of(world, ref)
    world.settle()
    opportunity = only(world, "Opportunity").ref.id
    later(world)
    world.crm.update("deals", ref.id, {"dealname": "D2"})
    world.sales.update("Opportunity", opportunity, {"StageName": "Proposal"})
    world.clock.advance(timedelta(seconds=15))
    hear(world)
    return ref, opportunity


def stages(world: World, ref: Ref, opportunity: str) -> tuple[object, object]:
    """The stage on both sides."""
    return (
        world.crm.get("deals", ref.id).fields["dealstage"],
        world.sales.get("Opportunity", opportunity).fields["StageName"],
    )


def facing_drain(world: World) -> Callable[[], None]:
    def do() -> None:
        world.clock.advance(timedelta(milliseconds=50))
        drain(world, "opportunities")
        world.clock.advance(timedelta(milliseconds=50))

    return do


def watch_stages(world: World, ref: Ref, opportunity: str) -> list[tuple[object, object]]:
    """From now on, the stages of both sides after every write."""
    seen: list[tuple[object, object]] = []

    def watch(call: MemoryCall, moment: str) -> None:
        if call.kind == "apply" and moment == "after":
            seen.append(stages(world, ref, opportunity))

    world.on_call = watch
    return seen


def test_a_record_read_before_the_facing_sync_wrote_it_is_not_believed(world: World) -> None:
    # given a deal that has to be read, and a facing delivery of the rep's stage
    ref, opportunity = facing_edit(world)
    hear_notice(world, "crm", ref)
    # when the facing sync writes the deal after it was read and before it is compared
    ran = at_call(world, "after", "read", "deals", facing_drain(world))
    drain(world, "deals")
    assert ran()
    seen = watch_stages(world, ref, opportunity)
    later(world, 2)
    settle_twice(world)
    # then the only edit of the stage stands, and no write ever took it back
    assert stages(world, ref, opportunity) == ("proposal", "Proposal")
    assert set(seen) == {("proposal", "Proposal")}
    assert world.crm.get("deals", ref.id).fields["dealname"] == "D2"
    assert only(world, "Opportunity").fields["Name"] == "D2"
    assert world.issues() == []


def test_an_old_value_put_back_after_a_facing_write_is_news(world: World) -> None:
    # given a facing write that came between a read of the deal and its delivery
    ref, opportunity = facing_edit(world)
    hear_notice(world, "crm", ref)
    ran = at_call(world, "after", "read", "deals", facing_drain(world))
    drain(world, "deals")
    world.on_call = None
    assert ran()
    assert stages(world, ref, opportunity)[0] == "proposal"
    # when the user puts the stage back to what that read had shown
    world.clock.advance(timedelta(seconds=2))
    world.crm.update("deals", ref.id, {"dealstage": "appointment"})
    later(world, 2)
    settle_twice(world)
    # then it is an edit like any other, and not a repeat
    assert stages(world, ref, opportunity) == ("appointment", "Prospecting")


def test_a_facing_write_between_claim_and_comparison_is_not_taken_back(world: World) -> None:
    # given a deal with line items, and a facing delivery of the rep's stage
    ref, opportunity = facing_edit(world)
    seen: list[tuple[object, object]] = []
    ran: list[bool] = []

    # when the facing sync writes the deal while the line items of the deal are read
    def called(call: MemoryCall, moment: str) -> None:
        if call.kind == "apply" and moment == "after":
            seen.append(stages(world, ref, opportunity))
        if call.object == "line_items" and moment == "before" and not ran:
            ran.append(True)
            drain(world, "opportunities")

    world.on_call = called
    drain(world, "deals")
    settle_twice(world)
    # then no write on either side ever shows the stage from before the rep's edit
    assert ran
    assert seen
    assert set(seen) == {("proposal", "Proposal")}
    assert only(world, "Opportunity").fields["Name"] == "D2"
    assert world.issues() == []


def written_while_a_page_is_in_flight(world: World, ref: Ref, **edit: Any) -> str:
    """We write an Opportunity in the second in which a page with its older self is fetched.

    That side tells versions apart by whole seconds only.
    """
    opportunity = only(world, "Opportunity").ref.id
    later(world)
    rest = (1_000_000 - world.clock.now().microsecond) % 1_000_000
    world.clock.advance(timedelta(microseconds=rest))
    world.crm.update("deals", ref.id, edit)
    world.clock.advance(timedelta(seconds=15))
    world.runner.poll_now([at for at in world.services.sources() if at.object == "deals"])
    world.runner.read_due()
    world.runner.route_all()
    world.sales.update("Opportunity", opportunity, {"Name": "touched by a rep"})

    def deliver() -> None:
        world.clock.advance(timedelta(milliseconds=100))
        drain(world, "deals")
        world.clock.advance(timedelta(milliseconds=100))

    ran = at_call(world, "after", "changes", "Opportunity", deliver)
    (endpoint,) = [at for at in world.services.sources() if at.object == "Opportunity"]
    poll_changes(world.services, endpoint)
    world.on_call = None
    assert ran()
    return opportunity


def test_a_page_from_before_our_write_does_not_undo_an_amount(world: World) -> None:
    # given a linked deal
    ref = deal(world)
    world.settle()
    before = world.writes()
    # when its new amount is written while a page from before that write is in flight
    opportunity = written_while_a_page_is_in_flight(world, ref, amount=Decimal(150))
    settle_twice(world)
    # then both sides keep the new amount, for one write
    assert world.crm.get("deals", ref.id).fields["amount"] == Decimal(150)
    assert world.sales.get("Opportunity", opportunity).fields["Amount"] == Decimal(150)
    assert world.writes() == before + 1
    assert codes(world) == []


def test_a_page_from_before_our_write_does_not_undo_a_field_that_side_owns(world: World) -> None:
    # given a linked deal, whose stage is owned by the other side
    ref = deal(world)
    world.settle()
    before = world.writes()
    # when its new stage is written while a page from before that write is in flight
    opportunity = written_while_a_page_is_in_flight(world, ref, dealstage="closedwon")
    world.runner.route_all()
    drain(world, "opportunities")
    # then the old stage of that page is not brought back, not even for a moment
    assert stages(world, ref, opportunity) == ("closedwon", "Closed Won")
    settle_twice(world)
    assert stages(world, ref, opportunity) == ("closedwon", "Closed Won")
    assert world.writes() == before + 1
    assert codes(world) == []
