"""Numbers, dates and JSON as DealHub prints them. Inside, amounts are ``Decimal``."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any, Final, TypeAlias

import orjson

from sandbox.dealhub.errors import not_json

Row: TypeAlias = "dict[str, Any]"

EXPONENTS: Final = {"USD": 2, "EUR": 2, "GBP": 2, "JPY": 0, "KWD": 3}
HUNDRED: Final = Decimal(100)
ZERO: Final = Decimal(0)
STRAY: Final = frozenset(
    {"quote_upgrade_required", "contact_name", "contact_email", "primary_quote", "line_items",
     "question", "End Reseller Price"}
)  # fmt: skip
"""Keys that the vendor's own examples print with a quote character at their end."""
_MARKUP: Final = re.compile(r"[^0-9A-Za-z]")


def parse_body(body: bytes) -> Row:
    """A JSON object with exact decimals; anything else is refused."""
    try:
        read = json.loads(body.decode("utf-8"), parse_float=Decimal)
    except (ValueError, RecursionError, InvalidOperation):
        raise not_json() from None
    if not isinstance(read, dict):
        raise not_json()
    return read


def dump_json(value: Any) -> bytes:
    """JSON with decimals printed exactly."""
    return orjson.dumps(value, default=_other)


def _other(value: object) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f").encode("ascii"))
    if isinstance(value, datetime):
        return stamp(value)
    raise TypeError(f"cannot print {type(value).__name__}")


def stamp(at: datetime) -> str:
    """``yyyy-mm-dd hh:mm:ss``, GMT."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def rounded(amount: Decimal, currency: str) -> Decimal:
    """To the currency's minor unit."""
    return amount.quantize(Decimal(1).scaleb(-EXPONENTS[currency]), ROUND_HALF_EVEN)


def number(value: object) -> Decimal | None:
    """A number, or text that holds one; ``None`` when it is neither."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    try:
        read = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return read if read.is_finite() else None


def factor_text(value: Decimal) -> str:
    """A product factor: text with at least one decimal."""
    text = format(value, "f")
    return text if "." in text else f"{text}.0"


def is_date(text: str) -> bool:
    """Whether a text is ``yyyy-mm-dd``."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def made_id(*parts: object) -> str:
    """Sixteen letters and digits that follow from the parts."""
    text = "/".join(str(part) for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:16].upper()


def with_stray_quotes(value: Any) -> Any:
    """The same with a quote character behind some keys."""
    if isinstance(value, dict):
        return {
            f'{name}"' if name in STRAY else name: with_stray_quotes(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [with_stray_quotes(one) for one in value]
    return value


def folded(text: str) -> str:
    """Letters and digits alone, in lower case."""
    return _MARKUP.sub("", text).lower()
