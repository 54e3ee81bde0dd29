"""Reading records by id, by value, by parent: batched queries over the recycle bin where it counts.

Records are read with one ``queryAll`` per batch and not through sObject Collections: that shows
deleted, merged and converted records in the same call, and selects through parents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from connectors.errors import DuplicateFound
from connectors.records import Absent, Found, Identity, Lookup, Record, Ref, Selection
from connectors.salesforce.describing import Column, Schemas
from connectors.salesforce.ids import normal_id
from connectors.salesforce.objects import READ_MAX, SEARCH_MAX, SEARCH_MAX_ADDRESS
from connectors.salesforce.reading import Reading, gone, reading, row_id
from connectors.salesforce.rest import Rest, in_parts
from connectors.salesforce.searching import Query, parse_queries, row_key, where
from connectors.salesforce.soql import all_true, any_of, select

_PARENTS_MAX = 400
_LOOKUP_MAX = 200


def read_records(
    rest: Rest, schemas: Schemas, selection: Selection, ids: Sequence[str]
) -> tuple[Record, ...]:
    """The records in the order asked; an id that cannot be one is answered without a call."""
    how = reading(schemas, selection)
    found = by_id(rest, how, [id for text in ids if (id := normal_id(text))])
    answers = []
    for text in ids:
        id = normal_id(text)
        answers.append(found.get(id or "") or gone(how.object, id or text))
    return tuple(answers)


def by_id(rest: Rest, how: Reading, ids: Sequence[str]) -> dict[str, Record]:
    """The records that exist or lie in the recycle bin, by id."""
    unique = list(dict.fromkeys(ids))
    found: dict[str, Record] = {}
    for soql, _ in in_parts(
        unique,
        READ_MAX,
        lambda part: select(how.object, how.soql_fields, where=any_of("Id", part)),
    ):
        for row in rest.all_rows(soql, object=how.object, deleted=True):
            record = how.record(row)
            found[record.ref.id] = record
    return found


def children_of(
    rest: Rest, schemas: Schemas, selection: Selection, root: str, ids: Sequence[str]
) -> Mapping[str, tuple[Record, ...]]:
    """The live children of each root, oldest first."""
    parent = schemas.reference_field(selection.object, root)
    how = reading(schemas, selection)
    children: dict[str, list[Record]] = {id: [] for text in ids if (id := normal_id(text))}
    for soql, _ in in_parts(
        list(children),
        _PARENTS_MAX,
        lambda part: select(
            how.object,
            (*how.soql_fields, parent.name),
            where=any_of(parent.name, part),
            order=(parent.name, "Id"),
        ),
    ):
        for row in rest.all_rows(soql, object=how.object):
            owner = normal_id(str(row.get(parent.name)))
            if owner in children:
                children[owner].append(how.record(row))
    return MappingProxyType({text: tuple(children.get(normal_id(text) or "", ())) for text in ids})


def parents_of(
    rest: Rest, schemas: Schemas, child: str, ids: Sequence[str], root: str
) -> Mapping[str, tuple[str, ...]]:
    """The root of each child, deleted children included: their roots must hear of it too."""
    parent = schemas.reference_field(child, root)
    wanted = list(dict.fromkeys(id for text in ids if (id := normal_id(text))))
    roots: dict[str, tuple[str, ...]] = {}
    for soql, _ in in_parts(
        wanted,
        READ_MAX,
        lambda part: select(child, ("Id", parent.name), where=any_of("Id", part)),
    ):
        for row in rest.all_rows(soql, object=child, deleted=True):
            found = normal_id(str(row.get(parent.name)))
            roots[row_id(row)] = (found,) if found else ()
    return MappingProxyType({text: roots.get(normal_id(text) or "", ()) for text in ids})


def search_records(
    rest: Rest,
    schemas: Schemas,
    selection: Selection,
    queries: Sequence[Mapping[str, str]],
    limit_each: int,
) -> tuple[tuple[Record, ...], ...]:
    """For each query at most ``limit_each`` live records, oldest first."""
    names = sorted({name for query in queries for name in query})
    columns = {name: schemas.column(selection.object, name) for name in names}
    how = _widened(reading(schemas, selection), columns)
    parsed = parse_queries(queries, columns)
    answers: list[list[Record]] = [[] for _ in queries]
    for shape in dict.fromkeys(tuple(column.key for column, _, _ in one.terms) for one in parsed):
        same = [one for one in parsed if tuple(column.key for column, _, _ in one.terms) == shape]
        unique = {one.key: one for one in same}
        found: dict[tuple[object, ...], list[Record]] = {key: [] for key in unique}
        size = _batch_search(same[0])
        for at in range(0, len(unique), size):
            _search(rest, how, list(unique.values())[at : at + size], found, limit_each)
        for one in same:
            answers[one.number] = found[one.key]
    keep = set(selection.fields)
    return tuple(tuple(_narrowed(record, keep) for record in found) for found in answers)


def _search(
    rest: Rest,
    how: Reading,
    queries: list[Query],
    found: dict[tuple[object, ...], list[Record]],
    limit_each: int,
) -> None:
    """Ask for some queries. When more rows match than a page holds, the queries that have their
    candidates are settled and the others are asked again without them."""
    by_text = {str(number): one for number, one in enumerate(queries)}
    parts = in_parts(
        list(by_text),
        len(by_text),
        lambda part: select(
            how.object,
            how.soql_fields,
            where=all_true([*how.live, where([by_text[number] for number in part])]),
            order=("Id",),
        ),
    )
    for soql, part in parts:
        asked = [by_text[number] for number in part]
        for one in asked:
            found[one.key] = []
        page = rest.query(soql, object=how.object)
        for row in page.rows:
            record = how.record(row)
            held = found.get(row_key(asked[0], record))
            if held is not None and len(held) < limit_each:
                held.append(record)
        open_queries = [one for one in asked if len(found[one.key]) < limit_each]
        if page.done or not open_queries:
            continue
        if len(open_queries) == len(asked):
            # Nothing settled in a full page: ask in halves, and a lone query page by page.
            middle = (len(asked) + 1) // 2
            if len(asked) == 1:
                _search_through(rest, how, asked[0], soql, found, limit_each)
                continue
            _search(rest, how, asked[:middle], found, limit_each)
            open_queries = asked[middle:]
        _search(rest, how, open_queries, found, limit_each)


def _search_through(
    rest: Rest,
    how: Reading,
    query: Query,
    soql: str,
    found: dict[tuple[object, ...], list[Record]],
    limit_each: int,
) -> None:
    records = (how.record(row) for row in rest.all_rows(soql, object=how.object))
    same = [record for record in records if row_key(query, record) == query.key]
    found[query.key] = same[:limit_each]


def lookup_records(
    rest: Rest, schemas: Schemas, selection: Selection, identities: Sequence[Identity]
) -> tuple[Lookup, ...]:
    """For each identity whether a live record holds it. SOQL sees a committed write at once."""
    answers: dict[Identity, Lookup] = {}
    for field in dict.fromkeys(identity.field for identity in identities):
        column = schemas.column(selection.object, field)
        how = _widened(reading(schemas, selection), {field: column})
        values = list(dict.fromkeys(one.value for one in identities if one.field == field))
        records: list[Record] = []
        for soql, _ in in_parts(
            values,
            _LOOKUP_MAX,
            lambda part, column=column, how=how: select(  # type: ignore[misc]
                how.object, how.soql_fields, where=any_of(column.soql, part)
            ),
        ):
            records += [how.record(row) for row in rest.all_rows(soql, object=how.object)]
        keep = set(selection.fields)
        for value in values:
            answers[Identity(field, value)] = _resolved(records, column, value, keep)
    return tuple(answers[identity] for identity in identities)


def _resolved(
    records: Sequence[Record], column: Column, value: str, keep: set[str]
) -> Found | Absent:
    """The one record that holds the value. Raises ``DuplicateFound`` when several do."""
    held = [record for record in records if record.fields.get(column.key) == value]
    if not held and not column.field.case_sensitive:
        folded = value.casefold()
        held = [one for one in records if str(one.fields.get(column.key)).casefold() == folded]
    if len(held) > 1:
        raise DuplicateFound(
            f"several records hold {column.key} {value}; the field must be unique",
            candidates=tuple(Ref(record.ref.object, record.ref.id) for record in held),
            code="DUPLICATE_EXTERNAL_ID",
        )
    return Found(_narrowed(held[0], keep)) if held else Absent()


def _widened(how: Reading, columns: Mapping[str, Column]) -> Reading:
    """The reading with more columns, needed to tell whose answer a row is."""
    have = {column.key for column in how.columns}
    more = tuple(column for key, column in columns.items() if key not in have)
    return Reading(how.object, (*how.columns, *more), how.traits, how.versioned)


def _narrowed(record: Record, keep: set[str]) -> Record:
    fields = {name: value for name, value in record.fields.items() if name in keep}
    return Record(
        ref=record.ref,
        fields=MappingProxyType(fields),
        version=record.version,
        life=record.life,
        successor=record.successor,
        edges=record.edges,
    )


def _batch_search(query: Query) -> int:
    """How many queries of this shape fit into one call: fewer where each has ten spellings."""
    by_address = any(column.field.vendor_type == "url" for column, _, _ in query.terms)
    return SEARCH_MAX_ADDRESS if by_address else SEARCH_MAX
