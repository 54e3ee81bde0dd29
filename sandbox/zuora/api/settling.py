"""Payments, gateway settlement, credit memos and refunds below ``/v1``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sandbox.zuora import render
from sandbox.zuora.api.desk import PAGES, Call, Endpoint
from sandbox.zuora.documents import refresh_account
from sandbox.zuora.errors import Problem, refuse
from sandbox.zuora.paying import (
    cancel_memo,
    cancel_payment,
    create_payment,
    credit_charges,
    credit_invoice,
    post_and_apply,
    reverse_payment,
    transfer_payment,
)
from sandbox.zuora.settlement import (
    MEMO,
    PAYMENT,
    Kind,
    add_refund,
    apply,
    cancel_refund,
    unapply,
    wanted_invoices,
)
from sandbox.zuora.values import Row

_PAYMENT: Final = (
    "accountId", "accountNumber", "number", "amount", "currency", "type", "invoices", "comment",
    "effectiveDate", "paymentMethodId", "paymentMethodType", "prepayment", "referenceId",
    "standalone", "gatewayOrderId", "financeInformation", "debitMemos",
)  # fmt: skip
_REFUND: Final = (
    "totalAmount", "type", "comment", "methodType", "reasonCode", "referenceId", "refundDate",
    "secondRefundReferenceId", "invoices", "financeInformation", "items",
)  # fmt: skip
_REVERSAL: Final = (
    "amount", "referenceId", "secondReferenceId", "gatewayReconciliationStatus", "payoutId",
    "gatewayReconciliationReason", "gatewayResponse", "gatewayResponseCode", "settledOn",
)  # fmt: skip
_MEMO: Final = (
    "items", "charges", "autoPost", "autoApplyToInvoiceUponPosting", "comment", "effectiveDate",
    "excludeFromAutoApplyRules", "invoiceId", "reasonCode", "taxAutoCalculation", "accountId",
    "accountNumber", "currency", "number",
)  # fmt: skip
Render = Callable[[Any, Row], Row]
_TELL: Final[dict[str, Render]] = {
    "payments": render.payment,
    "credit-memos": render.memo,
    "refunds": render.refund,
}
_LIST: Final = PAGES | {"accountId", "status", "sort", "currency", "number", "createdDate"}


def _reader(object: str) -> Callable[[Call], Row]:
    def read(call: Call) -> Row:
        return _TELL[object](call.tenant, call.tenant.get(object, call.key()))

    return read


def _lister(object: str, name: str) -> Callable[[Call], Row]:
    def read(call: Call) -> Row:
        rows = list(call.tenant.rows(object))[::-1]
        for field in ("accountId", "status"):
            wanted = call.request.first(field)
            if wanted is not None:
                rows = [row for row in rows if row[field] == wanted]
        return call.page(rows, name, lambda row: _TELL[object](call.tenant, row))

    return read


def _mover(kind: Kind, *, on: bool) -> Callable[[Call], Row]:
    """Apply or unapply."""

    def move(call: Call) -> Row:
        tenant, fields = call.tenant, call.known("invoices", "effectiveDate", "debitMemos")
        source = tenant.get(kind[0], call.key())
        posted = "Processed" if kind is PAYMENT else "Posted"
        if source["status"] != posted:
            raise refuse(f"It is {source['status']}, not {posted}.")
        wanted = wanted_invoices(tenant, fields, source["currency"])
        day = fields.date("effectiveDate") or tenant.today()
        moved = (apply if on else unapply)(tenant, kind, source, wanted, day)
        return _TELL[kind[0]](tenant, moved)

    return move


def _create_payment(call: Call) -> Row:
    return render.payment(call.tenant, create_payment(call.tenant, call.known(*_PAYMENT)))


def _update_payment(call: Call) -> Row:
    row = call.tenant.get("payments", call.key())
    names = ("comment", "referenceId", "gatewayState", "payoutId")
    fields = call.known(*names, "gatewayReconciliationStatus", "gatewayReconciliationReason",
                        "financeInformation")  # fmt: skip
    changed: dict[str, Any] = dict(call.tenant.check_customs("payments", fields.customs()))
    for name in (*names, "gatewayReconciliationStatus", "gatewayReconciliationReason"):
        if name in fields.values:
            changed[name] = fields.text(name)
    finance = fields.part("financeInformation")
    if finance is not None and finance.has("transferredToAccounting"):
        changed["transferredToAccounting"] = finance.text("transferredToAccounting")
    return render.payment(call.tenant, call.tenant.update("payments", row["id"], changed))


def _cancel_payment(call: Call) -> Row:
    row = call.tenant.get("payments", call.key())
    try:
        return render.payment(call.tenant, cancel_payment(call.tenant, row))
    except Problem as problem:
        problem.category = 40  # the vendor answers 50000040 here
        raise


def _transfer(call: Call) -> Row:
    row = call.tenant.get("payments", call.key())
    fields = call.known("accountId", "effectiveDate")
    return render.payment(call.tenant, transfer_payment(call.tenant, row, fields))


def _payment_parts(call: Call) -> Row:
    payment = call.tenant.get("payments", call.key())
    rows = [
        row for row in call.tenant.where("payment-applications", paymentId=payment["id"])
        if row["applyAmount"]
    ]  # fmt: skip
    return call.page(rows, "parts", lambda row: {
        "id": row["id"], "invoiceId": row["invoiceId"], "amount": row["applyAmount"],
        "debitMemoId": None, "createdDate": row["createdDate"], "createdById": row["createdById"],
        "updatedDate": row["updatedDate"], "updatedById": row["updatedById"],
    })  # fmt: skip


def _refund_payment(call: Call) -> Row:
    tenant, fields = call.tenant, call.known(*_REFUND)
    payment = tenant.get("payments", call.key())
    amount = fields.amount("totalAmount", payment["currency"])
    fields.need("type")
    return render.refund(tenant, add_refund(tenant, PAYMENT, payment, amount, fields))


def _unapply_and_refund(call: Call) -> Row:
    """Refund what is applied: it is taken off the invoices named first, which reopens them."""
    tenant, fields = call.tenant, call.known(*_REFUND)
    payment = tenant.get("payments", call.key())
    amount = fields.amount("totalAmount", payment["currency"])
    fields.need("type")
    with tenant.savepoint():
        wanted = wanted_invoices(tenant, fields, payment["currency"])
        payment = unapply(tenant, PAYMENT, payment, wanted, tenant.today())
        refund = add_refund(tenant, PAYMENT, payment, amount, fields)
    return render.refund(tenant, refund)


def _chargeback(call: Call) -> Row:
    fields = call.known(*_REVERSAL)
    payment = call.tenant.get("payments", call.key())
    amount = fields.amount("amount", payment["currency"])
    return render.refund(call.tenant, reverse_payment(call.tenant, payment, amount, fields))


def _reject(call: Call) -> Row:
    """The bank sent the whole payment back."""
    fields = call.known(*_REVERSAL)
    payment = call.tenant.get("payments", call.key())
    call.tenant.update("payments", payment["id"], {"gatewayState": "FailedToSettle"})
    payment = call.tenant.get("payments", payment["id"])
    amount = payment["amount"] - payment["refundAmount"]
    return render.refund(call.tenant, reverse_payment(call.tenant, payment, amount, fields))


def _settle(call: Call) -> Row:
    fields = call.known(*_REVERSAL)
    payment = call.tenant.get("payments", call.key())
    changed = {
        "gatewayState": "Settled", "payoutId": fields.text("payoutId"),
        "settledOn": fields.instant("settledOn") or call.tenant.now().replace(microsecond=0),
        "gatewayReconciliationStatus": fields.text("gatewayReconciliationStatus"),
    }  # fmt: skip
    return render.payment(call.tenant, call.tenant.update("payments", payment["id"], changed))


def _credit_invoice(call: Call) -> Row:
    invoice = call.tenant.get("invoices", call.key())
    call.tenant.check_lock(invoice["id"], invoice["invoiceNumber"])
    memo = credit_invoice(call.tenant, invoice, call.known(*_MEMO))
    return render.memo(call.tenant, memo)


def _credit_charges(call: Call) -> Row:
    return render.memo(call.tenant, credit_charges(call.tenant, call.known(*_MEMO)))


def _memo_items(call: Call) -> Row:
    memo = call.tenant.get("credit-memos", call.key())
    rows = call.tenant.where("credit-memo-items", creditMemoId=memo["id"])
    return call.page(rows, "items", lambda row: render.memo_item(call.tenant, row))


def _memo_parts(call: Call) -> Row:
    memo = call.tenant.get("credit-memos", call.key())
    rows = [
        row for row in call.tenant.where("credit-memo-applications", creditMemoId=memo["id"])
        if row["amount"]
    ]  # fmt: skip
    tell = lambda row: render.plain("credit-memo-applications", row)  # noqa: E731
    return call.page(rows, "parts", tell)


def _post_memo(call: Call) -> Row:
    memo = call.tenant.get("credit-memos", call.key())
    invoice = call.tenant.find("invoices", memo["invoiceId"])
    return render.memo(call.tenant, post_and_apply(call.tenant, memo, invoice))


def _unpost_memo(call: Call) -> Row:
    memo = call.tenant.get("credit-memos", call.key())
    if memo["status"] != "Posted" or memo["appliedAmount"] or memo["refundAmount"]:
        raise refuse(f"Credit memo {memo['memoNumber']} cannot be unposted.")
    changed = {"status": "Draft", "postedOn": None, "postedById": None}
    memo = call.tenant.update("credit-memos", memo["id"], changed)
    refresh_account(call.tenant, memo["accountId"])
    return render.memo(call.tenant, memo)


def _cancel_memo(call: Call) -> Row:
    memo = call.tenant.get("credit-memos", call.key())
    return render.memo(call.tenant, cancel_memo(call.tenant, memo))


def _update_memo(call: Call) -> Row:
    memo = call.tenant.get("credit-memos", call.key())
    fields = call.known("comment", "reasonCode", "transferredToAccounting", "effectiveDate")
    changed: dict[str, Any] = dict(call.tenant.check_customs("credit-memos", fields.customs()))
    if "comment" in fields.values:
        changed["comments"] = fields.text("comment")
    for name in ("reasonCode", "transferredToAccounting"):
        if name in fields.values:
            changed[name] = fields.text(name)
    if fields.has("effectiveDate"):
        if memo["status"] != "Draft":
            raise refuse("The date of a posted credit memo cannot be changed.")
        changed["memoDate"] = fields.need_date("effectiveDate")
    return render.memo(call.tenant, call.tenant.update("credit-memos", memo["id"], changed))


def _refund_memo(call: Call) -> Row:
    tenant, fields = call.tenant, call.known(*_REFUND)
    memo = tenant.get("credit-memos", call.key())
    if memo["status"] != "Posted":
        raise refuse(f"Credit memo {memo['memoNumber']} is {memo['status']}, not Posted.")
    amount = fields.amount("totalAmount", memo["currency"])
    fields.need("type")
    return render.refund(tenant, add_refund(tenant, MEMO, memo, amount, fields))


def _cancel_refund(call: Call) -> Row:
    refund = call.tenant.get("refunds", call.key())
    return render.refund(call.tenant, cancel_refund(call.tenant, refund))


ENDPOINTS: Final = (
    Endpoint("POST", "/v1/payments", _create_payment, 538000),
    Endpoint("GET", "/v1/payments", _lister("payments", "payments"), 538050, query=_LIST),
    Endpoint("GET", "/v1/payments/{key}", _reader("payments"), 538060),
    Endpoint("PUT", "/v1/payments/{key}", _update_payment, 538100),
    Endpoint("GET", "/v1/payments/{key}/parts", _payment_parts, 538070, query=PAGES),
    Endpoint("PUT", "/v1/payments/{key}/apply", _mover(PAYMENT, on=True), 538200),
    Endpoint("PUT", "/v1/payments/{key}/unapply", _mover(PAYMENT, on=False), 538400),
    Endpoint("PUT", "/v1/payments/{key}/transfer", _transfer, 538300),
    Endpoint("PUT", "/v1/payments/{key}/cancel", _cancel_payment, 500000),
    Endpoint("POST", "/v1/payments/{key}/refunds", _refund_payment, 538500),
    Endpoint("POST", "/v1/payments/{key}/refunds/unapply", _unapply_and_refund, 538500),
    Endpoint("POST", "/v1/gateway-settlement/payments/{key}/chargeback", _chargeback, 538600),
    Endpoint("POST", "/v1/gateway-settlement/payments/{key}/reject", _reject, 538600),
    Endpoint("POST", "/v1/gateway-settlement/payments/{key}/settle", _settle, 538600),
    Endpoint("POST", "/v1/credit-memos/invoice/{key}", _credit_invoice, 539000),
    Endpoint("POST", "/v1/credit-memos", _credit_charges, 539000),
    Endpoint(
        "GET", "/v1/credit-memos", _lister("credit-memos", "creditmemos"), 539050, query=_LIST
    ),
    Endpoint("GET", "/v1/credit-memos/{key}", _reader("credit-memos"), 539060),
    Endpoint("GET", "/v1/credit-memos/{key}/items", _memo_items, 539060, query=PAGES),
    Endpoint("GET", "/v1/credit-memos/{key}/parts", _memo_parts, 539060, query=PAGES),
    Endpoint("PUT", "/v1/credit-memos/{key}", _update_memo, 539100),
    Endpoint("PUT", "/v1/credit-memos/{key}/post", _post_memo, 539200),
    Endpoint("PUT", "/v1/credit-memos/{key}/unpost", _unpost_memo, 539200),
    Endpoint("PUT", "/v1/credit-memos/{key}/cancel", _cancel_memo, 539300),
    Endpoint("PUT", "/v1/credit-memos/{key}/apply", _mover(MEMO, on=True), 539400),
    Endpoint("PUT", "/v1/credit-memos/{key}/unapply", _mover(MEMO, on=False), 539500),
    Endpoint("POST", "/v1/credit-memos/{key}/refund", _refund_memo, 539600),
    Endpoint("GET", "/v1/refunds", _lister("refunds", "refunds"), 540000, query=_LIST),
    Endpoint("GET", "/v1/refunds/{key}", _reader("refunds"), 540000),
    Endpoint("PUT", "/v1/refunds/{key}/cancel", _cancel_refund, 540100),
)
