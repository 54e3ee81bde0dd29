"""The Salesforce connector: what a connection can do, put together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from connectors.base import (
    ConnectorSpec,
    ObjectDescription,
    Outcome,
    SetupNeed,
    SetupStep,
    Wiring,
)
from connectors.errors import ActionNeeded, AuthFailed, Rejected, UnexpectedAnswer
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
from connectors.salesforce import finding, setup, sweeping, writing
from connectors.salesforce.describing import Schemas, object_description
from connectors.salesforce.exporting import Exporter
from connectors.salesforce.ids import normal_id
from connectors.salesforce.ingesting import Ingester
from connectors.salesforce.objects import LIMIT_CLASS, spec_with_jobs
from connectors.salesforce.rest import Rest, Usage, starts_effect
from connectors.salesforce.settings import Settings, parse_settings
from connectors.salesforce.soql import object_name, select
from connectors.salesforce.tokens import TOKEN_PATH, TokenAnswer, Tokens

if TYPE_CHECKING:
    import requests

_DRIFT_CODES = frozenset({"INVALID_FIELD", "INVALID_TYPE", "VALUE_TYPE", "ROW_SHAPE"})


class Salesforce:
    """One connection to one org. Safe to use from several threads."""

    spec: ConnectorSpec

    def __init__(
        self,
        rest: Rest,
        tokens: Tokens,
        wiring: Wiring,
        *,
        bulk_from: int = 0,
        bulk_write_from: int = 0,
    ) -> None:
        self._rest = rest
        self._tokens = tokens
        self._now = wiring.now
        self._schemas = Schemas(partial(_describe, rest), wiring.now)
        self._exporter = Exporter(rest, self._schemas, bulk_from, wiring.now)
        self._ingester = Ingester(rest, bulk_write_from)
        self.spec = spec_with_jobs(bulk_write_from)

    def check(self) -> AccountIdentity:
        """Which org answers. One call, beside the token."""
        soql = select("Organization", ("Id", "Name", "IsSandbox"), limit=1)
        rows = self._rest.query(soql, object="Organization").rows
        id = normal_id(str(rows[0].get("Id"))) if rows else None
        if id is None:
            raise UnexpectedAnswer("the org does not say who it is", code="NO_ORGANIZATION")
        if id != self._tokens.grant().organization_id:
            raise AuthFailed(
                "the token and the data address belong to different organisations; check "
                "login_url and instance_url",
                code="ORGANIZATION_CHANGED",
            )
        sandbox = rows[0].get("IsSandbox")
        environment = "unknown"
        if isinstance(sandbox, bool):
            environment = "sandbox" if sandbox else "production"
        return AccountIdentity(id=id, name=str(rows[0].get("Name")), environment=environment)

    def usage(self) -> tuple[int, int] | None:
        """API calls of the org in the last 24 hours and the most it may make."""
        known: Usage | None = self._rest.usage()
        return (known.used, known.limit) if known else None

    def describe(self, object: str) -> ObjectDescription:
        """The object as the org has it."""
        return object_description(self._schemas.get(object))

    def read(self, selection: Selection, ids: Sequence[str]) -> tuple[Record, ...]:
        """The records in the order asked; ``ceil(n / 400)`` calls."""
        with self._reading(selection):
            return finding.read_records(self._rest, self._schemas, selection, ids)

    def first_cursor(self, selection: Selection, since: datetime) -> str:
        """A cursor that reports every change since ``since``."""
        object_name(selection.object)
        return sweeping.first_sweep(since)

    def changes(self, selection: Selection, cursor: str, limit: int) -> Page:
        """The next page of changes, deletions, merges and conversions; one query."""
        with self._reading(selection):
            return sweeping.changed(self._rest, self._schemas, selection, cursor, limit)

    def list(
        self, selection: Selection, cursor: str | None, limit: int, since: datetime | None = None
    ) -> Page:
        """The next page of live records in the order of ids; one query."""
        with self._reading(selection):
            return sweeping.walked(self._rest, self._schemas, selection, cursor, limit, since)

    def export(
        self, selection: Selection, cursor: str | None, limit: int, since: datetime | None = None
    ) -> Page:
        """The next page of live records, by a query job where there are many."""
        with self._reading(selection):
            return self._exporter.page(selection, cursor, limit, since)

    def removed(self, selection: Selection, cursor: str | None, limit: int) -> Page:
        """The next entries of the deleted feed; one call, and one per 400 entries."""
        with self._reading(selection):
            return sweeping.removed(self._rest, self._schemas, selection, cursor, limit, self._now)

    def search(
        self, selection: Selection, queries: Sequence[Mapping[str, str]], limit_each: int = 5
    ) -> tuple[tuple[Record, ...], ...]:
        """For each query the live records, oldest first."""
        with self._reading(selection):
            return finding.search_records(self._rest, self._schemas, selection, queries, limit_each)

    def parents(self, child: str, ids: Sequence[str], root: str) -> Mapping[str, tuple[str, ...]]:
        """The root of each child, by the child's field that refers to it."""
        return finding.parents_of(self._rest, self._schemas, child, ids, root)

    def children(
        self, selection: Selection, root: str, ids: Sequence[str]
    ) -> Mapping[str, tuple[Record, ...]]:
        """The live children of each root."""
        with self._reading(selection):
            return finding.children_of(self._rest, self._schemas, selection, root, ids)

    def lookup(self, selection: Selection, identities: Sequence[Identity]) -> tuple[Lookup, ...]:
        """Which of these external ids exist."""
        with self._reading(selection):
            return finding.lookup_records(self._rest, self._schemas, selection, identities)

    def apply(self, changes: Sequence[Change]) -> tuple[Outcome, ...]:
        """Write up to 200 records in one call, or very many as a job."""
        if self._ingester.takes(changes):
            return self._ingester.apply(changes)
        return writing.apply_changes(self._rest, changes)

    def collect(self, token: str, changes: Sequence[Change]) -> tuple[Outcome, ...]:
        """What became of these changes of an ingest job; two to four calls once it is done."""
        return self._ingester.collect(token, changes)

    def inspect(self, needs: Sequence[SetupNeed]) -> tuple[SetupStep, ...]:
        """How the org stands, one describe call per object."""
        return setup.inspect_needs(self._schemas, needs)

    def create(self, need: SetupNeed) -> None:
        """Create an external-id field through the Tooling API."""
        setup.create_identity_field(self._rest, self._schemas, need)

    @contextmanager
    def _reading(self, selection: Selection) -> Iterator[None]:
        """Refuse what cannot be read; after a surprise about fields, describe again next time."""
        if selection.associations:
            raise Rejected(
                "Salesforce has no associations to read along; related records are objects of "
                f"their own (asked for: {', '.join(selection.associations)})",
                code="NO_ASSOCIATIONS",
            )
        try:
            yield
        except (Rejected, UnexpectedAnswer) as error:
            if error.code in _DRIFT_CODES:
                self._schemas.forget(selection.object)
            raise


