"""Contacts, leads, users, and the roles contacts play in opportunities."""

from __future__ import annotations

from typing import Final

from sandbox.salesforce.errors import Refusal
from sandbox.salesforce.org import Org
from sandbox.salesforce.rules.base import ObjectRules, Save
from sandbox.salesforce.values import Row


def _derive_name(save: Save) -> None:
    parts = (save.row.get("FirstName"), save.row.get("LastName"))
    save.row["Name"] = " ".join(part for part in parts if part)


def _before_lead(save: Save) -> None:
    if save.old is not None and save.old.get("IsConverted"):
        raise Refusal("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
    _derive_name(save)


def _before_role(save: Save) -> None:
    row = save.row
    others = save.org.table("OpportunityContactRole").children(
        "OpportunityId", row["OpportunityId"]
    )
    for other in others:
        same_contact = other["ContactId"] == row["ContactId"] and other["Id"] != row["Id"]
        if same_contact and other.get("Role") == row.get("Role"):
            raise Refusal("DUPLICATE_VALUE", "This contact already has this role")


def _after_role(org: Org, row: Row) -> None:
    """Only one contact is primary: the latest to be made so."""
    if not row.get("IsPrimary") or row["IsDeleted"]:
        return
    others = org.table("OpportunityContactRole").children("OpportunityId", row["OpportunityId"])
    for other in others:
        if other["Id"] != row["Id"] and other.get("IsPrimary"):
            org.revise(other["Id"], {"IsPrimary": False})


CONTACTS: Final = ObjectRules(before_save=_derive_name)
LEADS: Final = ObjectRules(before_save=_before_lead)
USERS: Final = ObjectRules(before_save=_derive_name)
ROLES: Final = ObjectRules(before_save=_before_role, after_change=_after_role)
