"""What is declared about DealHub: objects and limits. Reading it imports no HTTP client."""

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
)
from connectors.dealhub.options import SETTINGS

LIMIT_CLASS: Final = "requests"
QUOTES: Final = "quotes"
DEAL_ROOMS: Final = "deal_rooms"
IDENTITY_FIELD: Final = "quote_name"
PAGE_MAX: Final = 50
OFFSET_MAX: Final = 10_000
# Several calls per record: a batch keeps the order and bounds what a stop leaves open.
WRITE_MAX: Final = 10
# How long a request may wait in DealHub's queue before a quote that is not there counts as absent.
QUEUE_PATIENCE: Final = timedelta(minutes=30)
REFERENCE: Final = "https://developers.dealhub.io/reference"

_GONE: Final = "none: a removed quote is noticed when it is read"

ACTIONS: Final = (
    ActionSpec("submit", "status is PendingApproval, or ReadyToBeSent where nobody need approve"),
    ActionSpec("publish", "status is Published"),
    ActionSpec("sign_externally", "status is Won"),
)

OBJECTS: Final = (
    ObjectSpec(
        name=QUOTES,
        label="Quote",
        granularity=Granularity.NONE,
        cursor_field=None,
        batch_read=1,
        batch_write=WRITE_MAX,
        page_list=PAGE_MAX,
        page_changes=PAGE_MAX,
        batch_search=1,
        # Nothing in DealHub keeps a second quote from being made. The quote's name is ours, and
        # is looked for before anything is sent; no key is ever replayed.
        create_identity=CreateIdentity.OWN_NUMBER,
        identity_field=IDENTITY_FIELD,
        replay_horizon=None,
        lookup_lag=QUEUE_PATIENCE,
        delete_source=_GONE,
        match_keys=("external_opportunity_id", "external_quote_id"),
        immutable_when="it exists: the API changes no content of a quote",
        actions=ACTIONS,
        subject=True,
        source=f"{REFERENCE}/getquotebyid",
    ),
    ObjectSpec(
        name=DEAL_ROOMS,
        label="Deal room of an opportunity",
        granularity=Granularity.NONE,
        cursor_field=None,
        batch_read=1,
        batch_write=1,
        page_list=1,
        page_changes=1,
        batch_search=1,
        create_identity=CreateIdentity.NONE,
        identity_field=None,
        delete_source="none: a deal room that went is noticed when it is read",
        subject=True,
        writable=False,
        webhooks=False,
        source=f"{REFERENCE}/getdealroomsigners",
    ),
)

SPEC: Final = ConnectorSpec(
    name="dealhub",
    title="DealHub CPQ",
    settings=SETTINGS,
    objects=OBJECTS,
    limits=(
        LimitClass(
            name=LIMIT_CLASS,
            calls=2,
            window=timedelta(seconds=1),
            concurrency=2,
            description=(
                "DealHub publishes no limit; two requests a second are what we hold to ourselves."
            ),
        ),
    ),
    webhooks=True,
    documentation="connectors/dealhub/README.md",
)
