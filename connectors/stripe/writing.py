"""Writing: one call per record, and one outcome for each. Nothing is tried twice.

Amounts need a currency. Where a request names none and Stripe would take the amount in another
record's currency (a refund in its charge's), that record is read first: an amount is never sent in
a unit that was guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from connectors.base import Confirmed, Failed, Outcome
from connectors.errors import CallError, Gone, OutcomeUnknown, Rejected, RetryLater
from connectors.records import Change, Operation, Selection, Value
from connectors.stripe.client import Client, Refused
from connectors.stripe.fields import FIELDS, IDENTITY_FIELD
from connectors.stripe.finding import find_by_identity
from connectors.stripe.reading import Content, address, resource_of
from connectors.stripe.resources import DELETE, RESOURCES, Resource
from connectors.stripe.shapes import Params, has_money, params_of, selected, shown
from connectors.stripe.upserting import KEY_FIELD, made_by, still_to_write

# The SDK takes these words out of what it is given and reads them as options of its own.
_RESERVED: Final = frozenset(
    {
        "api_key", "base", "content_type", "expand", "headers", "idempotency_key",
        "max_network_retries", "stripe_account", "stripe_context", "stripe_version", "usage",
    }
)  # fmt: skip

# Objects whose requests have no currency of their own, though our fields may say it.
_CURRENCY_FROM: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "refunds": (("charge", "charges"), ("payment_intent", "payment_intents")),
    "credit_notes": (("invoice", "invoices"),),
}
_CURRENCY_NOT_SENT: Final = frozenset({"customers", "credit_notes", "refunds"})
_NETWORK: Final = frozenset({"NETWORK", "TLS", "BAD_BODY"})
_TOLD: Final = ("status", "amount", "amount_due", "amount_paid", "number", "last_payment_error")


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes through one client."""

    client: Client
    now: Callable[[], datetime]

    def apply(self, changes: Sequence[Change]) -> tuple[Outcome, ...]:
        """One outcome per change, in order. After a broken connection the rest is not sent."""
        outcomes: list[Outcome] = []
        known = self._known(changes)
        broken: CallError | None = known if isinstance(known, CallError) else None
        found = {} if isinstance(known, CallError) else known
        for change in changes:
            if broken is not None:
                outcomes.append(Failed(_not_sent(broken)))
                continue
            try:
                outcomes.append(self._one(change, found))
            except CallError as error:
                outcomes.append(Failed(error))
                broken = error if _stops(error) else None
        return tuple(outcomes)

    def _known(self, changes: Sequence[Change]) -> dict[str, Content] | CallError:
        """The records that upserts find, all looked for together."""
        wanted = [
            change.identity.value
            for change in changes
            if change.operation is Operation.UPSERT and change.identity is not None
        ]
        object = changes[0].object if changes else ""
        if not wanted or object not in RESOURCES or RESOURCES[object].path.endswith("meter_events"):
            return {}
        selection = Selection(object, (IDENTITY_FIELD,))
        try:
            found, whole = find_by_identity(
                self.client, RESOURCES[object], selection, wanted, self.now()
            )
        except CallError as error:
            return error
        if not whole:
            return RetryLater(
                "too many new records to tell whether one of ours is among them",
                code="LOOKUP_LAGS",
            )
        return found

    def _one(self, change: Change, found: dict[str, Content]) -> Outcome:
        resource = resource_of(change.object)
        reserved = sorted(_RESERVED.intersection(change.fields))
        if reserved:
            raise Rejected(f"{', '.join(reserved)} is no field of a record", code="UNKNOWN_FIELD")
        match change.operation:
            case Operation.CREATE:
                return self._create(change, resource)
            case Operation.UPSERT:
                return self._upsert(change, resource, found)
            case Operation.UPDATE:
                return self._update(change, resource)
            case Operation.DELETE:
                return self._delete(change, resource)
            case Operation.ACT:
                return self._act(change, resource)

    def _upsert(self, change: Change, resource: Resource, found: dict[str, Content]) -> Outcome:
        if change.identity is None:
            raise Rejected("an upsert needs an identity", code="IDENTITY_MISSING")
        content = found.get(change.identity.value)
        if content is None:
            outcome = self._create(change, resource)
            if isinstance(outcome, Confirmed) and change.identity.field == IDENTITY_FIELD:
                # Another upsert of this batch may be of the same record.
                found[change.identity.value] = {"id": outcome.id}
            return outcome
        if len(content) == 1:
            content = self.client.get(address(resource, str(content["id"])))
        if made_by(change, content):
            return _confirmed(change, content, None, created=True)
        # The change's own key stands for a create: under it this would be another request, which
        # Stripe refuses.
        update = replace(
            change,
            key=f"{change.key}-update",
            id=str(content["id"]),
            fields=still_to_write(change, content),
        )
        return self._update(update, resource)

    def _create(self, change: Change, resource: Resource) -> Outcome:
        if not resource.creates:
            raise Rejected(f"{change.object} are not created by us", code="NOT_CREATABLE")
        fields = dict(change.fields)
        if change.identity is not None:
            fields[change.identity.field] = change.identity.value
            if change.identity.field == IDENTITY_FIELD:
                fields[KEY_FIELD] = change.key
        params = self._params(change, fields, None)
        try:
            answer = self.client.attempt("post", resource.path, params, key=change.key)
        except Refused as refused:
            declined = _declined_intent(change, refused)
            if declined is None:
                raise _not_gone(refused.error) from None
            return _confirmed(change, declined, refused.error.request_id, created=True)
        return _confirmed(change, answer.content, answer.request_id, created=True)

    def _update(self, change: Change, resource: Resource) -> Outcome:
        if not resource.updates:
            raise Rejected(f"{change.object} cannot be changed", code="NOT_UPDATABLE")
        path = address(resource, change.id or "")
        params = self._params(change, dict(change.fields), path)
        answer = self.client.call("post", path, params, key=change.key)
        return _confirmed(change, answer.content, answer.request_id, created=False)

    def _delete(self, change: Change, resource: Resource) -> Outcome:
        if not resource.deletes:
            raise Rejected(
                f"Stripe does not delete {change.object}; archive, void or cancel instead",
                code="NOT_DELETABLE",
            )
        answer = self.client.call("delete", address(resource, change.id or ""))
        return Confirmed(id=change.id or "", created=False, request_id=answer.request_id)

    def _act(self, change: Change, resource: Resource) -> Outcome:
        ways = dict(resource.actions)
        way = ways.get(change.action or "")
        if way is None:
            raise Rejected(
                f"{change.object} have no action {change.action!r}; there are: "
                f"{', '.join(ways) or 'none'}",
                code="UNKNOWN_ACTION",
            )
        record = address(resource, change.id or "")
        params = self._params(change, dict(change.fields), record)
        answer = (
            self.client.call("delete", record, params)
            if way == DELETE
            else self.client.call("post", f"{record}/{way}".rstrip("/"), params, key=change.key)
        )
        return _confirmed(change, answer.content, answer.request_id, created=False)

    def _params(self, change: Change, fields: dict[str, Value], record: str | None) -> Params:
        """The request's parameters. ``record`` is the path of the record that is written to."""
        named = fields.get("currency")
        said = named.lower() if isinstance(named, str) else None
        own = change.operation is Operation.CREATE or change.operation is Operation.UPSERT
        field = FIELDS[change.object].get("currency")
        takes = field is not None and (field.creatable if record is None else field.writable)
        takes = takes and change.operation is not Operation.ACT
        sends = takes and change.object not in _CURRENCY_NOT_SENT
        if change.object == "refunds" and "origin" in fields and own:
            sends = True
        currency = said
        # What Stripe is told itself, it checks itself.
        if has_money(fields) and not (sends and said is not None):
            currency = self._currency(change, fields, record, said)
        if not sends:
            fields.pop("currency", None)
        return params_of(fields, currency=currency)

    def _currency(
        self, change: Change, fields: Mapping[str, Value], record: str | None, said: str | None
    ) -> str | None:
        """The currency Stripe will take an amount in: the record's, or that of what it belongs to.

        Raises ``Rejected`` when the change says another one.
        """
        path = record
        if path is None:
            path = next(
                (
                    address(RESOURCES[target], str(fields[name]))
                    for name, target in _CURRENCY_FROM.get(change.object, ())
                    if fields.get(name)
                ),
                None,
            )
        if path is None:
            return said
        found = self.client.get(path).get("currency")
        actual = found if isinstance(found, str) and found else None
        if actual is not None and said is not None and actual != said:
            raise Rejected(
                f"the amount is in {said.upper()}, and Stripe would take it as {actual.upper()}",
                code="CURRENCY_MISMATCH",
                field_errors={"currency": f"{path} is in {actual.upper()}"},
            )
        return actual or said


