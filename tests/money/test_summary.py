"""Where the money of a deal stands: from sums alone, in whatever order they came to be known."""

from __future__ import annotations

from datetime import date
from itertools import permutations

import pytest

from engine.money.model import Fact, FactKind
from engine.money.summary import Status, Summary, summarise

DAY = date(2026, 1, 1)
KIND = FactKind
BILLED = ((KIND.BILLED, 10_000), (KIND.TAX, 1_900))
PAID = (*BILLED, (KIND.PAID, 11_900))


def fact(kind: FactKind, amount: int, currency: str = "EUR") -> Fact:
    return Fact(kind, kind.value, amount, currency, 2, DAY)


def summary(*amounts: tuple[FactKind, int]) -> Summary:
    return summarise([fact(kind, amount) for kind, amount in amounts], "EUR", 2)


@pytest.mark.parametrize(
    ("amounts", "status", "open_minor"),
    [
        ((), Status.NOT_BILLED, 0),
        (BILLED, Status.BILLED, 11_900),
        # a downgrade: nothing but a credit memo
        (((KIND.CORRECTED, 1_000), (KIND.CREDITED_TAX, 190)), Status.BILLED, -1_190),
        ((*BILLED, (KIND.PAID, 5_000)), Status.PART_PAID, 6_900),
        (PAID, Status.PAID, 0),
        # a concession that went back: what is left was paid
        (
            (*PAID, (KIND.CREDITED, 1_000), (KIND.CREDITED_TAX, 190), (KIND.REFUNDED, 1_190)),
            Status.PAID,
            0,
        ),
        # the whole of it
        (
            (*PAID, (KIND.CREDITED, 10_000), (KIND.CREDITED_TAX, 1_900), (KIND.REFUNDED, 11_900)),
            Status.REFUNDED,
            0,
        ),
        # cash alone: still owed
        ((*PAID, (KIND.REFUNDED, 1_900)), Status.PART_PAID, 1_900),
        # in dispute, taken back for good, and paid once more
        ((*PAID, (KIND.DISPUTED, 11_900)), Status.DISPUTED, 11_900),
        ((*PAID, (KIND.CHARGED_BACK, 11_900)), Status.BILLED, 11_900),
        ((*BILLED, (KIND.PAID, 23_800), (KIND.CHARGED_BACK, 11_900)), Status.PAID, 0),
        # written off, and corrected by billing
        ((*BILLED, (KIND.PAID, 1_900), (KIND.WRITTEN_OFF, 10_000)), Status.PAID, 0),
        ((*BILLED, (KIND.PAID, 10_900), (KIND.CORRECTED, 1_000)), Status.PAID, 0),
        # a credit whose refund did not arrive is the customer's to claim
        ((*PAID, (KIND.CREDITED, 1_000)), Status.PAID, -1_000),
    ],
)
def test_status_and_what_is_open(amounts, status, open_minor) -> None:
    found = summary(*amounts)
    assert (found.status, found.open_minor) == (status, open_minor)


def test_the_order_in_which_facts_arrive_does_not_matter() -> None:
    known = (*PAID, (KIND.DISPUTED, 100), (KIND.REFUNDED, 200))
    assert {summary(*order).status for order in permutations(known)} == {Status.DISPUTED}


def test_another_currency_is_left_out() -> None:
    found = summarise([fact(KIND.BILLED, 5), fact(KIND.BILLED, 7, "USD")], "EUR", 2)
    assert found.of(KIND.BILLED) == 5
