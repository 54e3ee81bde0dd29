"""Runs queries: records projected into SQLite in memory, brought up to date before each query."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from decimal import Decimal
from typing import Any, Final

from sandbox.netsuite.books import Books
from sandbox.netsuite.suiteql import functions
from sandbox.netsuite.suiteql.parser import Parser, Query
from sandbox.netsuite.suiteql.projection import NAMES, SIMPLE, deleted_row, project, stored
from sandbox.netsuite.suiteql.tables import SQL_TYPES, Column, tables_of
from sandbox.netsuite.suiteql.tokens import QueryError

_OF_TRANSACTIONS: Final = (
    ("transaction", "id"), ("transactionline", "transaction"),
    ("transactionaccountingline", "transaction"), ("nexttransactionlinelink", "nextdoc"),
)  # fmt: skip
_INDEXED: Final = (
    ("transaction", "lastmodifieddate"), ("transactionline", "transaction"),
    ("transactionaccountingline", "transaction"), ("nexttransactionlinelink", "nextdoc"),
    ("transaction", "id"), ("customer", "id"), ("customersubsidiaryrelationship", "id"),
    ("item", "id"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Result:
    """One page of an answer. ``total`` is how many rows there are in all."""

    query: Query
    rows: list[dict[str, str]]
    total: int


class Engine:
    """A copy of the books that can be queried. Guarded by the simulator's lock."""

    def __init__(self, books: Books, zone: tzinfo = UTC) -> None:
        self._books = books
        self._zone = zone
        self._tables: dict[str, dict[str, Column]] = {}
        self._schema_version = -1
        self._deleted = 0
        self._failure: str | None = None
        self._connection = sqlite3.connect(":memory:", check_same_thread=False)
        self._connection.execute("PRAGMA case_sensitive_like = ON")
        self._install()

    def close(self) -> None:
        """Let the memory go."""
        self._connection.close()

    def run(
        self,
        text: str,
        parameters: Sequence[Any],
        page: tuple[int, int],
        hidden: frozenset[str] = frozenset(),
    ) -> Result:
        """A page (limit, offset) of the rows; :class:`QueryError` for what cannot be done.

        ``hidden`` are record types the role may not see: their tables are unknown to it, their
        transactions are not there.
        """
        self._refresh()
        limit, offset = page
        try:
            query = Parser(text, *self._seen_by(hidden)).query()
        except RecursionError as error:
            raise QueryError("it is nested too deeply") from error
        if query.parameters != len(parameters):
            raise QueryError(f"{query.parameters} parameters are expected")
        values = [_bound(one) for one in parameters]
        self._failure = None
        try:
            count = self._connection.execute(f"SELECT COUNT(*) FROM ({query.sql})", values)  # noqa: S608
            total = int(count.fetchone()[0])
            found = self._connection.execute(
                f"SELECT * FROM ({query.sql}) LIMIT {limit} OFFSET {offset}",  # noqa: S608
                values,
            )
            rows = [_row(query.names, row) for row in found]
        except (sqlite3.Error, ArithmeticError, ValueError) as error:
            raise QueryError(self._failure or f"the search failed: {error}") from error
        return Result(query, rows, total)

    def _seen_by(
        self, hidden: frozenset[str]
    ) -> tuple[Mapping[str, Mapping[str, Column]], Mapping[str, str]]:
        """The tables that are left, and what stands for those of which only a part is seen."""
        gone = {SIMPLE[type] for type in hidden if type in SIMPLE}
        tables = {name: one for name, one in self._tables.items() if name not in gone}
        codes = [code for type in hidden if (code := self._books.types[type].code) in NAMES]
        if not codes:
            return tables, {}
        inside = ", ".join(f"'{code}'" for code in codes)
        kept = f'SELECT id FROM "transaction" WHERE type NOT IN ({inside})'  # noqa: S608
        parts = {
            table: f'(SELECT * FROM "{table}" WHERE "{column}" IN ({kept}))'  # noqa: S608
            for table, column in _OF_TRANSACTIONS
        }
        return tables, parts

    # -- functions ---------------------------------------------------------------------------------

    def _install(self) -> None:
        books = self._books

        def title(target: str, id: object) -> str | None:
            return None if id is None else books.title(target, str(id))

        def now() -> str:
            return functions.dated(books.now().astimezone(self._zone))

        add = self._connection.create_function
        add("TO_DATE", 2, self._telling(functions.to_date))
        add("TO_CHAR", 1, self._telling(functions.to_char))
        add("TO_CHAR", 2, self._telling(functions.to_char))
        add("ACCOUNT_DATE", 1, self._telling(functions.account_date))
        add("AS_NUMBER", 1, self._telling(functions.as_number))
        add("DISPLAY_NAME", 2, title)
        add("ACCOUNT_NOW", 0, now)
        self._connection.create_aggregate("EXACT_SUM", 1, functions.ExactSum)

    def _telling(self, function: Any) -> Any:
        """Remember why a function failed: the engine only says that it did."""

        def call(*values: Any) -> Any:
            try:
                return function(*values)
            except functions.BadArgument as error:
                self._failure = str(error)
                raise

        return call

    # -- keeping up --------------------------------------------------------------------------------

    def _refresh(self) -> None:
        books = self._books
        if self._schema_version != books.schema_version:
            self._rebuild()
        for type, id in {self._named(type, id) for type, id in books.dirty}:
            self._replace(type, id)
        books.dirty.clear()
        while len(books.deleted) > self._deleted:
            self._insert("deletedrecord", deleted_row(books, books.deleted[self._deleted]))
            self._deleted += 1
        self._connection.commit()

    def _named(self, type: str, id: str) -> tuple[str, str]:
        """The record type of a record that was noted by its family only."""
        found = None if type in self._books.types else self._books.find(type, id)
        return (found[0].name, id) if found is not None else (type, id)

    def _rebuild(self) -> None:
        self._tables = tables_of(self._books)
        self._deleted = 0
        for name, columns in self._tables.items():
            self._connection.execute(f'DROP TABLE IF EXISTS "{name}"')
            inner = ", ".join(f'"{one.name}" {SQL_TYPES[one.kind]}' for one in columns.values())
            self._connection.execute(f'CREATE TABLE "{name}" ({inner})')
        for name, column in _INDEXED:
            self._connection.execute(f'CREATE INDEX "{name}_{column}" ON "{name}" ("{column}")')
        self._insert("dual", {"dummy": "X"})
        self._schema_version = self._books.schema_version
        for type, rows in self._books.tables.items():
            self._books.dirty.update((type, id) for id in rows)

    def _replace(self, type: str, id: str) -> None:
        spec = self._books.types.get(type)
        if spec is None:
            return  # a transaction that is gone, and was noted by its own type, too
        row = self._books.tables[type].get(id)
        if spec.family == "transaction":
            for table, column in _OF_TRANSACTIONS:
                self._connection.execute(f'DELETE FROM "{table}" WHERE "{column}" = ?', (id,))  # noqa: S608
        elif type in SIMPLE:
            self._forget(type, id)
        else:
            return
        if row is not None:
            for table, values in project(self._books, spec, id, row):
                self._insert(table, values)

    def _forget(self, type: str, id: str) -> None:
        table = SIMPLE[type]
        self._connection.execute(f'DELETE FROM "{table}" WHERE id = ?', (id,))  # noqa: S608
        if type == "account":
            self._connection.execute("DELETE FROM accountsubsidiarymap WHERE account = ?", (id,))
        if type == "customer":
            relationships = "DELETE FROM customersubsidiaryrelationship WHERE id = ?"
            self._connection.execute(relationships, (-int(id),))

    def _insert(self, table: str, row: dict[str, Any]) -> None:
        columns = self._tables[table]
        named = [name for name in columns if row.get(name) is not None]
        values = [stored(columns[name].kind, row[name], self._zone) for name in named]
        inner = ", ".join(f'"{name}"' for name in named)
        marks = ", ".join("?" * len(named))
        self._connection.execute(f'INSERT INTO "{table}" ({inner}) VALUES ({marks})', values)  # noqa: S608


def _bound(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal | None):
        raise QueryError("a parameter is text or a number")
    return float(value) if isinstance(value, Decimal) else value


def _row(names: Sequence[str], values: Sequence[Any]) -> dict[str, str]:
    """A row as it is printed: text only, and nothing where there is nothing."""
    pairs = zip(names, map(functions.shown, values), strict=True)
    return {name: text for name, text in pairs if text is not None}
