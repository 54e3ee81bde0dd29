"""References that are not linked yet: waited for, left out, or written later."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.simulation.moments import drain, hear, hear_notice, later
from tests.simulation.project import MAPPINGS, PROJECT
from tests.simulation.world import World

LATER = MAPPINGS["contact_to_contact"].replace("on_missing: hold", "on_missing: later")


def test_a_later_reference_is_written_when_its_link_comes(tmp_path: Path) -> None:
    # given a contact whose company cannot be created yet
    world = World(tmp_path, mappings={"contact_to_contact": LATER})
    company = world.crm.create("companies", {"name": "x" * 300, "domain": "late.example"}).ref
    contact = world.crm.create("contacts", {"email": "c@late.example", "lastname": "C"}).ref
    world.crm.associate(contact, company, primary=True)
    # when the engine has done what it can
    world.settle()
    # then the contact is there without its account
    (written,) = world.live(world.sales, "Contact").values()
    assert written.fields.get("AccountId") is None
    assert world.tally()["contacts"] == {"done": 1}
    # and when the company is put right, the reference follows by itself
    world.clock.advance(timedelta(minutes=10))
    world.crm.update("companies", company.id, {"name": "Right"})
    world.settle()
    (account,) = world.live(world.sales, "Account")
    (written,) = world.live(world.sales, "Contact").values()
    assert written.fields["AccountId"] == account
    before = world.writes()
    world.settle()
    assert world.writes() == before


def test_a_link_that_comes_while_its_record_has_news_of_its_own_is_not_missed(
    tmp_path: Path,
) -> None:
    """The contact goes first, is told of again, and meanwhile its company is linked."""
    head, syncs = PROJECT.split("syncs:")
    contacts = (
        syncs.split("  contacts:")[1].split("  products:")[0].replace("after: [companies]", "")
    )
    companies = syncs.split("  contacts:")[0]
    project = f"{head}syncs:\n  contacts:{contacts}{companies}"
    world = World(tmp_path, project=project, mappings={"contact_to_contact": LATER})
    company = world.crm.create("companies", {"name": "A", "domain": "a.example"}).ref
    contact = world.crm.create("contacts", {"email": "c@a.example", "lastname": "C"}).ref
    world.crm.associate(contact, company, primary=True)
    later(world, 1)
    hear(world)
    hear(world)
    drain(world, "contacts")
    (written,) = world.live(world.sales, "Contact").values()
    assert written.fields.get("AccountId") is None
    hear_notice(world, "crm", contact)
    drain(world, "companies")
    world.settle()
    (account,) = world.live(world.sales, "Account")
    (written,) = world.live(world.sales, "Contact").values()
    assert written.fields["AccountId"] == account


def test_a_day_of_waiting_is_an_issue_that_names_the_parent(tmp_path: Path) -> None:
    world = World(tmp_path)
    company = world.crm.create("companies", {"name": "x" * 300, "domain": "late.example"}).ref
    contact = world.crm.create("contacts", {"email": "c@late.example", "lastname": "C"}).ref
    world.crm.associate(contact, company, primary=True)
    world.settle()
    world.clock.advance(timedelta(hours=25))
    world.settle()
    found = {issue.code: issue for issue in world.issues()}
    assert set(found) == {"REFUSED", "WAITS_LONG"}
    waiting = found["WAITS_LONG"]
    assert waiting.source.id == contact.id
    assert waiting.parameters["awaited"] == f"companies {company.id}"
    assert "companies: issue" in waiting.parameters["awaited_state"]
    world.crm.update("companies", company.id, {"name": "Right"})
    world.settle()
    assert world.issues() == []
