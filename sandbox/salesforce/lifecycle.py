"""Merging records and converting leads: done by people in the screens, felt by everyone."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from sandbox.salesforce import ids
from sandbox.salesforce.errors import Refusal
from sandbox.salesforce.org import Org
from sandbox.salesforce.values import Row
from sandbox.salesforce.writing import Writer

_CONVERTED: Final = "Closed - Converted"
_TO_ACCOUNT: Final = (
    "Website", "Industry", "AnnualRevenue", "NumberOfEmployees", "Phone", "OwnerId",
    "CurrencyIsoCode",
)  # fmt: skip
_TO_CONTACT: Final = (
    "Salutation", "FirstName", "LastName", "Email", "Phone", "MobilePhone", "Title", "LeadSource",
    "OwnerId", "CurrencyIsoCode",
)  # fmt: skip


def merge(org: Org, survivor_id: str, loser_id: str) -> Row:
    """Fold one record into another of the same object.

    The survivor keeps its values; what pointed at the loser points at the survivor; the loser lies
    in the recycle bin with ``MasterRecordId``.
    """
    survivor, loser = (org.live(ids.normalise(id)) for id in (survivor_id, loser_id))
    if survivor is None or loser is None or survivor["Id"] == loser["Id"]:
        raise Refusal("INVALID_CROSS_REFERENCE_KEY", "merge needs two live records")
    spec = org.schema.by_prefix[survivor["Id"][:3]]
    if not spec.mergeable or loser["Id"][:3] != spec.prefix:
        raise Refusal("INVALID_TYPE", "only two accounts, contacts or leads can be merged")
    with org.savepoint():
        for child, field in org.schema.children[spec.name]:
            table = org.table(child.name)
            if field.name != "MasterRecordId" and table.is_reference(field.name):
                for row in list(table.children(field.name, loser["Id"])):
                    org.revise(row["Id"], {field.name: survivor["Id"]})
        org.revise(loser["Id"], {"IsDeleted": True, "MasterRecordId": survivor["Id"]})
        return org.revise(survivor["Id"], {})


def convert(org: Org, lead_id: str, options: Mapping[str, Any]) -> Row:
    """Turn a lead into a contact of an account, and an opportunity if asked for.

    ``options``: ``account_id``, ``contact_id`` (existing ones), ``opportunity`` (false, true, or
    the opportunity's name).
    """
    lead = org.live(ids.normalise(lead_id))
    if lead is None or org.object_of(lead["Id"]) != "Lead" or lead["IsConverted"]:
        raise Refusal("CANNOT_UPDATE_CONVERTED_LEAD", "the lead is gone or converted already")
    writer = Writer(org, as_system=True)
    with org.savepoint():
        account_id = options.get("account_id") or _account_of(writer, lead)
        contact_id = options.get("contact_id") or _contact_of(writer, lead, account_id)
        opportunity_id = _opportunity_of(org, writer, lead, account_id, contact_id, options)
        changes = {
            "IsConverted": True,
            "Status": _CONVERTED,
            "ConvertedDate": org.now().date().isoformat(),
            "ConvertedAccountId": ids.normalise(account_id),
            "ConvertedContactId": ids.normalise(contact_id),
            "ConvertedOpportunityId": opportunity_id,
            "IsUnreadByOwner": False,
        }
        return org.revise(lead["Id"], changes)


def _taken(lead: Row, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: lead[name] for name in names if lead.get(name) is not None}


def _account_of(writer: Writer, lead: Row) -> str:
    body = {"Name": lead["Company"], **_taken(lead, _TO_ACCOUNT)}
    for part in ("Street", "City", "State", "PostalCode", "Country"):
        body[f"Billing{part}"] = lead.get(part)
    id: str = writer.create("Account", body).row["Id"]
    return id


def _contact_of(writer: Writer, lead: Row, account_id: str) -> str:
    body = {"AccountId": account_id, **_taken(lead, _TO_CONTACT)}
    id: str = writer.create("Contact", body).row["Id"]
    return id


def _opportunity_of(
    org: Org,
    writer: Writer,
    lead: Row,
    account_id: str,
    contact_id: str,
    options: Mapping[str, Any],
) -> str | None:
    wanted = options.get("opportunity", False)
    if not wanted:
        return None
    today = org.now().date()
    month = (today.month + 2) // 3 * 3
    closes = date(today.year, month, calendar.monthrange(today.year, month)[1])
    body = {
        "Name": wanted if isinstance(wanted, str) else f"{lead['Company']}-",
        "AccountId": account_id,
        "StageName": next(iter(org.schema.stages)),
        "CloseDate": closes.isoformat(),
        **_taken(lead, ("LeadSource", "OwnerId", "CurrencyIsoCode")),
    }
    opportunity = writer.create("Opportunity", body).row
    role = {"OpportunityId": opportunity["Id"], "ContactId": contact_id, "IsPrimary": True}
    writer.create("OpportunityContactRole", role)
    id: str = opportunity["Id"]
    return id
