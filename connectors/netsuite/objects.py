"""What is declared about NetSuite: settings, objects, limits. Data only."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from connectors.base import (
    ConnectorSpec,
    CreateIdentity,
    Granularity,
    LimitClass,
    ObjectSpec,
    Setting,
)
from connectors.netsuite.errors import LIMIT_CLASS
from connectors.netsuite.settings import (
    ALGORITHMS,
    CONCURRENCY_DEFAULT,
    OVERLAP_MINUTES_DEFAULT,
    READ_SECONDS_DEFAULT,
)

IDENTITY_FIELD: Final = "externalId"

# One call per record: whole records of the synchronous API come one by one (REST Web Services,
# "Getting a Record Instance"); several in one call are an asynchronous job ("Batch Operations").
READ_MAX: Final = 1
# Written one after another; a smaller batch leaves less unsent when something breaks.
WRITE_MAX: Final = 10
# A page is one query and a call per record.
PAGE_MAX: Final = 100
# Small reference records are read from their table: a page of SuiteQL holds 1,000 rows.
ROWS_MAX: Final = 1_000
SEARCH_MAX: Final = 50

_HELP: Final = "https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help"
_BROWSER: Final = "https://system.netsuite.com/help/helpcenter/en_US/APIs/REST_API_Browser"
_DELETIONS: Final = "the table deletedrecord"


def _record(
    name: str,
    label: str,
    permission: str,
    *,
    match_keys: tuple[str, ...] = (),
    subject: bool = False,
    immutable_when: str | None = None,
    corrected_by: str = "",
) -> ObjectSpec:
    return ObjectSpec(
        name=name,
        label=label,
        # SuiteQL prints whole seconds.
        granularity=Granularity.COARSE,
        cursor_field="lastModifiedDate",
        batch_read=READ_MAX,
        batch_write=WRITE_MAX,
        page_list=PAGE_MAX,
        page_changes=PAGE_MAX,
        batch_search=SEARCH_MAX,
        create_identity=CreateIdentity.EXTERNAL_ID,
        identity_field=IDENTITY_FIELD,
        overlap=timedelta(minutes=OVERLAP_MINUTES_DEFAULT),
        delete_source=_DELETIONS,
        match_keys=match_keys,
        immutable_when=immutable_when,
        corrected_by=corrected_by,
        subject=subject,
        read_permission=f"{permission}: View" if permission else "",
        write_permission=f"{permission}: Full" if permission else "",
        source=f"{_BROWSER}/record/v1/2026.1/index.html",
    )


def _reference(
    name: str, label: str, permission: str, *, match_keys: tuple[str, ...], stamped: bool = False
) -> ObjectSpec:
    return ObjectSpec(
        name=name,
        label=label,
        granularity=Granularity.COARSE if stamped else Granularity.NONE,
        cursor_field="lastModifiedDate" if stamped else None,
        batch_read=ROWS_MAX,
        batch_write=WRITE_MAX,
        page_list=ROWS_MAX,
        page_changes=ROWS_MAX,
        batch_search=SEARCH_MAX,
        create_identity=CreateIdentity.NONE,
        identity_field=None,
        overlap=timedelta(minutes=OVERLAP_MINUTES_DEFAULT),
        match_keys=match_keys,
        writable=False,
        webhooks=False,
        read_permission=f"{permission}: View",
        source=f"{_HELP}/article_161950565221.html",
    )


OBJECTS: Final[tuple[ObjectSpec, ...]] = (
    _record(
        "customer",
        "Customer",
        "Lists > Customers",
        match_keys=("entityId", "email", "companyName"),
        subject=True,
    ),
    _record(
        "salesOrder",
        "Sales order",
        "Transactions > Sales Order",
        match_keys=("tranId", "otherRefNum"),
    ),
    _record("invoice", "Invoice", "Transactions > Invoice", match_keys=("tranId", "otherRefNum")),
    _record(
        "customerPayment",
        "Customer payment",
        "Transactions > Customer Payment",
        match_keys=("tranId",),
    ),
    _record("creditMemo", "Credit memo", "Transactions > Credit Memo", match_keys=("tranId",)),
    _record(
        "customerRefund",
        "Customer refund",
        "Transactions > Customer Refund",
        match_keys=("tranId",),
    ),
    _record(
        "journalEntry",
        "Journal entry",
        "Transactions > Make Journal Entry",
        match_keys=("tranId",),
        immutable_when="posted",
        corrected_by="Reverse it in the first open period, and enter the right one there.",
    ),
    _reference("item", "Item", "Lists > Items", match_keys=("itemId",), stamped=True),
    _reference(
        "accountingPeriod",
        "Accounting period",
        "Setup > Manage Accounting Periods",
        match_keys=("periodName",),
    ),
    _reference("account", "Account", "Lists > Accounts", match_keys=("acctNumber", "acctName")),
    _reference("subsidiary", "Subsidiary", "Lists > Subsidiaries", match_keys=("name",)),
    _reference("currency", "Currency", "Lists > Currency", match_keys=("symbol",)),
    _reference(
        "currencyRate",
        "Currency exchange rate",
        "Lists > Currency",
        match_keys=("effectiveDate", "baseCurrency.id", "transactionCurrency.id"),
    ),
    _reference(
        "consolidatedExchangeRate",
        "Consolidated exchange rate",
        "Lists > Currency",
        match_keys=("postingPeriod.id", "fromCurrency.id", "toCurrency.id"),
    ),
    _record("*", "Any other record of the REST API, custom ones included", ""),
)

SETTINGS: Final[tuple[Setting, ...]] = (
    Setting(
        name="account_id",
        title="Account id",
        description=(
            "Setup > Company > Company Information > Account ID. A sandbox has a suffix of its own."
        ),
        required=True,
        example="1234567_SB1",
    ),
    Setting(
        name="auth",
        title="Way to sign in",
        description=(
            "OAuth 2.0 with a certificate (machine to machine), or token-based authentication, for "
            "which no new integrations can be made from release 2027.1 on."
        ),
        default="oauth2",
        choices=("oauth2", "token_based"),
    ),
    Setting(
        name="client_id",
        title="Client id",
        description=(
            "Shown once when the integration record is saved (Setup > Integration > Manage "
            "Integrations, Client Credentials grant ticked). Needed for auth: oauth2."
        ),
        example="6794a3b1c5…",
    ),
    Setting(
        name="certificate_id",
        title="Certificate id",
        description=(
            "Setup > Integration > OAuth 2.0 Client Credentials (M2M) Setup: the id of the mapping "
            "of integration, user, role and certificate. Needed for auth: oauth2."
        ),
        example="custcertificate_revline",
    ),
    Setting(
        name="private_key",
        title="Private key",
        description=(
            "The key (PEM, no passphrase) whose certificate was uploaded there. Needed for auth: "
            "oauth2."
        ),
        secret=True,
    ),
    Setting(
        name="algorithm",
        title="Signing algorithm",
        description="PS… for an RSA key, ES… for an elliptic curve key. RS256 is not accepted.",
        default=ALGORITHMS[0],
        choices=ALGORITHMS,
    ),
    Setting(
        name="certificate_expires_on",
        title="End of the certificate",
        description=(
            "The date on which the certificate ends, at most two years after it was made; named "
            "when sign-in fails after it, and in the steps of `revline setup` before it."
        ),
        example="2027-06-30",
    ),
    *(
        Setting(
            name=name,
            title=title,
            description=f"{where} Needed for auth: token_based.",
            secret=True,
        )
        for name, title, where in (
            ("consumer_key", "Consumer key", "Shown once when the integration record is saved."),
            ("consumer_secret", "Consumer secret", "On the same page as the consumer key."),
            ("token_id", "Token id", "Setup > Users/Roles > Access Tokens > New; shown once."),
            ("token_secret", "Token secret", "On the same page as the token id."),
        )
    ),
    Setting(
        name="time_zone",
        title="Time zone of modified times",
        description=(
            "The zone in which SuiteQL prints times: usually that of Setup > Company > Company "
            "Information. It matters where a first reading of changes begins."
        ),
        default="UTC",
        example="America/Los_Angeles",
    ),
    Setting(
        name="overlap_minutes",
        title="Overlap of sweeps",
        description="How far back each look for changes reads again, in minutes.",
        default=str(OVERLAP_MINUTES_DEFAULT),
    ),
    Setting(
        name="concurrency",
        title="Calls at once",
        description=(
            "How many calls we make at the same time. The account's limit is shared by every "
            "integration: leave room."
        ),
        default=str(CONCURRENCY_DEFAULT),
    ),
    Setting(
        name="read_seconds",
        title="Longest wait for an answer",
        description="In seconds. Saving a record can run the account's scripts for minutes.",
        default=str(READ_SECONDS_DEFAULT),
    ),
    Setting(
        name="webhook_secret",
        title="Change notification secret",
        description=(
            "The secret that the notification script signs with (Setup > Company > API Secrets). "
            "Only needed with that script."
        ),
        secret=True,
    ),
    Setting(
        name="webhook_secret_previous",
        title="Previous notification secret",
        description="Accepted beside the new secret while one replaces the other.",
        secret=True,
    ),
    Setting(
        name="base_url",
        title="Address",
        description=(
            "Only for rehearsals on this machine; otherwise it follows from the account id."
        ),
        example="https://1234567-sb1.suitetalk.api.netsuite.com",
    ),
)

SPEC: Final = ConnectorSpec(
    name="netsuite",
    title="NetSuite",
    settings=SETTINGS,
    objects=OBJECTS,
    limits=(
        LimitClass(
            name=LIMIT_CLASS,
            # There is no rate, only a number of calls at once; this keeps a runaway in bounds.
            calls=600,
            window=timedelta(minutes=1),
            concurrency=CONCURRENCY_DEFAULT,
            description=(
                "Calls of the whole account at once, shared with SOAP and RESTlets: 5 in the "
                "standard tier and in development accounts, 15 to 20 in higher ones, 10 more per "
                "SuiteCloud Plus licence. No rate is published; this one is ours and generous."
            ),
        ),
    ),
    webhooks=True,
    native_connectors=("Zuora's and Stripe's own connectors for NetSuite",),
    documentation="connectors/netsuite/README.md",
)
