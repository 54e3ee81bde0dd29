"""The identities see what does not hold, in whichever system it went wrong."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from tests.moneyline.identities import (
    identity_a,
    identity_b,
    identity_d,
    identity_e,
    violations,
)
from tests.moneyline.world import MoneyLine


def test_each_sees_what_somebody_changed_behind_its_back(tmp_path: Path) -> None:
    line = MoneyLine(tmp_path)
    line.won(line.account(), [("PLT-001", 1_200)], date(2026, 1, 1))
    line.settle()
    assert violations(line) == []
    # the deal is worth less than it was ordered for
    (item,) = line.records("salesforce", "OpportunityLineItem")
    line.do("salesforce", "OpportunityLineItem", "update", item, {"UnitPrice": "1100"})
    assert identity_a(line) != []
    # billing charged less than was ordered, which NetSuite does not know either
    assert (identity_b(line), identity_d(line)) == ([], [])
    (billed,) = line.records("zuora", "invoice-items")
    line.do("zuora", "invoice-items", "update", billed, {"chargeAmount": 1100})
    assert identity_b(line) != []
    assert identity_d(line) != []
    # an accountant changes a journal that was posted
    assert identity_e(line) == []
    line.clock.shift(date(2026, 1, 2) - date(2026, 1, 1))
    journal = next(iter(line.records("netsuite", "journalEntry")))
    line.do("netsuite", "journalEntry", "update", journal, {"memo": "changed by hand"})
    assert identity_e(line) != []
    line.close()
