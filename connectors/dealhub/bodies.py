"""Bodies of requests: values as DealHub writes them, dotted names as objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import orjson

from connectors.dealhub.fields import OPPORTUNITY, WRITTEN
from connectors.dealhub.objects import IDENTITY_FIELD
from connectors.errors import Rejected
from connectors.records import Fields, Value

_CREATED: Final = frozenset({*WRITTEN, OPPORTUNITY, "line_items"})
_EXPIRES: Final = "expiration_date"


def creation_body(fields: Fields, mark: str) -> bytes:
    """The body of generate. Raises ``Rejected`` for what it does not take."""
    given = _nested(fields)
    unknown = sorted(set(given) - _CREATED)
    if unknown:
        raise Rejected(
            f"a quote cannot be made with {', '.join(unknown)}; it can with "
            f"{', '.join(sorted(_CREATED))}",
            code="UNKNOWN_FIELD",
            field_errors=dict.fromkeys(unknown, "not a field of a new quote"),
        )
    # A blank is nothing to send when a quote is made; quote_data is wanted even when empty.
    body: dict[str, Value] = {"quote_data": ()}
    body |= {name: value for name, value in given.items() if value is not None}
    if _EXPIRES in body:
        body[_EXPIRES] = _milliseconds(body[_EXPIRES])
    return _bytes({**body, IDENTITY_FIELD: mark})


def action_body(fields: Fields, known: Sequence[str]) -> bytes:
    """The body of an action. Raises ``Rejected``."""
    unknown = sorted(set(fields) - set(known))
    if unknown:
        raise Rejected(
            f"the action takes no {', '.join(unknown)}; it takes {', '.join(known)}",
            code="UNKNOWN_FIELD",
            field_errors=dict.fromkeys(unknown, "not an argument of this action"),
        )
    return _bytes({name: value for name, value in fields.items() if value is not None})


def _milliseconds(value: Value) -> Value:
    """The expiry as a Unix time in milliseconds; a date alone would leave the hour to chance."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise _unwritable(_EXPIRES, "an instant needs a time zone")
        return round(value.timestamp() * 1000)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise _unwritable(_EXPIRES, "an instant, or milliseconds since 1970, is needed")


def _nested(fields: Fields) -> dict[str, Value]:
    """Dotted names as objects inside objects. Raises ``Rejected`` where two names collide."""
    nested: dict[str, Value] = {}
    for name, value in fields.items():
        head, dot, rest = name.partition(".")
        inner = nested.get(head, {})
        if (not dot and head in nested) or not isinstance(inner, dict):
            raise Rejected(
                f"{name} is given both as a whole and in parts",
                code="FIELD_TWICE",
                field_errors={name: "given twice"},
            )
        nested[head] = {**inner, rest: value} if dot else value
    return {
        name: _nested(value) if isinstance(value, dict) else value for name, value in nested.items()
    }


def _bytes(body: Mapping[str, Value]) -> bytes:
    plain = {name: _plain(name, value) for name, value in body.items()}
    try:
        return orjson.dumps(plain)
    except (TypeError, ValueError) as error:
        raise Rejected(
            f"the quote holds a text or number that cannot be written: {error}",
            code="VALUE_NOT_WRITABLE",
        ) from None


def _plain(name: str, value: Value) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(f"{name}.{key}", inner) for key, inner in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(name, one) for one in value]
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise _unwritable(name, "a finite number is needed")
        return orjson.Fragment(format(value, "f").encode("ascii"))
    if isinstance(value, datetime):
        raise _unwritable(name, "DealHub takes dates here, not instants")
    if isinstance(value, date):
        return value.isoformat()
    return value


def _unwritable(name: str, why: str) -> Rejected:
    return Rejected(
        f"{name}: {why}", code="VALUE_NOT_WRITABLE", field_errors={name.partition(".")[0]: why}
    )
