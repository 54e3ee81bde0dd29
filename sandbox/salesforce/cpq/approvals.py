"""Advanced Approvals: quotes are submitted, approvers decide, the quote's own fields show it."""

from __future__ import annotations

from typing import Any, Final

from sandbox.salesforce.cpq.quotes import QUOTE, package
from sandbox.salesforce.errors import Refusal
from sandbox.salesforce.org import Org
from sandbox.salesforce.rules.base import ObjectRules, Save
from sandbox.salesforce.values import Row
from sandbox.salesforce.writing import Writer

APPROVAL: Final = "sbaa__Approval__c"
_OPEN: Final = frozenset({"Assigned", "Requested"})


def _before_approval(save: Save) -> None:
    if save.old is None:
        save.row["Name"] = f"A-{int(save.org.next_number(APPROVAL)):06d}"


def submit(org: Org, quote_id: str) -> Row:
    """Submit a quote; above the discount a rep may give, the head of sales has to decide."""
    quote = _quote(org, quote_id)
    if quote.get("SBQQ__Uncalculated__c"):
        raise Refusal("APEX_ERROR", "Calculate the quote before submitting it.", status=500)
    for earlier in list(org.table(APPROVAL).children("Quote__c", quote_id)):
        if earlier.get("sbaa__Status__c") in _OPEN:
            raise Refusal("APEX_ERROR", "The quote is waiting for approval.", status=500)
        org.revise(earlier["Id"], {"sbaa__Archived__c": True})
    now = org.stamp()
    discount = quote.get("SBQQ__AverageCustomerDiscount__c") or 0
    if discount <= package(org).approval_discount:
        changes = {"ApprovalSubmittedOn__c": now, "ApprovalDecidedOn__c": now}
        done = {"ApprovalStatus__c": "Approved", "SBQQ__Status__c": "Approved"}
        return org.revise(quote_id, {**changes, **done})
    Writer(org, as_system=True).create(APPROVAL, _request(org, quote))
    waiting = {"ApprovalStatus__c": "Pending", "SBQQ__Status__c": "In Review"}
    asked = {"ApprovalSubmittedOn__c": now, "ApprovalDecidedOn__c": None}
    return org.revise(quote_id, {**waiting, **asked})


def _request(org: Org, quote: Row) -> dict[str, Any]:
    approver = next(
        (row["Id"] for row in org.table("User") if row.get("IsActive") and row.get("Title")),
        org.user_id,
    )
    return {
        "sbaa__Status__c": "Requested",
        "sbaa__ApprovalStep__c": 1,
        "sbaa__RecordField__c": "Quote__c",
        "Quote__c": quote["Id"],
        "sbaa__Opportunity__c": quote.get("SBQQ__Opportunity2__c"),
        "sbaa__AssignedTo__c": approver,
    }


def decide(org: Org, approval_id: str, *, approve: bool, comments: str | None) -> Row:
    """An approver's word; a decided approval cannot be decided again."""
    approval = org.live(approval_id)
    if approval is None or org.object_of(approval_id) != APPROVAL:
        raise Refusal("APEX_ERROR", f"No approval has the id {approval_id}.", status=500)
    if approval.get("sbaa__Status__c") not in _OPEN:
        raise Refusal("APEX_ERROR", "The approval has been decided already.", status=500)
    status = "Approved" if approve else "Rejected"
    decided = {"sbaa__Status__c": status, "sbaa__CommentsLong__c": comments}
    by = {f"sbaa__{status}By__c": approval.get("sbaa__AssignedTo__c") or org.user_id}
    row = org.revise(approval_id, {**decided, **by})
    shown = {"ApprovalStatus__c": status, "SBQQ__Status__c": status}
    org.revise(approval["Quote__c"], {**shown, "ApprovalDecidedOn__c": org.stamp()})
    return row


def recall(org: Org, quote_id: str) -> Row:
    """The submitter takes the quote back."""
    quote = _quote(org, quote_id)
    for approval in open_approvals(org, quote_id):
        org.revise(approval["Id"], {"sbaa__Status__c": "Recalled"})
    shown = {"ApprovalStatus__c": "Recalled", "SBQQ__Status__c": "Draft"}
    return org.revise(quote["Id"], shown)


def open_approvals(org: Org, quote_id: str) -> list[Row]:
    """The approvals a quote is waiting for."""
    found = org.table(APPROVAL).children("Quote__c", quote_id)
    return [row for row in found if row.get("sbaa__Status__c") in _OPEN]


def _quote(org: Org, id: str) -> Row:
    quote = org.live(id)
    if quote is None or org.object_of(id) != QUOTE:
        raise Refusal("APEX_ERROR", f"No quote has the id {id}.", status=500)
    return quote


APPROVALS: Final = ObjectRules(_before_approval)
