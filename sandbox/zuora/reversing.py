"""Taking back what was posted or made: unposting, reversing, deleting.

Reference: developer.zuora.com, "Invoices", "Credit memos". Debit memos exist only
as what a reversed or written-off credit memo is set against.
"""

from __future__ import annotations

from typing import Any, Final

from sandbox.zuora.documents import refresh_account
from sandbox.zuora.errors import refuse
from sandbox.zuora.periods import check_open
from sandbox.zuora.settlement import refresh_memo
from sandbox.zuora.tenant import Tenant
from sandbox.zuora.values import ZERO, Row

# Object → the states in which a record may be deleted.
DELETABLE: Final = {
    "payments": {"Canceled"},
    "refunds": {"Canceled"},
    "credit-memos": {"Canceled", "Draft"},
    "journal-entries": {"Cancelled"},
}


def unpost_invoice(tenant: Tenant, invoice: Row) -> Row:
    """From posted back to draft, as long as nothing is settled."""
    number = invoice["invoiceNumber"]
    if invoice["status"] != "Posted" or invoice["balance"] != invoice["amount"]:
        raise refuse(f"Invoice {number} cannot be unposted: it is not posted, or settled in part.")
    if invoice["transferredToAccounting"] == "Yes":
        raise refuse(f"Invoice {number} was transferred to accounting.")
    check_open(tenant, invoice["invoiceDate"])
    changed = {"status": "Draft", "postedDate": None, "postedBy": None}
    unposted = tenant.update("invoices", invoice["id"], changed)
    refresh_account(tenant, invoice["accountId"])
    return unposted


def set_against(tenant: Tenant, memo: Row, *, reverse: bool) -> Row:
    """Close what is left of a credit memo with a debit memo; the debit memo."""
    number = memo["memoNumber"]
    if memo["status"] != "Posted" or memo["balance"] <= 0:
        raise refuse(f"Credit memo {number} has nothing left.")
    if reverse and memo["balance"] != memo["totalAmount"]:
        raise refuse(f"Credit memo {number} is applied in part and cannot be reversed.")
    day = tenant.today()
    check_open(tenant, day)
    debit = tenant.insert("debit-memos", {
        "memoNumber": tenant.number("debit-memos", "DM"), "accountId": memo["accountId"],
        "currency": memo["currency"], "memoDate": day, "totalAmount": memo["balance"],
        "balance": ZERO, "beAppliedAmount": memo["balance"], "status": "Posted",
        "sourceType": "CreditMemo", "sourceId": memo["id"], "reasonCode": memo["reasonCode"],
    })  # fmt: skip
    tenant.insert("credit-memo-applications", {
        "creditMemoId": memo["id"], "debitMemoId": debit["id"], "invoiceId": None,
        "accountId": memo["accountId"], "amount": memo["balance"], "effectiveDate": day,
        "applicationGroupId": None,
    })  # fmt: skip
    refresh_memo(tenant, memo["id"])
    if reverse:
        tenant.update("credit-memos", memo["id"], {"reversed": True})
    refresh_account(tenant, memo["accountId"])
    return debit


def delete(tenant: Tenant, object: str, row: Row) -> None:
    """Delete a record whose state allows it."""
    if row["status"] not in DELETABLE[object]:
        allowed = " or ".join(sorted(DELETABLE[object]))
        raise refuse(f"It is {row['status']}; only {allowed} can be deleted.")
    for item in tenant.where("credit-memo-items", creditMemoId=row["id"]):
        tenant.delete("credit-memo-items", item["id"])
    tenant.delete(object, row["id"])


def delete_contact(tenant: Tenant, contact: Row) -> None:
    """Delete a contact that nobody is billed or sold to at."""
    account: dict[str, Any] = tenant.get("accounts", contact["accountId"])
    if contact["id"] in {account["billToId"], account["soldToId"], account["shipToId"]}:
        raise refuse("The contact is used by its account and cannot be deleted.")
    tenant.delete("contacts", contact["id"])
