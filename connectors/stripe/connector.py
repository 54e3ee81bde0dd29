"""The Stripe connector: what a connection can do, put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from connectors.base import (
    ConnectorSpec,
    ObjectDescription,
    Outcome,
    SetupNeed,
    SetupStep,
    Wiring,
)
from connectors.errors import ActionNeeded, UnexpectedAnswer
from connectors.records import (
    AccountIdentity,
    Change,
    Identity,
    Lookup,
    Page,
    Record,
    Selection,
)
from connectors.stripe import feeds, finding, reading
from connectors.stripe.client import Client
from connectors.stripe.describing import description_of
from connectors.stripe.objects import SPEC
from connectors.stripe.setup import Setup
from connectors.stripe.writing import Writer


class Stripe:
    """One connection to one account. Safe to use from several threads."""

    spec: ConnectorSpec = SPEC

    def __init__(self, client: Client, setup: Setup, wiring: Wiring) -> None:
        self._client = client
        self._setup = setup
        self._now = wiring.now
        self._writer = Writer(client, wiring.now)

    def check(self) -> AccountIdentity:
        """Which account answers. The environment is the key's: the account is the same for both."""
        content = self._client.get("/v1/account")
        id = content.get("id")
        if not isinstance(id, str) or not id:
            raise UnexpectedAnswer("the account does not say who it is", code="NO_ACCOUNT")
        live = self._client.live
        environment = "unknown" if live is None else ("production" if live else "sandbox")
        # Test and live data share the account's id and are two systems for whoever writes to them.
        pinned = id if live is not False else f"{id}/test"
        return AccountIdentity(id=pinned, name=_name_of(content) or id, environment=environment)

    def describe(self, object: str) -> ObjectDescription:
        """The object as the pinned version of the API has it. No call."""
        return description_of(object)

    def read(self, selection: Selection, ids: Sequence[str]) -> tuple[Record, ...]:
        """The records in the order asked, one call each."""
        return reading.read_records(self._client, selection, ids)

    def first_cursor(self, selection: Selection, since: datetime) -> str:
        """A cursor that reports every change since ``since``."""
        return feeds.first_sweep(selection, since)

    def changes(self, selection: Selection, cursor: str, limit: int) -> Page:
        """The next page of changed records: the events, and one read per record."""
        return feeds.changed(self._client, selection, cursor, limit, self._now)

    def list(
        self,
        selection: Selection,
        cursor: str | None,
        limit: int,
        since: datetime | None = None,  # noqa: ARG002 - nothing can be asked for by its last change
    ) -> Page:
        """The next page of live records, newest first; one call."""
        page, _ = reading.walked(self._client, selection, cursor, limit)
        return page

    def search(
        self, selection: Selection, queries: Sequence[Mapping[str, str]], limit_each: int = 5
    ) -> tuple[tuple[Record, ...], ...]:
        """For each query the live records; ten queries of one field are one search."""
        return finding.search_records(self._client, selection, queries, limit_each)

    def lookup(self, selection: Selection, identities: Sequence[Identity]) -> tuple[Lookup, ...]:
        """Which of our identities exist."""
        return finding.lookup_records(self._client, selection, identities, self._now)

    def apply(self, changes: Sequence[Change]) -> tuple[Outcome, ...]:
        """Write the records one after another."""
        return self._writer.apply(changes)

    def inspect(self, needs: Sequence[SetupNeed]) -> tuple[SetupStep, ...]:
        """How the account stands."""
        return self._setup.inspect(needs)

    def create(self, need: SetupNeed) -> None:
        """Make the webhook endpoint."""
        self._setup.create(need)


def build(settings: Mapping[str, str], wiring: Wiring) -> Stripe:
    """A connector for these settings; makes no call. Raises ``ActionNeeded``."""
    key = settings.get("api_key", "").strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise ActionNeeded(
            "Stripe: api_key is missing or is no key; set a restricted key (rk_live_… or "
            "rk_test_…)",
            code="BAD_SETTING",
        )
    client = Client(settings, wiring)
    return Stripe(client, Setup(client, settings), wiring)


def _name_of(content: reading.Content) -> str | None:
    """The name people know the account by."""
    settings = content.get("settings")
    dashboard = settings.get("dashboard") if isinstance(settings, dict) else None
    profile = content.get("business_profile")
    for part, name in ((dashboard, "display_name"), (profile, "name")):
        found = part.get(name) if isinstance(part, dict) else None
        if isinstance(found, str) and found:
            return found
    return None
