"""Accounts and orders: numbers, atomicity, drafts, versions, jobs."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from .conftest import action, create, order, plan

PLT = plan("PLT-001", "ANNUAL", 100, 10)


def test_an_account_number_is_unique(tenant: Any) -> None:
    tenant.account(crmId="001x", Subsidiary__NS="3", billCycleDay=5, paymentTerm="Net 30")
    body = {"name": "B", "currency": "USD", "accountNumber": "A-1"}
    contact = {"firstName": "A", "lastName": "B", "country": "Germany"}
    code = tenant.refused("POST", "/v1/accounts", {**body, "billToContact": contact})
    assert code == 51010020
    read = tenant.ok("GET", "/v1/accounts/A-1")
    assert read["basicInfo"]["crmId"] == "001x"
    assert read["basicInfo"]["Subsidiary__NS"] == "3"
    assert read["billingAndPayment"]["paymentTerm"] == "Net 30"
    assert read["soldToContact"]["country"] == "France"
    tenant.ok("PUT", f"/v1/accounts/{read['basicInfo']['id']}", {"name": "New", "crmId": "2"})
    assert tenant.ok("GET", "/v1/accounts/A-1")["basicInfo"]["name"] == "New"
    counts = tenant.look("counts?by=external_id")["counts"]["accounts"]["A-1"]
    assert (counts["creates"], counts["changing_updates"]) == (1, 1)


@pytest.mark.parametrize(
    ("changed", "category"),
    [
        ({"name": None}, 22),
        ({"currency": "ZZZ"}, 20),
        ({"billToContact": None}, 22),
        ({"billToContact": {"firstName": "A", "lastName": "B", "country": "US"}}, 22),
        ({"billToContact": {"firstName": "A", "lastName": "B", "country": "Atlantis"}}, 20),
        ({"paymentTerm": "Net 31"}, 20),
        ({"autoPay": True}, 30),
        ({"Unheard__c": "x"}, 21),
        ({"batch": "Batch99"}, 20),
    ],
)
def test_what_an_account_needs(tenant: Any, changed: Any, category: int) -> None:
    contact = {"firstName": "A", "lastName": "B", "country": "FR"}
    body = {"name": "B", "currency": "USD", "billToContact": contact, **changed}
    assert tenant.refused("POST", "/v1/accounts", body) == 51010000 + category
    assert tenant.look("state")["objects"]["accounts"] == {}


def test_custom_fields_are_taken_once_defined(tenant: Any) -> None:
    tenant.account()
    assert tenant.refused("PUT", "/v1/accounts/A-1", {"Tier__c": "gold"}) % 100 == 21
    tenant.admin("custom_fields", {"object": "accounts", "fields": ["Tier__c"]})
    tenant.ok("PUT", "/v1/accounts/A-1", {"Tier__c": "gold"})
    assert tenant.ok("GET", "/v1/accounts/A-1")["basicInfo"]["Tier__c"] == "gold"


def test_undocumented_keys_are_noted(tenant: Any) -> None:
    tenant.account()
    tenant.ok("PUT", "/v1/accounts/A-1", {"nmae": "typo"})
    assert tenant.violations() == {"unknown_field"}


def test_a_slip_deep_inside_an_order_is_noted(tenant: Any) -> None:
    tenant.account()
    tenant.order(create("2026-09-01", PLT))
    assert tenant.violations() == set()
    slip = {**PLT, "chargeOverides": []}
    tenant.order(create("2026-09-01", slip), subscription="S-2")
    [noted] = tenant.look("violations")["violations"]
    assert noted["message"] == "unknown keys in subscribeToRatePlans: chargeOverides"


def test_an_order_makes_a_subscription(tenant: Any) -> None:
    tenant.account()
    body = order(create("2026-09-01", PLT), orderNumber="O-1")
    body["subscriptions"][0]["customFields"] = {"SalesforceQuote__c": "Q-1"}
    body["subscriptions"][0]["quote"] = {"QuoteNumber__QT": "Q-1"}
    answer = tenant.ok("POST", "/v1/orders?returnIds=true", body)
    assert (answer["orderNumber"], answer["status"]) == ("O-1", "Completed")
    assert answer["subscriptionNumbers"] == ["S-1"]
    read = tenant.ok("GET", "/v1/subscriptions/S-1")
    assert read["id"] == answer["subscriptionIds"][0]
    assert (read["termStartDate"], read["termEndDate"]) == ("2026-09-01", "2027-09-01")
    assert (read["totalContractedValue"], read["contractedMrr"]) == (1000, Decimal("83.33"))
    assert (read["SalesforceQuote__c"], read["QuoteNumber__QT"]) == ("Q-1", "Q-1")
    charge = read["ratePlans"][0]["ratePlanCharges"][0]
    assert (charge["price"], charge["quantity"], charge["segment"]) == (100, 10, 1)
    assert (read["ratePlans"][0]["productSku"], charge["type"]) == ("PLT-001", "Recurring")
    told = tenant.ok("GET", "/v1/orders/O-1")["order"]
    assert told["subscriptions"][0]["newVersion"] == 1
    assert told["subscriptions"][0]["orderActions"][0]["type"] == "CreateSubscription"


def test_numbers_are_refused_a_second_time(tenant: Any) -> None:
    tenant.account()
    tenant.order(create("2026-09-01", PLT), orderNumber="O-1")
    again = order(create("2026-09-01", PLT), orderNumber="O-1", subscription="S-2")
    assert tenant.refused("POST", "/v1/orders", again) == 58490020
    twin = order(create("2026-09-01", PLT), orderNumber="O-2")
    assert tenant.refused("POST", "/v1/orders", twin) == 58490020


def test_all_actions_or_none(tenant: Any) -> None:
    tenant.account()
    good = {"subscriptionNumber": "S-1", "orderActions": [create("2026-09-01", PLT)]}
    bad = {"subscriptionNumber": "S-2", "orderActions": [action("RemoveProduct", "2026-09-01")]}
    before = tenant.look("state")["objects"]
    body = order(subscriptions=[good, bad], processingOptions={"runBilling": True})
    assert tenant.refused("POST", "/v1/orders", body) % 100 == 20
    assert tenant.look("state")["objects"] == before
    tenant.order(create("2026-09-01", PLT))
    assert tenant.ok("GET", "/v1/subscriptions/S-1")["version"] == 1


@pytest.mark.parametrize(
    ("override", "category"),
    [
        ({"productRatePlanChargeNumber": "nothing"}, 40),
        ({"productRatePlanChargeNumber": "PRPC-ANL-001-ANNUAL-FEE"}, 20),
        ({"pricing": {"oneTimePerUnit": {"listPrice": 1}}}, 20),
        ({"pricing": {"recurringPerUnit": {"quantity": -1}}}, 20),
        ({"somethingElse": 1}, 20),
        ({"customFields": {"Nobody__c": 1}}, 21),
    ],
)
def test_overrides_are_checked(tenant: Any, override: Any, category: int) -> None:
    tenant.account()
    charge = {"productRatePlanChargeNumber": "PRPC-PLT-001-ANNUAL-FEE", **override}
    body = {"productRatePlanNumber": "PRP-PLT-001-ANNUAL", "chargeOverrides": [charge]}
    code = tenant.refused("POST", "/v1/orders", order(create("2026-09-01", body)))
    assert code == 58490000 + category


def test_each_change_makes_a_version_with_new_ids(tenant: Any) -> None:
    tenant.account()
    tenant.order(create("2026-09-01", PLT))
    first = tenant.ok("GET", "/v1/subscriptions/S-1")
    charge = first["ratePlans"][0]["ratePlanCharges"][0]
    update = {
        "subscriptionRatePlanNumber": first["ratePlans"][0]["subscriptionRatePlanNumber"],
        "chargeUpdates": [
            {
                "chargeNumber": charge["number"],
                "pricing": {"recurringPerUnit": {"listPrice": 100, "quantity": 15}},
            }
        ],
    }
    tenant.order(action("UpdateProduct", "2026-12-01", **update))
    second = tenant.ok("GET", "/v1/subscriptions/S-1?charge-detail=all-segments")
    assert (second["version"], second["status"]) == (2, "Active")
    assert second["id"] != first["id"]
    charges = second["ratePlans"][0]["ratePlanCharges"]
    assert [row["segment"] for row in charges] == [1, 2]
    assert {row["number"] for row in charges} == {charge["number"]}
    assert charge["id"] not in {row["id"] for row in charges}
    assert [row["effectiveEndDate"] for row in charges] == ["2026-12-01", "2027-09-01"]
    assert tenant.ok("GET", f"/v1/subscriptions/{first['id']}")["version"] == 1
    assert tenant.ok("GET", "/v1/subscriptions/S-1/versions/1")["isLatestVersion"] is False
    counts = tenant.look("counts?by=external_id")["counts"]["subscriptions"]["S-1"]
    assert (counts["creates"], counts["changing_updates"]) == (1, 1)
    assert counts["ids"] == [second["id"]]


def test_a_draft_waits_to_be_activated(tenant: Any) -> None:
    tenant.account()
    answer = tenant.order(create("2026-09-01", PLT), orderNumber="O-1", status="Draft")
    assert (answer["status"], answer["subscriptions"]) == ("Draft", [])
    assert tenant.refused("GET", "/v1/subscriptions/S-1") % 100 == 40
    tenant.ok("PUT", "/v1/orders/O-1", {"description": "agreed"})
    assert tenant.ok("PUT", "/v1/orders/O-1/activate", {})["status"] == "Completed"
    assert tenant.ok("GET", "/v1/subscriptions/S-1")["status"] == "Active"
    assert tenant.refused("PUT", "/v1/orders/O-1", {"description": "x"}) % 100 == 30


def test_an_order_without_activation_is_pending(tenant: Any) -> None:
    tenant.account()
    tenant.admin("options", {"service_activation_required": True})
    options = {"runBilling": True}
    first = tenant.order(create("2026-09-01", PLT), orderNumber="O-1", processingOptions=options)
    assert first["status"] == "Pending"
    assert "invoiceNumbers" not in first
    assert tenant.ok("GET", "/v1/subscriptions/S-1")["status"] == "Pending Activation"
    assert tenant.bill("2026-12-01")["invoices"] == []
    date = {"name": "ServiceActivation", "triggerDate": "2026-09-02"}
    part = {"subscriptionNumber": "S-1", "orderActions": [{"triggerDates": [date]}]}
    told = tenant.ok("PUT", "/v1/orders/O-1/triggerDates", {"subscriptions": [part]})
    assert told["status"] == "Completed"
    assert len(tenant.bill("2026-09-02")["invoices"]) == 1


def test_an_order_may_be_done_later(tenant: Any) -> None:
    tenant.account()
    body = order(create("2026-09-01", PLT), orderNumber="O-1")
    job = tenant.ok("POST", "/v1/async/orders", body)["jobId"]
    assert tenant.ok("GET", f"/v1/async-jobs/{job}")["status"] == "Processing"
    done = tenant.ok("GET", f"/v1/async-jobs/{job}")
    assert (done["status"], done["result"]["orderNumber"]) == ("Completed", "O-1")
    failed = tenant.ok("POST", "/v1/async/orders", body)["jobId"]
    tenant.ok("GET", f"/v1/async-jobs/{failed}")
    told = tenant.ok("GET", f"/v1/async-jobs/{failed}")  # success, the envelope says
    assert (told["status"], told["result"]) == ("Failed", None)
    assert "58490020" in told["errors"]


def test_a_preview_leaves_nothing_behind(tenant: Any) -> None:
    tenant.account()
    before = tenant.look("state")["objects"]
    body = order(create("2026-09-01", PLT))
    body["previewOptions"] = {"previewTypes": ["BillingDocs"]}
    told = tenant.ok("POST", "/v1/orders/preview", body)["previewResult"]
    assert [row["amount"] for row in told["invoices"]] == [1000]
    assert tenant.look("state")["objects"] == before


def test_a_locked_record_is_busy_for_a_while(tenant: Any) -> None:
    tenant.account()
    tenant.admin("locks", {"key": "A-1", "times": 1})
    body = order(create("2026-09-01", PLT))
    assert tenant.refused("POST", "/v1/orders", body) == 58490050
    tenant.ok("POST", "/v1/orders", body)


def test_an_unknown_account(tenant: Any) -> None:
    assert tenant.refused("POST", "/v1/orders", order(create("2026-09-01", PLT))) == 58490020


def test_lists_are_paged_with_full_addresses(tenant: Any) -> None:
    tenant.account()
    for number in range(3):
        tenant.order(create("2026-09-01", PLT), subscription=f"S-{number}")
    first = tenant.ok("GET", "/v1/orders?pageSize=2")
    assert len(first["orders"]) == 2
    assert first["nextPage"].startswith(tenant.url)
    second = tenant.ok("GET", first["nextPage"].removeprefix(tenant.url))
    assert len(second["orders"]) == 1
    assert "nextPage" not in second
    assert tenant.call("GET", "/v1/orders?pageSize=41").status_code == 400
