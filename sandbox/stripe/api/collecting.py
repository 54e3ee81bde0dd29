"""The life of a payment: confirmed, processing, settled, failed, captured, canceled.

Reference: docs.stripe.com/payments/paymentintents/lifecycle. Bank debits settle or fail days
later on the virtual clock.
"""

from __future__ import annotations

from sandbox.messages import Json
from sandbox.stripe.account import DAY_SECONDS, Account
from sandbox.stripe.api.charges import capture, message_of, new_charge
from sandbox.stripe.api.payment_methods import BANK_DEBITS, Behaviour, behaviour_of
from sandbox.stripe.errors import ApiError
from sandbox.stripe.store import Record

TABLE = "payment_intents"


def collect(account: Account, intent: Record, method: Record, *, off_session: bool) -> Record:
    """Try to collect. A declined card is an :class:`ApiError` whose effects stay: the failed
    charge and its events. Otherwise the intent afterwards."""
    behaviour = behaviour_of(method)
    intent = account.change(TABLE, intent["id"], {"payment_method": method["id"]}, quiet=True)
    if method["type"] in BANK_DEBITS:
        return _debit(account, intent, method, behaviour)
    if behaviour.needs_action and not intent.get("_authenticated"):
        if off_session:
            raise _decline(account, intent, method, ("authentication_required",) * 2)
        action = {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}}
        fields: Record = {"status": "requires_action", "next_action": action}
        return account.change(TABLE, intent["id"], fields, "payment_intent.requires_action")
    if behaviour.decline is not None:
        raise _decline(account, intent, method, behaviour.decline)
    charge = new_charge(account, intent, method, behaviour, "succeeded")
    if intent["capture_method"] == "manual":
        fields = {
            "status": "requires_capture",
            "amount_capturable": intent["amount"],
            "latest_charge": charge["id"],
            "next_action": None,
        }
        account.tell("charge.succeeded", charge)
        return account.change(
            TABLE, intent["id"], fields, "payment_intent.amount_capturable_updated"
        )
    return succeed(account, intent, charge, intent["amount"], behaviour)


def succeed(
    account: Account, intent: Record, charge: Record, amount: int, behaviour: Behaviour
) -> Record:
    """The money is there."""
    was_captured = charge["captured"]
    charge = capture(account, charge, amount)
    fields = {
        "status": "succeeded",
        "amount_received": amount,
        "amount_capturable": 0,
        "latest_charge": charge["id"],
        "last_payment_error": None,
        "next_action": None,
        "processing": None,
    }
    paid = account.change(TABLE, intent["id"], fields, "payment_intent.succeeded")
    account.tell("charge.succeeded" if was_captured else "charge.captured", charge)
    account.hooks["payment_succeeded"](account, intent["id"])
    if behaviour.dispute is not None:
        account.schedule(account.now(), "dispute_charge", charge["id"])
    return paid


def _debit(account: Account, intent: Record, method: Record, behaviour: Behaviour) -> Record:
    charge = new_charge(account, intent, method, behaviour, "pending")
    fields = {
        "status": "processing",
        "latest_charge": charge["id"],
        "processing": {"type": method["type"]},
        "last_payment_error": None,
        "next_action": None,
    }
    processing = account.change(TABLE, intent["id"], fields, "payment_intent.processing")
    account.tell("charge.pending", charge)
    due = account.now() + int(account.settings.bank_debit_days * DAY_SECONDS)
    task = "fail_debit" if behaviour.decline is not None else "settle_debit"
    account.schedule(due, task, intent["id"])
    return processing


def settle_debit(account: Account, id: str) -> Record:
    """A bank debit under way has gone through. Nothing happens to one that is not."""
    intent = account.find(TABLE, id)
    if intent["status"] != "processing":
        return intent
    method = account.find("payment_methods", intent["payment_method"])
    charge = account.find("charges", intent["latest_charge"])
    return succeed(account, intent, charge, intent["amount"], behaviour_of(method))


def fail_debit(account: Account, id: str, reason: str | None = None) -> Record:
    """A bank debit under way came back."""
    intent = account.find(TABLE, id)
    if intent["status"] != "processing":
        return intent
    method = account.find("payment_methods", intent["payment_method"])
    behaviour = behaviour_of(method)
    code = reason or (behaviour.decline[0] if behaviour.decline else "insufficient_funds")
    fields = {
        "status": "failed",
        "captured": False,
        "failure_code": code,
        "failure_message": message_of(code),
    }
    charge = account.change("charges", intent["latest_charge"], fields, quiet=True)
    return _failed(account, intent, charge, method, (code, ""))


def _decline(
    account: Account, intent: Record, method: Record, declined: tuple[str, str]
) -> ApiError:
    behaviour = Behaviour(decline=declined)
    charge = new_charge(account, intent, method, behaviour, "failed")
    failed = _failed(account, intent, charge, method, declined)
    extra = {**failed["last_payment_error"], "payment_intent": account.render(TABLE, failed)}
    extra.pop("type", None)
    message = extra.pop("message")
    code = extra.pop("code")
    return ApiError(402, message, type="card_error", code=code, extra=extra, kept=True)


def _failed(
    account: Account,
    intent: Record,
    charge: Record,
    method: Record,
    declined: tuple[str, str],
) -> Record:
    """The intent waits for another payment method, and says why."""
    code, decline_code = declined
    error: dict[str, Json] = {
        "type": "card_error" if method["type"] == "card" else "invalid_request_error",
        "code": code,
        "message": message_of(code),
        "charge": charge["id"],
        "payment_method": account.render("payment_methods", method),
    }
    if decline_code:
        error["decline_code"] = decline_code
    fields = {
        "status": "requires_payment_method",
        "payment_method": None,
        "latest_charge": charge["id"],
        "last_payment_error": error,
        "next_action": None,
        "processing": None,
    }
    failed = account.change(TABLE, intent["id"], fields, "payment_intent.payment_failed")
    account.tell("charge.failed", charge)
    account.hooks["payment_failed"](account, intent["id"])
    return failed


def cancel(account: Account, intent: Record, reason: str | None) -> Record:
    """Give up; an uncaptured charge is released."""
    fields = {
        "status": "canceled",
        "canceled_at": account.now(),
        "cancellation_reason": reason,
        "amount_capturable": 0,
        "next_action": None,
    }
    if intent["status"] == "requires_capture":
        charge = account.find("charges", intent["latest_charge"])
        released = {"refunded": True, "amount_refunded": charge["amount"]}
        account.change("charges", charge["id"], released, "charge.refunded")
    return account.change(TABLE, intent["id"], fields, "payment_intent.canceled")
