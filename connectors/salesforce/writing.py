"""Changes as sObject Collections, and their answers as outcomes.

REST API guide, "Using sObject Collections": at most 200 records of any outcome, the answer a list
in the order of the request.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from connectors.base import Confirmed, Failed, Outcome
from connectors.errors import CallError, OutcomeUnknown, Rejected
from connectors.records import Change, Operation, Value
from connectors.salesforce.errors import row_error
from connectors.salesforce.ids import normal_id
from connectors.salesforce.objects import WRITE_MAX
from connectors.salesforce.rest import Rest
from connectors.salesforce.soql import field_name, object_name

_DIGITS_MAX = 40


@dataclass(frozen=True, slots=True)
class _Row:
    """A change made ready: its place in the order, its id or identity, its JSON text."""

    place: int
    change: Change
    same_as: str
    text: str


def apply_changes(rest: Rest, changes: Sequence[Change]) -> tuple[Outcome, ...]:
    """One outcome per change, in order. Never raises ``CallError``."""
    outcomes: dict[int, Outcome] = {}
    rows: list[_Row] = []
    for place, change in enumerate(changes):
        try:
            rows.append(_row(place, change))
        except Rejected as error:
            outcomes[place] = Failed(error)
    for batch in _batches(rows):
        outcomes.update(_send(rest, batch))
    return tuple(outcomes[place] for place in range(len(changes)))


def _batches(rows: Sequence[_Row]) -> list[list[_Row]]:
    """At most 200 rows of one kind each, no record twice: the vendor refuses both of a pair."""
    batches: list[tuple[tuple[object, ...], set[str], list[_Row]]] = []
    for row in rows:
        kind = _kind(row.change)
        last = max((at for at, one in enumerate(batches) if row.same_as in one[1]), default=-1)
        for at, (found, names, batch) in enumerate(batches):
            if at > last and found == kind and len(batch) < WRITE_MAX:
                names.add(row.same_as)
                batch.append(row)
                break
        else:
            batches.append((kind, {row.same_as}, [row]))
    return [batch for _, _, batch in batches]


def _kind(change: Change) -> tuple[object, ...]:
    identity = change.identity.field if change.identity is not None else None
    return (change.operation, change.object, identity)


def _row(place: int, change: Change) -> _Row:
    id, same_as = addressed(place, change)
    text = "" if change.operation is Operation.DELETE else _body(change, id)
    return _Row(place, change, same_as, text)


def addressed(place: int, change: Change) -> tuple[str | None, str]:
    """The id of the record where it is known, and what tells it from others of the same call.

    Raises ``Rejected``.
    """
    object_name(change.object)
    id = None
    if change.operation in (Operation.UPDATE, Operation.DELETE):
        id = normal_id(change.id or "")
        if id is None:
            raise Rejected(f"{change.id!r} is not a Salesforce record id", code="MALFORMED_ID")
        same_as = id
    elif change.identity is not None:
        if "." in field_name(change.identity.field):
            raise Rejected(
                f"{change.identity.field} is no field of the record", code="INVALID_FIELD"
            )
        if not change.identity.value.strip():
            raise Rejected("the identity has no value", code="IDENTITY_EMPTY")
        same_as = change.identity.value.casefold()
    elif change.operation is Operation.UPSERT:
        raise Rejected("an upsert needs an identity", code="IDENTITY_MISSING")
    else:
        same_as = f"\x00{place}"
    return id, same_as


def _body(change: Change, id: str | None) -> str:
    """The record's JSON text."""
    parts: dict[str, str] = {"attributes": json_text({"type": change.object})}
    if id is not None:
        parts["id"] = json_text(id)
    elif change.identity is not None:
        parts[change.identity.field] = json_text(change.identity.value)
    for name, value in change.fields.items():
        if name in parts:
            continue
        if "." in name:
            raise Rejected(
                f"{name} belongs to another record and cannot be written here",
                code="INVALID_FIELD_FOR_INSERT_UPDATE",
                field_errors={name: "a field of the parent"},
            )
        try:
            parts[field_name(name)] = json_text(value)
        except ValueError as error:
            raise Rejected(
                f"{name}: {error}", code="VALUE_NOT_WRITABLE", field_errors={name: str(error)}
            ) from None
    return "{" + ",".join(f"{json.dumps(key)}:{text}" for key, text in parts.items()) + "}"


