"""Changes as calls, one per record, in order."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from connectors.base import Confirmed, Failed, Outcome
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
from connectors.records import Change, Fields, Operation, Ref, Value
from connectors.zuora.crediting import with_items
from connectors.zuora.errors import About
from connectors.zuora.operations import (
    ACTS,
    ANSWERED_REFUND,
    BY_INTERNAL_ID,
    CREATIONS,
    REMOVALS,
    UPDATES,
    Creation,
    own_number,
)
from connectors.zuora.orders import ASYNC_PATH, asynchronous, order_by_job, order_fields
from connectors.zuora.reading import Source, plain_fields, v1_body
from connectors.zuora.rest import Answered, Call, path_of
from connectors.zuora.values import object_text
from connectors.zuora.vocabulary import CUSTOM_FIELD, Kind, kind_of

_OWN_NUMBER: Final = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)
_FIXED_AT_CREATION: Final = frozenset({"currency"})
# The call itself failed on its way, so the next would as well.
_ON_THE_WAY: Final = frozenset({"NETWORK", "TLS", "BAD_BODY", "REDIRECT", "URL_REFUSED"})


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes to one tenant. Orders of more than ``async_charges`` charges are sent as jobs."""

    source: Source
    async_charges: int

    def apply(self, changes: Sequence[Change]) -> tuple[Outcome, ...]:
        """One outcome per change, in order. Never raises ``CallError``."""
        outcomes: list[Outcome] = []
        stopped: CallError | None = None
        for change in changes:
            if stopped is not None:
                outcomes.append(Failed(stopped))
                continue
            try:
                outcomes.append(self._write(change))
            except CallError as error:
                outcomes.append(Failed(error))
                stopped = _for_the_rest(error)
        return tuple(outcomes)

    def _write(self, change: Change) -> Confirmed:
        kind = kind_of(change.object)
        match change.operation:
            case Operation.CREATE:
                return self._create(kind, change)
            case Operation.UPSERT:
                return self._upsert(kind, change)
            case Operation.UPDATE:
                return self._update(kind, change)
            case Operation.DELETE:
                return self._delete(kind, change)
            case Operation.ACT:
                return self._act(kind, change)

    # making

    def _create(self, kind: Kind, change: Change) -> Confirmed:
        creation = CREATIONS.get(kind.name)
        if creation is None:
            raise _cannot(kind, "created")
        given = _nested(change.fields)
        if kind.name == "orders":
            given = _with_custom_fields(given)
        if kind.name == "credit_memos" and "invoiceNumber" in given and "items" not in given:
            given = with_items(self.source, given)
        path, fields = _addressed(kind, creation, given)
        fields, number = _identified(kind, creation, change, fields, path)
        about = About(
            effect=True,
            number=Ref(kind.name, number) if number else None,
            sent=tuple(fields),
        )
        call = Call("POST", path, body=_body(fields), key=change.key, about=about)
        if kind.name == "orders" and asynchronous(fields, self.async_charges):
            answer = order_by_job(self.source.rest, replace(call, path=ASYNC_PATH))
            return self._made(kind, creation, Answered(answer, None, None), number)
        return self._made(kind, creation, self.source.rest.send(call), number)

    def _made(self, kind: Kind, creation: Creation, answered: Answered, number: str) -> Confirmed:
        id = answered.body.get(creation.answer)
        id = id if isinstance(id, str) and id else number
        if not id:
            raise OutcomeUnknown(
                f"the answer does not say which of {kind.name} was made",
                code="ANSWER_SHAPE",
                request_id=answered.request_id,
            )
        fields = self._shown(kind, answered.body)
        if kind.name == "orders":
            fields |= order_fields(answered.body)
        return Confirmed(id=id, created=True, fields=fields, request_id=answered.request_id)

    def _upsert(self, kind: Kind, change: Change) -> Confirmed:
        """Zuora has no upsert: the number is tried first, and a taken one is updated by it."""
        if change.identity is None:
            raise Rejected("an upsert needs an identity", code="IDENTITY_MISSING")
        try:
            return self._create(kind, change)
        except DuplicateFound as error:
            if kind.name != "accounts" or error.code != "NUMBER_TAKEN":
                raise
        kept = {
            name: value
            for name, value in change.fields.items()
            if name.partition(".")[0] not in _FIXED_AT_CREATION
        }
        return self._update(
            kind,
            replace(
                change,
                operation=Operation.UPDATE,
                id=own_number(kind.name, change.identity.value),
                fields=kept,
                identity=None,
            ),
        )

    # changing

    def _update(self, kind: Kind, change: Change) -> Confirmed:
        id, template = _target(kind, change, UPDATES, "changed")
        fields = _nested(change.fields)
        if kind.name == "usage":
            names = CREATIONS["usage"].names
            fields = {names.get(name, name): value for name, value in fields.items()}
        if kind.name in ("orders", "subscriptions") and fields and all(map(_custom, fields)):
            template += "/customFields"
            fields = _custom_fields(fields)
        key = self._internal_id(kind, id) if kind.name in BY_INTERNAL_ID else id
        about = About(effect=True, record=Ref(kind.name, id), sent=tuple(fields))
        answered = self.source.rest.send(
            Call("PUT", path_of(template, key), body=_body(fields), key=change.key, about=about)
        )
        return Confirmed(
            id=id,
            created=False,
            fields=self._shown(kind, answered.body),
            request_id=answered.request_id,
        )

    def _internal_id(self, kind: Kind, id: str) -> str:
        body = v1_body(self.source.rest, kind, id)
        found = body.get("id") if body is not None else None
        if not isinstance(found, str):
            raise Gone(f"{kind.name} {id} does not exist", code="NOT_FOUND")
        return found

    def _delete(self, kind: Kind, change: Change) -> Confirmed:
        id, template = _target(kind, change, REMOVALS, "removed")
        about = About(effect=True, record=Ref(kind.name, id))
        call = Call("DELETE", path_of(template, id), key=change.key, about=about)
        answered = self.source.rest.send(call)
        return Confirmed(id=id, created=False, request_id=answered.request_id)

    def _act(self, kind: Kind, change: Change) -> Confirmed:
        act = ACTS.get((kind.name, change.action or ""))
        if act is None:
            known = ", ".join(name for object, name in ACTS if object == kind.name) or "none"
            raise Rejected(
                f"{kind.name} have no action {change.action!r}; there are: {known}",
                code="UNKNOWN_ACTION",
            )
        if not change.id:
            raise Rejected("an action needs the record's id", code="ID_MISSING")
        fields = _nested(change.fields)
        about = About(
            effect=True,
            record=Ref(kind.name, change.id),
            sent=tuple(fields),
            # "Not found" may then be about an invoice that the arguments name.
            nested=any(isinstance(value, tuple | list | Mapping) for value in fields.values()),
        )
        call = Call(
            act.method,
            path_of(act.path, change.id),
            body=_body(fields),
            key=change.key,
            about=about,
        )
        answered = self.source.rest.send(call)
        shown = self._shown(kind, answered.body)
        if (kind.name, change.action) in ANSWERED_REFUND:
            shown = {
                name: shown[printed]
                for name, printed in (("refundNumber", "number"), ("refundId", "id"))
                if printed in shown
            }
        elif kind.name == "orders":
            shown |= order_fields(answered.body)
        return Confirmed(id=change.id, created=False, fields=shown, request_id=answered.request_id)

    def _shown(self, kind: Kind, body: Mapping[str, object]) -> dict[str, Value]:
        """What the answer shows as stored."""
        return plain_fields(self.source.reader, kind, body)


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


