"""The DocuSign connector: what a connection can do, put together."""

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
from connectors.docusign import feeding, finding, reading, setup
from connectors.docusign.describing import describe_object
from connectors.docusign.objects import SPEC
from connectors.docusign.rest import HttpDoor, Rest, transport_for
from connectors.docusign.settings import Settings, parse_settings
from connectors.docusign.tokens import Tokens
from connectors.docusign.writing import Writer
from connectors.errors import ActionNeeded
from connectors.records import (
    AccountIdentity,
    Change,
    Identity,
    Lookup,
    Page,
    Record,
    Selection,
)


class DocuSign:
    """One connection to one account. Safe to use from several threads."""

    spec: ConnectorSpec = SPEC

    def __init__(self, settings: Settings, rest: Rest) -> None:
        self._settings = settings
        self._rest = rest
        self._writer = Writer(rest)

    def check(self) -> AccountIdentity:
        """Which account the user opens: signing in says so."""
        grant = self._rest.account()
        return AccountIdentity(grant.account_id, grant.account_name, self._settings.environment)

    def describe(self, object: str) -> ObjectDescription:
        """The object with its declared fields, and the custom ones the account offers."""
        return describe_object(self._rest, object)

    def read(self, selection: Selection, ids: Sequence[str]) -> tuple[Record, ...]:
        """The records in the order asked; ``ceil(n / 100)`` calls."""
        return reading.read_records(self._rest, selection, ids)

    def first_cursor(self, selection: Selection, since: datetime) -> str:
        """A cursor that reports every change of status since ``since``."""
        return feeding.first_sweep(selection, since)

    def changes(self, selection: Selection, cursor: str, limit: int) -> Page:
        """The next page of envelopes whose status changed."""
        return feeding.changed(self._rest, selection, cursor, limit)

    def list(
        self,
        selection: Selection,
        cursor: str | None,
        limit: int,
        since: datetime | None = None,  # noqa: ARG002 - lists go by creation, which never moves
    ) -> Page:
        """The next page of envelopes, oldest first."""
        return feeding.walked(self._rest, selection, cursor, limit)

    def search(
        self, selection: Selection, queries: Sequence[Mapping[str, str]], limit_each: int = 5
    ) -> tuple[tuple[Record, ...], ...]:
        """For each query, which names a custom field, the envelopes that fit."""
        return finding.search_records(self._rest, selection, queries, limit_each)

    def lookup(self, selection: Selection, identities: Sequence[Identity]) -> tuple[Lookup, ...]:
        """What became of envelopes we sent."""
        return finding.lookup_records(self._rest, selection, identities)

    def apply(self, changes: Sequence[Change]) -> tuple[Outcome, ...]:
        """One call per change, in order; after a lost connection the rest is not sent."""
        return self._writer.apply(changes)

    def inspect(self, needs: Sequence[SetupNeed]) -> tuple[SetupStep, ...]:
        """How the account stands."""
        return setup.inspect_needs(self._settings, needs)

    def create(self, need: SetupNeed) -> None:
        """Refused: a person sets up an account."""
        setup.refuse_creation(need)


def build(settings: Mapping[str, str], wiring: Wiring) -> DocuSign:
    """A connector for these settings; makes no call. Raises ``ActionNeeded``."""
    try:
        checked = parse_settings(settings)
    except ValueError as error:
        raise ActionNeeded(f"DocuSign: {error}", code="BAD_SETTING") from None
    transport = transport_for(checked, wiring)
    tokens = Tokens(checked, HttpDoor(transport), wiring.now)
    return DocuSign(checked, Rest(transport, tokens, wiring.now))
