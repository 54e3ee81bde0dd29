"""Sales orders, invoices, credit memos: lines, tax, totals, and what they post."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from sandbox.netsuite.accounts import RECEIVABLE, SALES_TAX
from sandbox.netsuite.books import ZERO, Books, lines_of
from sandbox.netsuite.errors import content_error, user_error
from sandbox.netsuite.rules.common import (
    Posting,
    Saving,
    balanced,
    base_amount,
    check_account,
    complete_header,
    exact_amount,
)
from sandbox.netsuite.values import Row, rounded

ABOUT: Final = (
    "item", "quantity", "rate", "class", "department", "location", "revRecStartDate",
    "revRecEndDate",
)  # fmt: skip


def complete_order(saving: Saving, row: Row) -> None:
    """A sales order: nothing is posted."""
    complete_sale(saving, row)
    row["orderStatus"] = row.get("orderStatus") or "A"
    if "orderStatus" in saving.given and row["orderStatus"] not in {"A", "B"}:
        raise content_error("An order can be saved as A or B only.", "orderStatus")
    for line in row["item"]:
        line.setdefault("quantityBilled", ZERO)
        if line["quantity"] < line["quantityBilled"]:
            raise user_error("The quantity cannot be less than the quantity billed.")


def complete_invoice(saving: Saving, row: Row) -> None:
    """An invoice: what is open of it follows from what was applied."""
    complete_sale(saving, row)
    row["approvalStatus"] = row.get("approvalStatus") or "2"
    row["dueDate"] = row.get("dueDate") or _due(saving.books, row)
    settled = saving.books.settled(saving.id)
    if row["total"] < settled:
        raise user_error("The total cannot be less than the amount already applied.")
    approved = row["approvalStatus"] == "2"
    if settled and not approved:
        raise user_error("The approval of a transaction with payments cannot be taken back.")
    row["_impact"] = sale_impact(saving.books, row, Decimal(1)) if approved else ()


def complete_sale(saving: Saving, row: Row) -> None:
    """What orders, invoices and credit memos have in common: customer, lines, tax, totals."""
    if row.get("entity") is None:
        raise content_error("Please enter value(s) for: Customer.", "entity")
    complete_header(saving, row, row["entity"])
    if not row.get("item"):
        raise content_error("You must enter at least one line item for this transaction.", "item")
    books = saving.books
    if saving.old is None:
        customer = books.tables["customer"][row["entity"]]
        row["terms"] = row.get("terms") or customer.get("terms")
    details = _tax_details(books, row)
    row["item"] = [
        _price(books, row, line, f"item.items[{place}]", details)
        for place, line in enumerate(row["item"])
    ]
    row["subtotal"] = sum((line["amount"] for line in row["item"]), ZERO)
    row["taxTotal"] = sum((line["tax1Amt"] for line in row["item"]), ZERO)
    row["total"] = row["subtotal"] + row["taxTotal"]
    if row["total"] < 0:
        raise user_error("The transaction total cannot be negative.")


def _price(books: Books, row: Row, line: Row, path: str, details: dict[str, Decimal] | None) -> Row:
    if line.get("item") is None:
        raise content_error("Please choose an item to add.", f"{path}.item")
    found = books.find("item", line["item"])
    if found is None or found[1].get("isInactive"):
        raise content_error(f"Invalid reference key {line['item']} for item.", f"{path}.item")
    priced = {**line, "quantity": line.get("quantity") or Decimal(1)}
    digits = books.precision(row["currency"])
    if priced.get("amount") is None:
        if priced.get("rate") is None:
            raise content_error("Please enter a value for amount.", f"{path}.amount")
        priced["amount"] = rounded(priced["rate"] * priced["quantity"], digits)
    exact_amount(books, row["currency"], priced["amount"], f"{path}.amount")
    start, end = priced.get("revRecStartDate"), priced.get("revRecEndDate")
    if end is not None and (start is None or end < start):
        message = "The end date for revenue recognition is before the start date."
        raise content_error(message, f"{path}.revRecEndDate")
    if details is not None:
        if line.get("tax1Amt"):
            raise user_error("Tax amounts on lines cannot be combined with tax details.")
        priced["tax1Amt"] = details.get(str(line.get("taxDetailsReference")), ZERO)
    elif priced.get("tax1Amt") is None:
        priced["tax1Amt"] = rounded(priced["amount"] * _tax_rate(books, line) / 100, digits)
    exact_amount(books, row["currency"], priced["tax1Amt"], f"{path}.tax1Amt")
    priced["grossAmt"] = priced["amount"] + priced["tax1Amt"]
    return priced


def _tax_rate(books: Books, line: Row) -> Decimal:
    if line.get("taxRate1") is not None:
        given: Decimal = line["taxRate1"]
        return given
    if line.get("taxCode") is None:
        return ZERO
    rate: Decimal = books.tables["salesTaxItem"][line["taxCode"]]["rate"]
    return rate


def _tax_details(books: Books, row: Row) -> dict[str, Decimal] | None:
    """Tax per line reference where somebody else computed it; ``None`` otherwise."""
    details = lines_of(row, "taxDetails")
    if not row.get("taxDetailsOverride"):
        if details:
            raise user_error("Tax details can be given with taxDetailsOverride only.")
        return None
    references = {line.get("taxDetailsReference") for line in lines_of(row, "item")}
    taxes: dict[str, Decimal] = {}
    for place, detail in enumerate(details):
        path = f"taxDetails.items[{place}]"
        if detail["taxDetailsReference"] not in references:
            message = "No line has this tax details reference."
            raise content_error(message, f"{path}.taxDetailsReference")
        if detail.get("taxAmount") is None:
            raise content_error("Please enter a value for taxAmount.", f"{path}.taxAmount")
        amount = exact_amount(books, row["currency"], detail["taxAmount"], f"{path}.taxAmount")
        reference = detail["taxDetailsReference"]
        taxes[reference] = taxes.get(reference, ZERO) + amount
    for line in lines_of(row, "item"):
        line["tax1Amt"] = None
    return taxes


def _due(books: Books, row: Row) -> str:
    term = books.tables["term"].get(row.get("terms") or "")
    days = term["daysUntilNetDue"] if term is not None else 0
    return (date.fromisoformat(row["tranDate"]) + timedelta(days=days)).isoformat()


def receivable_account(books: Books, row: Row, customer: str, field: str = "account") -> str:
    """The receivables account of a transaction: its own, the customer's, the company's."""
    chosen = row.get(field) or books.tables["customer"][customer].get("receivablesAccount")
    id: str = chosen or RECEIVABLE
    if check_account(books, row, id, field)["acctType"] != "AcctRec":
        raise content_error("An accounts receivable account is expected.", field)
    return id


def line_account(books: Books, line: Row) -> str:
    """Where a line is posted: deferral if the item is recognised over time, else its income.

    An item with a deferral account defers when it has a revenue recognition rule, or when the line
    has dates of its own.
    """
    found = books.find("item", line["item"])
    item = found[1] if found is not None else {}
    dated = line.get("revRecStartDate") is not None or line.get("deferRevRec") is True
    deferral = item.get("deferredRevenueAccount")
    if deferral and (dated or item.get("revenueRecognitionRule")):
        return str(deferral)
    return str(item["incomeAccount"])


def sale_impact(books: Books, row: Row, sign: Decimal) -> tuple[Posting, ...]:
    """Receivable against revenue, deferral and tax; ``sign`` -1 for a credit memo."""
    entity = row["entity"]
    row["account"] = receivable_account(books, row, entity)
    shared = {"entity": entity}
    total = row["total"] * sign
    about: Row = {**shared, "memo": row.get("memo")}
    postings = [Posting(0, "main", row["account"], total, base_amount(books, row, total), about)]
    for line in row["item"]:
        amount = -line["amount"] * sign
        about = {**shared, **{name: line.get(name) for name in ABOUT}}
        about |= {name: value for name, value in line.items() if name.startswith("custcol_")}
        about["memo"] = line.get("description")
        account = line_account(books, line)
        base = base_amount(books, row, amount)
        postings.append(Posting(line["line"], "item", account, amount, base, about))
    tax = -row["taxTotal"] * sign
    if tax:
        number = max(line["line"] for line in row["item"]) + 1
        base = base_amount(books, row, tax)
        postings.append(Posting(number, "tax", SALES_TAX, tax, base, shared))
    deferral = {
        id for id, one in books.tables["account"].items() if one["acctType"] == "DeferRevenue"
    }
    deferred = [one.foreign for one in postings if one.account in deferral]
    row["deferredRevenue"] = -sum(deferred, ZERO) * sign
    return balanced(postings)


def recount_order(books: Books, id: str) -> None:
    """Bring an order's billed quantities and status in line with its invoices."""
    order = books.tables["salesOrder"][id]
    billed: dict[int, Decimal] = {}
    for invoice in books.bills_of(id):
        for line in invoice["item"]:
            number = line.get("orderLine")
            if number is not None:
                billed[number] = billed.get(number, ZERO) + line["quantity"]
    lines = [{**line, "quantityBilled": billed.get(line["line"], ZERO)} for line in order["item"]]
    if any(line["quantityBilled"] > line["quantity"] for line in lines):
        raise user_error("The quantity billed cannot exceed the quantity ordered.")
    status = order["orderStatus"]
    if all(line["quantityBilled"] == line["quantity"] for line in lines):
        status = "G"
    elif any(line["quantityBilled"] for line in lines):
        status = "E"
    elif status in {"E", "G"}:
        status = "B"
    changed = {"item": lines, "orderStatus": status, "lastModifiedDate": books.stamp()}
    books.put("salesOrder", id, {**order, **changed})
