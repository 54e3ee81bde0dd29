"""The identities see what does not hold, in whichever system it went wrong."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

from tests.moneyline import orders
from tests.moneyline.identities import (
    identity_a,
    identity_b,
    identity_d,
    identity_e,
    violations,
)
from tests.moneyline.leaving_out import Sound
from tests.moneyline.quotes import agreed_values
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


def test_they_hold_for_all_others_while_one_has_an_issue(tmp_path: Path) -> None:
    # given a customer whose deal cannot be ordered whole, beside one who is fine
    line = MoneyLine(tmp_path)
    good = line.won(line.account("Good Ltd"), [("PLT-001", 1_200)], date(2026, 1, 1))
    bad = line.won(line.account("Bad Ltd"), [("PLT-001", 600)], date(2026, 1, 1))
    line.settle()
    (item,) = (
        id
        for id, row in line.records("salesforce", "OpportunityLineItem").items()
        if row["OpportunityId"] == bad
    )
    line.do("salesforce", "OpportunityLineItem", "update", item, {"UnitPrice": "500"})
    line.rest(minutes=10)
    assert [issue.source.id for issue in line.issues()] == [bad]
    assert identity_a(line) != []
    assert violations(line) == []
    assert set(Sound(line).left_out) == {f"S-{bad}"}
    # then what goes wrong with the other is told, and who was left out
    (billed,) = (
        id
        for id, row in line.records("zuora", "invoice-items").items()
        if row["subscriptionNumber"] == f"S-{good}"
    )
    line.do("zuora", "invoice-items", "update", billed, {"chargeAmount": 1100})
    said = violations(line)
    assert any(f"(b) S-{good}" in one for one in said)
    assert not any(f"(b) S-{bad}" in one for one in said)
    assert f"S-{bad} is left out: TARGET_IMMUTABLE" in said[-1]
    line.close()


def test_an_amendment_is_compared_with_what_was_agreed(tmp_path: Path) -> None:
    # given a year that was added to in its middle, and then ended early
    line = MoneyLine(tmp_path)
    start = date(2026, 1, 1)
    contract = f"S-{line.won(line.account(), [('PLT-001', 1_200)], start)}"
    line.settle()
    orders.upsell(line, contract, date(2026, 7, 1), 600, every="Semi_Annual")
    orders.reprice(line, contract, date(2026, 7, 1), 2_400)
    assert agreed_values(line) == {contract: rounded(1_200 * 181 + 2_400 * 184, 365) + 600}
    assert identity_a(line) == []
    orders.cancel(line, contract, date(2026, 10, 1))
    assert identity_a(line) == []
    # when Zuora makes something else of it, then that is seen
    (added,) = (
        id
        for id, row in line.records("zuora", "rate-plan-charges").items()
        if row["name"] == "Annual fee" and row["salesPrice"] == 600 and row["version"] == 4
    )
    line.do("zuora", "rate-plan-charges", "update", added, {"tCV": 1})
    assert identity_a(line) != []
    line.close()


def rounded(amount: int, days: int) -> Decimal:
    return (Decimal(amount) / days).quantize(Decimal("0.01"))
