"""What only an idempotency key protects is looked for before it is made."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.base import CreateIdentity
from connectors.errors import DuplicateFound
from connectors.memory import writes
from connectors.memory.describing import text
from connectors.memory.objects import MemoryObject, billing_objects, sales_objects
from connectors.records import Ref
from tests.simulation import world as worlds
from tests.simulation.moments import codes, company, settle_twice
from tests.simulation.project import PROJECT
from tests.simulation.world import World

CHARGES = (
    PROJECT.split("  companies:")[0]
    + """
  charges: {from: crm.companies, to: sales.charges, mapping: charge, start_from: everything}
"""
)
CHARGE = """
mapping: charge
source: {object: companies}
target: {object: charges, identity: reference}
fields: {customer: name, amount: {const: 1}, currency: {const: USD}}
"""


def charges(*, findable: bool, identity: CreateIdentity) -> tuple[MemoryObject, ...]:
    """The sales objects, and charges with a place for our identity."""
    reference = text("reference", unique=identity is CreateIdentity.OWN_NUMBER)
    return (
        *sales_objects(),
        *(
            replace(
                one,
                fields={**one.fields, "reference": reference},
                spec=replace(
                    one.spec,
                    identity_field="reference",
                    findable=findable,
                    create_identity=identity,
                    match_keys=("reference",),
                ),
            )
            for one in billing_objects()
        ),
    )


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[World]]:
    made: list[World] = []

    def build(
        *, findable: bool = True, identity: CreateIdentity = CreateIdentity.IDEMPOTENCY_KEY
    ) -> World:
        objects = charges(findable=findable, identity=identity)
        monkeypatch.setattr(worlds, "sales_objects", lambda: objects)
        made.append(World(tmp_path, project=CHARGES, mappings={"charge": CHARGE}))
        return made[-1]

    yield build  # type: ignore[misc]
    for world in made:
        world.close()


def lose_store(world: World) -> None:
    world.store.close()
    shutil.rmtree(world.folder / "state")
    world.clock.advance(timedelta(minutes=10))
    world.runner = world.boot()


def lookups(world: World) -> int:
    return world.sales.calls["lookup", "charges"]


def test_a_charge_that_was_forgotten_is_found_and_not_made_again(make: type[World]) -> None:
    # given a charge, and a store that is lost with every key it knew
    world = make()
    company(world)
    settle_twice(world)
    assert len(world.live(world.sales, "charges")) == 1
    lose_store(world)
    # when a new store goes over everything
    settle_twice(world)
    # then there is one charge, linked, and nobody is asked
    assert len(world.live(world.sales, "charges")) == 1
    assert [line["operation"] for line in world.lines() if line["sync"] == "charges"] == ["link"]
    assert codes(world) == []


def test_what_is_never_shown_is_not_looked_for(make: type[World]) -> None:
    world = make(findable=False)
    company(world)
    settle_twice(world)
    assert lookups(world) == 0
    assert len(world.live(world.sales, "charges")) == 1


def test_a_number_of_ours_that_is_taken_leads_to_a_look(
    make: type[World], monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a charge under a number of ours, and a store that is lost
    world = make(identity=CreateIdentity.OWN_NUMBER)
    company(world)
    settle_twice(world)
    assert lookups(world) == 0
    lose_store(world)
    # when it is made again and the target says that the number is taken
    settle_twice(world)
    # then it is looked for and linked
    assert lookups(world) >= 1
    assert len(world.live(world.sales, "charges")) == 1
    assert codes(world) == []


def test_a_number_that_is_taken_by_nobody_we_know_is_told(
    make: type[World], monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a target that says a number is taken, and shows no record with it
    world = make(identity=CreateIdentity.OWN_NUMBER)

    def taken(*_: object) -> object:
        ref = Ref("charges", "ch_1")
        raise DuplicateFound("the number is taken", candidates=(ref,), code="NUMBER_TAKEN")

    monkeypatch.setattr(writes, "_create", taken)
    company(world)
    settle_twice(world)
    # then after a look and another try a person is asked, each time it is told of the record
    assert world.sales.calls["apply", "charges"] == 2 * lookups(world)
    assert codes(world) == ["DUPLICATE"]
