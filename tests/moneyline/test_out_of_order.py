"""News out of order: an older or lower state of a deal's money never takes the place of a newer."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from itertools import groupby

import pytest

from tests.moneyline.money_back import charges, dispute, opportunity, refund, rows
from tests.moneyline.receivables import identity_c
from tests.moneyline.world import MoneyLine

START = date(2026, 1, 1)
DOCUMENTS = r"/object-query/(invoices|payments)"


def told(line: MoneyLine) -> list[str]:
    """The statuses that Salesforce was told, one after another."""
    found = []
    for entry in line.simulators["salesforce"].journal.entries:
        if entry.applied and b"Billing_Status__c" in entry.request.body:
            body = json.loads(entry.request.body)
            found += [row["Billing_Status__c"] for row in body.get("records", [body])]
    return [status for status, _again in groupby(found)]


def later(line: MoneyLine) -> None:
    """A few minutes, looked at more than once: within the time that sweeps overlap."""
    for _ in range(3):
        line.rest(minutes=1)


@pytest.mark.parametrize("seed", [1])
def test_states_seen_late_never_overwrite_newer_ones(line: MoneyLine, seed: int) -> None:
    # given a billing system half of whose answers are those from before its last write
    deal = line.won(line.account(), [("PLT-001", 10_000)], START)
    line.settle()
    faults = line.simulators["zuora"].faults
    faults.add({
        "match": {"method": "GET", "path": DOCUMENTS, "probability": 0.5, "seed": seed},
        "action": "stale_read", "times": 10_000,
    })  # fmt: skip
    # when the money comes, is disputed, stays, and is given back
    line.pay()
    later(line)
    charge = charges(line)[deal]
    opened = dispute(line, charge)
    later(line)
    line.do("stripe", "disputes", "win", opened, {})
    later(line)
    refund(line, charge, None, "requested_by_customer")
    later(line)
    # then Salesforce was told of states in the order in which they were so, if not of every one
    left = iter(["Not billed", "Billed", "Paid", "Disputed", "Paid", "Refunded"])
    assert all(one in left for one in told(line)), told(line)
    assert opportunity(line, deal) == ("Refunded", Decimal(0))
    # and no document of NetSuite fell behind
    assert len(rows(line, "netsuite", "customerPayment")) == 1
    assert len(rows(line, "netsuite", "customerRefund")) == 1
    faults.clear()
    assert identity_c(line) == []
    assert line.codes() == []
