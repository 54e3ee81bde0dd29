"""What is declared about Salesforce: settings, objects, limits. Reading it imports no SDK."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from connectors.base import (
    ConnectorSpec,
    CreateIdentity,
    Granularity,
    LimitClass,
    ObjectSpec,
    Setting,
)

IDENTITY_FIELD = "Revline_Id__c"
LIMIT_CLASS = "daily"

# Records per call. A query page holds at most 2,000 rows ("Query Options Header", REST API guide).
PAGE_MAX = 2_000
# sObject Collections take 200 records per call (REST API guide, "Update Multiple Records").
WRITE_MAX = 200
# Half of what an ingest job works on at once: its results still come in one answer.
JOB_MAX = 5_000
# 400 quoted ids are 8,400 characters, which leaves 3,600 of a query's address for its fields.
READ_MAX = 400
SEARCH_MAX = 100
# An account is looked for under ten spellings of its web address.
SEARCH_MAX_ADDRESS = 35

_REFERENCE = "https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta"
_API = "https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta"


def _object(
    name: str,
    label: str,
    *,
    match_keys: tuple[str, ...] = (),
    children: tuple[str, ...] = (),
    subject: bool = False,
    writable: bool = True,
    batch_search: int = SEARCH_MAX,
) -> ObjectSpec:
    page = "sforce_api_objects_concepts" if name == "*" else f"sforce_api_objects_{name.lower()}"
    return ObjectSpec(
        name=name,
        label=label,
        # SystemModstamp is printed with milliseconds that are always .000.
        granularity=Granularity.COARSE,
        cursor_field="SystemModstamp",
        batch_read=READ_MAX,
        batch_write=WRITE_MAX,
        page_list=PAGE_MAX,
        page_changes=PAGE_MAX,
        batch_search=batch_search,
        create_identity=CreateIdentity.EXTERNAL_ID if writable else CreateIdentity.NONE,
        identity_field=IDENTITY_FIELD if writable else None,
        # Long transactions commit with a SystemModstamp from when they began.
        overlap=timedelta(minutes=5),
        delete_source=(
            "IsDeleted in the change feed while a record is in the recycle bin (15 days); the "
            "deleted feed for records removed for good"
        ),
        match_keys=match_keys,
        children=children,
        subject=subject,
        writable=writable,
        source=f"{_REFERENCE}/object_reference/{page}.htm",
    )


OBJECTS: tuple[ObjectSpec, ...] = (
    _object(
        "Account",
        "Account",
        match_keys=("Website", "Name"),
        children=("Contact", "Opportunity"),
        batch_search=SEARCH_MAX_ADDRESS,
    ),
    _object("Contact", "Contact", match_keys=("Email",), subject=True),
    _object("Lead", "Lead", match_keys=("Email",), subject=True),
    _object(
        "Opportunity",
        "Opportunity",
        match_keys=("Name",),
        children=("OpportunityLineItem", "OpportunityContactRole"),
    ),
    _object("OpportunityLineItem", "Opportunity product"),
    _object("OpportunityContactRole", "Opportunity contact role"),
    _object(
        "Product2",
        "Product",
        match_keys=("ProductCode", "StockKeepingUnit"),
        children=("PricebookEntry",),
    ),
    _object("Pricebook2", "Price book", match_keys=("Name",), children=("PricebookEntry",)),
    _object("PricebookEntry", "Price book entry", match_keys=("Pricebook2Id", "Product2Id")),
    _object("User", "User", match_keys=("Email", "Username"), subject=True, writable=False),
    _object("*", "Any other sObject, custom ones included", batch_search=SEARCH_MAX_ADDRESS),
)

SETTINGS: tuple[Setting, ...] = (
    Setting(
        name="login_url",
        title="Login address",
        description=(
            "Where tokens come from: your My Domain address (Setup > My Domain > Current My Domain "
            "URL). The client credentials flow works only there; for a key pair "
            "https://login.salesforce.com or https://test.salesforce.com will do."
        ),
        required=True,
        example="https://acme.my.salesforce.com",
    ),
    Setting(
        name="auth",
        title="OAuth flow",
        description="How we prove who we are: a client secret, or a key pair (JWT bearer).",
        default="client_credentials",
        choices=("client_credentials", "jwt"),
    ),
    Setting(
        name="client_id",
        title="Consumer key",
        description="Setup > App Manager > your connected app > View > Manage Consumer Details.",
        required=True,
        example="3MVG9...",
    ),
    Setting(
        name="client_secret",
        title="Consumer secret",
        description="On the same page as the consumer key. Needed for auth: client_credentials.",
        secret=True,
    ),
    Setting(
        name="username",
        title="Integration user",
        description="The user name to act as. Needed for auth: jwt.",
        example="revline@acme.com",
    ),
    Setting(
        name="private_key",
        title="Private key",
        description=(
            "The RSA key (PEM) whose certificate was uploaded to the connected app under 'Use "
            "digital signatures'. Needed for auth: jwt."
        ),
        secret=True,
    ),
    Setting(
        name="audience",
        title="JWT audience",
        description=(
            "Who the assertion is for; https://test.salesforce.com for a sandbox that logs in by "
            "My Domain. The login address when left out."
        ),
        example="https://login.salesforce.com",
    ),
    Setting(
        name="instance_url",
        title="Instance address",
        description=(
            "Where the data lives, if it is to be fixed. Otherwise the token's answer decides, and "
            "must name a host under salesforce.com or the login host."
        ),
        example="https://acme.my.salesforce.com",
    ),
    Setting(
        name="version",
        title="API version",
        description="The REST API version, see /services/data of your instance.",
        default="67.0",
        example="67.0",
    ),
    Setting(
        name="bulk_from",
        title="Read in bulk from",
        description=(
            "From how many records on a sync's past is read by a query job (Bulk API 2.0), which "
            "takes a few calls however many there are; 0: never."
        ),
        default="10000",
        example="10000",
    ),
    Setting(
        name="bulk_write_from",
        title="Write in bulk from",
        description=(
            "From how many waiting records on a backfill is written by an ingest job (Bulk API "
            "2.0), at most 5,000 in one: about seven calls, and an answer that takes a minute; 0: "
            "never."
        ),
        default="2000",
        example="2000",
    ),
)

SPEC = ConnectorSpec(
    name="salesforce",
    title="Salesforce",
    settings=SETTINGS,
    objects=OBJECTS,
    limits=(
        LimitClass(
            name=LIMIT_CLASS,
            calls=100_000,
            window=timedelta(hours=24),
            concurrency=25,
            description=(
                "API calls of the whole org in a rolling 24 hours: 100,000 plus 1,000 per user "
                "licence in Enterprise Edition; every answer says what is used. At most 25 calls "
                "longer than 20 seconds at once, 5 in developer and trial orgs."
            ),
        ),
    ),
    native_connectors=("HubSpot-Salesforce integration",),
    documentation=f"{_API}/api_rest/intro_rest.htm",
)


def spec_with_jobs(write_from: int) -> ConnectorSpec:
    """What is declared where from so many changes on jobs are made; nought: never."""
    if not write_from:
        return SPEC
    most = max(write_from, JOB_MAX)
    objects = [
        replace(one, job_write_from=write_from, job_write_most=most) if one.writable else one
        for one in OBJECTS
    ]
    return replace(SPEC, objects=tuple(objects))
