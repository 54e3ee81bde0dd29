"""The right to create for a value: it ends with the value, and with the record that had it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.simulation.moments import codes, company, later, only
from tests.simulation.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def test_a_value_that_its_record_gave_up_is_free_for_another(world: World) -> None:
    # given a contact that was created for an e-mail address and has another one since
    first = world.crm.create("contacts", {"email": "x@x.example", "lastname": "A"}).ref.id
    world.settle()
    later(world)
    world.crm.update("contacts", first, {"email": "a2@x.example"})
    world.settle()
    assert only(world, "Contact").fields["Email"] == "a2@x.example"
    # when another contact comes with the address that was given up
    later(world)
    world.crm.create("contacts", {"email": "x@x.example", "lastname": "B"})
    world.settle()
    # then it is a contact of its own
    found = world.live(world.sales, "Contact").values()
    assert {(str(one.fields["LastName"]), str(one.fields["Email"])) for one in found} == {
        ("A", "a2@x.example"),
        ("B", "x@x.example"),
    }
    assert codes(world) == []


def test_a_record_entered_again_takes_over_what_the_deleted_one_made(world: World) -> None:
    # given a company that was archived after its account was made
    first = company(world, domain="x.example")
    world.settle()
    account = only(world, "Account").ref.id
    later(world)
    world.crm.archive("companies", first)
    world.clock.advance(timedelta(hours=2))
    world.settle()
    # when the same company is entered again
    later(world)
    second = company(world, name="A again", domain="x.example")
    world.settle()
    # then it is matched to the account that is there
    assert only(world, "Account").ref.id == account
    assert only(world, "Account").fields["Name"] == "A again"
    assert codes(world) == []
    # and when the account is deleted, that is what a person is told
    world.sales.delete("Account", account)
    world.clock.advance(timedelta(hours=2))
    world.settle()
    later(world)
    world.crm.update("companies", second, {"city": "Lund"})
    world.settle()
    assert codes(world) == ["TARGET_GONE"]
    assert world.live(world.sales, "Account") == {}
