"""The number and money functions of expressions: exact decimals, half to even."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Any, Final

from connectors import values
from engine.mapping.faults import DataFault
from engine.mapping.operators import (
    Number,
    add,
    bounded,
    divide,
    equal,
    is_blank,
    is_number,
    kind,
    multiply,
    subtract,
)

_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,38}(\.[0-9]{1,38})?")
_WIDE: Final = Context(prec=120, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation])
PLACES_MAX: Final = 12


def number(value: Any) -> Number | None:
    """A number, also from text such as ``"1200.50"``; a blank stays a blank."""
    if is_blank(value):
        return None
    if is_number(value):
        return bounded(value)
    if not isinstance(value, str):
        raise DataFault("WRONG_TYPE", f"number(…) cannot read {kind(value)}")
    written = value.strip()
    if _NUMBER.fullmatch(written) is None:
        raise DataFault("NOT_A_NUMBER", "the text is not a plain number such as 1200.50")
    return bounded(Decimal(written))


def round_half_even(value: Any, places: Any = 0) -> Decimal | None:
    """A number to so many decimal places (0–12), halves to the even neighbour."""
    if value is None:
        return None
    if not is_number(value):
        raise DataFault("WRONG_TYPE", f"round_half_even(…) wants a number, not {kind(value)}")
    if not isinstance(places, int) or isinstance(places, bool) or not 0 <= places <= PLACES_MAX:
        raise DataFault("WRONG_TYPE", f"the number of places must be 0 to {PLACES_MAX}")
    return _WIDE.quantize(Decimal(bounded(value)), Decimal(1).scaleb(-places))


def money(value: Any, currency: Any = None) -> Decimal | None:
    """An amount in major units, rounded to the currency's places (2 without a currency)."""
    places = 2 if currency is None else exponent(currency)
    return round_half_even(number(value), places)


def discount_percent(list_amount: Any, net_amount: Any) -> Number | None:
    """How many percent less than the list amount the net amount is; a blank if it cannot be told.

    It can be told of a list amount above zero. A net amount above the list's gives less than zero.
    """
    listed, net = number(list_amount), number(net_amount)
    if listed is None or net is None or listed <= 0:
        return None
    percent: Number = multiply(divide(subtract(listed, net), listed), 100)
    return percent


def from_minor(value: Any, currency: Any) -> Decimal | None:
    """Minor units (cents) as an amount in major units."""
    found = number(value)
    if found is None:
        return None
    if found != int(found):
        raise DataFault("NOT_MINOR_UNITS", "an amount in minor units must be whole")
    return Decimal(int(found)).scaleb(-exponent(currency), _WIDE)


def to_minor(value: Any, currency: Any) -> int | None:
    """An amount in major units as minor units; it must have no finer part."""
    found = number(value)
    if found is None:
        return None
    minor = Decimal(found).scaleb(exponent(currency), _WIDE)
    if minor != int(minor):
        raise DataFault("NOT_MINOR_UNITS", "the amount is finer than the currency's minor unit")
    return int(minor)


def exponent(currency: Any) -> int:
    """How many decimal places an ISO 4217 currency has."""
    if not isinstance(currency, str):
        raise DataFault("UNKNOWN_CURRENCY", f"a currency must be a code, not {kind(currency)}")
    try:
        return values.exponent(currency.upper())
    except ValueError:
        raise DataFault("UNKNOWN_CURRENCY", "the currency is not an ISO 4217 code") from None


def total(items: Iterable[Any] | None) -> Number:
    """The exact sum of numbers, blanks left out; 0 for nothing."""
    result: Number = 0
    for item in _items(items, "total"):
        if item is not None:
            result = add(result, item)
    return result


def smallest(items: Iterable[Any] | None) -> Any:
    """The least number, date or time of a list, blanks left out."""
    return _extreme(items, "smallest", lambda a, b: a < b)


def largest(items: Iterable[Any] | None) -> Any:
    """The greatest number, date or time of a list, blanks left out."""
    return _extreme(items, "largest", lambda a, b: a > b)


def _extreme(items: Iterable[Any] | None, function: str, better: Any) -> Any:
    best = None
    for item in _items(items, function):
        if item is None:
            continue
        if best is not None and kind(item) != kind(best):
            raise DataFault("WRONG_TYPE", f"cannot compare {kind(item)} with {kind(best)}")
        if best is None or better(item, best):
            best = item
    return best


def count(items: Iterable[Any] | None) -> int:
    """How many elements a list has."""
    return sum(1 for _ in _items(items, "count"))


def first(items: Iterable[Any] | None) -> Any:
    """The first element; blank for none."""
    return next(iter(_items(items, "first")), None)


def last(items: Iterable[Any] | None) -> Any:
    """The last element; blank for none."""
    result = None
    for item in _items(items, "last"):
        result = item
    return result


def distinct(items: Iterable[Any] | None) -> tuple[Any, ...]:
    """The elements without repeats and blanks, in their order."""
    result: list[Any] = []
    for item in _items(items, "distinct"):
        if item is not None and not any(
            kind(item) == kind(seen) and equal(item, seen) for seen in result
        ):
            result.append(item)
    return tuple(result)


def _items(items: Iterable[Any] | None, function: str) -> Iterable[Any]:
    if items is None:
        return ()
    if isinstance(items, str) or not hasattr(items, "__iter__"):
        raise DataFault("WRONG_TYPE", f"{function}(…) wants a list, not {kind(items)}")
    return items
