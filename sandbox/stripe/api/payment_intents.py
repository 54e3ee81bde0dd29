"""Payment intents. Reference: docs.stripe.com/api/payment_intents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from sandbox.messages import Json
from sandbox.stripe.account import Account
from sandbox.stripe.api import collecting
from sandbox.stripe.api.charges import message_of
from sandbox.stripe.api.payment_methods import attach, behaviour_of, usable
from sandbox.stripe.errors import ApiError, invalid, not_now
from sandbox.stripe.money import check_charge, check_currency
from sandbox.stripe.service import Call, Endpoint, Reading, writing
from sandbox.stripe.store import Record, merged_metadata

TABLE: Final = "payment_intents"
CONFIRMABLE: Final = ("requires_payment_method", "requires_confirmation", "requires_action")
_PLAIN: Final = (
    "description",
    "receipt_email",
    "setup_future_usage",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_group",
)
_STATE: Final = "payment_intent_unexpected_state"


def new_intent(account: Account, amount: int, currency: str, fields: Mapping[str, Json]) -> Record:
    """A payment intent that nobody has tried to pay."""
    id = account.new_id("pi")
    method = fields.get("payment_method")
    return account.create(
        TABLE,
        {
            "amount": amount,
            "amount_capturable": 0,
            "amount_details": {"tip": {}},
            "amount_received": 0,
            "application": None,
            "automatic_payment_methods": {"allow_redirects": "always", "enabled": True},
            "canceled_at": None,
            "cancellation_reason": None,
            "capture_method": "automatic_async",
            "client_secret": f"{id}_secret_{account.new_id('s', 25)[2:]}",
            "confirmation_method": "automatic",
            "currency": currency,
            "customer": None,
            "description": None,
            "last_payment_error": None,
            "latest_charge": None,
            "next_action": None,
            "payment_method": None,
            "payment_method_types": ["card", "us_bank_account"],
            "processing": None,
            "receipt_email": None,
            "setup_future_usage": None,
            "shipping": None,
            "statement_descriptor": None,
            "statement_descriptor_suffix": None,
            "status": "requires_confirmation" if method else "requires_payment_method",
            "transfer_group": None,
            **fields,
            "id": id,
            "metadata": merged_metadata(None, fields.get("metadata")),
        },
        "payment_intent.created",
    )


def _method_for(account: Account, call: Call, customer: str | None) -> Record | None:
    """The payment method a call names, if this customer may pay with it."""
    wanted = call.get("payment_method")
    if wanted is None:
        return None
    method = usable(account, wanted)
    if method["customer"] not in {None, customer}:
        text = f"The payment method {wanted} belongs to another customer, or customer is missing"
        raise not_now(text, param="payment_method")
    return method


def _create(call: Call) -> Record:
    account = call.account
    currency = check_currency(call.get("currency"))
    amount = check_charge(call.get("amount"), currency)
    customer = call.get("customer")
    if customer is not None:
        account.find("customers", customer, "customer")
    method = _method_for(account, call, customer)
    fields = call.given(*_PLAIN, "metadata", "capture_method", "confirmation_method")
    fields |= {"customer": customer, "payment_method": method["id"] if method else None}
    allowed = call.get("allowed_payment_method_types")
    if allowed is not None:
        fields |= {"payment_method_types": allowed, "automatic_payment_methods": None}
    automatic = call.get("automatic_payment_methods")
    if automatic is not None:
        fields["automatic_payment_methods"] = {"allow_redirects": "always", **automatic}
    for name in ("off_session", "return_url", "error_on_requires_action"):
        if call.has(name) and not call.get("confirm"):
            raise not_now(f"{name} is only for confirm=true", param=name)
    intent = new_intent(account, amount, currency, fields)
    if method is not None and fields.get("setup_future_usage") and customer is not None:
        attach(account, method, customer)
    return _confirm_now(call, intent, method) if call.get("confirm") else intent


def _confirm(call: Call) -> Record:
    account = call.account
    intent = account.find(TABLE, call.id)
    method = _method_for(account, call, intent["customer"])
    fields = call.given("receipt_email", "setup_future_usage", "capture_method")
    intent = account.change(TABLE, call.id, fields, quiet=True)
    if method is None and intent["payment_method"] is not None:
        method = account.find("payment_methods", intent["payment_method"])
    return _confirm_now(call, intent, method)


def _confirm_now(call: Call, intent: Record, method: Record | None) -> Record:
    account = call.account
    if intent["status"] not in CONFIRMABLE:
        raise unexpected(account, intent, "confirm")
    if method is None:
        text = "You cannot confirm this PaymentIntent because it's missing a payment method."
        raise not_now(text, _STATE)
    automatic = intent["automatic_payment_methods"]
    redirects = bool(automatic) and automatic.get("allow_redirects") != "never"
    off_session = bool(call.get("off_session"))
    if redirects and not call.get("return_url") and not off_session:
        text = (
            "This PaymentIntent takes payment methods that may redirect: give a return_url, or"
            " automatic_payment_methods[allow_redirects]=never when it is created"
        )
        raise invalid(text, "return_url")
    done = collecting.collect(account, intent, method, off_session=off_session)
    if done["status"] == "requires_action" and call.get("error_on_requires_action"):
        text = message_of("authentication_required")
        raise ApiError(402, text, type="card_error", code="authentication_required")
    return done


def unexpected(account: Account, intent: Record, verb: str) -> ApiError:
    """The intent is in a state that does not allow this."""
    text = f"You cannot {verb} this PaymentIntent because it has a status of {intent['status']}."
    extra = {"payment_intent": account.render(TABLE, intent)}
    return ApiError(400, text, code=_STATE, extra=extra)


def _update(call: Call) -> Record:
    account = call.account
    old = account.find(TABLE, call.id)
    fields = call.given(*_PLAIN, "metadata", "customer", "amount", "currency")
    if {"amount", "currency"} & set(fields):
        if old["status"] not in CONFIRMABLE:
            raise unexpected(account, old, "change the amount of")
        currency = check_currency(str(fields.get("currency", old["currency"])))
        amount = check_charge(int(fields.get("amount") or old["amount"]), currency)
        fields |= {"currency": currency, "amount": amount}
    if fields.get("customer") is not None:
        account.find("customers", fields["customer"], "customer")
    method = _method_for(account, call, fields.get("customer", old["customer"]))
    if method is not None:
        fields |= {"payment_method": method["id"], "status": "requires_confirmation"}
    return account.change(TABLE, call.id, account.merged(old, fields), quiet=True)


def _capture(call: Call) -> Record:
    account = call.account
    intent = account.find(TABLE, call.id)
    if intent["status"] != "requires_capture":
        raise unexpected(account, intent, "capture")
    amount = call.get("amount_to_capture", intent["amount"])
    if not 0 < amount <= intent["amount_capturable"]:
        text = "amount_to_capture is more than can be captured"
        raise not_now(text, "amount_too_large", "amount_to_capture")
    fields = account.merged(intent, call.given("metadata", "statement_descriptor"))
    intent = account.change(TABLE, call.id, fields, quiet=True)
    charge = account.find("charges", intent["latest_charge"])
    method = account.find("payment_methods", intent["payment_method"])
    return collecting.succeed(account, intent, charge, amount, behaviour_of(method))


def _cancel(call: Call) -> Record:
    account = call.account
    intent = account.find(TABLE, call.id)
    if intent["status"] not in {*CONFIRMABLE, "requires_capture"}:
        raise unexpected(account, intent, "cancel")
    if intent.get("_invoice"):
        text = "This PaymentIntent belongs to an invoice: void the invoice instead"
        raise not_now(text, _STATE)
    return collecting.cancel(account, intent, call.get("cancellation_reason"))


def pay(account: Account, id: str, fields: Mapping[str, Json]) -> Record:
    """The customer pays an open intent, passing any authentication. A decline is an answer too."""
    intent = account.find(TABLE, id)
    if intent["status"] not in CONFIRMABLE:
        raise unexpected(account, intent, "pay")
    wanted = fields.get("payment_method") or intent["payment_method"] or "pm_card_visa"
    intent = account.change(TABLE, id, {"_authenticated": True}, quiet=True)
    try:
        return collecting.collect(account, intent, usable(account, wanted), off_session=False)
    except ApiError as error:
        if not error.kept:
            raise
        return account.find(TABLE, id)


def endpoints() -> Iterator[Endpoint]:
    """The API of payment intents."""
    yield from Reading(TABLE, "payment_intent.list").endpoints()
    yield writing(TABLE, "", "payment_intent.create", _create, "create")
    yield writing(TABLE, "/{id}", "payment_intent.modify", _update)
    yield writing(TABLE, "/{id}/confirm", "payment_intent.confirm", _confirm)
    yield writing(TABLE, "/{id}/capture", "payment_intent.capture", _capture)
    yield writing(TABLE, "/{id}/cancel", "payment_intent.cancel", _cancel)
