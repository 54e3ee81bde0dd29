"""What is declared about Zuora: objects and limits. Reading it imports no HTTP client."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from connectors.base import (
    ActionSpec,
    ConnectorSpec,
    CreateIdentity,
    Granularity,
    LimitClass,
    ObjectSpec,
)
from connectors.zuora.options import SETTINGS

LIMIT_CLASS: Final = "requests"
# Object Query takes 99 rows a page by its guide and 50 by "Pagination"; 50 is right under both.
PAGE_MAX: Final = 50
READ_MAX: Final = 50
# One call per record: a batch keeps the order of the changes and bounds what a stop leaves open.
WRITE_MAX: Final = 10
REPLAY: Final = timedelta(hours=24)
LAG: Final = timedelta(minutes=1)
REFERENCE: Final = "https://developer.zuora.com/v1-api-reference/api/tag"
CUSTOM_IDENTITY: Final = "Revline_Id__c"
EVERYTHING_ELSE: Final = "*"

_GONE: Final = "none: a removed record is noticed when it is read"


def _read_only(
    name: str, label: str, tag: str, *, match_keys: tuple[str, ...] = (), polled: bool = True
) -> ObjectSpec:
    return _object(name, label, tag, match_keys=match_keys, polled=polled, writable=False)


def _object(
    name: str,
    label: str,
    tag: str,
    *,
    identity: CreateIdentity = CreateIdentity.NONE,
    identity_field: str | None = None,
    match_keys: tuple[str, ...] = (),
    children: tuple[str, ...] = (),
    immutable_when: str | None = None,
    corrected_by: str = "",
    actions: tuple[ActionSpec, ...] = (),
    subject: bool = False,
    writable: bool = True,
    polled: bool = True,
) -> ObjectSpec:
    return ObjectSpec(
        name=name,
        label=label,
        # updatedDate is printed in whole seconds.
        granularity=Granularity.COARSE if polled else Granularity.NONE,
        cursor_field="updatedDate" if polled else None,
        batch_read=READ_MAX if polled else 1,
        batch_write=WRITE_MAX,
        page_list=PAGE_MAX,
        page_changes=PAGE_MAX,
        batch_search=1,
        create_identity=identity,
        identity_field=identity_field,
        replay_horizon=REPLAY if writable else None,
        lookup_lag=LAG if identity is CreateIdentity.IDEMPOTENCY_KEY else timedelta(0),
        delete_source=_GONE,
        match_keys=match_keys,
        children=children,
        immutable_when=immutable_when,
        corrected_by=corrected_by,
        actions=actions,
        subject=subject,
        writable=writable,
        source=f"{REFERENCE}/{tag}/",
    )


def _act(name: str, done: str, *, replayable: bool = False) -> ActionSpec:
    return ActionSpec(name, done, replayable)


_BALANCE: Final = "balance is lower by the amount applied"
INVOICE_ACTIONS: Final = (
    _act("post", "status is Posted"),
    _act("unpost", "status is Draft"),
    _act("cancel", "status is Canceled"),
    _act("reverse", "reversed is true, and a credit memo over the whole amount is applied"),
    _act("write_off", "balance is zero, and a credit memo of that amount is applied"),
)
PAYMENT_ACTIONS: Final = (
    _act("apply", "appliedAmount is higher by the amounts, each invoice's balance lower"),
    _act("unapply", "appliedAmount is lower by the amounts, each invoice's balance higher"),
    _act("transfer", "accountId is the one transferred to"),
    _act("cancel", "status is Canceled"),
    _act("refund", "refundAmount is higher by totalAmount, with a new refund", replayable=True),
    _act("chargeback", "refundAmount is higher, and the invoice is open again", replayable=True),
    _act("settle", "gatewayState is Settled", replayable=True),
    _act(
        "reject", "gatewayState is FailedToSettle, and the invoice is open again", replayable=True
    ),
)
CREDIT_MEMO_ACTIONS: Final = (
    _act("post", "status is Posted"),
    _act("unpost", "status is Draft"),
    _act("cancel", "status is Canceled"),
    _act("apply", f"appliedAmount is higher by the amounts, each invoice's {_BALANCE}"),
    _act("unapply", "appliedAmount is lower by the amounts, each invoice's balance higher"),
    _act("reverse", "reversed is true"),
    _act("write_off", "unappliedAmount is zero"),
    _act("refund", "refundAmount is higher by totalAmount, with a new refund", replayable=True),
)
ORDER_ACTIONS: Final = (
    _act("activate", "status is Completed, Pending or Scheduled instead of Draft"),
    _act("cancel", "status is Cancelled"),
)

OBJECTS: Final = (
    _object(
        "accounts",
        "Customer account",
        "Accounts",
        identity=CreateIdentity.OWN_NUMBER,
        identity_field="accountNumber",
        match_keys=("crmId", "name"),
        children=("contacts", "subscriptions", "invoices", "payments"),
        subject=True,
    ),
    _object(
        "contacts",
        "Contact",
        "Contacts",
        identity=CreateIdentity.IDEMPOTENCY_KEY,
        match_keys=("workEmail", "accountId"),
        subject=True,
    ),
    _object(
        "orders",
        "Order",
        "Orders",
        identity=CreateIdentity.OWN_NUMBER,
        identity_field="orderNumber",
        immutable_when="status is not Draft",
        corrected_by="Place another order on the subscription that changes it (an amendment).",
        actions=ORDER_ACTIONS,
    ),
    _object(
        "subscriptions",
        "Subscription, latest version",
        "Subscriptions",
        match_keys=("subscriptionNumber",),
        children=("rate_plans", "rate_plan_charges"),
    ),
    _read_only("rate_plans", "Rate plan of a subscription version", "Object-Queries"),
    _read_only(
        "rate_plan_charges",
        "Charge of a subscription, all segments",
        "Object-Queries",
        match_keys=("chargeNumber",),
    ),
    _object(
        "invoices",
        "Invoice",
        "Invoices",
        identity=CreateIdentity.OWN_NUMBER,
        identity_field="invoiceNumber",
        match_keys=("invoiceNumber",),
        children=("invoice_items", "payment_applications", "credit_memo_applications"),
        immutable_when="status: Posted",
        corrected_by="Credit the difference with a credit memo, or bill it with a debit memo.",
        actions=INVOICE_ACTIONS,
    ),
    _read_only("invoice_items", "Invoice item", "Object-Queries"),
    _object(
        "payments",
        "Payment",
        "Payments",
        identity=CreateIdentity.OWN_NUMBER,
        identity_field="number",
        match_keys=("number", "referenceId"),
        children=("payment_applications",),
        immutable_when="status: Processed",
        corrected_by="Unapply or refund the payment, and enter the right one.",
        actions=PAYMENT_ACTIONS,
    ),
    _read_only("payment_applications", "Part of a payment on one invoice", "Object-Queries"),
    _object(
        "credit_memos",
        "Credit memo",
        "Credit-Memos",
        identity=CreateIdentity.OWN_NUMBER,
        identity_field="number",
        match_keys=("number",),
        children=("credit_memo_items", "credit_memo_applications"),
        immutable_when="status: Posted",
        corrected_by="Reverse the credit memo, and enter the right one.",
        actions=CREDIT_MEMO_ACTIONS,
    ),
    _read_only("credit_memo_items", "Credit memo item", "Object-Queries"),
    _read_only("credit_memo_applications", "Part of a memo on one invoice", "Object-Queries"),
    _object(
        "refunds",
        "Refund",
        "Refunds",
        identity=CreateIdentity.IDEMPOTENCY_KEY,
        identity_field="referenceId",
        match_keys=("referenceId",),
        actions=(_act("cancel", "status is Canceled"),),
    ),
    _object(
        "usage",
        "Usage record",
        "Usage",
        identity=CreateIdentity.IDEMPOTENCY_KEY,
        match_keys=("uniqueKey",),
    ),
    _read_only("products", "Product", "Object-Queries", match_keys=("sku", "name")),
    _read_only("product_rate_plans", "Rate plan of the catalogue", "Object-Queries"),
    _read_only("product_rate_plan_charges", "Charge of the catalogue", "Object-Queries"),
    _read_only("accounting_codes", "Accounting code", "Accounting-Codes", polled=False),
    _read_only("accounting_periods", "Accounting period", "Accounting-Periods", polled=False),
    _object(
        "journal_entries",
        "Journal entry, read by number",
        "Summary-Journal-Entries",
        identity=CreateIdentity.IDEMPOTENCY_KEY,
        immutable_when="status: Created",
        corrected_by="Cancel the journal entry, and enter the right one.",
        actions=(_act("cancel", "status is Cancelled"),),
        polled=False,
    ),
    _read_only(EVERYTHING_ELSE, "Custom object, by a name that ends in __c", "Object-Queries"),
)

SPEC: Final = ConnectorSpec(
    name="zuora",
    title="Zuora Billing",
    settings=SETTINGS,
    objects=OBJECTS,
    limits=(
        LimitClass(
            name=LIMIT_CLASS,
            calls=50_000,
            window=timedelta(minutes=1),
            concurrency=10,
            description=(
                "Requests of the tenant: 50,000 a minute, 2.25 million an hour and 27 million a "
                "day in production; a developer sandbox takes 25,000 an hour, an API sandbox "
                "5,000. At most 40 calls at once (orders 200, queries 80); we use 10."
            ),
        ),
    ),
    webhooks=True,
    native_connectors=("Zuora Connector for Salesforce", "Zuora Connector for NetSuite"),
    documentation="connectors/zuora/README.md",
)
