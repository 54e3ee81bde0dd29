"""Reading request bodies: every value is checked before it is used, and refused by name."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sandbox.messages import Request
from sandbox.zuora.errors import MALFORMED, Problem, invalid, missing
from sandbox.zuora.values import Row, fits, number, read_date

CUSTOM_ENDINGS = ("__c", "__NS", "__QT")


def body_of(request: Request) -> Row:
    """The JSON object of a request, numbers exact; an empty body is an empty object."""
    if not request.body:
        return {}
    try:
        body = json.loads(request.body, parse_float=Decimal)
    except ValueError as error:
        raise Problem(MALFORMED, "Malformed JSON in the request body.", status=400) from error
    if not isinstance(body, dict):
        raise Problem(MALFORMED, "The request body must be a JSON object.", status=400)
    return body


class Fields:
    """One JSON object of a request."""

    def __init__(self, values: Any, where: str = "") -> None:
        if not isinstance(values, dict):
            raise invalid(where or "body", "must be an object.")
        self.values: Row = values
        self._where = where

    def name(self, field: str) -> str:
        """How a refusal names a field."""
        return f"{self._where}.{field}" if self._where else field

    def has(self, field: str) -> bool:
        """Whether a value was sent."""
        return self.values.get(field) is not None

    def text(self, field: str, default: str | None = None, *, max: int = 255) -> str | None:
        """Text, or the default when it is absent or blank."""
        value = self.values.get(field)
        if value is None or value == "":
            return default
        if not isinstance(value, str):
            raise invalid(self.name(field), "must be a string.")
        if len(value) > max:
            raise invalid(self.name(field), f"is longer than {max} characters.")
        return value

    def need(self, field: str, *, max: int = 255) -> str:
        """Text that must be there."""
        value = self.text(field, max=max)
        if value is None:
            raise missing(self.name(field))
        return value

    def choice(self, field: str, allowed: tuple[str, ...], default: str | None = None) -> str:
        """One of a few words."""
        value = self.text(field, default)
        if value is None:
            raise missing(self.name(field))
        if value not in allowed:
            raise invalid(self.name(field), f"must be one of {', '.join(allowed)}.")
        return value

    def flag(self, field: str, *, default: bool = False) -> bool:
        """True or false."""
        value = self.values.get(field)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise invalid(self.name(field), "must be true or false.")
        return value

    def decimal(self, field: str) -> Decimal | None:
        """A number."""
        value = self.values.get(field)
        if value is None:
            return None
        read = number(value)
        if read is None:
            raise invalid(self.name(field), "must be a number.")
        return read

    def amount(self, field: str, currency: str, *, positive: bool = True) -> Decimal:
        """Money that must be there, with no more decimals than the currency has."""
        value = self.decimal(field)
        if value is None:
            raise missing(self.name(field))
        if not fits(value, currency):
            raise invalid(self.name(field), f"has too many decimals for {currency}.")
        if positive and value <= 0:
            raise invalid(self.name(field), "must be greater than zero.")
        return value

    def integer(self, field: str, default: int | None = None) -> int | None:
        """A whole number."""
        value = self.decimal(field)
        if value is None:
            return default
        if value != value.to_integral_value():
            raise invalid(self.name(field), "must be a whole number.")
        return int(value)

    def date(self, field: str, default: dt.date | None = None) -> dt.date | None:
        """``YYYY-MM-DD``."""
        value = self.text(field)
        if value is None:
            return default
        try:
            return read_date(value)
        except ValueError as error:
            raise invalid(self.name(field), "must be a date as yyyy-mm-dd.") from error

    def need_date(self, field: str) -> dt.date:
        """A date that must be there."""
        value = self.date(field)
        if value is None:
            raise missing(self.name(field))
        return value

    def instant(self, field: str) -> datetime | None:
        """A date with a time; without an offset it is UTC."""
        value = self.text(field)
        if value is None:
            return None
        try:
            read = datetime.fromisoformat(value.replace(" ", "T"))
        except ValueError as error:
            raise invalid(self.name(field), "must be a date and time.") from error
        return read if read.tzinfo else read.replace(tzinfo=UTC)

    def texts(self, field: str) -> frozenset[str]:
        """The texts of a list; empty when it is absent."""
        value = self.values.get(field)
        if value is None:
            return frozenset()
        if not isinstance(value, list) or not all(isinstance(inner, str) for inner in value):
            raise invalid(self.name(field), "must be an array of strings.")
        return frozenset(value)

    def part(self, field: str) -> Fields | None:
        """A nested object."""
        value = self.values.get(field)
        return None if value is None else Fields(value, self.name(field))

    def parts(self, field: str) -> Iterator[Fields]:
        """The objects of a nested list."""
        value = self.values.get(field)
        if value is None:
            return
        if not isinstance(value, list):
            raise invalid(self.name(field), "must be an array.")
        for index, inner in enumerate(value):
            yield Fields(inner, f"{self.name(field)}[{index}]")

    def customs(self) -> Row:
        """The custom fields among the values."""
        return {key: value for key, value in self.values.items() if key.endswith(CUSTOM_ENDINGS)}
