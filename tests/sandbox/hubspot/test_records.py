"""Single records: path styles, values, unique values, lists, merges, the recycle bin."""

from __future__ import annotations

import json

import pytest

PREFIX = "Property values were not valid: "


@pytest.mark.parametrize(
    "base",
    ["/crm/v3/objects/contacts", "/crm/objects/2026-03/contacts", "/crm/objects/2026-09/0-1"],
)
def test_both_path_styles_reach_one_handler(hub, base) -> None:
    made = hub.post(base, {"properties": {"email": "A@b.example", "firstname": "Ana"}}, 201)
    read = hub.get(f"{base}/{made['id']}?properties=email,firstname&properties=phone")
    assert read["properties"]["email"] == "a@b.example"
    assert read["properties"]["phone"] is None
    assert read["properties"]["hs_object_id"] == made["id"]
    assert hub.violations() == []


@pytest.mark.parametrize(
    ("object", "name", "value", "code"),
    [
        ("contacts", "email", "not an address", "INVALID_EMAIL"),
        ("contacts", "nonsense", "x", "PROPERTY_DOESNT_EXIST"),
        ("contacts", "lifecyclestage", "Lead", "INVALID_OPTION"),
        ("contacts", "hs_object_id", "1", "READ_ONLY_VALUE"),
        ("contacts", "lastmodifieddate", "1", "READ_ONLY_VALUE"),
        ("contacts", "date_of_birth", "2026-13-01", "INVALID_DATE"),
        ("contacts", "date_of_birth", "1553533261000", "INVALID_DATE"),
        ("contacts", "hs_email_optout", "maybe", "INVALID_OPTION"),
        ("contacts", "hs_buying_role", "CHAMPION;KING", "INVALID_OPTION"),
        ("contacts", "hubspot_owner_id", "404", "INVALID_OPTION"),
        ("contacts", "jobtitle", "x" * 65_537, "PROPERTY_VALUE_TOO_LONG"),
        ("companies", "numberofemployees", "many", "INVALID_INTEGER"),
        ("companies", "numberofemployees", "NaN", "INVALID_INTEGER"),
        ("deals", "closedate", "soon", "INVALID_DATE"),
        ("deals", "dealstage", "1085746101", "INVALID_OPTION"),
        ("deals", "hs_arr", "1", "READ_ONLY_VALUE"),
        ("line_items", "price", "-1", "INVALID_INTEGER"),
        ("line_items", "amount", "1", "READ_ONLY_VALUE"),
    ],
)
def test_bad_values_are_refused_in_the_documented_form(hub, object, name, value, code) -> None:
    body = {"properties": {"revline_id": "r-1", name: value}}
    error = hub.post(f"/crm/v3/objects/{object}", body, 400)
    assert error["category"] == "VALIDATION_ERROR"
    assert error["message"].startswith(PREFIX)
    (problem,) = json.loads(error["message"].removeprefix(PREFIX))
    assert (problem["name"], problem["error"], problem["isValid"]) == (name, code, False)
    assert hub.get(f"/crm/v3/objects/{object}")["results"] == []


@pytest.mark.parametrize(
    ("object", "name", "sent", "stored"),
    [
        ("contacts", "email", " Mixed@Case.Example ", "mixed@case.example"),
        ("contacts", "date_of_birth", "2001-02-03", "2001-02-03"),
        ("contacts", "date_of_birth", "981158400000", "2001-02-03"),
        ("contacts", "hs_buying_role", "CHAMPION;END_USER", "CHAMPION;END_USER"),
        ("contacts", "firstname", "Zoë 🦊", "Zoë 🦊"),
        ("companies", "annualrevenue", 12.5, "12.5"),
        ("companies", "hs_is_target_account", True, "true"),
        ("deals", "closedate", "2026-05-01T12:00:00+02:00", "2026-05-01T10:00:00.000Z"),
        ("deals", "closedate", "1777629600000", "2026-05-01T10:00:00.000Z"),
    ],
)
def test_values_are_text_in_their_normal_form(hub, object, name, sent, stored) -> None:
    body = {"properties": {"revline_id": "r-1", name: sent}}
    if object == "contacts":
        body["properties"].setdefault("lastname", "X")
    elif object == "companies":
        body["properties"]["name"] = "X"
    made = hub.post(f"/crm/v3/objects/{object}", body, 201)
    path = f"/crm/v3/objects/{object}/{made['id']}?properties={name}"
    assert hub.get(path)["properties"][name] == stored


