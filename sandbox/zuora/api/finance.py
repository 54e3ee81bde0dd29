"""Accounting codes, periods, journal runs and journal entries below ``/v1``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sandbox.zuora import finance, render
from sandbox.zuora.api.desk import PAGES, Call, Endpoint
from sandbox.zuora.errors import invalid, refuse
from sandbox.zuora.values import Row

_CODE_TYPES: Final = (
    "AccountsReceivable", "OnAccountReceivable", "Cash", "OtherAssets", "CustomerCashOnAccount",
    "DeferredRevenue", "SalesTaxPayable", "OtherLiabilities", "SalesRevenue", "SalesDiscounts",
    "OtherRevenue", "OtherEquity", "BadDebt", "OtherExpenses", "UnbilledReceivables",
    "ContractAssets", "ContractLiabilities", "AdjustmentLiabilities", "AdjustmentRevenue",
)  # fmt: skip


def _code(row: Row) -> Row:
    told = {key: value for key, value in row.items() if not key.endswith(("ById", "Date"))}
    return told | {
        "createdBy": row["createdById"], "createdOn": row["createdDate"],
        "updatedBy": row["updatedById"], "updatedOn": row["updatedDate"],
    }  # fmt: skip


def _period(row: Row) -> Row:
    return _code(row) | {"startDate": row["startDate"], "endDate": row["endDate"]}


def _codes(call: Call) -> Row:
    return call.page(list(call.tenant.rows("accounting-codes")), "accountingCodes", _code)


def _one_code(call: Call) -> Row:
    return _code(call.tenant.get("accounting-codes", call.key()))


def _create_code(call: Call) -> Row:
    fields = call.known("name", "type", "glAccountName", "glAccountNumber", "notes")
    name = fields.need("name", max=100)
    if call.tenant.find("accounting-codes", name) is not None:
        raise invalid("name", f"'{name}' already exists.")
    row = call.tenant.insert("accounting-codes", {
        "name": name, "type": fields.choice("type", _CODE_TYPES), "status": "Active",
        "glAccountName": fields.text("glAccountName"), "notes": fields.text("notes"),
        "glAccountNumber": fields.text("glAccountNumber"),
    })  # fmt: skip
    return {"id": row["id"]}


def _periods(call: Call) -> Row:
    return call.page(list(call.tenant.rows("accounting-periods")), "accountingPeriods", _period)


def _one_period(call: Call) -> Row:
    return _period(call.tenant.get("accounting-periods", call.key()))


def _create_period(call: Call) -> Row:
    fields = call.known("name", "startDate", "endDate", "fiscalYear", "fiscalQuarter", "notes")
    start, end = fields.need_date("startDate"), fields.need_date("endDate")
    for other in call.tenant.rows("accounting-periods"):
        if other["startDate"] <= end and start <= other["endDate"]:
            raise refuse(f"The period overlaps {other['name']}.")
    row = call.tenant.insert("accounting-periods", {
        "name": fields.need("name"), "startDate": start, "endDate": end,
        "fiscalYear": fields.integer("fiscalYear"), "notes": fields.text("notes"),
        "fiscalQuarter": fields.integer("fiscalQuarter"), "status": "Open",
    })  # fmt: skip
    return {"id": row["id"]}


def _setter(status: str) -> Callable[[Call], None]:
    def put(call: Call) -> None:
        row = call.tenant.get("accounting-periods", call.key())
        finance.set_period(call.tenant, row, status)

    return put


def _trial_balance(call: Call) -> None:
    row = call.tenant.get("accounting-periods", call.key())
    at = call.tenant.now().replace(microsecond=0)
    changed = {"runTrialBalanceStatus": "Completed", "runTrialBalanceStart": at}
    call.tenant.update("accounting-periods", row["id"], changed)


def _start_run(call: Call) -> Row:
    fields = call.known(
        "journalEntryDate", "transactionTypes", "targetStartDate", "targetEndDate",
        "accountingPeriodName",
    )  # fmt: skip
    return {"journalRunNumber": finance.start_run(call.tenant, fields)["number"]}


def _run(call: Call) -> Row:
    return render.plain("journal-runs", call.tenant.get("journal-runs", call.key()))


def _cancel_run(call: Call) -> None:
    finance.cancel_run(call.tenant, call.tenant.get("journal-runs", call.key()))


def _entries(call: Call) -> Row:
    run = call.tenant.get("journal-runs", call.key())
    rows = call.tenant.where("journal-entries", _run=run["number"])
    return call.page(rows, "journalEntries", lambda row: render.plain("journal-entries", row))


def _entry(call: Call) -> Row:
    return render.plain("journal-entries", call.tenant.get("journal-entries", call.key()))


def _create_entry(call: Call) -> Row:
    fields = call.known(
        "accountingPeriodName", "currency", "journalEntryDate", "journalEntryItems", "notes",
        "segments", "transactionType", "transferredToAccounting",
    )  # fmt: skip
    return {"journalEntryNumber": finance.create_entry(call.tenant, fields)["number"]}


def _mark_entry(call: Call) -> None:
    row = call.tenant.get("journal-entries", call.key())
    finance.mark_entry(call.tenant, row, call.known("notes", "transferredToAccounting"))


def _cancel_entry(call: Call) -> None:
    row = call.tenant.get("journal-entries", call.key())
    if row["transferredToAccounting"] == "Yes" or row["status"] == "Cancelled":
        raise refuse(f"Journal entry {row['number']} cannot be canceled.")
    call.tenant.update("journal-entries", row["id"], {"status": "Cancelled"})


ENDPOINTS: Final = (
    Endpoint("GET", "/v1/accounting-codes", _codes, 570100, query=PAGES),
    Endpoint("POST", "/v1/accounting-codes", _create_code, 570100),
    Endpoint("GET", "/v1/accounting-codes/{key}", _one_code, 570100),
    Endpoint("GET", "/v1/accounting-periods", _periods, 570200, query=PAGES),
    Endpoint("POST", "/v1/accounting-periods", _create_period, 570200),
    Endpoint("GET", "/v1/accounting-periods/{key}", _one_period, 570200),
    Endpoint("PUT", "/v1/accounting-periods/{key}/pending-close", _setter("PendingClose"), 570200),
    Endpoint("PUT", "/v1/accounting-periods/{key}/close", _setter("Closed"), 570200),
    Endpoint("PUT", "/v1/accounting-periods/{key}/reopen", _setter("Open"), 570200),
    Endpoint("PUT", "/v1/accounting-periods/{key}/run-trial-balance", _trial_balance, 570200),
    Endpoint("POST", "/v1/journal-runs", _start_run, 570300),
    Endpoint("GET", "/v1/journal-runs/{key}", _run, 570300),
    Endpoint("PUT", "/v1/journal-runs/{key}/cancel", _cancel_run, 570300),
    Endpoint("GET", "/v1/journal-entries/journal-runs/{key}", _entries, 570400, query=PAGES),
    Endpoint("POST", "/v1/journal-entries", _create_entry, 570400),
    Endpoint("GET", "/v1/journal-entries/{key}", _entry, 570400),
    Endpoint("PUT", "/v1/journal-entries/{key}/basic-information", _mark_entry, 570400),
    Endpoint("PUT", "/v1/journal-entries/{key}/cancel", _cancel_entry, 570400),
)
