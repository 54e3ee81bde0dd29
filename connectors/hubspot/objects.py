"""What HubSpot's objects are like, as data. Nothing here imports the SDK.

Facts come from the object reference and guides on developers.hubspot.com: "CRM API | Objects",
"Search the CRM", "Associations v4", "API usage guidelines and limits".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from connectors.base import (
    ConnectorSpec,
    CreateIdentity,
    Granularity,
    LimitClass,
    ObjectSpec,
    Setting,
)

BATCH_MAX: Final = 100
LIST_PAGE_MAX: Final = 100
SEARCH_PAGE_MAX: Final = 200
ASSOCIATION_BATCH_MAX: Final = 1000
IDENTITY_FIELD: Final = "revline_id"
MODIFIED_DEFAULT: Final = "hs_lastmodifieddate"
RECORD_ID: Final = "hs_object_id"
MERGED_IDS: Final = "hs_merged_object_ids"

BURST: Final = "burst"
SEARCH: Final = "search"
ASSOCIATIONS: Final = "associations"
DAILY: Final = "daily"


@dataclass(frozen=True, slots=True)
class ObjectNames:
    """How HubSpot calls one object: in paths, in webhook subscriptions, by type id."""

    plural: str
    singular: str
    type_id: str


NAMES: Final = (
    ObjectNames("contacts", "contact", "0-1"),
    ObjectNames("companies", "company", "0-2"),
    ObjectNames("deals", "deal", "0-3"),
    ObjectNames("tickets", "ticket", "0-5"),
    ObjectNames("products", "product", "0-7"),
    ObjectNames("line_items", "line_item", "0-8"),
    ObjectNames("quotes", "quote", "0-14"),
    ObjectNames("invoices", "invoice", "0-52"),
    ObjectNames("leads", "lead", "0-136"),
)
BY_SINGULAR: Final[Mapping[str, str]] = MappingProxyType(
    {names.singular: names.plural for names in NAMES}
)
BY_TYPE_ID: Final[Mapping[str, str]] = MappingProxyType(
    {names.type_id: names.plural for names in NAMES}
)
STANDARD: Final[frozenset[str]] = frozenset(names.plural for names in NAMES)

# Objects whose records can be merged into one another ("Merge records", CRM objects guides).
MERGEABLE: Final[frozenset[str]] = frozenset({"contacts", "companies", "deals", "tickets"})

# The association type that marks one record of several as the primary one ("Association type ID
# values" of the associations guide), by (from, to).
PRIMARY_TYPE_IDS: Final[Mapping[tuple[str, str], int]] = MappingProxyType(
    {
        ("contacts", "companies"): 1,
        ("companies", "contacts"): 2,
        ("deals", "companies"): 5,
        ("companies", "deals"): 6,
    }
)


def modified_field(object: str) -> str:
    """The property that holds an object's modified time; contacts keep their historical name."""
    return "lastmodifieddate" if object == "contacts" else MODIFIED_DEFAULT


def _scope(name: str) -> str:
    """An object's name in scopes; custom objects share one ("Scopes")."""
    return "custom" if name == "*" else name


def _object(
    name: str,
    label: str,
    *,
    match_keys: tuple[str, ...] = (),
    associations: tuple[str, ...] = (),
    children: tuple[str, ...] = (),
    subject: bool = False,
) -> ObjectSpec:
    return ObjectSpec(
        name=name,
        label=label,
        granularity=Granularity.ORDERED,
        cursor_field=modified_field(name),
        batch_read=BATCH_MAX,
        batch_write=BATCH_MAX,
        page_list=LIST_PAGE_MAX,
        page_changes=SEARCH_PAGE_MAX,
        batch_search=BATCH_MAX,
        create_identity=CreateIdentity.UNIQUE_PROPERTY,
        identity_field=IDENTITY_FIELD,
        delete_source="the list of archived records, and deletion webhooks",
        match_keys=match_keys,
        associations=associations,
        children=children,
        subject=subject,
        read_permission=f"crm.objects.{_scope(name)}.read",
        write_permission=f"crm.objects.{_scope(name)}.write",
        source="developers.hubspot.com: CRM API, Search the CRM, usage guidelines",
    )


