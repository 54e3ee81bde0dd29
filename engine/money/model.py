"""Money as the books see it: facts, schedules and their lines. Frozen; amounts in minor units.

Amounts are integers in the currency's minor unit with the exponent beside them: 833.33 USD is
``83333`` with exponent 2, 500 JPY is ``500`` with exponent 0. Dates are calendar dates, both ends
of a service period included. Nothing here names a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum


class UnearnableError(ValueError):
    """Facts that no schedule follows from. The message names charges and dates, never persons."""


class FactKind(StrEnum):
    """What a fact proves.

    ``credited`` is what was conceded on an invoice; ``corrected`` what billing took back because
    the order changed, which the order says already. ``disputed`` is money whose dispute is open,
    ``charged_back`` money that a bank took back for good.
    """

    QUOTED = "quoted"
    ORDERED = "ordered"
    BILLED = "billed"
    TAX = "tax"
    CREDITED = "credited"
    CREDITED_TAX = "credited_tax"
    CORRECTED = "corrected"
    PAID = "paid"
    REFUNDED = "refunded"
    DISPUTED = "disputed"
    CHARGED_BACK = "charged_back"
    WRITTEN_OFF = "written_off"
    RECOGNISED = "recognised"
    POSTED = "posted"
    STAGE_ENTERED = "stage_entered"
    RATED_USAGE = "rated_usage"
    COST = "cost"
    FORECAST = "forecast"
    MILESTONE = "milestone"


@dataclass(frozen=True, slots=True)
class Fact:
    """One amount that one record proves.

    ``key`` tells apart the facts of one kind and record (an invoice has one per line). ``contract``
    is the thread that ties facts together, ``deal`` the opportunity that brought it, ``obligation``
    what was promised (a charge), ``document`` the invoice it concerns, ``entity`` the legal entity.
    """

    kind: FactKind
    key: str
    amount_minor: int
    currency: str
    exponent: int
    effective_on: date
    contract: str | None = None
    deal: str | None = None
    obligation: str | None = None
    document: str | None = None
    family: str | None = None
    entity: str | None = None
    service_from: date | None = None
    service_to: date | None = None


@dataclass(frozen=True, slots=True)
class PeriodState:
    """An accounting period as the ERP has it."""

    start: date
    end: date
    closed: bool


@dataclass(frozen=True, slots=True)
class Rate:
    """What one unit of a currency comes to in another, from a day on until the next rate."""

    from_currency: str
    to_currency: str
    rate: Decimal
    effective_on: date
