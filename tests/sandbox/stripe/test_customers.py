"""Customers, and with them what every resource has in common."""

from __future__ import annotations

import pytest
import stripe


def test_the_sdk_makes_reads_changes_and_deletes_a_customer(desk) -> None:
    made = desk.v1.customers.create(
        {
            "name": "Arc",
            "email": "ap@arc.example",
            "address": {"city": "Ulm"},
            "metadata": {"a": "1"},
        }
    )
    assert made.id.startswith("cus_")
    assert made.address.to_dict() == {
        "city": "Ulm",
        "country": None,
        "line1": None,
        "line2": None,
        "postal_code": None,
        "state": None,
    }
    changed = desk.v1.customers.update(made.id, {"name": "Arc Ltd", "metadata": {"b": "2"}})
    assert (changed.name, changed.email) == ("Arc Ltd", "ap@arc.example")
    assert changed.metadata.to_dict() == {"a": "1", "b": "2"}
    assert desk.v1.customers.delete(made.id).deleted
    gone = desk.get(f"/v1/customers/{made.id}")
    assert gone == {"id": made.id, "object": "customer", "deleted": True}
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        desk.v1.customers.update(made.id, {"name": "x"})
    assert (refusal.value.http_status, refusal.value.code) == (404, "resource_missing")
    assert desk.event_types() == ["customer.created", "customer.updated", "customer.deleted"]
    assert desk.violations() == []


def test_metadata_keys_go_one_by_one_or_all_at_once(desk) -> None:
    id = desk.customer(**{"metadata[a]": "1", "metadata[b]": "2"})
    assert desk.post(f"/v1/customers/{id}", {"metadata[a]": ""})["metadata"] == {"b": "2"}
    assert desk.post(f"/v1/customers/{id}", {"metadata": ""})["metadata"] == {}


@pytest.mark.parametrize(
    ("form", "code", "param"),
    [
        ({"nme": "x"}, "parameter_unknown", "nme"),
        ({"address[citty]": "x"}, "parameter_unknown", "address[citty]"),
        ({"balance": "12.5"}, "parameter_invalid_integer", "balance"),
        ({"balance": ""}, "parameter_invalid_empty", "balance"),
        ({"email": "nobody"}, "email_invalid", "email"),
        ({"tax_exempt": "maybe"}, None, "tax_exempt"),
        ({"address": "Ulm"}, None, "address"),
        ({"preferred_locales": "de"}, None, "preferred_locales"),
        ({f"metadata[{'k' * 41}]": "v"}, None, f"metadata[{'k' * 41}]"),
        ({"metadata[k]": "v" * 501}, None, "metadata[k]"),
        ({f"metadata[k{n}]": "v" for n in range(51)}, None, "metadata"),
        ({"name[": "x"}, None, "name["),
    ],
)
def test_a_parameter_that_cannot_be_is_named(desk, form, code, param) -> None:
    error = desk.refused("POST", "/v1/customers", form)
    assert error["type"] == "invalid_request_error"
    assert (error.get("code"), error["param"]) == (code, param)
    assert desk.get("/v1/customers")["data"] == []


def test_a_body_that_is_no_form_is_refused(desk) -> None:
    answer = desk.session.post(f"{desk.url}/v1/customers", json={"name": "x"}, timeout=10)
    assert answer.status_code == 400
    assert "content type" in answer.json()["error"]["message"]


def test_lists_are_newest_first_and_walked_by_cursor(desk) -> None:
    ids = [desk.customer(name=str(n)) for n in range(25)]
    page = desk.get("/v1/customers")
    assert [row["id"] for row in page["data"]] == ids[:-11:-1]
    assert page["has_more"]
    walked = [row.id for row in desk.v1.customers.list({"limit": 7}).auto_paging_iter()]
    assert walked == ids[::-1]
    back = desk.get(f"/v1/customers?limit=3&ending_before={ids[20]}")
    assert [row["id"] for row in back["data"]] == [ids[23], ids[22], ids[21]]
    assert desk.refused("GET", "/v1/customers?limit=101")["param"] == "limit"
    assert desk.refused("GET", "/v1/customers?starting_after=cus_no")["code"] == "resource_missing"


def test_created_filters_have_whole_seconds(desk) -> None:
    first = desk.post("/v1/customers", {"name": "a"})
    desk.pass_time(seconds=10)
    second = desk.post("/v1/customers", {"name": "b"})
    assert second["created"] - first["created"] == 10

    def found(**filters: int) -> list[str]:
        params = {f"created[{word}]": at for word, at in filters.items()}
        return [row["name"] for row in desk.get("/v1/customers", params=params)["data"]]

    assert found(gte=second["created"]) == ["b"]
    assert found(gt=second["created"]) == []
    assert found(gte=first["created"], lt=second["created"]) == ["a"]
    exact = desk.get("/v1/customers", params={"created": first["created"]})
    assert [row["name"] for row in exact["data"]] == ["a"]


