"""What the platform derives and refuses per object, besides types and required fields."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sandbox.salesforce.org import Org
from sandbox.salesforce.rules.base import NO_RULES, ObjectRules
from sandbox.salesforce.rules.lines import OPPORTUNITY_LINES, ORDER_LINES, QUOTE_LINES
from sandbox.salesforce.rules.opportunity import OPPORTUNITIES
from sandbox.salesforce.rules.paper import CONTRACTS, ORDERS, QUOTES
from sandbox.salesforce.rules.people import CONTACTS, LEADS, ROLES, USERS
from sandbox.salesforce.rules.prices import PRICE_BOOKS, PRICES, PRODUCTS

RULES: Final[Mapping[str, ObjectRules]] = MappingProxyType(
    {
        "Contact": CONTACTS,
        "Contract": CONTRACTS,
        "Lead": LEADS,
        "Opportunity": OPPORTUNITIES,
        "OpportunityContactRole": ROLES,
        "OpportunityLineItem": OPPORTUNITY_LINES,
        "Order": ORDERS,
        "OrderItem": ORDER_LINES,
        "Pricebook2": PRICE_BOOKS,
        "PricebookEntry": PRICES,
        "Product2": PRODUCTS,
        "Quote": QUOTES,
        "QuoteLineItem": QUOTE_LINES,
        "User": USERS,
    }
)


def rules_of(object_name: str, org: Org) -> ObjectRules:
    """The rules of an object, those of installed packages included."""
    return org.triggers.get(object_name) or RULES.get(object_name, NO_RULES)
