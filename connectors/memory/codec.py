"""Field values as JSON text and back, exactly: decimals, dates and instants keep their type."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from connectors.records import Fields, Value

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def microseconds(instant: datetime) -> int:
    """Microseconds since 1970."""
    return (instant - _EPOCH) // _MICROSECOND


def instant(count: int) -> datetime:
    """The instant so many microseconds after 1970."""
    return _EPOCH + count * _MICROSECOND


def dump(fields: Fields) -> str:
    """The fields as text; the same fields in the same order give the same text."""
    return _ENCODER.encode({name: _tag(value) for name, value in fields.items()})


def load(text: str) -> dict[str, Value]:
    """The fields that :func:`dump` wrote."""
    loaded: dict[str, Any] = _DECODER.decode(text)
    return {
        name: _freeze(value) if isinstance(value, list) else value for name, value in loaded.items()
    }


def _tag(value: Value) -> object:
    if isinstance(value, Mapping):
        return {"$map": [[name, _tag(inner)] for name, inner in value.items()]}
    if isinstance(value, tuple):
        return [_tag(inner) for inner in value]
    return value


def _scalar(value: object) -> object:
    if isinstance(value, Decimal):
        return {"$decimal": str(value)}
    if isinstance(value, datetime):
        return {"$instant": value.isoformat()}
    if isinstance(value, date):
        return {"$date": value.isoformat()}
    raise TypeError(f"a field cannot hold a {type(value).__name__}")


def _untag(loaded: dict[str, Any]) -> Any:
    if len(loaded) != 1:
        return loaded
    ((name, value),) = loaded.items()
    match name:
        case "$decimal":
            return Decimal(value)
        case "$instant":
            return datetime.fromisoformat(value)
        case "$date":
            return date.fromisoformat(value)
        case "$map":
            return {key: _freeze(inner) for key, inner in value}
    return loaded


def _freeze(value: Any) -> Any:
    return tuple(_freeze(inner) for inner in value) if isinstance(value, list) else value


_ENCODER: Final = json.JSONEncoder(default=_scalar)
_DECODER: Final = json.JSONDecoder(object_hook=_untag)
