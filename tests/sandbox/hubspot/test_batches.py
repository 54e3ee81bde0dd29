"""Batches: limits, the rules of trace ids, upserts, merged and missing records."""

from __future__ import annotations

import pytest

OBJECTS = "/crm/objects/2026-09"


def rows(*properties: dict, trace: bool = True) -> dict:
    inputs = [{"properties": p} for p in properties]
    if trace:
        for number, row in enumerate(inputs):
            row["objectWriteTraceId"] = f"t{number}"
    return {"inputs": inputs}


def upserts(*pairs: tuple[str, dict], name: str = "revline_id", trace: bool = True) -> dict:
    body = rows(*(properties for _, properties in pairs), trace=trace)
    for row, (id, _) in zip(body["inputs"], pairs, strict=True):
        row |= {"id": id, "idProperty": name}
    return body


@pytest.mark.parametrize("operation", ["read", "create", "update", "upsert", "archive"])
def test_at_most_100_inputs(hub, operation) -> None:
    inputs = [{"id": str(n), "idProperty": "revline_id", "properties": {}} for n in range(101)]
    error = hub.post(f"{OBJECTS}/companies/batch/{operation}", {"inputs": inputs}, 400)
    assert "101" in error["message"]


def test_without_trace_ids_one_bad_input_fails_all_and_writes_nothing(hub) -> None:
    body = rows({"name": "A"}, {"name": "B", "industry": "magic"}, trace=False)
    error = hub.post(f"{OBJECTS}/companies/batch/create", body, 400)
    assert error["category"] == "VALIDATION_ERROR"
    assert hub.get(f"{OBJECTS}/companies")["results"] == []


def test_with_trace_ids_the_good_ones_are_written_and_the_bad_reported(hub) -> None:
    body = rows({"name": "A"}, {"name": "B", "industry": "magic"}, {"name": "C"})
    answer = hub.post(f"{OBJECTS}/companies/batch/create", body, 207)
    assert [row["objectWriteTraceId"] for row in answer["results"]] == ["t0", "t2"]
    assert answer["numErrors"] == 1
    (error,) = answer["errors"]
    assert error["context"]["objectWriteTraceId"] == ["t1"]
    assert error["category"] == "VALIDATION_ERROR"


@pytest.mark.parametrize("traces", [["t", "t"], ["t", None]])
def test_trace_ids_must_be_there_and_differ(hub, traces) -> None:
    body = rows({"name": "A"}, {"name": "B", "industry": "magic"}, trace=False)
    for row, trace in zip(body["inputs"], traces, strict=True):
        if trace:
            row["objectWriteTraceId"] = trace
    hub.post(f"{OBJECTS}/companies/batch/create", body, 400)


def test_upsert_creates_then_updates_and_says_which(hub) -> None:
    path = f"{OBJECTS}/companies/batch/upsert"
    first = hub.post(path, upserts(("k-1", {"name": "A"}), ("k-2", {"name": "B"})))
    assert [row["new"] for row in first["results"]] == [True, True]
    again = hub.post(path, upserts(("k-1", {"name": "A2"}), ("k-3", {"name": "C"})))
    assert [row["new"] for row in again["results"]] == [False, True]
    assert again["results"][0]["id"] == first["results"][0]["id"]
    assert again["results"][0]["properties"]["revline_id"] == "k-1"
    counts = hub.admin("counts?by=external_id")["counts"]["companies"]
    assert {key: c["creates"] for key, c in counts.items()} == {"k-1": 1, "k-2": 1, "k-3": 1}
    assert counts["k-1"]["changing_updates"] == 1


def test_upsert_of_contacts_by_email(hub) -> None:
    body = upserts(("A@b.example", {"firstname": "Ana"}), name="email")
    id = hub.post(f"{OBJECTS}/contacts/batch/upsert", body)["results"][0]["id"]
    again = hub.post(f"{OBJECTS}/contacts/batch/upsert", body)["results"][0]
    assert (again["id"], again["new"]) == (id, False)
    assert again["properties"]["email"] == "a@b.example"


def test_conflicts_inside_a_batch_are_found_too(hub) -> None:
    taken = hub.make("contacts", email="taken@b.example")
    body = rows(
        {"email": "taken@b.example"}, {"email": "new@b.example"}, {"email": "new@b.example"}
    )
    answer = hub.post(f"{OBJECTS}/contacts/batch/create", body, 207)
    assert len(answer["results"]) == 1
    messages = [error["message"] for error in answer["errors"]]
    assert messages[0] == f"Contact already exists. Existing ID: {taken}"
    assert [error["category"] for error in answer["errors"]] == ["CONFLICT", "CONFLICT"]


