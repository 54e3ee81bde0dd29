"""Charges whose billing periods and ends are their own, whatever the subscription's."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from .conftest import action, create, order, plan

OWN = {"billingPeriodAlignment": "AlignToCharge", "billCycleType": "ChargeTriggerDay"}
BILLED = {"runBilling": True, "billingOptions": {"targetDate": "2026-12-01"}}


def added(price: int, until: str, **billing: Any) -> dict[str, Any]:
    """A plan from December on, with an end of its own."""
    made = plan("ANL-001", "ANNUAL", price, 1)
    made["chargeOverrides"][0] |= {
        "billing": {**OWN, **billing},
        "endDate": {"endDateCondition": "Specific_End_Date", "specificEndDate": until},
    }
    return action("AddProduct", "2026-12-01", **made)


def test_a_period_as_long_as_the_charge_is_billed_whole(tenant: Any) -> None:
    # nine months from the fourth on: no part of a year, and none of two periods
    tenant.account()
    tenant.order(create("2026-09-01", plan("PLT-001", "ANNUAL", 1200, 1)))
    months = {"billingPeriod": "Specific_Months", "specificBillingPeriod": 9}
    answer = tenant.order(added(1001, "2027-09-01", **months), processingOptions=BILLED)
    [_whole, item] = tenant.items(answer["invoiceNumbers"][0])
    assert item["chargeAmount"] == 1001
    assert (item["serviceStartDate"], item["serviceEndDate"]) == ("2026-12-01", "2027-08-31")
    # less of something: the same below zero, as a credit memo
    answer = tenant.order(added(-501, "2027-09-01", **months), processingOptions=BILLED)
    [item] = tenant.memo_items(answer["creditMemoNumbers"][0])
    assert item["amount"] == 501
    assert tenant.bill("2027-08-31") == {"invoices": [], "creditMemos": []}


def test_a_renewal_carries_on_what_has_no_end_of_its_own(tenant: Any) -> None:
    tenant.account()
    tenant.order(create("2026-09-01", plan("PLT-001", "ANNUAL", 1200, 1)))
    months = {"billingPeriod": "Specific_Months", "specificBillingPeriod": 9}
    tenant.order(added(900, "2027-09-01", **months))
    tenant.order(action("RenewSubscription", "2027-09-01"))
    read = tenant.ok("GET", "/v1/subscriptions/S-1")
    ends = {
        charge["number"]: charge["effectiveEndDate"]
        for one in read["ratePlans"]
        for charge in one["ratePlanCharges"]
    }
    assert sorted(ends.values()) == ["2027-09-01", "2028-09-01"]
    billed = tenant.bill("2027-09-01")["invoices"]
    amounts = [item["chargeAmount"] for one in billed for item in tenant.items(one)]
    assert sorted(amounts) == [Decimal(900), Decimal(1200), Decimal(1200)]


def test_a_length_goes_with_specific_months_alone(tenant: Any) -> None:
    tenant.account()
    tenant.order(create("2026-09-01", plan("PLT-001", "ANNUAL", 1200, 1)))
    for billing in (
        {"billingPeriod": "Specific_Months"},
        {"billingPeriod": "Annual", "specificBillingPeriod": 9},
        {"billingPeriod": "Specific_Months", "specificBillingPeriod": 0},
    ):
        body = order(added(1, "2027-09-01", **billing))
        assert tenant.refused("POST", "/v1/orders", body) % 100 == 20
    # aligned to the charge, but billed on another day of the month: a broken period, refused here
    body = order(
        added(1, "2027-09-01", billingPeriod="Annual", billCycleType="SubscriptionStartDay")
    )
    assert tenant.refused("POST", "/v1/orders", body) % 100 == 30
