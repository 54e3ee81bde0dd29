"""The date and time functions of expressions. A date is not an instant; a zone is always named."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.mapping.faults import DataFault
from engine.mapping.numbers import number
from engine.mapping.operators import is_blank, kind

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
    r"(Z|[+-][0-9]{2}:?[0-9]{2})"
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PATTERN: Final = re.compile(r"YYYY|YY|MM|DD|hh|mm|ss")
_TOKENS: Final = {
    "YYYY": "%Y",
    "YY": "%y",
    "MM": "%m",
    "DD": "%d",
    "hh": "%H",
    "mm": "%M",
    "ss": "%S",
}


def zone(name: Any) -> ZoneInfo:
    """A time zone by its IANA name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise DataFault(
            "UNKNOWN_ZONE", "there is no such time zone; write e.g. Europe/Berlin"
        ) from None


def in_tz(value: Any, zone_name: Any) -> datetime | None:
    """An instant as a clock in that zone shows it, for date_of and fmt_date."""
    found = instant(value, "in_tz")
    return found.astimezone(zone(zone_name)) if found is not None else None


def date_of(value: Any, zone_name: Any) -> date | None:
    """The calendar date of an instant in a zone; a date stays as it is."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    found = in_tz(value, zone_name)
    return found.date() if found is not None else None


def start_of_day(value: Any, zone_name: Any) -> datetime | None:
    """The instant at which a date begins in a zone."""
    if value is None:
        return None
    if not isinstance(value, date) or isinstance(value, datetime):
        raise DataFault("WRONG_TYPE", f"start_of_day(…) wants a date, not {kind(value)}")
    return datetime(value.year, value.month, value.day, tzinfo=zone(zone_name))


def fmt_date(value: Any, pattern: Any = "YYYY-MM-DD") -> str | None:
    """A date or time as text; the pattern may use YYYY YY MM DD hh mm ss."""
    if value is None:
        return None
    if not isinstance(value, date):
        raise DataFault("WRONG_TYPE", f"fmt_date(…) wants a date or time, not {kind(value)}")
    if not isinstance(pattern, str):
        raise DataFault("WRONG_TYPE", "the pattern of fmt_date(…) must be text")

    def token(match: re.Match[str]) -> str:
        written = value.strftime(_TOKENS[match.group()])
        return written.zfill(len(match.group()))

    return _PATTERN.sub(token, pattern)


def parse_date(value: Any) -> date | None:
    """A date from text such as ``2026-01-31``; a date stays as it is."""
    if is_blank(value):
        return None
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str) or _DATE.fullmatch(value.strip()) is None:
        raise DataFault("NOT_A_DATE", "not a date such as 2026-01-31")
    try:
        return date.fromisoformat(value.strip())
    except ValueError:
        raise DataFault("NOT_A_DATE", "there is no such date") from None


def parse_instant(value: Any) -> datetime | None:
    """An instant from ISO text with its offset; an instant stays as it is."""
    if is_blank(value):
        return None
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or _INSTANT.fullmatch(value.strip()) is None:
        raise DataFault("NOT_A_TIME", "not a time with offset such as 2026-01-31T10:00:00Z")
    try:
        return datetime.fromisoformat(value.strip()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise DataFault("NOT_A_TIME", "there is no such time") from None


def from_ms(value: Any) -> datetime | None:
    """The instant so many milliseconds after 1970 began in UTC."""
    return _since_epoch(value, 1000)


def from_s(value: Any) -> datetime | None:
    """The instant so many seconds after 1970 began in UTC."""
    return _since_epoch(value, 1)


def _since_epoch(value: Any, per_second: int) -> datetime | None:
    found = number(value)
    if found is None:
        return None
    microseconds = int(found * (1_000_000 // per_second))
    try:
        return _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        raise DataFault("NOT_A_TIME", "the time is out of range") from None


def add_days(value: Any, days: Any) -> date | None:
    """A date so many days later (earlier for a negative number)."""
    if value is None:
        return None
    if not isinstance(value, date) or isinstance(value, datetime):
        raise DataFault(
            "WRONG_TYPE", f"add_days(…) wants a date, not {kind(value)}; use date_of(…)"
        )
    found = number(days)
    if found is None or found != int(found):
        raise DataFault("WRONG_TYPE", "add_days(…) wants a whole number of days")
    try:
        return value + timedelta(days=int(found))
    except OverflowError:
        raise DataFault("NOT_A_DATE", "the date is out of range") from None


def add_months(value: Any, months: Any) -> date | None:
    """The same day so many months later (earlier for a negative number), or that month's last."""
    if value is None:
        return None
    if not isinstance(value, date) or isinstance(value, datetime):
        raise DataFault(
            "WRONG_TYPE", f"add_months(…) wants a date, not {kind(value)}; use date_of(…)"
        )
    found = number(months)
    if found is None or found != int(found):
        raise DataFault("WRONG_TYPE", "add_months(…) wants a whole number of months")
    year, month = divmod(value.year * 12 + value.month - 1 + int(found), 12)
    if not date.min.year <= year <= date.max.year:
        raise DataFault("NOT_A_DATE", "the date is out of range")
    return date(year, month + 1, min(value.day, monthrange(year, month + 1)[1]))


def instant(value: Any, function: str) -> datetime | None:
    """An aware time argument."""
    if value is None:
        return None
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise DataFault(
            "WRONG_TYPE", f"{function}(…) wants a time, not {kind(value)}; use parse_instant(…)"
        )
    return value
