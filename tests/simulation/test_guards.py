"""Guards count what took effect, hold what goes beyond, and let go when there is room again."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from connectors.memory.faults import FaultKind
from tests.simulation.moments import (
    codes,
    companies_with,
    company,
    drain,
    fault,
    hear,
    later,
    restart_as,
    rounds,
    rows,
)
from tests.simulation.project import PROJECT
from tests.simulation.world import World

TWO_CREATES = companies_with("guards: {creates_max: 2}")
TWO_DELETES = companies_with("on_delete: delete\n    guards: {deletes_max: 2}")
SHADOWED = TWO_CREATES.replace("enabled: true", "enabled: shadow", 1)


def companies(world: World, *names: str) -> list[str]:
    return [company(world, name, f"{name}.example") for name in names]


def accounts(world: World) -> set[str]:
    return {str(one.fields["Name"]) for one in world.live(world.sales, "Account").values()}


def listen(world: World) -> None:
    """Hear of everything, past the lag of the feed."""
    world.clock.advance(timedelta(seconds=15))
    hear(world)
    hear(world)


def test_creates_beyond_the_limit_are_held_and_let_go_by_the_hour(tmp_path: Path) -> None:
    # given a sync that may create two records an hour
    world = World(tmp_path, project=TWO_CREATES)
    # when five come at once
    companies(world, *"abcde")
    listen(world)
    drain(world, "companies")
    # then two are created, and the others are held within the hour
    assert world.tally()["companies"] == {"done": 2, "held": 3}
    first, leases = accounts(world), rows(world, "select sum(lease) from delivery")
    later(world, 1)
    rounds(world, 5, seconds=600)
    assert accounts(world) == first
    assert rows(world, "select sum(lease) from delivery") == leases
    # and then, hour by hour, two more are let go by themselves
    rounds(world, 3, seconds=600)
    assert world.tally()["companies"] == {"done": 4, "held": 1}
    rounds(world, 7, seconds=660)
    assert accounts(world) == set("abcde")
    assert codes(world) == []
    world.close()


def test_what_a_limit_held_is_let_go_at_the_start_with_a_higher_one(tmp_path: Path) -> None:
    # given five companies, of which three are held because two may be created
    world = World(tmp_path, project=TWO_CREATES)
    companies(world, *"abcde")
    listen(world)
    drain(world, "companies")
    assert world.tally()["companies"] == {"done": 2, "held": 3}
    # when the operator takes the limit away, and starts the engine again
    restart_as(world, PROJECT)
    drain(world, "companies")
    # then all of them are created, with no wait
    assert accounts(world) == set("abcde")
    assert world.tally()["companies"] == {"done": 5}
    world.close()


def test_creates_that_were_refused_are_not_counted(tmp_path: Path) -> None:
    # given a sync that may create two records an hour, and two whose creates are refused
    world = World(tmp_path, project=TWO_CREATES)
    fault(world, "sales", FaultKind.REFUSED, "apply", "Account", 2)
    for name in ("bad", "worse"):
        companies(world, name)
        listen(world)
        drain(world, "companies")
    assert world.plans["sales"].played[FaultKind.REFUSED] == 2
    # when two others come within the hour
    companies(world, "a", "b")
    listen(world)
    drain(world, "companies")
    # then they are created
    assert accounts(world) == {"a", "b"}
    assert world.tally()["companies"] == {"done": 2, "issue": 2}
    world.close()


def test_creates_that_never_arrived_are_not_counted(tmp_path: Path) -> None:
    # given a sync that may create two records an hour, and a create that is lost twice on its way
    world = World(tmp_path, project=TWO_CREATES)
    fault(world, "sales", FaultKind.UNEXPECTED_ANSWER, "apply", "Account", 2)
    companies(world, "a")
    listen(world)
    # when it is sent a third time
    for _ in range(4):
        drain(world, "companies")
        later(world, 5)
    # then it is created, and there is room for one more
    assert world.sales.calls[("apply", "Account")] == 3
    assert accounts(world) == {"a"}
    companies(world, "b")
    listen(world)
    drain(world, "companies")
    assert accounts(world) == {"a", "b"}
    world.close()


def test_deletes_that_took_no_effect_are_not_counted(tmp_path: Path) -> None:
    # given a sync that may delete two records an hour, and a record that is locked twice
    world = World(tmp_path, project=TWO_DELETES)
    one, _other = companies(world, "a", "b")
    world.settle()
    later(world)
    fault(world, "sales", FaultKind.ROW_LOCKED, "apply", "Account", 2)
    world.crm.archive("companies", one)
    world.clock.advance(timedelta(hours=2))
    hear(world)
    # when its delete is sent a third time
    for _ in range(4):
        drain(world, "companies")
        later(world, 2)
    # then it is deleted, and nobody was asked
    assert world.plans["sales"].played[FaultKind.ROW_LOCKED] == 2
    assert accounts(world) == {"b"}
    assert codes(world) == []
    world.close()


def test_what_a_shadow_sync_would_have_created_is_not_counted(tmp_path: Path) -> None:
    # given a sync in shadow that would have created two records
    world = World(tmp_path, project=SHADOWED)
    companies(world, "a", "b")
    listen(world)
    drain(world, "companies")
    assert accounts(world) == set()
    # when it goes live within the hour, and may create two
    restart_as(world, TWO_CREATES)
    drain(world, "companies")
    # then both are created
    assert accounts(world) == {"a", "b"}
    assert world.tally()["companies"] == {"done": 2}
    world.close()
