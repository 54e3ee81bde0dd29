"""What the account makes of a record when it is saved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from sandbox.netsuite.errors import content_error
from sandbox.netsuite.rules.common import Posting, Saving
from sandbox.netsuite.rules.customers import complete_customer, complete_relationship
from sandbox.netsuite.rules.journals import complete_journal
from sandbox.netsuite.rules.sales import complete_invoice, complete_order
from sandbox.netsuite.rules.settling import complete_credit, complete_payment, complete_refund
from sandbox.netsuite.values import Row


def _complete_named(_: Saving, row: Row) -> None:
    if not row.get("name"):
        raise content_error("Please enter value(s) for: Name.", "name")
    row["isInactive"] = row.get("isInactive") or False


def _complete_account(_: Saving, row: Row) -> None:
    for name in ("acctNumber", "acctName", "acctType"):
        if not row.get(name):
            raise content_error(f"Please enter value(s) for: {name}.", name)
    row["isInactive"] = row.get("isInactive") or False


RULES: Final[Mapping[str, Callable[[Saving, Row], None]]] = MappingProxyType(
    {
        "customer": complete_customer,
        "customerSubsidiaryRelationship": complete_relationship,
        "salesOrder": complete_order,
        "invoice": complete_invoice,
        "creditMemo": complete_credit,
        "customerPayment": complete_payment,
        "customerRefund": complete_refund,
        "journalEntry": complete_journal,
        "account": _complete_account,
        "department": _complete_named,
        "classification": _complete_named,
        "location": _complete_named,
    }
)

__all__ = ["RULES", "Posting", "Saving"]
