"""Containment: whether what is found holds what was sent, whatever the system has added to it.

Systems answer more than they were given: keys of their own in every line, a name beside each
reference, numbers in another type. None of that is a difference; a value that was sent and is
another now is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Final

from connectors.records import Fields, Value

REFERENCE_KEYS: Final = ("id", "externalId")


def differing(sent: Fields, found: Fields) -> list[str]:
    """The names of the fields, sorted, that are shown and do not hold what was sent."""
    return sorted(
        name for name, value in sent.items() if name in found and not contains(found[name], value)
    )


def contains(found: Value, sent: Value) -> bool:
    """Whether ``found`` holds ``sent``.

    Mappings are compared by the keys that were sent, lists element by element and of one length,
    numbers by value, everything else exactly. A blank that was sent is there where nothing is.
    """
    if _blank(sent):
        return _blank(found)
    if isinstance(sent, Mapping):
        return isinstance(found, Mapping) and _holds(found, sent)
    if isinstance(sent, tuple | list):
        return (
            isinstance(found, tuple | list)
            and len(found) == len(sent)
            and all(contains(there, one) for there, one in zip(found, sent, strict=True))
        )
    return _same(found, sent)


def _holds(found: Mapping[str, Value], sent: Mapping[str, Value]) -> bool:
    if len(sent) == 1 and found:
        ((key, value),) = sent.items()
        if key in REFERENCE_KEYS and key not in found:
            return True  # A reference shown by another of its names: it cannot be told apart.
        if key in REFERENCE_KEYS and not isinstance(value, Mapping | tuple | list):
            return _text(found[key]) == _text(value)
    return all(contains(found.get(key), value) for key, value in sent.items())


def _same(found: Value, sent: Value) -> bool:
    """Whether two single values are the same, in whichever type they are shown."""
    if isinstance(found, Mapping | tuple | list):
        return False
    if isinstance(sent, bool) or isinstance(found, bool):
        return sent is found
    if _is_number(sent) or _is_number(found):
        numbers = _number(sent), _number(found)
        return None not in numbers and numbers[0] == numbers[1]
    if isinstance(sent, datetime) or isinstance(found, datetime):
        return type(sent) is type(found) and sent == found
    return _text(found) == _text(sent)


def _is_number(value: Value) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _number(value: Value) -> Decimal | None:
    """The number that a value is, or is the text of."""
    if not isinstance(value, int | Decimal | str):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _text(value: Value) -> str:
    """A value as text; outer blanks and the kind of line break do not count."""
    if isinstance(value, date):
        return value.isoformat()
    return str(value).replace("\r\n", "\n").strip()


def _blank(value: Value) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())
