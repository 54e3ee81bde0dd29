"""What a charge costs over a stretch of time.

Billing periods are counted from the subscription's start, or from the charge's own where it is
aligned to that. A part of a period costs its share of
days, rounded half to even; what was billed for a longer part is credited back to exactly that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from sandbox.zuora.values import (
    FOREVER,
    MONTHS_PER,
    SPECIFIC_MONTHS,
    ZERO,
    Row,
    add_months,
    rounded,
)

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """A billing period, or the part of it that a segment covers: ``[start, end)``."""

    start: date
    end: date

    @property
    def days(self) -> int:
        """How long it is."""
        return (self.end - self.start).days

    def within(self, start: date, end: date) -> Period | None:
        """The part inside a stretch, or ``None``."""
        cut = Period(max(self.start, start), min(self.end, end))
        return cut if cut.start < cut.end else None


def periods(anchor: date, months: int, start: date, until: date) -> Iterator[Period]:
    """The periods that touch ``[start, until)``."""
    number = max(((start.year - anchor.year) * 12 + start.month - anchor.month) // months - 1, 0)
    while True:
        first = add_months(anchor, number * months)
        if first >= until:
            return
        whole = Period(first, add_months(anchor, (number + 1) * months))
        if whole.end > start:
            yield whole
        number += 1


def months_of(charge: Row) -> int:
    """The length of a charge's billing period."""
    if charge["billingPeriod"] == SPECIFIC_MONTHS:
        return int(charge["specificBillingPeriod"])
    return MONTHS_PER[charge["billingPeriod"]]


def periods_of(charge: Row, anchor: date, start: date, until: date) -> Iterator[Period]:
    """A charge's billing periods that touch ``[start, until)``. ``anchor``: the subscription's
    start, where the charge is not aligned to its own."""
    return periods(charge.get("_aligned") or anchor, months_of(charge), start, until)


def end_of(charge: Row) -> date:
    """The first day a segment no longer covers."""
    end: date | None = charge["effectiveEndDate"]
    return end or FOREVER


def per_period(charge: Row) -> Decimal:
    """The price of a whole billing period, or of a one-time charge; not rounded."""
    price: Decimal = charge["salesPrice"]
    if charge["chargeModel"] == "FlatFee":
        return price
    quantity: Decimal = charge["quantity"]
    return price * quantity


def share(charge: Row, part: Period, whole: Period, currency: str) -> Decimal:
    """The price of a part of a billing period."""
    return rounded(per_period(charge) * part.days / whole.days, currency)


def monthly_value(charge: Row, currency: str) -> Decimal:
    """Monthly recurring revenue of a segment."""
    if charge["chargeType"] != "Recurring":
        return ZERO
    return rounded(per_period(charge) / months_of(charge), currency)


def contract_value(charge: Row, anchor: date, currency: str) -> Decimal:
    """What a segment is worth from end to end; nothing when it has no end."""
    if charge["chargeType"] == "OneTime":
        return rounded(per_period(charge), currency)
    if charge["chargeType"] != "Recurring" or charge["effectiveEndDate"] is None:
        return ZERO
    start, end = charge["effectiveStartDate"], charge["effectiveEndDate"]
    total = ZERO
    for whole in periods_of(charge, anchor, start, end):
        part = whole.within(start, end)
        if part is not None:
            total += share(charge, part, whole, currency)
    return total
