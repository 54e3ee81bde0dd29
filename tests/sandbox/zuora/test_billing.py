"""What bill runs make of subscriptions: periods, tax, currencies, usage, drafts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from .conftest import action, create, order, plan


def test_an_annual_fee_is_billed_once_a_year_in_advance(tenant: Any) -> None:
    tenant.account(country="DE", currency="EUR", paymentTerm="Net 30")
    fee = plan("PLT-001", "ANNUAL", 1000, 10)
    options = {"runBilling": True, "billingOptions": {"documentDate": "2026-09-02"}}
    answer = tenant.order(create("2026-09-01", fee, months=24), processingOptions=options)
    number = answer["invoiceNumbers"][0]
    invoice = tenant.invoice(number)
    assert (invoice["status"], invoice["invoiceDate"]) == ("Posted", "2026-09-02")
    assert (invoice["dueDate"], invoice["balance"]) == ("2026-10-02", 11900)
    assert (invoice["amountWithoutTax"], invoice["taxAmount"]) == (10000, 1900)
    [item] = tenant.items(number)
    assert (item["serviceStartDate"], item["serviceEndDate"]) == ("2026-09-01", "2027-08-31")
    assert (item["chargeAmount"], item["quantity"], item["unitPrice"]) == (10000, 10, 1000)
    assert (item["sku"], item["productName"]) == ("PLT-001", "Platform seat, tier 1")
    assert (item["subscriptionNumber"], item["chargeNumber"]) == ("S-1", "C-00000001")
    assert item["deferredRevenueAccountingCode"] == "Deferred Revenue"
    assert item["recognizedRevenueAccountingCode"] == "Subscription Revenue"
    [tax] = item["taxationItems"]["data"]
    assert (tax["taxAmount"], tax["taxRate"], tax["jurisdiction"]) == (1900, Decimal("0.19"), "DE")
    assert tenant.bill("2027-08-31")["invoices"] == []
    second = tenant.bill("2027-09-01")["invoices"]
    assert [tenant.items(row)[0]["serviceStartDate"] for row in second] == ["2027-09-01"]
    assert tenant.bill("2029-01-01")["invoices"] == []
    charge = tenant.ok("GET", "/v1/subscriptions/S-1")["ratePlans"][0]["ratePlanCharges"][0]
    assert charge["chargedThroughDate"] == "2028-09-01"


@pytest.mark.parametrize(
    ("currency", "country", "price", "net", "tax"),
    [
        ("JPY", "Japan", 1005, "3015", "302"),  # 301.5, half to even
        ("JPY", "Japan", 1015, "3045", "304"),  # 304.5, half to even
        ("GBP", "GB", "33.33", "99.99", "20"),
        ("EUR", "DEU", "0.05", "0.15", "0.03"),
        ("KWD", "Kuwait", "1.234", "3.702", "0"),
        ("USD", "FR", "10", "30", "0"),
    ],
)
def test_tax_follows_the_country_and_rounds_in_the_currency(
    tenant: Any, currency: str, country: str, price: Any, net: str, tax: str
) -> None:
    tenant.account(currency=currency, country=country)
    tenant.order(create("2026-09-01", plan("PLT-001", "ANNUAL", price, 3)))
    [number] = tenant.bill("2026-09-01")["invoices"]
    invoice = tenant.invoice(number)
    assert (invoice["amountWithoutTax"], invoice["taxAmount"]) == (Decimal(net), Decimal(tax))
    assert invoice["amount"] == Decimal(net) + Decimal(tax)
    assert invoice["currency"] == currency


def test_tax_may_be_somebody_elses(tenant: Any) -> None:
    tenant.admin("options", {"tax": False})
    tenant.account(country="DE")
    tenant.order(create("2026-09-01", plan("PLT-001", "ANNUAL", 100)))
    [number] = tenant.bill("2026-09-01")["invoices"]
    assert tenant.invoice(number)["taxAmount"] == 0


def test_months_are_billed_as_they_begin(tenant: Any) -> None:
    tenant.account()
    tenant.order(create("2026-10-31", plan("PLT-001", "MONTHLY", "9.99", 3), months=4))
    assert tenant.bill("2026-10-30")["invoices"] == []
    [first] = tenant.bill("2026-11-30")["invoices"]
    spans = [(row["serviceStartDate"], row["serviceEndDate"]) for row in tenant.items(first)]
    assert spans == [("2026-10-31", "2026-11-29"), ("2026-11-30", "2026-12-30")]
    [second] = tenant.bill("2030-01-01")["invoices"]
    spans = [(row["serviceStartDate"], row["serviceEndDate"]) for row in tenant.items(second)]
    assert spans == [("2026-12-31", "2027-01-30"), ("2027-01-31", "2027-02-27")]
    assert tenant.invoice(second)["amount"] == Decimal("59.94")


def test_a_one_time_fee_is_billed_once(tenant: Any) -> None:
    tenant.account()
    both = (plan("PLT-001", "ANNUAL", 100), plan("ONB-001", "ONETIME", 500, 2))
    tenant.order(create("2026-09-01", *both))
    [number] = tenant.bill("2026-09-01")["invoices"]
    items = {row["sku"]: row for row in tenant.items(number)}
    assert items["ONB-001"]["chargeAmount"] == 1000
    assert items["ONB-001"]["serviceEndDate"] == "2026-09-01"
    assert items["ONB-001"]["deferredRevenueAccountingCode"] is None
    invoice = tenant.invoice(number)
    assert (invoice["includesOneTime"], invoice["includesRecurring"]) == (True, True)
    assert tenant.bill("2027-08-01")["invoices"] == []


def usage(tenant: Any, day: str, quantity: Any, **more: Any) -> None:
    body = {"AccountNumber": "A-1", "UOM": "API call", "Quantity": quantity}
    body |= {"StartDateTime": f"{day}T10:00:00Z", "SubscriptionNumber": "S-1", **more}
    assert tenant.ok("POST", "/v1/object/usage", body)["Success"] is True


def test_base_and_usage(tenant: Any) -> None:
    """100 a month, and 0.10 for each call."""
    tenant.account()
    tenant.order(create("2026-09-01", plan("API-001", "HYBRID")))
    usage(tenant, "2026-09-03", 1200)
    usage(tenant, "2026-09-30", "34.5")
    usage(tenant, "2026-10-01", 10)
    [first] = tenant.bill("2026-09-01")["invoices"]
    assert tenant.invoice(first)["amount"] == 100
    [second] = tenant.bill("2026-10-01")["invoices"]
    metered = [row for row in tenant.items(second) if row["chargeType"] == "Usage"]
    assert [(row["chargeAmount"], row["quantity"]) for row in metered] == [
        (Decimal("123.45"), Decimal("1234.5"))
    ]
    assert metered[0]["serviceEndDate"] == "2026-09-30"
    usage(tenant, "2026-09-15", 7)  # late
    [third] = tenant.bill("2026-11-01")["invoices"]
    late = [row for row in tenant.items(third) if row["chargeType"] == "Usage"]
    assert [(row["serviceStartDate"], row["chargeAmount"]) for row in late] == [
        ("2026-09-01", Decimal("0.7")),
        ("2026-10-01", 1),
    ]
    [record] = [
        row for row in tenant.look("state")["objects"]["usages"].values() if row["quantity"] == 1200
    ]
    assert record["rbeStatus"] == "Processed"
    gone = tenant.call("DELETE", f"/v1/object/usage/{record['id']}")
    assert (gone.status_code, gone.json()["Success"]) == (400, False)


def test_usage_is_checked(tenant: Any) -> None:
    tenant.account()
    start = "2026-09-03T00:00:00Z"
    body = {"AccountNumber": "A-1", "UOM": "API call", "Quantity": 1, "StartDateTime": start}
    tenant.ok("POST", "/v1/object/usage", body)
    for wrong in ({"UOM": "km"}, {"Quantity": None}, {"AccountNumber": "A-2"}, {"X__c": 1}):
        answer = tenant.call("POST", "/v1/object/usage", {**body, **wrong})
        assert answer.status_code == 400
        assert answer.json()["Success"] is False
        assert answer.json()["Errors"][0]["Code"]
    assert len(tenant.look("state")["objects"]["usages"]) == 1


FILE = (
    "ACCOUNT_ID,UOM,QTY,STARTDATE,ENDDATE,SUBSCRIPTION_ID,CHARGE_ID,DESCRIPTION\n"
    "A-1,API call,12,09/03/2026,,S-1,,\n"
    "A-1,API call,8,09/04/2026,,S-1,,\n"
)


def upload(tenant: Any, text: str, name: str = "usage.csv") -> Any:
    return tenant.call("POST", "/v1/usage", files={"file": (name, text, "text/csv")}).json()


def test_a_usage_file_is_taken_whole_or_not_at_all(tenant: Any) -> None:
    tenant.account()
    tenant.order(create("2026-09-01", plan("API-001", "HYBRID")))
    for wrong in (FILE.replace("A-1,API call,8", "A-9,API call,8"), FILE.replace(",CHARGE_ID", "")):
        assert upload(tenant, wrong)["success"] is False
    assert upload(tenant, FILE, "x" * 51)["success"] is False
    assert tenant.look("state")["objects"]["usages"] == {}
    told = upload(tenant, FILE)
    assert told["success"] is True
    assert tenant.ok("GET", told["checkImportStatus"])["importStatus"] == "Completed"
    listed = tenant.ok("GET", "/v1/usage/accounts/A-1")["usage"]
    assert [row["quantity"] for row in listed] == [8, 12]


def test_a_bill_run_makes_drafts_until_it_is_posted(tenant: Any) -> None:
    tenant.account()
    tenant.account("A-2")
    tenant.order(create("2026-09-01", plan("PLT-001", "ANNUAL", 100)))
    tenant.order(
        create("2026-09-01", plan("PLT-001", "ANNUAL", 50)),
        subscription="S-2",
        existingAccountNumber="A-2",
    )
    one = tenant.ok("GET", "/v1/accounts/A-1")["basicInfo"]["id"]
    body = {
        "targetDate": "2026-09-01",
        "invoiceDate": "2026-09-01",
        "billRunFilters": [{"filterType": "Account", "accountId": one}],
    }
    run = tenant.ok("POST", "/v1/bill-runs", body)
    assert run["status"] == "Pending"
    assert tenant.ok("GET", f"/v1/bill-runs/{run['id']}")["status"] == "Completed"
    [number] = [
        row["invoiceNumber"] for row in tenant.look("state")["objects"]["invoices"].values()
    ]
    assert tenant.invoice(number)["status"] == "Draft"
    empty = tenant.call("PUT", f"/v1/bill-runs/{run['id']}/post")
    assert empty.status_code == 415
    assert tenant.ok("PUT", f"/v1/bill-runs/{run['id']}/post", {})["status"] == "Posted"
    assert tenant.invoice(number)["status"] == "Posted"
    assert tenant.ok("POST", "/v1/operations/invoice-collect", {"accountKey": "A-2"})["invoices"]
    assert tenant.bill("2026-09-01") == {"invoices": [], "creditMemos": []}


def test_a_cancelled_draft_is_billed_again(tenant: Any) -> None:
    tenant.account()
    tenant.order(create("2026-09-01", plan("API-001", "HYBRID")))
    usage(tenant, "2026-09-03", 10)
    [first] = tenant.bill("2026-10-01", post=False)["invoices"]
    total = tenant.invoice(first)["amount"]
    tenant.ok("PUT", f"/v1/invoices/{first}/cancel", {})
    assert tenant.invoice(first)["status"] == "Canceled"
    [again] = tenant.bill("2026-10-01")["invoices"]
    assert tenant.invoice(again)["amount"] == total == 201


def test_posting(tenant: Any) -> None:
    tenant.account()
    tenant.order(create("2026-09-01", plan("PLT-001", "ANNUAL", 100)))
    [number] = tenant.bill("2026-09-01", post=False)["invoices"]
    path = f"/v1/invoices/{number}"
    assert tenant.call("PUT", f"{path}/post").status_code == 415
    assert tenant.ok("PUT", f"{path}/post", {})["status"] == "Posted"
    assert tenant.refused("PUT", f"{path}/post", {}) == 53550030
    tenant.ok("PUT", path, {"transferredToAccounting": "Yes", "Revline_Id__c": "x"})
    assert tenant.invoice(number)["transferredToAccounting"] == "Yes"
    assert tenant.refused("PUT", path, {"dueDate": "2026-12-01"}) % 100 == 30
    assert tenant.refused("PUT", path, {"transferredToAccounting": "Maybe"}) % 100 == 20
    assert tenant.refused("DELETE", path) % 100 == 30


def test_a_stand_alone_invoice(tenant: Any) -> None:
    tenant.account()
    line = {"amount": 12.5, "serviceStartDate": "2026-09-01", "sku": "TRN-001", "chargeName": "Day"}
    body = {"accountNumber": "A-1", "invoiceDate": "2026-09-01", "invoiceNumber": "INV-X"}
    body |= {"invoiceItems": [line], "status": "Posted"}
    made = tenant.ok("POST", "/v1/invoices", body)
    assert (made["invoiceNumber"], made["balance"]) == ("INV-X", Decimal("12.5"))
    assert tenant.refused("POST", "/v1/invoices", body) == 53500020


def test_an_evergreen_goes_on(tenant: Any) -> None:
    tenant.account()
    term = {"initialTerm": {"termType": "EVERGREEN", "startDate": "2026-09-01"}}
    plans = [plan("PLT-001", "MONTHLY", 10)]
    tenant.order(action("CreateSubscription", "2026-09-01", terms=term, subscribeToRatePlans=plans))
    [number] = tenant.bill("2031-09-01")["invoices"]
    assert tenant.invoice(number)["amount"] == 610
    assert (
        tenant.refused("POST", "/v1/orders", order(action("RenewSubscription", "2031-09-01"))) % 100
        == 30
    )


def test_a_subscription_may_have_an_invoice_and_a_term_of_its_own(tenant: Any) -> None:
    tenant.account(paymentTerm="Net 30")
    body = create("2026-09-01", plan("PLT-001", "ANNUAL", 10))
    tenant.order(body)
    body["createSubscription"] |= {"invoiceSeparately": True, "paymentTerm": "Net 60"}
    tenant.order(body, subscription="S-2")
    invoices = [tenant.invoice(number) for number in tenant.bill("2026-09-01")["invoices"]]
    assert [row["dueDate"] for row in invoices] == ["2026-10-01", "2026-10-31"]
    body["createSubscription"]["paymentTerm"] = "someday"
    assert tenant.refused("POST", "/v1/orders", order(body, subscription="S-3")) == 58490020
