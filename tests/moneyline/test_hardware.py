"""Goods that the ERP books as revenue with the invoice: neither deferred, nor earned twice."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

from connectors.records import Selection
from engine.books.connector import Books
from tests.moneyline import orders
from tests.moneyline.posting import HARDWARE_ACCOUNT, by_service, entries
from tests.moneyline.world import MoneyLine

START = date(2027, 1, 1)
FIELDS = ("billed", "deferred", "recognised")


def sums(line: MoneyLine, object: str, id: str) -> tuple[object, ...]:
    """(billed, deferred, recognised) as the books have them."""
    rules = line.services.config.books
    (record,) = Books(line.store, rules.at_invoice).read(Selection(object, FIELDS), [id])
    return tuple(record.fields[name] for name in FIELDS)


def in_stock(line: MoneyLine) -> Decimal:
    """What NetSuite has as hardware revenue, from whatever posted it."""
    return -sum(
        (
            posting.foreign
            for object in ("invoice", "creditMemo", "journalEntry")
            for row in line.records("netsuite", object).values()
            for posting in row.get("_impact") or ()
            if posting.account == HARDWARE_ACCOUNT
        ),
        Decimal(0),
    )


def test_hardware_is_earned_by_its_invoice_alone(line: MoneyLine) -> None:
    # given a deal of a year's service and a gateway
    orders.at(line, START)
    deal = line.won(line.account(), [("PLT-001", 1_200)], START)
    other = line.won(line.account("Box Ltd"), [("HWR-001", 500)], START, yearly=False)
    line.settle()
    # then NetSuite has booked the gateway, and the books know that without a line of it
    assert in_stock(line) == Decimal(500)
    assert sums(line, "deals", other) == (Decimal(500), Decimal(0), Decimal(500))
    assert sums(line, "deals", deal) == (Decimal(1_200), Decimal(1_200), Decimal(0))
    # when the month is posted, then its journal is of the service alone
    line.until(date(2027, 2, 3))
    assert by_service(line) == {"2027-01": Decimal(100)}
    assert {one.contract for one in entries(line)} == {f"S-{deal}"}
    assert sums(line, "contracts", f"S-{deal}") == (Decimal(1_200), Decimal(1_100), Decimal(100))
    assert in_stock(line) == Decimal(500)
    assert line.codes() == []


def test_without_the_rule_nothing_is_posted_to_a_wrong_account(tmp_path: Path) -> None:
    # given a project that does not say so
    line = MoneyLine(
        tmp_path, lambda text: text.replace("  recognised_at_invoice: [hardware]\n", "")
    )
    orders.at(line, START)
    line.won(line.account(), [("HWR-001", 500)], START, yearly=False)
    line.settle()
    line.until(date(2027, 2, 3))
    # then the journal is an issue, and no account is guessed
    (issue,) = line.issues()
    assert (issue.sync, issue.parameters["fault"]) == ("journals", "UNKNOWN_VALUE")
    assert "hardware" in issue.parameters["message"]
    assert entries(line) == []
    line.close()
