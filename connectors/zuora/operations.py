"""Which call makes, changes, removes or acts on a record: addresses and rules as data.

Zuora API reference: "Accounts", "Contacts", "Orders", "Subscriptions", "Invoices", "Payments",
"Credit memos", "Refunds", "Payment gateway reconciliation", "Usage", "Summary journal entries".
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Creation:
    """How records of an object are made.

    ``paths`` are tried in order: the first whose field is given (and taken out of the body), where
    empty stands for no field. ``number`` is the body field of our own number, ``answer`` the field
    of the answer with our record id. ``numberless`` are paths that take no number of ours.
    ``keyed``: the operation honours Idempotency-Key.
    """

    paths: tuple[tuple[str, str], ...]
    answer: str
    number: str = ""
    number_max: int = 0
    numberless: frozenset[str] = frozenset()
    keyed: bool = True
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Act:
    """How an action is done. A PUT without arguments still needs an empty object as its body."""

    method: str
    path: str

    @property
    def keyed(self) -> bool:
        """Whether a repeated key is honoured."""
        return self.method == "POST"


CREATIONS: Final[Mapping[str, Creation]] = MappingProxyType(
    {
        "accounts": Creation((("", "/v1/accounts"),), "accountNumber", "accountNumber", 50),
        "contacts": Creation((("", "/v1/contacts"),), "id"),
        "orders": Creation((("", "/v1/orders"),), "orderNumber", "orderNumber", 100),
        "invoices": Creation((("", "/v1/invoices"),), "invoiceNumber", "invoiceNumber", 32),
        "payments": Creation((("", "/v1/payments"),), "number", "number", 32),
        "credit_memos": Creation(
            (
                ("invoiceNumber", "/v1/credit-memos/invoice/{}"),
                ("", "/v1/credit-memos"),
            ),
            "number",
            "number",
            32,
            numberless=frozenset({"invoiceNumber"}),
        ),
        "refunds": Creation(
            (
                ("paymentNumber", "/v1/payments/{}/refunds"),
                ("creditMemoNumber", "/v1/credit-memos/{}/refund"),
                # "Reverse a payment": the bank took it back, and its invoices are open again.
                ("reversedPaymentNumber", "/v1/gateway-settlement/payments/{}/chargeback"),
            ),
            "number",
        ),
        "usage": Creation(
            (("", "/v1/object/usage"),),
            "Id",
            names=MappingProxyType(
                {
                    "accountId": "AccountId",
                    "accountNumber": "AccountNumber",
                    "subscriptionId": "SubscriptionId",
                    "subscriptionNumber": "SubscriptionNumber",
                    "chargeId": "ChargeId",
                    "chargeNumber": "ChargeNumber",
                    "startDateTime": "StartDateTime",
                    "endDateTime": "EndDateTime",
                    "unitOfMeasure": "UOM",
                    "quantity": "Quantity",
                    "description": "Description",
                }
            ),
        ),
        "journal_entries": Creation((("", "/v1/journal-entries"),), "journalEntryNumber"),
    }
)

# {} is our record id; where the vendor wants its own id instead, the object is in BY_INTERNAL_ID.
UPDATES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "accounts": "/v1/accounts/{}",
        "contacts": "/v1/contacts/{}",
        "orders": "/v1/orders/{}",
        "subscriptions": "/v1/subscriptions/{}",
        "invoices": "/v1/invoices/{}",
        "payments": "/v1/payments/{}",
        "credit_memos": "/v1/credit-memos/{}",
        "refunds": "/v1/refunds/{}",
        "usage": "/v1/object/usage/{}",
        "journal_entries": "/v1/journal-entries/{}/basic-information",
    }
)
BY_INTERNAL_ID: Final = frozenset({"payments", "refunds"})

REMOVALS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "accounts": "/v1/accounts/{}",
        "contacts": "/v1/contacts/{}",
        "orders": "/v1/orders/{}",
        "invoices": "/v1/invoices/{}",
        "payments": "/v1/payments/{}",
        "credit_memos": "/v1/credit-memos/{}",
        "refunds": "/v1/refunds/{}",
        "usage": "/v1/object/usage/{}",
        "journal_entries": "/v1/journal-entries/{}",
    }
)


def _put(path: str) -> Act:
    return Act("PUT", path)


ACTS: Final[Mapping[tuple[str, str], Act]] = MappingProxyType(
    {
        ("invoices", "post"): _put("/v1/invoices/{}/post"),
        ("invoices", "unpost"): _put("/v1/invoices/{}/unpost"),
        ("invoices", "cancel"): _put("/v1/invoices/{}/cancel"),
        ("invoices", "reverse"): _put("/v1/invoices/{}/reverse"),
        ("invoices", "write_off"): _put("/v1/invoices/{}/write-off"),
        ("payments", "apply"): _put("/v1/payments/{}/apply"),
        ("payments", "unapply"): _put("/v1/payments/{}/unapply"),
        ("payments", "transfer"): _put("/v1/payments/{}/transfer"),
        ("payments", "cancel"): _put("/v1/payments/{}/cancel"),
        ("payments", "refund"): Act("POST", "/v1/payments/{}/refunds"),
        ("payments", "chargeback"): Act("POST", "/v1/gateway-settlement/payments/{}/chargeback"),
        ("payments", "settle"): Act("POST", "/v1/gateway-settlement/payments/{}/settle"),
        ("payments", "reject"): Act("POST", "/v1/gateway-settlement/payments/{}/reject"),
        ("credit_memos", "post"): _put("/v1/credit-memos/{}/post"),
        ("credit_memos", "unpost"): _put("/v1/credit-memos/{}/unpost"),
        ("credit_memos", "cancel"): _put("/v1/credit-memos/{}/cancel"),
        ("credit_memos", "apply"): _put("/v1/credit-memos/{}/apply"),
        ("credit_memos", "unapply"): _put("/v1/credit-memos/{}/unapply"),
        ("credit_memos", "reverse"): _put("/v1/credit-memos/{}/reverse"),
        ("credit_memos", "write_off"): _put("/v1/credit-memos/{}/write-off"),
        ("credit_memos", "refund"): Act("POST", "/v1/credit-memos/{}/refund"),
        ("orders", "activate"): _put("/v1/orders/{}/activate"),
        ("orders", "cancel"): _put("/v1/orders/{}/cancel"),
        ("refunds", "cancel"): _put("/v1/refunds/{}/cancel"),
        ("journal_entries", "cancel"): _put("/v1/journal-entries/{}/cancel"),
    }
)
# Actions that answer with another record, a refund: what its number is called in the outcome.
ANSWERED_REFUND: Final = frozenset(
    {
        ("payments", "refund"),
        ("payments", "chargeback"),
        ("payments", "reject"),
        ("credit_memos", "refund"),
    }
)


def own_number(object: str, value: str) -> str:
    """The number under which a record of this identity is kept: the value itself where it fits.

    A longer one is shortened to 32 characters that follow from all of it, so that whoever asks with
    the same value asks for the same number.
    """
    creation = CREATIONS.get(object)
    if creation is None or not creation.number_max or len(value) <= creation.number_max:
        return value
    return f"revline-{hashlib.sha256(value.encode()).hexdigest()[:24]}"
