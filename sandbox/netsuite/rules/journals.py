"""Journal entries: balanced to the cent, one subsidiary, one currency."""

from __future__ import annotations

from decimal import Decimal

from sandbox.netsuite.books import ZERO, lines_of
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
from sandbox.netsuite.values import Row


def complete_journal(saving: Saving, row: Row) -> None:
    """Check the lines; post if the entry is approved."""
    complete_header(saving, row, None)
    lines = lines_of(row, "line")
    if len(lines) < 2:
        raise user_error("A journal entry needs at least two lines.")
    postings = [_posting(saving, row, line, place) for place, line in enumerate(lines)]
    debits = sum((one.foreign for one in postings if one.foreign > 0), ZERO)
    credits = -sum((one.foreign for one in postings if one.foreign < 0), ZERO)
    if debits != credits:
        raise user_error(
            f"The amounts in a journal entry must balance: debits are {debits}, credits {credits}."
        )
    _approve(saving, row)
    _check_reversal(saving, row)
    row["total"] = debits
    row["_impact"] = balanced(postings) if row["approved"] else ()


def _posting(saving: Saving, row: Row, line: Row, place: int) -> Posting:
    books, path = saving.books, f"line.items[{place}]"
    if line.get("account") is None:
        raise content_error("Please enter value(s) for: Account.", f"{path}.account")
    account = check_account(books, row, line["account"], f"{path}.account")
    if account["acctType"] in {"NonPosting", "Stat"}:
        raise content_error("This account cannot be posted to.", f"{path}.account")
    debit, credit = line.get("debit"), line.get("credit")
    if bool(debit) == bool(credit):
        raise content_error("Each line has either a debit or a credit.", path)
    amount = Decimal(debit or credit or 0)
    if amount < 0:
        raise content_error("Amounts of a journal entry cannot be negative.", path)
    exact_amount(books, row["currency"], amount, f"{path}.{'debit' if debit else 'credit'}")
    if account["acctType"] == "AcctRec" and line.get("entity") is None:
        raise user_error("A line on an accounts receivable account needs a customer.")
    foreign = amount if debit else -amount
    about = {name: line.get(name) for name in ("entity", "class", "department", "location", "memo")}
    about |= {name: value for name, value in line.items() if name.startswith("custcol_")}
    base = base_amount(books, row, foreign)
    return Posting(line["line"], "journal", line["account"], foreign, base, about)


def _approve(saving: Saving, row: Row) -> None:
    if not saving.books.settings.journal_approval:
        row["approvalStatus"], row["approved"] = "2", True
        return
    if "approvalStatus" in saving.given:
        row["approved"] = row["approvalStatus"] == "2"
    elif row.get("approved") is not None:
        row["approvalStatus"] = "2" if row["approved"] else "1"
    row["approvalStatus"] = row.get("approvalStatus") or "1"
    row["approved"] = row["approvalStatus"] == "2"


def _check_reversal(saving: Saving, row: Row) -> None:
    if row.get("reversalDate") and row["reversalDate"] < row["tranDate"]:
        raise content_error("The reversal date is before the date.", "reversalDate")
    row["isReversal"] = row.get("isReversal") or False
    old = saving.old or {}
    if old.get("reversalEntry") and row.get("reversalDate") != old.get("reversalDate"):
        raise user_error("The entry has been reversed already.")


def reversed_lines(row: Row) -> list[Row]:
    """The lines of the entry that takes an entry back."""
    return [
        {**line, "debit": line.get("credit"), "credit": line.get("debit")} for line in row["line"]
    ]
