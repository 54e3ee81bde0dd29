"""Which of Stripe's events tell of which object. Data only; webhooks and polling share it.

From docs.stripe.com "Types of events". Every event here carries its object, with its id, in
``data.object``. ``invoice.upcoming`` is left out: what it shows has no id yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from connectors.records import NoticeKind

TYPES_MAX: Final = 20
"""Types that one request to list events may name."""

_EVENTS: Final[dict[str, tuple[str, str]]] = {
    "customers": ("customer", "created updated deleted"),
    "products": ("product", "created updated deleted"),
    "prices": ("price", "created updated deleted"),
    "subscriptions": (
        "customer.subscription",
        (
            "created updated deleted paused resumed trial_will_end pending_update_applied "
            "pending_update_expired"
        ),
    ),
    "invoices": (
        "invoice",
        (
            "created finalized sent updated paid payment_succeeded payment_failed "
            "payment_action_required overdue overpaid voided marked_uncollectible "
            "finalization_failed will_be_due deleted"
        ),
    ),
    "invoice_items": ("invoiceitem", "created deleted"),
    "invoice_payments": ("invoice_payment", "paid"),
    "payment_intents": (
        "payment_intent",
        (
            "created succeeded payment_failed processing canceled requires_action "
            "amount_capturable_updated partially_funded"
        ),
    ),
    "charges": ("charge", "succeeded failed refunded captured updated pending expired"),
    "refunds": ("refund", "created updated failed"),
    "disputes": (
        "charge.dispute",
        "created updated closed funds_withdrawn funds_reinstated",
    ),
    "credit_notes": ("credit_note", "created updated voided"),
    "payouts": ("payout", "created paid failed updated canceled reconciliation_completed"),
}

# What ``data.object.object`` says for a record of each object.
SINGULAR: Final[Mapping[str, str]] = MappingProxyType(
    {
        "customers": "customer",
        "products": "product",
        "prices": "price",
        "subscriptions": "subscription",
        "invoices": "invoice",
        "invoice_items": "invoiceitem",
        "invoice_payments": "invoice_payment",
        "payment_intents": "payment_intent",
        "charges": "charge",
        "refunds": "refund",
        "disputes": "dispute",
        "credit_notes": "credit_note",
        "balance_transactions": "balance_transaction",
        "payouts": "payout",
        "meter_events": "billing.meter_event",
    }
)

EVENT_TYPES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        object: tuple(f"{prefix}.{word}" for word in words.split())
        for object, (prefix, words) in _EVENTS.items()
    }
)
OBJECT_OF_TYPE: Final[Mapping[str, str]] = MappingProxyType(
    {type: object for object, types in EVENT_TYPES.items() for type in types}
)

# A cancelled subscription stays readable; these records do not.
_DELETED: Final = frozenset(
    {
        "customer.deleted",
        "product.deleted",
        "price.deleted",
        "invoice.deleted",
        "invoiceitem.deleted",
    }
)


def kind_of(type: str) -> NoticeKind:
    """What an event says has happened to its object."""
    if type in _DELETED:
        return NoticeKind.DELETED
    return NoticeKind.CREATED if type.endswith(".created") else NoticeKind.CHANGED
