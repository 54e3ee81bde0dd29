"""Writing: one batch call, one outcome per change.

From developers.hubspot.com "CRM API | Batch" and its changelog: when every input carries an
``objectWriteTraceId``, the good inputs are written, the bad ones are reported with their trace id
(207), and one bad input no longer fails its batch. A record merged away meanwhile may be left out
of the answer in silence. Order is nobody's promise, so outcomes are never matched by position.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from connectors.base import Confirmed, Failed, FieldDescription, Outcome
from connectors.errors import CallError, OutcomeUnknown, Rejected, RetryLater, UnexpectedAnswer
from connectors.hubspot.answers import context_values, partial_errors, rows
from connectors.hubspot.client import Answer, Call, Client, Door
from connectors.hubspot.errors import reply_of_row
from connectors.hubspot.objects import BATCH_MAX
from connectors.hubspot.paths import Paths
from connectors.hubspot.properties import read_value, write_value
from connectors.hubspot.records import Definitions, PropertyCache, id_of, version_of
from connectors.records import Change, Operation

# Codes of the transport for calls that went somewhere else than to HubSpot's API.
_ELSEWHERE: Final = ("REDIRECT", "URL_REFUSED")
_TRACE: Final = "objectWriteTraceId"
_VERBS: Final[Mapping[Operation, str]] = MappingProxyType(
    {
        Operation.CREATE: "create",
        Operation.UPDATE: "update",
        Operation.UPSERT: "upsert",
        Operation.DELETE: "archive",
    }
)


@dataclass(frozen=True, slots=True)
class Input:
    """A change and what is sent for it."""

    change: Change
    body: Mapping[str, object]


class Writing:
    """Makes changes to the records of any object but owners."""

    def __init__(self, client: Client, paths: Paths, cache: PropertyCache) -> None:
        self._client = client
        self._paths = paths
        self._cache = cache

    def apply(self, changes: Sequence[Change]) -> tuple[Outcome, ...]:
        """One outcome per change, in the same order; see :meth:`connectors.base.Writes.apply`."""
        if not changes:
            return ()
        try:
            return self._apply(changes)
        except UnexpectedAnswer as error:
            # Only the definitions were asked for: nothing is in doubt.
            again = RetryLater(
                error.message, code=error.code, request_id=error.request_id, status=error.status
            )
            return tuple(Failed(again) for _ in changes)
        except CallError as error:
            return tuple(Failed(error) for _ in changes)

    def _apply(self, changes: Sequence[Change]) -> tuple[Outcome, ...]:
        object, operation = _common(changes)
        names = sorted({name for change in changes for name in change.fields})
        definitions = self._cache.of(object, names)
        outcomes: dict[str, Outcome] = {}
        inputs: list[Input] = []
        addressed: set[str] = set()
        for change in changes:
            try:
                prepared = Input(change, _body(change, definitions))
                _require_first(change, addressed)
            except CallError as error:
                outcomes[change.key] = Failed(error)
            else:
                inputs.append(prepared)
        if inputs:
            outcomes |= self._send(object, operation, inputs, definitions)
        return tuple(outcomes[change.key] for change in changes)

    def _send(
        self,
        object: str,
        operation: Operation,
        inputs: Sequence[Input],
        definitions: Definitions,
    ) -> dict[str, Outcome]:
        path = self._paths.objects(object, "batch", _VERBS[operation])
        body = {"inputs": [dict(input.body) for input in inputs]}
        try:
            answer = self._client.call(Call(Door.WRITING, "POST", path, body=body, object=object))
            return self._outcomes(object, operation, inputs, definitions, answer)
        except UnexpectedAnswer as error:
            if error.code in _ELSEWHERE:
                return {input.change.key: Failed(error) for input in inputs}
            # Something was answered, but not anything that proves what became of the batch.
            unknown = OutcomeUnknown(
                f"HubSpot's answer to a write cannot be read: {error.message}",
                code=error.code,
                request_id=error.request_id,
                status=error.status,
            )
            return {input.change.key: Failed(unknown) for input in inputs}
        except CallError as error:
            return {input.change.key: Failed(error) for input in inputs}

    def _outcomes(
        self,
        object: str,
        operation: Operation,
        inputs: Sequence[Input],
        definitions: Definitions,
        answer: Answer,
    ) -> dict[str, Outcome]:
        if operation is Operation.DELETE:
            return {
                input.change.key: Confirmed(
                    id=str(input.change.id), created=False, request_id=answer.request_id
                )
                for input in inputs
            }
        by_key = {input.change.key: input.change for input in inputs}
        by_address = {_address(input.change): input.change.key for input in inputs}
        outcomes: dict[str, Outcome] = {}
        for error in partial_errors(answer.body):
            failed = Failed(self._client.row_error(reply_of_row(error), effect=True, object=object))
            keys = set(context_values(error, _TRACE)) & by_key.keys()
            keys |= {by_address[id] for id in context_values(error, "ids") if id in by_address}
            outcomes |= dict.fromkeys(keys, failed)
        for row in rows(answer.body):
            key = _key_of(row, by_key, by_address, inputs[0].change)
            if key is not None:
                outcomes[key] = _confirmed(object, row, operation, definitions, answer)
        for key in by_key.keys() - outcomes.keys():
            outcomes[key] = Failed(_unanswered(answer))
        return outcomes


def _common(changes: Sequence[Change]) -> tuple[str, Operation]:
    first = changes[0]
    if len(changes) > BATCH_MAX:
        raise Rejected(f"HubSpot takes at most {BATCH_MAX} records per call.", code="BATCH_TOO_BIG")
    if any((c.object, c.operation) != (first.object, first.operation) for c in changes):
        raise Rejected(
            "One call makes one kind of change to one kind of object.", code="BATCH_MIXED"
        )
    if len({change.key for change in changes}) < len(changes):
        raise Rejected("Two changes of one call have the same key.", code="BATCH_MIXED")
    return first.object, first.operation


def _require_first(change: Change, addressed: set[str]) -> None:
    """HubSpot refuses a whole batch that names one record twice; the second waits for its turn."""
    address = _address(change)
    if address in addressed:
        raise RetryLater(
            "The same record is already in this call; it takes one change at a time.",
            code="SAME_RECORD_TWICE",
        )
    if address:
        addressed.add(address)


def _address(change: Change) -> str:
    """How the change names its record: by id or by unique value; blank for a plain create."""
    if change.operation in (Operation.UPDATE, Operation.DELETE):
        return change.id or ""
    return change.identity.value if change.identity else ""


def _body(change: Change, definitions: Definitions) -> Mapping[str, object]:
    """What is sent for a change.

    Raises:
        Rejected: a value has no form in HubSpot, or the change does not say which record it means.
    """
    operation, identity = change.operation, change.identity
    if operation in (Operation.UPDATE, Operation.DELETE) and not change.id:
        raise Rejected("The change does not name a record.", code="NO_ID")
    if operation is Operation.DELETE:
        return {"id": change.id}
    properties = {
        name: write_value(name, definitions.get(name), value)
        for name, value in change.fields.items()
    }
    body: dict[str, object] = {_TRACE: change.key}
    if operation is Operation.UPDATE:
        body["id"] = change.id
    elif identity is not None and identity.value and not _fills_itself(change):
        properties[identity.field] = identity.value
    if operation is Operation.UPSERT:
        if identity is None or not identity.value:
            raise Rejected("The change does not name a unique value.", code="NO_IDENTITY")
        body |= {"id": identity.value, "idProperty": identity.field}
    if operation is Operation.CREATE:
        body["associations"] = []
    return body | {"properties": properties}


def _fills_itself(change: Change) -> bool:
    """An upsert by e-mail may find a contact by a further address: sent along, it would displace
    the first one. HubSpot fills it in where it creates."""
    identity = change.identity
    by_email = identity is not None and identity.field == "email"
    return by_email and change.operation is Operation.UPSERT


def _key_of(
    row: Mapping[str, object],
    by_key: Mapping[str, Change],
    by_address: Mapping[str, str],
    sample: Change,
) -> str | None:
    """The change a result belongs to: by trace id, else by the id or the unique value it shows."""
    trace = row.get(_TRACE)
    if isinstance(trace, str):
        return trace if trace in by_key else None
    if sample.operation is Operation.UPDATE:
        return by_address.get(id_of(row))
    properties = row.get("properties")
    if sample.identity is None or not isinstance(properties, Mapping):
        return None
    return by_address.get(str(properties.get(sample.identity.field) or ""))


def _confirmed(
    object: str,
    row: Mapping[str, object],
    operation: Operation,
    definitions: Definitions,
    answer: Answer,
) -> Confirmed:
    shown = row.get("properties")
    described: Mapping[str, FieldDescription] = definitions
    new = row.get("new")
    created = {Operation.CREATE: True, Operation.UPDATE: False}.get(operation)
    return Confirmed(
        id=id_of(row),
        created=new if isinstance(new, bool) else created,
        version=version_of(object, row),
        fields=MappingProxyType(
            {
                str(name): read_value(described.get(str(name)), value)
                for name, value in (shown if isinstance(shown, Mapping) else {}).items()
            }
        ),
        request_id=answer.request_id,
    )


def _unanswered(answer: Answer) -> OutcomeUnknown:
    return OutcomeUnknown(
        "HubSpot's answer leaves this record out, as it does for one that was merged meanwhile.",
        code="LEFT_OUT",
        request_id=answer.request_id,
        status=answer.status,
    )
