"""What is declared about DocuSign: settings, objects, limits. Reading it imports no HTTP client."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from connectors.base import (
    ActionSpec,
    ConnectorSpec,
    CreateIdentity,
    Granularity,
    LimitClass,
    ObjectSpec,
    Setting,
)

ENVELOPES: Final = "envelopes"
TRANSACTION_ID: Final = "transactionId"
CUSTOM: Final = "custom"
IDENTITY_NAME: Final = "revline_id"
"""The custom field that keeps our identity when DocuSign has forgotten the transaction."""

HOURLY: Final = "hourly"
BURST: Final = "burst"

READ_MAX: Final = 100
PAGE_MAX: Final = 100
# One call per record: a batch keeps the order of the changes and bounds what a stop leaves open.
WRITE_MAX: Final = 10
OVERLAP: Final = timedelta(minutes=15)
LAG: Final = timedelta(minutes=1)
"""Lists come out of an index, which nobody promises to be at once: docs "Envelopes: list"."""

AUTH_URL: Final = "https://account.docusign.com"
_REFERENCE: Final = "https://developers.docusign.com/docs/esign-rest-api/reference/envelopes"

SETTINGS: Final[tuple[Setting, ...]] = (
    Setting(
        name="auth_url",
        title="Sign-in address",
        description=(
            "https://account.docusign.com, or https://account-d.docusign.com for a developer "
            "account."
        ),
        default=AUTH_URL,
        example="https://account-d.docusign.com",
    ),
    Setting(
        name="integration_key",
        title="Integration key",
        description="Settings > Apps and Keys > your app > Integration Key (client id).",
        required=True,
        example="0e1b6f5c-8a53-4d0f-b6fb-2f0f4f7f1c11",
    ),
    Setting(
        name="user_id",
        title="User id",
        description=(
            "Settings > Apps and Keys > My Account Information > User ID: the user who sends. He "
            "consents once, at the address that is shown when consent is missing."
        ),
        required=True,
        example="5a2e9d70-61c4-4f59-8f0a-9b1d6a4e3c08",
    ),
    Setting(
        name="private_key",
        title="Private key",
        description=(
            "The RSA private key (PEM) of the app: Apps and Keys > your app > Service Integration "
            "> Generate RSA."
        ),
        required=True,
        secret=True,
    ),
    Setting(
        name="account_id",
        title="Account id",
        description=(
            "Settings > Apps and Keys > API Account ID (a GUID). Left out: the user's default "
            "account."
        ),
        example="7f09961a-3f27-4b1e-9c5d-0d5a3c1b7e42",
    ),
    Setting(
        name="base_url",
        title="Data address",
        description="Only to fix where data calls may go; usually DocuSign says where.",
        example="https://na4.docusign.net",
    ),
    Setting(
        name="redirect_url",
        title="Redirect address",
        description="A redirect URI of the app, for the consent address.",
        default="https://www.docusign.com",
    ),
    Setting(
        name="connect_keys",
        title="Connect HMAC keys",
        description=(
            "Settings > Connect > Connect Keys: one or several, with spaces or commas between "
            "them; a message is taken when one of them has signed it."
        ),
        secret=True,
    ),
)

OBJECTS: Final[tuple[ObjectSpec, ...]] = (
    ObjectSpec(
        name=ENVELOPES,
        label="Envelope",
        granularity=Granularity.ORDERED,
        cursor_field="lastModifiedDateTime",
        batch_read=READ_MAX,
        batch_write=WRITE_MAX,
        page_list=PAGE_MAX,
        page_changes=PAGE_MAX,
        batch_search=1,
        create_identity=CreateIdentity.OWN_NUMBER,
        identity_field=TRANSACTION_ID,
        lookup_lag=LAG,
        match_keys=("custom.quoteId", "custom.opportunityId"),
        overlap=OVERLAP,
        delete_source="none: an envelope thrown away is noticed when it is read",
        actions=(
            ActionSpec("send", "status is sent, or already further"),
            ActionSpec("void", "status is voided"),
            ActionSpec("resend", "lastModifiedDateTime is later; the rest stays as it was"),
        ),
        subject=True,
        write_permission="Can send envelopes",
        source=f"{_REFERENCE}/envelopes/",
    ),
)

SPEC: Final = ConnectorSpec(
    name="docusign",
    title="DocuSign",
    settings=SETTINGS,
    objects=OBJECTS,
    limits=(
        LimitClass(
            name=HOURLY,
            calls=3_000,
            window=timedelta(hours=1),
            description="All calls of the account, from one full hour to the next.",
        ),
        LimitClass(
            name=BURST,
            calls=500,
            window=timedelta(seconds=30),
            description="All calls of the account: 500 in production, 200 in a developer account.",
        ),
    ),
    webhooks=True,
    native_connectors=(
        "DocuSign for Salesforce (Apps Launcher)",
        "DocuSign for HubSpot",
        "the signature step of your quoting tool",
    ),
    documentation="connectors/docusign/README.md",
)