def _cannot(kind: Kind, what: str) -> Rejected:
    return Rejected(f"{kind.name} cannot be {what} through Zuora's API here", code="NOT_WRITABLE")


def _target(kind: Kind, change: Change, paths: Mapping[str, str], what: str) -> tuple[str, str]:
    template = paths.get(kind.name)
    if template is None:
        raise _cannot(kind, what)
    if not change.id:
        raise Rejected(f"{kind.name} can only be {what} by id", code="ID_MISSING")
    return change.id, template


def _addressed(
    kind: Kind, creation: Creation, fields: dict[str, Value]
) -> tuple[str, dict[str, Value]]:
    """The address to create at, and the fields that remain for the body."""
    for field, template in creation.paths:
        key = fields.get(field) if field else ""
        if not field or (isinstance(key, str) and key):
            path = path_of(template, str(key))
            if field == "paymentNumber" and ("invoices" in fields or "debitMemos" in fields):
                path += "/unapply"
            named = {creation.names.get(name, name): value for name, value in fields.items()}
            # A blank is nothing to send when a record is made.
            return path, {
                name: value for name, value in named.items() if name != field and value is not None
            }
    needed = " or ".join(field for field, _ in creation.paths)
    raise Rejected(
        f"{kind.name} are made from another record: give {needed}",
        code="SOURCE_MISSING",
        field_errors={field: "one of these is needed" for field, _ in creation.paths},
    )


