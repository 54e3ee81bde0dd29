"""Finding records by value, and what became of a create whose answer was lost.

Lists are true at once and ask for few things; search asks for more and lags ("Search", a minute and
more). Where a list can ask for it, the list is used; a look-up by our metadata asks search for what
is old and goes through the list for what is newer than search can be trusted with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from connectors.errors import Rejected
from connectors.records import (
    Absent,
    Found,
    Identity,
    Life,
    Lookup,
    NotYetKnowable,
    Record,
    Selection,
)
from connectors.stripe.client import Client
from connectors.stripe.fields import IDENTITY_FIELD, METADATA, REVLINE_KEY
from connectors.stripe.objects import INDEX_LAG, LIST_MAX, SEARCH_CLAUSES_MAX
from connectors.stripe.reading import (
    Content,
    contents_of,
    expanding,
    readable,
    record_of,
    since_seconds,
)
from connectors.stripe.resources import Resource
from connectors.stripe.shapes import Params

_TO_THE_LETTER: Final = frozenset({"email", "url"})
_PAGES_MAX: Final = 20
"""Pages that a list is gone through for one question."""
_RECENT_PAGES_MAX: Final = 10
_WHOLE_LIST: Final = timedelta(days=30)
"""How far back a look-up goes where there is no search: as far as its events are kept."""


def search_records(
    client: Client,
    selection: Selection,
    queries: Sequence[Mapping[str, str]],
    limit_each: int,
) -> tuple[tuple[Record, ...], ...]:
    """For each query the live records whose values are all equal, case apart.

    Queries of one field go to search ten at a time. A field that the list can ask for is asked for
    there, and where the list compares to the letter, of search as well.
    """
    resource = readable(selection)
    search = _Search(client, selection, queries, limit_each)
    asked = [place for place, query in enumerate(queries) if _given(query)]
    plans = {place: _plan(resource, selection.object, queries[place]) for place in asked}
    together: list[int] = []
    for place, (listed, clauses) in plans.items():
        if listed:
            filters = {**dict(resource.fixed), **_filters(listed)}
            search.take(_listed(client, resource, search.wide, filters), [place])
        if len(clauses) == 1:
            together.append(place)
        elif clauses:
            text = " AND ".join(clauses)
            search.take(_searched(client, resource, search.wide, text), [place])
    for start in range(0, len(together), SEARCH_CLAUSES_MAX):
        part = together[start : start + SEARCH_CLAUSES_MAX]
        text = " OR ".join(dict.fromkeys(plans[place][1][0] for place in part))
        search.take(_searched(client, resource, search.wide, text), part)
    return search.answers()


class _Search:
    """What has been found so far, per query."""

    def __init__(
        self,
        client: Client,
        selection: Selection,
        queries: Sequence[Mapping[str, str]],
        limit_each: int,
    ) -> None:
        self._client = client
        self._names = selection.fields
        self._queries = queries
        self._limit_each = limit_each
        self._found: list[dict[str, Record]] = [{} for _ in queries]
        asked = {name for query in queries for name in query}
        self.wide = Selection(selection.object, tuple(sorted({*selection.fields, *asked})))

    def take(self, contents: Iterable[Content], places: Sequence[int]) -> None:
        """Keep what fits one of these queries, until they have enough."""
        for content in contents:
            record = record_of(self._client, self.wide, content)
            for place in places:
                here = self._found[place]
                room = len(here) < self._limit_each
                if room and record.life is Life.LIVE and _fits(record, self._queries[place]):
                    kept = {
                        name: record.fields[name] for name in self._names if name in record.fields
                    }
                    here.setdefault(record.ref.id, Record(record.ref, kept))
            if all(len(self._found[place]) >= self._limit_each for place in places):
                return

    def answers(self) -> tuple[tuple[Record, ...], ...]:
        """The records of each query."""
        return tuple(tuple(one.values()) for one in self._found)


def _given(query: Mapping[str, str]) -> bool:
    return bool(query) and all(value.strip() for value in query.values())


def _plan(
    resource: Resource, object: str, query: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    """What of a query the list is asked for, and the conditions that search is asked for."""
    listed = {name: value for name, value in query.items() if name in resource.filters}
    sought = {
        name: value
        for name, value in query.items()
        if resource.searched and (name in resource.searched or name.startswith(f"{METADATA}."))
    }
    if not listed and not sought:
        raise Rejected(
            f"Stripe cannot look for {object} by {', '.join(query)}; it can by "
            f"{', '.join((*resource.filters, *resource.searched)) or 'nothing'}",
            code="NOT_SEARCHABLE",
        )
    if listed and _TO_THE_LETTER.isdisjoint(listed):
        return listed, []
    if len(sought) > SEARCH_CLAUSES_MAX:
        raise Rejected("a search takes ten conditions at most", code="NOT_SEARCHABLE")
    return listed, [_clause(name, value) for name, value in sought.items()]


def _filters(listed: Mapping[str, str]) -> Params:
    """The list's own spelling of its filters."""
    params: Params = {}
    for name, value in listed.items():
        if name == "lookup_key":
            params["lookup_keys"] = [value]
        else:
            params[name] = value.lower() if name == "currency" else value
    return params


