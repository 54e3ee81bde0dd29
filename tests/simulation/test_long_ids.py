"""An id that is too long to name a record by stops that record alone, before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulation.moments import codes, company, settle_twice
from tests.simulation.world import World

LONG = "x" * 240


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def test_its_record_is_an_issue_and_the_others_go_on(world: World) -> None:
    company(world, "Beta", "beta.example")
    fields = {"name": "Acme", "domain": "acme.example"}
    world.crm.create("companies", fields, id=LONG)
    settle_twice(world)
    assert codes(world) == ["IDENTITY_TOO_LONG"]
    accounts = world.live(world.sales, "Account").values()
    assert [one.fields["Name"] for one in accounts] == ["Beta"]
