"""Keys, permissions, accounts, limits, and what every answer carries."""

from __future__ import annotations

import base64

import pytest
import stripe

from sandbox.stripe.account import API_VERSION
from sandbox.stripe.keys import LIVE_RESTRICTED_KEY, RESTRICTED_KEY


def test_every_answer_is_named_and_versioned(desk) -> None:
    answer = desk.call("GET", "/v1/customers")
    assert answer.headers["Request-Id"].startswith("req_")
    assert answer.headers["Stripe-Version"] == API_VERSION
    missing = desk.call("GET", "/v1/customers/cus_no")
    assert missing.headers["Request-Id"] != answer.headers["Request-Id"]


def test_a_wrong_key_opens_nothing(desk) -> None:
    for header in ("Bearer sk_test_wrong_wrong", "Bearer ", "Token x", "Basic !!"):
        answer = desk.call("GET", "/v1/customers", headers={"Authorization": header})
        assert answer.status_code == 401
        assert "sk_test_wrong_wrong" not in answer.text
    basic = base64.b64encode(f"{RESTRICTED_KEY}:".encode()).decode()
    assert desk.call("GET", "/v1/customers", headers={"Authorization": f"Basic {basic}"}).ok


def test_a_restricted_key_lacks_what_it_was_not_given(desk) -> None:
    desk.admin("options", {"permissions": {"customer": "read", "charge": "none"}})
    assert desk.get("/v1/customers")["data"] == []
    with pytest.raises(stripe.PermissionError) as refusal:
        desk.v1.customers.create({"name": "x"})
    assert "rak_customer_write" in str(refusal.value)
    assert desk.refused("GET", "/v1/charges", status=403)["type"] == "invalid_request_error"
    assert desk.get("/v1/customers")["data"] == []


def test_the_other_mode_says_so(desk) -> None:
    id = desk.customer()
    live = {"Authorization": f"Bearer {LIVE_RESTRICTED_KEY}"}
    answer = desk.call("GET", f"/v1/customers/{id}", headers=live)
    assert answer.status_code == 404
    assert "a similar object exists in test mode" in answer.json()["error"]["message"]
    made = desk.post("/v1/customers", {"name": "Live"}, headers=live)
    assert made["livemode"] is True
    assert [row["id"] for row in desk.get("/v1/customers")["data"]] == [id]


def test_a_connected_account_is_a_world_of_its_own(desk) -> None:
    other = {"Stripe-Account": "acct_Other"}
    answer = desk.call("GET", "/v1/customers", headers=other)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "account_invalid")
    desk.admin("options", {"connected_accounts": ["acct_Other"]})
    desk.customer(name="Ours")
    desk.post("/v1/customers", {"name": "Theirs"}, headers=other)
    names = [row["name"] for row in desk.get("/v1/customers", headers=other)["data"]]
    assert names == ["Theirs"]


def test_the_second_is_full_after_25_requests(desk) -> None:
    desk.admin("options", {"rate_scale": 1})
    answers = [desk.call("GET", "/v1/customers") for _ in range(26)]
    assert [answer.status_code for answer in answers] == [200] * 25 + [429]
    assert answers[-1].headers["Stripe-Rate-Limited-Reason"] == "global-rate"
    assert "Retry-After" not in answers[-1].headers
    assert answers[-1].json()["error"]["code"] == "rate_limit"
    desk.pass_time(seconds=1)
    assert desk.get("/v1/customers")["data"] == []
    for _ in range(20):
        desk.get("/v1/customers/search?query=name:'x'")
    full = desk.call("GET", "/v1/customers/search?query=name:'x'")
    assert full.headers["Stripe-Rate-Limited-Reason"] == "endpoint-rate"


def test_a_locked_object_is_429_without_a_reason(desk) -> None:
    desk.admin("options", {"lock_timeouts": 1})
    with pytest.raises(stripe.RateLimitError) as refusal:
        desk.v1.customers.create({"name": "x"})
    assert refusal.value.error.code == "lock_timeout"
    assert "Stripe-Rate-Limited-Reason" not in refusal.value.headers
    assert desk.v1.customers.create({"name": "x"}).name == "x"


def test_paths_and_objects_that_do_not_exist(desk) -> None:
    assert desk.refused("GET", "/v1/wobbles", status=404)["type"] == "invalid_request_error"
    error = desk.refused("GET", "/v1/customers/cus_no", status=404)
    assert (error["code"], error["param"]) == ("resource_missing", "id")
    form = {"amount": 500, "currency": "usd", "customer": "cus_no"}
    error = desk.refused("POST", "/v1/payment_intents", form)
    assert (error["code"], error["param"]) == ("resource_missing", "customer")


def test_another_api_version_is_reported(desk) -> None:
    desk.call("GET", "/v1/customers", headers={"Stripe-Version": "2024-06-20"})
    assert desk.violations() == ["not_simulated"]


def test_an_unknown_knob_is_refused(desk) -> None:
    for options in ({"wobble": 1}, {"permissions": {"customer": "all"}}, {"payouts": "weekly"}):
        answer = desk.session.post(f"{desk.url}/__admin/options", json=options, timeout=10)
        assert answer.status_code == 400


def test_reset_is_a_clean_account(desk) -> None:
    desk.paid()
    desk.admin("reset", {})
    assert desk.admin("state")["objects"] == {}
    assert desk.admin("counts")["counts"] == {}


def test_the_catalogue_is_the_made_up_companys_own(desk) -> None:
    loaded = desk.admin("load", {"catalogue": True, "seed": 0, "sizes": {"products": 8}})["loaded"]
    assert loaded == {"products": 8, "prices": 8}
    seats = desk.get("/v1/products/PLT-001?expand[]=default_price")
    assert seats["default_price"]["recurring"]["interval"] == "month"
    assert seats["metadata"] == {"sku": "PLT-001"}
    assert desk.get("/v1/prices?lookup_keys[]=ONB-001")["data"][0]["type"] == "one_time"
    assert desk.event_types()[0] == "product.created"


def test_loaded_customers_are_counted_as_nobodys_writes(desk) -> None:
    row = {"name": "Arc", "metadata": {"revline_id": "r-1"}}
    assert desk.admin("load", {"objects": {"customers": [row]}})["loaded"] == {"customers": 1}
    counts = desk.admin("counts")["counts"]["customers"]["r-1"]
    assert (counts["creates"], len(counts["ids"])) == (0, 1)


def test_one_payment_intent_takes_a_thousand_writes_an_hour(desk) -> None:
    id = desk.post("/v1/payment_intents", {"amount": 500, "currency": "usd"})["id"]
    path = f"/v1/payment_intents/{id}"
    desk.simulator.limits._hour = int(desk.simulator.now().timestamp()) // 3600
    desk.simulator.limits._updates[id] = 1000 * 1000 - 1
    desk.post(path, {"metadata[a]": "1"})
    full = desk.call("POST", path, {"metadata[a]": "2"})
    assert (full.status_code, full.headers["Stripe-Rate-Limited-Reason"]) == (
        429,
        "resource-specific",
    )
    desk.pass_time(hours=1)
    desk.post(path, {"metadata[a]": "2"})
