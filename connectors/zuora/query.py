"""Object Query: rows by filter, page by page.

developer.zuora.com, "Expand, filter, fields, and sort" and "Pagination": ``filter[]`` is
``field.OPERATOR:value`` with the field in lower case, several are all to hold; ``IN`` takes a list
in brackets; one ``sort[]``; ``nextPage`` is absent on the last page. There is no success flag.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import quote_plus

from connectors.errors import Rejected, UnexpectedAnswer
from connectors.values import format_instant_seconds
from connectors.zuora.objects import PAGE_MAX, READ_MAX
from connectors.zuora.rest import Rest
from connectors.zuora.vocabulary import Kind

_ROWS_MAX: Final = 100_000
# Servers take addresses of 8 KB; the rest is for the other parameters.
_LIST_MAX_CHARACTERS: Final = 6_000
_FIELD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,110}", re.ASCII)
_LISTABLE: Final = re.compile(r"[^,\[\]\x00-\x1f\x7f]{1,255}")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: as printed, and by names in lower case, since their spelling is not uniform."""

    printed: Mapping[str, object]
    cells: Mapping[str, object]

    @staticmethod
    def of(printed: Mapping[str, object]) -> Row:
        """The row of an answer."""
        return Row(printed, {str(name).lower(): value for name, value in printed.items()})


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition, in the words of Object Query."""

    text: str


@dataclass(frozen=True, slots=True)
class Rows:
    """One page. ``more`` is the vendor's cursor for the next one."""

    rows: tuple[Row, ...]
    more: str | None
    vendor_now: datetime | None


def where(kind: Kind, field: str, operator: str, value: str | datetime) -> Filter:
    """A condition on one of our field names. Raises ``Rejected``."""
    name = kind.asked(field)
    if not _FIELD.fullmatch(name):
        raise Rejected(f"{field!r} is not a field's name", code="INVALID_FIELD")
    text = format_instant_seconds(value) if isinstance(value, datetime) else value
    return Filter(f"{name.lower()}.{operator}:{text}")


def listable(value: str) -> bool:
    """Whether a value can stand in a list: the list has no way to quote a comma or a bracket."""
    return _LISTABLE.fullmatch(value) is not None and value == value.strip()


def in_lists(values: Iterable[str]) -> Iterator[list[str]]:
    """The values that can stand in a list, each once, in lists that fit a filter and an address."""
    part: list[str] = []
    size = 0
    for value in dict.fromkeys(values):
        if not value or not listable(value):
            continue
        length = len(quote_plus(value)) + len("%2C")
        if part and (len(part) == READ_MAX or size + length > _LIST_MAX_CHARACTERS):
            yield part
            part, size = [], 0
        part.append(value)
        size += length
    if part:
        yield part


def one_of(kind: Kind, field: str, values: Sequence[str]) -> Filter:
    """A condition that the field has one of these values; each must be :func:`listable`."""
    if len(values) == 1:
        return where(kind, field, "EQ", values[0])
    return where(kind, field, "IN", f"[{','.join(values)}]")


def page(
    rest: Rest,
    kind: Kind,
    filters: Sequence[Filter] = (),
    *,
    sort: str = "",
    size: int = PAGE_MAX,
    cursor: str | None = None,
) -> Rows:
    """One page of rows; one call. Raises ``CallError``."""
    if not kind.query:
        raise Rejected(f"{kind.name} cannot be queried", code="NOT_QUERYABLE")
    query = [("filter[]", one.text) for one in filters]
    if sort:
        query.append(("sort[]", f"{kind.asked(sort).lower()}.ASC"))
    query.append(("pageSize", str(max(1, min(size, PAGE_MAX)))))
    query.append(("includeNullFields", "true"))
    if cursor:
        query.append(("cursor", cursor))
    answered = rest.get(f"/object-query/{kind.query}", query)
    rows, more = answered.body.get("data"), answered.body.get("nextPage")
    if not isinstance(rows, list) or any(not isinstance(row, Mapping) for row in rows):
        raise UnexpectedAnswer("a query was answered without rows", code="QUERY_SHAPE")
    if more is not None and not isinstance(more, str):
        raise UnexpectedAnswer("a query was answered with an odd cursor", code="QUERY_SHAPE")
    return Rows(tuple(Row.of(row) for row in rows), more or None, answered.vendor_now)


def all_rows(rest: Rest, kind: Kind, filters: Sequence[Filter]) -> Iterator[Row]:
    """All rows, page by page. Raises ``UnexpectedAnswer`` beyond 100,000."""
    count, cursor = 0, None
    while True:
        found = page(rest, kind, filters, cursor=cursor)
        yield from found.rows
        count += len(found.rows)
        if found.more is None:
            return
        if not found.rows or count > _ROWS_MAX or found.more == cursor:
            raise UnexpectedAnswer("a query that does not end", code="QUERY_ENDLESS")
        cursor = found.more


def cell(kind: Kind, row: Row, field: str) -> object:
    """The printed value of one of our fields; ``None`` where the row has none."""
    return row.cells.get(kind.asked(field).lower())


def shows(kind: Kind, row: Row, field: str) -> bool:
    """Whether the row has the field at all."""
    return kind.asked(field).lower() in row.cells


def key_of(kind: Kind, row: Row) -> str:
    """Our record id. Raises ``UnexpectedAnswer``."""
    id = cell(kind, row, kind.key)
    if not isinstance(id, str) or not id:
        raise UnexpectedAnswer(f"a row of {kind.name} came without its {kind.key}", code="ROW_KEY")
    return id


def internal_id(row: Row) -> str | None:
    """The vendor's own id of the row, which is not ours."""
    id = row.cells.get("id")
    return id if isinstance(id, str) and id else None
