"""Property definitions, and values between HubSpot's strings and our types.

HubSpot sends every property value as text or null (developers.hubspot.com, "Properties"): numbers,
booleans and dates too. The definition says what the text means.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

from connectors.base import FieldDescription, FieldType
from connectors.errors import Rejected
from connectors.records import Value

TEXT_MAX_CHARACTERS: Final = 65_536
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER: Final = re.compile(
    r"[+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,2})?"
)
_MILLISECONDS: Final = re.compile(r"-?[0-9]{1,16}")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})"
)
_TYPES: Final[Mapping[str, FieldType]] = {
    "string": FieldType.TEXT,
    "phone_number": FieldType.TEXT,
    "number": FieldType.DECIMAL,
    "bool": FieldType.BOOLEAN,
    "date": FieldType.DATE,
    "datetime": FieldType.INSTANT,
}
_REFERENCED: Final[Mapping[str, str]] = {
    "OWNER": "owners",
    "CONTACT": "contacts",
    "COMPANY": "companies",
    "DEAL": "deals",
}


def describe_property(definition: Mapping[str, object]) -> FieldDescription:
    """A field of ours from one entry of the properties API."""
    kind = _field_type(definition)
    metadata = definition.get("modificationMetadata")
    fixed = isinstance(metadata, Mapping) and bool(metadata.get("readOnlyValue"))
    options = _options(definition)
    name = str(definition.get("name") or "")
    referenced = _REFERENCED.get(str(definition.get("referencedObjectType") or ""))
    if name == "hubspot_owner_id":  # not every account's answer says what it refers to
        referenced = "owners"
    choice = kind in (FieldType.CHOICE, FieldType.CHOICES)
    return FieldDescription(
        name=name,
        label=str(definition.get("label") or name),
        type=FieldType.REFERENCE if referenced and kind is FieldType.CHOICE else kind,
        writable=not (fixed or definition.get("calculated")),
        unique=bool(definition.get("hasUniqueValue")),
        options=options,
        restricted=choice and bool(options) and not definition.get("externalOptions"),
        references=(referenced,) if referenced else (),
        length=TEXT_MAX_CHARACTERS if kind is FieldType.TEXT else None,
    )


def _field_type(definition: Mapping[str, object]) -> FieldType:
    kind = str(definition.get("type") or "")
    if kind == "enumeration":
        many = definition.get("fieldType") == "checkbox"
        return FieldType.CHOICES if many else FieldType.CHOICE
    return _TYPES.get(kind, FieldType.OTHER)


def _options(definition: Mapping[str, object]) -> tuple[str, ...]:
    options = definition.get("options")
    if not isinstance(options, list):
        return ()
    return tuple(
        str(option["value"])
        for option in options
        if isinstance(option, Mapping) and "value" in option
    )


def read_value(description: FieldDescription | None, raw: object) -> Value:
    """Our value for HubSpot's text.

    Text that does not fit its property's type (left behind when somebody changed the type) is
    handed on as text, so that one such record does not stop the others.
    """
    if raw is None or raw == "":
        return None
    text = raw if isinstance(raw, str) else _as_text(raw)
    reader = _READERS.get(description.type) if description else None
    if reader is None:
        return text
    value = reader(text)
    return text if value is None else value


def _as_text(raw: object) -> str:
    if isinstance(raw, bool):
        return "true" if raw else "false"
    return format(raw, "f") if isinstance(raw, Decimal) else str(raw)


def read_instant(text: str) -> datetime | None:
    """An instant from ISO 8601 or epoch milliseconds; ``None`` if it is neither."""
    try:
        if _MILLISECONDS.fullmatch(text):
            return _EPOCH + timedelta(milliseconds=int(text))
        if _INSTANT.fullmatch(text):
            return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return None


def _read_date(text: str) -> date | None:
    """A date from its ISO form, or from the epoch milliseconds of its midnight in UTC."""
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
        if _MILLISECONDS.fullmatch(text):
            return (_EPOCH + timedelta(milliseconds=int(text))).date()
    except (ValueError, OverflowError):
        return None
    return None


def _read_number(text: str) -> Decimal | None:
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def _read_boolean(text: str) -> bool | None:
    return {"true": True, "false": False}.get(text.lower())


def _read_choices(text: str) -> tuple[str, ...]:
    return tuple(sorted({part for part in text.split(";") if part}))


_READERS: Final[Mapping[FieldType, Callable[[str], Value]]] = {
    FieldType.DECIMAL: _read_number,
    FieldType.BOOLEAN: _read_boolean,
    FieldType.DATE: _read_date,
    FieldType.INSTANT: read_instant,
    FieldType.CHOICES: _read_choices,
}


def milliseconds(instant: datetime) -> int:
    """Epoch milliseconds, rounded down."""
    return (instant - _EPOCH) // timedelta(milliseconds=1)


def from_milliseconds(count: int) -> datetime:
    """The instant of epoch milliseconds."""
    return _EPOCH + timedelta(milliseconds=count)


def write_value(name: str, description: FieldDescription | None, value: Value) -> str:
    """HubSpot's text for our value; blank clears the property.

    Raises:
        Rejected: the value has no exact form in this property.
    """
    if value is None:
        return ""
    kind = description.type if description else None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise _unfit(name, "is not a number")
        return format(value, "f")
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return _write_text(name, value)
    if isinstance(value, datetime):
        return _write_instant(name, kind, value)
    if isinstance(value, date):
        if kind is FieldType.INSTANT:
            raise _unfit(name, "is a date, and the property holds an instant: say which hour")
        return value.isoformat()
    if isinstance(value, tuple):
        return _write_choices(name, value)
    raise _unfit(name, f"is of a kind HubSpot cannot hold ({type(value).__name__})")


def _write_text(name: str, value: str) -> str:
    if len(value) > TEXT_MAX_CHARACTERS:
        raise _unfit(name, f"is longer than {TEXT_MAX_CHARACTERS} characters")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise _unfit(name, "holds half a character (a lone surrogate)")
    return value


def _write_instant(name: str, kind: FieldType | None, value: datetime) -> str:
    if value.tzinfo is None:
        raise _unfit(name, "is a time without a zone")
    if kind is FieldType.DATE:
        raise _unfit(name, "is an instant, and the property holds a date: say in which zone")
    utc = value.astimezone(UTC)
    return utc.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _write_choices(name: str, value: tuple[Value, ...]) -> str:
    if not all(isinstance(part, str) and part and ";" not in part for part in value):
        raise _unfit(name, "has a choice that is not text, is blank or holds a semicolon")
    return ";".join(str(part) for part in value)


def _unfit(name: str, reason: str) -> Rejected:
    return Rejected(
        f"The value for {name} {reason}.", code="VALUE_UNFIT", field_errors={name: reason}
    )
