"""Payments, credit memos and refunds: what they settle, what stays unapplied, what they post."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from sandbox.netsuite.accounts import REALIZED, UNDEPOSITED
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
from sandbox.netsuite.rules.sales import complete_sale, receivable_account, sale_impact
from sandbox.netsuite.values import Row

INVOICES: Final = frozenset({"invoice"})
CREDITS: Final = frozenset({"creditMemo", "customerPayment"})
MONEY_ACCOUNTS: Final = frozenset({"Bank", "OthCurrAsset"})


def complete_payment(saving: Saving, row: Row) -> None:
    """Money received. What is not applied stays with the customer as unapplied."""
    books, customer = saving.books, _customer(row)
    complete_header(saving, row, customer)
    amount = row.get("payment")
    if amount is None or amount <= 0:
        raise content_error("Please enter a payment amount greater than 0.", "payment")
    row["payment"] = exact_amount(books, row["currency"], amount, "payment")
    row["total"] = amount
    _apply(saving, row, customer, INVOICES, amount - books.settled(saving.id))
    row["arAcct"] = receivable_account(books, row, customer, "arAcct")
    if row.get("account") is None or (
        row.get("undepFunds") and "undepFunds" in saving.given and "account" not in saving.given
    ):
        row["account"], row["undepFunds"] = UNDEPOSITED, True
    else:
        row["undepFunds"] = row["account"] == UNDEPOSITED
    _money_account(books, row)
    about = {"entity": customer, "memo": row.get("memo")}
    received = base_amount(books, row, amount)
    settled = receivable_base(saving, row, amount)
    row["_impact"] = balanced(
        [
            Posting(0, "main", row["account"], amount, received, about),
            Posting(1, "item", row["arAcct"], -amount, -settled, about),
        ],
        REALIZED,
    )


def complete_credit(saving: Saving, row: Row) -> None:
    """A credit memo: lines like an invoice's, the other way round, and what it is applied to."""
    complete_sale(saving, row)
    row["approvalStatus"] = "2"
    books = saving.books
    _apply(saving, row, row["entity"], INVOICES, row["total"] - books.settled(saving.id))
    main, *others = sale_impact(books, row, Decimal(-1))
    lines = [one for one in others if one.kind != "exchange"]
    settled = -receivable_base(saving, row, row["total"])
    first = Posting(0, "main", main.account, main.foreign, settled, main.about)
    row["_impact"] = balanced([first, *lines], REALIZED)


def complete_refund(saving: Saving, row: Row) -> None:
    """Money paid back: of a credit memo, or of a payment that was not applied."""
    books, customer = saving.books, _customer(row)
    complete_header(saving, row, customer)
    _apply(saving, row, customer, CREDITS, None)
    if not row["apply"]:
        raise user_error("A refund must be applied to at least one credit memo or payment.")
    row["total"] = sum((line["amount"] for line in row["apply"]), ZERO)
    row["arAcct"] = receivable_account(books, row, customer, "arAcct")
    if row.get("account") is None:
        raise content_error("Please enter value(s) for: Account.", "account")
    _money_account(books, row)
    about = {"entity": customer, "memo": row.get("memo")}
    paid = base_amount(books, row, row["total"])
    row["_impact"] = balanced(
        [
            Posting(0, "main", row["account"], -row["total"], -paid, about),
            Posting(
                1, "item", row["arAcct"], row["total"],
                receivable_base(saving, row, row["total"]), about,
            ),
        ],
        REALIZED,
    )  # fmt: skip


def _customer(row: Row) -> str:
    if row.get("customer") is None:
        raise content_error("Please enter value(s) for: Customer.", "customer")
    id: str = row["customer"]
    return id


def _money_account(books: Books, row: Row) -> None:
    if check_account(books, row, row["account"], "account")["acctType"] not in MONEY_ACCOUNTS:
        raise content_error("A bank account is expected.", "account")


def party_of(row: Row) -> str | None:
    """The customer of a transaction, whatever the field is called."""
    return row.get("entity") or row.get("customer")


