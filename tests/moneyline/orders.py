"""What the users of Zuora do to a subscription by hand: orders of their own, and bill runs."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from tests.moneyline.world import MoneyLine

Fields = dict[str, Any]


def noon(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)


def at(line: MoneyLine, day: date) -> None:
    """It is noon of a day, and nobody has looked yet."""
    line.clock.shift(noon(day) - line.clock.now())


def amend(line: MoneyLine, subscription: str, day: date, kind: str, fields: Fields) -> None:
    """An order with one action, effective on a day, billed at once."""
    word = kind[0].lower() + kind[1:]
    dates = ("ContractEffective", "ServiceActivation", "CustomerAcceptance")
    action = {
        "type": kind,
        "triggerDates": [{"name": name, "triggerDate": day.isoformat()} for name in dates],
        word: fields,
    }
    row = next(
        row
        for row in line.records("zuora", "subscriptions").values()
        if row["name"] == subscription
    )
    account = line.records("zuora", "accounts")[row["accountId"]]["accountNumber"]
    today = line.clock.now().date().isoformat()
    line.do("zuora", "orders", "create", None, {
        "orderDate": today, "existingAccountNumber": account,
        "processingOptions": {
            "runBilling": True, "billingOptions": {"targetDate": today, "documentDate": today},
        },
        "subscriptions": [{"subscriptionNumber": subscription, "orderActions": [action]}],
    })  # fmt: skip


def upsell(
    line: MoneyLine, subscription: str, day: date, price: Decimal | int, *, every: str = "Annual"
) -> None:
    """Another seat of the support plan, at a price per billing period."""
    amend(line, subscription, day, "AddProduct", {
        "productRatePlanNumber": "PRP-SUP-001-ANNUAL",
        "chargeOverrides": [{
            "productRatePlanChargeNumber": "PRPC-SUP-001-ANNUAL-FEE",
            "billing": {"billingPeriod": every},
            "pricing": {"recurringPerUnit": {"listPrice": str(price), "quantity": 1}},
        }],
    })  # fmt: skip


def reprice(line: MoneyLine, subscription: str, day: date, price: Decimal | int) -> None:
    """Another price for the platform plan from a day on."""
    amend(line, subscription, day, "UpdateProduct", {
        "productRatePlanNumber": "PRP-PLT-001-ANNUAL",
        "chargeUpdates": [{
            "productRatePlanChargeNumber": "PRPC-PLT-001-ANNUAL-FEE",
            "pricing": {"recurringPerUnit": {"listPrice": str(price), "quantity": 1}},
        }],
    })  # fmt: skip


def cancel(line: MoneyLine, subscription: str, day: date) -> None:
    """The service ends before a day; what was billed beyond it is credited."""
    amend(line, subscription, day, "CancelSubscription", {
        "cancellationPolicy": "SpecificDate", "cancellationEffectiveDate": day.isoformat(),
    })  # fmt: skip


def renew(line: MoneyLine, subscription: str, day: date) -> None:
    """Another term, and the bill for its first year."""
    amend(line, subscription, day, "RenewSubscription", {})


def bill(line: MoneyLine, until: date) -> None:
    """Bill everybody up to a day, with documents of today."""
    today = line.clock.now().date().isoformat()
    line.do("zuora", "invoices", "bill", None, {"until": until.isoformat(), "date": today})
