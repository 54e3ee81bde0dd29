"""Refunds. Reference: docs.stripe.com/api/refunds and docs.stripe.com/refunds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from sandbox.messages import Json
from sandbox.stripe.account import DAY_SECONDS, Account
from sandbox.stripe.api import balance
from sandbox.stripe.api.payment_methods import BANK_DEBITS, behaviour_of
from sandbox.stripe.errors import ApiError, invalid, not_now
from sandbox.stripe.money import check_amount
from sandbox.stripe.service import Call, Endpoint, Reading, writing
from sandbox.stripe.store import Record, merged_metadata

TABLE: Final = "refunds"
OPEN: Final = ("pending", "requires_action")


def view(_: Account, record: Record) -> Record:
    """A refund does not say its mode."""
    return {key: value for key, value in record.items() if key != "livemode"}


def _charge_of(call: Call) -> Record:
    account = call.account
    intent, charge = call.get("payment_intent"), call.get("charge")
    if intent is None and charge is None:
        text = "One of the following params should be provided: payment_intent or charge."
        raise invalid(text, None, "parameter_missing")
    if intent is not None:
        found = account.find("payment_intents", intent, "payment_intent")
        if found["status"] != "succeeded" or found["latest_charge"] is None:
            text = f"This PaymentIntent ({intent}) does not have a successful charge to refund."
            raise not_now(text, "payment_intent_unexpected_state", "payment_intent")
        if charge is not None and charge != found["latest_charge"]:
            raise not_now("The charge is not one of the PaymentIntent.", param="charge")
        charge = found["latest_charge"]
    return account.find("charges", charge, "charge")


def _create(call: Call) -> Record:
    charge = _charge_of(call)
    return refund_charge(call.account, charge["id"], call.given("amount", "reason", "metadata"))


def refund_charge(account: Account, id: str, fields: Mapping[str, Json]) -> Record:
    """Refund a charge, all that is left of it unless an amount is given."""
    charge = account.find("charges", id)
    left = charge["amount"] - charge["amount_refunded"]
    if charge["disputed"] and not _won(account, charge["id"]):
        text = f"Charge {charge['id']} has been charged back; cannot issue a refund."
        raise not_now(text, "charge_disputed")
    if charge["status"] != "succeeded" or not charge["captured"]:
        raise not_now(f"Charge {charge['id']} has not succeeded; there is nothing to refund.")
    if left <= 0:
        text = f"Charge {charge['id']} has already been refunded."
        raise not_now(text, "charge_already_refunded")
    amount = check_amount(fields.get("amount", left), charge["currency"], least=1)
    if amount > left:
        text = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
        raise not_now(text, param="amount")
    return refund(account, charge, amount, fields.get("reason"), fields.get("metadata"))


def _won(account: Account, charge: str) -> bool:
    return all(
        row["status"] == "won" for row in account.rows("disputes") if row["charge"] == charge
    )


def refund(
    account: Account,
    charge: Record,
    amount: int,
    reason: str | None = None,
    metadata: dict[str, str] | None = None,
) -> Record:
    """Give money back. The fee of the payment is not returned."""
    method = account.find("payment_methods", charge["payment_method"])
    debit = method["type"] in BANK_DEBITS
    how = behaviour_of(method).refund
    pending = debit or how == "pending" or account.settings.card_refunds == "pending"
    id = account.new_id("pyr" if debit else "re")
    kind = "payment_refund" if debit else "refund"
    source = {"id": id, "currency": charge["currency"]}
    booked = balance.book(account, kind, source, -amount, category="refund")
    made = account.create(
        TABLE,
        {
            "id": id,
            "amount": amount,
            "balance_transaction": booked["id"],
            "charge": charge["id"],
            "currency": charge["currency"],
            "customer": charge["customer"],
            "destination_details": {method["type"]: {}, "type": method["type"]},
            "metadata": merged_metadata(None, metadata),
            "payment_intent": charge["payment_intent"],
            "payment_method": charge["payment_method"],
            "reason": reason,
            "receipt_number": None,
            "status": "pending" if pending else "succeeded",
            **({"pending_reason": "processing"} if pending else {}),
        },
        "refund.created",
    )
    refunded = charge["amount_refunded"] + amount
    fields = {"amount_refunded": refunded, "refunded": refunded >= charge["amount"]}
    account.change("charges", charge["id"], fields, "charge.refunded")
    due = account.now() + int(account.settings.refund_days * DAY_SECONDS)
    if how == "fails":
        account.schedule(due, "fail_refund", id)
    elif pending:
        account.schedule(due, "succeed_refund", id)
    return made


def succeed(account: Account, id: str) -> Record:
    """The money has arrived. Nothing happens to a refund that is not pending."""
    old = account.find(TABLE, id)
    if old["status"] not in OPEN:
        return old
    fields = {"status": "succeeded", "pending_reason": None}
    return account.change(TABLE, id, fields, "refund.updated", "charge.refund.updated")


def fail(account: Account, id: str, reason: str = "expired_or_canceled_card") -> Record:
    """The bank sent the money back; even a refund that has succeeded can fail later."""
    old = account.find(TABLE, id)
    if old["status"] not in {*OPEN, "succeeded"}:
        return old
    booked = balance.book(account, "refund_failure", old, old["amount"])
    fields = {
        "status": "failed",
        "failure_reason": reason,
        "failure_balance_transaction": booked["id"],
        "pending_reason": None,
    }
    return _undone(account, old, fields, "refund.failed")


def _undone(account: Account, old: Record, fields: Record, *events: str) -> Record:
    charge = account.find("charges", old["charge"])
    back = {"amount_refunded": charge["amount_refunded"] - old["amount"], "refunded": False}
    account.change("charges", charge["id"], back, "charge.updated")
    events = (*events, "refund.updated", "charge.refund.updated")
    return account.change(TABLE, old["id"], fields, *events)


def _update(call: Call) -> Record:
    account = call.account
    old = account.find(TABLE, call.id)
    fields = account.merged(old, call.given("metadata"))
    return account.change(TABLE, call.id, fields, "refund.updated", "charge.refund.updated")


def _cancel(call: Call) -> Record:
    account = call.account
    old = account.find(TABLE, call.id)
    if old["status"] != "requires_action":
        text = f"You can only cancel a refund that requires action; this one is {old['status']}."
        raise ApiError(400, text)
    balance.book(account, "refund_failure", old, old["amount"])
    return _undone(account, old, {"status": "canceled"})


def endpoints() -> Iterator[Endpoint]:
    """The API of refunds."""
    yield from Reading(TABLE, "refund.list").endpoints()
    yield writing(TABLE, "", "refund.create", _create, "create")
    yield writing(TABLE, "/{id}", "refund.modify", _update)
    yield writing(TABLE, "/{id}/cancel", "refund.cancel", _cancel)
