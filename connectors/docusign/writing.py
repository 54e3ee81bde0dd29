"""Changes as calls, one after another.

An envelope goes out to people, so nothing is made before DocuSign was asked whether it is there
already: the documentation does not say that a transaction id used twice is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from connectors.base import Confirmed, Failed, Outcome
from connectors.docusign import bodies, fields
from connectors.docusign.finding import custom_name, lookup_records
from connectors.docusign.objects import CUSTOM, ENVELOPES, TRANSACTION_ID
from connectors.docusign.reading import LIST, Row, require_envelopes, rows_by_id
from connectors.docusign.rest import Body, Rest
from connectors.docusign.settings import GUID
from connectors.errors import (
    ActionNeeded,
    CallError,
    DuplicateFound,
    Gone,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    RetryLater,
    UnexpectedAnswer,
)
from connectors.records import Change, Found, Identity, Life, Operation, Ref, Selection, Value

_MAKING: Final = frozenset({Operation.CREATE, Operation.UPSERT})
_IDENTITY: Final = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)
_VOIDED: Final = "voidedReason"
# The call itself failed on its way, so the next would as well.
_ON_THE_WAY: Final = frozenset({"NETWORK", "TLS", "BAD_BODY", "REDIRECT", "URL_REFUSED"})


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes to one account."""

    rest: Rest

    def apply(self, changes: Sequence[Change]) -> tuple[Outcome, ...]:
        """One outcome per change, in order. Never raises ``CallError``."""
        outcomes: list[Outcome] = []
        stopped: CallError | None = None
        try:
            there = self._there(changes)
        except CallError as error:
            return tuple(Failed(_nothing_sent(error)) for _ in changes)
        for change in changes:
            if stopped is not None:
                outcomes.append(Failed(stopped))
                continue
            try:
                outcomes.append(self._write(change, there))
            except CallError as error:
                outcomes.append(Failed(error))
                stopped = _for_the_rest(error)
        return tuple(outcomes)

    def _there(self, changes: Sequence[Change]) -> dict[Identity, str]:
        """The envelopes that exist of those that are to be made."""
        wanted = [
            change.identity
            for change in changes
            if change.operation in _MAKING
            and change.identity is not None
            and change.object == ENVELOPES
            and _usable(change.identity)
        ]
        if not wanted:
            return {}
        found = lookup_records(self.rest, Selection(ENVELOPES, ("status",)), wanted)
        return {
            identity: answer.record.ref.id
            for identity, answer in zip(wanted, found, strict=True)
            if isinstance(answer, Found) and answer.record.life is Life.LIVE
        }

    def _write(self, change: Change, there: dict[Identity, str]) -> Confirmed:
        require_envelopes(change.object)
        match change.operation:
            case Operation.CREATE | Operation.UPSERT:
                made = self._made(change, there)
                if change.identity is not None:
                    there[change.identity] = made.id
                return made
            case Operation.UPDATE:
                return self._updated(change)
            case Operation.ACT:
                return self._acted(change)
        raise Rejected("envelopes are voided, not removed", code="NOT_WRITABLE")

    # making

    def _made(self, change: Change, there: Mapping[Identity, str]) -> Confirmed:
        identity = change.identity
        id = there.get(identity) if identity is not None else None
        if id is not None and change.operation is Operation.UPSERT:
            kept = {
                name: value
                for name, value in change.fields.items()
                if name.partition(".")[0] in fields.UPDATABLE and name != "status"
            }
            return self._updated(replace(change, id=id, fields=kept))
        if id is not None:
            raise DuplicateFound(
                "an envelope of this identity exists",
                candidates=(Ref(ENVELOPES, id),),
                code="IDENTITY_TAKEN",
            )
        own, custom = bodies.split(change.fields, new=True)
        if identity is not None:
            custom[custom_name(_checked(identity))] = identity.value
            if identity.field == TRANSACTION_ID:
                own[TRANSACTION_ID] = identity.value
        body = bodies.body_of(bodies.with_custom(own, custom))
        answer, request_id = self.rest.write("POST", LIST, body)
        id = _answered_id(answer, None, request_id)
        shown = fields.selected(fields.shown({"status": answer.get("status")}), ("status",))
        return Confirmed(id=id, created=True, fields=shown, request_id=request_id)

    # changing

    def _updated(self, change: Change) -> Confirmed:
        id = _id_of(change)
        own, custom = bodies.split(change.fields, new=False)
        own, custom = _opened(own, custom)
        request_id = None
        if "status" in own and self._was_sent(id):
            del own["status"]
        if own:
            answer, request_id = self.rest.write("PUT", f"{LIST}/{id}", bodies.body_of(own))
            _answered_id(answer, id, request_id)
        if custom:
            request_id = self._set_custom(id, custom) or request_id
        return Confirmed(id=id, created=False, request_id=request_id)

    def _was_sent(self, id: str) -> bool:
        """Whether a draft was sent already: whoever has signed by now is not to be mailed again."""
        return str(self._row(id).get("status")) != "created"

    def _row(self, id: str) -> Row:
        rows = rows_by_id(self.rest, [id], {"include": fields.INCLUDES[CUSTOM]})
        if not rows or rows[0].get("status") == "deleted":
            raise Gone(f"envelope {id} does not exist", code="ENVELOPE_DOES_NOT_EXIST")
        return rows[0]

    def _set_custom(self, id: str, wanted: Mapping[str, str]) -> str | None:
        """Custom fields are changed by their ids and added by name: one call each way."""
        changes: dict[str, list[Value]] = {kind: [] for kind in fields.KINDS}
        missing = {name: value for name, value in wanted.items() if value}
        held = self._row(id).get("customFields")
        for kind in fields.KINDS:
            listed = held.get(kind) if isinstance(held, Mapping) else None
            for one in fields.each({kind: listed}):
                name = str(one.get("name"))
                missing.pop(name, None)
                if name in wanted and str(one.get("value") or "") != wanted[name]:
                    field = bodies.custom_field(name, wanted[name], str(one.get("fieldId")))
                    kept = {k: v for k, v in field.items() if k not in ("show", "required")}
                    changes[kind].append(kept)
        path, request_id = f"{LIST}/{id}/custom_fields", None
        edited = {kind: tuple(listed) for kind, listed in changes.items() if listed}
        if edited:
            _, request_id = self.rest.write("PUT", path, bodies.body_of(edited))
        if missing:
            added = tuple(bodies.custom_field(name, value) for name, value in missing.items())
            _, request_id = self.rest.write("POST", path, bodies.body_of({fields.KINDS[0]: added}))
        return request_id

    # acting

    def _acted(self, change: Change) -> Confirmed:
        id = _id_of(change)
        takes = {_VOIDED} if change.action == "void" else set()
        if surplus := sorted(set(change.fields) - takes):
            raise Rejected(
                f"{change.action} takes no {', '.join(surplus)}",
                code="UNKNOWN_ARGUMENT",
                field_errors=dict.fromkeys(surplus, "not an argument of this action"),
            )
        query: dict[str, str] = {}
        match change.action:
            case "void":
                body: dict[str, Value] = {"status": "voided", **change.fields}
            case "send":
                body = {"status": "sent"}
            case "resend":
                body, query = {}, {"resend_envelope": "true"}
            case _:
                raise Rejected(
                    f"{ENVELOPES} have no action {change.action!r}; there are: send, void, resend",
                    code="UNKNOWN_ACTION",
                )
        answer, request_id = self.rest.write("PUT", f"{LIST}/{id}", bodies.body_of(body), query)
        _answered_id(answer, id, request_id)
        return Confirmed(id=id, created=False, request_id=request_id)


