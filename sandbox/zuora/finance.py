"""Journal runs and entries, accounting periods. Reference: developer.zuora.com, "Accounting"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from sandbox.zuora.errors import invalid, refuse
from sandbox.zuora.fields import Fields
from sandbox.zuora.periods import check_open, period_of
from sandbox.zuora.tenant import Tenant
from sandbox.zuora.values import EXPONENTS, ZERO, Row

AR: Final = "Accounts Receivable"
CASH: Final = "Cash"
ON_ACCOUNT: Final = "Customer Cash on Account"
TAX: Final = "Sales Tax Payable"
BAD_DEBT: Final = "Bad Debt"
TYPES: Final = (
    "Invoice Item", "Taxation Item", "Electronic Payment", "External Payment", "Electronic Refund",
    "External Refund", "Credit Memo Item", "Credit Memo Application Item", "Debit Memo Item",
    "Revenue Event Item",
)  # fmt: skip
_FLOWS: Final = {"No", "Processing", "Yes", "Error", "Ignore"}


@dataclass(frozen=True)
class Posting:
    """One movement between two accounting codes."""

    source: str
    day: date
    currency: str
    debit: str
    credit: str
    amount: Decimal


def set_period(tenant: Tenant, row: Row, status: str) -> Row:
    """Close or reopen; a period closes only after those before it."""
    if status == "Closed":
        for other in tenant.rows("accounting-periods"):
            if other["endDate"] < row["startDate"] and other["status"] != "Closed":
                raise refuse(f"Close {other['name']} first; periods are closed in order.")
    elif status == "Open":
        for other in tenant.rows("accounting-periods"):
            if other["startDate"] > row["endDate"] and other["status"] == "Closed":
                raise refuse(f"Reopen {other['name']} first; periods are reopened in order.")
    return tenant.update("accounting-periods", row["id"], {"status": status})


def _code(tenant: Tenant, id: str | None) -> str | None:
    row = tenant.find("accounting-codes", id)
    return row["name"] if row else None


def _revenue(tenant: Tenant, item: Row) -> str:
    deferred = _code(tenant, item["deferredRevenueAccountingCodeId"])
    return (
        deferred or _code(tenant, item["recognizedRevenueAccountingCodeId"]) or "Services Revenue"
    )


def _postings(tenant: Tenant, kind: str) -> Iterator[Posting]:
    """All movements of a type, whatever their date."""
    match kind:
        case "Invoice Item" | "Taxation Item":
            yield from _of_invoices(tenant, tax=kind == "Taxation Item")
        case "Credit Memo Item":
            yield from _of_memos(tenant)
        case "External Payment":
            for row in tenant.where("payments", status="Processed"):
                day, currency = row["effectiveDate"], row["currency"]
                if row["appliedAmount"]:
                    yield Posting(row["id"], day, currency, CASH, AR, row["appliedAmount"])
                rest = row["amount"] - row["appliedAmount"]
                if rest:
                    yield Posting(row["id"], day, currency, CASH, ON_ACCOUNT, rest)
        case "External Refund":
            for row in tenant.where("refunds", status="Processed"):
                day, currency = row["refundDate"], row["currency"]
                back = ON_ACCOUNT if row["sourceType"] == "Payment" else AR
                yield Posting(row["id"], day, currency, back, CASH, row["amount"])


def _of_invoices(tenant: Tenant, *, tax: bool) -> Iterator[Posting]:
    for invoice in tenant.where("invoices", status="Posted"):
        day, currency = invoice["invoiceDate"], invoice["currency"]
        for item in tenant.where("invoice-items", invoiceId=invoice["id"]):
            amount = item["taxAmount" if tax else "chargeAmount"]
            if amount:
                to = TAX if tax else _revenue(tenant, item)
                yield Posting(item["id"], day, currency, AR, to, amount)


def _of_memos(tenant: Tenant) -> Iterator[Posting]:
    for memo in tenant.where("credit-memos", status="Posted"):
        day, currency = memo["memoDate"], memo["currency"]
        for item in tenant.where("credit-memo-items", creditMemoId=memo["id"]):
            off = memo["reasonCode"] == "Write-off"
            from_code = BAD_DEBT if off else _revenue(tenant, item)
            yield Posting(item["id"], day, currency, from_code, AR, item["amount"])
            if item["taxAmount"]:
                yield Posting(item["id"], day, currency, TAX, AR, item["taxAmount"])


def start_run(tenant: Tenant, fields: Fields) -> Row:
    """Summarise what was not summarised before: one entry per type and currency."""
    day = fields.need_date("journalEntryDate")
    start, end, name = _range(tenant, fields)
    check_open(tenant, day)
    kinds = [row.choice("type", TYPES) for row in fields.parts("transactionTypes")]
    if not kinds:
        raise invalid("transactionTypes", "must name at least one type.")
    run = tenant.insert("journal-runs", {
        "number": tenant.number("journal-runs", "JR-"), "journalEntryDate": day,
        "targetStartDate": start, "targetEndDate": end, "accountingPeriodName": name,
        "transactionTypes": [{"type": kind} for kind in kinds], "status": "Pending",
        "aggregateCurrency": False, "executedOn": tenant.now().replace(microsecond=0),
        "segmentationRuleName": None, "_sources": [],
    })  # fmt: skip
    count, sources = 0, []
    done = {
        tuple(source)
        for other in tenant.rows("journal-runs")
        if other["status"] != "Cancelled"
        for source in other["_sources"]
    }
    for kind in kinds:
        mine = [
            posting for posting in _postings(tenant, kind)
            if start <= posting.day <= end and (kind, posting.source) not in done
        ]  # fmt: skip
        sources += sorted({(kind, posting.source) for posting in mine})
        for currency in sorted({posting.currency for posting in mine}):
            chosen = [posting for posting in mine if posting.currency == currency]
            _add_entry(tenant, run, kind, currency, chosen)
            count += 1
    return tenant.update("journal-runs", run["id"], {
        "status": "Completed", "totalJournalEntryCount": count, "_sources": sources,
    })  # fmt: skip


def _range(tenant: Tenant, fields: Fields) -> tuple[date, date, str | None]:
    name = fields.text("accountingPeriodName")
    if name is not None:
        period = tenant.get("accounting-periods", name)
        return period["startDate"], period["endDate"], name
    return fields.need_date("targetStartDate"), fields.need_date("targetEndDate"), None


def _add_entry(tenant: Tenant, run: Row, kind: str, currency: str, postings: list[Posting]) -> None:
    sums: dict[tuple[str, str], Decimal] = {}
    for posting in postings:
        for side, code in (("Debit", posting.debit), ("Credit", posting.credit)):
            sums[side, code] = sums.get((side, code), ZERO) + posting.amount
    items = [_item(tenant, code, side, amount) for (side, code), amount in sums.items() if amount]
    period = period_of(tenant, run["journalEntryDate"])
    tenant.insert("journal-entries", {
        "number": tenant.number("journal-entries", "JE-"), "status": "Created",
        "journalEntryDate": run["journalEntryDate"], "currency": currency,
        "homeCurrency": tenant.settings.home_currency, "transactionType": kind,
        "accountingPeriodName": period["name"] if period else None, "notes": None,
        "transferredToAccounting": "No", "segments": [], "journalEntryItems": items,
        "timePeriodStart": run["targetStartDate"], "timePeriodEnd": run["targetEndDate"],
        "aggregateCurrency": False, "_run": run["number"],
    })  # fmt: skip


def _item(tenant: Tenant, code: str, side: str, amount: Decimal) -> Row:
    row = tenant.get("accounting-codes", code)
    return {
        "accountingCodeName": row["name"], "accountingCodeType": row["type"],
        "glAccountName": row["glAccountName"], "glAccountNumber": row["glAccountNumber"],
        "type": side, "amount": amount, "homeCurrencyAmount": None,
    }  # fmt: skip


def create_entry(tenant: Tenant, fields: Fields) -> Row:
    """An entry by hand; it must balance and its period be open."""
    period = tenant.get("accounting-periods", fields.need("accountingPeriodName"))
    day = fields.need_date("journalEntryDate")
    if not period["startDate"] <= day <= period["endDate"]:
        raise invalid("journalEntryDate", f"is not in the accounting period {period['name']}.")
    check_open(tenant, day)
    currency = fields.need("currency")
    if currency not in EXPONENTS:
        raise invalid("currency", f"'{currency}' is not a currency of this tenant.")
    items, balance = [], ZERO
    for row in fields.parts("journalEntryItems"):
        code = tenant.get("accounting-codes", row.need("accountingCodeName"))
        said = (row.text("accountingCodeType") or "").replace(" ", "")
        if said != code["type"]:
            raise invalid(row.name("accountingCodeType"), f"must be {code['type']}.")
        side = row.choice("type", ("Debit", "Credit"))
        amount = row.amount("amount", currency)
        balance += amount if side == "Debit" else -amount
        home = row.decimal("homeCurrencyAmount")
        items.append(_item(tenant, code["name"], side, amount) | {"homeCurrencyAmount": home})
    if not items or balance:
        raise refuse("The debits and credits of a journal entry must be equal.")
    return tenant.insert("journal-entries", {
        "number": tenant.number("journal-entries", "JE-"), "status": "Created",
        "journalEntryDate": day, "currency": currency, "notes": fields.text("notes"),
        "homeCurrency": tenant.settings.home_currency, "transactionType": None,
        "accountingPeriodName": period["name"], "transferredToAccounting": "No",
        "segments": fields.values.get("segments") or [], "journalEntryItems": items,
        "timePeriodStart": None, "timePeriodEnd": None, "aggregateCurrency": False, "_run": None,
        **tenant.check_customs("journal-entries", fields.customs()),
    })  # fmt: skip


def mark_entry(tenant: Tenant, row: Row, fields: Fields) -> Row:
    """What may change of an entry: notes and the transfer flag."""
    changed: Row = dict(tenant.check_customs("journal-entries", fields.customs()))
    if "notes" in fields.values:
        changed["notes"] = fields.text("notes")
    if fields.has("transferredToAccounting"):
        value = fields.choice("transferredToAccounting", tuple(sorted(_FLOWS)))
        changed["transferredToAccounting"] = value
    return tenant.update("journal-entries", row["id"], changed)


def cancel_run(tenant: Tenant, run: Row) -> None:
    """Take a run and its entries back, unless one was transferred."""
    entries = tenant.where("journal-entries", _run=run["number"])
    if any(row["transferredToAccounting"] == "Yes" for row in entries):
        raise refuse("The journal run has entries that were transferred to accounting.")
    for row in entries:
        tenant.update("journal-entries", row["id"], {"status": "Cancelled"})
    tenant.update("journal-runs", run["id"], {"status": "Cancelled"})