def test_every_write_moves_the_modified_time_even_an_unchanged_one(hub) -> None:
    id = hub.make("companies", name="A", revline_id="c-1")
    path = f"/crm/v3/objects/companies/{id}"
    hub.admin("clock", {"freeze": True})
    stamps = [hub.patch(path, {"properties": {"name": "A"}})["updatedAt"] for _ in range(3)]
    assert stamps == sorted(set(stamps))
    read = hub.get(path)
    assert read["properties"]["hs_lastmodifieddate"] == read["updatedAt"] == stamps[-1]
    counts = hub.admin("counts?by=external_id")["counts"]["companies"]["c-1"]
    assert counts == {
        "creates": 1,
        "changing_updates": 0,
        "unchanged_updates": 3,
        "deletes": 0,
        "ids": [id],
    }


def test_clearing_takes_an_empty_text_and_null_does_nothing(hub) -> None:
    id = hub.make("contacts", email="a@b.example", phone="1")
    path = f"/crm/v3/objects/contacts/{id}"
    hub.patch(path, {"properties": {"phone": None}})
    assert hub.get(f"{path}?properties=phone")["properties"]["phone"] == "1"
    assert hub.violations() == ["null_value"]
    hub.patch(path, {"properties": {"phone": ""}})
    assert hub.get(f"{path}?properties=phone")["properties"]["phone"] is None


def test_contact_email_conflicts_with_409_and_the_id_in_the_text(hub) -> None:
    first = hub.make("contacts", email="a@b.example")
    error = hub.post("/crm/v3/objects/contacts", {"properties": {"email": "A@B.example"}}, 409)
    assert error["category"] == "CONFLICT"
    assert error["message"] == f"Contact already exists. Existing ID: {first}"


def test_unique_property_conflicts_with_the_holder_in_the_text(hub) -> None:
    first = hub.make("companies", name="A", revline_id="same")
    body = {"properties": {"name": "B", "revline_id": "same"}}
    error = hub.post("/crm/v3/objects/companies", body, 400)
    (problem,) = json.loads(error["message"].removeprefix(PREFIX))
    assert problem["error"] == "CONFLICTING_UNIQUE_VALUE"
    assert problem["message"].endswith(f"{first} already has that value.")


def test_two_companies_may_share_a_domain_and_an_unkeyed_create_makes_two_records(hub) -> None:
    ids = {hub.make("companies", name="A", domain="a.example") for _ in range(2)}
    assert len(ids) == 2


def test_reading_and_updating_by_a_unique_property(hub) -> None:
    id = hub.make("deals", dealname="D", revline_id="d-1")
    path = "/crm/v3/objects/deals/d-1?idProperty=revline_id"
    assert hub.get(path)["id"] == id
    assert hub.patch(path, {"properties": {"dealname": "E"}})["id"] == id
    hub.get("/crm/v3/objects/deals/none?idProperty=revline_id", 404)
    hub.get("/crm/v3/objects/deals/D?idProperty=dealname", 400)


def test_lifecycle_stage_only_moves_forward_until_cleared(hub) -> None:
    id = hub.make("contacts", email="a@b.example", lifecyclestage="customer")
    path = f"/crm/v3/objects/contacts/{id}"
    for value, expected in (("lead", "customer"), ("", None), ("lead", "lead")):
        hub.patch(path, {"properties": {"lifecyclestage": value}})
        shown = hub.get(f"{path}?properties=lifecyclestage")["properties"]["lifecyclestage"]
        assert shown == expected