def _opened(
    own: dict[str, Value], custom: dict[str, str]
) -> tuple[dict[str, Value], dict[str, str]]:
    """An update's ``customFields``, given as the vendor prints them, by name; flat ones win."""
    given = own.pop("customFields", None)
    named: dict[str, str] = {}
    for kind in fields.KINDS if isinstance(given, Mapping) else ():
        listed = given.get(kind) if isinstance(given, Mapping) else None
        for one in listed if isinstance(listed, tuple) else ():
            if isinstance(one, Mapping) and isinstance(one.get("name"), str):
                named[str(one["name"])] = bodies.text_of(one.get("value"), "customFields")
    return own, {**named, **custom}


def _usable(identity: Identity) -> bool:
    return _IDENTITY.fullmatch(identity.value) is not None


def _checked(identity: Identity) -> Identity:
    if not _usable(identity):
        raise Rejected(
            f"{identity.field} takes up to 100 letters, digits, hyphens and underscores",
            code="IDENTITY_NOT_PLAIN",
            field_errors={identity.field: "letters, digits, hyphens and underscores only"},
        )
    return identity


def _id_of(change: Change) -> str:
    if not change.id:
        raise Rejected("an envelope is changed by its id", code="ID_MISSING")
    if not GUID.fullmatch(change.id.lower()):
        raise Gone(f"envelope {change.id} does not exist", code="NO_ENVELOPE_ID")
    return change.id


def _answered_id(answer: Body, wanted: str | None, request_id: str | None) -> str:
    id = answer.get("envelopeId")
    fits = isinstance(id, str) and GUID.fullmatch(id.lower()) is not None
    if not fits or (wanted is not None and str(id).lower() != wanted.lower()):
        raise OutcomeUnknown(
            "the answer to a write names no envelope, or another one",
            code="ANSWER_SHAPE",
            request_id=request_id,
        )
    return str(id)


def _nothing_sent(error: CallError) -> CallError:
    """A look before writing failed: nothing has happened, whatever it was."""
    if isinstance(error, RetryLater | ActionNeeded | Rejected):
        return error
    return RetryLater(
        f"not sent, because looking first failed: {error.message}",
        code=error.code,
        status=error.status,
    )


def _for_the_rest(error: CallError) -> CallError | None:
    """What a failure means for the changes that were not sent yet; ``None``: nothing."""
    if isinstance(error, RateLimited | ActionNeeded):
        return error
    lost = error.code in _ON_THE_WAY or (error.status or 0) >= 500
    if isinstance(error, OutcomeUnknown | RetryLater | UnexpectedAnswer) and lost:
        return RetryLater(
            f"not sent, because the call before it failed: {error.message}", code="NOT_SENT"
        )
    return None