_OWNERS: Final = ObjectSpec(
    name="owners",
    label="Owner",
    granularity=Granularity.ORDERED,
    cursor_field="updatedAt",
    batch_read=LIST_PAGE_MAX,
    batch_write=1,
    page_list=LIST_PAGE_MAX,
    page_changes=LIST_PAGE_MAX,
    batch_search=LIST_PAGE_MAX,
    create_identity=CreateIdentity.NONE,
    identity_field=None,
    delete_source="the list of archived owners",
    match_keys=("email",),
    subject=True,
    writable=False,
    webhooks=False,
    read_permission="crm.objects.owners.read",
    source="developers.hubspot.com: Owners API",
)

OBJECTS: Final = (
    _object(
        "contacts",
        "Contact",
        match_keys=("email",),
        associations=("companies", "deals"),
        subject=True,
    ),
    _object("companies", "Company", match_keys=("domain",), associations=("contacts", "deals")),
    _object(
        "deals",
        "Deal",
        associations=("companies", "contacts", "line_items"),
        children=("line_items",),
    ),
    _object("line_items", "Line item", associations=("deals",)),
    _object("products", "Product", match_keys=("hs_sku",)),
    _OWNERS,
    _object("*", "Custom object", associations=("companies", "contacts", "deals")),
)

_TEN_SECONDS: Final = timedelta(seconds=10)

# Searches are counted apart ("API usage guidelines", "Search API rate limits").
BURST_OPERATIONS: Final = (
    "check",
    "describe",
    "read",
    "list",
    "removed",
    "lookup",
    "associations",
    "parents",
    "children",
    "apply",
    "inspect",
    "create",
)

LIMITS: Final = (
    LimitClass(
        BURST,
        190,
        _TEN_SECONDS,
        description="All calls of a private app or service key (Professional and Enterprise); "
        "Free and Starter allow 100, a public app 110",
        operations=BURST_OPERATIONS,
    ),
    LimitClass(
        SEARCH,
        5,
        timedelta(seconds=1),
        description="All searches of the account together",
        operations=("changes", "search"),
    ),
    LimitClass(
        ASSOCIATIONS,
        100,
        _TEN_SECONDS,
        description="Calls of the associations API",
        operations=("associations", "parents", "children"),
    ),
    LimitClass(
        DAILY,
        625_000,
        timedelta(days=1),
        description="All calls, until midnight in the account's time zone (Professional)",
    ),
)

SETTINGS: Final = (
    Setting(
        "access_token",
        "Access token",
        "A service key (Settings > Integrations > Service Keys) or a private app's token.",
        secret=True,
        example="pat-na1-…",
    ),
    Setting("client_id", "Client id", "Of a public app that signs in with OAuth."),
    Setting(
        "client_secret",
        "Client secret",
        "Of the app: signs its webhooks, and refreshes OAuth tokens.",
        secret=True,
    ),
    Setting(
        "client_secret_previous",
        "Previous client secret",
        "Still accepted for webhooks while a secret is being replaced.",
        secret=True,
    ),
    Setting(
        "refresh_token", "Refresh token", "Of the app's installation in the account.", secret=True
    ),
    Setting(
        "api_version",
        "API version",
        "The style of the paths: a dated version, or the numbered ones that run out in 2027.",
        default="2026-09",
        choices=("2026-09", "v3"),
    ),
    Setting("base_url", "Base URL", "Where the API is.", default="https://api.hubapi.com"),
    Setting(
        "portal_id",
        "Portal id",
        "The account's number. Where set, webhooks of other accounts of the same app are left out.",
        example="1234567",
    ),
    Setting(
        "app_id",
        "App id",
        "The number of the app that owns the webhooks. Where set, setup looks after its "
        "subscriptions, as far as the token allows.",
        example="54198",
    ),
)

SPEC: Final = ConnectorSpec(
    name="hubspot",
    title="HubSpot",
    settings=SETTINGS,
    objects=OBJECTS,
    limits=LIMITS,
    webhooks=True,
    native_connectors=("HubSpot's own Salesforce integration",),
    documentation="connectors/hubspot/README.md",
)
