"""Generate and the actions: checked at once, carried out later, never the same twice."""

from __future__ import annotations

import pytest

GENERATE = "/api/v1/quote/generate"


def without(body, *names):
    return {name: value for name, value in body.items() if name not in names}


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        ("external_opportunity_id", "external_opportunity_id"),
        ("request_action", "request_action"),
        ("document_type", "document_type"),
        ("quote_data", "quote_data"),
        ("opportunity_data", "opportunity_data"),
    ],
)
def test_mandatory_fields(client, missing, named) -> None:
    text = client.refused("POST", GENERATE, without(client.body(), missing))
    assert text.startswith("Request payload missing mandatory field(s): ")
    assert named in text


@pytest.mark.parametrize(
    "spoiled",
    [
        {"colour": "red"},
        {"request_action": "win"},
        {"document_type": "ODT"},
        {"quote_name": "x" * 251},
        {"external_opportunity_id": "x" * 51},
        {"expiration_date": "tomorrow"},
        {"expiration_date": 1.5},
        {"request_action": "sign_externally"},
        {"line_items": [{"sku": "NOPE"}]},
        {"line_items": [{}]},
        {"line_items": {"sku": "X"}},
        {"line_items": [{"sku": "X", "price": 1}]},
        {"quote_data": [{"questions": []}]},
        {"quote_data": [{"group_id": "g", "questions": [{"a": ["list"]}]}]},
        {"quote_data": "none"},
        {"opportunity_data": {"currency": "USD"}},
    ],
)
def test_what_generate_does_not_take(client, spoiled) -> None:
    assert client.refused("POST", GENERATE, client.body(**spoiled))
    assert client.simulator.tenant.quotes == {}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b'"x"', b"[" * 5000])
def test_bodies_that_are_no_objects(client, body) -> None:
    text = client.refused("POST", GENERATE, body)
    assert text == "Invalid payload format. Supported format: JSON"


def test_another_content_type_is_another_format(client) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    text = client.refused("POST", GENERATE, client.body(), headers=headers)
    assert text == "Invalid payload format. Supported format: JSON"


def test_generated_twice_is_two_quotes(client) -> None:
    first, second = client.generate(quote_name="same"), client.generate(quote_name="same")
    assert first != second
    counts = client.look("counts")["counts"]["quotes"]["same"]
    assert (counts["creates"], sorted(counts["ids"])) == (2, sorted([first, second]))
    quotes = client.get("/api/v2/quotes", "info", external_opportunity_id="006A")["quotes"]
    assert [quote["info"]["primary_quote"] for quote in quotes] == [True, False]


def test_requests_take_their_time(client) -> None:
    client.admin("options", {"request_seconds": 10})
    accepted = client.accepted(GENERATE, client.body())
    assert set(accepted) == {"request_id", "status"}
    assert client.state_of(accepted) == "queued"
    assert client.get("/api/v2/quotes") == []
    client.shift(6)
    assert client.state_of(accepted) == "in-progress"
    client.shift(5)
    assert client.state_of(accepted) == "done"
    assert len(client.get("/api/v2/quotes")["quotes"]) == 1


def test_very_large_quotes_wait_for_ever(client) -> None:
    client.admin("options", {"endless_line_items": 3})
    lines = [{"sku": client.sku} for _ in range(4)]
    accepted = client.accepted(GENERATE, client.body(line_items=lines))
    client.shift(86_400)
    assert client.state_of(accepted) == "queued"
    client.person("release", accepted["request_id"], object="requests")
    assert client.state_of(accepted) == "done"


def test_a_request_fails_with_a_reason(client) -> None:
    accepted = client.accepted(GENERATE, client.body(request_action="submit", line_items=[]))
    told = client.get(f"/api/v1/request/{accepted['request_id']}/status")
    assert told["status"] == "failed"
    assert told["error_code"]
    assert "no line items" in told["error_description"]
    assert client.simulator.tenant.quotes == {}
    client.admin("options", {"request_seconds": 10})
    held = client.accepted(GENERATE, client.body(line_items=[{"sku": client.sku}]))
    client.person("fail", held["request_id"], object="requests", error_code="E1")
    assert "ended" in client.cannot("release", held["request_id"], object="requests")
    assert client.get(f"/api/v1/request/{held['request_id']}/status")["error_code"] == "E1"


