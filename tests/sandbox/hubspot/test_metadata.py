"""Properties, groups, pipelines, owners, account, loading and edits behind the API's back."""

from __future__ import annotations

import pytest

from sandbox.hubspot import build

NEW = {
    "name": "ext_id",
    "label": "External id",
    "groupName": "companyinformation",
    "type": "string",
    "fieldType": "text",
    "hasUniqueValue": True,
}


@pytest.mark.parametrize("base", ["/crm/v3/properties", "/crm/properties/2026-09"])
def test_properties_are_described(seeded, base) -> None:
    rows = {row["name"]: row for row in seeded.get(f"{base}/deals")["results"]}
    assert rows["amount"]["type"] == "number"
    assert rows["hs_arr"]["modificationMetadata"]["readOnlyValue"] is True
    stages = [option["value"] for option in rows["dealstage"]["options"]]
    assert {"closedwon", "1085746101"} <= set(stages)
    assert seeded.get(f"{base}/deals/amount")["name"] == "amount"
    seeded.get(f"{base}/deals/nothing", 404)


def test_a_unique_property_is_created_and_usable_at_once(hub) -> None:
    made = hub.post("/crm/v3/properties/companies", NEW, 201)
    assert made["hasUniqueValue"] is True
    body = {"inputs": [{"id": "x", "idProperty": "ext_id", "properties": {"name": "A"}}]}
    answer = hub.post("/crm/v3/objects/companies/batch/upsert", body)
    assert answer["results"][0]["properties"]["ext_id"] == "x"
    error = hub.post("/crm/v3/properties/companies", NEW, 409)
    assert error["subCategory"] == "Properties.PROPERTY_EXISTS"


@pytest.mark.parametrize(
    "change",
    [{"name": "Upper"}, {"type": "money"}, {"groupName": "nowhere"}, {"label": ""}],
)
def test_bad_definitions_are_refused(hub, change) -> None:
    hub.post("/crm/v3/properties/companies", {**NEW, **change}, 400)


def test_at_most_ten_unique_properties(hub) -> None:
    for number in range(9):  # revline_id is the first
        hub.post("/crm/v3/properties/companies", {**NEW, "name": f"u{number}"}, 201)
    hub.post("/crm/v3/properties/companies", {**NEW, "name": "u9"}, 400)


def test_groups(hub) -> None:
    path = "/crm/properties/2026-09/deals/groups"
    hub.post(path, {"name": "revline", "label": "Revline"}, 201)
    hub.post(path, {"name": "revline", "label": "Revline"}, 409)
    assert "revline" in [row["name"] for row in hub.get(path)["results"]]


@pytest.mark.parametrize("base", ["/crm/v3/pipelines", "/crm/pipelines/2026-09"])
def test_pipelines(seeded, base) -> None:
    first, second = seeded.get(f"{base}/deals")["results"]
    assert first["id"] == "default"
    won = next(stage for stage in first["stages"] if stage["id"] == "closedwon")
    assert won["metadata"] == {"probability": "1.0", "isClosed": "true"}
    assert seeded.get(f"{base}/deals/{second['id']}/stages")["results"] == second["stages"]
    seeded.get(f"{base}/deals/none", 404)


@pytest.mark.parametrize("base", ["/crm/v3/owners", "/crm/owners/2026-09"])
def test_owners_page_and_are_found_by_email(seeded, base) -> None:
    first = seeded.get(f"{base}/?limit=3")
    rest = seeded.get(f"{base}?limit=3&after={first['paging']['next']['after']}")
    owners = first["results"] + rest["results"]
    assert len(owners) == 4
    ada = seeded.get(f"{base}?email=ada.reyes@revline.example")["results"][0]
    assert ada["id"] != str(ada["userId"])
    assert seeded.get(f"{base}/{ada['id']}") == ada
    (gone,) = seeded.get(f"{base}?archived=true")["results"]
    assert gone["archived"] is True


def test_account_details(seeded) -> None:
    numbered = seeded.get("/account-info/v3/details")
    assert numbered == seeded.get("/account-info/2026-09/details")
    assert numbered["timeZone"] == "Europe/Berlin"


def test_the_shipped_account_is_seeded_and_deterministic() -> None:
    first, second = build(3), build(3)
    try:
        counts = {name: len(rows) for name, rows in first.snapshot().items()}
        assert counts["companies"] == 100
        assert counts["contacts"] == 300
        assert counts["products"] == 40
        assert counts["deals"] >= 80
        strip = {"updatedAt"}  # archiving happened now

        def plain(simulator):
            return {
                (name, id): {k: v for k, v in row.items() if k not in strip}
                for name, rows in simulator.snapshot().items()
                for id, row in rows.items()
            }

        assert plain(first) == plain(second)
        assert first.grouped_counts() == {}
        assert first.account.events.log == []
        assert first.journal.violations == []
    finally:
        first.close()
        second.close()


def test_edits_behind_the_back(hub) -> None:
    made = hub.mutate("companies", "create", name="A")
    edited = hub.mutate("companies", "update", made["id"], name="B")
    assert edited["properties"]["name"] == "B"
    assert edited["updatedAt"] > made["updatedAt"]
    other = hub.mutate("companies", "create", name="C")["id"]
    deal = hub.mutate("deals", "create", dealname="D")["id"]
    hub.mutate("deals", "associate", deal, object="companies", id=other)
    hub.mutate("companies", "merge", made["id"], loser=other)
    shown = hub.get(f"/crm/v3/objects/deals/{deal}?associations=companies")
    assert shown["associations"]["companies"]["results"][0]["id"] == made["id"]
    hub.mutate("companies", "archive", made["id"])
    hub.get(f"/crm/v3/objects/companies/{made['id']}", 404)
    assert hub.admin("counts")["counts"] == {}


def test_schema_drift(hub) -> None:
    hub.mutate("companies", "set_options", name="industry", options=["NEW"])
    body = {"properties": {"name": "A", "industry": "TEXTILES"}}
    hub.post("/crm/v3/objects/companies", body, 400)
    hub.mutate("companies", "drop_property", name="industry")
    body["properties"]["industry"] = "NEW"
    error = hub.post("/crm/v3/objects/companies", body, 400)
    assert "PROPERTY_DOESNT_EXIST" in error["message"]
    hub.mutate("companies", "retype_property", name="city", type="number")
    hub.post("/crm/v3/objects/companies", {"properties": {"name": "A", "city": "Bonn"}}, 400)


@pytest.mark.parametrize(
    "body",
    [
        {"object": "planets", "op": "create"},
        {"object": "companies", "op": "explode"},
        {"object": "companies", "op": "update", "id": "404"},
        {"object": "companies", "op": "create", "fields": {"name": "A", "industry": "x"}},
        {"object": "line_items", "op": "restore", "id": "1"},
        {"object": "owners", "op": "create"},
    ],
)
def test_edits_that_make_no_sense(hub, body) -> None:
    assert hub.call("POST", "/__admin/mutate", body).status_code == 400


def test_loading_explicit_records_and_reset(hub) -> None:
    rows = [{"name": "A", "revline_id": "k"}, {"name": "B"}]
    assert hub.admin("load", {"objects": {"companies": rows}})["loaded"]["companies"] == 2
    assert hub.admin("counts")["counts"]["companies"]["k"]["creates"] == 0
    assert hub.call("POST", "/__admin/load", {"object": {}}).status_code == 400
    hub.admin("reset", {})
    assert hub.admin("state")["objects"] == {"owners": {}}
    assert hub.get("/crm/v3/objects/companies")["results"] == []
