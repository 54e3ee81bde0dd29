"""Accounting codes and periods, journal runs and entries."""

from __future__ import annotations

from typing import Any

from .conftest import create, order, plan


def test_the_furniture(tenant: Any) -> None:
    codes = {
        row["name"]: row for row in tenant.ok("GET", "/v1/accounting-codes")["accountingCodes"]
    }
    assert codes["Deferred Revenue"]["glAccountNumber"] == "2400"
    assert codes["Accounts Receivable"]["type"] == "AccountsReceivable"
    page = tenant.ok("GET", "/v1/accounting-periods?pageSize=40")
    periods = {row["name"]: row for row in page["accountingPeriods"]}
    assert len(periods) == 36
    assert periods["Dec-2025"]["status"] == "Closed"
    assert periods["Sep-2026"]["status"] == "Open"
    assert (periods["Sep-2026"]["startDate"], periods["Sep-2026"]["endDate"]) == (
        "2026-09-01", "2026-09-30",
    )  # fmt: skip
    product = tenant.ok("GET", "/v1/catalog/product/API-001")
    assert [row["name"] for row in product["productRatePlans"]] == [
        "Annual", "Monthly", "One-time", "Hybrid",
    ]  # fmt: skip


def close_through(tenant: Any, last: str) -> None:
    for row in tenant.ok("GET", "/v1/accounting-periods?pageSize=40")["accountingPeriods"]:
        if row["endDate"] <= last and row["status"] == "Open":
            tenant.ok("PUT", f"/v1/accounting-periods/{row['id']}/close", {})


def test_a_closed_period_takes_no_posting(tenant: Any) -> None:
    tenant.account()
    tenant.order(create("2026-07-01", plan("PLT-001", "ANNUAL", 100)))
    [draft] = tenant.bill("2026-08-15", post=False)["invoices"]
    period = tenant.mutate
    assert tenant.refused("PUT", "/v1/accounting-periods/Aug-2026/close", {}) % 100 == 30
    close_through(tenant, "2026-08-31")
    assert tenant.refused("PUT", f"/v1/invoices/{draft}/post", {}) == 53550030
    body = {"amount": 1, "currency": "USD", "type": "External", "paymentMethodType": "ACH"}
    body |= {"accountNumber": "A-1", "effectiveDate": "2026-08-31"}
    assert tenant.refused("POST", "/v1/payments", body) == 53800030
    billing = {"runBilling": True, "billingOptions": {"documentDate": "2026-08-31"}}
    backdated = order(
        create("2026-08-01", plan("PLT-001", "ANNUAL", 1)),
        subscription="S-2",
        processingOptions=billing,
    )
    assert tenant.refused("POST", "/v1/orders", backdated) == 58490030
    moved = tenant.ok("PUT", f"/v1/invoices/{draft}/post", {"invoiceDate": "2026-09-01"})
    assert (moved["status"], moved["invoiceDate"]) == ("Posted", "2026-09-01")
    period("accounting-periods", "reopen", "Aug-2026")
    tenant.ok("POST", "/v1/payments", body)


def journal(tenant: Any, *kinds: str) -> list[dict[str, Any]]:
    body = {"journalEntryDate": "2026-09-30", "accountingPeriodName": "Sep-2026"}
    body["transactionTypes"] = [{"type": kind} for kind in kinds]
    number = tenant.ok("POST", "/v1/journal-runs", body)["journalRunNumber"]
    assert tenant.ok("GET", f"/v1/journal-runs/{number}")["status"] == "Completed"
    rows: list[dict[str, Any]] = tenant.ok("GET", f"/v1/journal-entries/journal-runs/{number}")[
        "journalEntries"
    ]
    return rows


