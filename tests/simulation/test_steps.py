"""Steps on the target: each done once, told by reading, and never guessed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.base import ActionSpec
from connectors.memory.objects import MemoryObject, sales_objects
from tests.simulation import world as worlds
from tests.simulation.moments import (
    codes,
    company,
    later,
    only,
    rounds,
    rows,
    settle_twice,
)
from tests.simulation.project import PROJECT
from tests.simulation.world import Crash, World

CLOSE = """
mapping: company_to_account
source: {object: companies}
target: {object: Account, identity: Revline_Id__c}
when: = city is None
match: [{name: Website, by: {Website: domain}}]
fields: {Name: name, Website: domain}
steps:
  - {name: settle, action: settle, done_when: = target.BillingCity == 'Rome', fields: {NumberOfEmployees: numberofemployees}}
"""  # noqa: E501
ONE_WAY = PROJECT.split("  contacts:")[0]
SENT = "select state from intent where operation = 'act' order by id"


def settling(gives: str) -> tuple[MemoryObject, ...]:
    """The sales objects, an account of which can be settled: that makes its city ``gives``."""
    actions = (ActionSpec("settle", "the city says so"),)
    return tuple(
        replace(
            one,
            acts={"settle": {"BillingCity": gives}},
            spec=replace(one.spec, actions=actions),
        )
        if one.name == "Account"
        else one
        for one in sales_objects()
    )


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[World]]:
    made: list[World] = []

    def build(gives: str = "Rome", project: str = ONE_WAY) -> World:
        monkeypatch.setattr(worlds, "sales_objects", lambda: settling(gives))
        made.append(World(tmp_path, project=project, mappings={"company_to_account": CLOSE}))
        return made[-1]

    yield build  # type: ignore[misc]
    for world in made:
        world.close()


def crash_at(world: World, point: str, time: int) -> None:
    """Work until the engine passes a point for so many a time, and is gone."""
    passed: list[str] = []

    def fall(here: str) -> None:
        passed.extend([here] if here == point else [])
        if len(passed) == time:
            raise Crash

    world.failpoint = fall
    with pytest.raises(Crash):
        world.settle()
    world.failpoint = lambda _point: None


def test_a_step_is_done_once(make: type[World]) -> None:
    world = make()
    company(world)
    settle_twice(world)
    assert only(world, "Account").fields["BillingCity"] == "Rome"
    assert rows(world, SENT) == [("confirmed",)]
    assert codes(world) == []


def test_a_step_that_never_shows_is_done_once_and_told(make: type[World]) -> None:
    # given an action that does something else than `done_when` waits for
    world = make("Oslo")
    ref = company(world)
    settle_twice(world)
    # then it was done once, however often the record changes
    world.crm.update("companies", ref, {"name": "B"})
    settle_twice(world)
    assert rows(world, SENT) == [("confirmed",)]
    assert codes(world) == ["MAPPING"]


def test_a_sync_that_only_links_does_no_step(make: type[World]) -> None:
    world = make(project=f"{ONE_WAY}    mode: link_only\n")
    world.sales.create("Account", {"Name": "A", "Website": "a.example"})
    company(world)
    settle_twice(world)
    assert only(world, "Account").fields["BillingCity"] is None
    assert rows(world, SENT) == []


@pytest.mark.parametrize(
    ("point", "ends"), [("send.before", "absent"), ("send.applied", "confirmed")]
)
def test_what_was_in_doubt_is_told_though_the_record_takes_no_part_any_more(
    make: type[World], point: str, ends: str
) -> None:
    # given an action without an answer, and a record that is not included any more
    world = make()
    ref = company(world)
    crash_at(world, point, 2)
    world.crm.update("companies", ref, {"city": "Bern"})
    world.crash()
    later(world)
    settle_twice(world)
    # then its fate is known, and nobody waits for it
    assert rows(world, SENT) == [(ends,)]


def test_what_was_in_doubt_on_a_target_that_is_gone_is_for_a_person(make: type[World]) -> None:
    world = make()
    company(world)
    crash_at(world, "send.before", 2)
    world.sales.delete("Account", only(world, "Account").ref.id)
    world.crash()
    later(world)
    settle_twice(world)
    assert rows(world, SENT) == [("parked",)]
    assert "IN_DOUBT" in codes(world)


def test_a_step_that_shows_late_is_waited_for(make: type[World]) -> None:
    # given a target that shows what was done to it a minute later
    world = make("Oslo")
    company(world)
    rounds(world, 10)
    assert codes(world) == []
    world.sales.update("Account", only(world, "Account").ref.id, {"BillingCity": "Rome"})
    settle_twice(world)
    assert rows(world, SENT) == [("confirmed",)]
    assert codes(world) == []
