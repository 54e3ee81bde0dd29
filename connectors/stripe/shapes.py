"""Stripe's values turned into ours and back: money exact, times aware, nesting kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Final, TypeAlias

from connectors.errors import Rejected, UnexpectedAnswer
from connectors.records import Fields, Value
from connectors.stripe import kinds
from connectors.stripe.currencies import (
    code_of,
    from_minor,
    from_minor_decimal,
    plain_decimal,
    to_minor,
    to_minor_decimal,
)
from connectors.transport_json import Json

Params: TypeAlias = "dict[str, str | Params | list[str | Params]]"

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS_MAX: Final = 10**11
_DEPTH_MAX: Final = 12


# reading


def shown(content: Mapping[str, Json], currency: str | None = None) -> Mapping[str, Value]:
    """A record, or a part of one, in our values.

    ``currency`` is that of what holds it, where it names none. An amount whose currency nobody
    names is left out, unless it is zero: a customer's balance before the first invoice. Raises
    ``UnexpectedAnswer`` when an amount is in a currency that Stripe's page does not have.
    """
    currency = _currency_of(content) or currency
    found: dict[str, Value] = {}
    for name, value in content.items():
        if name in kinds.SECRET:
            continue
        if name in kinds.OPAQUE:
            found[name] = _plain(value)
        elif name in kinds.MONEY_BY_CURRENCY and isinstance(value, dict):
            found[name] = MappingProxyType(
                {code: _amount(name, units, code) for code, units in value.items()}
            )
        elif name in kinds.OBJECTS_BY_CURRENCY and isinstance(value, dict):
            found[name] = MappingProxyType(
                {code: _inner(part, code) for code, part in value.items()}
            )
        elif name in kinds.MONEY and _whole(value) and currency is None and value != 0:
            continue
        else:
            found[name] = _value(name, value, currency)
    return MappingProxyType(found)


def _value(name: str, value: Json, currency: str | None) -> Value:
    if name in kinds.MONEY and _whole(value):
        return _amount(name, value, currency or "usd")
    if name in kinds.FINE_MONEY and value is not None and currency is not None:
        return _fine_amount(name, value, currency)
    if name in kinds.TIMES and isinstance(value, int) and not isinstance(value, bool):
        return instant_of(value)
    if name in kinds.DECIMALS and isinstance(value, str):
        try:
            return plain_decimal(value)
        except ValueError:
            return value
    return _inner(value, currency)


def _inner(value: Json, currency: str | None) -> Value:
    if isinstance(value, dict):
        return shown(value, currency)
    if isinstance(value, list):
        return tuple(_inner(one, currency) for one in value)
    return value


def _plain(value: Json) -> Value:
    if isinstance(value, dict):
        return MappingProxyType({name: _plain(one) for name, one in value.items()})
    if isinstance(value, list):
        return tuple(_plain(one) for one in value)
    return value


def _whole(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _currency_of(content: Mapping[str, object]) -> str | None:
    for name in kinds.CURRENCY_NAMES:
        found = content.get(name)
        if isinstance(found, str) and found:
            return found
    return None


def _amount(name: str, value: Json, currency: str) -> Value:
    if value is None:
        return None
    if not _whole(value):
        raise UnexpectedAnswer(f"{name} is not a whole number of minor units", code="BAD_AMOUNT")
    try:
        return from_minor(int(str(value)), currency)
    except ValueError as error:
        raise UnexpectedAnswer(f"{name}: {error}", code="UNKNOWN_CURRENCY") from None


def _fine_amount(name: str, value: Json, currency: str) -> Value:
    try:
        return from_minor_decimal(str(value), currency)
    except ValueError as error:
        raise UnexpectedAnswer(f"{name}: {error}", code="BAD_AMOUNT") from None


def instant_of(seconds: int) -> datetime:
    """The instant so many seconds after 1970."""
    if abs(seconds) > _SECONDS_MAX:
        raise UnexpectedAnswer("a time is outside the calendar", code="BAD_TIME")
    return _EPOCH + timedelta(seconds=seconds)


def seconds_of(instant: datetime) -> int:
    """Whole seconds since 1970, finer digits cut, as Stripe keeps time."""
    return (instant.astimezone(UTC) - _EPOCH) // timedelta(seconds=1)


def selected(content: Mapping[str, Value], names: Iterable[str]) -> Fields:
    """The selected fields that the record has, dotted names followed into nested values.

    A metadata key that is not there is blank, since all keys are always shown.
    """
    found: dict[str, Value] = {}
    for name in names:
        first, *rest = name.split(".", 1) if name.startswith("metadata.") else name.split(".")
        if first not in content:
            continue
        value: Value = content[first]
        above = first
        for part in rest:
            if value is None:
                break
            if not isinstance(value, Mapping) or (part not in value and above != "metadata"):
                break
            value, above = value.get(part), part
        else:
            found[name] = value
            continue
        if value is None:
            found[name] = None
    return MappingProxyType(found)


# writing


def params_of(fields: Fields, *, currency: str | None = None) -> Params:
    """The fields as request parameters, dotted names nested.

    ``currency`` is what amounts are in where the fields do not say. Raises ``Rejected``.
    """
    nested: dict[str, Value] = {}
    for name, value in fields.items():
        parts = name.split(".", 1) if name.startswith("metadata.") else name.split(".")
        _place(nested, parts, value, name)
    return _sent(nested, currency, "", 0)


def _place(into: dict[str, Value], parts: list[str], value: Value, name: str) -> None:
    here: dict[str, Value] = into
    for part in parts[:-1]:
        below = here.get(part, {})
        if not isinstance(below, Mapping):
            raise _unwritable(name, "is given both as a value and in parts")
        here[part] = deeper = dict(below)
        here = deeper
    if not all(parts):
        raise _unwritable(name, "is not the name of a field")
    here[parts[-1]] = value


def _sent(fields: Mapping[str, Value], currency: str | None, above: str, depth: int) -> Params:
    if depth > _DEPTH_MAX:
        raise _unwritable(above, "is nested too deeply")
    currency = _currency_of(fields) or currency
    params: Params = {}
    for name, value in fields.items():
        where = f"{above}.{name}" if above else name
        opaque = name in kinds.OPAQUE
        if isinstance(value, Mapping):
            inner = name if above.endswith("currency_options") else currency
            params[name] = _sent(value, inner, where, depth + 1) if not opaque else _texts(value)
        elif isinstance(value, tuple):
            items = [
                _sent(one, currency, where, depth + 1)
                if isinstance(one, Mapping)
                else _text(name, one, currency, where)
                for one in value
            ]
            params[name] = items if items else ""
        else:
            params[name] = _text(name, value, currency, where)
    return params


def _texts(values: Mapping[str, Value]) -> Params:
    return {key: _text("", value, None, f"metadata.{key}") for key, value in values.items()}


def _text(name: str, value: Value, currency: str | None, where: str) -> str:
    """One value as Stripe reads it from a form. Blank clears ("Updating objects")."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal) and name in (kinds.MONEY | kinds.FINE_MONEY):
        return _money_text(name, Decimal(value), currency, where)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        if not value.is_finite() or abs(value.adjusted()) > 40:
            raise _unwritable(where, "is not a number that can be sent")
        return format(value.normalize() if value == value.to_integral_value() else value, "f")
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise _unwritable(where, "is a time without a zone")
        return str(seconds_of(value))
    if isinstance(value, date):
        raise _unwritable(where, "is a day, and Stripe wants an instant")
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= one <= "\udfff" for one in value):
            raise _unwritable(where, "holds characters that cannot be sent")
        return value.lower() if name in kinds.CURRENCY_NAMES else value
    raise _unwritable(where, f"is a {type(value).__name__}, which cannot be sent")


