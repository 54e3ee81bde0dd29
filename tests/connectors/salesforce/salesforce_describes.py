"""Describe answers, written by hand, for tests that need no org."""

from __future__ import annotations

from typing import Any


def field(name: str, type: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "label": name,
        "type": type,
        "createable": True,
        "updateable": True,
        "nillable": True,
        "defaultedOnCreate": False,
        "unique": False,
        "externalId": False,
        "caseSensitive": False,
        "filterable": True,
        "picklistValues": [],
        "referenceTo": [],
        "relationshipName": None,
        "restrictedPicklist": False,
        "length": 0,
        "scale": 0,
    } | more


SYSTEM = [
    field("Id", "id"),
    field("IsDeleted", "boolean"),
    field("SystemModstamp", "datetime"),
]
OWNER = field("OwnerId", "reference", referenceTo=["Group", "User"], relationshipName="Owner")

DESCRIBES: dict[str, dict[str, Any]] = {
    "Account": {
        "name": "Account",
        "label": "Account",
        "fields": [
            *SYSTEM,
            OWNER,
            field("MasterRecordId", "reference", referenceTo=["Account"]),
            field("ParentId", "reference", referenceTo=["Account"], relationshipName="Parent"),
            field("Name", "string", nillable=False, length=255),
            field("Website", "url"),
            field("AnnualRevenue", "currency", scale=2),
            field("NumberOfEmployees", "int"),
            field("Description", "textarea", filterable=False),
            field("Revline_Id__c", "string", unique=True, externalId=True, caseSensitive=True),
            field(
                "Industry",
                "picklist",
                picklistValues=[
                    {"value": "Energy", "label": "Strom", "active": True},
                    {"value": "Old", "label": "Old", "active": False},
                ],
            ),
            field("Regions__c", "multipicklist"),
            field("BillingAddress", "address"),
            field("Since__c", "date"),
        ],
    },
    "Contact": {
        "name": "Contact",
        "label": "Contact",
        "fields": [
            *SYSTEM,
            OWNER,
            field("MasterRecordId", "reference", referenceTo=["Contact"]),
            field("AccountId", "reference", referenceTo=["Account"], relationshipName="Account"),
            field("LastName", "string", nillable=False),
            field("Email", "email"),
        ],
    },
    "Lead": {
        "name": "Lead",
        "label": "Lead",
        "fields": [
            *SYSTEM,
            field("MasterRecordId", "reference", referenceTo=["Lead"]),
            field("IsConverted", "boolean"),
            field("ConvertedContactId", "reference", referenceTo=["Contact"]),
            field("ConvertedAccountId", "reference", referenceTo=["Account"]),
            field("ConvertedOpportunityId", "reference", referenceTo=["Opportunity"]),
            field("Email", "email"),
            field("Company", "string"),
        ],
    },
    "User": {
        "name": "User",
        "label": "User",
        "fields": [field("Id", "id"), field("SystemModstamp", "datetime"), field("Name", "string")],
    },
}
