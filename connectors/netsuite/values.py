"""Values of the record API and of SuiteQL as ours, and ours as JSON: amounts digit for digit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from connectors.base import FieldType
from connectors.errors import UnexpectedAnswer
from connectors.netsuite.fields import DATES, INSTANTS, LINE_DEFAULTS, LINE_LOCKED, NUMBERS, WHOLE
from connectors.records import Value
from connectors.values import format_decimal, parse_decimal, parse_instant

# How the vendor pages a collection; "items" is what is in it.
_BOOKKEEPING: Final = frozenset({"links", "count", "hasMore", "offset", "totalResults"})
_DIGITS_MAX: Final = 40
_OF_REFERENCE: Final = frozenset({"id", "refName", "externalId"})


def value_of(name: str, raw: object) -> Value:
    """A value of the record API, typed by its name. Raises ``UnexpectedAnswer``.

    Links and paging are left out of structures. A sublist that is not whole is refused: nothing of
    it may be taken for all of it.
    """
    if raw is None or isinstance(raw, bool):
        return raw
    if isinstance(raw, Mapping):
        return _structure(name, raw)
    if isinstance(raw, list | tuple):
        return tuple(value_of(name, one) for one in raw)
    try:
        return _scalar(name, raw)
    except ValueError:
        raise _mismatch(name) from None


def _structure(name: str, raw: Mapping[str, object]) -> Value:
    if raw.get("hasMore") is True:
        raise UnexpectedAnswer(f"the list {name} came without its end", code="SUBLIST_CUT")
    return MappingProxyType(
        {str(key): value_of(str(key), one) for key, one in raw.items() if key not in _BOOKKEEPING}
    )


def _scalar(name: str, raw: object) -> Value:
    if isinstance(raw, int | Decimal):
        if name == "id":
            return str(raw)
        if name in WHOLE:
            return _whole(Decimal(raw))
        # Whether a custom field holds whole numbers is not known; one type serves both.
        return Decimal(raw)
    if not isinstance(raw, str):
        raise _mismatch(name)
    if raw == "":
        return None
    if name in DATES:
        return date.fromisoformat(raw)
    if name in INSTANTS:
        return parse_instant(raw)
    if name in NUMBERS:
        return parse_decimal(raw)
    return raw


def as_written(value: Value) -> Value:
    """A structure in the form in which it is written: references by their id alone, lines without
    what the system adds. So what was sent can be compared with what is found."""
    if not isinstance(value, Mapping):
        return value
    items = value.get("items")
    if isinstance(items, tuple):
        return MappingProxyType({"items": tuple(_line_as_written(one) for one in items)})
    if "id" in value and set(value) <= _OF_REFERENCE:
        return MappingProxyType({"id": value["id"]})
    return MappingProxyType({key: as_written(one) for key, one in value.items()})


def _line_as_written(line: Value) -> Value:
    if not isinstance(line, Mapping) or set(line) <= _OF_REFERENCE:
        return as_written(line)
    return MappingProxyType(
        {
            key: as_written(one)
            for key, one in line.items()
            if key not in LINE_LOCKED and one is not None and (one or key not in LINE_DEFAULTS)
        }
    )


def row_value(kind: FieldType, raw: object, label: object) -> Value:
    """A value of a SuiteQL row: mostly texts, ``T`` and ``F``. Raises ``UnexpectedAnswer``.

    References and choices look as the record API prints them: ``id``, and the label as
    ``refName``.
    """
    if raw is None or raw == "":
        return None
    text = raw if isinstance(raw, str) else _plain(raw)
    try:
        match kind:
            case FieldType.BOOLEAN:
                return {"T": True, "F": False, "true": True, "false": False}[text]
            case FieldType.DECIMAL:
                return parse_decimal(text)
            case FieldType.INTEGER:
                return _whole(parse_decimal(text))
            case FieldType.DATE:
                return date.fromisoformat(text)
            case FieldType.REFERENCE | FieldType.CHOICE:
                named = {"refName": str(label)} if label not in (None, "") else {}
                return MappingProxyType({"id": text, **named})
    except (ValueError, KeyError):
        raise UnexpectedAnswer(f"expected {kind.value}", code="VALUE_TYPE") from None
    return text


def _plain(raw: object) -> str:
    if isinstance(raw, bool):
        return "T" if raw else "F"
    if isinstance(raw, int | Decimal):
        return str(raw)
    raise UnexpectedAnswer("a row holds something that is no value", code="VALUE_TYPE")


def _whole(number: Decimal) -> int:
    if number != number.to_integral_value():
        raise ValueError("not a whole number")
    return int(number)


def _mismatch(name: str) -> UnexpectedAnswer:
    return UnexpectedAnswer(f"{name} did not come as its type", code="VALUE_TYPE")


def json_text(value: Value) -> str:
    """The value as JSON. Raises ``ValueError`` where JSON has no form for it."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= one <= "\udfff" for one in value):
            raise ValueError("the text holds characters that cannot be sent")
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Decimal):
        if value.is_finite() and len(value.as_tuple().digits) > _DIGITS_MAX:
            raise ValueError("the amount has more digits than an amount can have")
        return format_decimal(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a time without a zone is not an instant")
        return json.dumps(value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    if isinstance(value, date):
        return json.dumps(value.isoformat())
    if isinstance(value, Mapping):
        inner = ",".join(
            f"{json.dumps(str(key), ensure_ascii=False)}:{json_text(one)}"
            for key, one in value.items()
        )
        return "{" + inner + "}"
    return "[" + ",".join(json_text(one) for one in value) + "]"
