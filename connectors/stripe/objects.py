"""What is declared about Stripe: settings, objects, limits. Reading it imports no SDK."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from connectors.base import (
    ActionSpec,
    ConnectorSpec,
    CreateIdentity,
    Granularity,
    LimitClass,
    ObjectSpec,
    Setting,
)
from connectors.stripe.events import EVENT_TYPES
from connectors.stripe.fields import IDENTITY_FIELD
from connectors.stripe.resources import DELETE, RESOURCES

API_VERSION: Final = "2026-10-28.endive"
BASE_URL: Final = "https://api.stripe.com"

ACCOUNT: Final = "account"
READ: Final = "read"
WRITE: Final = "write"
SEARCH: Final = "search"

LIST_MAX: Final = 100  # "Pagination", docs.stripe.com/api
# Every record of a page is read by itself, and a sandbox takes 25 calls a second in all.
CHANGES_MAX: Final = 10
WRITES_MAX: Final = 10  # calls that one apply makes, one per record
SEARCH_CLAUSES_MAX: Final = 10  # "Search query language": clauses per query
OVERLAP: Final = timedelta(minutes=5)
INDEX_LAG: Final = timedelta(hours=1)
"""Search shows a new record within a minute, and later "during outages": docs.stripe.com/search."""

EVENTS_KEPT: Final = timedelta(days=30)

_API: Final = "https://docs.stripe.com/api"


_DONE: Final[Mapping[tuple[str, str], str]] = MappingProxyType(
    {
        ("subscriptions", "cancel"): "status is canceled",
        ("invoices", "finalize"): "status is open, or paid when nothing is due",
        ("invoices", "pay"): "status is paid, or amount_paid has grown",
        ("invoices", "send"): "an invoice.sent event; the record shows nothing",
        ("invoices", "void"): "status is void",
        ("invoices", "mark_uncollectible"): "status is uncollectible",
        ("payment_intents", "confirm"): "status has left requires_confirmation",
        ("payment_intents", "capture"): "status is succeeded",
        ("payment_intents", "cancel"): "status is canceled",
        ("payment_intents", "revise"): "amount is what was asked for",
        ("refunds", "cancel"): "status is canceled",
        ("credit_notes", "void"): "status is void",
    }
)
_DELETED: Final = "its deleted event; afterwards it answers `deleted: true`"


def _object(
    name: str,
    label: str,
    page: str,
    *,
    match_keys: tuple[str, ...] = (),
    subject: bool = False,
    immutable_when: str | None = None,
    corrected_by: str = "",
    delete_source: str = "",
    permission: str,
) -> ObjectSpec:
    resource = RESOURCES[name]
    writable = resource.creates or resource.updates
    metered = name == "meter_events"
    return ObjectSpec(
        name=name,
        label=label,
        granularity=Granularity.NONE,
        cursor_field=None,
        batch_read=1,
        batch_write=WRITES_MAX,
        page_list=LIST_MAX,
        page_changes=CHANGES_MAX if EVENT_TYPES.get(name) else LIST_MAX,
        batch_search=SEARCH_CLAUSES_MAX if resource.searched else 1,
        create_identity=(
            CreateIdentity.IDEMPOTENCY_KEY if resource.creates else CreateIdentity.NONE
        ),
        identity_field=("identifier" if metered else IDENTITY_FIELD) if resource.creates else None,
        replay_horizon=timedelta(hours=24) if resource.creates else None,
        # What search may not have yet, a look-up finds in the list.
        lookup_lag=timedelta(0),
        overlap=OVERLAP,
        delete_source=delete_source,
        match_keys=match_keys,
        immutable_when=immutable_when,
        corrected_by=corrected_by,
        actions=tuple(
            ActionSpec(action, _DONE[name, action], replayable=way != DELETE)
            for action, way in resource.actions
        ),
        subject=subject,
        writable=writable,
        webhooks=name in EVENT_TYPES,
        findable=not metered,
        read_permission="" if metered else f"{permission}: Read",
        write_permission=f"{permission}: Write" if writable else "",
        source=f"{_API}/{page}",
    )


OBJECTS: Final[tuple[ObjectSpec, ...]] = (
    _object(
        "customers",
        "Customer",
        "customers",
        match_keys=("email", "name"),
        subject=True,
        delete_source=_DELETED,
        permission="Customers",
    ),
    _object(
        "products",
        "Product",
        "products",
        match_keys=("name",),
        delete_source=_DELETED,
        permission="Products",
    ),
    _object(
        "prices",
        "Price",
        "prices",
        match_keys=("lookup_key",),
        immutable_when="created: amounts never change; make a new price and archive the old one",
        corrected_by="Make a new price in Stripe, and archive the old one.",
        permission="Prices",
    ),
    _object("subscriptions", "Subscription", "subscriptions", permission="Subscriptions"),
    _object(
        "invoices",
        "Invoice",
        "invoices",
        match_keys=("number",),
        immutable_when="status is open",
        corrected_by="Issue a credit note over the difference, or bill it on the next invoice.",
        delete_source="invoice.deleted, drafts alone; afterwards a 404",
        permission="Invoices",
    ),
    _object(
        "invoice_items",
        "Invoice item",
        "invoiceitems",
        delete_source="invoiceitem.deleted; afterwards a 404",
        permission="Invoices",
    ),
    _object("invoice_payments", "Invoice payment", "invoice-payment", permission="Invoices"),
    _object("payment_intents", "Payment intent", "payment_intents", permission="PaymentIntents"),
    _object("charges", "Charge", "charges", permission="Charges and Refunds"),
    _object("refunds", "Refund", "refunds", permission="Charges and Refunds"),
    _object("disputes", "Dispute", "disputes", permission="Disputes"),
    _object(
        "credit_notes",
        "Credit note",
        "credit_notes",
        immutable_when="issued: only memo and metadata change",
        corrected_by="Void the credit note, and issue the right one.",
        permission="Credit notes",
    ),
    _object(
        "balance_transactions",
        "Balance transaction",
        "balance_transactions",
        immutable_when="created",
        permission="Balance transaction sources",
    ),
    _object("payouts", "Payout", "payouts", permission="Payouts"),
    _object(
        "meter_events",
        "Meter event",
        "billing/meter-event",
        immutable_when="sent",
        corrected_by="Let the source report the difference as usage of its own.",
        permission="Billing meter events",
    ),
)

SETTINGS: Final[tuple[Setting, ...]] = (
    Setting(
        name="api_key",
        title="Restricted key",
        description=(
            "Dashboard > Developers > API keys > Create restricted key. It begins with rk_live_ or "
            "rk_test_; a secret key (sk_) works and may do more than is needed."
        ),
        required=True,
        secret=True,
    ),
    Setting(
        name="webhook_secret",
        title="Signing secret",
        description=(
            "Dashboard > Developers > Webhooks > the endpoint > Signing secret (whsec_). It is "
            "shown once when an endpoint is created over the API."
        ),
        secret=True,
    ),
    Setting(
        name="webhook_secret_previous",
        title="Former signing secret",
        description="While a secret is being rolled: the old one, accepted beside the new one.",
        secret=True,
    ),
    Setting(
        name="webhook_url",
        title="Webhook address",
        description=(
            "The public address of this connection's webhook. Only needed for setup to create "
            "the endpoint over the API."
        ),
        example="https://revline.example.com/webhooks/stripe",
    ),
    Setting(
        name="account",
        title="Connected account",
        description="Act on this connected account (the Stripe-Account header). Usually left out.",
        example="acct_1032D82eZvKYlo2C",
    ),
    Setting(
        name="base_url",
        title="API address",
        description="Where the API answers; another one only to rehearse on the sandbox.",
        default=BASE_URL,
        example=BASE_URL,
    ),
)

SPEC: Final = ConnectorSpec(
    name="stripe",
    title="Stripe",
    settings=SETTINGS,
    objects=OBJECTS,
    limits=(
        LimitClass(
            name=ACCOUNT,
            calls=100,
            window=timedelta(seconds=1),
            description="All calls together: 100 a second live, 25 in a sandbox.",
        ),
        LimitClass(
            name=READ,
            calls=25,
            window=timedelta(seconds=1),
            description=(
                "Reads and lists: each address takes 25 a second. A write reads where an amount's "
                "currency is another record's."
            ),
            operations=("check", "read", "list", "changes", "search", "lookup", "apply", "inspect"),
        ),
        LimitClass(
            name=WRITE,
            calls=25,
            window=timedelta(seconds=1),
            description=(
                "Writes, counted apart by us. One payment intent takes 1,000 updates an hour, one "
                "subscription 10 new invoices a minute and 20 a day."
            ),
            operations=("apply", "create"),
        ),
        LimitClass(
            name=SEARCH,
            calls=20,
            window=timedelta(seconds=1),
            description="Searches, 20 a second for the whole account.",
            operations=("search", "lookup", "apply"),
        ),
    ),
    webhooks=True,
    native_connectors=(
        "Stripe Connector for NetSuite",
        "Stripe Billing app for Salesforce",
        "Stripe data sync for HubSpot",
    ),
    documentation="connectors/stripe/README.md",
)


def limit_class_of(method: str, path: str) -> str:
    """The limit a call counts against."""
    if path.endswith("/search"):
        return SEARCH
    return READ if method == "GET" else WRITE