def _confirmed(
    change: Change, content: Content, request_id: str | None, *, created: bool
) -> Outcome:
    id = content.get("id")
    if change.object == "meter_events":
        id = content.get("identifier")
    if not isinstance(id, str) or not id:
        raise OutcomeUnknown("Stripe's answer names no record", code="BAD_ANSWER")
    if change.id is not None and id != change.id and change.operation is not Operation.CREATE:
        raise OutcomeUnknown("Stripe answered with another record", code="OTHER_RECORD")
    names = [*change.fields, *(name for name in _TOLD if name in content)]
    if change.identity is not None:
        names.append(change.identity.field)
    fields = selected(shown(content), names)
    return Confirmed(id=id, created=created, fields=fields, request_id=request_id)


def _declined_intent(change: Change, refused: Refused) -> Content | None:
    """A declined create leaves a payment intent behind: it exists, and says so itself."""
    if change.object != "payment_intents" or refused.reply is None:
        return None
    intent = refused.reply.error.get("payment_intent")
    if not isinstance(intent, dict) or refused.reply.status != 402:
        return None
    return intent if isinstance(intent.get("id"), str) else None


def _not_gone(error: CallError) -> CallError:
    """What a create refers to may be gone, but not what it makes."""
    if not isinstance(error, Gone):
        return error
    return Rejected(
        error.message, code=error.code, request_id=error.request_id, status=error.status
    )


def _stops(error: CallError) -> bool:
    """Whether the calls after this one are better not made: nobody answers, or all are refused."""
    if isinstance(error, OutcomeUnknown | RetryLater) and error.code in _NETWORK:
        return True
    return error.status in (401, 403) or type(error).__name__ == "RateLimited"


def _not_sent(cause: CallError) -> CallError:
    """What becomes of a change that was not sent because of another."""
    if isinstance(cause, OutcomeUnknown):
        return RetryLater(
            f"not sent, because the call before it had no answer: {cause.message}",
            code=cause.code,
        )
    return cause