def test_a_journal_run_sums_what_was_not_summed_before(tenant: Any) -> None:
    tenant.account(country="DE", currency="EUR")
    both = (plan("PLT-001", "ANNUAL", 1000), plan("ONB-001", "ONETIME", 200))
    tenant.order(create("2026-09-01", *both))
    [number] = tenant.bill("2026-09-01")["invoices"]
    body = {"amount": 700, "currency": "EUR", "type": "External", "paymentMethodType": "ACH"}
    body |= {"accountNumber": "A-1", "invoices": [{"invoiceNumber": number, "amount": 600}]}
    tenant.ok("POST", "/v1/payments", body)
    entries = journal(tenant, "Invoice Item", "Taxation Item", "External Payment")
    found = {
        (entry["transactionType"], item["accountingCodeName"], item["type"]): item["amount"]
        for entry in entries for item in entry["journalEntryItems"]
    }  # fmt: skip
    assert found == {
        ("Invoice Item", "Accounts Receivable", "Debit"): 1200,
        ("Invoice Item", "Deferred Revenue", "Credit"): 1000,
        ("Invoice Item", "Services Revenue", "Credit"): 200,
        ("Taxation Item", "Accounts Receivable", "Debit"): 228,
        ("Taxation Item", "Sales Tax Payable", "Credit"): 228,
        ("External Payment", "Cash", "Debit"): 700,
        ("External Payment", "Accounts Receivable", "Credit"): 600,
        ("External Payment", "Customer Cash on Account", "Credit"): 100,
    }
    assert {entry["currency"] for entry in entries} == {"EUR"}
    assert journal(tenant, "Invoice Item") == []
    one = entries[0]["number"]
    flag = {"transferredToAccounting": "Yes"}
    tenant.ok("PUT", f"/v1/journal-entries/{one}/basic-information", flag)
    assert tenant.ok("GET", f"/v1/journal-entries/{one}")["transferredToAccounting"] == "Yes"
    assert tenant.refused("PUT", f"/v1/journal-entries/{one}/cancel", {}) % 100 == 30
    assert tenant.refused("PUT", "/v1/journal-runs/JR-00000001/cancel", {}) % 100 == 30


def test_a_journal_entry_balances(tenant: Any) -> None:
    def item(code: str, kind: str, side: str, amount: Any) -> dict[str, Any]:
        return {"accountingCodeName": code, "accountingCodeType": kind, "type": side,
                "amount": amount, "homeCurrencyAmount": amount}  # fmt: skip

    debit = item("Deferred Revenue", "Deferred Revenue", "Debit", "83.33")
    credit = item("Subscription Revenue", "SalesRevenue", "Credit", 83.33)
    body = {"accountingPeriodName": "Sep-2026", "currency": "USD"}
    body |= {"journalEntryDate": "2026-09-30", "journalEntryItems": [debit, credit]}
    number = tenant.ok("POST", "/v1/journal-entries", body)["journalEntryNumber"]
    read = tenant.ok("GET", f"/v1/journal-entries/{number}")
    assert [row["glAccountNumber"] for row in read["journalEntryItems"]] == ["2400", "4000"]
    assert read["status"] == "Created"
    uneven = [debit, {**credit, "amount": 1}]
    assert tenant.refused("POST", "/v1/journal-entries", {**body, "journalEntryItems": uneven})
    outside = {**body, "journalEntryDate": "2026-10-01"}
    assert tenant.refused("POST", "/v1/journal-entries", outside) == 57040020
    closed = {**body, "accountingPeriodName": "Dec-2025", "journalEntryDate": "2025-12-31"}
    assert tenant.refused("POST", "/v1/journal-entries", closed) == 57040030
    wrong = [{**debit, "accountingCodeType": "Cash"}, credit]
    assert tenant.refused("POST", "/v1/journal-entries", {**body, "journalEntryItems": wrong})


def test_codes_and_periods_can_be_added(tenant: Any) -> None:
    body = {"name": "Hardware", "type": "SalesRevenue", "glAccountNumber": "4030"}
    tenant.ok("POST", "/v1/accounting-codes", body)
    assert tenant.ok("GET", "/v1/accounting-codes/Hardware")["glAccountNumber"] == "4030"
    assert tenant.refused("POST", "/v1/accounting-codes", body) % 100 == 20
    overlapping = {"name": "x", "startDate": "2027-12-15", "endDate": "2028-01-31"}
    overlapping |= {"fiscalYear": 2028}
    assert tenant.refused("POST", "/v1/accounting-periods", overlapping) % 100 == 30
    january = {**overlapping, "startDate": "2028-01-01", "name": "Jan-2028"}
    tenant.ok("POST", "/v1/accounting-periods", january)
    assert tenant.ok("GET", "/v1/accounting-periods/Jan-2028")["status"] == "Open"
