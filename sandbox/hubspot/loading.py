"""Puts data into an account as if it had always been there: no events, no write counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sandbox.clock import iso_milliseconds
from sandbox.hubspot.account import Account, Owner
from sandbox.hubspot.errors import ApiError
from sandbox.hubspot.metadata_api import new_property
from sandbox.hubspot.planning import Planner
from sandbox.hubspot.store import Record
from sandbox.messages import Json, Refusal
from sandbox.seed import Company, Contact, Deal, Product, World, build_world
from sandbox.simulator import BadCommand

FIRST_OWNER_ID: Final = 70_000_001
_KEYS: Final = frozenset({"seed", "sizes", "objects", "properties", "custom_objects"})


def load(account: Account, body: Mapping[str, Json]) -> dict[str, int]:
    """Load a seeded world, or explicit definitions and records:

    ``{"seed": 0, "sizes": {...}}`` or ``{"custom_objects": [{"name", "properties"}], "properties":
    {object: [definition]}, "objects": {object: [{property: value}]}}``.
    """
    unknown = sorted(set(body) - _KEYS)
    if unknown:
        raise BadCommand(f"unknown keys: {', '.join(unknown)}")
    was_silent, account.events.silent = account.events.silent, True
    try:
        for entry in body.get("custom_objects", ()):
            made = account.schema.add_custom(str(entry["name"]))
            for definition in entry.get("properties", ()):
                add_property(account, made.name, definition)
        for word, definitions in body.get("properties", {}).items():
            for definition in definitions:
                add_property(account, word, definition)
        if "seed" in body or "sizes" in body:
            load_world(account, build_world(int(body.get("seed", 0)), body.get("sizes")))
        for word, rows in body.get("objects", {}).items():
            for row in rows:
                create_checked(account, word, row)
    finally:
        account.events.silent = was_silent
    tables = account.store.tables()
    return {name: len(table) for name, table in tables.items()} | {"owners": len(account.owners)}


def add_property(account: Account, word: str, definition: Mapping[str, Json]) -> None:
    """Add a custom property; group, label, type and field type may be left out."""
    object_type = account.schema.find(word)
    if object_type is None:
        raise BadCommand(f"no object type {word}")
    complete = {
        "label": definition["name"],
        "type": "string",
        "fieldType": "text",
        "groupName": next(iter(object_type.groups)),
        **definition,
    }
    try:
        made = new_property(object_type, complete)
    except Refusal as refusal:
        raise BadCommand(refusal.response.body.decode()) from None
    object_type.properties[made.name] = made


def create_checked(account: Account, word: str, row: Mapping[str, Json]) -> Record:
    """Create a record a person could have made; :class:`BadCommand` when they could not."""
    object_type = account.schema.find(word)
    if object_type is None:
        raise BadCommand(f"no object type {word}")
    try:
        return account.create(object_type, Planner(account).plan(object_type, None, dict(row)))
    except ApiError as error:
        raise BadCommand(error.message) from None


def load_world(account: Account, world: World) -> None:
    """Owners, companies, contacts, products and deals with their lines and associations."""
    account.owners = [
        Owner(
            str(FIRST_OWNER_ID + number),
            9_000_001 + number,
            owner.email,
            owner.first_name,
            owner.last_name,
            archived=not owner.active,
        )
        for number, owner in enumerate(world.owners)
    ]
    companies = [_company(account, company) for company in world.companies]
    contacts = [_contact(account, contact) for contact in world.contacts]
    for contact, record in zip(world.contacts, contacts, strict=True):
        if contact.company is not None:
            account.associate(record, companies[contact.company], ())
    products = [_product(account, product, world) for product in world.products]
    for deal in world.deals:
        record = _deal(account, deal)
        if deal.company is not None:
            account.associate(record, companies[deal.company], ())
        for person in deal.contacts:
            account.associate(record, contacts[person], ())
        _lines(account, record, deal, world, products)
    sources: list[Company | Contact] = [*world.companies, *world.contacts]
    for source, record in zip(sources, [*companies, *contacts], strict=True):
        if source.archived:
            account.store.archive(record)


def _owner_id(account: Account, index: int) -> str:
    return account.owners[index].id


def _company(account: Account, company: Company) -> Record:
    values = {
        "name": company.name,
        "domain": company.domain,
        "website": f"https://www.{company.domain}" if company.domain else "",
        "industry": company.industry,
        "country": company.country,
        "city": company.city,
        "state": company.state,
        "zip": company.postal_code,
        "phone": company.phone,
        "numberofemployees": str(company.employees),
        "annualrevenue": str(company.annual_revenue),
        "hubspot_owner_id": _owner_id(account, company.owner),
        "lifecyclestage": "opportunity",
    }
    return account.create(account.schema.types["companies"], values, company.created_at)


def _contact(account: Account, contact: Contact) -> Record:
    values = {
        "email": contact.email.lower(),
        "firstname": contact.first_name,
        "lastname": contact.last_name,
        "phone": contact.phone,
        "jobtitle": contact.job_title,
        "hubspot_owner_id": _owner_id(account, contact.owner),
        "lifecyclestage": contact.lifecycle_stage,
    }
    return account.create(account.schema.types["contacts"], values, contact.created_at)


def _product(account: Account, product: Product, world: World) -> Record:
    values = {
        "name": product.name,
        "price": str(product.price),
        "hs_sku": product.sku,
        "recurringbillingfrequency": product.billing or "",
        "hs_recurring_billing_period": product.term or "",
    }
    oldest = min((c.created_at for c in world.companies), default=None)
    return account.create(account.schema.types["products"], values, oldest)


def _deal(account: Account, deal: Deal) -> Record:
    values = {
        "dealname": deal.name,
        "dealstage": deal.stage,
        "pipeline": "default",
        "amount": str(deal.amount),
        "deal_currency_code": deal.currency,
        "closedate": f"{deal.close_date.isoformat()}T00:00:00.000Z",
        "hubspot_owner_id": _owner_id(account, deal.owner),
        "dealtype": "newbusiness",
    }
    return account.create(account.schema.types["deals"], values, deal.created_at)


def _lines(
    account: Account, deal: Record, source: Deal, world: World, products: list[Record]
) -> None:
    for line in source.lines:
        product = world.products[line.product]
        values = {
            "name": product.name,
            "hs_sku": product.sku,
            "hs_product_id": products[line.product].id,
            "price": str(line.price),
            "quantity": str(line.quantity),
            "recurringbillingfrequency": product.billing or "",
            "hs_recurring_billing_period": product.term or "",
            "hs_line_item_currency_code": source.currency,
            "hs_recurring_billing_start_date": _start(source, product),
        }
        record = account.create(account.schema.types["line_items"], values, source.created_at)
        account.associate(deal, record, ())


def _start(deal: Deal, product: Product) -> str:
    """The first day of what recurs, where the deal was won."""
    if product.billing is None or deal.starts_on is None:
        return ""
    return deal.starts_on.isoformat()


def snapshot(account: Account) -> dict[str, dict[str, Json]]:
    """Everything there is, archived and merged records included."""
    objects: dict[str, dict[str, Json]] = {
        "owners": {o.id: {"email": o.email} for o in account.owners}
    }
    for name, table in account.store.tables().items():
        objects[name] = {
            id: {
                "id": id,
                "properties": dict(record.properties),
                "createdAt": iso_milliseconds(record.created_at),
                "updatedAt": iso_milliseconds(record.updated_at),
                "archived": record.archived,
                "mergedInto": record.merged_into,
                "associations": {
                    to: sorted(
                        (o for t, o in account.associations.everything_of(name, id) if t == to),
                        key=int,
                    )
                    for to in {t for t, _ in account.associations.everything_of(name, id)}
                },
            }
            for id, record in table.items()
        }
    return objects