def test_the_other_form_of_a_202(client) -> None:
    client.admin("options", {"accepted_body": "quote"})
    accepted = client.accepted(GENERATE, client.body(request_action="publish"))
    assert "request_id" not in accepted
    assert accepted["status"] == "publish"
    id = accepted["dealhub_quote_id"]
    assert client.get(f"/api/v2/quote/{id}")["status"] == "Published"
    assert client.refused("POST", GENERATE, client.body(request_action="submit", line_items=[]))


@pytest.mark.parametrize(
    ("discount", "statuses"),
    [
        (20, ["Draft", "ReadyToBeSent", "Published", "Won"]),
        (21, ["Draft", "PendingApproval", "PendingApproval", "PendingApproval"]),
    ],
)
def test_where_generate_stops(client, discount, statuses) -> None:
    found = []
    for action in ("draft", "submit", "publish", "sign_externally"):
        more = {"sign_externally_comment": "ok"} if action == "sign_externally" else {}
        id = client.generate(request_action=action, total_sales_discount=discount, **more)
        found.append(client.get(f"/api/v2/quote/{id}")["status"])
    assert found == statuses


def test_the_life_of_a_quote_by_actions(client) -> None:
    id = client.generate()
    path = f"/api/v1/quote/{id}"
    assert "Draft" in client.refused("POST", f"{path}/publish")
    client.accepted(f"{path}/submit", {"line_item_details": "all"})
    assert "ReadyToBeSent" in client.refused("POST", f"{path}/submit")
    client.accepted(f"{path}/publish")
    assert "mandatory" in client.refused("POST", f"{path}/sign_externally", {})
    assert "Unrecognized" in client.refused("POST", f"{path}/submit", {"now": True})
    client.accepted(f"{path}/sign_externally", {"sign_externally_comment": "by hand"})
    quote = client.get(path.replace("v1", "v2"), "info")
    assert (quote["status"], quote["info"]["won_date"]) == ("Won", "2026-09-01 08:00:00")
    assert "Entity" in client.refused("POST", "/api/v1/quote/NOBODY/submit")


def test_prices_that_are_given_are_taken_as_they_are(client) -> None:
    line = {
        "sku": client.sku, "list_price": 368, "net_price_per_unit": 300, "net_price": 1,
        "product_factors": {"Duration": 2, "Quantity": 2},
    }  # fmt: skip
    id = client.generate(line_items=[line])
    (kept,) = client.get(f"/api/v2/quote/{id}", "line_items")["line_items"]
    assert (kept["list_price"], kept["net_per_unit"], kept["net_price"]) == (368, 300, 1)
    assert str(kept["total_discount"]) == "18.48"


def test_simulate_keeps_nothing(client) -> None:
    body = without(client.body(), "request_action", "document_type", "opportunity_data")
    path = "/api/v1/quote/simulate"
    place = {**without(body, "external_opportunity_id"), "geo_code": "US", "currency": "USD"}
    answer = client.call("POST", path, {**place, "total_sales_discount": 30})
    assert answer.status_code == 200
    assert answer.json()["approval_flows"] is True
    assert "not found" in client.refused("POST", path, body)
    assert "either" in client.refused("POST", path, {**body, **place})
    assert "either" in client.refused("POST", path, without(body, "external_opportunity_id"))
    assert client.simulator.tenant.quotes == {}


def test_opportunities(client) -> None:
    body = {**without(client.body()["opportunity_data"], "geo_code")}
    path = "/api/v1/opportunity"
    made = client.call("POST", path, {"external_opportunity_id": "006B", **body})
    assert made.status_code == 200
    again = client.refused("POST", path, {"external_opportunity_id": "006B", **body})
    assert "already exists" in again
    assert "currency" in client.refused(
        "POST", path, {"external_opportunity_id": "006C", **body, "currency": "ZZZ"}
    )


def test_a_tenant_with_a_crm_knows_its_opportunities_from_there(client) -> None:
    client.admin("options", {"integration": "native"})
    body = without(client.body(), "opportunity_data")
    assert "Entity (ID = 006A) not found" in client.refused("POST", GENERATE, body)
    client.person("create", "006A", object="opportunities", currency="EUR", customer_name="Bär")
    client.accepted(GENERATE, body)
    (quote,) = client.get("/api/v2/quotes", "info")["quotes"]
    assert (quote["info"]["currency"], quote["info"]["account_name"]) == ("EUR", "Bär")


def test_the_currency_of_an_opportunity_stays(client) -> None:
    client.generate()
    data = {**client.body()["opportunity_data"], "currency": "EUR"}
    assert "currency" in client.refused("POST", GENERATE, client.body(opportunity_data=data))