def json_text(value: Value) -> str:
    """The value as JSON, amounts digit for digit. Raises ``ValueError`` where JSON has no form.

    Several choices become one text with semicolons (Object Reference, "Multi-Select Picklist").
    """
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= one <= "\udfff" for one in value):
            raise ValueError("the text holds characters that cannot be sent")
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Decimal):
        return number_text(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a time without a zone is not an instant")
        moment = value.astimezone(UTC)
        text = moment.strftime("%Y-%m-%dT%H:%M:%S")
        return json.dumps(f"{text}.{moment.microsecond // 1000:03d}Z")
    if isinstance(value, date):
        return json.dumps(value.isoformat())
    if isinstance(value, tuple):
        return _choices_text(value)
    if isinstance(value, Mapping):
        inner = ",".join(f"{json.dumps(str(key))}:{json_text(one)}" for key, one in value.items())
        return "{" + inner + "}"
    raise ValueError(f"a {type(value).__name__} cannot be sent")


def number_text(value: Decimal) -> str:
    """The amount digit for digit. Raises ``ValueError``."""
    exponent = value.as_tuple().exponent
    if not value.is_finite() or not isinstance(exponent, int):
        raise ValueError("the amount is not a number")
    if len(value.as_tuple().digits) > _DIGITS_MAX or abs(exponent) > _DIGITS_MAX:
        raise ValueError("the amount has more digits than an amount can have")
    return format(value, "f")


def _choices_text(values: tuple[Value, ...]) -> str:
    texts = []
    for one in values:
        if not isinstance(one, str) or ";" in one or not one:
            raise ValueError("a choice must be a text without a semicolon")
        texts.append(one)
    return json_text(";".join(texts) or None)


def _send(rest: Rest, batch: list[_Row]) -> dict[int, Outcome]:
    first = batch[0].change
    method, path = _address(first, batch)
    body = (
        None
        if first.operation is Operation.DELETE
        else (
            '{"allOrNone":false,"records":[' + ",".join(row.text for row in batch) + "]}"
        ).encode()
    )
    try:
        answer = rest.send(method, path, body, object=first.object)
        if not isinstance(answer, list) or len(answer) != len(batch):
            raise OutcomeUnknown(
                "a collection was not answered record for record", code="COLLECTION_SHAPE"
            )
    except CallError as error:
        return {row.place: Failed(error) for row in batch}
    return {row.place: _outcome(row.change, one) for row, one in zip(batch, answer, strict=True)}


def _address(change: Change, batch: Sequence[_Row]) -> tuple[str, str]:
    if change.operation is Operation.CREATE:
        return "POST", "composite/sobjects"
    if change.operation is Operation.UPDATE:
        return "PATCH", "composite/sobjects"
    if change.operation is Operation.DELETE:
        ids = ",".join(row.same_as for row in batch)
        return "DELETE", f"composite/sobjects?ids={ids}&allOrNone=false"
    field = change.identity.field if change.identity is not None else ""
    return "PATCH", f"composite/sobjects/{object_name(change.object)}/{field_name(field)}"


def _outcome(change: Change, answer: object) -> Outcome:
    """What became of one record; an entry that says neither yes nor no leaves it open."""
    entry = answer if isinstance(answer, Mapping) else {}
    if entry.get("success") is False:
        return Failed(row_error(change.object, change.operation, entry.get("errors")))
    id = normal_id(str(entry.get("id") or ""))
    if entry.get("success") is not True or id is None:
        return Failed(
            OutcomeUnknown("a record's answer could not be understood", code="COLLECTION_SHAPE")
        )
    created = entry.get("created")
    if change.operation is Operation.CREATE:
        created = True
    elif change.operation is Operation.UPDATE:
        created = False
    return Confirmed(id=id, created=created if isinstance(created, bool) else None)
