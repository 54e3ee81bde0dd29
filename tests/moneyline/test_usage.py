"""A base fee and usage: rated in exact decimals, billed in arrears, earned when it was rendered."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from tests.moneyline import orders
from tests.moneyline.posting import by_service, entries
from tests.moneyline.world import MoneyLine

START = date(2027, 1, 1)


def used(line: MoneyLine, subscription: str, on: date, units: str) -> None:
    """The meter counted so many calls on a day."""
    row = next(
        row
        for row in line.records("zuora", "subscriptions").values()
        if row["name"] == subscription
    )
    account = line.records("zuora", "accounts")[row["accountId"]]["accountNumber"]
    line.do("zuora", "usages", "create", None, {
        "AccountNumber": account, "SubscriptionNumber": subscription, "UOM": "API call",
        "Quantity": units, "StartDateTime": f"{on.isoformat()}T10:00:00+00:00",
    })  # fmt: skip


def test_usage_is_billed_in_arrears_and_earned_when_it_was_rendered(line: MoneyLine) -> None:
    # given a platform plan of 1,200 a year, and calls at 0.10 with a base fee of 100 a month
    orders.at(line, START)
    subscription = "S-" + line.won(line.account(), [("PLT-001", 1_200)], START)
    line.settle()
    hybrid = {"productRatePlanNumber": "PRP-API-001-HYBRID"}
    orders.amend(line, subscription, START, "AddProduct", hybrid)
    line.rest(minutes=1)
    # when January's 12,345 calls are billed on the first of February, before January is posted
    used(line, subscription, date(2027, 1, 10), "12000.5")
    used(line, subscription, date(2027, 1, 31), "344.5")
    orders.at(line, date(2027, 2, 1))
    orders.bill(line, date(2027, 2, 1))
    line.settle()
    # and a straggler of January's is billed with February, when January is closed
    line.until(date(2027, 2, 5))
    for month in ("Jan 2026", "Jan 2027"):
        line.do("netsuite", "accountingPeriod", "close", month, {})
    used(line, subscription, date(2027, 1, 20), "7")
    used(line, subscription, date(2027, 2, 20), "33")
    orders.at(line, date(2027, 3, 1))
    orders.bill(line, date(2027, 3, 1))
    line.settle()
    line.pay()
    line.until(date(2027, 3, 3))
    # then what was billed for usage is the rate times the units, to the cent
    billed = [
        (row["quantity"], row["chargeAmount"])
        for row in line.records("zuora", "invoice-items").values()
        if row["chargeName"] == "Metered usage"
    ]
    assert sorted(billed) == [
        (Decimal(7), Decimal("0.70")),
        (Decimal(33), Decimal("3.30")),
        (Decimal(12_345), Decimal("1234.50")),
    ]
    # and is earned in the month of the calls, the straggler's in the first that is open
    usage = [one for one in entries(line) if one.account == "403"]
    assert [(one.service, one.period, one.amount) for one in usage] == [
        ("2027-01", "2027-01", Decimal("1234.50")),
        ("2027-01", "2027-02", Decimal("-1234.50")),
        ("2027-01", "2027-02", Decimal("1235.20")),
        ("2027-02", "2027-02", Decimal("3.30")),
    ]
    # beside the base fee and the plan
    assert by_service(line) == {"2027-01": Decimal("1435.20"), "2027-02": Decimal("203.30")}
    assert [one.parameters for one in line.issues()] == []