def _money_text(name: str, amount: Decimal, currency: str | None, where: str) -> str:
    if currency is None:
        raise Rejected(
            f"{where} has no currency: set `currency` beside it",
            code="CURRENCY_MISSING",
            field_errors={where: "the currency is not known"},
        )
    try:
        code = code_of(currency)
        if name in kinds.FINE_MONEY:
            return to_minor_decimal(amount, code)
        return str(to_minor(amount, code))
    except ValueError as error:
        raise Rejected(
            f"{where}: {error}", code="AMOUNT_NOT_EXACT", field_errors={where: str(error)}
        ) from None


def has_money(fields: Mapping[str, Value]) -> bool:
    """Whether any amount is among these fields, at any depth."""
    return any(_is_money(name, value) for name, value in fields.items())


def _is_money(name: str, value: Value) -> bool:
    if value is None or name.partition(".")[0] in kinds.OPAQUE:
        return False
    if name.rpartition(".")[2] in (kinds.MONEY | kinds.FINE_MONEY):
        return True
    parts = value if isinstance(value, tuple) else (value,)
    return any(isinstance(part, Mapping) and has_money(part) for part in parts)


def _unwritable(name: str, why: str) -> Rejected:
    return Rejected(f"{name} {why}", code="VALUE_NOT_WRITABLE", field_errors={name: why})
