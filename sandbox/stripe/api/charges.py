"""Charges: what moved on a card or from a bank account. Reference: docs.stripe.com/api/charges."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sandbox.messages import Json
from sandbox.stripe.account import Account
from sandbox.stripe.api import balance
from sandbox.stripe.api.payment_methods import BANK_DEBITS, Behaviour
from sandbox.stripe.money import fee_of
from sandbox.stripe.service import Call, Endpoint, Reading, writing
from sandbox.stripe.store import Record

MESSAGES: Final = {
    "card_declined": "Your card was declined.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again later.",
    "account_closed": "The customer's bank account has been closed.",
    "no_account": "The customer's bank account could not be found.",
    "insufficient_funds": "The customer's account has insufficient funds to cover this payment.",
    "debit_not_authorized": "The customer says that they did not authorize this payment.",
    "authentication_required": "Your card was declined. This transaction requires authentication.",
}


def message_of(code: str) -> str:
    """What the vendor says about a failure."""
    return MESSAGES.get(code, "The payment failed.")


def new_charge(
    account: Account, intent: Record, method: Record, behaviour: Behaviour, status: str
) -> Record:
    """A charge of a payment intent, with no money moved yet."""
    debit = method["type"] in BANK_DEBITS
    captured = intent["capture_method"] != "manual"
    declined = behaviour.decline if status == "failed" else None
    details = {method["type"]: method[method["type"]], "type": method["type"]}
    return account.create(
        "charges",
        {
            "id": account.new_id("py" if debit else "ch"),
            "amount": intent["amount"],
            "amount_captured": 0,
            "amount_refunded": 0,
            "balance_transaction": None,
            "billing_details": method["billing_details"],
            "captured": captured and status != "failed",
            "currency": intent["currency"],
            "customer": intent["customer"],
            "description": intent["description"],
            "disputed": False,
            "failure_balance_transaction": None,
            "failure_code": declined[0] if declined else None,
            "failure_message": message_of(declined[0]) if declined else None,
            "fraud_details": {},
            "metadata": dict(intent["metadata"]),
            "outcome": _outcome(declined),
            "paid": status == "succeeded",
            "payment_intent": intent["id"],
            "payment_method": method["id"],
            "payment_method_details": details,
            "receipt_email": intent["receipt_email"],
            "receipt_url": None,
            "refunded": False,
            "statement_descriptor": intent["statement_descriptor"],
            "status": status,
            "transfer_group": intent["transfer_group"],
        },
    )


def _outcome(declined: tuple[str, str] | None) -> Record:
    return {
        "network_status": "declined_by_network" if declined else "approved_by_network",
        "reason": (declined[1] or declined[0]) if declined else None,
        "risk_level": "normal",
        "seller_message": "The bank declined the payment." if declined else "Payment complete.",
        "type": "issuer_declined" if declined else "authorized",
    }


def capture(account: Account, charge: Record, amount: int) -> Record:
    """Take the money: the charge succeeds and the balance grows, less the fee. What is not
    captured is released, which shows as refunded."""
    kind = "payment" if charge["id"].startswith("py_") else "charge"
    booked = balance.book(
        account,
        kind,
        charge,
        amount,
        category="charge",
        fee=fee_of(amount),
        description=charge["description"],
    )
    released = charge["amount"] - amount
    return account.change(
        "charges",
        charge["id"],
        {
            "amount_captured": amount,
            "amount_refunded": released,
            "balance_transaction": booked["id"],
            "captured": True,
            "paid": True,
            "status": "succeeded",
        },
        quiet=True,
    )


def _update(call: Call) -> Record:
    account = call.account
    old = account.find("charges", call.id)
    fields: dict[str, Json] = call.given(
        "description", "receipt_email", "transfer_group", "metadata"
    )
    return account.change("charges", call.id, account.merged(old, fields), "charge.updated")


def endpoints() -> Iterator[Endpoint]:
    """The API of charges. They are made by payment intents alone."""
    yield from Reading("charges", "charge.list").endpoints()
    yield writing("charges", "/{id}", "charge.modify", _update)
