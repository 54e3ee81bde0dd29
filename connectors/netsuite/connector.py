"""The NetSuite connector: what a connection can do, put together."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Final
from urllib.parse import urlencode

from connectors.base import (
    ConnectorSpec,
    ObjectDescription,
    Outcome,
    SetupNeed,
    SetupStep,
    Wiring,
)
from connectors.errors import ActionNeeded, Rejected, UnexpectedAnswer
from connectors.http import Transport
from connectors.netsuite import describing, setup, writing
from connectors.netsuite.errors import LIMIT_CLASS
from connectors.netsuite.finding import Finder
from connectors.netsuite.objects import SPEC
from connectors.netsuite.reading import Reader
from connectors.netsuite.rest import Rest
from connectors.netsuite.settings import Settings, TokenBased, parse_settings
from connectors.netsuite.signing import Stamp
from connectors.netsuite.suiteql import select
from connectors.netsuite.sweeping import Walker
from connectors.netsuite.tokens import TOKEN_PATH, Authorizer, Bearer, Signed, TokenAnswer
from connectors.records import (
    AccountIdentity,
    Change,
    Identity,
    Lookup,
    Page,
    Record,
    Selection,
)

_NONCE_BYTES: Final = 16


class NetSuite:
    """One connection to one account. Safe to use from several threads."""

    spec: ConnectorSpec = SPEC

    def __init__(self, settings: Settings, rest: Rest, wiring: Wiring) -> None:
        self._settings = settings
        self._rest = rest
        self._now = wiring.now
        self._reader = Reader(rest, settings.zone)
        self._finder = Finder(self._reader)
        self._walker = Walker(self._reader, wiring.now, settings.overlap)

    def check(self) -> AccountIdentity:
        """Which account answers: the one in the address. One call, beside the token."""
        try:
            rows = self._rest.query(select(("id", "name"), "subsidiary", [], ("id",)), 1).rows
        except Rejected:
            # An account of a single company has no such table; every account has accounts.
            self._rest.query(select(("id",), "account", [], ("id",)), 1)
            rows = ()
        name = str(rows[0].get("name") or "") if rows else ""
        return AccountIdentity(
            id=self._settings.account_id,
            name=name or self._settings.account_id,
            environment=self._settings.environment,
        )

    def describe(self, object: str) -> ObjectDescription:
        """The record type's fields; no call for those that are known here."""
        return describing.described(self._rest, object)

    def read(self, selection: Selection, ids: Sequence[str]) -> tuple[Record, ...]:
        """The records in the order asked; a call each, small reference records by the thousand."""
        self._plain(selection)
        return self._reader.read(selection, ids)

    def first_cursor(self, selection: Selection, since: datetime) -> str:
        """A cursor that reports every change since ``since``."""
        return self._walker.first_sweep(selection, since)

    def changes(self, selection: Selection, cursor: str, limit: int) -> Page:
        """The next page of changes; a query, and a call per record."""
        self._plain(selection)
        return self._walker.changed(selection, cursor, limit)

    def list(
        self, selection: Selection, cursor: str | None, limit: int, since: datetime | None = None
    ) -> Page:
        """The next page of records in the order of ids; a query, and a call per record."""
        self._plain(selection)
        return self._walker.walked(selection, cursor, limit, since)

    def removed(self, selection: Selection, cursor: str | None, limit: int) -> Page:
        """The next deletions; one query."""
        return self._walker.removed(selection, cursor, limit)

    def search(
        self, selection: Selection, queries: Sequence[Mapping[str, str]], limit_each: int = 5
    ) -> tuple[tuple[Record, ...], ...]:
        """For each query the records, oldest first."""
        self._plain(selection)
        return self._finder.search(selection, queries, limit_each)

    def lookup(self, selection: Selection, identities: Sequence[Identity]) -> tuple[Lookup, ...]:
        """Which of these external ids, or numbers of ours, exist."""
        self._plain(selection)
        return self._finder.lookup(selection, identities)

    def apply(self, changes: Sequence[Change]) -> tuple[Outcome, ...]:
        """Write one record after another."""
        return writing.apply_changes(self._rest, changes)

    def inspect(self, needs: Sequence[SetupNeed]) -> tuple[SetupStep, ...]:
        """What a person does in the account. No call."""
        return setup.inspect_needs(self._settings, needs, self._now().date())

    def create(self, need: SetupNeed) -> None:
        """The external id is always there; nothing else can be created by us."""
        setup.refuse_to_create(need)

    def _plain(self, selection: Selection) -> None:
        if selection.associations:
            raise Rejected(
                "NetSuite has no associations to read along; references and lines are fields of "
                f"their record (asked for: {', '.join(selection.associations)})",
                code="NO_ASSOCIATIONS",
            )


def build(settings: Mapping[str, str], wiring: Wiring) -> NetSuite:
    """A connector for these settings; makes no call. Raises ``ActionNeeded``."""
    try:
        checked = parse_settings(settings, allow_loopback=wiring.allow_loopback)
    except ValueError as error:
        raise ActionNeeded(f"NetSuite: {error}", code="BAD_SETTING") from None
    patient = replace(wiring, read_seconds=checked.read_seconds)
    transport = Transport(checked.base_url, patient, limit_class=LIMIT_CLASS)
    rest = Rest(
        transport,
        _authorizer(checked, transport, wiring),
        wiring.now,
        concurrency=checked.concurrency,
        secrets=checked.secrets,
    )
    return NetSuite(checked, rest, wiring)


def _authorizer(settings: Settings, transport: Transport, wiring: Wiring) -> Authorizer:
    if isinstance(settings.access, TokenBased):

        def stamp() -> Stamp:
            return Stamp(secrets.token_hex(_NONCE_BYTES), int(wiring.now().timestamp()))

        return Signed(settings.access, settings.account_id, stamp)
    audience = f"{settings.base_url}{TOKEN_PATH}"
    return Bearer(settings.access, audience, partial(_post_form, transport), wiring.now)


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
