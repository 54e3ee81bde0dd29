"""Merges, conversions, removals, duplicates, bad records: each ends as the design says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.records import Ref
from tests.simulation.conftest import ON_BOTH
from tests.simulation.moments import acts, companies_with, line_of, rows
from tests.simulation.world import World


@pytest.fixture
def world(tmp_path: Path, store_url: str | None) -> Iterator[World]:
    made = World(tmp_path, store_url=store_url)
    yield made
    made.close()


def deal(world: World, name: str = "Deal", **fields: object) -> str:
    values = {
        "dealname": name,
        "amount": Decimal(10),
        "deal_currency_code": "USD",
        "dealstage": "appointment",
        "closedate": date(2026, 6, 1),
        **fields,
    }
    return world.crm.create("deals", values).ref.id


def later(world: World) -> None:
    world.clock.advance(timedelta(minutes=10))


@ON_BOTH
def test_two_companies_with_one_domain_make_one_account(world: World) -> None:
    world.crm.create("companies", {"name": "One", "domain": "same.example"})
    world.crm.create("companies", {"name": "Two", "domain": "same.example"})
    world.settle()
    assert len(world.live(world.sales, "Account")) == 1
    (issue,) = world.issues()
    assert issue.code == "MATCH_ALREADY_LINKED"
    assert len(issue.candidates) == 1


def test_a_record_that_matches_two_targets_is_never_written(world: World) -> None:
    world.sales.create("Account", {"Name": "A", "Website": "dup.example"})
    world.sales.create("Account", {"Name": "B", "Website": "dup.example"})
    world.crm.create("companies", {"name": "Dup", "domain": "dup.example"})
    world.settle()
    (issue,) = world.issues()
    assert issue.code == "MATCH_AMBIGUOUS"
    assert len(issue.candidates) == 2
    assert len(world.live(world.sales, "Account")) == 2
    assert ("apply", "Account") not in world.sales.calls


def test_a_match_is_linked_updated_and_stamped(world: World) -> None:
    existing = world.sales.create("Account", {"Name": "Old name", "Website": "found.example"})
    company = world.crm.create("companies", {"name": "New name", "domain": "found.example"})
    world.settle()
    (account,) = world.live(world.sales, "Account").values()
    assert account.ref == existing.ref
    assert account.fields["Name"] == "New name"
    assert account.fields["Revline_Id__c"] == f"revline-companies-{company.ref.id}"


@ON_BOTH
def test_one_bad_record_in_a_hundred_is_one_issue(world: World) -> None:
    for number in range(100):
        name = "x" * 300 if number == 50 else f"Company {number}"
        world.crm.create("companies", {"name": name, "domain": f"c{number}.example"})
    world.settle()
    assert len(world.live(world.sales, "Account")) == 99
    (issue,) = world.issues()
    assert issue.code == "REFUSED"
    bad = issue.source.id
    later(world)
    world.crm.update("companies", bad, {"name": "Short"})
    world.settle()
    assert world.issues() == []
    assert len(world.live(world.sales, "Account")) == 100


@ON_BOTH
def test_contacts_merged_at_the_source_keep_one_target(world: World) -> None:
    first = world.crm.create("contacts", {"email": "a@x.example", "lastname": "A"}).ref.id
    second = world.crm.create("contacts", {"email": "b@x.example", "lastname": "B"}).ref.id
    world.settle()
    assert len(world.live(world.sales, "Contact")) == 2
    later(world)
    world.crm.merge("contacts", first, second)
    world.settle()
    codes = [issue.code for issue in world.issues()]
    assert codes == ["MERGED_TWO_TARGETS"]
    assert len(world.live(world.sales, "Contact")) == 2


@ON_BOTH
def test_an_archived_deal_is_flagged_and_its_target_kept(world: World) -> None:
    id = deal(world)
    world.settle()
    later(world)
    world.crm.archive("deals", id)
    world.clock.advance(timedelta(hours=2))
    world.settle()
    assert len(world.live(world.sales, "Opportunity")) == 1
    told = [line for line in world.lines() if line["outcome"] == "flagged"]
    assert len(told) == 1
    later(world)
    world.crm.restore("deals", id)
    world.crm.update("deals", id, {"amount": Decimal(99)})
    world.settle()
    (opportunity,) = world.live(world.sales, "Opportunity").values()
    assert opportunity.fields["Amount"] == Decimal(99)


def test_a_target_merged_away_is_followed(world: World) -> None:
    world.crm.create("companies", {"name": "One", "domain": "one.example"})
    world.settle()
    (account,) = world.live(world.sales, "Account")
    other = world.sales.create("Account", {"Name": "Survivor"}).ref.id
    world.sales.merge("Account", other, account)
    later(world)
    (company,) = world.live(world.crm, "companies")
    world.crm.update("companies", company, {"city": "Lund"})
    world.settle()
    assert world.issues() == []
    assert world.sales.get("Account", other).fields["BillingCity"] == "Lund"


def test_a_deleted_target_is_an_issue_and_nothing_is_created(world: World) -> None:
    company = world.crm.create("companies", {"name": "One", "domain": "one.example"}).ref.id
    world.settle()
    (account,) = world.live(world.sales, "Account")
    world.sales.delete("Account", account)
    later(world)
    world.crm.update("companies", company, {"city": "Lund"})
    world.settle()
    (issue,) = world.issues()
    assert issue.code == "TARGET_GONE"
    assert world.live(world.sales, "Account") == {}


@ON_BOTH
def test_a_child_waits_for_its_parents_link(world: World) -> None:
    company = world.crm.create("companies", {"name": "x" * 300, "domain": "late.example"}).ref
    contact = world.crm.create("contacts", {"email": "c@late.example", "lastname": "C"}).ref
    world.crm.associate(contact, company, primary=True)
    world.settle()
    assert world.live(world.sales, "Contact") == {}
    assert world.tally()["contacts"] == {"waiting": 1}
    later(world)
    world.crm.update("companies", company.id, {"name": "Right"})
    world.settle()
    assert len(world.live(world.sales, "Contact")) == 1
    assert world.issues() == []


def test_a_field_that_flaps_is_frozen(world: World) -> None:
    id = deal(world)
    world.settle()
    (opportunity,) = world.live(world.sales, "Opportunity")
    for turn in range(8):
        later_by = timedelta(minutes=3)
        world.clock.advance(later_by)
        value = Decimal(1 if turn % 2 else 2)
        if turn % 2:
            world.crm.update("deals", id, {"amount": value})
        else:
            world.sales.update("Opportunity", opportunity, {"Amount": value})
        for _ in range(6):
            world.runner.poll_now()
            world.runner.round()
            world.clock.advance(timedelta(seconds=2))
    assert [issue.code for issue in world.issues()] == ["FIELD_FLAPPING"]


def test_two_targets_merged_into_one_stay_an_issue_however_often_the_source_changes(
    world: World,
) -> None:
    # given two companies whose accounts were merged in the sales system
    world.crm.create("companies", {"name": "One", "domain": "one.example"})
    second = world.crm.create("companies", {"name": "Two", "domain": "two.example"}).ref.id
    world.settle()
    accounts = {r.fields["Name"]: id for id, r in world.live(world.sales, "Account").items()}
    later(world)
    world.sales.merge("Account", accounts["One"], accounts["Two"])
    # when the company that lost its account is edited, once and again
    for city in ("Lund", "Malmo"):
        world.crm.update("companies", second, {"city": city})
        world.settle()
        later(world)
        # then a person is asked, and no account is made or taken from the other company
        (issue,) = world.issues()
        assert (issue.code, issue.source.id) == ("MERGED_TARGETS", second)
        (account,) = world.live(world.sales, "Account").values()
        assert account.fields["Name"] == "One"


def test_a_child_that_moves_to_another_root_has_one_target_under_the_new_one(
    world: World,
) -> None:
    # given a line item of one deal
    one, two = Ref("deals", deal(world, "A")), Ref("deals", deal(world, "B"))
    line = line_of(world, one)
    world.settle()
    # when it is put on another deal, and only later taken off the first
    later(world)
    world.crm.associate(two, line)
    world.crm.update("deals", two.id, {"dealname": "B2"})
    world.settle()
    later(world)
    world.crm.disassociate(one, line)
    world.crm.update("deals", one.id, {"dealname": "A2"})
    world.settle()
    world.clock.advance(timedelta(hours=3))
    world.settle()
    # then the target has it once, where it is now
    opportunities = world.live(world.sales, "Opportunity").values()
    (moved_to,) = [found.ref.id for found in opportunities if found.fields["Name"] == "B2"]
    (written,) = world.live(world.sales, "OpportunityLineItem").values()
    assert written.fields["OpportunityId"] == moved_to
    assert world.issues() == []


def test_an_issue_of_a_merge_outlives_edits_of_the_survivor(world: World) -> None:
    # given two contacts, each with a target, merged at the source
    first = world.crm.create("contacts", {"email": "a@x.example", "lastname": "A"}).ref.id
    second = world.crm.create("contacts", {"email": "b@x.example", "lastname": "B"}).ref.id
    world.settle()
    later(world)
    world.crm.merge("contacts", first, second)
    world.settle()
    # when the survivor is edited
    later(world)
    world.crm.update("contacts", first, {"phone": "1"})
    world.settle()
    # then the question of the two targets is still there
    assert [issue.code for issue in world.issues()] == ["MERGED_TWO_TARGETS"]
    assert len(world.live(world.sales, "Contact")) == 2


def test_a_resync_of_a_record_whose_target_is_gone_makes_a_new_one(world: World) -> None:
    # given a company whose account was deleted
    company = world.crm.create("companies", {"name": "One", "domain": "one.example"}).ref.id
    world.settle()
    (account,) = world.live(world.sales, "Account")
    world.sales.delete("Account", account)
    later(world)
    world.crm.update("companies", company, {"city": "Lund"})
    world.settle()
    (issue,) = world.issues()
    assert issue.code == "TARGET_GONE"
    # when the operator does what the issue names as its fix
    acts(world).resync({"issues": [issue.id]})
    world.settle()
    # then there is an account again, whole, and no issue
    (made,) = world.live(world.sales, "Account").values()
    assert made.ref.id != account
    assert (made.fields["Name"], made.fields["BillingCity"]) == ("One", "Lund")
    assert world.issues() == []


def test_an_edit_of_a_record_whose_facing_target_was_deleted_is_an_issue(world: World) -> None:
    # given a deal whose opportunity was deleted, which the facing sync has heard
    id = deal(world)
    world.settle()
    (opportunity,) = world.live(world.sales, "Opportunity")
    later(world)
    world.sales.delete("Opportunity", opportunity)
    world.clock.advance(timedelta(hours=2))
    world.settle()
    assert rows(world, "select state, reason from link") == [("closed", "removed at the source")]
    assert world.issues() == []
    # when the deal is edited
    world.crm.update("deals", id, {"amount": Decimal(7)})
    later(world)
    world.settle(hours_max=2)
    # then the engine comes to rest with a question, and makes nothing by itself
    assert [issue.code for issue in world.issues()] == ["TARGET_GONE"]
    assert world.live(world.sales, "Opportunity") == {}


def test_a_record_restored_after_its_target_was_deleted_gets_a_new_target(tmp_path: Path) -> None:
    # given a sync that deletes in the target too
    project = companies_with("on_delete: delete\n    guards: {deletes_max: 10}")
    world = World(tmp_path, project=project)
    company = world.crm.create("companies", {"name": "A", "domain": "a.example"}).ref.id
    world.settle()
    later(world)
    world.crm.archive("companies", company)
    world.clock.advance(timedelta(hours=2))
    world.settle()
    assert world.live(world.sales, "Account") == {}
    # when the company is restored
    later(world)
    world.crm.restore("companies", company)
    world.clock.advance(timedelta(hours=2))
    world.settle()
    # then it has one account, and the link that was closed stays so
    (account,) = world.live(world.sales, "Account").values()
    assert account.fields["Name"] == "A"
    assert rows(world, "select state, reason from link order by number") == [
        ("closed", "deleted in the target"),
        ("active", None),
    ]
    assert world.tally()["companies"] == {"done": 1}
    assert world.issues() == []
    world.close()
