"""Orders: all actions of one or nothing. Reference: developer.zuora.com, "Create an order"."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from sandbox.zuora.accounts import create_account
from sandbox.zuora.amending import amend, create_subscription, trigger_dates
from sandbox.zuora.billing import Run, bill
from sandbox.zuora.errors import Problem, invalid, missing, refuse
from sandbox.zuora.fields import Fields
from sandbox.zuora.subscribing import refresh_metrics
from sandbox.zuora.tenant import Tenant
from sandbox.zuora.values import Row

RESOURCE: Final = 584900
_STATUSES: Final = ("Draft", "Pending", "Completed")


@dataclass
class Placed:
    """An order and what it brought about."""

    order: Row
    subscriptions: list[Row] = field(default_factory=list)
    invoices: list[Row] = field(default_factory=list)
    memos: list[Row] = field(default_factory=list)


def place(tenant: Tenant, fields: Fields) -> Placed:
    """A new order, carried out unless it is a draft. Refuses a number that is taken."""
    try:
        with tenant.savepoint():
            return _place(tenant, fields)
    except Problem as problem:
        raise problem.within(RESOURCE) from problem


def _place(tenant: Tenant, fields: Fields) -> Placed:
    number = fields.text("orderNumber", max=100)
    if number is not None and tenant.find("orders", number) is not None:
        raise invalid("orderNumber", f"The order number '{number}' already exists.")
    day = fields.need_date("orderDate")
    account = _account(tenant, fields)
    tenant.check_lock(account["id"], account["accountNumber"])
    if not fields.values.get("subscriptions") and not fields.values.get("orderLineItems"):
        raise missing("subscriptions")
    if fields.values.get("orderLineItems"):
        raise refuse("Order line items are not enabled in this tenant.")
    customs = fields.part("customFields")
    status = fields.choice("status", _STATUSES, "Completed")
    order = tenant.insert("orders", {
        "orderNumber": number or tenant.number("orders", "O-"),
        "orderDate": day,
        "accountId": account["id"],
        "description": fields.text("description", max=500),
        "category": fields.choice("category", ("NewSales", "Return"), "NewSales"),
        "_reasonCode": fields.text("reasonCode"),
        "status": "Draft" if status == "Draft" else "Completed",
        "state": "Unexecuted" if status == "Draft" else "Complete",
        "_body": fields.values,
        "_subscriptions": [],
        **(tenant.check_customs("orders", customs.values) if customs else {}),
    })  # fmt: skip
    return Placed(order) if status == "Draft" else execute(tenant, order, fields)


def _account(tenant: Tenant, fields: Fields) -> Row:
    number, fresh = fields.text("existingAccountNumber"), fields.part("newAccount")
    if fresh is not None:
        return create_account(tenant, fresh)
    if number is None:
        raise missing("existingAccountNumber")
    found = tenant.find("accounts", number)
    if found is None or found["accountNumber"] != number:
        raise invalid("existingAccountNumber", f"'{number}' does not exist.")
    return found


def execute(tenant: Tenant, order: Row, fields: Fields) -> Placed:
    """Carry out the actions of a stored order, then bill if it says so."""
    account = tenant.get("accounts", order["accountId"])
    placed = Placed(order)
    told: list[Row] = []
    for part in fields.parts("subscriptions"):
        subscription, row = _carry_out(tenant, order, account, part)
        placed.subscriptions.append(subscription)
        told.append(row)
    pending = any(row["status"] == "Pending Activation" for row in placed.subscriptions)
    placed.order = tenant.update("orders", order["id"], {
        "status": "Pending" if pending else "Completed",
        "state": "Complete",
        "_subscriptions": told,
    })  # fmt: skip
    _process(tenant, placed, fields)
    return placed


def _carry_out(tenant: Tenant, order: Row, account: Row, part: Fields) -> tuple[Row, Row]:
    number = part.text("subscriptionNumber", max=100)
    actions = list(part.parts("orderActions"))
    if not actions:
        raise missing(part.name("orderActions"))
    subscription: Row | None = None
    base = 0
    for sequence, action in enumerate(actions):
        if action.text("type") == "CreateSubscription":
            if sequence:
                raise refuse("CreateSubscription must be the first action of a subscription.")
            subscription = create_subscription(tenant, account, number, action)
        else:
            if subscription is None:
                subscription = _existing(tenant, account, number, part)
                base = subscription["version"]
            subscription = amend(tenant, subscription, action)
        _note_action(tenant, order, subscription, action, sequence)
    if subscription is None:
        raise missing(part.name("orderActions"))
    changed = _customs(tenant, part)
    subscription = tenant.update(
        "subscriptions", subscription["id"], {**changed, "orderId": order["id"]}
    )
    told = {
        "subscriptionNumber": subscription["name"],
        "baseVersion": base,
        "newVersion": subscription["version"],
        "customFields": changed,
        "orderActions": part.values["orderActions"],
    }
    return subscription, told


def _existing(tenant: Tenant, account: Row, number: str | None, part: Fields) -> Row:
    if number is None:
        raise missing(part.name("subscriptionNumber"))
    found = tenant.find("subscriptions", number)
    if found is None or found["name"] != number:
        raise invalid(part.name("subscriptionNumber"), f"'{number}' does not exist.")
    if found["accountId"] != account["id"]:
        raise refuse(f"Subscription {number} belongs to another account.")
    tenant.check_lock(found["id"], number)
    return found


def _customs(tenant: Tenant, part: Fields) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in ("customFields", "quote"):
        inner = part.part(name)
        if inner is not None:
            found.update(tenant.check_customs("subscriptions", inner.values))
    return found


def _note_action(
    tenant: Tenant, order: Row, subscription: Row, action: Fields, sequence: int
) -> None:
    dates = trigger_dates(action)
    tenant.insert("order-actions", {
        "orderId": order["id"],
        "subscriptionId": subscription["id"],
        "subscriptionNumber": subscription["name"],
        "type": action.text("type"),
        "sequence": sequence,
        "contractEffectiveDate": dates["ContractEffective"],
        "serviceActivationDate": dates.get("ServiceActivation"),
        "customerAcceptanceDate": dates.get("CustomerAcceptance"),
        "changeReason": action.text("changeReason"),
        "cancellationEffectiveDate": subscription.get("cancelledDate"),
        "termStartDate": subscription["termStartDate"],
        "termType": subscription["termType"],
        "autoRenew": subscription["autoRenew"],
        "currentTerm": subscription["currentTerm"],
        "currentTermPeriodType": subscription["currentTermPeriodType"],
    })  # fmt: skip


def _process(tenant: Tenant, placed: Placed, fields: Fields) -> None:
    options = fields.part("processingOptions")
    if options is None:
        return
    if options.flag("collectPayment"):
        raise refuse("collectPayment needs a default electronic payment method on the account.")
    if not options.flag("runBilling") or placed.order["status"] == "Pending":
        return
    billing = options.part("billingOptions") or Fields({})
    document_date = billing.date("documentDate") or tenant.today()
    documents = bill(tenant, Run(
        target=billing.date("targetDate") or tenant.today(),
        document_date=document_date,
        post=not billing.flag("generateDraftInvoice"),
        subscriptions=frozenset(row["name"] for row in placed.subscriptions),
        source="API",
        exclude=billing.texts("chargeTypeToExclude"),
        reason=billing.text("creditMemoReasonCode"),
    ))  # fmt: skip
    placed.invoices, placed.memos = documents.invoices, documents.memos


def activate(tenant: Tenant, order: Row) -> Placed:
    """Carry out a draft."""
    if order["status"] != "Draft":
        raise refuse(f"Order {order['orderNumber']} is {order['status']}, not Draft.")
    with tenant.savepoint():
        return execute(tenant, order, Fields(order["_body"]))


def trigger(tenant: Tenant, order: Row, fields: Fields) -> Row:
    """Give a pending order the dates it waits for."""
    if order["status"] != "Pending":
        raise refuse(f"Order {order['orderNumber']} is {order['status']}, not Pending.")
    with tenant.savepoint():
        for part in fields.parts("subscriptions"):
            subscription = tenant.get("subscriptions", part.need("subscriptionNumber"))
            for action in part.parts("orderActions"):
                dates = {
                    row.need("name"): row.need_date("triggerDate")
                    for row in action.parts("triggerDates")
                }
                if "ServiceActivation" in dates:
                    day = dates["ServiceActivation"]
                    activated = tenant.update("subscriptions", subscription["id"], {
                        "status": "Active", "serviceActivationDate": day,
                        "contractAcceptanceDate": dates.get("CustomerAcceptance", day),
                    })  # fmt: skip
                    refresh_metrics(tenant, activated)
        waiting = [
            row
            for told in order["_subscriptions"]
            if (row := tenant.get("subscriptions", told["subscriptionNumber"]))["status"]
            == "Pending Activation"
        ]
        status = "Pending" if waiting else "Completed"
        return tenant.update("orders", order["id"], {"status": status})
