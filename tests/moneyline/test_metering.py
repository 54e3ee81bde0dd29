"""Usage from the product's own records to the invoice: a base fee and a rate times the units."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tests.moneyline import metering, orders
from tests.moneyline.posting import by_service, entries
from tests.moneyline.stripe_line import StripeLine
from tests.moneyline.world import MoneyLine

START = date(2027, 1, 1)
TO_ZUORA = """
  usage:
    from: salesforce.Usage__c
    to: zuora.usage
    mapping: usage_to_usage
    start_from: everything
    after: [orders]
"""
TO_STRIPE = """
  usage:
    from: salesforce.Usage__c
    to: stripe.meter_events
    mapping: usage_to_meter_event
    start_from: everything
    after: [payers]
"""


@pytest.fixture
def line(tmp_path: Path) -> Iterator[MoneyLine]:
    made = MoneyLine(tmp_path, lambda text: text + TO_ZUORA)
    yield from metered(made)


@pytest.fixture
def stripe_line(tmp_path: Path) -> Iterator[StripeLine]:
    made = StripeLine(tmp_path, lambda text: text + TO_STRIPE)
    yield from metered(made)


def metered(line: MoneyLine) -> Iterator[MoneyLine]:
    metering.install(line)
    yield line
    line.close()
    for system, simulator in line.simulators.items():
        assert simulator.journal.violations == [], system


def test_usage_records_are_billed_at_their_rate_in_zuora(line: MoneyLine) -> None:
    # given a deal to which calls at 0.10 with a base fee of 100 a month were added
    orders.at(line, START)
    deal = line.won(line.account(), [("PLT-001", 1_200)], START)
    line.settle()
    plan = {"productRatePlanNumber": "PRP-API-001-HYBRID"}
    orders.amend(line, f"S-{deal}", START, "AddProduct", plan)
    line.rest(minutes=1)
    # when the product reports January, and corrects a day before it is billed
    orders.at(line, date(2027, 1, 31))
    first = metering.used(line, deal, date(2027, 1, 10), "12000.5")
    metering.used(line, deal, date(2027, 1, 30), "344.5")
    wrong = metering.used(line, deal, date(2027, 1, 31), "99")
    line.settle()
    line.do("salesforce", "Usage__c", "update", wrong, {"Units__c": "9"})
    line.settle()
    orders.at(line, date(2027, 2, 1))
    orders.bill(line, date(2027, 2, 1))
    line.until(date(2027, 2, 3))
    # then each is in Zuora once, and the month costs 0.10 times the units beside the 100
    units = sorted(row["quantity"] for row in line.records("zuora", "usages").values())
    assert units == [Decimal(9), Decimal("344.5"), Decimal("12000.5")]
    items = line.records("zuora", "invoice-items").values()
    usage = [row["chargeAmount"] for row in items if row["chargeName"] == "Metered usage"]
    base = [row["chargeAmount"] for row in items if row["chargeName"] == "Base fee"]
    assert usage == [Decimal("1235.40")]
    assert base == [Decimal(100), Decimal(100)]
    assert by_service(line)["2027-01"] == Decimal(100) + Decimal(100) + Decimal("1235.40")
    # and an engine that has forgotten nothing writes nothing again
    before = line.written()
    line.restart()
    line.rest(hours=1)
    assert line.written() == before
    assert [one.parameters for one in line.issues()] == []
    # when what was billed is corrected all the same, it is an issue
    line.do("salesforce", "Usage__c", "update", first, {"Units__c": "1"})
    line.settle()
    (refused,) = line.issues()
    assert refused.sync == "usage"
    assert refused.source is not None
    assert refused.source.id == first


def plan_of(line: StripeLine, customer: str) -> None:
    """A base fee of 100 a month and calls at 0.10, sold in Stripe."""
    line.call_stripe("billing/meters", {
        "display_name": "Calls", "event_name": "api_calls",
        "default_aggregation[formula]": "sum",
    })  # fmt: skip
    (meter,) = line.records("stripe", "meters")
    monthly = {"currency": "eur", "recurring[interval]": "month"}
    base = line.call_stripe("prices", {**monthly, "product": "SUP-001", "unit_amount": "10000"})
    rate = line.call_stripe("prices", {
        **monthly, "product": "API-001", "unit_amount_decimal": "10",
        "recurring[usage_type]": "metered", "recurring[meter]": meter,
    })  # fmt: skip
    line.call_stripe("subscriptions", {
        "customer": customer, "collection_method": "send_invoice", "days_until_due": "30",
        "items[0][price]": base["id"], "items[1][price]": rate["id"],
    })  # fmt: skip


def test_usage_records_are_billed_at_their_rate_in_stripe(stripe_line: StripeLine) -> None:
    line = stripe_line
    # given a customer with a plan of 100 a month and 0.10 a call, besides the deal
    orders.at(line, START)
    deal = line.won(line.account(), [("PLT-001", 1_200), ("SUP-001", 12), ("API-001", 12)], START)
    line.settle()
    (customer,) = line.records("stripe", "customers")
    plan_of(line, customer)
    # when the product reports January, and the month is over
    orders.at(line, date(2027, 1, 31))
    first = metering.used(line, deal, date(2027, 1, 10), "12000.5")
    metering.used(line, deal, date(2027, 1, 30), "344.5")
    line.settle()
    line.restart()
    line.settle()
    orders.at(line, date(2027, 2, 1))
    line.rest(hours=2)
    line.until(date(2027, 2, 3))
    # then there is one event each, and the second month's invoice has the first one's calls
    events = line.records("stripe", "meter_events").values()
    assert sorted(row["payload"]["value"] for row in events) == ["12000.5", "344.5"]
    invoices = line.records("stripe", "invoices").values()
    (second,) = [row for row in invoices if row["billing_reason"] == "subscription_cycle"]
    assert sorted(one["amount"] for one in second["_lines"]) == [10_000, 123_450]
    # and the calls are earned in the month in which they were made
    usage = [one for one in entries(line) if one.account == "403"]
    assert sum(one.amount for one in usage if one.service == "2027-01") >= Decimal("1234.50")
    assert [one.parameters for one in line.issues()] == []
    # when an event that was sent is corrected, it is an issue: another record has to say the rest
    line.do("salesforce", "Usage__c", "update", first, {"Units__c": "1"})
    line.settle()
    (sent,) = line.issues()
    assert sent.code == "TARGET_IMMUTABLE"
    assert sent.parameters["corrected_by"].startswith("Let the source report the difference")
    assert len(line.records("stripe", "meter_events")) == 2
