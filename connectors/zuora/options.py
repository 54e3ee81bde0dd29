"""The settings of a connection, described to the person who fills them in."""

from __future__ import annotations

from typing import Final

from connectors.base import Setting

VERSION: Final = "2025-08-12"
READ_SECONDS: Final = "150"
ASYNC_CHARGES: Final = "50"

SETTINGS: Final = (
    Setting(
        name="base_url",
        title="REST address",
        description=(
            "Where your tenant's REST API is, by its data centre; Zuora's page 'Data centers' "
            "lists them. Give this or environment."
        ),
        example="https://rest.na.zuora.com",
    ),
    Setting(
        name="environment",
        title="Data centre",
        description="A short name for the address, instead of base_url.",
        choices=(
            "us1",
            "us1-sandbox",
            "us2",
            "us2-sandbox",
            "eu",
            "eu-sandbox",
            "ap",
            "ap-sandbox",
            "us-test",
            "eu-test",
        ),
        example="us1",
    ),
    Setting(
        name="client_id",
        title="OAuth client id",
        description="Settings > Administration > Manage Users > the API user > OAuth Clients.",
        required=True,
        example="1a2b3c4d-0000-4000-8000-000000000000",
    ),
    Setting(
        name="client_secret",
        title="OAuth client secret",
        description="Shown once, when the OAuth client is created on the same page.",
        required=True,
        secret=True,
    ),
    Setting(
        name="version",
        title="API version",
        description=(
            "The minor version every call is pinned to (Zuora-Version), so that answers keep their "
            "shape."
        ),
        default=VERSION,
    ),
    Setting(
        name="entity_id",
        title="Entity",
        description="In a multi-entity tenant: the id of the entity to work in (Zuora-Entity-Ids).",
    ),
    Setting(
        name="organization_ids",
        title="Organisations",
        description="With Multi-Org: the ids to work in, with commas between (Zuora-Org-Ids).",
    ),
    Setting(
        name="time_zone",
        title="Tenant time zone",
        description=(
            "Settings > Administration > Manage Tenant Profile. Some answers print local times "
            "without an offset; they are read in this zone."
        ),
        default="UTC",
        example="America/Los_Angeles",
    ),
    Setting(
        name="read_seconds",
        title="Longest wait for an answer",
        description=(
            "In seconds. Zuora itself ends a call after 120, so it must be more than that: a large "
            "order would otherwise look lost while it is still being made."
        ),
        default=READ_SECONDS,
    ),
    Setting(
        name="async_charges",
        title="Asynchronous orders from",
        description=(
            "An order with more charges than this is sent as an asynchronous job and looked up "
            "until it is done."
        ),
        default=ASYNC_CHARGES,
    ),
    Setting(
        name="callout_user",
        title="Callout user",
        description="The user name in the Basic authentication of your callout definitions.",
        example="revline",
    ),
    Setting(
        name="callout_password",
        title="Callout password",
        description="The password in the Basic authentication of your callout definitions.",
        secret=True,
    ),
    Setting(
        name="callout_id_field",
        title="Callout field with the id",
        description=(
            "Which parameter of the callout holds the record's number (for contacts, usage and "
            "items: its id). One name for all, or one per object: "
            "accounts=AccountNumber, invoices=InvoiceNumber."
        ),
        default="id",
        example="accounts=AccountNumber, invoices=InvoiceNumber",
    ),
    Setting(
        name="callout_object_field",
        title="Callout field with the object",
        description=(
            "Which parameter of the callout names the object (Invoice, Payment, accounts …). The "
            "address of the callout may name it instead: ?object=invoices."
        ),
        default="object",
    ),
    Setting(
        name="callout_object",
        title="Object of callouts",
        description="What callouts are about when neither address nor parameters say so.",
        example="invoices",
    ),
)
