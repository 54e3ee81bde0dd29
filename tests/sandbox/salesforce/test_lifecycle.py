"""Merging, converting, deleting with children, restoring; the seeded org."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.salesforce import build
from sandbox.seed import build_world


def test_merged_accounts(org: Any) -> None:
    survivor = org.create("Account", Name="survivor", Revline_Id__c="s")
    loser = org.create("Account", Name="loser", Revline_Id__c="l")
    contact = org.create("Contact", LastName="c", AccountId=loser)
    deal = org.opportunity(AccountId=loser)
    before = org.read("Contact", contact)["SystemModstamp"]
    org.shift(2)
    org.mutate("Account", "merge", survivor, loser=loser)
    assert org.read("Account", survivor)["Name"] == "survivor"
    moved = org.read("Contact", contact)
    assert moved["AccountId"] == survivor
    assert moved["SystemModstamp"] > before
    assert org.read("Opportunity", deal)["AccountId"] == survivor
    (row,) = org.query(
        f"SELECT Id, IsDeleted, MasterRecordId FROM Account WHERE Id = '{loser}'", all=True
    )
    assert (row["IsDeleted"], row["MasterRecordId"]) == (True, survivor)
    gone = org.call("PATCH", f"/sobjects/Account/{loser}", {"Name": "x"})
    assert gone.json()[0]["errorCode"] == "ENTITY_IS_DELETED"
    org.create("Account", Name="new", Revline_Id__c="l")  # the loser's key is free again
    refused = org.http.post(
        f"{org.admin_url}/mutate",
        json={"object": "Account", "op": "restore", "id": loser},
        timeout=5,
    )
    assert refused.status_code == 400


@pytest.mark.parametrize("object", ["Contact", "Lead"])
def test_people_can_be_merged(org: Any, object: str) -> None:
    more = {"Company": "c"} if object == "Lead" else {}
    survivor, loser = (org.create(object, LastName=name, **more) for name in ("s", "l"))
    org.mutate(object, "merge", survivor, loser=loser)
    rows = org.query(f"SELECT Id, MasterRecordId FROM {object} WHERE IsDeleted = true", all=True)
    assert [(row["Id"], row["MasterRecordId"]) for row in rows] == [(loser, survivor)]


def test_a_converted_lead_goes_on_as_contact_account_and_opportunity(org: Any) -> None:
    lead = org.create("Lead", FirstName="Marie", LastName="Curie", Company="Radium",
                      Email="m@radium.example", Revline_Id__c="lead-1")  # fmt: skip
    before = org.read("Lead", lead)
    org.shift(2)
    row = org.mutate("Lead", "convert", lead, opportunity=True)
    assert row["IsConverted"] is True
    read = org.read("Lead", lead)
    assert read["Status"] == "Closed - Converted"
    assert read["SystemModstamp"] > before["SystemModstamp"]
    contact = org.read("Contact", read["ConvertedContactId"])
    assert (contact["Email"], contact["Name"]) == ("m@radium.example", "Marie Curie")
    assert contact["Revline_Id__c"] is None
    assert contact["AccountId"] == read["ConvertedAccountId"]
    assert org.read("Account", read["ConvertedAccountId"])["Name"] == "Radium"
    deal = org.read("Opportunity", read["ConvertedOpportunityId"])
    assert deal["AccountId"] == read["ConvertedAccountId"]
    roles = org.query("SELECT ContactId, IsPrimary FROM OpportunityContactRole")
    assert [(role["ContactId"], role["IsPrimary"]) for role in roles] == [(contact["Id"], True)]
    update = org.call("PATCH", f"/sobjects/Lead/{lead}", {"Title": "Dr"})
    assert (update.status_code, update.json()[0]["errorCode"]) == (
        400, "CANNOT_UPDATE_CONVERTED_LEAD",
    )  # fmt: skip
    upsert = org.call("PATCH", "/sobjects/Lead/Revline_Id__c/lead-1", {"Title": "Dr"})
    assert upsert.json()[0]["errorCode"] == "CANNOT_UPDATE_CONVERTED_LEAD"


def test_conversion_into_existing_records(org: Any) -> None:
    lead = org.create("Lead", LastName="Curie", Company="Radium")
    account = org.create("Account", Name="Radium")
    contact = org.create("Contact", LastName="Curie", AccountId=account)
    org.mutate("Lead", "convert", lead, account_id=account, contact_id=contact)
    read = org.read("Lead", lead)
    assert (read["ConvertedAccountId"], read["ConvertedContactId"]) == (account, contact)
    assert read["ConvertedOpportunityId"] is None
    assert len(org.query("SELECT Id FROM Contact")) == 1


def test_deleting_takes_the_children_along_and_restoring_brings_them_back(org: Any) -> None:
    account = org.create("Account", Name="a")
    contact = org.create("Contact", LastName="c", AccountId=account)
    earlier = org.create("Contact", LastName="gone before", AccountId=account)
    org.call("DELETE", f"/sobjects/Contact/{earlier}")
    org.shift(60)
    org.call("DELETE", f"/sobjects/Account/{account}")
    assert org.query("SELECT Id FROM Contact") == []
    org.mutate("Account", "restore", account)
    assert [row["Id"] for row in org.query("SELECT Id FROM Contact")] == [contact]
    assert org.read("Account", account)["IsDeleted"] is False


def test_edits_behind_the_back_are_not_counted_as_api_writes(org: Any) -> None:
    id = org.create("Account", Name="a", Revline_Id__c="k")
    org.mutate("Account", "update", id, Name="b", SystemModstamp="2020-01-01T00:00:00.000+0000")
    assert org.read("Account", id)["SystemModstamp"].startswith("2020-01-01")
    counts = org.look("counts")["counts"]["Account"]["k"]
    assert (counts["creates"], counts["changing_updates"]) == (1, 0)
    state = org.look("state")["objects"]["Account"]
    assert state[id]["Name"] == "b"


def test_unknown_edits_are_refused_with_a_reason(org: Any) -> None:
    for body in (
        {"object": "Nothing", "op": "create"},
        {"object": "Account", "op": "archive", "id": "001000000000001AAA"},
        {"object": "Account", "op": "update", "id": "001000000000001AAA"},
        {"object": "Account", "op": "create", "fields": {"Foo__c": 1}},
    ):
        answer = org.http.post(f"{org.admin_url}/mutate", json=body, timeout=5)
        assert answer.status_code == 400
        assert answer.json()["error"]


def test_a_load_that_fails_loads_nothing(org: Any) -> None:
    rows = [{"Name": "a", "Revline_Id__c": "k"}, {"Name": "b", "Revline_Id__c": "k"}]
    body = {"objects": {"Account": rows}}
    answer = org.http.post(f"{org.admin_url}/load", json=body, timeout=5)
    assert answer.status_code == 400
    assert "DUPLICATE_VALUE" in answer.json()["error"]
    assert org.query("SELECT Id FROM Account") == []


def test_the_seeded_org_is_the_same_for_the_same_seed_and_overlaps_the_world() -> None:
    first, second = build(7), build(7)
    names = [
        {object: [row.get("Name") for row in rows.values()] for object, rows in each.items()}
        for each in (first.snapshot(), second.snapshot())
    ]
    assert names[0] == names[1]
    world = build_world(7)
    emails = {row["Email"].lower() for row in first.org.table("User")}
    assert {owner.email for owner in world.owners} <= emails
    domains = [
        row["Website"].removeprefix("https://").removeprefix("http://").removeprefix("www.")
        for row in first.org.table("Account")
        if row.get("Website")
    ]
    plain = [domain.rstrip("/") for domain in domains]
    assert len(plain) - len(set(plain)) == 1  # two accounts share one domain
    known = {person.email for person in world.contacts}
    people = [row["Email"].lower() for name in ("Contact", "Lead")
              for row in first.org.table(name)]  # fmt: skip
    assert len(people) >= 8
    assert set(people) <= known
    small = build(7, {"companies": 3, "contacts": 4, "deals": 0, "products": 0})
    assert len(small.org.table("Account")) == 2
