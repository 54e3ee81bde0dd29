"""Changes of subscriptions, and what they bill and credit."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.zuora import ZuoraSimulator
from sandbox.zuora.accounts import create_account
from sandbox.zuora.billing import Run, bill
from sandbox.zuora.fields import Fields
from sandbox.zuora.ordering import place
from sandbox.zuora.tenant import Tenant

from .conftest import SIZES, action, create, order, plan

FEE = plan("PLT-001", "ANNUAL", 1200, 1)


def start(tenant: Any, **more: Any) -> str:
    """A billed year; the number of the rate plan."""
    tenant.account(**more)
    tenant.order(create("2026-09-01", FEE))
    tenant.bill("2026-09-01")
    read = tenant.ok("GET", "/v1/subscriptions/S-1")
    number: str = read["ratePlans"][0]["subscriptionRatePlanNumber"]
    return number


def test_a_cancellation_credits_the_days_left(tenant: Any) -> None:
    start(tenant, country="DE")
    cancel = {"cancellationPolicy": "SpecificDate", "cancellationEffectiveDate": "2026-12-01"}
    options = {"runBilling": True, "billingOptions": {"targetDate": "2026-12-01"}}
    answer = tenant.order(
        action("CancelSubscription", "2026-12-01", **cancel), processingOptions=options
    )
    assert answer["subscriptions"][0]["status"] == "Cancelled"
    [number] = answer["creditMemoNumbers"]
    memo = tenant.ok("GET", f"/v1/credit-memos/{number}")
    kept = (Decimal(1200) * 91 / 365).quantize(Decimal("0.01"))
    [item] = tenant.memo_items(number)
    assert item["amount"] == 1200 - kept == Decimal("900.82")
    assert (item["serviceStartDate"], item["serviceEndDate"]) == ("2026-12-01", "2027-08-31")
    [tax] = item["creditTaxItems"]
    assert memo["amount"] == item["amount"] + tax["taxAmount"]
    assert tax["taxAmount"] == (item["amount"] * Decimal("0.19")).quantize(Decimal("0.01"))
    assert (memo["status"], memo["unappliedAmount"]) == ("Posted", memo["amount"])
    assert tenant.bill("2030-01-01") == {"invoices": [], "creditMemos": []}
    again = order(action("CancelSubscription", "2026-12-01", **cancel))
    assert tenant.refused("POST", "/v1/orders", again) % 100 == 30


def test_an_upsell_in_the_term_is_charged_to_the_same_end(tenant: Any) -> None:
    start(tenant)
    options = {"runBilling": True, "billingOptions": {"targetDate": "2027-03-01"}}
    added = {**plan("ANL-001", "ANNUAL", 365, 1)}
    answer = tenant.order(action("AddProduct", "2027-03-01", **added), processingOptions=options)
    [item] = tenant.items(answer["invoiceNumbers"][0])
    assert (item["serviceStartDate"], item["serviceEndDate"]) == ("2027-03-01", "2027-08-31")
    assert item["chargeAmount"] == 184


def test_more_seats_credit_the_old_and_charge_the_new(tenant: Any) -> None:
    number = start(tenant)
    update = {
        "subscriptionRatePlanNumber": number,
        "chargeUpdates": [
            {"chargeNumber": "C-00000001",
             "pricing": {"recurringPerUnit": {"listPrice": 1200, "quantity": 2}}}
        ],
    }  # fmt: skip
    tenant.order(action("UpdateProduct", "2027-03-01", **update))
    made = tenant.bill("2027-03-01")
    amounts = sorted(row["chargeAmount"] for row in tenant.items(made["invoices"][0]))
    assert amounts == [Decimal("-604.93"), Decimal("1209.86")]
    assert tenant.invoice(made["invoices"][0])["amount"] == Decimal("604.93")


def test_credits_may_come_apart(tenant: Any) -> None:
    tenant.admin("options", {"negative_lines": "separate"})
    number = start(tenant)
    update = {
        "subscriptionRatePlanNumber": number,
        "chargeUpdates": [
            {"chargeNumber": "C-00000001",
             "pricing": {"recurringPerUnit": {"listPrice": 1200, "quantity": 2}}}
        ],
    }  # fmt: skip
    tenant.order(action("UpdateProduct", "2027-03-01", **update))
    made = tenant.bill("2027-03-01")
    assert tenant.invoice(made["invoices"][0])["amount"] == Decimal("1209.86")
    memo = tenant.ok("GET", f"/v1/credit-memos/{made['creditMemos'][0]}")
    assert memo["amount"] == Decimal("604.93")


def test_a_removed_product_is_credited(tenant: Any) -> None:
    number = start(tenant)
    tenant.order(action("AddProduct", "2026-09-01", **plan("ANL-001", "ANNUAL", 365, 1)))
    tenant.bill("2026-09-01")
    tenant.order(action("RemoveProduct", "2026-10-01", subscriptionRatePlanNumber=number))
    assert tenant.bill("2026-09-30") == {"invoices": [], "creditMemos": []}
    [memo] = tenant.bill("2026-10-01")["creditMemos"]
    assert tenant.ok("GET", f"/v1/credit-memos/{memo}")["amount"] == Decimal("1101.37")
    read = tenant.ok("GET", "/v1/subscriptions/S-1")
    assert [row["productSku"] for row in read["ratePlans"]] == ["ANL-001"]


def test_a_renewal_bills_the_next_year(tenant: Any) -> None:
    start(tenant)
    tenant.order(action("RenewSubscription", "2027-09-01"))
    read = tenant.ok("GET", "/v1/subscriptions/S-1")
    assert (read["termStartDate"], read["termEndDate"]) == ("2027-09-01", "2028-09-01")
    [number] = tenant.bill("2027-09-01")["invoices"]
    [item] = tenant.items(number)
    assert (item["chargeAmount"], item["serviceEndDate"]) == (1200, "2028-08-31")


def test_suspended_months_are_not_billed(tenant: Any) -> None:
    tenant.account()
    tenant.order(create("2026-09-01", plan("PLT-001", "MONTHLY", 30)))
    tenant.bill("2026-09-01")
    tenant.order(
        action(
            "Suspend", "2026-10-01",
            suspendPolicy="SpecificDate", suspendSpecificDate="2026-10-01",
        )
    )  # fmt: skip
    assert tenant.ok("GET", "/v1/subscriptions/S-1")["status"] == "Suspended"
    assert tenant.bill("2026-11-15") == {"invoices": [], "creditMemos": []}
    tenant.order(
        action("Resume", "2026-12-01", resumePolicy="SpecificDate", resumeSpecificDate="2026-12-01")
    )
    [number] = tenant.bill("2026-12-01")["invoices"]
    assert [row["serviceStartDate"] for row in tenant.items(number)] == ["2026-12-01"]


def test_terms_change_without_money(tenant: Any) -> None:
    start(tenant)
    tenant.order(action("TermsAndConditions", "2026-09-01", autoRenew=True))
    read = tenant.ok("GET", "/v1/subscriptions/S-1")
    assert (read["autoRenew"], read["version"]) == (True, 2)
    assert tenant.bill("2026-12-01") == {"invoices": [], "creditMemos": []}


def test_a_ramp_has_a_start_of_its_own(tenant: Any) -> None:
    tenant.account()
    later = plan("PLT-001", "ANNUAL", 730)
    later["chargeOverrides"][0]["startDate"] = {
        "triggerEvent": "SpecificDate", "specificTriggerDate": "2027-03-02",
    }  # fmt: skip
    tenant.order(create("2026-09-01", later))
    assert tenant.bill("2027-03-01")["invoices"] == []
    [number] = tenant.bill("2027-03-02")["invoices"]
    assert tenant.invoice(number)["amount"] == 366


FIRST = date(2026, 9, 1)
days = st.integers(0, 364).map(lambda count: FIRST + timedelta(days=count))
changes = st.lists(st.tuples(days, st.integers(0, 7)), max_size=4)


@settings(max_examples=30, deadline=None)
@given(
    changes, days, st.sampled_from(["ANNUAL", "MONTHLY"]), st.sampled_from(["USD", "JPY", "KWD"])
)
def test_what_is_billed_in_the_end_does_not_depend_on_when(
    steps: list[tuple[date, int]], ended: date, name: str, currency: str
) -> None:
    """Billing after each change, or once in the end: the same money for the same charges."""
    eager, lazy = (_story(steps, ended, name, currency, eager=flag) for flag in (True, False))
    assert eager == lazy


def _story(
    steps: list[tuple[date, int]], ended: date, name: str, currency: str, *, eager: bool
) -> Decimal:
    simulator = ZuoraSimulator(seed=1)
    simulator.clock.freeze()
    simulator.clock.set(datetime(2026, 9, 1, tzinfo=UTC))
    simulator.load({"seed": 1, "sizes": SIZES})
    tenant = simulator.tenant
    contact = {"firstName": "A", "lastName": "B", "country": "FR"}
    body = {"name": "A", "currency": currency, "accountNumber": "A-1", "billToContact": contact}
    create_account(tenant, Fields(body))
    last = FIRST
    place(tenant, Fields(order(create("2026-09-01", plan("PLT-001", name, 100, 3)))))
    for day, quantity in sorted(steps):
        update = {
            "productRatePlanNumber": f"PRP-PLT-001-{name}",
            "chargeUpdates": [
                {"chargeNumber": "C-00000001",
                 "pricing": {"recurringPerUnit": {"listPrice": 100, "quantity": quantity}}}
            ],
        }  # fmt: skip
        if eager:
            _bill(tenant, max(day, last))
        place(tenant, Fields(order(action("UpdateProduct", day.isoformat(), **update))))
        last = max(day, last)
    if eager:
        _bill(tenant, max(ended, last))
    cancel = {"cancellationPolicy": "SpecificDate",
              "cancellationEffectiveDate": max(ended, last).isoformat()}  # fmt: skip
    place(
        tenant, Fields(order(action("CancelSubscription", max(ended, last).isoformat(), **cancel)))
    )
    _bill(tenant, date(2028, 1, 1))
    billed = sum((row["amount"] for row in tenant.rows("invoices")), Decimal(0))
    credited = sum((row["totalAmount"] for row in tenant.rows("credit-memos")), Decimal(0))
    return billed - credited


def _bill(tenant: Tenant, target: date) -> None:
    bill(tenant, Run(target=target, document_date=date(2026, 9, 1), post=True))
