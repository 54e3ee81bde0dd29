"""Fields as the body of a request: every scalar a string, custom fields in their lists."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from connectors.docusign.fields import CREATABLE, KINDS, UPDATABLE
from connectors.docusign.objects import CUSTOM, IDENTITY_NAME, TRANSACTION_ID
from connectors.errors import Rejected
from connectors.records import Fields, Value
from connectors.values import format_date, format_decimal, format_instant

_DEPTH_MAX: Final = 12
_STATUS_NEW: Final = ("created", "sent")


def body_of(values: Mapping[str, Value]) -> bytes:
    """The request's body. Raises ``Rejected`` for a value that cannot be written."""
    text = json.dumps(_sent(values, "", 0), ensure_ascii=False)
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise _unwritable("the request", "holds half a character") from None


def split(fields: Fields, *, new: bool) -> tuple[dict[str, Value], dict[str, str]]:
    """The envelope's own fields, and custom ones by name with blanks for what is cleared.

    Raises ``Rejected`` for fields that cannot be given, all of them named.
    """
    own: dict[str, Value] = {}
    custom: dict[str, str] = {}
    wrong: dict[str, str] = {}
    known = CREATABLE if new else UPDATABLE
    for name, value in fields.items():
        head, dot, rest = name.partition(".")
        if head == CUSTOM and dot:
            custom[rest] = text_of(value, name)
        elif head == CUSTOM and isinstance(value, Mapping):
            custom |= {inner: text_of(one, f"{name}.{inner}") for inner, one in value.items()}
        elif head == TRANSACTION_ID and not new and not dot:
            # DocuSign takes a transaction id when an envelope is made; later the field keeps it.
            custom[IDENTITY_NAME] = text_of(value, name)
        elif dot or head not in known:
            wrong[name] = _why(head, new=new)
        elif head == "status" and value not in (_STATUS_NEW if new else ("sent",)):
            wrong[name] = "created or sent when an envelope is made, sent later; void is an action"
        elif not (new and value is None):
            own[name] = value
    if wrong:
        texts = "; ".join(f"{name}: {why}" for name, why in wrong.items())
        raise Rejected(f"not to be written: {texts}", code="NOT_WRITABLE", field_errors=wrong)
    return own, custom


def _why(head: str, *, new: bool) -> str:
    if head in CREATABLE and not new:
        return "only when the envelope is made"
    return "DocuSign sets it itself, or knows no such field"


def with_custom(own: dict[str, Value], custom: Mapping[str, str]) -> dict[str, Value]:
    """The body of a new envelope with its custom fields; blank ones are nothing to send."""
    given = own.get("customFields")
    lists = dict(given) if isinstance(given, Mapping) else {}
    texts = lists.get(KINDS[0])
    held: list[Value] = [
        one
        for one in (texts if isinstance(texts, tuple) else ())
        if not (isinstance(one, Mapping) and one.get("name") in custom)
    ]
    held += [custom_field(name, value) for name, value in custom.items() if value]
    return {**own, "customFields": {**lists, KINDS[0]: tuple(held)}} if held or lists else own


def custom_field(name: str, value: str, id: str | None = None) -> dict[str, Value]:
    """A text field of an envelope, not shown to those who sign; with its id where it exists."""
    field: dict[str, Value] = {"name": name, "value": value, "show": False, "required": False}
    return {"fieldId": id, **field} if id is not None else field


def text_of(value: Value, where: str) -> str:
    """A value as the text of a custom field. Raises ``Rejected``."""
    sent = _sent(value, where, 0)
    if not isinstance(sent, str):
        raise _unwritable(where, "is no single value")
    return sent


def _sent(value: Value, where: str, depth: int) -> str | list[object] | dict[str, object]:
    if depth > _DEPTH_MAX:
        raise _unwritable(where, "is nested too deeply")
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int():
            return str(value)
        case Decimal():
            return _decimal(value, where)
        case datetime():
            return _instant(value, where)
        case date():
            return format_date(value)
        case Mapping():
            return {
                name: _sent(inner, f"{where}.{name}".lstrip("."), depth + 1)
                for name, inner in value.items()
            }
        case _:
            return [_sent(inner, where, depth + 1) for inner in value]


def _decimal(value: Decimal, where: str) -> str:
    try:
        return format_decimal(value)
    except ValueError as error:
        raise _unwritable(where, str(error)) from None


def _instant(value: datetime, where: str) -> str:
    try:
        return format_instant(value)
    except ValueError as error:
        raise _unwritable(where, str(error)) from None


def _unwritable(where: str, why: str) -> Rejected:
    return Rejected(f"{where} {why}", code="VALUE_NOT_WRITABLE", field_errors={where: why})
