"""A poll that somebody asks for is made: not forgotten for a page that was already on its way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.memory.faults import FaultKind
from engine.config.model import Endpoint
from tests.simulation.moments import ALWAYS, at_point, company, fault, only, rounds
from tests.simulation.world import Crash, World

LAG = timedelta(seconds=15)
COMPANIES = Endpoint("crm", "companies")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def settled_company(world: World) -> str:
    """A company in both systems, just polled: the next poll of its own accord is a minute off."""
    id = company(world)
    world.settle()
    world.runner.poll_now([COMPANIES])
    rounds(world, 1, seconds=5)
    return id


def edited(world: World, id: str) -> None:
    """An edit that the feed shows by now: it lags some seconds behind."""
    world.crm.update("companies", id, {"name": "B"})
    world.clock.advance(LAG)


def test_a_poll_asked_for_while_a_page_is_in_flight_is_made(world: World) -> None:
    # given a page of companies that has been answered and not yet been written down
    id = settled_company(world)

    # when a company is edited, and somebody asks for a poll because of it
    def edit_and_ask() -> None:
        world.crm.update("companies", id, {"name": "B"})
        world.runner.poll_now([COMPANIES])

    asked = at_point(world, "poll.page_received", edit_and_ask)
    world.runner.poll_now([COMPANIES])
    rounds(world, 1)
    assert asked()
    # then the next rounds bring it, long before the minute is over, and are not idle until then
    assert not world.runner.idle()
    world.clock.advance(LAG)
    rounds(world, 3, seconds=1)
    assert only(world, "Account").fields["Name"] == "B"
    assert world.runner.idle()


def test_a_poll_asked_for_is_made_once(world: World) -> None:
    # given a company that nobody edits
    settled_company(world)
    before = world.crm.calls[("changes", "companies")]
    # when a poll is asked for, and ten seconds pass
    world.runner.poll_now([COMPANIES])
    rounds(world, 10, seconds=1)
    # then there was one
    assert world.crm.calls[("changes", "companies")] == before + 1


def test_a_poll_that_fails_stays_asked_for(world: World) -> None:
    # given a feed that does not answer
    edited(world, settled_company(world))
    fault(world, "crm", FaultKind.UNEXPECTED_ANSWER, "changes", "companies", ALWAYS)
    # when a poll of it is asked for, and fails
    world.runner.poll_now([COMPANIES])
    rounds(world, 2, seconds=1)
    assert world.plans["crm"].played[FaultKind.UNEXPECTED_ANSWER] == 1
    assert not world.runner.idle()
    # then it is made when the feed answers again, though its own time has not come
    world.plans["crm"].clear()
    rounds(world, 20, seconds=1)
    assert only(world, "Account").fields["Name"] == "B"


def test_a_poll_that_breaks_off_stays_asked_for(world: World) -> None:
    # given a poll whose page is lost on our side, before it is written down
    edited(world, settled_company(world))

    def break_off() -> None:
        raise Crash

    broken = at_point(world, "poll.page_received", break_off)
    world.runner.poll_now([COMPANIES])
    with pytest.raises(Crash):
        world.runner.round()
    assert broken()
    # when the same engine goes on
    rounds(world, 3, seconds=1)
    # then the poll is made
    assert only(world, "Account").fields["Name"] == "B"