def _identified(
    kind: Kind, creation: Creation, change: Change, fields: dict[str, Value], path: str
) -> tuple[dict[str, Value], str]:
    """The body with our identity in it, and our number where the identity is one."""
    identity = change.identity
    if identity is None:
        number = fields.get(creation.number) if creation.number else None
        return fields, number if isinstance(number, str) else ""
    if identity.field != creation.number:
        if not _custom(identity.field) and kind.type_of(identity.field) is None:
            raise Rejected(
                f"{kind.name} have no field {identity.field!r} that could hold our identity",
                code="IDENTITY_FIELD",
            )
        return {**fields, identity.field: identity.value}, ""
    if path != creation.paths[-1][1] and creation.numberless:
        raise Rejected(
            f"Zuora gives {kind.name} made from another record their number itself; let "
            "identity_field name a custom field, such as Revline_Id__c",
            code="NUMBER_NOT_TAKEN",
        )
    number = own_number(kind.name, identity.value)
    if not _OWN_NUMBER.fullmatch(number):
        raise Rejected(
            f"{identity.field} takes letters, digits, hyphens and underscores: {number!r} is none",
            code="NUMBER_NOT_PLAIN",
            field_errors={identity.field: "letters, digits, hyphens and underscores only"},
        )
    return {**fields, identity.field: number}, number


def _custom(name: str) -> bool:
    return name == "customFields" or CUSTOM_FIELD.fullmatch(name) is not None


def _custom_fields(fields: Mapping[str, Value]) -> dict[str, Value]:
    """Orders and subscriptions take custom fields in an object, at any time."""
    given = fields.get("customFields")
    inner = dict(given) if isinstance(given, Mapping) else {}
    inner |= {name: value for name, value in fields.items() if name != "customFields"}
    return {"customFields": inner}


def _with_custom_fields(fields: Mapping[str, Value]) -> dict[str, Value]:
    """An order's body with its custom fields where they belong."""
    custom = {name: value for name, value in fields.items() if _custom(name)}
    plain = {name: value for name, value in fields.items() if not _custom(name)}
    return {**plain, **_custom_fields(custom)} if custom else plain


def _nested(fields: Fields) -> dict[str, Value]:
    """Dotted names as objects inside objects. Raises ``Rejected`` where two names collide."""
    nested: dict[str, Value] = {}
    for name, value in fields.items():
        head, dot, rest = name.partition(".")
        if not dot:
            if head in nested:
                raise _collision(name)
            nested[head] = value
            continue
        inner = nested.get(head, {})
        if not isinstance(inner, dict):
            raise _collision(name)
        nested[head] = {**inner, rest: value}
    return {
        name: _nested(value) if isinstance(value, dict) else value for name, value in nested.items()
    }


def _collision(name: str) -> Rejected:
    return Rejected(
        f"{name} is given both as a whole and in parts",
        code="FIELD_TWICE",
        field_errors={name: "given twice"},
    )


def _body(fields: Mapping[str, Value]) -> bytes:
    try:
        return object_text(fields).encode()
    except ValueError as error:
        name = str(error).partition(":")[0]
        raise Rejected(
            str(error), code="VALUE_NOT_WRITABLE", field_errors={name: str(error)}
        ) from None
