"""Values: what bodies may hold, how records keep them, how they are printed.

Kept as text, ``Decimal``, ``int``, ``bool`` or ``None``; a date as ``2026-01-31``, an instant as
``2026-01-31T10:20:30Z``, a reference as the internal id, a list as a list of rows.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, Final, TypeAlias

import orjson

Row: TypeAlias = "dict[str, Any]"

DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
INSTANT: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?(?:Z|[+-]\d{2}:\d{2})", re.ASCII
)
NUMBER_MAX: Final = Decimal(10) ** 15


class NotJson(ValueError):
    """The body is not JSON; the message says where."""


def parse_json(body: bytes) -> Any:
    """Strict JSON with exact decimals; :class:`NotJson` otherwise."""

    def no_constant(name: str) -> Any:
        raise ValueError(f"{name} is not JSON")

    try:
        if b"\\ud" in body.lower():
            orjson.loads(body)  # refuses half of a surrogate pair, which json lets through
        return json.loads(body.decode("utf-8"), parse_float=Decimal, parse_constant=no_constant)
    except (ValueError, RecursionError, InvalidOperation) as error:
        raise NotJson(str(error)) from error


def dump_json(value: Any) -> bytes:
    """JSON with decimals printed exactly."""
    return orjson.dumps(value, default=_dump_other)


def _dump_other(value: object) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(number_text(value).encode("ascii"))
    raise TypeError(f"cannot print {type(value).__name__}")


def number_text(value: Decimal) -> str:
    """A number as the API prints it: exact, with at least one decimal."""
    text = format(value, "f")
    if "." not in text:
        return text + ".0"
    text = text.rstrip("0")
    return text + "0" if text.endswith(".") else text


def as_number(value: Any) -> Decimal:
    """A finite JSON number; ``ValueError`` otherwise."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("a number is expected")
    number = Decimal(value)
    if not number.is_finite() or abs(number) >= NUMBER_MAX:
        raise ValueError("the number is out of range")
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -20:
        raise ValueError("the number has too many decimals")
    return number


def as_date(value: Any) -> str:
    """``2026-01-31``; ``ValueError`` otherwise."""
    if not isinstance(value, str) or not DATE.fullmatch(value):
        raise ValueError("a date YYYY-MM-DD is expected")
    return date.fromisoformat(value).isoformat()


def as_instant(value: Any) -> str:
    """``2026-01-31T10:20:30Z``; ``ValueError`` otherwise."""
    if not isinstance(value, str) or not INSTANT.fullmatch(value):
        raise ValueError("a date and time with a zone is expected")
    return instant_text(datetime.fromisoformat(value))


def instant_text(instant: datetime) -> str:
    """UTC, whole seconds."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rounded(amount: Decimal, digits: int) -> Decimal:
    """An amount as a currency with so many decimals holds it."""
    return amount.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def fits(amount: Decimal, digits: int) -> bool:
    """Whether the amount has no more decimals than its currency."""
    return amount == rounded(amount, digits)
