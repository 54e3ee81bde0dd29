"""The functions that expressions may call: one table, which the documentation is held to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from engine.mapping import addresses, numbers, texts, times
from engine.mapping.faults import DataFault
from engine.mapping.operators import is_blank, truth


@dataclass(frozen=True, slots=True)
class Function:
    """A function as expressions see it. ``most`` is ``None`` for any number of arguments.

    ``usage`` is how a person writes it. ``zone_at`` is the position of a time-zone argument, which
    is checked when the mapping is read.
    """

    call: Callable[..., Any]
    usage: str
    least: int
    most: int | None
    zone_at: int | None = None


def default(*values: Any) -> Any:
    """The first value that is not blank."""
    return next((value for value in values if not is_blank(value)), None)


def required(value: Any, message: Any) -> Any:
    """The value, or a fault with this message where it is blank."""
    if is_blank(value):
        raise DataFault("REQUIRED_VALUE_MISSING", str(message))
    return value


def any_of(items: Iterable[Any] | None) -> bool:
    """Whether a condition holds for at least one element."""
    return any(truth(item) for item in items or ())


def all_of(items: Iterable[Any] | None) -> bool:
    """Whether a condition holds for every element."""
    return all(truth(item) for item in items or ())


FUNCTIONS: Final[Mapping[str, Function]] = MappingProxyType(
    {
        "default": Function(default, "default(a, b, …)", 2, None),
        "required": Function(required, "required(value, 'what to do')", 2, 2),
        "text": Function(texts.text, "text(value)", 1, 1),
        "trim": Function(texts.trim, "trim(text)", 1, 1),
        "lower": Function(texts.lower, "lower(text)", 1, 1),
        "upper": Function(texts.upper, "upper(text)", 1, 1),
        "title": Function(texts.title, "title(text)", 1, 1),
        "digits": Function(texts.digits, "digits(text)", 1, 1),
        "starts_with": Function(texts.starts_with, "starts_with(text, part)", 2, 2),
        "ends_with": Function(texts.ends_with, "ends_with(text, part)", 2, 2),
        "contains": Function(texts.contains, "contains(text_or_list, part)", 2, 2),
        "replace": Function(texts.replace, "replace(text, old, new)", 3, 3),
        "split": Function(texts.split, "split(text, separator)", 2, 2),
        "join": Function(texts.join, "join(list, separator)", 2, 2),
        "first": Function(numbers.first, "first(list)", 1, 1),
        "last": Function(numbers.last, "last(list)", 1, 1),
        "count": Function(numbers.count, "count(list)", 1, 1),
        "total": Function(numbers.total, "total(list)", 1, 1),
        "smallest": Function(numbers.smallest, "smallest(list)", 1, 1),
        "largest": Function(numbers.largest, "largest(list)", 1, 1),
        "distinct": Function(numbers.distinct, "distinct(list)", 1, 1),
        "any": Function(any_of, "any(condition for x in list)", 1, 1),
        "all": Function(all_of, "all(condition for x in list)", 1, 1),
        "number": Function(numbers.number, "number(value)", 1, 1),
        "money": Function(numbers.money, "money(value, currency?)", 1, 2),
        "round_half_even": Function(
            numbers.round_half_even, "round_half_even(number, places?)", 1, 2
        ),
        "discount_percent": Function(
            numbers.discount_percent, "discount_percent(list_amount, net_amount)", 2, 2
        ),
        "from_minor": Function(numbers.from_minor, "from_minor(number, currency)", 2, 2),
        "to_minor": Function(numbers.to_minor, "to_minor(amount, currency)", 2, 2),
        "date_of": Function(times.date_of, "date_of(instant, zone)", 2, 2, zone_at=1),
        "in_tz": Function(times.in_tz, "in_tz(instant, zone)", 2, 2, zone_at=1),
        "start_of_day": Function(times.start_of_day, "start_of_day(date, zone)", 2, 2, zone_at=1),
        "fmt_date": Function(times.fmt_date, "fmt_date(date, pattern?)", 1, 2),
        "parse_date": Function(times.parse_date, "parse_date(text)", 1, 1),
        "parse_instant": Function(times.parse_instant, "parse_instant(text)", 1, 1),
        "from_ms": Function(times.from_ms, "from_ms(number)", 1, 1),
        "from_s": Function(times.from_s, "from_s(number)", 1, 1),
        "add_days": Function(times.add_days, "add_days(date, days)", 2, 2),
        "add_months": Function(times.add_months, "add_months(date, months)", 2, 2),
        "domain": Function(addresses.domain, "domain(website)", 1, 1),
        "email_domain": Function(addresses.email_domain, "email_domain(email)", 1, 1),
        "is_free_mail": Function(addresses.free_mail, "is_free_mail(email_or_domain)", 1, 1),
    }
)

# These need more than their arguments; the translator gives them what they need.
SPECIAL: Final[Mapping[str, str]] = MappingProxyType(
    {
        "field": "field('name')",
        "mapped": "mapped('value map', value)",
        "lookup": "lookup('catalogue', key, …)",
        "linked": "linked('object', id, 'target object'?)",
        "complete": "complete('field group')",
        "missing": "missing('field group')",
    }
)
