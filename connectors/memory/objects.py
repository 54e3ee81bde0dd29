"""What a memory account can hold, and two ready-made sets of objects.

``crm_objects`` behaves like a marketing CRM: modified times in milliseconds, a search index that
lags, associations, archiving, merges that keep one id. ``sales_objects`` behaves like a sales CRM:
modified times in whole seconds, an external id field, parent fields, strict selections, leads that
convert. Both are fictitious; the real vendors' facts are in their own connectors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from connectors.base import (
    CreateIdentity,
    FieldDescription,
    FieldType,
    Granularity,
    ObjectDescription,
    ObjectSpec,
    PartialBatch,
)
from connectors.memory.describing import choice, fields, reference, text, typed
from connectors.records import Fields

SOURCE: Final = "connectors/memory/objects.py"


@dataclass(frozen=True, slots=True)
class MemoryObject:
    """One object of a memory account: its declared facts and its habits.

    ``parents`` maps a root object to the field of this object that holds the root's id, or to ""
    where the two are associated. ``search_lag`` is how long the search index, and with it the feed
    of changes, trails behind a write. ``archives`` makes a delete leave an archived record that can
    be restored. ``strict_selection`` refuses unknown fields in a read instead of leaving them out.
    ``trims`` strips text and stores empty text as blank; ``lowers`` names fields stored in lower
    case: two habits that make a stored value differ from the one sent. ``answers_values`` makes a
    write answer what it stored and when; otherwise it answers an id.
    ``create_only`` fields are given when the record is made, and refused ever after, whatever value
    they come with. ``acts`` maps an action to the values it gives the record, beside those sent
    with it. ``indexed`` fields can be looked up without reading everything; ``required`` ones must
    be sent.
    """

    spec: ObjectSpec
    fields: Mapping[str, FieldDescription]
    prefix: str
    parents: Mapping[str, str] = field(default_factory=dict)
    search_lag: timedelta = timedelta(0)
    archives: bool = False
    strict_selection: bool = False
    trims: bool = False
    lowers: frozenset[str] = frozenset()
    answers_values: bool = True
    create_only: frozenset[str] = frozenset()
    acts: Mapping[str, Fields] = field(default_factory=dict)
    indexed: tuple[str, ...] = field(init=False)
    required: tuple[str, ...] = field(init=False)

    @property
    def name(self) -> str:
        return self.spec.name

    def __post_init__(self) -> None:
        unique = {name for name, described in self.fields.items() if described.unique}
        links = {link for link in self.parents.values() if link}
        wanted = tuple(sorted(unique | links | set(self.spec.match_keys)))
        required = tuple(name for name, one in self.fields.items() if one.required_on_create)
        object.__setattr__(self, "indexed", wanted)
        object.__setattr__(self, "required", required)

    def description(self, dropped: frozenset[tuple[str, str]]) -> ObjectDescription:
        """The object without the fields the account does not have."""
        fields = {
            name: described
            for name, described in self.fields.items()
            if (self.name, name) not in dropped
        }
        return ObjectDescription(self.name, self.spec.label, fields)


_CRM: Final = ObjectSpec(
    name="",
    label="",
    granularity=Granularity.ORDERED,
    cursor_field="modified",
    batch_read=100,
    batch_write=100,
    page_list=100,
    page_changes=200,
    batch_search=5,
    create_identity=CreateIdentity.UNIQUE_PROPERTY,
    identity_field="revline_id",
    delete_source="removed",
    source=SOURCE,
)
_CRM_LAG: Final = timedelta(seconds=10)


def _crm(
    spec: ObjectSpec, prefix: str, *described: FieldDescription, parent: str = ""
) -> MemoryObject:
    return MemoryObject(
        spec=spec,
        fields=fields(*described, text("revline_id", "Revline id", unique=True, length=64)),
        prefix=prefix,
        parents={parent: ""} if parent else {},
        search_lag=_CRM_LAG,
        archives=True,
        lowers=frozenset({"email"}),
    )


def crm_objects() -> tuple[MemoryObject, ...]:
    """Companies, contacts, deals, line items and products."""
    companies = replace(
        _CRM,
        name="companies",
        label="Companies",
        match_keys=("domain",),
        associations=("contacts", "deals"),
    )
    contacts = replace(
        _CRM,
        name="contacts",
        label="Contacts",
        match_keys=("email",),
        associations=("companies", "deals"),
        subject=True,
    )
    deals = replace(
        _CRM,
        name="deals",
        label="Deals",
        associations=("companies", "contacts", "line_items"),
        children=("line_items",),
    )
    line_items = replace(_CRM, name="line_items", label="Line items", associations=("deals",))
    products = replace(_CRM, name="products", label="Products", match_keys=("hs_sku",))
    return (
        _crm(
            companies,
            "co",
            text("name"),
            text("domain"),
            text("city"),
            typed("numberofemployees", FieldType.INTEGER),
            typed("annualrevenue", FieldType.DECIMAL),
            choice("lifecyclestage", "lead", "opportunity", "customer"),
        ),
        _crm(
            contacts,
            "ct",
            text("email", unique=True),
            text("firstname"),
            text("lastname"),
            text("phone"),
            choice("lifecyclestage", "lead", "opportunity", "customer"),
            choice("interests", "billing", "quoting", "revenue", many=True),
            typed("consented_at", FieldType.INSTANT),
            typed("opted_out", FieldType.BOOLEAN),
        ),
        _crm(
            deals,
            "de",
            text("dealname"),
            typed("amount", FieldType.DECIMAL),
            text("deal_currency_code", length=3),
            choice("dealstage", "appointment", "proposal", "closedwon", "closedlost"),
            typed("closedate", FieldType.DATE),
        ),
        _crm(
            line_items,
            "li",
            text("name"),
            text("hs_sku"),
            typed("quantity", FieldType.DECIMAL),
            typed("price", FieldType.DECIMAL),
            parent="deals",
        ),
        _crm(
            products,
            "pr",
            text("name"),
            text("hs_sku", unique=True),
            typed("price", FieldType.DECIMAL),
        ),
    )


_SALES: Final = ObjectSpec(
    name="",
    label="",
    granularity=Granularity.COARSE,
    cursor_field="SystemModstamp",
    batch_read=200,
    batch_write=200,
    page_list=2000,
    page_changes=2000,
    batch_search=100,
    create_identity=CreateIdentity.EXTERNAL_ID,
    identity_field="Revline_Id__c",
    delete_source="removed",
    source=SOURCE,
)


def _sales(
    spec: ObjectSpec,
    prefix: str,
    *described: FieldDescription,
    parent: str = "",
    link: str = "",
    create_only: tuple[str, ...] = (),
) -> MemoryObject:
    return MemoryObject(
        spec=spec,
        fields=fields(*described, text("Revline_Id__c", "Revline id", unique=True, length=64)),
        prefix=prefix,
        parents={parent: link} if parent else {},
        strict_selection=True,
        trims=True,
        lowers=frozenset({"Email"}),
        answers_values=False,
        create_only=frozenset(create_only),
    )


def sales_objects() -> tuple[MemoryObject, ...]:
    """Accounts, contacts, leads, opportunities with lines, products and price book entries."""

    def spec(
        name: str,
        label: str,
        *,
        match: tuple[str, ...] = (),
        children: tuple[str, ...] = (),
        subject: bool = False,
        partial: PartialBatch = PartialBatch.PER_RECORD,
    ) -> ObjectSpec:
        return replace(
            _SALES,
            name=name,
            label=label,
            match_keys=match,
            children=children,
            subject=subject,
            partial_batch=partial,
        )

    return (
        _sales(
            spec("Account", "Account", match=("Website", "Name"), children=("Contact",)),
            "001",
            text("Name", required=True, length=255),
            text("Website", length=255),
            text("BillingCity", length=40),
            typed("NumberOfEmployees", FieldType.INTEGER),
            typed("AnnualRevenue", FieldType.DECIMAL, scale=2),
        ),
        _sales(
            spec("Contact", "Contact", match=("Email",), subject=True),
            "003",
            text("LastName", required=True, length=80),
            text("FirstName", length=40),
            text("Email", length=80),
            text("Phone", length=40),
            reference("AccountId", "Account"),
            parent="Account",
            link="AccountId",
        ),
        _sales(
            spec("Lead", "Lead", match=("Email",), subject=True),
            "00Q",
            text("LastName", required=True, length=80),
            text("Company", required=True, length=255),
            text("FirstName", length=40),
            text("Email", length=80),
            text("Phone", length=40),
            choice("Status", "Open", "Working", "Qualified", "Converted"),
            typed("HasOptedOutOfEmail", FieldType.BOOLEAN),
            typed("ConsentedAt__c", FieldType.INSTANT),
            choice("Interests__c", "billing", "quoting", "revenue", many=True),
        ),
        _sales(
            spec("Opportunity", "Opportunity", children=("OpportunityLineItem",)),
            "006",
            text("Name", required=True, length=120),
            choice(
                "StageName", "Prospecting", "Proposal", "Closed Won", "Closed Lost", required=True
            ),
            typed("CloseDate", FieldType.DATE, required=True),
            typed("Amount", FieldType.DECIMAL, scale=2),
            text("CurrencyIsoCode", length=3),
            reference("AccountId", "Account"),
        ),
        _sales(
            spec("OpportunityLineItem", "Opportunity product"),
            "00k",
            reference("OpportunityId", "Opportunity", required=True),
            reference("PricebookEntryId", "PricebookEntry", required=True),
            typed("Quantity", FieldType.DECIMAL, required=True),
            typed("UnitPrice", FieldType.DECIMAL, scale=2),
            parent="Opportunity",
            link="OpportunityId",
            create_only=("OpportunityId", "PricebookEntryId"),
        ),
        _sales(
            spec("Product2", "Product", match=("ProductCode",), children=("PricebookEntry",)),
            "01t",
            text("Name", required=True, length=255),
            text("ProductCode", length=255),
            typed("IsActive", FieldType.BOOLEAN),
        ),
        _sales(
            spec("PricebookEntry", "Price book entry", partial=PartialBatch.ALL_OR_NOTHING),
            "01u",
            reference("Product2Id", "Product2", required=True),
            text("CurrencyIsoCode", length=3),
            typed("UnitPrice", FieldType.DECIMAL, required=True, scale=2),
            parent="Product2",
            link="Product2Id",
            create_only=("Product2Id",),
        ),
    )


def billing_objects() -> tuple[MemoryObject, ...]:
    """One object without a modified time whose creates are safe by an idempotency key alone."""
    spec = ObjectSpec(
        name="charges",
        label="Charges",
        granularity=Granularity.NONE,
        cursor_field=None,
        batch_read=1,
        batch_write=1,
        page_list=100,
        page_changes=100,
        batch_search=1,
        create_identity=CreateIdentity.IDEMPOTENCY_KEY,
        identity_field=None,
        replay_horizon=timedelta(hours=24),
        source=SOURCE,
    )
    described = fields(
        text("customer", required=True),
        typed("amount", FieldType.DECIMAL, required=True),
        text("currency", required=True, length=3),
    )
    return (MemoryObject(spec=spec, fields=described, prefix="ch_"),)


OBJECT_SETS: Final = ("crm", "sales", "billing")


def object_set(name: str) -> tuple[MemoryObject, ...]:
    """A ready-made set by its name in the settings."""
    match name:
        case "crm":
            return crm_objects()
        case "sales":
            return sales_objects()
        case "billing":
            return billing_objects()
    raise ValueError(f"there is no object set {name!r}; there are {', '.join(OBJECT_SETS)}")
