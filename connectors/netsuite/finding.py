"""Finding records by values: a query for the ids, then the records whole.

Values travel as parameters. Text is compared without case; which row answers which query is told
by the values that come back with it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from connectors.base import FieldType
from connectors.errors import DuplicateFound, Gone, Rejected
from connectors.netsuite.fields import type_of
from connectors.netsuite.objects import IDENTITY_FIELD, SEARCH_MAX
from connectors.netsuite.reading import Reader, narrowed, row_id
from connectors.netsuite.rest import ROWS_MAX, Row
from connectors.netsuite.suiteql import (
    DAY_FORMAT,
    Condition,
    all_true,
    any_true,
    column_name,
    field_name,
    record_id,
    select,
)
from connectors.netsuite.tables import Table, table_of
from connectors.netsuite.values import as_written
from connectors.records import Absent, Found, Identity, Life, Lookup, Record, Ref, Selection
from connectors.values import format_decimal, parse_decimal

# Letters, digits, "_" and "-" are what the vendor documents; a bar or a colon breaks addresses.
EXTERNAL_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,255}", re.ASCII)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_NUMBERS: Final = frozenset({FieldType.DECIMAL, FieldType.INTEGER})


@dataclass(frozen=True, slots=True)
class Term:
    """A field of a query: what is compared, the condition, and the form in which rows agree."""

    expression: str
    condition: Condition
    wanted: object
    numeric: bool


@dataclass(frozen=True, slots=True)
class Finder:
    """Finds records of one account."""

    reader: Reader

    def search(
        self, selection: Selection, queries: Sequence[Mapping[str, str]], limit_each: int
    ) -> tuple[tuple[Record, ...], ...]:
        """For each query at most ``limit_each`` records, oldest first."""
        table = table_of(selection.object)
        terms = [_terms(selection.object, table, query) for query in queries]
        shapes: dict[tuple[str, ...], dict[tuple[object, ...], tuple[Term, ...]]] = {}
        for one in terms:
            if one is not None:
                shape = tuple(term.expression for term in one)
                shapes.setdefault(shape, {})[_wanted(one)] = one
        found: dict[tuple[tuple[str, ...], tuple[object, ...]], list[str]] = {}
        for shape, unique in shapes.items():
            asked = list(unique.values())
            for at in range(0, len(asked), SEARCH_MAX):
                part = self._ids(table, asked[at : at + SEARCH_MAX], limit_each)
                found.update({(shape, key): ids for key, ids in part.items()})
        every = list(dict.fromkeys(id for ids in found.values() for id in ids))
        records = {one.ref.id: one for one in self.reader.read(selection, every)}
        answers: list[tuple[Record, ...]] = []
        for one in terms:
            ids = found.get((_shape(one), _wanted(one)), []) if one is not None else []
            live = (records[id] for id in ids)
            answers.append(tuple(record for record in live if record.life is Life.LIVE))
        return tuple(answers)

    def _ids(
        self, table: Table, asked: Sequence[tuple[Term, ...]], limit_each: int
    ) -> dict[tuple[object, ...], list[str]]:
        """The ids that answer each query. A full page is asked again in halves."""
        columns = ["id", *(f"{term.expression} AS k{at}" for at, term in enumerate(asked[0]))]
        conditions = any_true([all_true([term.condition for term in one]) for one in asked])
        query = select(columns, table.name, [table.narrowed, conditions], ["id"])
        page = self.reader.rest.query(query, ROWS_MAX)
        if page.more and len(asked) > 1:
            middle = (len(asked) + 1) // 2
            return {
                **self._ids(table, asked[:middle], limit_each),
                **self._ids(table, asked[middle:], limit_each),
            }
        found: dict[tuple[object, ...], list[str]] = {_wanted(one): [] for one in asked}
        for row in page.rows:
            held = found.get(_shown(asked[0], row))
            if held is not None and len(held) < limit_each:
                held.append(row_id(row))
        return found

    def lookup(self, selection: Selection, identities: Sequence[Identity]) -> tuple[Lookup, ...]:
        """For each identity whether a record holds it. By external id a call each, and what was
        written shows at once."""
        answers: dict[Identity, Lookup] = {}
        for identity in dict.fromkeys(identities):
            if identity.field == IDENTITY_FIELD:
                answers[identity] = self._by_external_id(selection, identity.value)
            else:
                answers[identity] = self._by_value(selection, identity)
        return tuple(answers[identity] for identity in identities)

    def _by_external_id(self, selection: Selection, value: str) -> Lookup:
        if table_of(selection.object).whole:
            return self._by_value(selection, Identity(IDENTITY_FIELD, value))
        try:
            record = self.reader.by_key(selection, f"eid:{external_id(value)}")
        except Gone:
            return Absent()
        # It is compared with what was sent, so it is shown in that form.
        fields = {name: as_written(one) for name, one in record.fields.items()}
        return Found(replace(record, fields=MappingProxyType(fields)))

    def _by_value(self, selection: Selection, identity: Identity) -> Lookup:
        """Text is compared exactly: another case is another number."""
        names = tuple(dict.fromkeys((*selection.fields, identity.field)))
        wide = Selection(selection.object, names)
        (candidates,) = self.search(wide, [{identity.field: identity.value}], 5)
        exact = [one for one in candidates if str(one.get(identity.field)) == identity.value]
        if len(exact) > 1:
            raise DuplicateFound(
                f"several records hold {identity.field} {identity.value}",
                candidates=tuple(Ref(one.ref.object, one.ref.id) for one in exact),
            )
        return Found(narrowed(exact[0], selection.fields)) if exact else Absent()


def external_id(value: str) -> str:
    """The external id, if it can stand in an address. Raises ``Rejected``."""
    if not EXTERNAL_ID.fullmatch(value):
        raise Rejected(
            "an external id is made of letters, digits, '_' and '-', at most 255 of them",
            code="BAD_EXTERNAL_ID",
            field_errors={IDENTITY_FIELD: "a character that breaks the record's address"},
        )
    return value


def _terms(object: str, table: Table, query: Mapping[str, str]) -> tuple[Term, ...] | None:
    """The query's terms; ``None`` when no record can match it. Raises ``Rejected``."""
    if not query or any(not value.strip() for value in query.values()):
        raise Rejected("a query needs a value in each of its fields", code="EMPTY_QUERY")
    found = []
    for name in sorted(query):
        if "\x00" in query[name]:
            return None
        term = _term(object, table, name, query[name])
        if term is None:
            return None
        found.append(term)
    return tuple(found)


