"""Dates, money and JSON as the tenant handles them.

Amounts are ``Decimal`` in major units; a period is ``[start, end)`` inside and inclusive on paper.
"""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

import orjson

Row: TypeAlias = dict[str, Any]

ZERO: Final = Decimal(0)
EXPONENTS: Final = {
    "USD": 2, "EUR": 2, "GBP": 2, "JPY": 0, "KWD": 3, "CAD": 2, "CHF": 2, "SEK": 2, "PLN": 2,
    "BRL": 2, "AUD": 2,
}  # fmt: skip
FOREVER: Final = date(9999, 12, 31)
MONTHS_PER: Final = {"Month": 1, "Quarter": 3, "Semi_Annual": 6, "Annual": 12, "Year": 12}
SPECIFIC_MONTHS: Final = "Specific_Months"


def unit(currency: str) -> Decimal:
    """The smallest amount of a currency, in major units."""
    return Decimal(1).scaleb(-EXPONENTS[currency])


def rounded(amount: Decimal, currency: str) -> Decimal:
    """To the currency's minor unit, half to even."""
    return amount.quantize(unit(currency), ROUND_HALF_EVEN)


def fits(amount: Decimal, currency: str) -> bool:
    """Whether an amount has no more decimals than its currency."""
    return amount == rounded(amount, currency)


def number(value: Any) -> Decimal | None:
    """A JSON number, or text that holds one; ``None`` when it is neither."""
    if isinstance(value, bool) or not isinstance(value, (int, str, Decimal)):
        return None
    try:
        read = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return read if read.is_finite() else None


def add_months(day: date, months: int) -> date:
    """The same day of a later month, or its last day."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


def add_term(day: date, count: int, kind: str) -> date:
    """``day`` moved by a number of days, weeks, months or years."""
    if kind in {"Day", "Week"}:
        return day + timedelta(days=count * (7 if kind == "Week" else 1))
    return add_months(day, count * MONTHS_PER[kind])


def read_date(text: str) -> date:
    """``YYYY-MM-DD``; ``ValueError`` otherwise."""
    if len(text) != 10:
        raise ValueError(text)
    return date.fromisoformat(text)


def query_time(instant: datetime) -> str:
    """The form of object query."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def tenant_time(instant: datetime, zone: ZoneInfo) -> str:
    """The form of the v1 resources: the tenant's own wall clock."""
    return instant.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def printable(value: Any, zone: ZoneInfo | None = None) -> Any:
    """A value for :func:`orjson.dumps`; instants in tenant time when a zone is given."""
    match value:
        case Decimal():
            return orjson.Fragment(_digits(value).encode())
        case datetime():
            return tenant_time(value, zone) if zone else query_time(value)
        case date():
            return value.isoformat()
        case dict():
            return {key: printable(inner, zone) for key, inner in value.items()}
        case list() | tuple():
            return [printable(inner, zone) for inner in value]
    return value


def _digits(amount: Decimal) -> str:
    """Plain digits, trailing zeros gone, as a JSON writer of doubles would print them."""
    text = f"{amount:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"", "-0"} else text