def available(books: Books, id: str) -> Decimal:
    """What is open of an invoice, or not yet used of a credit memo or payment."""
    row = books.transaction(id)[1]
    used = sum((line["amount"] for line in lines_of(row, "apply")), ZERO)
    total: Decimal = row["total"]
    return total - used - books.settled(id)


def _apply(
    saving: Saving, row: Row, customer: str, kinds: frozenset[str], most: Decimal | None
) -> None:
    """Check the lines of ``apply`` and keep those that apply something.

    ``most`` is what there is to apply; ``None``: as much as the lines say.
    """
    books, left = saving.books, most
    if left is not None and left < 0:
        raise user_error("The amount cannot be less than what was refunded of it.")
    kept: list[Row] = []
    for place, line in enumerate(lines_of(row, "apply")):
        path = f"apply.items[{place}]"
        if line.get("apply") is not True:
            continue
        _check_document(saving, row, customer, kinds, line["doc"], path)
        due = available(books, line["doc"]) + books.applied_to(line["doc"]).get(saving.id, ZERO)
        amount = line.get("amount")
        if amount is None:
            amount = due if left is None else min(due, left)
        exact_amount(books, row["currency"], amount, f"{path}.amount")
        if amount <= 0 or amount > due:
            title = books.title("transaction", line["doc"])
            raise user_error(f"{amount} cannot be applied to {title}: {due} is open.")
        if left is not None:
            if amount > left:
                raise user_error("The amount applied exceeds the amount that is there to apply.")
            left -= amount
        kept.append({"doc": line["doc"], "apply": True, "amount": amount})
    if row.get("autoApply") and left:
        kept += _automatic(saving, row, customer, kept, left)
    row["autoApply"] = False
    row["apply"] = kept
    before = {line["doc"]: line["amount"] for line in lines_of(saving.old or {}, "apply")}
    after = {line["doc"]: line["amount"] for line in kept}
    for doc in before.keys() | after.keys():
        if before.get(doc) != after.get(doc):
            books.touch(doc)


def _check_document(
    saving: Saving, row: Row, customer: str, kinds: frozenset[str], doc: str, path: str
) -> None:
    spec, other = saving.books.transaction(doc)
    if spec.name not in kinds or other.get("approvalStatus", "2") != "2":
        raise content_error(f"Invalid reference key {doc} for doc.", f"{path}.doc")
    same = party_of(other) == customer and all(
        other[name] == row[name] for name in ("currency", "subsidiary")
    )
    if not same:
        raise user_error(
            f"{saving.books.title('transaction', doc)} cannot be applied: its customer, currency "
            "or subsidiary is another."
        )


def _automatic(
    saving: Saving, row: Row, customer: str, kept: list[Row], left: Decimal
) -> list[Row]:
    """The oldest open invoices, as long as there is money left."""
    books, taken = saving.books, {line["doc"] for line in kept}
    invoices = sorted(
        (other["tranDate"], int(id), id)
        for type, id, other in books.dealings(customer)
        if type == "invoice"
        and other["currency"] == row["currency"]
        and other["subsidiary"] == row["subsidiary"]
        and other["approvalStatus"] == "2"
        and id not in taken
    )
    added = []
    for _, _, id in invoices:
        amount = min(left, available(books, id))
        if amount > 0:
            added.append({"doc": id, "apply": True, "amount": amount})
            left -= amount
    return added


def receivable_base(saving: Saving, row: Row, total: Decimal) -> Decimal:
    """What a settlement moves on the receivables account, in base currency.

    The applied part moves at the rate of what it is applied to, and in steps that add up to the
    whole, so that a settled document leaves nothing behind; the rest moves at the settlement's own
    rate, from which refunds of it go on.
    """
    books, base, applied = saving.books, ZERO, ZERO
    for line in row["apply"]:
        other = books.transaction(line["doc"])[1]
        before = books.settled(line["doc"]) - books.applied_to(line["doc"]).get(saving.id, ZERO)
        upto = base_amount(books, other, before + line["amount"])
        base += upto - base_amount(books, other, before)
        applied += line["amount"]
    return base + base_amount(books, row, total - applied)
