"""Changes as calls, one per record, and their answers as outcomes.

Records are upserted by their external id (``PUT …/eid:…``), so that a repeated write is the same
record again. One that is created is posted with its external id: where that is taken NetSuite
refuses, and what is there is not touched. Lists that are given are replaced whole: lines of a
repeated call would otherwise be added once more (REST API Browser, parameter ``replace``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from connectors.base import Confirmed, Failed, Outcome
from connectors.errors import (
    ActionNeeded,
    CallError,
    Gone,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    RetryLater,
)
from connectors.http import HttpResponse
from connectors.netsuite.fields import LISTS, RECORDS, is_custom
from connectors.netsuite.finding import external_id
from connectors.netsuite.objects import IDENTITY_FIELD, SPEC
from connectors.netsuite.rest import Rest
from connectors.netsuite.suiteql import field_name, object_name, record_id
from connectors.netsuite.values import json_text
from connectors.records import Change, Fields, Operation, Value

_BY_IDENTITY: Final = frozenset({Operation.CREATE, Operation.UPSERT})
# Child records of the account's own ("recmachcustrecord_…") are lists of their parent.
_CUSTOM_LIST: Final = "recmach"
# One record's own failure; statuses in between mean that nobody is answering at all.
_ITS_OWN: Final = frozenset({500})


def apply_changes(rest: Rest, changes: Sequence[Change]) -> tuple[Outcome, ...]:
    """One outcome per change, in order. Never raises ``CallError``.

    When a call fails for a reason that is not the record's own, those not yet sent are not sent.
    """
    outcomes: list[Outcome] = []
    stopped: CallError | None = None
    for change in changes:
        if stopped is not None:
            outcomes.append(Failed(_not_sent(stopped)))
            continue
        try:
            outcomes.append(_applied(rest, change))
        except CallError as error:
            outcomes.append(Failed(error))
            stopped = error if _stops(error) else None
    return tuple(outcomes)


def _stops(error: CallError) -> bool:
    if isinstance(error, OutcomeUnknown):
        return error.status not in _ITS_OWN
    return isinstance(error, ActionNeeded | RetryLater)


def _not_sent(cause: CallError) -> CallError:
    if isinstance(cause, ActionNeeded | RateLimited):
        return cause
    return RetryLater(
        f"not sent, because the call before it failed: {cause.message}", code="NOT_SENT"
    )


def _applied(rest: Rest, change: Change) -> Outcome:
    object = object_name(change.object)
    facts = SPEC.object(object)
    if facts is None or not facts.writable:
        raise Rejected(f"{object} is only read here", code="READ_ONLY")
    if change.operation is Operation.ACT:
        raise Rejected(f"{object} has no action {change.action!r}", code="NO_SUCH_ACTION")
    if change.operation in _BY_IDENTITY:
        return _made(rest, object, change)
    id = record_id(change.id or "")
    if id is None:
        raise Rejected(f"{change.id!r} is not a NetSuite record id", code="INVALID_ID")
    if change.operation is Operation.DELETE:
        rest.send("DELETE", f"{object}/{id}", {}, None)
        return Confirmed(id=id)
    body = nested(change.fields)
    rest.send("PATCH", f"{object}/{id}", _replacing(object, body), _text(body))
    return Confirmed(id=id, created=False)


def _made(rest: Rest, object: str, change: Change) -> Outcome:
    identity = change.identity
    if identity is None:
        raise Rejected(
            f"a new {object} needs an external id, so that a repeated write finds it again",
            code="IDENTITY_MISSING",
        )
    if identity.field != IDENTITY_FIELD:
        raise Rejected(
            f"{identity.field} cannot identify a {object}: NetSuite writes by {IDENTITY_FIELD}",
            code="IDENTITY_FIELD",
        )
    body, own = nested(change.fields), external_id(identity.value)
    try:
        if change.operation is Operation.CREATE:
            text = _text({**body, IDENTITY_FIELD: own})
            response = rest.send("POST", object, {}, text)
        else:
            path = f"{object}/eid:{own}"
            response = rest.send("PUT", path, _replacing(object, body), _text(body))
    except Gone as error:
        # What is not there is made: it is the record type, or one referred to, that is not.
        raise Rejected(error.message, code=error.code, status=error.status) from None
    created = True if change.operation is Operation.CREATE else None
    return Confirmed(id=_id_of(response, object), created=created)


def _id_of(response: HttpResponse, object: str) -> str:
    """The record's id, the last part of the Location; the answer has nothing else in it."""
    last = (response.header("location") or "").partition("?")[0].rstrip("/").rsplit("/", 1)[-1]
    id = record_id(last)
    if id is None:
        raise OutcomeUnknown(
            f"the {object} was written and the answer does not say under which id",
            code="NO_LOCATION",
            status=response.status,
        )
    return id


def nested(fields: Fields) -> Mapping[str, Value]:
    """The body: dotted names become structures, a list of lines a sublist. Raises ``Rejected``."""
    body: dict[str, Value] = {}
    inner: dict[str, dict[str, Value]] = {}
    for name, value in fields.items():
        first, _, rest = field_name(name).partition(".")
        if rest:
            inner.setdefault(first, {})[rest] = value
        elif first in LISTS and isinstance(value, tuple):
            body[first] = {"items": _shaped(value)}
        else:
            body[first] = _shaped(value)
    for first, parts in inner.items():
        if first in body:
            raise Rejected(
                f"{first} is given twice, as a whole and by its parts",
                code="FIELD_TWICE",
                field_errors={first: "given as a whole and by its parts"},
            )
        # A reference without an id is no reference: nothing in any part clears the whole.
        blank = all(value is None for value in parts.values())
        body[first] = None if blank else nested(parts)
    return body


def _shaped(value: Value) -> Value:
    if isinstance(value, Mapping):
        return nested(value)
    return tuple(_shaped(one) for one in value) if isinstance(value, tuple) else value


def _replacing(object: str, body: Mapping[str, Value]) -> Mapping[str, str]:
    """The lists that are exchanged as a whole. Fields of several choices have items as well, and
    are not lists."""
    unknown = object not in RECORDS
    given = [
        name
        for name, value in body.items()
        if isinstance(value, Mapping)
        and "items" in value
        and (name in LISTS or name.startswith(_CUSTOM_LIST) or (unknown and not is_custom(name)))
    ]
    return {"replace": ",".join(sorted(given))} if given else {}


def _text(body: Mapping[str, Value]) -> str:
    parts = []
    for name, value in body.items():
        try:
            parts.append(f'"{name}":{json_text(value)}')
        except ValueError as error:
            raise Rejected(
                f"{name}: {error}", code="VALUE_NOT_WRITABLE", field_errors={name: str(error)}
            ) from None
    return "{" + ",".join(parts) + "}"
