"""Payment methods, among them the vendor's test ids that behave as their names say.

Reference: docs.stripe.com/testing and docs.stripe.com/api/payment_methods.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from sandbox.messages import Json
from sandbox.stripe.account import Account
from sandbox.stripe.errors import invalid, not_now
from sandbox.stripe.service import Call, Endpoint, Reading, writing
from sandbox.stripe.store import Record, merged_metadata

BANK_DEBITS: Final = frozenset({"us_bank_account", "sepa_debit", "bacs_debit"})


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a test payment method behaves. ``decline`` is (code, decline code or ""); for a bank
    debit the first part is the failure that comes days later."""

    type: str = "card"
    brand: str = "visa"
    last4: str = "4242"
    decline: tuple[str, str] | None = None
    needs_action: bool = False
    dispute: str | None = None
    refund: str = "succeeds"  # succeeds, fails later, or is pending at first


_DECLINED: Final = "card_declined"
BEHAVIOURS: Final[Mapping[str, Behaviour]] = MappingProxyType(
    {
        "pm_card_visa": Behaviour(),
        "pm_card_mastercard": Behaviour(brand="mastercard", last4="4444"),
        "pm_card_amex": Behaviour(brand="amex", last4="8431"),
        "pm_card_chargeDeclined": Behaviour(last4="0002", decline=(_DECLINED, "generic_decline")),
        "pm_card_visa_chargeDeclined": Behaviour(
            last4="0002", decline=(_DECLINED, "generic_decline")
        ),
        "pm_card_chargeDeclinedInsufficientFunds": Behaviour(
            last4="9995", decline=(_DECLINED, "insufficient_funds")
        ),
        "pm_card_visa_chargeDeclinedInsufficientFunds": Behaviour(
            last4="9995", decline=(_DECLINED, "insufficient_funds")
        ),
        "pm_card_visa_chargeDeclinedLostCard": Behaviour(
            last4="9987", decline=(_DECLINED, "lost_card")
        ),
        "pm_card_chargeDeclinedFraudulent": Behaviour(
            last4="0019", decline=(_DECLINED, "fraudulent")
        ),
        "pm_card_chargeDeclinedExpiredCard": Behaviour(last4="0069", decline=("expired_card", "")),
        "pm_card_chargeDeclinedIncorrectCvc": Behaviour(
            last4="0127", decline=("incorrect_cvc", "")
        ),
        "pm_card_chargeDeclinedProcessingError": Behaviour(
            last4="0119", decline=("processing_error", "")
        ),
        "pm_card_chargeCustomerFail": Behaviour(
            last4="0341", decline=(_DECLINED, "generic_decline")
        ),
        "pm_card_authenticationRequired": Behaviour(last4="3184", needs_action=True),
        "pm_card_createDispute": Behaviour(last4="0259", dispute="fraudulent"),
        "pm_card_createDisputeProductNotReceived": Behaviour(
            last4="2685", dispute="product_not_received"
        ),
        "pm_card_refundFail": Behaviour(last4="5126", refund="fails"),
        "pm_card_pendingRefund": Behaviour(last4="7726", refund="pending"),
        "pm_usBankAccount": Behaviour("us_bank_account", "", "6789"),
        "pm_usBankAccount_success": Behaviour("us_bank_account", "", "6789"),
        "pm_usBankAccount_accountClosed": Behaviour(
            "us_bank_account", "", "1116", ("account_closed", "")
        ),
        "pm_usBankAccount_noAccount": Behaviour("us_bank_account", "", "1117", ("no_account", "")),
        "pm_usBankAccount_insufficientFunds": Behaviour(
            "us_bank_account", "", "2227", ("insufficient_funds", "")
        ),
        "pm_usBankAccount_debitNotAuthorized": Behaviour(
            "us_bank_account", "", "3335", ("debit_not_authorized", "")
        ),
        "pm_usBankAccount_dispute": Behaviour(
            "us_bank_account", "", "4441", dispute="debit_not_authorized"
        ),
        "pm_sepaDebit": Behaviour("sepa_debit", "", "3000"),
        "pm_bacsDebit": Behaviour("bacs_debit", "", "2345"),
    }
)
TOKENS: Final[Mapping[str, str]] = MappingProxyType(
    {name.replace("pm_card_", "tok_"): name for name in BEHAVIOURS if name.startswith("pm_card_")}
)
_USUAL: Final[Mapping[str, str]] = MappingProxyType(
    {
        "card": "pm_card_visa",
        "us_bank_account": "pm_usBankAccount",
        "sepa_debit": "pm_sepaDebit",
        "bacs_debit": "pm_bacsDebit",
    }
)


