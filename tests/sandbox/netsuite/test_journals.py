"""Journal entries and accounting periods."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest


def entry(*lines: tuple[str, str, float], **more: Any) -> dict[str, Any]:
    """``(account id, "debit" or "credit", amount)`` per line."""
    items = [{"account": {"id": id}, side: amount} for id, side, amount in lines]
    body = {"subsidiary": {"id": "1"}, "tranDate": "2026-09-30", "line": {"items": items}}
    return {**body, **more}


RELEASE = (("230", "debit", 833.33), ("401", "credit", 833.33))


def test_a_balanced_entry_is_posted(account: Any) -> None:
    id = account.put("journalEntry", "revline-journal-1", **entry(*RELEASE, memo="2026-09"))
    shown = account.read("journalEntry", id)
    assert shown["postingPeriod"]["refName"] == "Sep 2026"
    assert [line.get("debit") for line in shown["line"]["items"]] == [Decimal("833.33"), None]
    assert shown["approved"] is True
    assert account.sum_of("2500") == Decimal("833.33")
    assert account.sum_of("4000") == Decimal("-833.33")
    rows = account.query(
        "SELECT a.acctnumber, tal.debit, tal.credit, tl.foreignamount "
        "FROM transaction t JOIN transactionaccountingline tal ON tal.transaction = t.id "
        "JOIN transactionline tl ON tl.transaction = t.id AND tl.id = tal.transactionline "
        "JOIN account a ON a.id = tal.account WHERE t.externalid = ? ORDER BY tal.transactionline",
        "revline-journal-1",
    )
    assert rows == [
        {"acctnumber": "2500", "debit": "833.33", "foreignamount": "833.33"},
        {"acctnumber": "4000", "credit": "833.33", "foreignamount": "-833.33"},
    ]


def test_accounts_and_customers_may_be_named_by_external_id(account: Any) -> None:
    account.customer(externalId="c-1")
    lines = [
        {"account": {"externalId": "1100"}, "debit": 5, "entity": {"externalId": "c-1"}},
        {"account": {"externalId": "4000"}, "credit": 5},
    ]
    account.make("journalEntry", **entry() | {"line": {"items": lines}})
    assert account.sum_of("1100") == 5
    unknown = [{"account": {"externalId": "none"}, "debit": 5}, lines[1]]
    answer = account.call("POST", "journalEntry", entry() | {"line": {"items": unknown}})
    assert account.refused(answer)["o:errorPath"] == "line.items[0].account"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (entry(("230", "debit", 100), ("401", "credit", 99.99)), "USER_ERROR"),
        (entry(("230", "debit", 100)), "USER_ERROR"),
        (entry(), "USER_ERROR"),
        (entry(("230", "debit", -1), ("401", "credit", -1)), "INVALID_CONTENT"),
        (entry(("230", "debit", 0), ("401", "credit", 0)), "INVALID_CONTENT"),
        (entry(("230", "debit", 1.005), ("401", "credit", 1.005)), "INVALID_CONTENT"),
        (entry(("119", "debit", 1), ("401", "credit", 1)), "USER_ERROR"),  # receivable of whom
        (entry(("112", "debit", 1), ("401", "credit", 1)), "INVALID_CONTENT"),  # bank of the UK
        (entry(("111", "debit", 1), ("401", "credit", 1), currency={"id": "3"}), "INVALID_CONTENT"),
        (entry(("999", "debit", 1), ("401", "credit", 1)), "INVALID_CONTENT"),
        (entry(("77", "debit", 1), ("401", "credit", 1)), "INVALID_CONTENT"),
        (entry(*RELEASE, subsidiary=None), "INVALID_CONTENT"),
        (entry(*RELEASE, reversalDate="2026-09-01"), "INVALID_CONTENT"),
        (entry(*RELEASE, tranDate="2031-01-01"), "USER_ERROR"),
    ],
)
def test_refused_entries(account: Any, body: dict[str, Any], code: str) -> None:
    assert account.refused(account.call("POST", "journalEntry", body))["o:errorCode"] == code
    assert account.call("GET", "journalEntry").json()["totalResults"] == 0


def test_a_line_is_a_debit_or_a_credit(account: Any) -> None:
    body = entry(*RELEASE)
    body["line"]["items"][0]["credit"] = 833.33
    detail = account.refused(account.call("POST", "journalEntry", body))
    assert detail["o:errorPath"] == "line.items[0]"


def test_a_repeated_upsert_doubles_an_entry_unless_lines_are_replaced(account: Any) -> None:
    id = account.put("journalEntry", "j", "line", **entry(*RELEASE))
    account.put("journalEntry", "j", "line", **entry(*RELEASE))
    assert account.sum_of("2500") == Decimal("833.33")
    assert "posted_journal_edited" not in account.kinds_of_violation()
    account.put("journalEntry", "j", **entry(*RELEASE))
    assert account.sum_of("2500") == Decimal("1666.66")
    assert len(account.read("journalEntry", id)["line"]["items"]) == 4
    assert "posted_journal_edited" in account.kinds_of_violation()


def test_foreign_entries_balance_in_both_currencies(account: Any) -> None:
    thirds = (("230", "debit", 33.33), ("230", "debit", 33.33), ("401", "credit", 66.66))
    body = entry(*thirds, currency={"id": "3"}, exchangeRate=1.0815)
    account.make("journalEntry", **body)
    rows = account.query("SELECT SUM(amount) AS base, COUNT(*) AS n FROM transactionaccountingline")
    assert rows == [{"base": "0", "n": "4"}], "three lines and the one that takes the rounding"
    assert account.query("SELECT SUM(foreignamount) AS f FROM transactionline") == [{"f": "0"}]
    yen = entry(("230", "debit", 833), ("401", "credit", 833), currency={"id": "4"})
    account.make("journalEntry", **yen)
    dinar = entry(("230", "debit", 8.333), ("401", "credit", 8.333), currency={"id": "5"})
    account.make("journalEntry", **dinar)


def test_an_entry_may_wait_for_approval(account: Any) -> None:
    account.admin("options", {"journal_approval": True})
    id = account.make("journalEntry", **entry(*RELEASE))
    assert account.read("journalEntry", id)["approvalStatus"]["id"] == "1"
    assert account.sum_of("2500") == 0
    rows = account.query("SELECT posting, BUILTIN.DF(status) AS s FROM transaction")
    assert rows == [{"posting": "F", "s": "Journal : Pending Approval"}]
    account.patch("journalEntry", id, approvalStatus={"id": "2"})
    assert account.sum_of("2500") == Decimal("833.33")
    account.make("journalEntry", **entry(*RELEASE, approved=True))
    assert account.sum_of("2500") == Decimal("1666.66")


def test_a_reversal_is_made_with_the_entry(account: Any) -> None:
    id = account.make("journalEntry", **entry(*RELEASE, reversalDate="2026-10-01"))
    mirror = account.read("journalEntry", id)["reversalEntry"]
    shown = account.read("journalEntry", mirror)
    assert (shown["isReversal"], shown["tranDate"]) == (True, "2026-10-01")
    assert account.sum_of("2500") == 0
    assert account.sum_of("2500", postingperiod=shown["postingPeriod"]["id"]) == Decimal("-833.33")


# -- periods ---------------------------------------------------------------------------------------


def test_the_months_quarters_and_years_are_there(account: Any) -> None:
    month = "isposting = 'T' AND isquarter = 'F' AND isyear = 'F'"
    rows = account.query(
        f"SELECT periodname, closed, startdate, enddate FROM accountingperiod WHERE {month} "
        "AND startdate <= TO_DATE(?, 'YYYY-MM-DD') AND enddate >= TO_DATE(?, 'YYYY-MM-DD')",
        "2026-11-22",
        "2026-11-22",
    )
    assert rows == [
        {"periodname": "Nov 2026", "closed": "F", "startdate": "11/1/2026", "enddate": "11/30/2026"}
    ]
    counts = account.query(
        "SELECT isyear, isquarter, COUNT(*) AS n FROM accountingperiod GROUP BY isyear, isquarter "
        "ORDER BY n"
    )
    assert [row["n"] for row in counts] == ["3", "12", "36"]
    assert account.query("SELECT COUNT(*) AS n FROM accountingperiod WHERE closed = 'T'") == [
        {"n": "17"}
    ]


def test_a_closed_period_refuses_every_change(account: Any) -> None:
    customer = account.customer()
    id = account.put("journalEntry", "j", "line", **entry(*RELEASE))
    invoice = account.invoice(customer, account.line("PLT-001", 5))
    account.mutate("accountingPeriod", "close", "Sep 2026")
    new = {"entity": {"id": customer}, "item": {"items": [account.line("PLT-001", 5)]}}
    for answer in (
        account.call("POST", "journalEntry", entry(*RELEASE)),
        account.call("PUT", "journalEntry/eid:j", entry(*RELEASE), params={"replace": "line"}),
        account.call("PATCH", f"journalEntry/{id}", {"memo": "x"}),
        account.call("DELETE", f"journalEntry/{id}"),
        account.call("PATCH", f"journalEntry/{id}", {"tranDate": "2026-10-01"}),
        account.call("POST", "invoice", {**new, "tranDate": "2026-09-10"}),
        account.call("PATCH", f"invoice/{invoice}", {"memo": "x"}),
    ):
        detail = account.refused(answer)
        assert detail["o:errorCode"] == "USER_ERROR"
        assert "closed" in detail["detail"]
    account.pay(customer, 5, (invoice, 5), tranDate="2026-10-05")
    assert account.read("invoice", invoice)["amountRemaining"] == 0
    october = account.query("SELECT id FROM accountingperiod WHERE periodname = 'Oct 2026'")[0]
    late = entry(*RELEASE, postingPeriod={"id": october["id"]}, memo="late")
    account.make("journalEntry", **late)
    account.mutate("accountingPeriod", "reopen", "Sep 2026")
    account.patch("journalEntry", id, memo="x")


def test_a_locked_period_refuses_too(account: Any) -> None:
    account.mutate("accountingPeriod", "lock", "Sep 2026")
    answer = account.call("POST", "journalEntry", entry(*RELEASE))
    assert "locked" in account.refused(answer)["detail"]
    account.mutate("accountingPeriod", "unlock", "Sep 2026")
    september = account.mutate("accountingPeriod", "update", "Sep 2026", arLocked=True)
    assert september["arLocked"] is True
    account.make("journalEntry", **entry(*RELEASE))
    new = {"entity": {"id": account.customer()}, "tranDate": "2026-09-10"}
    lines = {"item": {"items": [account.line("PLT-001", 5)]}}
    answer = account.call("POST", "invoice", {**new, **lines})
    assert "locked" in account.refused(answer)["detail"]


def test_2025_is_closed_and_memos_may_be_edited_where_allowed(account: Any) -> None:
    answer = account.call("POST", "journalEntry", entry(*RELEASE, tranDate="2025-12-31"))
    assert "closed" in account.refused(answer)["detail"]
    id = account.make("journalEntry", **entry(*RELEASE))
    account.mutate("accountingPeriod", "close", "Sep 2026")
    account.mutate("accountingPeriod", "update", "Sep 2026", allowNonGLChanges=True)
    account.patch("journalEntry", id, memo="explained")
    lines = {"line": {"items": [{"line": 1, "memo": "x"}]}}
    account.refused(account.call("PATCH", f"journalEntry/{id}", lines))
    assert account.read("journalEntry", id)["memo"] == "explained"
