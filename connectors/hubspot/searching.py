"""Search: from questions to as few queries as HubSpot's limits allow, and answers back to each.

From developers.hubspot.com "Search the CRM": at most 5 groups, 6 filters in a group, 18 filters and
3,000 characters per query; ``IN`` takes lower-case text; enumerations are compared with case.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from connectors.base import FieldDescription, FieldType
from connectors.errors import Rejected, UnexpectedAnswer
from connectors.hubspot.answers import next_after, rows
from connectors.hubspot.client import Call, Client, Door
from connectors.hubspot.objects import BATCH_MAX, RECORD_ID, SEARCH_PAGE_MAX
from connectors.hubspot.paths import Paths
from connectors.hubspot.properties import milliseconds, read_instant, read_value
from connectors.hubspot.reading import Reading, Row
from connectors.hubspot.records import Definitions, Reader, id_of, property_values
from connectors.records import Record, Selection

BODY_MAX_CHARACTERS: Final = 3_000
GROUPS_MAX: Final = 5
GROUP_FILTERS_MAX: Final = 6
FILTERS_MAX: Final = 18
# A property list longer than this would leave too little room for the values.
_PROPERTIES_MAX_CHARACTERS: Final = 1_200
# Where one query alone has more matches than this many pages show, it is ambiguous anyway.
_PAGES_MAX: Final = 10

Query = Mapping[str, str]


class Searching:
    """Finds records by values, and runs searches for the change feed."""

    def __init__(self, client: Client, paths: Paths, reading: Reading) -> None:
        self._client = client
        self._paths = paths
        self._reading = reading

    def run(self, object: str, body: Mapping[str, object]) -> object:
        """One search."""
        path = self._paths.objects(object, "search")
        return self._client.call(
            Call(Door.SEARCH, "POST", path, body=dict(body), object=object)
        ).body

    def search(
        self, selection: Selection, queries: Sequence[Query], limit_each: int
    ) -> tuple[tuple[Record, ...], ...]:
        """The candidates of each query; see :meth:`connectors.base.Searches.search`."""
        reader = self._reading.reader(selection)
        answers: list[tuple[Record, ...]] = [()] * len(queries)
        by_fields: dict[tuple[str, ...], list[int]] = {}
        for at, query in enumerate(queries):
            if query and all(value.strip() for value in query.values()):
                by_fields.setdefault(tuple(sorted(query)), []).append(at)
        for fields, places in by_fields.items():
            asked = [queries[at] for at in places]
            if _unique(selection.object, fields, reader.definitions):
                found = self._by_unique(selection, fields[0], asked)
            else:
                found = self._by_search(reader, fields, asked, limit_each)
            for at, records in zip(places, found, strict=True):
                answers[at] = records
        return tuple(answers)

    def _by_unique(
        self, selection: Selection, field: str, queries: Sequence[Query]
    ) -> list[tuple[Record, ...]]:
        """Unique values are read directly: consistent, and outside the tight search limit."""
        values = [query[field].strip() for query in queries]
        found = self._reading.by_unique(selection, field, values)
        return [(found[value],) if value in found else () for value in values]

    def _by_search(
        self,
        reader: Reader,
        fields: tuple[str, ...],
        queries: Sequence[Query],
        limit_each: int,
    ) -> list[tuple[Record, ...]]:
        properties = tuple(dict.fromkeys((*reader.properties, *fields)))
        whole = len(json.dumps(properties)) <= _PROPERTIES_MAX_CHARACTERS
        shown = properties if whole else (*fields, RECORD_ID)
        found: list[list[Row]] = []
        for part in plan(fields, queries, reader.definitions, shown):
            found += self._part(reader, part, fields, shown, limit_each)
        wanted = tuple(dict.fromkeys(id_of(row) for hits in found for row in hits))
        full = {} if whole else self._reading.rows_by_id(reader, wanted)
        associated = self._reading.associated(reader.selection, wanted)
        return [
            tuple(
                reader.record(full.get(id_of(row), row), associated.get(id_of(row)))
                for row in hits
                if whole or id_of(row) in full
            )
            for hits in found
        ]

    def _part(
        self,
        reader: Reader,
        queries: Sequence[Query],
        fields: tuple[str, ...],
        shown: Sequence[str],
        limit_each: int,
    ) -> list[list[Row]]:
        """The candidates of some queries that fit into one search; further pages as needed."""
        hits: list[dict[str, Row]] = [{} for _ in queries]
        if _too_long(search_body(fields, queries, reader.definitions, shown)):
            return [[] for _ in queries]  # no search can ask for a value that long
        after: str | None = None
        for _ in range(_PAGES_MAX):
            open_places = [at for at, each in enumerate(hits) if len(each) < limit_each]
            body = search_body(fields, queries, reader.definitions, shown)
            answer = self.run(reader.selection.object, body | ({"after": after} if after else {}))
            for row in rows(answer):
                for at in open_places:
                    if matches(queries[at], row, reader.definitions):
                        hits[at][id_of(row)] = row
            after = next_after(answer)
            if after is None or all(len(each) >= limit_each for each in hits):
                break
        else:
            if any(len(each) < 2 for each in hits):
                raise UnexpectedAnswer(
                    "HubSpot's search has too many matches to tell them apart; match by a field "
                    "that is closer to unique.",
                    code="TOO_MANY_MATCHES",
                )
        return [list(each.values())[:limit_each] for each in hits]


def _unique(object: str, fields: tuple[str, ...], definitions: Definitions) -> bool:
    """Whether a single field can be read as an ``idProperty``."""
    if len(fields) != 1:
        return False
    described = definitions.get(fields[0])
    return (object, fields[0]) == ("contacts", "email") or bool(described and described.unique)


def plan(
    fields: tuple[str, ...],
    queries: Sequence[Query],
    definitions: Definitions,
    shown: Sequence[str],
) -> Iterator[Sequence[Query]]:
    """The queries, in their order, in runs that fit into one search each."""
    if len(fields) > GROUP_FILTERS_MAX:
        raise Rejected(
            f"HubSpot compares at most {GROUP_FILTERS_MAX} fields at once; match by fewer.",
            code="TOO_MANY_FIELDS",
        )
    if _by_list(fields, definitions):
        most = BATCH_MAX
    else:
        most = max(1, min(GROUPS_MAX, FILTERS_MAX // len(fields)))
    run: list[Query] = []
    for query in queries:
        longer = [*run, query]
        too_long = _too_long(search_body(fields, longer, definitions, shown))
        if run and (len(longer) > most or too_long):
            yield run
            run = [query]
        else:
            run = longer
    if run:
        yield run


def _too_long(body: Mapping[str, object]) -> bool:
    return len(json.dumps(body)) > BODY_MAX_CHARACTERS


def _by_list(fields: tuple[str, ...], definitions: Definitions) -> bool:
    """Whether ``IN`` asks the right question: one field, text or number."""
    described = definitions.get(fields[0])
    kinds = (FieldType.TEXT, FieldType.DECIMAL, FieldType.OTHER)
    return len(fields) == 1 and (described is None or described.type in kinds)


def search_body(
    fields: tuple[str, ...],
    queries: Sequence[Query],
    definitions: Definitions,
    shown: Sequence[str],
) -> dict[str, object]:
    """The search for some queries over the same fields."""
    if _by_list(fields, definitions):
        values = dict.fromkeys(query[fields[0]].strip().lower() for query in queries)
        filters = [{"propertyName": fields[0], "operator": "IN", "values": list(values)}]
        groups: list[dict[str, object]] = [{"filters": filters}]
    else:
        groups = [
            {"filters": [_equal(name, query[name], definitions.get(name)) for name in fields]}
            for query in queries
        ]
    return {
        "filterGroups": groups,
        "sorts": [{"propertyName": RECORD_ID, "direction": "ASCENDING"}],
        "properties": list(shown),
        "limit": SEARCH_PAGE_MAX,
    }


def _equal(name: str, value: str, described: FieldDescription | None) -> dict[str, str]:
    if described and described.type is FieldType.INSTANT:
        instant = read_instant(value.strip())
        value = str(milliseconds(instant)) if instant else value
    return {"propertyName": name, "operator": "EQ", "value": value.strip()}


def matches(query: Query, row: Row, definitions: Definitions) -> bool:
    """Whether a result answers a query: every field equal, text compared without case."""
    properties = property_values(row)
    return all(
        _comparable(definitions.get(name), properties.get(name))
        == _comparable(definitions.get(name), value.strip())
        for name, value in query.items()
    )


def _comparable(described: FieldDescription | None, raw: object) -> object:
    value = read_value(described, raw)
    return value.strip().lower() if isinstance(value, str) else value
