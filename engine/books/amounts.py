"""How the books show amounts, and which of them count where."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Final

from engine.money.model import Fact, FactKind

SUMS: Final = {
    FactKind.ORDERED: "ordered",
    FactKind.BILLED: "billed",
    FactKind.TAX: "tax",
    FactKind.CREDITED: "credited",
    FactKind.CREDITED_TAX: "credited_tax",
    FactKind.CORRECTED: "corrected",
    FactKind.PAID: "paid",
    FactKind.REFUNDED: "refunded",
    FactKind.DISPUTED: "disputed",
    FactKind.CHARGED_BACK: "charged_back",
    FactKind.WRITTEN_OFF: "written_off",
}
"""The kinds of facts that contracts and deals show the sums of, and what each sum is called."""


def amount(minor: int, exponent: int) -> Decimal:
    """Minor units as an amount in major units, with the currency's places."""
    return Decimal(minor).scaleb(-exponent)


def scheduled(some: Sequence[Fact], currency: str, at_invoice: Collection[str]) -> list[Fact]:
    """The facts of a contract in a currency whose revenue schedules earn."""
    return [fact for fact in some if fact.currency == currency and fact.family not in at_invoice]
