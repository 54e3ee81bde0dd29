"""``/v1/orders``, ``/v1/async/orders``, ``/v1/subscriptions``."""

from __future__ import annotations

from typing import Final

from sandbox.zuora import render
from sandbox.zuora.api.desk import PAGES, Call, Endpoint
from sandbox.zuora.api.order_keys import note_unknown
from sandbox.zuora.errors import Problem, not_found, refuse
from sandbox.zuora.fields import Fields
from sandbox.zuora.ordering import RESOURCE, Placed, activate, place, trigger
from sandbox.zuora.tenant import Tenant
from sandbox.zuora.values import Row

_ORDER: Final = (
    "orderNumber", "orderDate", "existingAccountNumber", "newAccount", "subscriptions",
    "processingOptions", "description", "category", "reasonCode", "status", "customFields",
    "orderLineItems", "schedulingOptions",
)  # fmt: skip
_DETAIL: Final = frozenset({"charge-detail", "as-of-date", "asOfDay", "getDetailedMetrics"})
_LIST: Final = PAGES | {"dateFilterOption", "startDate", "endDate", "status"}


def _told(tenant: Tenant, placed: Placed, *, ids: bool) -> Row:
    owner = tenant.get("accounts", placed.order["accountId"])
    told: Row = {
        "orderNumber": placed.order["orderNumber"],
        "accountNumber": owner["accountNumber"],
        "status": placed.order["status"],
        "subscriptions": [
            {
                "subscriptionNumber": row["name"], "status": row["status"],
                "subscriptionOwnerNumber": owner["accountNumber"],
                **({"subscriptionId": row["id"]} if ids else {}),
            }
            for row in placed.subscriptions
        ],
        "subscriptionNumbers": [row["name"] for row in placed.subscriptions],
    }  # fmt: skip
    if placed.invoices:
        told["invoiceNumbers"] = [row["invoiceNumber"] for row in placed.invoices]
    if placed.memos:
        told["creditMemoNumbers"] = [row["memoNumber"] for row in placed.memos]
    if ids:
        told |= {
            "orderId": placed.order["id"], "accountId": owner["id"],
            "subscriptionIds": [row["id"] for row in placed.subscriptions],
            "invoiceIds": [row["id"] for row in placed.invoices],
            "creditMemoIds": [row["id"] for row in placed.memos],
        }  # fmt: skip
    return told


def _returns_ids(call: Call) -> bool:
    return call.request.first("returnIds") == "true"


def _order(call: Call) -> Fields:
    fields = call.known(*_ORDER)
    note_unknown(call, fields.values)
    return fields


def _create(call: Call) -> Row:
    placed = place(call.tenant, _order(call))
    return _told(call.tenant, placed, ids=_returns_ids(call))


def _create_async(call: Call) -> Row:
    """The work is done at once; its outcome shows when the job is asked for."""
    fields = _order(call)
    try:
        placed = place(call.tenant, fields)
    except Problem as problem:
        return {"jobId": call.simulator.jobs.add(None, problem)}
    told = _told(call.tenant, placed, ids=_returns_ids(call))
    return {"jobId": call.simulator.jobs.add(told, None)}


def _job(call: Call) -> Row:
    found = call.simulator.jobs.ask(call.key())
    if found is None:
        raise not_found("AsyncJob", call.key())
    return found


def _preview(call: Call) -> Row:
    """What an order would bill, on paper alone."""
    fields = call.known(*_ORDER, "previewOptions", "previewAccountInfo")
    options = fields.part("previewOptions") or Fields({})
    target = options.date("specificPreviewThruDate")
    billing = {"runBilling": True, "billingOptions": {"targetDate": str(target)}}
    body = {**fields.values, "processingOptions": billing if target else {"runBilling": True}}
    tenant = call.tenant
    told: Row = {}

    class _Enough(Exception):
        pass

    try:
        with tenant.savepoint():
            placed = place(tenant, Fields(body))
            told = {
                "invoices": [_previewed(tenant, row) for row in placed.invoices],
                "creditMemos": [
                    {"amount": row["totalAmount"], "taxAmount": row["taxAmount"]}
                    for row in placed.memos
                ],
            }
            raise _Enough
    except _Enough:
        return {"previewResult": told}


def _previewed(tenant: Tenant, row: Row) -> Row:
    items = tenant.where("invoice-items", invoiceId=row["id"])
    return {
        "amount": row["amount"], "amountWithoutTax": row["amountWithoutTax"],
        "taxAmount": row["taxAmount"], "targetDate": row["targetDate"],
        "invoiceItems": [render.invoice_item(tenant, item) for item in items],
    }  # fmt: skip


def _read(call: Call) -> Row:
    return {"order": render.order(call.tenant, call.tenant.get("orders", call.key()))}


def _list(call: Call) -> Row:
    rows = list(reversed(list(call.tenant.rows("orders"))))
    return call.page(rows, "orders", lambda row: render.order(call.tenant, row))


def _list_of_subscription(call: Call) -> Row:
    actions = call.tenant.where("order-actions", subscriptionNumber=call.key())
    ids = dict.fromkeys(action["orderId"] for action in reversed(actions))
    rows = [call.tenant.get("orders", id) for id in ids]
    return call.page(rows, "orders", lambda row: render.order(call.tenant, row))


