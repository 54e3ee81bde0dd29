"""The resources of an account: where they live, how their ids begin, what they refer to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of object. ``table`` is the plural by which the admin surface knows it.

    ``references`` are fields that hold the id of a record of another table and may be expanded;
    ``permission`` is the resource of a restricted key that covers it.
    """

    table: str
    object: str
    prefix: str
    path: str
    permission: str
    references: Mapping[str, str]
    searchable: bool = False


def _resource(
    table: str,
    object: str,
    prefix: str,
    references: str = "",
    *,
    path: str = "",
    permission: str = "",
    searchable: bool = False,
) -> Resource:
    pairs = dict(pair.split(":") for pair in references.split())
    return Resource(
        table,
        object,
        prefix,
        f"/v1/{path or table}",
        permission or object,
        MappingProxyType(pairs),
        searchable,
    )


_MONEY: Final = "customer:customers payment_method:payment_methods"
RESOURCES: Final[Mapping[str, Resource]] = MappingProxyType(
    {
        resource.table: resource
        for resource in (
            _resource("customers", "customer", "cus", searchable=True),
            _resource("products", "product", "prod", "default_price:prices", searchable=True),
            _resource("prices", "price", "price", "product:products", searchable=True),
            _resource("tax_rates", "tax_rate", "txr"),
            _resource("payment_methods", "payment_method", "pm", "customer:customers"),
            _resource(
                "payment_intents",
                "payment_intent",
                "pi",
                f"{_MONEY} latest_charge:charges",
                searchable=True,
            ),
            _resource(
                "charges",
                "charge",
                "ch",
                "customer:customers payment_intent:payment_intents "
                "balance_transaction:balance_transactions "
                "failure_balance_transaction:balance_transactions",
                searchable=True,
            ),
            _resource(
                "refunds",
                "refund",
                "re",
                "charge:charges payment_intent:payment_intents customer:customers "
                "balance_transaction:balance_transactions "
                "failure_balance_transaction:balance_transactions",
            ),
            _resource("disputes", "dispute", "du", "charge:charges payment_intent:payment_intents"),
            _resource(
                "balance_transactions",
                "balance_transaction",
                "txn",
                "source:*",
                permission="balance_transaction_source",
            ),
            _resource("payouts", "payout", "po", "balance_transaction:balance_transactions"),
            _resource("invoiceitems", "invoiceitem", "ii", "customer:customers invoice:invoices"),
            _resource(
                "invoices",
                "invoice",
                "in",
                "customer:customers default_payment_method:payment_methods",
                searchable=True,
            ),
            _resource("invoice_payments", "invoice_payment", "inpay", "invoice:invoices"),
            _resource("credit_notes", "credit_note", "cn", "customer:customers invoice:invoices"),
            _resource(
                "subscriptions",
                "subscription",
                "sub",
                "customer:customers latest_invoice:invoices default_payment_method:payment_methods",
                searchable=True,
            ),
            _resource("subscription_items", "subscription_item", "si", permission="subscription"),
            _resource("meters", "billing.meter", "mtr", path="billing/meters", permission="meter"),
            _resource(
                "meter_events",
                "billing.meter_event",
                "mev",
                path="billing/meter_events",
                permission="meter_event",
            ),
            _resource("events", "event", "evt"),
            _resource("webhook_endpoints", "webhook_endpoint", "we", permission="webhook"),
        )
    }
)
TABLE_OF_PREFIX: Final[Mapping[str, str]] = MappingProxyType(
    {
        **{resource.prefix: resource.table for resource in RESOURCES.values()},
        "py": "charges",
        "pyr": "refunds",
        "dp": "disputes",
    }
)


def table_of_id(id: str) -> str | None:
    """The table an id belongs to, by its prefix."""
    return TABLE_OF_PREFIX.get(id.partition("_")[0])
