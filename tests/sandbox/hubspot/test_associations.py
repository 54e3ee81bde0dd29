"""Associations: both directions, types and labels, batches, limits, no move of modified times."""

from __future__ import annotations

import pytest


def linked(hub, left: str, id: str, right: str) -> dict[str, list[int]]:
    """Associated ids with their type ids."""
    rows = hub.get(f"/crm/v4/objects/{left}/{id}/associations/{right}")["results"]
    return {row["toObjectId"]: [t["typeId"] for t in row["associationTypes"]] for row in rows}


@pytest.fixture
def pair(hub):
    return hub.make("contacts", email="a@b.example"), hub.make("companies", name="A")


@pytest.mark.parametrize("base", ["/crm/v4/objects", "/crm/objects/2026-09"])
def test_default_association_shows_both_ways_and_the_first_company_is_primary(
    hub, pair, base
) -> None:
    contact, company = pair
    hub.put(f"{base}/contacts/{contact}/associations/default/companies/{company}")
    assert linked(hub, "contacts", contact, "companies") == {company: [1, 279]}
    assert linked(hub, "companies", company, "contacts") == {contact: [2, 280]}
    second = hub.make("companies", name="B")
    hub.put(f"{base}/contacts/{contact}/associations/default/companies/{second}")
    assert linked(hub, "contacts", contact, "companies")[second] == [279]


def test_there_is_one_primary_company(hub, pair) -> None:
    contact, company = pair
    second = hub.make("companies", name="B")
    base = f"/crm/v4/objects/contacts/{contact}/associations"
    hub.put(f"{base}/default/companies/{company}")
    kind = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}]
    answer = hub.put(f"{base}/companies/{second}", kind, 201)
    assert answer["labels"] == ["Primary"]
    assert linked(hub, "contacts", contact, "companies") == {company: [279], second: [1, 279]}
    assert linked(hub, "companies", company, "contacts") == {contact: [280]}


def test_associations_do_not_move_modified_times(hub, pair) -> None:
    contact, company = pair
    path = f"/crm/v3/objects/contacts/{contact}"
    before = hub.get(path)["updatedAt"]
    hub.put(f"/crm/v4/objects/contacts/{contact}/associations/default/companies/{company}")
    hub.delete(f"/crm/v4/objects/contacts/{contact}/associations/companies/{company}")
    assert hub.get(path)["updatedAt"] == before
    assert linked(hub, "companies", company, "contacts") == {}


def test_a_line_item_has_one_parent(hub) -> None:
    first, second = (hub.make("deals", dealname=name) for name in "AB")
    line = hub.make("line_items", name="L")
    hub.put(f"/crm/v4/objects/deals/{first}/associations/default/line_items/{line}")
    assert linked(hub, "line_items", line, "deals") == {first: [20]}
    hub.put(f"/crm/v4/objects/deals/{second}/associations/default/line_items/{line}", status=400)


def test_batch_read_reports_records_without_associations(hub, pair) -> None:
    contact, company = pair
    hub.put(f"/crm/v4/objects/contacts/{contact}/associations/default/companies/{company}")
    lonely = hub.make("contacts", email="l@b.example")
    body = {"inputs": [{"id": contact}, {"id": lonely}]}
    answer = hub.post("/crm/associations/2026-09/contacts/companies/batch/read", body, 207)
    (found,) = answer["results"]
    assert found["from"] == {"id": contact}
    assert found["to"][0]["toObjectId"] == company
    assert answer["errors"][0]["context"]["fromObjectId"] == [lonely]


def test_batch_read_pages_within_a_record(hub) -> None:
    deal = hub.make("deals", dealname="D")
    account = hub.simulator.account
    lines = account.schema.types["line_items"]
    parent = account.store.get(account.schema.types["deals"], deal)
    for _ in range(510):
        account.associate(parent, account.store.create(lines, {}), ())
    path = "/crm/v4/associations/deals/line_items/batch/read"
    (first,) = hub.post(path, {"inputs": [{"id": deal}]})["results"]
    after = first["paging"]["next"]["after"]
    (second,) = hub.post(path, {"inputs": [{"id": deal, "after": after}]})["results"]
    seen = [row["toObjectId"] for row in first["to"] + second["to"]]
    assert (len(first["to"]), len(set(seen))) == (500, 510)


@pytest.mark.parametrize(
    ("operation", "count"), [("read", 1_001), ("create", 2_001), ("archive", 2_001)]
)
def test_batch_limits(hub, operation, count) -> None:
    body = {"inputs": [{"id": "1"}] * count}
    error = hub.post(f"/crm/v4/associations/deals/contacts/batch/{operation}", body, 400)
    assert str(count) in error["message"]


def test_batch_create_archive_and_partial_failure(hub, pair) -> None:
    contact, company = pair
    base = "/crm/associations/2026-09/contacts/companies"
    kind = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}
    good = {"from": {"id": contact}, "to": {"id": company}, "types": [kind]}
    bad = {"from": {"id": contact}, "to": {"id": "404"}, "types": [kind]}
    wrong = {**good, "types": [{**kind, "associationTypeId": 4}]}
    answer = hub.post(f"{base}/batch/create", {"inputs": [good, bad, wrong]}, 207)
    assert (len(answer["results"]), answer["numErrors"]) == (1, 2)
    hub.post(f"{base}/batch/create", {"inputs": [good]}, 201)
    removal = {"inputs": [{"from": {"id": contact}, "to": [{"id": company}]}]}
    hub.post(f"{base}/batch/archive", removal, 204)
    assert linked(hub, "contacts", contact, "companies") == {}


def test_own_labels(hub, pair) -> None:
    contact, company = pair
    labels = "/crm/v4/associations/contacts/companies/labels"
    made = hub.post(labels, {"label": "Signer", "name": "signer"})["results"][0]
    listed = hub.get(labels)["results"]
    assert {"category": "USER_DEFINED", "typeId": made["typeId"], "label": "Signer"} in listed
    kind = [{"associationCategory": "USER_DEFINED", "associationTypeId": made["typeId"]}]
    path = f"/crm/v4/objects/contacts/{contact}/associations/companies/{company}"
    assert hub.put(path, kind, 201)["labels"] == ["Signer"]
    row = {"from": {"id": contact}, "to": {"id": company}, "types": kind}
    archive = "/crm/v4/associations/contacts/companies/batch/labels/archive"
    hub.post(archive, {"inputs": [row]}, 204)
    assert linked(hub, "contacts", contact, "companies") == {company: [1, 279]}


def test_archived_records_drop_out_of_sight(hub, pair) -> None:
    contact, company = pair
    hub.put(f"/crm/v4/objects/contacts/{contact}/associations/default/companies/{company}")
    hub.delete(f"/crm/v3/objects/companies/{company}")
    assert linked(hub, "contacts", contact, "companies") == {}
    hub.mutate("companies", "restore", company)
    assert linked(hub, "contacts", contact, "companies") == {company: [1, 279]}
