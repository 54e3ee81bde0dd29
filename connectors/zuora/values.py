"""Values as Zuora prints and takes them.

Object Query prints instants in UTC (``2026-07-25T02:46:20Z``), v1 resources local times of the
tenant without an offset (``2026-07-25 02:46:20``); both print dates as ``YYYY-MM-DD``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from connectors.base import FieldType
from connectors.errors import UnexpectedAnswer
from connectors.records import Value
from connectors.values import (
    format_date,
    format_decimal,
    parse_date,
    parse_decimal,
    parse_instant,
)
from connectors.zuora.fields import QUERIED

_LOCAL: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}", re.ASCII)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_UNSENDABLE: Final = re.compile("[\x00\ud800-\udfff]")
_MORE_NESTED: Final = MappingProxyType(
    {
        **dict.fromkeys(
            (
                "price", "listPrice", "discountAmount", "discountPercentage", "paidAmount",
                "netMrr", "grossMrr", "amountPerUnit", "originalOrderPrice", "exemptAmount",
                "homeCurrencyAmount", "includedUnits",
            ),
            FieldType.DECIMAL,
        ),
        **dict.fromkeys(("startDate", "endDate", "triggerDate"), FieldType.DATE),
    }
)  # fmt: skip


def _agreed() -> Mapping[str, FieldType]:
    """The types of names that mean the same wherever they occur: for what is nested in v1."""
    found: dict[str, set[FieldType]] = {}
    for fields in QUERIED.values():
        for name, type in fields.items():
            found.setdefault(name, set()).add(type)
    named = {name: types.pop() for name, types in found.items() if len(types) == 1}
    return MappingProxyType({**named, **_MORE_NESTED})


NESTED: Final = _agreed()


class Reader:
    """Turns printed values into ours. ``zone`` is the tenant's."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._converters: Mapping[FieldType, Callable[[object], Value]] = MappingProxyType(
            {
                FieldType.TEXT: self._text,
                FieldType.INTEGER: _integer,
                FieldType.DECIMAL: _decimal,
                FieldType.BOOLEAN: _boolean,
                FieldType.DATE: self._date,
                FieldType.INSTANT: self.instant,
            }
        )

    def value(self, name: str, type: FieldType | None, printed: object) -> Value:
        """The value of a field. Raises ``UnexpectedAnswer`` where it is of another type."""
        if printed is None or (printed == "" and type is not FieldType.TEXT):
            return None
        convert = self._converters.get(type) if type is not None else None
        try:
            return convert(printed) if convert is not None else self.frozen(printed)
        except ValueError as error:
            raise UnexpectedAnswer(
                f"{name} did not come as {type.value if type else 'a value'}: {error}",
                code="VALUE_TYPE",
            ) from None

    def frozen(self, printed: object) -> Value:
        """What is nested, unchangeable; amounts and dates inside typed by their names."""
        if isinstance(printed, Mapping):
            return MappingProxyType(
                {str(name): self._inner(str(name), inner) for name, inner in printed.items()}
            )
        if isinstance(printed, list | tuple):
            return tuple(self.frozen(inner) for inner in printed)
        if printed is None or isinstance(printed, bool | int | str | Decimal):
            return printed
        raise ValueError("it is no value of JSON")

    def _inner(self, name: str, printed: object) -> Value:
        convert = self._converters.get(NESTED[name]) if name in NESTED else None
        if convert is None or printed is None or isinstance(printed, Mapping | list):
            return self.frozen(printed)
        try:
            return convert(printed)
        except ValueError:
            # The same name may mean something else down there.
            return self.frozen(printed)

    def instant(self, printed: object) -> datetime:
        """An instant, in UTC. Raises ``ValueError``."""
        text = _required_text(printed)
        if _LOCAL.fullmatch(text):
            local = datetime.fromisoformat(text.replace(" ", "T")).replace(tzinfo=self._zone)
            return local.astimezone(UTC)
        if _DAY.fullmatch(text):
            return datetime.combine(parse_date(text), time(), self._zone).astimezone(UTC)
        return parse_instant(text)

    def _date(self, printed: object) -> date:
        """A day; an instant is the day it falls on in the tenant's time zone."""
        text = _required_text(printed)
        if _DAY.fullmatch(text):
            return parse_date(text)
        return self.instant(text).astimezone(self._zone).date()

    def _text(self, printed: object) -> Value:
        if isinstance(printed, str):
            return printed
        if isinstance(printed, int | Decimal) and not isinstance(printed, bool):
            return str(printed)
        return self.frozen(printed)


def _required_text(printed: object) -> str:
    if not isinstance(printed, str):
        raise ValueError("text is expected")
    return printed


def _decimal(printed: object) -> Decimal:
    if isinstance(printed, Decimal):
        return printed
    if isinstance(printed, bool):
        raise ValueError("a number is expected")
    if isinstance(printed, int):
        return Decimal(printed)
    return parse_decimal(_required_text(printed))


def _integer(printed: object) -> int:
    number = _decimal(printed)
    if number != number.to_integral_value():
        raise ValueError("a whole number is expected")
    return int(number)


def _boolean(printed: object) -> bool:
    if isinstance(printed, bool):
        return printed
    if printed in ("true", "True"):
        return True
    if printed in ("false", "False"):
        return False
    raise ValueError("true or false is expected")


# writing


def json_text(value: Value) -> str:
    """The value as JSON, amounts digit for digit. Raises ``ValueError`` where JSON has no form."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, str):
        if _UNSENDABLE.search(value):
            raise ValueError("the text holds characters that cannot be sent")
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError("the amount is not a number")
        return format_decimal(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a time without a zone is not an instant")
        return json.dumps(value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    if isinstance(value, date):
        return json.dumps(format_date(value))
    if isinstance(value, tuple | list):
        return "[" + ",".join(json_text(inner) for inner in value) + "]"
    if isinstance(value, Mapping):
        return object_text(value)
    raise ValueError(f"a {type(value).__name__} cannot be sent")


def object_text(fields: Mapping[str, Value]) -> str:
    """A JSON object. Raises ``ValueError``, naming the field."""
    parts: list[str] = []
    for name, value in fields.items():
        try:
            parts.append(f"{json.dumps(str(name))}:{json_text(value)}")
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    return "{" + ",".join(parts) + "}"