def test_deal_stage_belongs_to_its_pipeline_and_sets_closed_marks(hub) -> None:
    id = hub.make("deals", dealname="D", dealstage="closedwon")
    shown = hub.get(f"/crm/v3/objects/deals/{id}?properties=pipeline,hs_is_closed_won")
    assert shown["properties"]["pipeline"] == "default"
    assert shown["properties"]["hs_is_closed_won"] == "true"
    both = {"pipeline": "85746100", "dealstage": "1085746102"}
    hub.patch(f"/crm/v3/objects/deals/{id}", {"properties": both})
    hub.patch(f"/crm/v3/objects/deals/{id}", {"properties": {"pipeline": "default"}}, 400)


def test_line_item_amount_is_computed(hub) -> None:
    id = hub.make("line_items", price="19.99", quantity="3", hs_discount_percentage="10")
    assert hub.get(f"/crm/v3/objects/line_items/{id}")["properties"]["amount"] == "53.973"


def test_required_values_and_administrators_rules(hub) -> None:
    hub.post("/crm/v3/objects/contacts", {"properties": {"phone": "1"}}, 400)
    hub.admin("options", {"required_properties": {"deals": ["amount"]}})
    body = {"properties": {"dealname": "D"}}
    hub.post("/crm/v3/objects/deals", body, 201)
    error = hub.post("/crm/objects/2026-09/deals", body, 400)
    assert error["context"]["properties"] == ["amount"]


def test_archive_hides_the_record_and_restore_brings_it_back(hub) -> None:
    id = hub.make("companies", name="A", revline_id="c-1")
    path = f"/crm/v3/objects/companies/{id}"
    hub.delete(path)
    hub.delete(path)
    hub.get(path, 404)
    archived = hub.get(f"{path}?archived=true")
    assert archived["archived"] is True
    assert archived["archivedAt"] == archived["updatedAt"]
    listed = hub.get("/crm/v3/objects/companies?archived=true")["results"]
    assert [row["id"] for row in listed] == [id]
    hub.patch(path, {"properties": {"name": "B"}}, 404)
    hub.mutate("companies", "restore", id)
    assert hub.get(path)["archived"] is False


def test_merge_leads_the_loser_to_the_survivor(hub) -> None:
    keep = hub.make("contacts", email="keep@b.example", revline_id="k")
    lose = hub.make("contacts", email="lose@b.example", phone="7", revline_id="l")
    company = hub.make("companies", name="A")
    hub.put(f"/crm/v4/objects/contacts/{lose}/associations/default/companies/{company}")
    body = {"primaryObjectId": keep, "objectIdToMerge": lose}
    hub.post("/crm/v3/objects/contacts/merge", body)
    asked = "properties=phone,email,hs_merged_object_ids,revline_id&associations=companies"
    for id in (keep, lose):
        shown = hub.get(f"/crm/v3/objects/contacts/{id}?{asked}")
        assert shown["id"] == keep
        assert shown["properties"]["phone"] == "7"
        assert shown["properties"]["hs_merged_object_ids"] == lose
        assert shown["properties"]["revline_id"] == "k"
        assert shown["associations"]["companies"]["results"][0]["id"] == company
    read = {"inputs": [{"id": lose}], "properties": ["email"]}
    assert hub.post("/crm/v3/objects/contacts/batch/read", read)["results"][0]["id"] == keep
    by_email = {"inputs": [{"id": "lose@b.example"}], "idProperty": "email"}
    found = hub.post("/crm/v3/objects/contacts/batch/read", by_email)["results"]
    assert [row["id"] for row in found] == [keep]
    hub.post("/crm/v3/objects/line_items/merge", body, 400)


def test_privacy_deletion_leaves_nothing(hub) -> None:
    id = hub.make("contacts", email="a@b.example")
    hub.post("/crm/v3/objects/contacts/gdpr-delete", {"objectId": id}, 204)
    hub.get(f"/crm/v3/objects/contacts/{id}?archived=true", 404)
    assert id not in hub.admin("state")["objects"]["contacts"]


