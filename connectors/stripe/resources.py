"""How each object is reached: paths, what lists and searches can ask for, actions. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

DELETE: Final = "DELETE"
ITSELF: Final = ""


@dataclass(frozen=True, slots=True)
class Resource:
    """How an object is reached. ``filters`` are the equalities its list can ask for, at once true;
    ``searched`` those its search can; ``fixed`` goes with every list; ``actions`` are paths below
    the record, ``DELETE`` and ``ITSELF`` for the record itself."""

    path: str
    filters: tuple[str, ...] = ()
    searched: tuple[str, ...] = ()
    fixed: tuple[tuple[str, str], ...] = ()
    creates: bool = True
    updates: bool = True
    deletes: bool = False
    actions: tuple[tuple[str, str], ...] = ()


RESOURCES: Final[Mapping[str, Resource]] = MappingProxyType(
    {
        "customers": Resource(
            "/v1/customers",
            filters=("email",),
            searched=("email", "name", "phone"),
            deletes=True,
        ),
        "products": Resource(
            "/v1/products",
            filters=("url",),
            searched=("name", "description", "url"),
            deletes=True,
        ),
        "prices": Resource(
            "/v1/prices",
            filters=("lookup_key", "product", "currency", "type"),
            searched=("lookup_key", "product", "currency", "type"),
        ),
        "subscriptions": Resource(
            "/v1/subscriptions",
            filters=("customer", "collection_method"),
            searched=("status",),
            fixed=(("status", "all"),),
            actions=(("cancel", DELETE),),
        ),
        "invoices": Resource(
            "/v1/invoices",
            filters=("customer", "collection_method", "status"),
            searched=("customer", "number", "status", "currency", "receipt_number"),
            deletes=True,
            actions=(
                ("finalize", "finalize"),
                ("pay", "pay"),
                ("send", "send"),
                ("void", "void"),
                ("mark_uncollectible", "mark_uncollectible"),
            ),
        ),
        "invoice_items": Resource(
            "/v1/invoiceitems", filters=("customer", "invoice"), deletes=True
        ),
        "invoice_payments": Resource(
            "/v1/invoice_payments",
            filters=("invoice", "status"),
            creates=False,
            updates=False,
        ),
        "payment_intents": Resource(
            "/v1/payment_intents",
            filters=("customer",),
            searched=("customer", "status", "currency"),
            actions=(
                ("confirm", "confirm"),
                ("capture", "capture"),
                ("cancel", "cancel"),
                ("revise", ITSELF),
            ),
        ),
        "charges": Resource(
            "/v1/charges",
            filters=("customer", "payment_intent", "transfer_group"),
            searched=("customer", "status", "currency"),
            creates=False,
        ),
        "refunds": Resource(
            "/v1/refunds",
            filters=("charge", "payment_intent"),
            actions=(("cancel", "cancel"),),
        ),
        "disputes": Resource("/v1/disputes", filters=("charge", "payment_intent"), creates=False),
        "credit_notes": Resource(
            "/v1/credit_notes",
            filters=("invoice", "customer"),
            actions=(("void", "void"),),
        ),
        "balance_transactions": Resource(
            "/v1/balance_transactions",
            filters=("payout", "source", "type", "currency"),
            creates=False,
            updates=False,
        ),
        "payouts": Resource(
            "/v1/payouts", filters=("status", "destination"), creates=False, updates=False
        ),
        "meter_events": Resource("/v1/billing/meter_events", updates=False),
    }
)
