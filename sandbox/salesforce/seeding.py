"""What a fresh org holds: users, a price book, and records that overlap HubSpot's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from sandbox.salesforce.org import Org
from sandbox.salesforce.schema import CURRENCIES
from sandbox.salesforce.values import instant_text
from sandbox.salesforce.writing import Writer
from sandbox.seed import WORLD_NOW, Company, Contact, Product, World

INTEGRATION_USER: Final = "integration@revline.example"
KNOWN_COMPANIES: Final = (0, 2, 5, 7, 10, 14)  # 5 and 7 share one domain
LEADS_FROM: Final = 30  # contacts before this one may be contacts here too
_WEBSITES: Final = ("https://www.{}/", "{}", "http://{}", "www.{}")


# HubSpot's billing frequency: the package's own word, and the months that one price pays for.
_FREQUENCIES: Final[Mapping[str, tuple[str, int]]] = {
    "monthly": ("Monthly", 1),
    "quarterly": ("Quarterly", 3),
    "per_six_months": ("Semiannual", 6),
    "annually": ("Annual", 12),
}


def found_org(org: Org) -> None:
    """The org itself, its integration user and the standard price book."""
    writer = Writer(org, as_system=True)
    writer.create(
        "Organization",
        {
            "Name": "Revline Sandbox Org",
            "IsSandbox": True,
            "OrganizationType": "Enterprise Edition",
            "InstanceName": "CS99",
            "TimeZoneSidKey": "Europe/Berlin",
            "LanguageLocaleKey": "en_US",
            "DefaultLocaleSidKey": "en_US",
        },
    )
    user = writer.create(
        "User",
        {
            "Username": INTEGRATION_USER,
            "FirstName": "Revline",
            "LastName": "Integration",
            "Email": INTEGRATION_USER,
            "Alias": "revline",
        },
    )
    org.user_id = user.row["Id"]
    book = {"Name": "Standard Price Book", "IsActive": True, "IsStandard": True}
    writer.create("Pricebook2", book)


def populate(org: Org, world: World) -> None:
    """Users for the world's owners, and the few of its customers that are known here already."""
    writer = Writer(org, as_system=True)
    users = [_user(writer, index, owner) for index, owner in enumerate(world.owners)]
    accounts = {
        index: _account(writer, place, world.companies[index], users)
        for place, index in enumerate(KNOWN_COMPANIES)
        if index < len(world.companies)
    }
    _people(writer, world, accounts, users)
    if world.products:
        _product(org, writer, world)


def _user(writer: Writer, index: int, owner: Any) -> str:
    body = {
        "Username": owner.email,
        "Email": owner.email,
        "FirstName": owner.first_name,
        "LastName": owner.last_name,
        "Alias": f"user{index}",
        "IsActive": owner.active,
    }
    id: str = writer.create("User", body).row["Id"]
    return id


def _dated(thing: Company | Contact) -> dict[str, str]:
    created = instant_text(min(thing.created_at, WORLD_NOW))
    return {"CreatedDate": created, "LastModifiedDate": created, "SystemModstamp": created}


def _account(writer: Writer, place: int, company: Company, users: list[str]) -> str:
    website = _WEBSITES[place % len(_WEBSITES)].format(company.domain) if company.domain else None
    body = {
        "Name": company.name or "Unnamed",
        "Website": website,
        "Phone": company.phone,
        "BillingCity": company.city,
        "BillingCountry": company.country,
        "NumberOfEmployees": company.employees,
        "CurrencyIsoCode": company.currency if company.currency in CURRENCIES else CURRENCIES[0],
        "OwnerId": users[company.owner],
        **_dated(company),
    }
    id: str = writer.create("Account", _fitting(writer, "Account", body)).row["Id"]
    return id


def _fitting(writer: Writer, object_name: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Without CurrencyIsoCode where the org has one currency only."""
    known = writer.object(object_name).fields
    return {name: value for name, value in body.items() if name in known}


def _people(writer: Writer, world: World, accounts: Mapping[int, str], users: list[str]) -> None:
    """Up to six contacts of known accounts, and up to eight leads; two addresses in capitals."""
    candidates = [person for person in world.contacts if person.email and not person.archived]
    early, late = candidates[:LEADS_FROM], candidates[LEADS_FROM:]
    known = [person for person in early if person.company in accounts][:6]
    for place, person in enumerate(known):
        body = {"AccountId": accounts[person.company or 0], "Title": person.job_title}
        writer.create("Contact", {**_person(place, person, users), **body})
    for place, person in enumerate(_every(late, 7, 8)):
        company = world.companies[person.company].name if person.company is not None else ""
        body = {"Company": company or "[not provided]", "Title": person.job_title}
        writer.create("Lead", {**_person(place, person, users), **body})


def _every(people: list[Contact], step: int, most: int) -> Iterable[Contact]:
    return people[::step][:most]


def _person(place: int, person: Contact, users: list[str]) -> dict[str, Any]:
    return {
        "FirstName": person.first_name or None,
        "LastName": person.last_name or "[not provided]",
        "Email": person.email.upper() if place == 1 else person.email,
        "Phone": person.phone,
        "OwnerId": users[person.owner],
        **_dated(person),
    }


def subscription_of(product: Product) -> dict[str, Any]:
    """How the quoting package is told that a product recurs; nothing for one sold once."""
    if product.billing is None:
        return {}
    frequency, months = _FREQUENCIES[product.billing]
    return {
        "SBQQ__SubscriptionPricing__c": "Fixed Price",
        "SBQQ__SubscriptionType__c": "Renewable",
        "SBQQ__SubscriptionTerm__c": months,
        "SBQQ__ChargeType__c": "Recurring",
        "SBQQ__BillingFrequency__c": frequency,
        "SBQQ__BillingType__c": "Advance",
    }


def _product(org: Org, writer: Writer, world: World) -> None:
    """The first product is in the catalogue already, priced in the first currency."""
    first = world.products[0]
    body = {
        "Name": first.name,
        "ProductCode": first.sku,
        "StockKeepingUnit": first.sku,
        "IsActive": True,
        **subscription_of(first),
    }
    product = writer.create("Product2", _fitting(writer, "Product2", body))
    book = next(row for row in org.table("Pricebook2") if row.get("IsStandard"))
    entry = {
        "Pricebook2Id": book["Id"],
        "Product2Id": product.row["Id"],
        "UnitPrice": first.price,
        "IsActive": True,
    }
    writer.create("PricebookEntry", entry)
