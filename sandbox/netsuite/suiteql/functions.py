"""The functions of the language, as the query engine calls them.

Dates are kept as marked text that sorts, so that a date is never taken for a string.
"""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

MARK: Final = "\x1e"
_KEPT: Final = "%Y-%m-%d %H:%M:%S"
_PART: Final = re.compile(r"YYYY|MON|MM|DD|HH24|MI|SS|[^A-Za-z0-9]", re.IGNORECASE)
_STRFTIME: Final = {
    "YYYY": "%Y", "MON": "%b", "MM": "%m", "DD": "%d", "HH24": "%H", "MI": "%M", "SS": "%S",
}  # fmt: skip


class BadArgument(ValueError):
    """A value that a function cannot take; fails the whole query."""


def dated(instant: datetime) -> str:
    """A date or instant as it is kept."""
    return MARK + instant.strftime(_KEPT)


def undated(kept: str) -> datetime:
    """The instant of a kept date."""
    return datetime.strptime(kept.removeprefix(MARK), _KEPT)  # noqa: DTZ007 - the account's zone


def _pattern(form: str) -> str:
    pattern, place = "", 0
    while place < len(form):
        match = _PART.match(form, place)
        if match is None:
            raise BadArgument(f"unknown date format {form!r}")
        pattern += _STRFTIME.get(match[0].upper(), match[0].replace("%", "%%"))
        place = match.end()
    return pattern


def to_date(text: Any, form: Any) -> str | None:
    """``TO_DATE('2026-11-22', 'YYYY-MM-DD')``."""
    if text is None:
        return None
    try:
        return dated(datetime.strptime(str(text), _pattern(str(form))))  # noqa: DTZ007
    except ValueError as error:
        raise BadArgument(f"{text!r} is no date of the form {form!r}") from error


def to_char(value: Any, form: Any = None) -> str | None:
    """Dates by a format, everything else as it is shown."""
    if isinstance(value, str) and value.startswith(MARK):
        if form is None:
            return shown(value)
        return undated(value).strftime(_pattern(str(form)))
    return shown(value)


def account_date(text: Any) -> str | None:
    """A text that is compared to a date, in the account's format: ``11/22/2026``."""
    if text is None or (isinstance(text, str) and text.startswith(MARK)):
        return text
    return to_date(text, "MM/DD/YYYY")


def as_number(value: Any) -> Any:
    """A text that is compared to a number; one that is none fails the query."""
    if not isinstance(value, str):
        return value
    try:
        number = Decimal(value.strip())
    except InvalidOperation as error:
        raise BadArgument(f"{value!r} is not a number") from error
    return int(number) if number == number.to_integral_value() else float(number)


class ExactSum:
    """SUM without the errors of binary fractions."""

    def __init__(self) -> None:
        self._sum: Decimal | None = None

    def step(self, value: Any) -> None:
        """One more value."""
        if value is not None:
            self._sum = (self._sum or Decimal(0)) + Decimal(str(value))

    def finalize(self) -> Any:
        """The sum, or NULL of nothing."""
        if self._sum is None:
            return None
        whole = self._sum == self._sum.to_integral_value()
        return int(self._sum) if whole else float(self._sum)


def shown(value: Any) -> str | None:
    """A value as the answer prints it: text; dates in the account's format, M/D/YYYY."""
    if value is None:
        return None
    if isinstance(value, float):
        number = Decimal(repr(value)).quantize(Decimal("1e-8")).normalize()
        return format(number, "f")
    if isinstance(value, str) and value.startswith(MARK):
        instant = undated(value)
        return f"{instant.month}/{instant.day}/{instant.year}"
    return str(value)
