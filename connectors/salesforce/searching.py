"""Finding records by values: which rows answer which query.

The vendor compares text without regard to case, so the rows are given back to the queries the same
way. A web address is compared by its domain: a query for ``acme.com`` looks for the spellings
people store, with and without scheme, ``www.`` and a closing slash.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from urllib.parse import urlsplit

from connectors.base import FieldType
from connectors.errors import Rejected
from connectors.records import Record
from connectors.salesforce.describing import Column
from connectors.salesforce.ids import normal_id
from connectors.salesforce.soql import Literal, all_true, any_of, any_true

_NUMBER = re.compile(r"[+-]?\d{1,18}(\.\d{1,18})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Query:
    """One query: per field the values the vendor is asked for, and the form rows compare to."""

    number: int
    terms: tuple[tuple[Column, tuple[Literal, ...], object], ...]

    @property
    def key(self) -> tuple[object, ...]:
        return tuple(wanted for _, _, wanted in self.terms)


def parse_queries(
    queries: Sequence[Mapping[str, str]], columns: Mapping[str, Column]
) -> tuple[Query, ...]:
    """The queries in the order given; ones that no record can match (a letter where a number is
    kept) are left out. Raises ``Rejected`` for a query without a value, or a field that cannot be
    searched by."""
    parsed: list[Query] = []
    for number, query in enumerate(queries):
        if not query or any(not value.strip() for value in query.values()):
            raise Rejected("a query needs a value in each of its fields", code="EMPTY_QUERY")
        terms = []
        for name in sorted(query):
            column = columns[name]
            if not column.field.filterable:
                raise Rejected(
                    f"Salesforce cannot search by {name}",
                    code="FIELD_NOT_FILTERABLE",
                    field_errors={name: "a field of this type cannot be searched by"},
                )
            values = _values(column, query[name])
            terms.append((column, values, comparable(column, values[0] if values else None)))
        if all(values for _, values, _ in terms):
            parsed.append(Query(number, tuple(terms)))
    return tuple(parsed)


def where(queries: Sequence[Query]) -> str:
    """The rows that answer any of these queries, which all have the same fields.

    Queries that differ in one field alone share a condition: a query's address has a limit, and a
    price book's hundred entries then fit into one.
    """
    place = _varying(queries)
    groups: dict[tuple[str, ...], dict[Literal, None]] = {}
    for query in queries:
        terms = enumerate(query.terms)
        shared = tuple(
            "" if number == place else any_of(column.soql, values)
            for number, (column, values, _) in terms
        )
        groups.setdefault(shared, {}).update(dict.fromkeys(query.terms[place][1]))
    varying = queries[0].terms[place][0].soql
    return any_true(
        [
            all_true([condition or any_of(varying, own) for condition in shared])
            for shared, own in groups.items()
        ]
    )


def _varying(queries: Sequence[Query]) -> int:
    """Which of the queries' fields has the most different values."""
    places = range(len(queries[0].terms))
    return max(places, key=lambda place: len({query.terms[place][1] for query in queries}))


def row_key(query: Query, record: Record) -> tuple[object, ...]:
    """What a record has in the fields of a query, in comparable form."""
    return tuple(
        comparable(column, record.fields.get(f"{column.key}")) for column, _, _ in query.terms
    )


def comparable(column: Column, value: object) -> object:
    """The form in which two values of a field are the same for the vendor."""
    if isinstance(value, str):
        if column.field.vendor_type == "url":
            return domain_of(value) or same_text(value)
        if _is_id(column):
            return normal_id(value) or value
        return same_text(value)
    return value


def same_text(text: str) -> str:
    """Text as the vendor compares it: without case and outer blanks."""
    return unicodedata.normalize("NFC", text.strip()).casefold()


def domain_of(address: str) -> str | None:
    """The domain of a web address or of a bare host name, without ``www.``; ``None`` if neither."""
    text = address.strip()
    try:
        host = urlsplit(text if "//" in text else f"//{text}").hostname
    except ValueError:
        return None
    if not host or "." not in host or any(mark in host for mark in " @\\'\""):
        return None
    return host.rstrip(".").removeprefix("www.") or None


def spellings(domain: str) -> tuple[str, ...]:
    """The ways a domain is usually stored as a web address."""
    hosts = (domain, f"www.{domain}")
    bare = hosts
    return bare + tuple(
        f"{scheme}://{host}{end}"
        for scheme in ("https", "http")
        for host in hosts
        for end in ("", "/")
    )


def _is_id(column: Column) -> bool:
    return column.field.description.type is FieldType.REFERENCE or column.field.vendor_type == "id"


def _values(column: Column, text: str) -> tuple[Literal, ...]:
    """What to ask the vendor for; empty when the field can hold no such value."""
    if "\x00" in text:
        return ()
    if column.field.vendor_type == "url":
        domain = domain_of(text)
        return spellings(domain) if domain else (text,)
    if _is_id(column):
        id = normal_id(text)
        return (id,) if id else ()
    kind = column.field.description.type
    try:
        if kind in (FieldType.DECIMAL, FieldType.INTEGER):
            return (Decimal(text),) if _NUMBER.fullmatch(text) else ()
        if kind is FieldType.BOOLEAN:
            return {"true": (True,), "false": (False,)}.get(text.strip().lower(), ())
        if kind is FieldType.DATE:
            return (date.fromisoformat(text),)
        if kind is FieldType.INSTANT:
            instant = datetime.fromisoformat(text)
            return (instant.astimezone(UTC),) if instant.tzinfo else ()
    except (ValueError, InvalidOperation, OverflowError):
        return ()
    return (text,)
