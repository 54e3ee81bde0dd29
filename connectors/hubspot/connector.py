"""The HubSpot connector: the capabilities, each handed to the part that has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connectors.base import (
    ConnectorSpec,
    FieldDescription,
    ObjectDescription,
    ObjectSpec,
    Outcome,
    SetupNeed,
    SetupStep,
    Wiring,
)
from connectors.errors import Rejected, UnexpectedAnswer
from connectors.hubspot import webhooks
from connectors.hubspot.answers import text_of
from connectors.hubspot.associations import Associations
from connectors.hubspot.client import Call, Client, Door
from connectors.hubspot.feeds import Feeds
from connectors.hubspot.objects import RECORD_ID, SPEC
from connectors.hubspot.owners import OWNERS, Owners
from connectors.hubspot.paths import Paths
from connectors.hubspot.reading import Reading
from connectors.hubspot.records import PropertyCache
from connectors.hubspot.searching import Searching
from connectors.hubspot.setup import Setup
from connectors.hubspot.writing import Writing
from connectors.records import (
    AccountIdentity,
    Change,
    Identity,
    Lookup,
    Page,
    Receipt,
    Record,
    Selection,
    WebhookRequest,
)

_ENVIRONMENTS: Final[Mapping[str, str]] = {
    "STANDARD": "production",
    "SANDBOX": "sandbox",
    "DEVELOPER_TEST": "sandbox",
    "APP_DEVELOPER": "sandbox",
}


def build(settings: Mapping[str, str], wiring: Wiring) -> HubSpot:
    """The connector for a connection's settings.

    Raises:
        Rejected: the settings are not complete.
        ActionNeeded: the base URL must not be used.
    """
    return HubSpot(settings, wiring)


def _complete(settings: Mapping[str, str]) -> dict[str, str]:
    defaults = {s.name: s.default for s in SPEC.settings if s.default is not None}
    given = {name: value.strip() for name, value in settings.items() if value and value.strip()}
    complete = defaults | given
    version = next(s for s in SPEC.settings if s.name == "api_version")
    if complete["api_version"] not in version.choices:
        raise Rejected(
            f"api_version {complete['api_version']!r} is not one of {', '.join(version.choices)}.",
            code="BAD_SETTING",
        )
    return complete


class HubSpot:
    """One HubSpot account. Safe to use from several threads."""

    spec: ConnectorSpec = SPEC

    def __init__(self, settings: Mapping[str, str], wiring: Wiring) -> None:
        complete = _complete(settings)
        self._settings = complete
        paths = Paths(complete["api_version"])
        self._paths = paths
        self._client = Client(complete, wiring, paths)
        self._cache = PropertyCache(self._client, paths, wiring.now)
        self._associations = Associations(self._client, paths)
        self._reading = Reading(self._client, paths, self._cache, self._associations)
        self._searching = Searching(self._client, paths, self._reading)
        overlap = _overlap()
        self._feeds = Feeds(
            self._client, paths, self._reading, self._searching, overlap=overlap, now=wiring.now
        )
        self._owners = Owners(self._client, paths, overlap)
        self._writing = Writing(self._client, paths, self._cache)
        self._setup = Setup(self._client, paths, self._cache, complete.get("app_id", ""))

    def __repr__(self) -> str:
        return f"HubSpot({self._settings['base_url']}, {self._settings['api_version']})"

    def close(self) -> None:
        """Drop idle connections."""
        self._client.close()

    # -- Connector -----------------------------------------------------------------------------

    def check(self) -> AccountIdentity:
        """Which account answers ("Account information API"); also learns its time zone."""
        body = self._client.call(Call(Door.READING, "GET", self._paths.account())).body
        if not isinstance(body, Mapping) or not body.get("portalId"):
            raise UnexpectedAnswer(
                "HubSpot's answer does not name the account.", code="UNREADABLE_ANSWER"
            )
        id = text_of(body["portalId"])
        self._client.zone = _zone(body.get("timeZone"))
        kind = str(body.get("accountType") or "")
        name = f"{body.get('uiDomain') or 'app.hubspot.com'}, account {id}"
        return AccountIdentity(id, name, _ENVIRONMENTS.get(kind, "unknown"))

    def read(self, selection: Selection, ids: Sequence[str]) -> tuple[Record, ...]:
        """See :meth:`connectors.base.Connector.read`."""
        if not ids:
            return ()
        if selection.object == OWNERS:
            return self._owners.read(selection, ids)
        return self._reading.read(selection, ids)

    # -- Describes -----------------------------------------------------------------------------

    def describe(self, object: str) -> ObjectDescription:
        """See :meth:`connectors.base.Describes.describe`. One call."""
        if object == OWNERS:
            return self._owners.describe()
        fields = dict(self._cache.refresh(object))
        spec = _spec(object)
        for name in (RECORD_ID, *(("email",) if object == "contacts" else ())):
            if name in fields:
                fields[name] = _unique(fields[name])
        label = spec.label if spec.name == object else object
        return ObjectDescription(object, label, fields)

    # -- Polls, Lists, Removals ----------------------------------------------------------------

    def first_cursor(self, selection: Selection, since: datetime) -> str:
        """See :meth:`connectors.base.Polls.first_cursor`."""
        if selection.object == OWNERS:
            return self._owners.first_cursor(since)
        return self._feeds.first_cursor(since)

    def changes(self, selection: Selection, cursor: str, limit: int) -> Page:
        """See :meth:`connectors.base.Polls.changes` and :mod:`connectors.hubspot.changes`."""
        if selection.object == OWNERS:
            return self._owners.changes(selection, cursor, limit)
        return self._feeds.changes(selection, cursor, limit)

    def list(
        self, selection: Selection, cursor: str | None, limit: int, since: datetime | None = None
    ) -> Page:
        """See :meth:`connectors.base.Lists.list`. HubSpot cannot filter by ``since``; we do."""
        if selection.object == OWNERS:
            return self._owners.list(selection, cursor or None, limit, since)
        return self._reading.list(selection, cursor or None, limit, since)

    def removed(self, selection: Selection, cursor: str | None, limit: int) -> Page:
        """See :meth:`connectors.base.Removals.removed`."""
        if selection.object == OWNERS:
            return self._owners.removed(cursor, limit)
        return self._feeds.removed(selection, cursor, limit)

    # -- Searches, Resolves, Parents, Children -------------------------------------------------

    def search(
        self, selection: Selection, queries: Sequence[Mapping[str, str]], limit_each: int = 5
    ) -> tuple[tuple[Record, ...], ...]:
        """See :meth:`connectors.base.Searches.search`.

        A query by a unique property is a batch read. Long values make more calls than
        ``batch_search`` promises, because HubSpot caps a search at 3,000 characters.
        """
        if selection.object == OWNERS:
            return self._owners.search(selection, queries, limit_each)
        return self._searching.search(selection, queries, limit_each)

    def lookup(self, selection: Selection, identities: Sequence[Identity]) -> tuple[Lookup, ...]:
        """See :meth:`connectors.base.Resolves.lookup`."""
        if selection.object == OWNERS:
            return self._owners.lookup(selection, identities)
        return self._reading.lookup(selection, identities)

    def parents(self, child: str, ids: Sequence[str], root: str) -> Mapping[str, tuple[str, ...]]:
        """See :meth:`connectors.base.Parents.parents`."""
        return self._associations.of(child, ids, root) if ids else {}

    def children(
        self, selection: Selection, root: str, ids: Sequence[str]
    ) -> Mapping[str, tuple[Record, ...]]:
        """See :meth:`connectors.base.Children.children`."""
        if not ids:
            return {}
        held = self._associations.of(root, ids, selection.object)
        wanted = tuple(dict.fromkeys(id for others in held.values() for id in others))
        records = self._reading.live(selection, wanted)
        return {
            id: tuple(records[other] for other in others if other in records)
            for id, others in held.items()
        }

    # -- Writes, SetsUp, Receives --------------------------------------------------------------

    def apply(self, changes: Sequence[Change]) -> tuple[Outcome, ...]:
        """See :meth:`connectors.base.Writes.apply`."""
        return self._writing.apply(changes)

    def inspect(self, needs: Sequence[SetupNeed]) -> tuple[SetupStep, ...]:
        """See :meth:`connectors.base.SetsUp.inspect`."""
        return self._setup.inspect(needs)

    def create(self, need: SetupNeed) -> None:
        """See :meth:`connectors.base.SetsUp.create`."""
        self._setup.create(need)

    def receive(self, request: WebhookRequest) -> Receipt:
        """The events of a webhook request; see :func:`connectors.hubspot.webhooks.receive`."""
        return webhooks.receive(self._settings, request)


def _spec(object: str) -> ObjectSpec:
    spec = SPEC.object(object)
    if spec is None:  # the table ends with "*"
        raise Rejected(f"HubSpot has no object {object!r}.", code="UNKNOWN_OBJECT")
    return spec


def _overlap() -> timedelta:
    return max(spec.overlap for spec in SPEC.objects)


def _unique(field: FieldDescription) -> FieldDescription:
    return replace(field, unique=True)


def _zone(name: object) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if isinstance(name, str) and name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
