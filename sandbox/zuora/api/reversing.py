"""Unposting, reversing, deleting, and small updates below ``/v1``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sandbox.zuora import render, reversing
from sandbox.zuora.api.desk import Call, Endpoint
from sandbox.zuora.values import Row


def _unpost_invoice(call: Call) -> Row:
    row = call.tenant.get("invoices", call.key())
    return render.invoice(reversing.unpost_invoice(call.tenant, row))


def _set_against(*, reverse: bool) -> Callable[[Call], Row]:
    def put(call: Call) -> Row:
        call.known("applyEffectiveDate", "memoDate", "comment", "reasonCode")
        memo = call.tenant.get("credit-memos", call.key())
        debit = reversing.set_against(call.tenant, memo, reverse=reverse)
        told: Row = {"debitMemo": {"id": debit["id"], "number": debit["memoNumber"]}}
        return told | ({"creditMemo": {"id": memo["id"]}} if reverse else {})

    return put


def _deleter(object: str) -> Callable[[Call], Row]:
    def delete(call: Call) -> Row:
        row = call.tenant.get(object, call.key())
        reversing.delete(call.tenant, object, row)
        return {"id": row["id"]}

    return delete


def _delete_contact(call: Call) -> None:
    reversing.delete_contact(call.tenant, call.tenant.get("contacts", call.key()))


def _update_refund(call: Call) -> Row:
    row = call.tenant.get("refunds", call.key())
    names = ("comment", "reasonCode", "payoutId", "gatewayReconciliationStatus")
    fields = call.known(*names, "referenceId", "gatewayReconciliationReason", "financeInformation")
    changed: dict[str, Any] = dict(call.tenant.check_customs("refunds", fields.customs()))
    for name in (*names, "gatewayReconciliationReason"):
        if name in fields.values:
            changed[name] = fields.text(name)
    if "referenceId" in fields.values:
        changed["referenceID"] = fields.text("referenceId")
    finance = fields.part("financeInformation")
    if finance is not None and finance.has("transferredToAccounting"):
        changed["transferredToAccounting"] = finance.text("transferredToAccounting")
    return render.refund(call.tenant, call.tenant.update("refunds", row["id"], changed))


def _update_subscription(call: Call) -> Row:
    """What does not need an order: notes and custom fields, on the version as it is."""
    row, fields = call.tenant.get("subscriptions", call.key()), call.known("notes", "autoRenew")
    changed: dict[str, Any] = dict(call.tenant.check_customs("subscriptions", fields.customs()))
    if "notes" in fields.values:
        changed["notes"] = fields.text("notes", max=65_535)
    if fields.has("autoRenew"):
        changed["autoRenew"] = fields.flag("autoRenew")
    call.tenant.check_lock(row["id"], row["name"])
    return {"subscriptionId": call.tenant.update("subscriptions", row["id"], changed)["id"]}


ENDPOINTS: Final = (
    Endpoint("PUT", "/v1/invoices/{key}/unpost", _unpost_invoice, 535900),
    Endpoint("PUT", "/v1/credit-memos/{key}/reverse", _set_against(reverse=True), 539700),
    Endpoint("PUT", "/v1/credit-memos/{key}/write-off", _set_against(reverse=False), 539800),
    Endpoint("DELETE", "/v1/payments/{key}", _deleter("payments"), 538900),
    Endpoint("DELETE", "/v1/refunds/{key}", _deleter("refunds"), 540200),
    Endpoint("DELETE", "/v1/credit-memos/{key}", _deleter("credit-memos"), 539900),
    Endpoint("DELETE", "/v1/journal-entries/{key}", _deleter("journal-entries"), 570400),
    Endpoint("DELETE", "/v1/contacts/{key}", _delete_contact, 520400),
    Endpoint("PUT", "/v1/refunds/{key}", _update_refund, 540300),
    Endpoint("PUT", "/v1/subscriptions/{key}", _update_subscription, 531100),
)