def _list_of_account(call: Call) -> Row:
    account = call.tenant.get("accounts", call.key())
    rows = call.tenant.where("orders", accountId=account["id"])[::-1]
    return call.page(rows, "orders", lambda row: render.order(call.tenant, row))


def _update(call: Call) -> Row:
    """Replace what a draft says."""
    tenant, fields = call.tenant, call.known(*_ORDER)
    row = tenant.get("orders", call.key())
    if row["status"] != "Draft":
        raise refuse(f"Order {row['orderNumber']} is {row['status']}; only drafts are updated.")
    body = {**row["_body"], **fields.values}
    changed = {"_body": body, "description": fields.text("description", row["description"])}
    row = tenant.update("orders", row["id"], changed)
    if fields.text("status") in {"Completed", "Pending"}:
        return _told(tenant, activate(tenant, row), ids=False)
    return _told(tenant, Placed(row), ids=False)


def _activate(call: Call) -> Row:
    placed = activate(call.tenant, call.tenant.get("orders", call.key()))
    return _told(call.tenant, placed, ids=False)


def _cancel(call: Call) -> Row:
    row = call.tenant.get("orders", call.key())
    if row["status"] != "Draft":
        raise refuse(f"Order {row['orderNumber']} is {row['status']}; only drafts are canceled.")
    call.tenant.update("orders", row["id"], {"status": "Cancelled"})
    return {"orderNumber": row["orderNumber"], "status": "Cancelled"}


def _delete(call: Call) -> None:
    row = call.tenant.get("orders", call.key())
    if row["status"] not in {"Draft", "Cancelled"}:
        raise refuse(f"Order {row['orderNumber']} is {row['status']} and cannot be deleted.")
    call.tenant.delete("orders", row["id"])


def _trigger(call: Call) -> Row:
    row = trigger(call.tenant, call.tenant.get("orders", call.key()), call.fields())
    return {"orderNumber": row["orderNumber"], "status": row["status"]}


def _order_customs(call: Call) -> None:
    row, inner = call.tenant.get("orders", call.key()), call.known("customFields", "subscriptions")
    part = inner.part("customFields") or Fields({})
    changed = call.tenant.check_customs("orders", part.values)
    call.tenant.update("orders", row["id"], changed)


def _subscription(call: Call) -> Row:
    row = call.tenant.get("subscriptions", call.key())
    return render.subscription(call.tenant, row, call.request.first("charge-detail"))


def _version(call: Call) -> Row:
    latest = call.tenant.get("subscriptions", call.key())
    for row in call.tenant.where("subscriptions", name=latest["name"]):
        if str(row["version"]) == call.key("version"):
            return render.subscription(call.tenant, row, call.request.first("charge-detail"))
    raise not_found("Subscription", call.key())


def _subscriptions(call: Call) -> Row:
    account = call.tenant.get("accounts", call.key())
    rows = call.tenant.where("subscriptions", accountId=account["id"], isLatestVersion=True)
    detail = call.request.first("charge-detail")
    tell = lambda row: render.subscription(call.tenant, row, detail)  # noqa: E731
    return call.page(rows, "subscriptions", tell)


def _subscription_customs(call: Call) -> None:
    row = call.tenant.get("subscriptions", call.key())
    part = call.known("customFields").part("customFields") or Fields({})
    changed = call.tenant.check_customs("subscriptions", part.values)
    call.tenant.update("subscriptions", row["id"], changed)


_IDS: Final = frozenset({"returnIds"})
ENDPOINTS: Final = (
    Endpoint("POST", "/v1/orders", _create, RESOURCE, query=_IDS),
    Endpoint("POST", "/v1/async/orders", _create_async, RESOURCE, query=_IDS),
    Endpoint("GET", "/v1/async-jobs/{key}", _job, 586000),
    Endpoint("POST", "/v1/orders/preview", _preview, 587400),
    Endpoint("GET", "/v1/orders", _list, RESOURCE, query=_LIST),
    Endpoint("GET", "/v1/orders/{key}", _read, RESOURCE),
    Endpoint("GET", "/v1/orders/subscription/{key}", _list_of_subscription, RESOURCE, query=_LIST),
    Endpoint("GET", "/v1/orders/subscriptionOwner/{key}", _list_of_account, RESOURCE, query=_LIST),
    Endpoint("GET", "/v1/orders/invoiceOwner/{key}", _list_of_account, RESOURCE, query=_LIST),
    Endpoint("PUT", "/v1/orders/{key}", _update, RESOURCE),
    Endpoint("PUT", "/v1/orders/{key}/activate", _activate, RESOURCE),
    Endpoint("PUT", "/v1/orders/{key}/cancel", _cancel, RESOURCE),
    Endpoint("DELETE", "/v1/orders/{key}", _delete, RESOURCE),
    Endpoint("PUT", "/v1/orders/{key}/triggerDates", _trigger, RESOURCE),
    Endpoint("PUT", "/v1/orders/{key}/customFields", _order_customs, RESOURCE),
    Endpoint("GET", "/v1/subscriptions/{key}", _subscription, 531000, query=_DETAIL),
    Endpoint("GET", "/v1/subscriptions/{key}/versions/{version}", _version, 531000, query=_DETAIL),
    Endpoint(
        "GET", "/v1/subscriptions/accounts/{key}", _subscriptions, 531000, query=_DETAIL | PAGES
    ),
    Endpoint("PUT", "/v1/subscriptions/{key}/customFields", _subscription_customs, 531000),
)
