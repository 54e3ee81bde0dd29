"""The connector for an org with Salesforce CPQ: all of Salesforce's, and what the package needs."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime
from functools import partial
from types import MappingProxyType

from connectors.base import Failed, ObjectDescription, Outcome, Wiring
from connectors.errors import ActionNeeded, Rejected
from connectors.records import Change, Identity, Lookup, Operation, Page, Record, Selection
from connectors.salesforce.connector import Salesforce, open_org
from connectors.salesforce.rest import Rest
from connectors.salesforce.tokens import Tokens
from connectors.salesforce_cpq.acting import apply_actions
from connectors.salesforce_cpq.extras import Extras, described, extras, read_related
from connectors.salesforce_cpq.guarding import check_written, never_written
from connectors.salesforce_cpq.objects import LINE, QUOTE, SPEC
from connectors.salesforce_cpq.settings import Settings, parse_settings


class SalesforceCpq(Salesforce):
    """One connection to one org with the package. Safe to use from several threads."""

    def __init__(self, rest: Rest, tokens: Tokens, wiring: Wiring, settings: Settings) -> None:
        super().__init__(rest, tokens, wiring, bulk_from=settings.core.bulk_from)
        self.spec = SPEC
        self._settings = settings
        # The package holds a quote while lines of it are saved; calls side by side would fail.
        self._one_at_a_time = threading.Lock()

    # -- reading ---------------------------------------------------------------------------------

    def describe(self, object: str) -> ObjectDescription:
        """The object as the org has it; what is never written plainly counts as read-only."""
        found = super().describe(object)
        refused = {name.lower() for name in never_written(found.name)}
        fields = {
            name: replace(one, writable=False) if name.lower() in refused else one
            for name, one in found.fields.items()
        }
        return described(replace(found, fields=MappingProxyType(fields)), self._settings)

    def read(self, selection: Selection, ids: Sequence[str]) -> tuple[Record, ...]:
        """The records in the order asked, and a query for each list of related records."""
        more = extras(selection, self._settings)
        return self._completed(more, selection, super().read(more.plain, ids))

    def changes(self, selection: Selection, cursor: str, limit: int) -> Page:
        """The next page of changes."""
        more = extras(selection, self._settings)
        return self._page(more, selection, super().changes(more.plain, cursor, limit))

    def list(
        self, selection: Selection, cursor: str | None, limit: int, since: datetime | None = None
    ) -> Page:
        """The next page of live records in the order of ids."""
        more = extras(selection, self._settings)
        return self._page(more, selection, super().list(more.plain, cursor, limit, since))

    def export(
        self, selection: Selection, cursor: str | None, limit: int, since: datetime | None = None
    ) -> Page:
        """The next page of live records, by a query job where there are many."""
        more = extras(selection, self._settings)
        return self._page(more, selection, super().export(more.plain, cursor, limit, since))

    def search(
        self, selection: Selection, queries: Sequence[Mapping[str, str]], limit_each: int = 5
    ) -> tuple[tuple[Record, ...], ...]:
        """For each query the live records, oldest first."""
        more = extras(selection, self._settings)
        found = super().search(more.plain, queries, limit_each)
        return tuple(self._completed(more, selection, records) for records in found)

    def children(
        self, selection: Selection, root: str, ids: Sequence[str]
    ) -> Mapping[str, tuple[Record, ...]]:
        """The live children of each root."""
        more = extras(selection, self._settings)
        found = super().children(more.plain, root, ids)
        return MappingProxyType(
            {id: self._completed(more, selection, records) for id, records in found.items()}
        )

    def lookup(self, selection: Selection, identities: Sequence[Identity]) -> tuple[Lookup, ...]:
        """Which of these external ids exist; with the records' own fields alone."""
        return super().lookup(extras(selection, self._settings).plain, identities)

    def _page(self, more: Extras, selection: Selection, page: Page) -> Page:
        return replace(page, records=self._completed(more, selection, page.records))

    def _completed(
        self, more: Extras, selection: Selection, records: Sequence[Record]
    ) -> tuple[Record, ...]:
        read = partial(read_related, self._rest, self._schemas)
        return more.completed(records, selection.fields, read)

    # -- writing ---------------------------------------------------------------------------------

    def apply(self, changes: Sequence[Change]) -> tuple[Outcome, ...]:
        """Inputs as collections, actions one by one; prices and flags are refused before any call.

        Calls that write quotes or their lines follow one another.
        """
        outcomes: dict[int, Outcome] = {}
        plain: list[tuple[int, Change]] = []
        actions: list[tuple[int, Change]] = []
        for place, change in enumerate(changes):
            try:
                check_written(change)
            except Rejected as error:
                outcomes[place] = Failed(error)
                continue
            kind = actions if change.operation is Operation.ACT else plain
            kind.append((place, change))
        holds_quotes = any(change.object in (QUOTE, LINE) for change in changes)
        with self._one_at_a_time if holds_quotes else nullcontext():
            written = super().apply([change for _, change in plain])
            done = apply_actions(self._rest, [change for _, change in actions])
        outcomes.update({**_placed(plain, written), **_placed(actions, done)})
        return tuple(outcomes[place] for place in range(len(changes)))


def _placed(
    changes: Sequence[tuple[int, Change]], outcomes: Sequence[Outcome]
) -> dict[int, Outcome]:
    return {place: outcome for (place, _), outcome in zip(changes, outcomes, strict=True)}


def build(settings: Mapping[str, str], wiring: Wiring) -> SalesforceCpq:
    """A connector for these settings; makes no call. Raises ``ActionNeeded``."""
    try:
        checked = parse_settings(settings, allow_loopback=wiring.allow_loopback)
    except ValueError as error:
        raise ActionNeeded(f"Salesforce CPQ: {error}", code="BAD_SETTING") from None
    rest, tokens = open_org(checked.core, wiring)
    return SalesforceCpq(rest, tokens, wiring, checked)