@pytest.mark.parametrize(
    "body",
    [
        upserts(("k", {}), ("k", {})),
        upserts(("k", {}), name="name"),
        {"inputs": [{"id": "k", "properties": {}}]},
        {
            "inputs": [
                {"id": "a", "idProperty": "revline_id", "properties": {}},
                {"id": "b@c.example", "idProperty": "email", "properties": {}},
            ]
        },
        {"inputs": "k"},
        {},
    ],
)
def test_upserts_that_are_wrong_as_a_whole(hub, body) -> None:
    hub.post(f"{OBJECTS}/contacts/batch/upsert", body, 400)


def test_update_of_missing_and_of_merged_records(hub) -> None:
    keep, lose, plain = (hub.make("companies", name=name) for name in "ABC")
    hub.mutate("companies", "merge", keep, loser=lose)
    body = rows({"name": "x"}, {"name": "y"}, {"name": "z"})
    for row, id in zip(body["inputs"], (lose, "404", plain), strict=True):
        row["id"] = id
    answer = hub.post(f"{OBJECTS}/companies/batch/update", body, 207)
    assert [row["id"] for row in answer["results"]] == [plain], "the merged one is missing"
    assert [error["category"] for error in answer["errors"]] == ["OBJECT_NOT_FOUND"]
    assert hub.get(f"{OBJECTS}/companies/{keep}")["properties"]["name"] == "A"


def test_read_reports_missing_ids_with_207(hub) -> None:
    id = hub.make("contacts", email="a@b.example")
    body = {"inputs": [{"id": id}, {"id": "9"}, {"id": id}], "properties": ["email"]}
    answer = hub.post(f"{OBJECTS}/contacts/batch/read", body, 207)
    assert [row["id"] for row in answer["results"]] == [id]
    assert "associations" not in answer["results"][0]
    (error,) = answer["errors"]
    assert error["context"] == {"ids": ["9"]}
    assert error["message"].startswith("Could not get some CONTACT objects")


def test_read_by_a_unique_property(hub) -> None:
    id = hub.make("deals", dealname="D", revline_id="d-1")
    body = {"inputs": [{"id": "d-1"}], "idProperty": "revline_id"}
    assert hub.post(f"{OBJECTS}/deals/batch/read", body)["results"][0]["id"] == id
    hub.post(f"{OBJECTS}/deals/batch/read", {**body, "idProperty": "dealname"}, 400)


def test_archive_answers_204_and_archived_records_are_read_apart(hub) -> None:
    id = hub.make("companies", name="A", revline_id="k")
    body = {"inputs": [{"id": id}]}
    hub.post(f"{OBJECTS}/companies/batch/archive", {"inputs": [{"id": id}, {"id": "9"}]}, 204)
    hub.post(f"{OBJECTS}/companies/batch/read", body, 207)
    read = hub.post(f"{OBJECTS}/companies/batch/read?archived=true", body)
    assert read["results"][0]["archived"] is True
    assert hub.admin("counts")["counts"]["companies"]["k"]["deletes"] == 1


def test_create_with_associations(hub) -> None:
    deal = hub.make("deals", dealname="D")
    kind = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 20}
    row = {"properties": {"name": "L"}, "associations": [{"to": {"id": deal}, "types": [kind]}]}
    hub.post(f"{OBJECTS}/line_items/batch/create", {"inputs": [row]}, 201)
    lines = hub.get(f"/crm/v4/objects/deals/{deal}/associations/line_items")["results"]
    assert len(lines) == 1
    wrong = {**kind, "associationTypeId": 19}
    row["associations"][0]["types"] = [wrong]
    hub.post(f"{OBJECTS}/line_items/batch/create", {"inputs": [row]}, 400)


def test_an_effect_whose_answer_is_lost_is_seen_by_lookup(hub) -> None:
    hub.admin("faults", {"match": {"path": "upsert"}, "phase": "after", "action": "status"})
    hub.post(f"{OBJECTS}/companies/batch/upsert", upserts(("k", {"name": "A"})), 503)
    body = {"inputs": [{"id": "k"}], "idProperty": "revline_id"}
    assert len(hub.post(f"{OBJECTS}/companies/batch/read", body)["results"]) == 1
