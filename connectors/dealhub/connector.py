"""The DealHub connector: what a connection can do, put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from connectors.base import (
    ConnectorSpec,
    ObjectDescription,
    Outcome,
    SetupNeed,
    SetupStep,
    Wiring,
)
from connectors.dealhub import finding, reading, scanning, setup
from connectors.dealhub.fields import described
from connectors.dealhub.objects import LIMIT_CLASS, QUOTES, SPEC
from connectors.dealhub.requests import TakenIn
from connectors.dealhub.rest import Rest
from connectors.dealhub.settings import Settings, parse_settings
from connectors.dealhub.writing import Writer
from connectors.errors import ActionNeeded, Rejected
from connectors.http import Transport
from connectors.records import (
    AccountIdentity,
    Change,
    Identity,
    Lookup,
    Page,
    Record,
    Selection,
)


class DealHub:
    """One connection to one tenant. Safe to use from several threads."""

    spec: ConnectorSpec = SPEC

    def __init__(self, settings: Settings, rest: Rest, wiring: Wiring) -> None:
        self._settings = settings
        self._rest = rest
        self._now = wiring.now
        self._taken_in = TakenIn()
        self._writer = Writer(rest, self._taken_in)

    def check(self) -> AccountIdentity:
        """That the token is accepted. DealHub does not say whose it is: the address does, and the
        name that a person gave the tenant."""
        reading.list_quotes(self._rest, Selection(QUOTES, ()), limit=1)
        account = self._settings.account
        return AccountIdentity(id=account, name=f"DealHub {account}", environment="unknown")

    def describe(self, object: str) -> ObjectDescription:
        """The object with its declared fields; no call. Answers and attributes are the tenant's."""
        fields, spec = described(object), SPEC.object(object)
        if fields is None or spec is None:
            raise Rejected(f"DealHub has no object {object} here", code="UNKNOWN_OBJECT")
        return ObjectDescription(
            name=object,
            label=spec.label,
            fields=MappingProxyType(fields),
            creatable=spec.writable,
            updatable=False,
        )

    def read(self, selection: Selection, ids: Sequence[str]) -> tuple[Record, ...]:
        """The records in the order asked, one call each."""
        return reading.read_records(self._rest, selection, ids)

    def first_cursor(self, selection: Selection, since: datetime) -> str:
        """A cursor whose scan is due at once. A scan tells of every quote, old ones too."""
        return scanning.first_scan(selection.object, since)

    def changes(self, selection: Selection, cursor: str, limit: int) -> Page:
        """The next page of the scan; empty, and without a call, until the next one is due."""
        every = self._settings.scan_every
        return scanning.changed(self._rest, selection, cursor, limit, every=every, now=self._now)

    def list(
        self,
        selection: Selection,
        cursor: str | None,
        limit: int,
        since: datetime | None = None,  # noqa: ARG002 - DealHub cannot filter by time
    ) -> Page:
        """The next page of all quotes, in DealHub's own order."""
        return scanning.walked(self._rest, selection, cursor, limit)

    def search(
        self, selection: Selection, queries: Sequence[Mapping[str, str]], limit_each: int = 5
    ) -> tuple[tuple[Record, ...], ...]:
        """Quotes by opportunity, or by the id that the CRM has for them."""
        return finding.search_records(self._rest, selection, queries, limit_each)

    def lookup(self, selection: Selection, identities: Sequence[Identity]) -> tuple[Lookup, ...]:
        """What became of quotes that were asked for, by their names."""
        return finding.lookup_records(self._rest, selection, identities, self._taken_in, self._now)

    def apply(self, changes: Sequence[Change]) -> tuple[Outcome, ...]:
        """One change after another; after a lost connection the rest is not sent."""
        return self._writer.apply(changes)

    def inspect(self, needs: Sequence[SetupNeed]) -> tuple[SetupStep, ...]:
        """What a person has to set up."""
        return setup.inspect_needs(needs)

    def create(self, need: SetupNeed) -> None:
        """Refused: a person sets up a tenant."""
        setup.refuse_creation(need)


def build(settings: Mapping[str, str], wiring: Wiring) -> DealHub:
    """A connector for these settings; makes no call. Raises ``ActionNeeded``."""
    try:
        checked = parse_settings(settings)
    except ValueError as error:
        raise ActionNeeded(f"DealHub: {error}", code="BAD_SETTING") from None
    transport = Transport(checked.base_url, wiring, limit_class=LIMIT_CLASS)
    return DealHub(checked, Rest(transport, checked.api_token, wiring.now), wiring)
