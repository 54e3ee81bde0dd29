"""Field values as bytes: exact, canonical, and back.

JSON with sorted keys. What JSON cannot say is a one-key object whose key starts with ``$``:
``{"$decimal": "1.50"}``, ``{"$instant": microseconds}``, ``{"$date": "2026-01-31"}``. Equal values
give equal bytes, so the bytes can be digested; decimals are normalised (1.50 is 1.5) and an integer
equals the decimal of the same amount.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, cast

import orjson

from connectors.records import Fields, Life, Record, Ref, Value
from engine.clock import instant, microseconds

_BARE_DIGITS: Final = 15  # what every reader of JSON takes exactly
_BARE_MAX: Final = 10**_BARE_DIGITS
_SORTED = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME


def dump(value: Value) -> bytes:
    """The canonical bytes of a value."""
    return orjson.dumps(_plain(value), option=_SORTED)


def load(data: bytes | str) -> Value:
    """The value of :func:`dump`'s bytes. Lists come back as tuples."""
    return _typed(orjson.loads(data))


def dump_fields(fields: Fields) -> bytes:
    """Canonical bytes of a set of fields."""
    return dump(cast("Value", dict(fields)))


def load_fields(data: bytes | str) -> dict[str, Value]:
    """The fields of :func:`dump_fields`."""
    return cast("dict[str, Value]", load(data))


def canonical(fields: Fields) -> dict[str, Value]:
    """The fields as they come back from the store: one order of names, one form of each number."""
    return load_fields(dump_fields(fields))


def _plain(value: Value) -> object:
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < _BARE_MAX else _plain_decimal(Decimal(value))
    if isinstance(value, Decimal):
        return _plain_decimal(value)
    if isinstance(value, datetime):
        return {"$instant": microseconds(value)}
    if isinstance(value, date):
        return {"$date": value.isoformat()}
    if isinstance(value, Mapping):
        plain = {key: _plain(item) for key, item in value.items()}
        # A map of the outside that looks like one of our marks is wrapped, so that it stays a map.
        marked = len(plain) == 1 and next(iter(plain)).startswith("$")
        return {"$map": plain} if marked else plain
    return [_plain(item) for item in value]


def _plain_decimal(value: Decimal) -> object:
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise ValueError(f"{value} is not an amount")
    # Not Decimal.normalize(), which rounds to the context's precision.
    while digits[-1] == 0 and len(digits) > 1:
        digits, exponent = digits[:-1], exponent + 1
    if digits == (0,):
        return 0
    normal = Decimal((sign, digits, exponent))
    if 0 <= exponent <= _BARE_DIGITS - len(digits):
        return int(normal)
    return {"$decimal": format(normal, "f") if abs(exponent) < 50 else str(normal)}


def _typed(value: Any) -> Value:
    if isinstance(value, dict):
        if len(value) == 1:
            ((key, item),) = value.items()
            if key == "$decimal":
                return Decimal(item)
            if key == "$instant":
                return instant(item)
            if key == "$date":
                return date.fromisoformat(item)
            if key == "$map":
                return {name: _typed(part) for name, part in item.items()}
        return {key: _typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return tuple(_typed(item) for item in value)
    return cast("Value", value)


def dump_record(record: Record) -> bytes:
    """A record as bytes, for the store."""
    return orjson.dumps(
        {
            "r": [record.ref.object, record.ref.id],
            "f": {name: _plain(value) for name, value in record.fields.items()},
            "v": None if record.version is None else microseconds(record.version),
            "l": record.life.value,
            "s": _address(record.successor),
            "e": {role: _address(ref) for role, ref in record.edges.items()},
            "m": list(record.absorbed),
            "a": {name: list(ids) for name, ids in record.associations.items()},
        },
        option=_SORTED,
    )


def load_record(data: bytes) -> Record:
    """The record of :func:`dump_record`."""
    raw = orjson.loads(data)
    return Record(
        ref=Ref(*raw["r"]),
        fields={name: _typed(value) for name, value in raw["f"].items()},
        version=None if raw["v"] is None else instant(raw["v"]),
        life=Life(raw["l"]),
        successor=Ref(*raw["s"]) if raw["s"] else None,
        edges={role: Ref(*ref) for role, ref in raw["e"].items()},
        absorbed=tuple(raw["m"]),
        associations={name: tuple(ids) for name, ids in raw["a"].items()},
    )


def _address(ref: Ref | None) -> list[str] | None:
    return None if ref is None else [ref.object, ref.id]
