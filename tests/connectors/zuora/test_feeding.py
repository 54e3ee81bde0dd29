"""Sweeps lose nothing, whatever shares a second, and come to an end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from connectors.records import Record, Selection
from connectors.values import parse_instant
from connectors.zuora.cursors import read_sweep
from connectors.zuora.feeding import OVERLAP, changed, first_sweep, walked
from connectors.zuora.reading import Source
from connectors.zuora.rest import Answered
from connectors.zuora.values import Reader

START = datetime(2026, 9, 1, tzinfo=UTC)
SELECTION = Selection("accounts", ("name",))


class Table:
    """Object Query over a few rows, in the vendor's words; stored times are finer than printed."""

    def __init__(self, seconds: Sequence[int], clock: datetime | None = None) -> None:
        self.times = {f"{place:032x}": START + timedelta(seconds=at, milliseconds=place % 1000)
                      for place, at in enumerate(seconds)}  # fmt: skip
        self.clock = clock
        self.calls = 0

    def get(self, path: str, query: Sequence[tuple[str, str]]) -> Answered:
        assert path == "/object-query/accounts"
        self.calls += 1
        found = [id for id in self.times if all(self.holds(id, name, text) for name, text in query)]
        asked = dict(query)
        by_time = asked["sort[]"] == "updateddate.ASC"
        found.sort(key=lambda one: self.times[one] if by_time else one)
        size = int(asked["pageSize"])
        body = {"data": [self.row(id) for id in found[:size]]}
        if len(found) > size:
            body["nextPage"] = "more"
        return Answered(body, None, self.clock)

    def holds(self, id: str, name: str, text: str) -> bool:
        if name != "filter[]":
            return True
        field, _, condition = text.partition(".")
        operator, _, value = condition.partition(":")
        have, wanted = (id, value) if field == "id" else (self.times[id], parse_instant(value))
        return {"GE": have >= wanted, "LT": have < wanted, "GT": have > wanted}[operator]

    def row(self, id: str) -> dict[str, object]:
        at = self.times[id].strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"id": id, "accountNumber": f"A{id}", "name": "n", "updatedDate": at}


def sweep(table: Table, cursor: str, limit: int) -> tuple[list[Record], str]:
    source = Source(table, Reader(ZoneInfo("UTC")))
    records: list[Record] = []
    while True:
        page = changed(source, SELECTION, cursor, limit)
        records += page.records
        cursor = page.cursor
        if page.at_head:
            return records, cursor


@given(st.lists(st.integers(0, 6), max_size=60), st.integers(1, 9))
def test_a_sweep_is_complete_sorted_and_ends(seconds: list[int], limit: int) -> None:
    table = Table(seconds)
    records, cursor = sweep(table, first_sweep("accounts", START), limit)
    assert {record.ref.id for record in records} == {f"A{id}" for id in table.times}
    versions = [record.version for record in records]
    assert versions == sorted(versions)
    # A page, a walk through each shared second, and a page behind it.
    assert table.calls <= 2 * (len(seconds) // limit + 1) + 14
    again, _ = sweep(table, cursor, limit)
    assert {record.ref.id for record in again} == {f"A{id}" for id in table.times}


def test_the_next_sweep_starts_before_the_newest_and_never_goes_back() -> None:
    table = Table([0, 3600])
    _, cursor = sweep(table, first_sweep("accounts", START), 50)
    newest = START + timedelta(hours=1)
    assert read_sweep(cursor).start == newest - OVERLAP
    table.times.clear()
    _, later = sweep(table, cursor, 50)
    assert read_sweep(later).start == newest - OVERLAP


def test_a_load_within_the_overlap_is_not_read_for_ever() -> None:
    clock = START + timedelta(minutes=30)
    table = Table([60] * 120, clock)
    records, cursor = sweep(table, first_sweep("accounts", START), 50)
    assert len({record.ref.id for record in records}) == 120
    assert read_sweep(cursor).start == clock - OVERLAP
    calls = table.calls
    assert sweep(table, cursor, 50)[0] == []
    assert table.calls == calls + 1


@given(st.integers(0, 40), st.integers(1, 9))
def test_a_walk_is_complete_and_repeats_nothing(count: int, limit: int) -> None:
    table = Table([0] * count)
    source = Source(table, Reader(ZoneInfo("UTC")))
    cursor, ids = None, []
    while True:
        page = walked(source, SELECTION, cursor, limit, None)
        ids += [record.ref.id for record in page.records]
        cursor = page.cursor
        if page.at_head:
            break
    assert ids == [f"A{id}" for id in table.times]
