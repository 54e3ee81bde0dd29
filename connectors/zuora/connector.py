"""The Zuora connector: what a connection can do, put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache, partial
from urllib.parse import urlencode

from connectors.base import (
    ConnectorSpec,
    ObjectDescription,
    Outcome,
    SetupNeed,
    SetupStep,
    Wiring,
)
from connectors.errors import ActionNeeded, UnexpectedAnswer
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
from connectors.zuora import feeding, finding, query, reading, setup
from connectors.zuora.describing import describe_object
from connectors.zuora.objects import LIMIT_CLASS, SPEC
from connectors.zuora.reading import Source
from connectors.zuora.rest import Rest
from connectors.zuora.settings import Settings, parse_settings
from connectors.zuora.tokens import TOKEN_PATH, TokenAnswer, Tokens
from connectors.zuora.values import Reader
from connectors.zuora.vocabulary import KINDS
from connectors.zuora.writing import Writer


class Zuora:
    """One connection to one tenant (and entity). Safe to use from several threads."""

    spec: ConnectorSpec = SPEC

    def __init__(self, settings: Settings, rest: Rest, wiring: Wiring) -> None:
        self._settings = settings
        self._rest = rest
        self._now = wiring.now
        self._source = Source(rest, Reader(settings.time_zone))
        self._writer = Writer(self._source, settings.async_charges)

    def check(self) -> AccountIdentity:
        """Which tenant answers, by the token's scope. One call, beside the token."""
        query.page(self._rest, KINDS["accounts"], size=1)
        tenant, entity = self._rest.tenant(), self._settings.entity_id
        return AccountIdentity(
            id=f"{tenant}/{entity}" if entity else tenant,
            name=f"Zuora tenant {tenant}" + (f", entity {entity}" if entity else ""),
            environment=self._settings.environment,
        )

    def describe(self, object: str) -> ObjectDescription:
        """The object with its declared fields, and the custom ones a record shows."""
        return describe_object(self._rest, object)

    def read(self, selection: Selection, ids: Sequence[str]) -> tuple[Record, ...]:
        """The records in the order asked; ``ceil(n / 50)`` calls, and one for each record where
        the selection holds what only its v1 resource shows."""
        return reading.read_records(self._source, selection, ids)

    def first_cursor(self, selection: Selection, since: datetime) -> str:
        """A cursor that reports every change since ``since``."""
        return feeding.first_sweep(selection.object, since)

    def changes(self, selection: Selection, cursor: str, limit: int) -> Page:
        """The next page of changes; fields that only the v1 resource shows are not read."""
        return feeding.changed(self._source, selection, cursor, limit)

    def list(
        self, selection: Selection, cursor: str | None, limit: int, since: datetime | None = None
    ) -> Page:
        """The next page of live records in the order of internal ids."""
        return feeding.walked(self._source, selection, cursor, limit, since)

    def search(
        self, selection: Selection, queries: Sequence[Mapping[str, str]], limit_each: int = 5
    ) -> tuple[tuple[Record, ...], ...]:
        """For each query the records whose fields all fit."""
        return finding.search_records(self._source, selection, queries, limit_each)

    def parents(self, child: str, ids: Sequence[str], root: str) -> Mapping[str, tuple[str, ...]]:
        """The root of each child."""
        return finding.parents_of(self._source, child, ids, root)

    def children(
        self, selection: Selection, root: str, ids: Sequence[str]
    ) -> Mapping[str, tuple[Record, ...]]:
        """The children of each root."""
        return finding.children_of(self._source, selection, root, ids)

    def lookup(self, selection: Selection, identities: Sequence[Identity]) -> tuple[Lookup, ...]:
        """What became of creates: by own number, or by another field that holds our identity."""
        return finding.lookup_records(self._source, selection, identities, self._now)

    def apply(self, changes: Sequence[Change]) -> tuple[Outcome, ...]:
        """One call per change, in order; after a lost connection the rest is not sent."""
        return self._writer.apply(changes)

    def inspect(self, needs: Sequence[SetupNeed]) -> tuple[SetupStep, ...]:
        """How the tenant stands."""
        return setup.inspect_needs(self._rest, needs)

    def create(self, need: SetupNeed) -> None:
        """Refused: a person sets up a tenant."""
        setup.refuse_creation(need)


def build(settings: Mapping[str, str], wiring: Wiring) -> Zuora:
    """A connector for these settings; makes no call. Raises ``ActionNeeded``."""
    try:
        checked = parse_settings(settings, allow_loopback=wiring.allow_loopback)
    except ValueError as error:
        raise ActionNeeded(f"Zuora: {error}", code="BAD_SETTING") from None
    # Longer than Zuora itself lets a call run, whatever is usual for others.
    patient = replace(wiring, read_seconds=checked.read_seconds)
    transport = Transport(checked.base_url, patient, limit_class=LIMIT_CLASS)
    tokens = Tokens(checked, partial(_post_form, transport), wiring.now)
    # One session for all calls: it keeps no cookies, so threads may share it.
    rest = Rest(checked, tokens, cache(transport.session), wiring.now)
    return Zuora(checked, rest, wiring)


def _post_form(transport: Transport, form: Mapping[str, str]) -> TokenAnswer:
    response = transport.request(
        "POST",
        TOKEN_PATH,
        headers={
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        },
        body=urlencode(form).encode(),
        effect=False,
    )
    try:
        return TokenAnswer(response.status, response.json())
    except UnexpectedAnswer:
        return TokenAnswer(response.status, None)
