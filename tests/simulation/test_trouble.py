"""Bad answers and outages: they cost time, not tries, and only where they happen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.memory.faults import Fault, FaultKind, Rule
from tests.simulation.moments import (
    ALWAYS,
    acts,
    codes,
    company,
    deal,
    drain,
    fault,
    hear,
    later,
    line_of,
    only,
    rounds,
    rows,
)
from tests.simulation.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def asked_of_people(world: World) -> int:
    """How many issues there ever were: one that a later poll closes again was one too many."""
    ((count,),) = rows(world, "select count(*) from issue")
    return int(count)


def test_one_nonsense_answer_to_a_search_makes_no_issues(world: World) -> None:
    # given a search that is answered with nonsense once
    fault(world, "sales", FaultKind.UNEXPECTED_ANSWER, "search", "Account")
    # when a batch of companies is delivered
    for number in range(30):
        company(world, f"C{number}", f"c{number}.example")
    world.settle()
    # then every one of them arrives, and nobody is asked anything
    assert world.plans["sales"].played[FaultKind.UNEXPECTED_ANSWER] == 1
    assert asked_of_people(world) == 0
    assert len(world.live(world.sales, "Account")) == 30


def test_a_failed_read_uses_up_no_tries_of_the_records_in_its_batch(world: World) -> None:
    # given one record that is locked each time, while the others of its batch go through
    locked = Fault(FaultKind.ROW_LOCKED, records=(0,))
    world.plans["sales"].add(Rule(locked, kind="apply", object="Account", times=3))
    bad = company(world, "bad", "bad.example")
    hear(world)
    hear(world)
    for number in range(3):
        company(world, f"Other {number}", f"other{number}.example")
        later(world)
        hear(world)
        drain(world, "companies")
    tries = f"select tries, state from delivery where id = '{bad}'"
    assert rows(world, tries) == [(3, "ready")]
    # when it is claimed, on its last try, with others, and their search fails
    for number in range(10):
        company(world, f"C{number}", f"c{number}.example")
    later(world)
    hear(world)
    fault(world, "sales", FaultKind.RETRY_LATER, "search", "Account", ALWAYS)
    drain(world, "companies")
    # then all of them are tried again, and the one has as many tries left as before
    assert world.plans["sales"].played[FaultKind.RETRY_LATER] > 0
    assert codes(world) == []
    assert world.tally()["companies"] == {"done": 3, "ready": 11}
    assert rows(world, tries) == [(3, "ready")]
    # and when the search is answered, all of them arrive
    world.plans["sales"].clear()
    world.settle()
    assert len(world.live(world.sales, "Account")) == 14
    assert codes(world) == []


def test_an_outage_of_hours_makes_no_issues_and_is_caught_up_with(world: World) -> None:
    # given a target that is away for reads and writes
    for call in ("search", "lookup", "read", "apply"):
        fault(world, "sales", FaultKind.RETRY_LATER, call, times=ALWAYS)
    for number in range(5):
        company(world, f"C{number}", f"c{number}.example")
    world.runner.poll_now()
    # when five hours pass
    rounds(world, 10, seconds=1800)
    assert codes(world) == []
    # then, when it is back, everything arrives
    world.plans["sales"].clear()
    world.settle()
    assert len(world.live(world.sales, "Account")) == 5
    assert asked_of_people(world) == 0


def test_routing_goes_on_around_a_system_that_does_not_answer(world: World) -> None:
    # given a source that cannot say which deal a new line item belongs to
    ref = deal(world)
    line_of(world, ref)
    world.settle()
    later(world)
    fault(world, "crm", FaultKind.UNEXPECTED_ANSWER, "parents", times=ALWAYS)
    values = {"name": "More", "hs_sku": "SEAT", "quantity": 8, "price": Decimal(10)}
    world.crm.associate(ref, world.crm.create("line_items", values).ref)
    later(world)
    company(world)
    later(world)
    # when half an hour passes
    world.runner.poll_now()
    rounds(world, 30, seconds=60)
    # then the others are delivered, what cannot be routed is kept, and that is not called idle
    assert world.plans["crm"].played[FaultKind.UNEXPECTED_ANSWER] > 0
    assert only(world, "Account").fields["Name"] == "A"
    kept = "select distinct object from inbox where state in ('new', 'postponed')"
    assert rows(world, kept) == [("line_items",)]
    assert len(world.live(world.sales, "OpportunityLineItem")) == 1
    assert not world.runner.idle()
    assert codes(world) == []
    # and when the system answers again, what was kept arrives
    world.plans["crm"].clear()
    world.settle()
    assert rows(world, kept) == []
    lines = world.live(world.sales, "OpportunityLineItem").values()
    assert sorted(str(one.fields["Quantity"]) for one in lines) == ["3", "8"]


def test_records_restored_after_their_target_was_taken_over_stop_nobody(world: World) -> None:
    # given two companies, one after the other with one account, both archived
    first = company(world, "A", "x.example")
    world.settle()
    later(world)
    world.crm.archive("companies", first)
    world.clock.advance(timedelta(hours=2))
    world.settle()
    second = company(world, "B", "x.example")
    world.settle()
    later(world)
    world.crm.archive("companies", second)
    world.clock.advance(timedelta(hours=2))
    world.settle()
    # when both come back, in one batch with others
    world.crm.restore("companies", first)
    world.crm.restore("companies", second)
    for number in range(5):
        company(world, f"C{number}", f"c{number}.example")
    later(world)
    world.settle()
    world.crash()
    world.settle()
    # then the account has one of them, a person is asked about the other, the rest is delivered
    assert len(world.live(world.sales, "Account")) == 6
    (issue,) = world.issues()
    assert issue.source.id in (first, second)
    active = "select count(*) from link where state = 'active'"
    assert rows(world, active) == [(6,)]
    world.verify()


def test_a_paused_connection_is_not_waited_for(world: World) -> None:
    # given a target that refuses our credentials
    fault(world, "sales", FaultKind.AUTH_FAILED, "apply", "Account")
    company(world)
    # when the engine is to work until there is nothing to do
    world.runner.poll_now()
    start = world.clock.now()
    done = world.runner.until_idle(60)
    # then it is through at once, and the delivery is kept
    assert done
    assert world.clock.now() - start < timedelta(seconds=5)
    assert world.tally()["companies"] == {"ready": 1}
    # and when a person resumes the connection, it is delivered
    acts(world).resume({"connection": "sales"})
    later(world)
    world.settle()
    assert only(world, "Account").fields["Name"] == "A"
    assert codes(world) == []
