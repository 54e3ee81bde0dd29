"""The ledger only grows, and whatever is done to it is found out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import Connection, delete, func, select, update

from engine.store import ledger, streams
from engine.store.ledger import HEAD, Head, Line, Verification
from engine.store.store import Store
from engine.store.tables import ledger as table
from tests.store.conftest import NOW, StoreMaker
from tests.store.store_kit import SYNC, at

LINES = 7


def line(number: int) -> Line:
    return Line(
        NOW + timedelta(seconds=number),
        SYNC,
        "update",
        "confirmed",
        "config",
        source=at(number),
        business_key=f"deals-{number}",
    )


def write(store: Store, *numbers: int) -> None:
    with store.write() as tx:
        ledger.append(tx, [line(number) for number in numbers])


def verify(store: Store, outside: Head | None = None) -> Verification:
    with store.read() as tx:
        return ledger.verify(tx, store.vault, outside)


@pytest.fixture
def sealed(store: Store) -> Store:
    """A store with a few sealed lines."""
    for number in range(LINES):
        write(store, number)
    store.seal()
    return store


@contextmanager
def behind_our_back(store: Store) -> Iterator[Connection]:
    """Change the database without the ledger knowing."""
    with store.database.write() as tx:
        yield tx


def test_lines_are_numbered_chained_and_kept_outside(sealed: Store) -> None:
    found = verify(sealed)
    assert (found.lines, found.unsealed, found.fault) == (LINES, 0, None)
    assert sealed.head_file is not None
    assert ledger.read_head(sealed.head_file) == found.head
    with sealed.read() as tx:
        lines = list(ledger.exported(tx))
        assert [item["source"]["id"] for item in lines] == [str(n) for n in range(LINES)]
        assert [item["seq"] for item in lines] == list(range(1, LINES + 1))
        assert list(ledger.exported(tx, after=2, limit=3)) == lines[2:5]
        assert ledger.newest(tx, 2) == lines[-2:]
    assert all(b["prev"] == a["hash"] for a, b in pairwise(lines))


def edited(tx: Connection) -> None:
    text = tx.execute(select(table.c.line).where(table.c.seq == 4)).scalar_one()
    tx.execute(
        update(table).where(table.c.seq == 4).values(line=text.replace("deals-3", "deals-5"))
    )


def respaced(tx: Connection) -> None:
    tx.execute(update(table).where(table.c.seq == 4).values(line=table.c.line + " "))


def deleted(tx: Connection) -> None:
    tx.execute(delete(table).where(table.c.seq == 4))


def deleted_and_closed_up(tx: Connection) -> None:
    deleted(tx)
    for seq in range(5, LINES + 1):
        tx.execute(update(table).where(table.c.seq == seq).values(seq=seq - 1))


def swapped(tx: Connection) -> None:
    texts = [tx.execute(select(table.c.line).where(table.c.seq == s)).scalar_one() for s in (4, 6)]
    for seq, text in zip((6, 4), texts, strict=True):
        tx.execute(update(table).where(table.c.seq == seq).values(line=text))


def truncated(tx: Connection) -> None:
    tx.execute(delete(table).where(table.c.seq >= 4))


def inserted(tx: Connection) -> None:
    for seq in range(LINES, 3, -1):
        tx.execute(update(table).where(table.c.seq == seq).values(seq=seq + 1))
    tx.execute(table.insert().values(line="{}", seq=4, prev="0" * 64, hash="0" * 64))


def rehashed(tx: Connection) -> None:
    tx.execute(update(table).where(table.c.seq == 4).values(hash="f" * 64))


def unchained(tx: Connection) -> None:
    tx.execute(update(table).where(table.c.seq == 4).values(prev="f" * 64))


@pytest.mark.parametrize(
    "change",
    [
        edited,
        respaced,
        deleted,
        deleted_and_closed_up,
        swapped,
        truncated,
        inserted,
        rehashed,
        unchained,
    ],
)
def test_the_first_altered_line_is_named(
    sealed: Store, change: Callable[[Connection], None]
) -> None:
    with behind_our_back(sealed) as tx:
        change(tx)
    found = verify(sealed)
    assert found.fault_seq == 4
    assert found.fault is not None


def test_a_cut_that_takes_the_head_along_shows_by_the_head_outside(sealed: Store) -> None:
    outside = ledger.read_head(sealed.head_file)  # type: ignore[arg-type]
    assert verify(sealed, outside).fault is None
    with behind_our_back(sealed) as tx:
        hash = tx.execute(select(table.c.hash).where(table.c.seq == 3)).scalar_one()
        truncated(tx)
        streams.put_meta(tx, HEAD, f"3:{hash}")
    assert verify(sealed).fault is None
    found = verify(sealed, outside)
    assert (found.fault_seq, found.fault) == (4, "lines after 3 were removed")
    # A ledger that grew on from the cut is still not the one that was sealed.
    write(sealed, *range(50, 60))
    sealed.database.sqlite or sealed.seal()
    assert verify(sealed, outside).fault_seq == LINES


@pytest.mark.parametrize("value", [None, "2:" + "0" * 64])
def test_a_head_that_is_put_back_is_found(sealed: Store, value: str | None) -> None:
    with behind_our_back(sealed) as tx:
        if value is None:
            streams.put_meta(tx, HEAD, "0:" + "0" * 64)
        else:
            streams.put_meta(tx, HEAD, value)
    assert verify(sealed).fault is not None


def test_another_key_verifies_nothing(sealed: Store, open_store: StoreMaker) -> None:
    from engine.store.vault import Vault

    with sealed.read() as tx:
        assert ledger.verify(tx, Vault(b"x" * 32), None).fault_seq == 1


def test_an_older_head_outside_is_no_fault(sealed: Store) -> None:
    outside = ledger.read_head(sealed.head_file)  # type: ignore[arg-type]
    write(sealed, 99)
    sealed.seal()
    found = verify(sealed, outside)
    assert (found.fault, found.lines) == (None, LINES + 1)


def test_a_line_and_what_it_tells_of_come_together_or_not_at_all(sealed: Store) -> None:
    def fail() -> None:
        with sealed.write() as tx:
            ledger.append(tx, [line(50)])
            streams.put_meta(tx, "what", "it tells of")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    found = verify(sealed)
    assert (found.lines, found.unsealed, found.fault) == (LINES, 0, None)
    with sealed.read() as tx:
        assert streams.get_meta(tx, "what") is None


def test_the_head_file_is_replaced_whole(sealed: Store) -> None:
    assert sealed.head_file is not None
    sealed.head_file.unlink()
    sealed.seal()
    assert ledger.read_head(sealed.head_file) == verify(sealed).head
    assert not list(sealed.head_file.parent.glob("*.new"))
    assert sealed.head_file.stat().st_mode & 0o777 == 0o600


def test_many_write_and_seal_at_once_into_one_chain(store: Store, open_store: StoreMaker) -> None:
    # On PostgreSQL every store is another engine; a SQLite file has one.
    stores = [store] * 4 if store.database.sqlite else [store, *(open_store() for _ in range(3))]

    def work(place: int) -> None:
        for number in range(12):
            write(stores[place], place * 100 + number, place * 100 + 50 + number)
            stores[place].seal()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    store.seal()
    found = verify(store, ledger.read_head(store.head_file))  # type: ignore[arg-type]
    assert (found.lines, found.unsealed, found.fault) == (96, 0, None)
    with store.read() as tx:
        told: list[Any] = [item["source"]["id"] for item in ledger.exported(tx)]
        assert len(set(told)) == 96
        assert tx.execute(select(func.max(table.c.seq))).scalar_one() == 96