def test_the_email_filter_is_exact_and_immediate(desk) -> None:
    desk.admin("options", {"index_delay_seconds": 60})
    id = desk.customer(email="AP@arc.example")
    assert [row["id"] for row in desk.get("/v1/customers?email=AP@arc.example")["data"]] == [id]
    assert desk.get("/v1/customers?email=ap@arc.example")["data"] == []


def test_search_lags_and_never_shows_what_is_not_indexed_yet(desk) -> None:
    desk.admin("options", {"index_delay_seconds": 60})
    id = desk.customer(**{"metadata[revline_id]": "r-1"})
    query = {"query": "metadata['revline_id']:'r-1'"}
    assert desk.v1.customers.search(query).data == []
    desk.pass_time(seconds=61)
    assert [row.id for row in desk.v1.customers.search(query).data] == [id]
    desk.post(f"/v1/customers/{id}", {"name": "New"})
    assert [row.name for row in desk.v1.customers.search(query).data] == ["Arc"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ('name:"Arc"', ["Arc"]),
        ('name~"ar"', ["Bark", "Arc"]),
        ('-name:"Arc"', ["Bark"]),
        ('metadata["tier"]:"gold" AND name:"Arc"', ["Arc"]),
        ('name:"Arc" OR name:"Bark"', ["Bark", "Arc"]),
        ('metadata["tier"]:null', ["Bark"]),
        ("created>0", ["Bark", "Arc"]),
    ],
)
def test_the_search_language(desk, query, names) -> None:
    desk.customer(name="Arc", **{"metadata[tier]": "gold"})
    desk.customer(name="Bark")
    found = desk.get("/v1/customers/search", params={"query": query})
    assert [row["name"] for row in found["data"]] == names


@pytest.mark.parametrize(
    "query",
    ["", "name", 'nme:"x"', 'metadata:"x"', 'name:"a" AND name:"b" OR name:"c"', 'name:"a'],
)
def test_a_query_that_cannot_be_read_is_refused(desk, query) -> None:
    answer = desk.call("GET", "/v1/customers/search", params={"query": query})
    assert answer.status_code == 400


def test_expansion_opens_references_four_levels_deep(desk) -> None:
    customer = desk.customer()
    paid = desk.paid(customer=customer)
    path = f"/v1/payment_intents/{paid['id']}"
    shown = desk.get(f"{path}?expand[]=latest_charge.balance_transaction.source&expand[]=customer")
    assert shown["customer"]["name"] == "Arc"
    assert shown["latest_charge"]["balance_transaction"]["source"]["id"] == paid["latest_charge"]
    listed = desk.get("/v1/charges?expand[]=data.refunds&expand[]=data.customer")
    assert listed["data"][0]["refunds"]["data"] == []
    assert "refunds" not in desk.get(f"/v1/charges/{paid['latest_charge']}")
    for wrong in ("amount", "customer.name", "a.b.c.d.e"):
        assert desk.refused("GET", f"{path}?expand[]={wrong}")["param"] == "expand"
    assert desk.refused("GET", "/v1/charges?expand[]=customer")["param"] == "expand"


def test_a_write_is_counted_by_the_metadata_key(desk) -> None:
    id = desk.customer(**{"metadata[revline_id]": "r-1"})
    desk.post(f"/v1/customers/{id}", {"name": "Arc"})
    desk.post(f"/v1/customers/{id}", {"name": "New"})
    desk.mutate("customers", "update", id, name="By hand")
    counts = desk.admin("counts?by=external_id")["counts"]["customers"]["r-1"]
    assert counts == {
        "creates": 1,
        "changing_updates": 1,
        "unchanged_updates": 1,
        "deletes": 0,
        "ids": [id],
    }


def test_an_update_that_changes_nothing_tells_nobody(desk) -> None:
    id = desk.customer()
    desk.post(f"/v1/customers/{id}", {"name": "Arc"})
    assert desk.event_types() == ["customer.created"]
    desk.post(f"/v1/customers/{id}", {"name": "New", "metadata[a]": "1"})
    newest = desk.get("/v1/events?limit=1")["data"][0]
    assert newest["data"]["previous_attributes"] == {"name": "Arc", "metadata": {"a": None}}


def test_a_stale_read_is_from_before_the_latest_write(desk) -> None:
    id = desk.customer()
    desk.post(f"/v1/customers/{id}", {"name": "New"})
    rule = {"match": {"method": "GET", "path": "/v1/customers"}, "action": "stale_read", "times": 1}
    desk.admin("faults", rule)
    assert desk.get(f"/v1/customers/{id}")["name"] == "Arc"
    assert desk.get(f"/v1/customers/{id}")["name"] == "New"


def test_a_stale_list_leaves_the_order_as_it_was(desk) -> None:
    desk.paid()
    before = desk.event_types()
    assert len(before) == 3
    rule = {"match": {"method": "GET", "path": "/v1/events"}, "action": "stale_read", "times": 1}
    desk.admin("faults", rule)
    assert desk.event_types() == []
    assert desk.event_types() == before


def test_what_is_known_but_not_simulated_is_reported(desk) -> None:
    desk.post("/v1/customers", {"name": "x", "tax[validate_location]": "deferred"})
    assert desk.violations() == ["not_simulated"]