def _term(object: str, table: Table, name: str, value: str) -> Term | None:
    first, _, inner = field_name(name).partition(".")
    known = {column.name: column for column in table.columns}
    kind = known[first].type if first in known else type_of(object, first)
    column = known[first].column if first in known else column_name(table.searched(first))
    id = record_id(value)
    if first == "id" or (inner == "id" and kind is FieldType.REFERENCE):
        # One that is no whole number would spoil the query for all.
        return _numeric(column, id, Decimal(id)) if id else None
    if inner == "id" and kind is FieldType.CHOICE and id:
        return _numeric(column, id, Decimal(id))
    if inner == "refName" or (inner == "" and kind is FieldType.REFERENCE):
        return _textual(f"BUILTIN.DF({column})", value)
    if inner not in ("", "id"):
        raise Rejected(
            f"NetSuite cannot search by {name}",
            code="FIELD_NOT_FILTERABLE",
            field_errors={name: "only id and refName of a reference can be searched by"},
        )
    try:
        if kind in _NUMBERS:
            number = parse_decimal(value)
            return _numeric(column, format_decimal(number), number)
    except ValueError:
        return None
    if kind is FieldType.BOOLEAN:
        letter = {"true": "T", "false": "F"}.get(value.strip().lower())
        return Term(column, Condition(f"{column} = '{letter}'"), letter, False) if letter else None
    if kind is FieldType.DATE:
        if not _DAY.fullmatch(value):
            return None
        expression = f"TO_CHAR({column},'{DAY_FORMAT}')"
        return Term(expression, Condition(f"{expression} = ?", (value,)), value, False)
    return _textual(column, value)


def _numeric(column: str, text: str, number: Decimal) -> Term:
    return Term(column, Condition(f"{column} = {text}"), number, True)


def _textual(expression: str, value: str) -> Term:
    condition = Condition(f"LOWER({expression}) = LOWER(?)", (value,))
    return Term(expression, condition, value.casefold(), False)


def _shape(terms: Sequence[Term]) -> tuple[str, ...]:
    return tuple(term.expression for term in terms)


def _wanted(terms: Sequence[Term]) -> tuple[object, ...]:
    return tuple(term.wanted for term in terms)


def _shown(terms: Sequence[Term], row: Row) -> tuple[object, ...]:
    """What a row has in the places of a query, in the form in which queries agree with it."""
    return tuple(_comparable(term, row.get(f"k{at}")) for at, term in enumerate(terms))


def _comparable(term: Term, raw: object) -> object:
    text = str(raw) if raw is not None else ""
    if term.numeric:
        try:
            return parse_decimal(text)
        except ValueError:
            return None
    return text if isinstance(term.wanted, str) and text == term.wanted else text.casefold()
