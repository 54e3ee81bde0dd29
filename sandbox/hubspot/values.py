"""Checks and normal forms of property values. Everything is text; blank is ``""``.

Reference: developers.hubspot.com, "Properties" (formats) and "Error handling" (codes).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from sandbox.clock import iso_milliseconds
from sandbox.hubspot.schema import Property

TEXT_MAX_CHARACTERS: Final = 65_536
_NUMBER = re.compile(r"[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})([eE][+-]?\d{1,3})?")
_EMAIL = re.compile(r"[^@\s,;<>()\[\]]+@[^@\s.,;<>()\[\]]+(\.[^@\s.,;<>()\[\]]+)+")
_EPOCH = re.compile(r"-?\d{1,15}")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class BadValue(Exception):
    """A value its property does not take: the vendor's error code and text."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def as_text(value: object, name: str) -> str:
    """What is stored for a JSON value; numbers and booleans become text."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    raise BadValue("INVALID_TYPE", f"{name} must be a string, number or boolean.")


def normalized(definition: Property, text: str, options: Sequence[str]) -> str:
    """The stored form of a non-blank value; :class:`BadValue` when it is not one."""
    if definition.email:
        if not _EMAIL.fullmatch(text.strip()):
            raise BadValue("INVALID_EMAIL", f"Email address {text} is invalid")
        return text.strip().lower()
    if definition.type == "number":
        return _number(definition, text)
    if definition.type == "date":
        return _date(text)
    if definition.type == "datetime":
        return _datetime(text)
    if definition.type == "bool":
        if text.lower() not in {"true", "false"}:
            raise _not_an_option(text, ("true", "false"))
        return text.lower()
    if definition.type == "enumeration":
        return _enumeration(definition, text, options)
    if len(text) > TEXT_MAX_CHARACTERS:
        raise BadValue(
            "PROPERTY_VALUE_TOO_LONG", f"The value has {len(text)} characters, too many."
        )
    return text


def _number(definition: Property, text: str) -> str:
    if not _NUMBER.fullmatch(text.strip()):
        raise BadValue("INVALID_INTEGER", f"{text} was not a valid number.")
    if definition.not_negative and Decimal(text.strip()) < 0:
        raise BadValue("INVALID_INTEGER", f"{definition.name} must not be negative.")
    return text.strip()


def _instant(text: str) -> datetime:
    try:
        if _EPOCH.fullmatch(text):
            return EPOCH + timedelta(milliseconds=int(text))
        instant = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise BadValue("INVALID_DATE", f"{text} was not a valid date.") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _date(text: str) -> str:
    if not (_DATE.fullmatch(text) or _EPOCH.fullmatch(text)):
        raise BadValue("INVALID_DATE", f"{text} was not a valid date.")
    instant = _instant(text)
    if instant != instant.replace(hour=0, minute=0, second=0, microsecond=0):
        at = f"{instant.hour}:{instant.minute}:{instant.second}.{instant.microsecond // 1000}"
        raise BadValue("INVALID_DATE", f"{text} is at {at} UTC, not midnight!")
    return instant.date().isoformat()


def _datetime(text: str) -> str:
    return iso_milliseconds(_instant(text))


def _enumeration(definition: Property, text: str, options: Sequence[str]) -> str:
    if definition.free:
        return text
    chosen = text.split(";") if definition.field_type == "checkbox" else [text]
    for part in chosen:
        if part not in options:
            raise _not_an_option(part, options)
    return ";".join(dict.fromkeys(chosen))


def _not_an_option(text: str, options: Sequence[str]) -> BadValue:
    allowed = ", ".join(options)
    return BadValue("INVALID_OPTION", f"{text} was not one of the allowed options: [{allowed}]")


def milliseconds(text: str) -> int | None:
    """Epoch milliseconds of a stored date or datetime; ``None`` when it is neither."""
    try:
        instant = _instant(text)
    except BadValue:
        return None
    return (instant - EPOCH) // timedelta(milliseconds=1)
