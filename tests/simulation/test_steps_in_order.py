"""Two steps on one record: in order, each told by reading, whatever happens between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.base import ActionSpec
from connectors.memory.faults import Fault, FaultKind, Rule
from connectors.memory.objects import MemoryObject, sales_objects
from tests.simulation import world as worlds
from tests.simulation.moments import codes, company, only, rows, settle_twice
from tests.simulation.project import PROJECT
from tests.simulation.world import Crash, World

MAPPING = """
mapping: company_to_account
source: {object: companies}
target: {object: Account, identity: Revline_Id__c}
match: [{name: Website, by: {Website: domain}}]
fields: {Name: name, Website: domain}
steps:
  - {name: post, action: post, done_when: = target.BillingCity == 'Posted'}
  - name: pay
    action: pay
    when: = target.BillingCity == 'Posted'
    done_when: = target.NumberOfEmployees == 7
"""
ONE_WAY = PROJECT.split("  contacts:")[0]
ACTS = {"post": {"BillingCity": "Posted"}, "pay": {"NumberOfEmployees": 7}}
ACTED = "select business_key, state from intent where operation = 'act' order by id"
TRIES = """
select a.number, a.key, a.outcome from attempt a join intent i on i.id = a.intent
where i.operation = 'act' order by i.id, a.number
"""


def objects(*, replayable: bool) -> tuple[MemoryObject, ...]:
    """The sales objects, an account of which can be posted and paid."""
    actions = tuple(ActionSpec(name, "its field says so", replayable) for name in ACTS)
    return tuple(
        replace(
            one,
            acts=ACTS,
            spec=replace(one.spec, actions=actions, replay_horizon=timedelta(hours=24)),
        )
        if one.name == "Account"
        else one
        for one in sales_objects()
    )


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[World]]:
    made: list[World] = []

    def build(*, replayable: bool = False) -> World:
        monkeypatch.setattr(worlds, "sales_objects", lambda: objects(replayable=replayable))
        made.append(World(tmp_path, project=ONE_WAY, mappings={"company_to_account": MAPPING}))
        return made[-1]

    yield build  # type: ignore[misc]
    for world in made:
        world.verify()
        world.close()


def acted(world: World) -> list[tuple[str, str]]:
    """Each act by the name of its step, and what became of it."""
    return [(key.rpartition(":")[2], state) for key, state in rows(world, ACTED)]


def posted_and_paid(world: World) -> None:
    fields = only(world, "Account").fields
    assert (fields["BillingCity"], fields["NumberOfEmployees"]) == ("Posted", 7)
    assert codes(world) == []


def at_the_second_write(world: World, kind: FaultKind) -> None:
    """The first write makes the account; what goes wrong is the first step."""
    world.plans["sales"].add(Rule(Fault(kind), kind="apply", object="Account", nth=2))


def writes(world: World) -> int:
    return world.sales.calls["apply", "Account"]


def test_steps_are_done_in_their_order(make: type[World]) -> None:
    world = make()
    company(world)
    settle_twice(world)
    assert acted(world) == [("post", "confirmed"), ("pay", "confirmed")]
    assert writes(world) == 3
    posted_and_paid(world)


def test_what_is_done_already_is_left_alone(make: type[World]) -> None:
    # given an account that somebody has posted and paid, found by its website
    world = make()
    world.sales.create(
        "Account",
        {"Name": "A", "Website": "a.example", "BillingCity": "Posted", "NumberOfEmployees": 7},
    )
    company(world)
    settle_twice(world)
    assert acted(world) == []


@pytest.mark.parametrize(
    ("point", "time"),
    [
        ("outcome.after_commit", 1),
        ("intent.before_commit", 2),
        ("outcome.after_commit", 2),
        ("intent.before_commit", 3),
        ("outcome.after_commit", 3),
    ],
)
def test_a_crash_between_steps_goes_on_by_reading(make: type[World], point: str, time: int) -> None:
    # given an engine that dies before one of its three writes is noted, or after it is settled
    world = make()
    company(world)
    left = [time]

    def fall(here: str) -> None:
        left[0] -= here == point
        if not left[0]:
            raise Crash

    world.failpoint = fall
    with pytest.raises(Crash):
        world.settle()
    world.failpoint = lambda _point: None
    world.crash()
    # when another goes on
    settle_twice(world)
    # then each step was done once
    assert sorted(acted(world)) == [("pay", "confirmed"), ("post", "confirmed")]
    assert writes(world) == 3
    posted_and_paid(world)


def test_a_step_whose_answer_was_lost_is_told_by_reading(make: type[World]) -> None:
    world = make()
    at_the_second_write(world, FaultKind.ANSWER_LOST)
    company(world)
    settle_twice(world)
    # then it is not sent again
    assert acted(world) == [("post", "confirmed"), ("pay", "confirmed")]
    assert [outcome for _number, _key, outcome in rows(world, TRIES)] == ["resolved", "confirmed"]
    assert writes(world) == 3
    posted_and_paid(world)


def test_a_step_that_never_arrived_is_sent_anew(make: type[World]) -> None:
    world = make()
    at_the_second_write(world, FaultKind.UNEXPECTED_ANSWER)
    company(world)
    settle_twice(world)
    # then reading shows that it is due still: another sending, under another key
    assert acted(world) == [("post", "absent"), ("post", "confirmed"), ("pay", "confirmed")]
    keys = {key for _number, key, _outcome in rows(world, TRIES)}
    assert len(keys) == 3
    posted_and_paid(world)


def test_an_action_that_can_be_repeated_is_asked_for_again_by_its_key(make: type[World]) -> None:
    world = make(replayable=True)
    at_the_second_write(world, FaultKind.ANSWER_LOST)
    company(world)
    settle_twice(world)
    # then the same key tells what became of it, and the effect was had once
    first, again, _pay = rows(world, TRIES)
    assert (first[0], again[0]) == (1, 2)
    assert first[1] == again[1]
    assert again[2] == "resolved"
    assert acted(world) == [("post", "confirmed"), ("pay", "confirmed")]
    posted_and_paid(world)
