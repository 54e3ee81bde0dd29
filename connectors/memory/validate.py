"""What an account accepts: types, lengths, options, required fields; and how values compare."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from connectors.base import FieldDescription, FieldType, Granularity
from connectors.errors import Rejected
from connectors.memory.objects import MemoryObject
from connectors.records import Fields, Value

_STEPS: Final = {
    Granularity.ORDERED: timedelta(milliseconds=1),
    Granularity.COARSE: timedelta(seconds=1),
    Granularity.NONE: timedelta(seconds=1),
}


def comparable(value: Value) -> str:
    """The form in which values are looked up: text without case and outer space."""
    match value:
        case str():
            return unicodedata.normalize("NFC", value).strip().lower()
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value.normalize(), "f")
        case datetime() | date():
            return value.isoformat()
        case tuple():
            return ";".join(comparable(one) for one in value)
    return "" if value is None else str(value)


def searchable(declared: MemoryObject, fields: Fields) -> dict[str, str]:
    """The indexed values of a record by field."""
    return {
        name: comparable(fields[name]) for name in declared.indexed if fields.get(name) is not None
    }


def stored(
    declared: MemoryObject,
    fields: Fields,
    *,
    creating: bool,
    missing: frozenset[tuple[str, str]],
    exists: Callable[[str, str], bool],
) -> dict[str, Value]:
    """The values as the account keeps them. Raises ``Rejected`` naming every bad field."""
    errors: dict[str, str] = {}
    kept: dict[str, Value] = {}
    for name, value in fields.items():
        described = declared.fields.get(name)
        if described is None or (declared.name, name) in missing:
            errors[name] = "there is no such field"
            continue
        if not described.writable:
            errors[name] = "the field is read-only"
            continue
        value = _habit(declared, name, value)
        problem = None if value is None else _problem(described, value, exists)
        if problem is not None:
            errors[name] = problem
        kept[name] = _rounded(declared, described, value)
    errors |= _required(declared, fields, kept, creating=creating)
    if errors:
        listed = "; ".join(f"{name}: {reason}" for name, reason in errors.items())
        raise Rejected(f"{declared.name}: {listed}", code="INVALID_FIELDS", field_errors=errors)
    return kept


def _required(
    declared: MemoryObject, sent: Fields, kept: Mapping[str, Value], *, creating: bool
) -> dict[str, str]:
    return {
        name: "a value is required"
        for name in declared.required
        if (creating or name in sent) and kept.get(name) is None
    }


def _habit(declared: MemoryObject, name: str, value: Value) -> Value:
    if isinstance(value, str):
        if declared.trims:
            value = value.strip() or None
        if name in declared.lowers and value is not None:
            value = value.lower()
    return value


def _problem(
    described: FieldDescription, value: Value, exists: Callable[[str, str], bool]
) -> str | None:
    if not _typed(described.type, value):
        return f"not a value of type {described.type}"
    if isinstance(value, str):
        if described.length is not None and len(value) > described.length:
            return f"longer than {described.length} characters"
        if described.restricted and value not in described.options:
            return f"not one of {', '.join(described.options)}"
        if described.references and not any(exists(one, value) for one in described.references):
            return "refers to a record that does not exist"
    if isinstance(value, tuple) and described.restricted and set(value) - set(described.options):
        return f"not among {', '.join(described.options)}"
    return None


def _typed(type: FieldType, value: Value) -> bool:
    match type:
        case FieldType.TEXT | FieldType.CHOICE | FieldType.REFERENCE:
            return isinstance(value, str)
        case FieldType.INTEGER:
            return isinstance(value, int) and not isinstance(value, bool)
        case FieldType.DECIMAL:
            whole = isinstance(value, int) and not isinstance(value, bool)
            return whole or (isinstance(value, Decimal) and value.is_finite())
        case FieldType.BOOLEAN:
            return isinstance(value, bool)
        case FieldType.DATE:
            return isinstance(value, date) and not isinstance(value, datetime)
        case FieldType.INSTANT:
            return isinstance(value, datetime) and value.tzinfo is not None
        case FieldType.CHOICES:
            return isinstance(value, tuple) and all(isinstance(one, str) for one in value)
    return True


def _rounded(declared: MemoryObject, described: FieldDescription, value: Value) -> Value:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            return value
        step = _STEPS[declared.spec.granularity]
        utc = value.astimezone(UTC)
        return utc - (utc - datetime.min.replace(tzinfo=UTC)) % step
    if described.type is FieldType.DECIMAL and isinstance(value, (int, Decimal)):
        number = Decimal(value)
        if described.scale is None or not number.is_finite():
            return number
        return number.quantize(Decimal(1).scaleb(-described.scale), rounding=ROUND_HALF_UP)
    return value
