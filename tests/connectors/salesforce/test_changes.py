"""The sweep over a table that changes while it is read: nothing is missed, nothing loops."""

from __future__ import annotations

import string
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import Rejected
from connectors.records import Record, Ref
from connectors.salesforce.changes import (
    Removing,
    Sweep,
    parse_removing,
    parse_sweep,
    parse_walk,
    walk_text,
)
from connectors.salesforce.ids import normal_id

ZERO = datetime(2026, 1, 1, tzinfo=UTC)
OVERLAP = timedelta(minutes=5)


def id_of(number: int) -> str:
    id = normal_id(f"001{number:012d}")
    assert id is not None
    return id


def page(table: dict[str, datetime], sweep: Sweep, size: int) -> tuple[tuple[Record, ...], bool]:
    """What the vendor answers: rows after the keyset, in order, and whether they are the last."""

    def wanted(stamp: datetime, id: str) -> bool:
        return stamp >= sweep.start if sweep.after is None else (stamp, id) > sweep.after

    rows = sorted((stamp, id) for id, stamp in table.items() if wanted(stamp, id))
    records = tuple(Record(Ref("X", id), {}, version=stamp) for stamp, id in rows[:size])
    return records, len(rows) <= size


def read_to_head(
    table: dict[str, datetime], cursor: str, size: int, seen: set[tuple[str, datetime]]
) -> str:
    for _ in range(1 + len(table) // size + 1):
        sweep = parse_sweep(cursor)
        records, at_head = page(table, sweep, size)
        seen.update((record.ref.id, record.version) for record in records if record.version)
        cursor = sweep.advanced(records, at_head=at_head, overlap=OVERLAP, vendor_now=None).text()
        if at_head:
            return cursor
    raise AssertionError("the sweep never came to its head")


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 4000)), max_size=40),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 240)), max_size=20),
    st.integers(1, 7),
)
def test_every_version_is_seen_once_reading_stops_moving(
    early: list[tuple[int, int]], late: list[tuple[int, int]], size: int
) -> None:
    table = {id_of(number): ZERO + timedelta(seconds=at) for number, at in early}
    seen: set[tuple[str, datetime]] = set()
    cursor = read_to_head(table, Sweep(start=ZERO).text(), size, seen)
    newest = max(table.values(), default=ZERO)
    # Rows that become visible late, with a stamp from within the overlap, or newer.
    for number, ago in late:
        table[id_of(number)] = max(ZERO, newest + timedelta(seconds=120 - ago))
    read_to_head(table, cursor, size, seen)
    assert set(table.items()) <= seen


def test_more_ties_than_a_page() -> None:
    table = {id_of(number): ZERO for number in range(10)}
    seen: set[tuple[str, datetime]] = set()
    read_to_head(table, Sweep(start=ZERO).text(), 3, seen)
    assert len(seen) == 10


def test_a_bulk_load_is_not_read_for_ever() -> None:
    """When the overlap alone fills pages, the vendor's clock ends the repetition."""
    table = {id_of(number): ZERO + timedelta(seconds=1) for number in range(10)}
    sweep, pages = Sweep(start=ZERO), 0
    vendor_now = ZERO + timedelta(hours=1)
    while True:
        records, at_head = page(table, sweep, 4)
        sweep = sweep.advanced(records, at_head=at_head, overlap=OVERLAP, vendor_now=vendor_now)
        pages += 1
        if at_head:
            break
    assert pages == 3
    assert sweep.start == vendor_now - OVERLAP
    # A sweep of one page keeps to what it saw.
    quiet = Sweep(start=ZERO).advanced(
        page(table, Sweep(start=ZERO), 50)[0],
        at_head=True,
        overlap=OVERLAP,
        vendor_now=vendor_now,
    )
    assert quiet.start == ZERO


def test_a_sweep_never_goes_back_before_its_start() -> None:
    start = ZERO + timedelta(hours=1)
    record = Record(Ref("X", id_of(1)), {}, version=start + timedelta(seconds=1))
    onward = Sweep(start=start).advanced((record,), at_head=True, overlap=OVERLAP, vendor_now=None)
    assert onward.start == start


def test_the_conditions() -> None:
    assert Sweep(start=ZERO).where() == "SystemModstamp >= 2026-01-01T00:00:00Z"
    assert Sweep(start=ZERO, after=(ZERO, id_of(1))).where() == (
        "(SystemModstamp > 2026-01-01T00:00:00Z) OR "
        f"((SystemModstamp = 2026-01-01T00:00:00Z) AND (Id > '{id_of(1)}'))"
    )


times = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
keys = st.tuples(times, st.text(string.ascii_letters, min_size=15, max_size=15).map(normal_id))


@given(times, st.none() | keys, st.none() | times, st.none() | times)
def test_cursors_survive_being_stored(
    start: datetime,
    after: tuple[datetime, str] | None,
    newest: datetime | None,
    began: datetime | None,
) -> None:
    sweep = Sweep(start, after, newest, began)
    assert parse_sweep(sweep.text()) == sweep
    look = Removing(start, newest, after)
    assert parse_removing(look.text()) == look


def test_the_walk() -> None:
    assert parse_walk(None) is None
    assert parse_walk(walk_text("")) is None
    assert parse_walk(walk_text(id_of(3))) == id_of(3)


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "[]",
        "{}",
        '{"start":1}',
        '{"start":"2026-01-01"}',
        '{"start":"2026-01-01T00:00:00+00:00","after":["2026-01-01T00:00:00+00:00"]}',
        '{"start":"2026-01-01T00:00:00+00:00","after":["2026-01-01T00:00:00+00:00","\' OR"]}',
        '{"id":"\' OR Id != "}',
        "[" * 100_000,
    ],
)
def test_a_foreign_cursor_is_refused(cursor: str) -> None:
    for parse in (parse_sweep, parse_removing, parse_walk):
        with pytest.raises(Rejected, match="cursor"):
            parse(cursor)
