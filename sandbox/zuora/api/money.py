"""Invoices, bill runs, payments, credit memos and refunds below ``/v1``."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from sandbox.zuora import render
from sandbox.zuora.api.desk import PAGES, Call, Endpoint
from sandbox.zuora.billing import Run, bill, forget_document
from sandbox.zuora.documents import Line, add_invoice, post_invoice, post_memo, refresh_account
from sandbox.zuora.errors import invalid, missing, refuse
from sandbox.zuora.fields import Fields
from sandbox.zuora.paying import write_off
from sandbox.zuora.rating import ONE_DAY
from sandbox.zuora.values import ZERO, Row

_TRANSFERRED: Final = ("No", "Processing", "Yes", "Error", "Ignore")
_INVOICE: Final = (
    "accountId", "accountNumber", "invoiceDate", "dueDate", "currency", "comments", "invoiceItems",
    "invoiceNumber", "status", "autoPay", "paymentTerm", "transferredToAccounting",
)  # fmt: skip
_ITEM: Final = (
    "amount", "chargeDate", "chargeName", "description", "quantity", "unitPrice", "sku", "uom",
    "productRatePlanChargeId", "serviceStartDate", "serviceEndDate", "purchaseOrderNumber",
    "revRecCode", "revRecStartDate", "taxCode", "taxMode",
)  # fmt: skip
_RUN: Final = (
    "name", "autoPost", "autoEmail", "autoRenewal", "billRunFilters", "chargeTypeToExclude",
    "invoiceDate", "targetDate", "batches", "billCycleDay", "noEmailForZeroAmountInvoice",
)  # fmt: skip


def _invoice(call: Call) -> Row:
    return call.tenant.get("invoices", call.key())


def _read(call: Call) -> Row:
    return render.invoice(_invoice(call))


def _items(call: Call) -> Row:
    rows = call.tenant.where("invoice-items", invoiceId=_invoice(call)["id"])
    return call.page(rows, "invoiceItems", lambda row: render.invoice_item(call.tenant, row))


def _taxes(call: Call) -> Row:
    item = call.tenant.get("invoice-items", call.key("item"))
    rows = call.tenant.where("taxation-items", invoiceItemId=item["id"])
    return call.page(rows, "data", lambda row: render.plain("taxation-items", row))


def _parts(call: Call) -> Row:
    """Every payment and credit memo that is applied to an invoice."""
    id = _invoice(call)["id"]
    paid = call.tenant.where("payment-applications", invoiceId=id)
    credited = call.tenant.where("credit-memo-applications", invoiceId=id)
    rows: list[Row] = [
        {"paymentId": row["paymentId"], "appliedAmount": row["applyAmount"], "row": row}
        for row in paid if row["applyAmount"]
    ] + [
        {"creditMemoId": row["creditMemoId"], "appliedAmount": row["amount"], "row": row}
        for row in credited if row["amount"]
    ]  # fmt: skip
    return call.page(rows, "applicationParts", _part)


def _part(row: Row) -> Row:
    stamps = ("createdById", "createdDate", "updatedById", "updatedDate")
    own = {key: value for key, value in row.items() if key != "row"}
    return own | {name: row["row"][name] for name in stamps}


def _create(call: Call) -> Row:
    """A stand-alone invoice, its lines given one by one."""
    tenant, fields = call.tenant, call.known(*_INVOICE)
    key = fields.text("accountId") or fields.text("accountNumber")
    if key is None:
        raise missing("accountId")
    account = tenant.get("accounts", key)
    currency = fields.text("currency") or account["currency"]
    day = fields.need_date("invoiceDate")
    number = fields.text("invoiceNumber", max=32)
    if number is not None and tenant.find("invoices", number) is not None:
        raise invalid("invoiceNumber", f"The invoice number '{number}' already exists.")
    lines = [_line(call, row, currency) for row in fields.parts("invoiceItems")]
    if not lines:
        raise missing("invoiceItems")
    values: Row = {"comments": fields.text("comments") or ""}
    values |= tenant.check_customs("invoices", fields.customs())
    if number is not None:
        values["invoiceNumber"] = number
    if fields.has("dueDate"):
        values["dueDate"] = fields.need_date("dueDate")
    row = add_invoice(
        tenant, account, lines, day, source="API", source_type="Standalone", values=values
    )
    if fields.choice("status", ("Draft", "Posted"), "Draft") == "Posted":
        row = post_invoice(tenant, row)
    return render.invoice(row)


def _line(call: Call, row: Fields, currency: str) -> Line:
    tenant = call.tenant
    call.simulator.expect_keys(call.request, row.values, _ITEM, row.name("invoiceItems"))
    start = row.need_date("serviceStartDate")
    product = None
    if row.has("sku"):
        product = tenant.get("products", row.need("sku"))
    return Line(
        amount=row.amount("amount", currency, positive=False), currency=currency,
        name=row.text("chargeName") or (product or {}).get("name") or "Charge", start=start,
        end=(row.date("serviceEndDate") or start) + ONE_DAY,
        quantity=row.decimal("quantity") or Decimal(1),
        unit_price=row.decimal("unitPrice") or row.amount("amount", currency, positive=False),
        product=product,
        product_charge=tenant.find(
            "product-rate-plan-charges", row.text("productRatePlanChargeId")
        ),
    )  # fmt: skip


def _update(call: Call) -> Row:
    """What may change after posting is little: the transfer flag, comments, custom fields."""
    row, fields = _invoice(call), call.known(
        "autoPay", "comments", "dueDate", "invoiceDate", "invoiceItems", "templateId",
        "transferredToAccounting",
    )  # fmt: skip
    tenant = call.tenant
    tenant.check_lock(row["id"], row["invoiceNumber"])
    changed: dict[str, Any] = dict(tenant.check_customs("invoices", fields.customs()))
    if fields.has("transferredToAccounting"):
        changed["transferredToAccounting"] = fields.choice("transferredToAccounting", _TRANSFERRED)
    if "comments" in fields.values:
        changed["comments"] = fields.text("comments") or ""
    for name in ("dueDate", "invoiceDate"):
        if fields.has(name):
            if row["status"] != "Draft":
                raise refuse(f"The field '{name}' of a {row['status']} invoice cannot be changed.")
            changed[name] = fields.need_date(name)
    if fields.has("invoiceItems"):
        raise refuse("Items of an invoice that a bill run made cannot be changed.")
    return render.invoice(tenant.update("invoices", row["id"], changed))


def _post(call: Call) -> Row:
    row = _invoice(call)
    call.tenant.check_lock(row["id"], row["invoiceNumber"])
    posted = post_invoice(call.tenant, row, call.known("invoiceDate").date("invoiceDate"))
    return render.invoice(posted)


def _cancel(call: Call) -> Row:
    row = _invoice(call)
    if row["status"] != "Draft":
        raise refuse(
            f"Invoice {row['invoiceNumber']} is {row['status']}; only drafts are canceled."
        )
    forget_document(call.tenant, row)
    cancelled = call.tenant.update("invoices", row["id"], {"status": "Canceled", "balance": ZERO})
    return {"id": cancelled["id"]}


def _delete(call: Call) -> Row:
    row = _invoice(call)
    if row["status"] not in {"Draft", "Canceled"}:
        raise refuse(f"Invoice {row['invoiceNumber']} is {row['status']} and cannot be deleted.")
    forget_document(call.tenant, row)
    for item in call.tenant.where("invoice-items", invoiceId=row["id"]):
        call.tenant.delete("invoice-items", item["id"])
    call.tenant.delete("invoices", row["id"])
    return {"id": row["id"]}


def _write_off(call: Call) -> Row:
    fields = call.known("comment", "memoDate", "reasonCode", "taxAutoCalculation", "items")
    memo = write_off(call.tenant, _invoice(call), fields, reason="Write-off", whole=False)
    return {"creditMemo": {"id": memo["id"], "number": memo["memoNumber"]}}


def _reverse(call: Call) -> Row:
    row, fields = _invoice(call), call.known("applyEffectiveDate", "memoDate", "comment")
    memo = write_off(call.tenant, row, fields, reason="Correcting invoice error", whole=True)
    call.tenant.update("invoices", row["id"], {"reversed": True})
    return {"creditMemo": {"id": memo["id"], "number": memo["memoNumber"]}}


# -- bill runs -------------------------------------------------------------------------------------


def _start_run(call: Call) -> Row:
    tenant, fields = call.tenant, call.known(*_RUN)
    accounts, subscriptions = set(), set()
    for row in fields.parts("billRunFilters"):
        if row.choice("filterType", ("Account", "Subscription")) == "Account":
            accounts.add(tenant.get("accounts", row.need("accountId"))["id"])
        else:
            subscription = tenant.get("subscriptions", row.need("subscriptionId"))
            subscriptions.add(subscription["name"])
    target = fields.need_date("targetDate")
    day = fields.date("invoiceDate") or tenant.today()
    post = fields.flag("autoPost")
    number = tenant.number("billing-runs", "BR-")
    run = tenant.insert("billing-runs", {
        "billingRunNumber": number, "name": fields.text("name"), "targetDate": target,
        "invoiceDate": day, "autoPost": post, "autoEmail": False, "autoRenewal": False,
        "billingRunType": "Ad Hoc", "errorMessage": None, "executedDate": tenant.now(),
        "status": "Pending",
    })  # fmt: skip
    made = bill(tenant, Run(
        target=target, document_date=day, post=post, accounts=frozenset(accounts),
        subscriptions=frozenset(subscriptions), source_id=number,
        exclude=fields.texts("chargeTypeToExclude"),
        batches=fields.texts("batches"),
    ))  # fmt: skip
    for invoice in made.invoices:
        tenant.update("invoices", invoice["id"], {"_run": run["id"], "billRunId": run["id"]})
    for memo in made.memos:
        tenant.update("credit-memos", memo["id"], {"_run": run["id"]})
    told = _run(run)
    tenant.update("billing-runs", run["id"], {
        "status": "Posted" if post else "Completed", "numberOfInvoices": len(made.invoices),
        "numberOfCreditMemos": len(made.memos), "postedDate": tenant.now() if post else None,
    })  # fmt: skip
    return told


def _run(row: Row) -> Row:
    told = render.plain("billing-runs", row)
    return told | {"billRunNumber": told.pop("billingRunNumber")}


def _find_run(call: Call) -> Row:
    return call.tenant.get("billing-runs", call.key())


def _read_run(call: Call) -> Row:
    return _run(_find_run(call))


def _post_run(call: Call) -> Row:
    row, tenant = _find_run(call), call.tenant
    if row["status"] != "Completed":
        raise refuse(f"Bill run {row['billingRunNumber']} is {row['status']}, not Completed.")
    for invoice in tenant.where("invoices", _run=row["id"], status="Draft"):
        post_invoice(tenant, invoice)
    for memo in tenant.where("credit-memos", _run=row["id"], status="Draft"):
        post_memo(tenant, memo)
    changed = {"status": "Posted", "postedDate": tenant.now().replace(microsecond=0)}
    return _run(tenant.update("billing-runs", row["id"], changed))


def _cancel_run(call: Call) -> Row:
    row, tenant = _find_run(call), call.tenant
    if row["status"] != "Completed":
        raise refuse(f"Bill run {row['billingRunNumber']} is {row['status']}, not Completed.")
    for object in ("invoices", "credit-memos"):
        for document in tenant.where(object, _run=row["id"], status="Draft"):
            forget_document(tenant, document)
            tenant.update(object, document["id"], {"status": "Canceled", "balance": ZERO})
    return _run(tenant.update("billing-runs", row["id"], {"status": "Canceled"}))


def _collect(call: Call) -> Row:
    """Bill one account and post."""
    tenant = call.tenant
    fields = call.known(
        "accountKey", "documentDate", "invoiceDate", "invoiceTargetDate", "targetDate"
    )
    account = tenant.get("accounts", fields.need("accountKey"))
    target = fields.date("targetDate") or fields.date("invoiceTargetDate") or tenant.today()
    day = fields.date("documentDate") or fields.date("invoiceDate") or tenant.today()
    made = bill(tenant, Run(
        target=target, document_date=day, post=True, accounts=frozenset({account["id"]}),
        source="API",
    ))  # fmt: skip
    refresh_account(tenant, account["id"])
    return {
        "invoices": [
            {"invoiceId": row["id"], "invoiceNumber": row["invoiceNumber"],
             "invoiceAmount": row["amount"]} for row in made.invoices
        ],
        "creditMemos": [
            {"id": row["id"], "memoNumber": row["memoNumber"], "memoAmount": row["totalAmount"]}
            for row in made.memos
        ],
        "amountCollected": ZERO,
    }  # fmt: skip


ENDPOINTS: Final = (
    Endpoint("POST", "/v1/invoices", _create, 535000),
    Endpoint("GET", "/v1/invoices/{key}", _read, 535100),
    Endpoint("PUT", "/v1/invoices/{key}", _update, 535200),
    Endpoint("DELETE", "/v1/invoices/{key}", _delete, 535300),
    Endpoint("GET", "/v1/invoices/{key}/items", _items, 535400, query=PAGES),
    Endpoint("GET", "/v1/invoices/{key}/items/{item}/taxation-items", _taxes, 535400, query=PAGES),
    Endpoint("GET", "/v1/invoices/{key}/application-parts", _parts, 535400, query=PAGES),
    Endpoint("PUT", "/v1/invoices/{key}/post", _post, 535500, body_needed=True),
    Endpoint("PUT", "/v1/invoices/{key}/cancel", _cancel, 535600),
    Endpoint("PUT", "/v1/invoices/{key}/write-off", _write_off, 535700, body_needed=True),
    Endpoint("PUT", "/v1/invoices/{key}/reverse", _reverse, 535800, body_needed=True),
    Endpoint("POST", "/v1/bill-runs", _start_run, 536000),
    Endpoint("GET", "/v1/bill-runs/{key}", _read_run, 536100),
    Endpoint("PUT", "/v1/bill-runs/{key}/post", _post_run, 536200, body_needed=True),
    Endpoint("PUT", "/v1/bill-runs/{key}/cancel", _cancel_run, 536300, body_needed=True),
    Endpoint("POST", "/v1/operations/invoice-collect", _collect, 536400),
)