def _fits(record: Record, query: Mapping[str, str]) -> bool:
    return all(
        _text(record.fields.get(name)).casefold() == value.casefold()
        for name, value in query.items()
    )


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _clause(name: str, value: str) -> str:
    """One condition of "Search query language", its value quoted."""
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    head, dot, key = name.partition(".")
    if dot and head == METADATA:
        key = key.replace("\\", "\\\\").replace('"', '\\"')
        return f'{METADATA}["{key}"]:"{quoted}"'
    return f'{name}:"{quoted}"'


def _listed(
    client: Client, resource: Resource, selection: Selection, filters: Params
) -> Iterator[Content]:
    params: Params = {"limit": str(LIST_MAX), **filters, **expanding(selection, "data.")}
    for _ in range(_PAGES_MAX):
        page = client.get(resource.path, params)
        rows = contents_of(page)
        yield from rows
        if not page.get("has_more") or not rows:
            return
        params["starting_after"] = str(rows[-1]["id"])
    raise Rejected(
        f"more than {_PAGES_MAX * LIST_MAX} {selection.object} fit a part of the search; make "
        "it narrower",
        code="SEARCH_TOO_WIDE",
    )


def _searched(
    client: Client, resource: Resource, selection: Selection, query: str
) -> Iterator[Content]:
    params: Params = {"query": query, "limit": str(LIST_MAX), **expanding(selection, "data.")}
    for _ in range(_PAGES_MAX):
        page = client.get(f"{resource.path}/search", params)
        yield from contents_of(page)
        after = page.get("next_page")
        if not page.get("has_more") or not isinstance(after, str):
            return
        params["page"] = after


def lookup_records(
    client: Client,
    selection: Selection,
    identities: Sequence[Identity],
    now: Callable[[], datetime],
) -> tuple[Lookup, ...]:
    """For each of our identities whether its record exists.

    One search for ten of them, and the pages of what is new. When there is more that is new than
    can be gone through, what was not found is not yet knowable.
    """
    resource = readable(selection)
    for identity in identities:
        if identity.field != IDENTITY_FIELD:
            raise Rejected(
                f"Stripe records of ours are known by {IDENTITY_FIELD}, not by {identity.field}",
                code="UNKNOWN_IDENTITY",
            )
    names = tuple(sorted({*selection.fields, IDENTITY_FIELD}))
    wide = Selection(selection.object, names)
    found, whole = find_by_identity(
        client, resource, wide, [identity.value for identity in identities], now()
    )
    unknown: Lookup = Absent() if whole else NotYetKnowable(now() + INDEX_LAG)
    return tuple(
        Found(record_of(client, wide, found[identity.value]))
        if identity.value in found
        else unknown
        for identity in identities
    )


def find_by_identity(
    client: Client,
    resource: Resource,
    selection: Selection,
    values: Sequence[str],
    now: datetime,
) -> tuple[dict[str, Content], bool]:
    """The live records with these values of ``metadata.revline_id``, and whether all were looked
    for everywhere."""
    missing = dict.fromkeys(values)
    found: dict[str, Content] = {}

    def take(content: Content) -> None:
        value = _identity_of(content)
        if value in missing:
            # The oldest counts: lists begin with the newest.
            found[str(value)] = content

    if resource.searched:
        for start in range(0, len(values), SEARCH_CLAUSES_MAX):
            part = list(missing)[start : start + SEARCH_CLAUSES_MAX]
            clauses = " OR ".join(_clause(IDENTITY_FIELD, value) for value in part)
            if clauses:
                for content in _searched(client, resource, selection, clauses):
                    take(content)
    whole = True
    if len(found) < len(missing):
        since = now - (INDEX_LAG if resource.searched else _WHOLE_LIST)
        whole = _go_through(client, resource, selection, since, take)
    return found, whole


def _identity_of(content: Content) -> str | None:
    metadata = content.get("metadata")
    value = metadata.get(REVLINE_KEY) if isinstance(metadata, dict) else None
    gone = content.get("deleted") is True
    return value if isinstance(value, str) and not gone else None


def _go_through(
    client: Client,
    resource: Resource,
    selection: Selection,
    since: datetime,
    take: Callable[[Content], None],
) -> bool:
    """Every record made since; whether the end was reached."""
    params: Params = {
        "limit": str(LIST_MAX),
        "created": {"gte": str(since_seconds(since))},
        **dict(resource.fixed),
        **expanding(selection, "data."),
    }
    for _ in range(_RECENT_PAGES_MAX if resource.searched else 2 * _PAGES_MAX):
        page = client.get(resource.path, params)
        rows = contents_of(page)
        for row in rows:
            take(row)
        if not page.get("has_more") or not rows:
            return True
        params["starting_after"] = str(rows[-1]["id"])
    return False
