"""A system that is away is not blamed on the records that were to go there, however they come."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.memory.faults import FaultKind
from tests.simulation.moments import (
    ALWAYS,
    codes,
    company,
    drain,
    fault,
    hear,
    later,
    only,
    rows,
)
from tests.simulation.world import World

AWAY = pytest.mark.parametrize("call", ["*", "apply"], ids=["answers nothing", "takes nothing"])


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def listen(world: World) -> None:
    """Hear of everything, past the lag of the feed."""
    world.clock.advance(timedelta(seconds=15))
    hear(world)
    hear(world)


@AWAY
def test_an_outage_asks_nobody_about_what_had_piled_up(world: World, call: str) -> None:
    # given many records, and a target that is away
    for number in range(12):
        company(world, f"C{number}", f"c{number}.example")
    listen(world)
    fault(world, "sales", FaultKind.RETRY_LATER, call, times=ALWAYS)
    # when two hours pass, in which the engine tries with ever smaller claims
    for _ in range(40):
        drain(world, "companies")
        later(world, 3)
    # then nobody is asked, and nothing has used up a try
    assert codes(world) == []
    assert rows(world, "select max(tries) from delivery") == [(0,)]
    # and when it is back, everything arrives
    world.plans["sales"].clear()
    for _ in range(10):
        drain(world, "companies")
        later(world, 20)
    assert len(world.live(world.sales, "Account")) == 12
    assert codes(world) == []


@AWAY
def test_an_outage_asks_nobody_about_what_comes_one_by_one(world: World, call: str) -> None:
    # given a target that is away
    listen(world)
    fault(world, "sales", FaultKind.RETRY_LATER, call, times=ALWAYS)
    # when a record comes every five minutes, each of them alone in its batch
    for number in range(6):
        company(world, f"C{number}", f"c{number}.example")
        listen(world)
        for _ in range(5):
            drain(world, "companies")
            later(world, 1)
    # then nobody is asked
    assert codes(world) == []
    # and when it is back, everything arrives
    world.plans["sales"].clear()
    for _ in range(10):
        drain(world, "companies")
        later(world)
    assert len(world.live(world.sales, "Account")) == 6
    assert rows(world, "select count(*) from issue") == [(0,)]


def test_a_record_that_fails_for_a_day_is_told_though_nothing_else_is_written(
    world: World,
) -> None:
    # given a target that takes nothing, and one record that is to go there
    id = company(world)
    world.settle()
    later(world)
    fault(world, "sales", FaultKind.RETRY_LATER, "apply", "Account", ALWAYS)
    world.crm.update("companies", id, {"name": "B"})
    listen(world)
    # when almost a day passes, nobody is asked
    for _ in range(23):
        drain(world, "companies")
        later(world, 60)
    assert codes(world) == []
    # then, when it is over, the record uses up its tries, and a person is asked
    for _ in range(6):
        drain(world, "companies")
        later(world, 60)
    assert codes(world) == ["RETRIES_SPENT"]
    assert only(world, "Account").fields["Name"] == "A"


def test_a_record_that_fails_while_others_are_written_is_told_soon(world: World) -> None:
    # given a record that fails each time it is sent alone
    id = company(world)
    world.settle()
    later(world)
    world.crm.update("companies", id, {"name": "B"})
    listen(world)
    # when others are written between its tries
    for number in range(8):
        fault(world, "sales", FaultKind.RETRY_LATER, "apply", "Account")
        drain(world, "companies")
        world.plans["sales"].clear()
        world.crm.create("contacts", {"email": f"{number}@x.example", "lastname": "X"})
        listen(world)
        drain(world, "contacts")
        later(world, 20)
    # then it is that record, and a person is asked within hours
    assert codes(world) == ["RETRIES_SPENT"]
    assert len(world.live(world.sales, "Contact")) == 8