def build(settings: Mapping[str, str], wiring: Wiring) -> Salesforce:
    """A connector for these settings; makes no call. Raises ``ActionNeeded``."""
    try:
        checked = parse_settings(settings, allow_loopback=wiring.allow_loopback)
    except ValueError as error:
        raise ActionNeeded(f"Salesforce: {error}", code="BAD_SETTING") from None
    rest, tokens = open_org(checked, wiring)
    return Salesforce(
        rest,
        tokens,
        wiring,
        bulk_from=checked.bulk_from,
        bulk_write_from=checked.bulk_write_from,
    )


def open_org(checked: Settings, wiring: Wiring) -> tuple[Rest, Tokens]:
    """The way to the org's data, and the tokens it is opened with; makes no call."""
    login = Transport(checked.login_url, wiring, limit_class=LIMIT_CLASS)
    tokens = Tokens(
        checked, partial(_post_form, login), wiring.now, allow_loopback=wiring.allow_loopback
    )

    def open_session(url: str) -> requests.Session:
        transport = Transport(url, wiring, limit_class=LIMIT_CLASS, effect_of=starts_effect)
        return transport.session()

    return Rest(tokens, checked.version, open_session, wiring.now), tokens


def _post_form(login: Transport, form: Mapping[str, str]) -> TokenAnswer:
    response = login.request(
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


def _describe(rest: Rest, object: str) -> object:
    return rest.get(f"sobjects/{object_name(object)}/describe", object=object)
