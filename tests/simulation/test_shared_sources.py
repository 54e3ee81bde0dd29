"""Two syncs that read one object: what one of them learns is not kept from the other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.records import Ref
from tests.simulation.moments import (
    CONTACT_TO_LEAD,
    TWO_FROM_CONTACTS,
    acts,
    company,
    drain,
    hear,
    hear_notice,
    later,
    only,
    settle_twice,
)
from tests.simulation.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, project=TWO_FROM_CONTACTS, mappings=CONTACT_TO_LEAD)
    yield made
    made.close()


def contact(world: World) -> Ref:
    return world.crm.create("contacts", {"email": "a@a.example", "lastname": "Old"}).ref


def names(world: World) -> tuple[object, object]:
    """The last name in the targets of both syncs."""
    return (
        only(world, "Contact").fields["LastName"],
        only(world, "Lead").fields["LastName"],
    )


def test_what_a_woken_delivery_reads_reaches_the_other_sync_too(world: World) -> None:
    # given a contact that waits for its company in the one sync and is done in the other
    parent = Ref("companies", company(world, name="x" * 300))
    ref = contact(world)
    world.crm.associate(ref, parent, primary=True)
    world.settle()
    assert world.tally()["contacts"] == {"waiting": 1}
    assert world.tally()["leads"] == {"done": 1}
    # when the company is put right, and the woken delivery reads an edit not polled yet
    later(world)
    world.crm.update("companies", parent.id, {"name": "fine"})
    world.clock.advance(timedelta(seconds=20))
    hear(world)
    world.crm.update("contacts", ref.id, {"lastname": "New"})
    drain(world, "companies", "contacts", "leads")
    assert only(world, "Contact").fields["LastName"] == "New"
    later(world, 2)
    settle_twice(world)
    # then the next poll is news to the sync that has not seen it
    assert names(world) == ("New", "New")
    assert world.issues() == []


def test_what_a_backfill_of_one_sync_reads_reaches_the_other_sync_too(world: World) -> None:
    # given a contact in both targets, and an edit that was not polled yet
    ref = contact(world)
    world.settle()
    later(world)
    world.crm.update("contacts", ref.id, {"lastname": "New"})
    # when the past of the one sync is read again, before the next poll
    acts(world).backfill({"sync": "leads"})
    world.runner.poll_now([])
    world.runner.read_due()
    later(world, 2)
    settle_twice(world)
    # then both targets have the edit
    assert names(world) == ("New", "New")


def test_a_webhook_that_one_sync_listens_to_leaves_the_change_to_the_others_poll(
    tmp_path: Path,
) -> None:
    # given two syncs of contacts, one of which takes no webhooks
    project = TWO_FROM_CONTACTS.rstrip("\n") + "\n    webhooks: false\n"
    world = World(tmp_path, project=project, mappings=CONTACT_TO_LEAD)
    ref = contact(world)
    world.settle()
    # when an edit is told by webhook and delivered by the sync that listens
    later(world)
    world.crm.update("contacts", ref.id, {"lastname": "New"})
    hear_notice(world, "crm", ref)
    drain(world, "contacts")
    assert names(world) == ("New", "Old")
    later(world, 2)
    settle_twice(world)
    # then the poll brings it to the other one
    assert names(world) == ("New", "New")
    world.close()
