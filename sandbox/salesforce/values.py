"""Field values: what the API accepts, how they are kept, how they are printed.

Kept as: text, ``Decimal`` (currency, double, percent), ``int``, ``bool``, ``None``; a date as
``2026-01-31`` and an instant as ``2026-01-31T10:20:30.000+0000``, both of which sort as text.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, Final, TypeAlias

import orjson

from sandbox.salesforce import ids
from sandbox.salesforce.errors import Refusal
from sandbox.salesforce.schema import NUMBERS, FieldSpec

Stored: TypeAlias = "str | Decimal | int | bool | None"
Row: TypeAlias = "dict[str, Any]"

_EMAIL: Final = re.compile(r"[^@\s,;<>()\[\]\"]+@[^@\s.,;<>()\[\]\"]+(\.[^@\s.,;<>()\[\]\"]+)+")
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?(?:Z|[+-]\d{2}:?\d{2})", re.ASCII
)
_NUMBER: Final = re.compile(r"-?\d{1,30}(?:\.\d{1,30})?(?:[eE][+-]?\d{1,2})?", re.ASCII)


def parse_json(body: bytes) -> Any:
    """Strict JSON with exact decimals; raises the vendor's JSON_PARSER_ERROR."""

    def no_constant(name: str) -> Any:
        raise ValueError(f"{name} is not JSON")

    try:
        if b"\\ud" in body.lower():
            orjson.loads(body)  # refuses half of a surrogate pair, which json lets through
        return json.loads(body.decode("utf-8"), parse_float=Decimal, parse_constant=no_constant)
    except (ValueError, RecursionError, InvalidOperation) as error:
        raise Refusal("JSON_PARSER_ERROR", f"Unexpected input: {error}") from error


def dump_json(value: Any) -> bytes:
    """JSON with decimals printed exactly."""
    return orjson.dumps(value, default=_dump_other, option=orjson.OPT_NON_STR_KEYS)


def _dump_other(value: object) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(number_text(value).encode("ascii"))
    raise TypeError(f"cannot print {type(value).__name__}")


def number_text(value: Decimal) -> str:
    """A number as the API prints doubles and amounts: exact, with at least one decimal."""
    text = format(value, "f")
    if "." not in text:
        return text + ".0"
    text = text.rstrip("0")
    return text + "0" if text.endswith(".") else text


def instant_text(instant: datetime) -> str:
    """``2026-01-31T10:20:30.000+0000``: UTC, whole seconds."""
    return instant.astimezone(UTC).isoformat()[:19] + ".000+0000"


def parse_instant(text: str) -> datetime:
    """An ISO instant with a zone; ``ValueError`` otherwise."""
    if not _INSTANT.fullmatch(text):
        raise ValueError(f"not an instant: {text!r}")
    return datetime.fromisoformat(text).astimezone(UTC)


def _mistyped(spec: FieldSpec, value: object) -> Refusal:
    match value:
        case bool():
            kind = "VALUE_TRUE" if value else "VALUE_FALSE"
        case int():
            kind = "VALUE_NUMBER_INT"
        case Decimal() | float():
            kind = "VALUE_NUMBER_FLOAT"
        case str():
            kind = "VALUE_STRING"
        case list():
            kind = "START_ARRAY"
        case _:
            kind = "START_OBJECT"
    shown = value if not isinstance(value, dict | list) else ""
    return Refusal(
        "JSON_PARSER_ERROR",
        f"Cannot deserialize instance of {spec.type} from {kind} value {shown} "
        "or request may be missing a required field at [line:1, column:1]",
        spec.name,
    )


def accept(spec: FieldSpec, value: Any) -> Stored:
    """A value from a request body as it is kept; raises :class:`Refusal` where it does not fit."""
    if isinstance(value, str):
        value = value.strip()
    if value is None or value == "":
        if spec.type == "boolean":
            raise _mistyped(spec, "")
        return None
    if spec.type in NUMBERS:
        return _accept_number(spec, value)
    if spec.type == "boolean":
        return _accept_boolean(spec, value)
    if not isinstance(value, str):
        raise _mistyped(spec, value)
    match spec.type:
        case "date":
            return _accept_date(spec, value)
        case "datetime":
            try:
                return instant_text(parse_instant(value))
            except ValueError as error:
                raise _mistyped(spec, value) from error
        case "reference" | "id":
            return accept_id(spec, value)
    return _accept_text(spec, value)


def accept_id(spec: FieldSpec, value: str) -> str:
    """A reference in its 18-character form."""
    try:
        return ids.normalise(value)
    except ids.MalformedId as error:
        message = f"{spec.label or spec.name}: id value of incorrect type: {value}"
        raise Refusal("MALFORMED_ID", message, spec.name) from error


def _accept_number(spec: FieldSpec, value: Any) -> Decimal | int:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = Decimal(value)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise _mistyped(spec, value)
    number = Decimal(value)
    if number.copy_abs() >= Decimal(10) ** (spec.digits - spec.scale):
        raise Refusal(
            "NUMBER_OUTSIDE_VALID_RANGE",
            f"{spec.label}: value outside of valid range on numeric field: {value}",
            spec.name,
        )
    if spec.type == "int":
        if number != number.to_integral_value():
            raise _mistyped(spec, value)
        return int(number)
    return number.quantize(Decimal(1).scaleb(-spec.scale), rounding=ROUND_HALF_UP)


def _accept_boolean(spec: FieldSpec, value: Any) -> bool:
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise _mistyped(spec, value)
    return value


def _accept_date(spec: FieldSpec, value: str) -> str:
    try:
        if not _DATE.fullmatch(value):
            raise ValueError(value)
        return date.fromisoformat(value).isoformat()
    except ValueError as error:
        raise _mistyped(spec, value) from error


def _accept_text(spec: FieldSpec, value: str) -> str:
    if "\x00" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise Refusal("JSON_PARSER_ERROR", f"Illegal character in {spec.name}", spec.name)
    if len(value) > spec.length:
        raise Refusal(
            "STRING_TOO_LONG",
            f"{spec.label}: data value too large: {value[:80]} (max length={spec.length})",
            spec.name,
        )
    if spec.type == "email" and not _EMAIL.fullmatch(value):
        message = f"{spec.label}: invalid email address: {value}"
        raise Refusal("INVALID_EMAIL_ADDRESS", message, spec.name)
    if spec.type in {"picklist", "multipicklist"}:
        return _accept_picklist(spec, value)
    return value


def _accept_picklist(spec: FieldSpec, value: str) -> str:
    chosen = value.split(";") if spec.type == "multipicklist" else [value]
    spelled = {known.lower(): known for known in spec.values}
    found = [spelled.get(choice.strip().lower(), choice.strip()) for choice in chosen]
    if spec.restricted and (bad := [choice for choice in found if choice not in spec.values]):
        raise Refusal(
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            f"{spec.label}: bad value for restricted picklist field: {bad[0]}",
            spec.name,
        )
    if spec.type == "multipicklist":
        order = {known: place for place, known in enumerate(spec.values)}
        found.sort(key=lambda choice: order.get(choice, len(order)))
    return ";".join(found)
