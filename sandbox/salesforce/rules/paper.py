"""Contracts, orders and quotes: born as drafts, numbered by the system, locked once activated."""

from __future__ import annotations

import calendar
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from sandbox.salesforce.errors import Refusal
from sandbox.salesforce.org import Org
from sandbox.salesforce.rules.base import ObjectRules, Save
from sandbox.salesforce.values import Row


def _follow_status(save: Save, kind: str) -> None:
    row = save.row
    if save.old is None and row["Status"] != "Draft":
        message = f"The status of a new {kind} must be Draft"
        raise Refusal("FAILED_ACTIVATION", message, "Status")
    row["StatusCode"] = "InApproval" if row["Status"] == "In Approval Process" else row["Status"]
    if row["StatusCode"] == "Activated" and save.changed("Status"):
        row["ActivatedDate"], row["ActivatedById"] = save.org.stamp(), save.org.user_id


def _before_contract(save: Save) -> None:
    _follow_status(save, "contract")
    row = save.row
    row.setdefault("ContractNumber", save.org.next_number("Contract"))
    start, months = row.get("StartDate"), row.get("ContractTerm")
    if start is None or not months:
        row["EndDate"] = None
        return
    first = date.fromisoformat(start)
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    day = min(first.day, calendar.monthrange(year, month + 1)[1])
    row["EndDate"] = (date(year, month + 1, day) - timedelta(1)).isoformat()


def _before_order(save: Save) -> None:
    _follow_status(save, "order")
    row = save.row
    row.setdefault("OrderNumber", save.org.next_number("Order"))
    row.setdefault("TotalAmount", Decimal(0))
    activated = row["StatusCode"] == "Activated" and save.changed("Status")
    if activated and not any(save.org.table("OrderItem").children("OrderId", row["Id"])):
        message = "An order must have at least one product to be activated"
        raise Refusal("FAILED_ACTIVATION", message)


def _before_activated_delete(_: Org, row: Row) -> None:
    if row.get("StatusCode") == "Activated":
        raise Refusal("DELETE_FAILED", "An activated record cannot be deleted")


def _before_quote(save: Save) -> None:
    row = save.row
    row.setdefault("QuoteNumber", save.org.next_number("Quote"))
    opportunity = save.org.row(row["OpportunityId"]) or {}
    row["AccountId"] = opportunity.get("AccountId")
    if save.old is None and "Pricebook2Id" not in save.given:
        row["Pricebook2Id"] = opportunity.get("Pricebook2Id")
    row.setdefault("LineItemCount", 0)


CONTRACTS: Final = ObjectRules(_before_contract, before_delete=_before_activated_delete)
ORDERS: Final = ObjectRules(_before_order, before_delete=_before_activated_delete)
QUOTES: Final = ObjectRules(_before_quote)