def test_history_names_replaced_values_newest_first(hub) -> None:
    id = hub.make("companies", name="A")
    hub.patch(f"/crm/v3/objects/companies/{id}", {"properties": {"name": "B"}})
    shown = hub.get(f"/crm/v3/objects/companies/{id}?propertiesWithHistory=name")
    assert [row["value"] for row in shown["propertiesWithHistory"]["name"]] == ["B", "A"]


def test_list_pages_by_id_and_carries_associations(seeded) -> None:
    ids, after = [], ""
    while True:
        page = seeded.get(f"/crm/v3/objects/deals?limit=7&associations=line_items,companies{after}")
        ids += [int(row["id"]) for row in page["results"]]
        if "paging" not in page:
            break
        assert len(page["results"]) == 7
        after = f"&after={page['paging']['next']['after']}"
    assert ids == sorted(ids)
    assert len(ids) == 30
    shown = [row.get("associations", {}) for row in page["results"]]
    assert any("line items" in groups for groups in shown), "the inline key has a space"
    types = [row["type"] for groups in shown for row in groups.get("companies", {})["results"]]
    assert {"deal_to_company", "deal_to_company_unlabeled"} == set(types)


def test_inline_associations_are_cut_with_paging(hub) -> None:
    hub.admin("options", {"inline_association_max": 2})
    deal = hub.make("deals", dealname="D")
    for number in range(3):
        line = hub.make("line_items", name=str(number))
        hub.put(f"/crm/v4/objects/deals/{deal}/associations/default/line_items/{line}")
    group = hub.get(f"/crm/v3/objects/deals/{deal}?associations=0-8")["associations"]["line items"]
    assert len(group["results"]) == 2
    assert group["paging"]["next"]["after"] == line


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/crm/v3/objects/contacts?limit=101", 400),
        ("/crm/v3/objects/contacts?limit=51&propertiesWithHistory=email", 400),
        ("/crm/v3/objects/contacts?after=x", 400),
        ("/crm/v3/objects/contacts?associations=planets", 400),
        ("/crm/v3/objects/planets", 404),
        ("/crm/v3/objects/contacts/1", 404),
        ("/crm/objects/2025-01/contacts", 404),
        ("/crm/v3/objects/contacts?properties=" + "a" * 17_000, 414),
    ],
)
def test_requests_that_are_wrong(hub, path, status) -> None:
    assert hub.get(path, status)["status"] == "error"


def test_unknown_query_and_body_fields_are_violations(hub) -> None:
    hub.get("/crm/v3/objects/contacts?propertys=email")
    hub.post("/crm/v3/objects/companies", {"properties": {"name": "A"}, "idProperty": "x"}, 201)
    assert hub.violations() == ["unknown_query", "unknown_field"]


def test_custom_objects_answer_to_their_three_names(hub) -> None:
    id = hub.make("site", seats="7")
    hub.post("/crm/v3/objects/site", {"properties": {"seats": "many"}}, 400)
    type_id = hub.get("/crm/v3/schemas")["results"][0]["objectTypeId"]
    assert type_id.startswith("2-")
    for word in ("site", "p_site", type_id):
        assert hub.get(f"/crm/objects/2026-09/{word}/{id}")["id"] == id


def test_stale_read_shows_the_state_before_the_latest_write(hub) -> None:
    id = hub.make("companies", name="A")
    hub.patch(f"/crm/v3/objects/companies/{id}", {"properties": {"name": "B"}})
    hub.admin("faults", {"action": "stale_read"})
    path = f"/crm/v3/objects/companies/{id}"
    assert [hub.get(path)["properties"]["name"] for _ in range(2)] == ["A", "B"]


def test_drop_page_skips_records(seeded) -> None:
    whole = seeded.get("/crm/v3/objects/contacts?limit=20")["results"]
    seeded.admin("faults", {"action": "drop_page"})
    shown = seeded.get("/crm/v3/objects/contacts?limit=10")["results"]
    assert shown == whole[10:]