def behaviour_of(method: Record) -> Behaviour:
    """How a payment method behaves."""
    return BEHAVIOURS[method["_behaves_like"]]


def usable(account: Account, id: str, param: str = "payment_method") -> Record:
    """A payment method by id; a test id makes a fresh one each time, as in life."""
    if id in BEHAVIOURS:
        if account.livemode:
            text = f"No such PaymentMethod: '{id}'; a live mode key was used to make this request"
            raise not_now(text, "resource_missing", param)
        return new_method(account, id, {})
    return account.find("payment_methods", id, param)


def new_method(account: Account, behaves_like: str, fields: Mapping[str, Json]) -> Record:
    """A payment method that is nobody's yet."""
    behaviour = BEHAVIOURS[behaves_like]
    return account.create(
        "payment_methods",
        {
            "allow_redisplay": fields.get("allow_redisplay", "unspecified"),
            "billing_details": fields.get("billing_details")
            or {"address": None, "email": None, "name": None, "phone": None, "tax_id": None},
            behaviour.type: _details(behaviour),
            "customer": None,
            "metadata": merged_metadata(None, fields.get("metadata")),
            "type": behaviour.type,
            "_behaves_like": behaves_like,
        },
    )


def _details(behaviour: Behaviour) -> Record:
    if behaviour.type == "card":
        return {
            "brand": behaviour.brand,
            "country": "US",
            "display_brand": behaviour.brand,
            "exp_month": 12,
            "exp_year": 2034,
            "funding": "credit",
            "last4": behaviour.last4,
        }
    details: Record = {"last4": behaviour.last4}
    if behaviour.type == "us_bank_account":
        details |= {
            "account_holder_type": "company",
            "account_type": "checking",
            "bank_name": "STRIPE TEST BANK",
            "routing_number": "110000000",
        }
    return details


def attach(account: Account, method: Record, customer: str) -> Record:
    """Make a payment method a customer's; it stays that customer's."""
    if method["customer"] not in {None, customer}:
        raise not_now("The payment method you provided is attached to another customer.")
    return account.change(
        "payment_methods", method["id"], {"customer": customer}, "payment_method.attached"
    )


def _create(call: Call) -> Record:
    type = call.get("type")
    if type not in _USUAL:
        raise invalid(f"Only these payment methods are simulated: {', '.join(_USUAL)}", "type")
    details = call.get(type) or {}
    token = details.get("token")
    if token is not None and token not in TOKENS:
        raise invalid(f"No such token: '{token}'", "card[token]", "resource_missing")
    if details.get("number") is not None:
        text = "Sending card numbers directly to the API is unsafe: use a token"
        raise not_now(text)
    like = TOKENS[token] if token is not None else _USUAL[type]
    fields = call.given("billing_details", "metadata", "allow_redisplay")
    return new_method(call.account, like, fields)


def _attach(call: Call) -> Record:
    account = call.account
    customer = call.get("customer")
    if customer is None:
        raise invalid("Missing required param: customer.", "customer", "parameter_missing")
    account.find("customers", customer, "customer")
    return attach(account, usable(account, call.id, "id"), customer)


def _detach(call: Call) -> Record:
    method = call.account.find("payment_methods", call.id)
    if method["customer"] is None:
        raise not_now("The payment method you provided is not attached to a customer.")
    return call.account.change(
        "payment_methods", call.id, {"customer": None}, "payment_method.detached"
    )


def endpoints() -> Iterator[Endpoint]:
    """The API of payment methods."""
    yield from Reading("payment_methods", "payment_method.list").endpoints()
    yield writing("payment_methods", "", "payment_method.create", _create, "create")
    yield writing("payment_methods", "/{id}/attach", "payment_method.attach", _attach)
    yield writing("payment_methods", "/{id}/detach", "payment_method.detach", _detach)
