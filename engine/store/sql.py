"""The few statements that SQLite and PostgreSQL spell differently, and batch helpers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final, TypeAlias, TypeVar

from sqlalchemy import Column, Connection, Table, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError

Tx: TypeAlias = Connection
"""An open transaction (or, for reading, a connection). Opaque outside the store."""

Row: TypeAlias = Mapping[str, Any]
T = TypeVar("T")

PARAMETERS_MAX: Final = 500
"""Values in one ``IN (…)``: below every driver's limit, above every batch we use."""


def insert(tx: Tx, table: Table) -> Any:
    """An INSERT that knows ON CONFLICT, for the database at hand."""
    return _insert(tx.dialect.name, table)


def _insert(dialect: str, table: Table) -> Any:
    return (postgresql if dialect == "postgresql" else sqlite).insert(table)


def insert_many(tx: Tx, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows, all or none."""
    if rows:
        tx.execute(table.insert(), list(rows))


def put_many(tx: Tx, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows or overwrite those with the same primary key. Every row has the same columns."""
    if not rows:
        return
    tx.execute(_put(tx.dialect.name, table, tuple(rows[0])), list(rows))


@cache
def _put(dialect: str, table: Table, names: tuple[str, ...]) -> Any:
    """Built once: building it costs several times what running it does."""
    statement = _insert(dialect, table)
    keys = [column.name for column in table.primary_key]
    changed = {name: statement.excluded[name] for name in names if name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=changed)


def put_new(tx: Tx, table: Table, rows: Sequence[Row]) -> None:
    """Insert the rows whose primary key is not there yet."""
    if rows:
        tx.execute(insert(tx, table).on_conflict_do_nothing(), list(rows))


def never_before(tx: Tx, column: Column[datetime], now: datetime) -> datetime:
    """Now, or the latest instant in a column if that is later.

    Readers follow such a column by a cursor: what a clock that is behind stamped before it would
    never be seen.
    """
    latest = tx.execute(select(column).order_by(column.desc()).limit(1)).scalar()
    return now if latest is None else max(now, latest)


def contained(tx: Tx, act: Callable[[], None]) -> Exception | None:
    """Do a part of a transaction; when it fails, that part alone is undone, and the fault is told.

    What the database itself cannot do ends the whole transaction.
    """
    try:
        with tx.begin_nested():
            act()
    except (OperationalError, InterfaceError, InternalError):
        raise
    except Exception as fault:  # noqa: BLE001 - whatever it is, it is told
        return fault
    return None


def chunks(items: Sequence[T], size: int = PARAMETERS_MAX) -> Iterator[Sequence[T]]:
    """The items in runs of at most ``size``."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def by_place(addresses: Iterable[Any]) -> dict[tuple[str, str], list[str]]:
    """Addresses as (connection, object) → sorted unique ids: the shape of an indexed look-up."""
    places: dict[tuple[str, str], set[str]] = {}
    for address in addresses:
        places.setdefault((address.connection, address.object), set()).add(address.id)
    return {place: sorted(ids) for place, ids in places.items()}


def storable(said: str | None) -> str | None:
    """What a system said, as every database takes it: without NUL and halves of characters."""
    if said is None:
        return None
    return said.replace("\0", "\N{SYMBOL FOR NULL}").encode(errors="replace").decode()
