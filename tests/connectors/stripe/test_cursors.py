"""A sweep hands over every entry once, in small pages, from a cursor alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import Rejected
from connectors.stripe.cursors import (
    Resync,
    Row,
    Sweep,
    Walk,
    parse_feed,
    parse_walk,
)

NOW = 1_788_249_600
OVERLAP = 300
STEPS_MAX = 2_000


class Feed:
    """A list as Stripe answers it: newest first, filtered by whole seconds."""

    def __init__(self, times: list[int]) -> None:
        self.rows = [Row(f"evt_{place}", time) for place, time in enumerate(times)]

    def page(self, sweep: Sweep, limit: int) -> tuple[list[Row], bool]:
        params = sweep.params(limit)
        created = params["created"]
        assert isinstance(created, dict)
        low, high = int(str(created["gte"])), int(str(created.get("lte", NOW * 2)))
        found = [row for row in self.rows if low <= row.created <= high]
        found.sort(key=lambda row: (row.created, row.id), reverse=True)
        after = params.get("starting_after")
        if after is not None:
            place = next(at for at, row in enumerate(found) if row.id == after)
            found = found[place + 1 :]
        assert len(found[:limit]) <= int(str(params["limit"]))
        return found[:limit], len(found) > limit


def to_head(feed: Feed, cursor: str, limit: int) -> tuple[list[Row], str, int]:
    taken: list[Row] = []
    for count in range(1, STEPS_MAX):
        sweep = parse_feed(cursor)
        assert isinstance(sweep, Sweep)
        rows, more = feed.page(sweep, limit)
        step = sweep.advanced(rows, has_more=more, limit=limit, now=NOW, overlap=OVERLAP)
        assert len(step.rows) <= limit
        taken += step.rows
        cursor = step.next.text()
        if step.at_head:
            return taken, cursor, count
    raise AssertionError("the head was never reached")


TIMES = st.lists(
    st.one_of(
        st.integers(NOW - 86_400 * 20, NOW),
        st.sampled_from((NOW - 5_000, NOW - 5_001, NOW - 100_000)),
    ),
    max_size=120,
)


@given(TIMES, st.integers(1, 20))
def test_every_entry_comes_once_and_in_order(times: list[int], limit: int) -> None:
    feed = Feed(times)
    start = NOW - 86_400 * 20
    taken, cursor, _ = to_head(feed, Sweep(start, start).text(), limit)
    assert sorted(row.id for row in taken) == sorted(row.id for row in feed.rows)
    assert [row.created for row in taken] == sorted(times)
    again, _, _ = to_head(feed, cursor, limit)
    assert again == [], "what was handed over is remembered"


@given(TIMES, st.integers(1, 20), st.integers(0, OVERLAP))
def test_an_entry_that_shows_late_is_found(times: list[int], limit: int, late: int) -> None:
    feed = Feed([*times, NOW])
    start = NOW - 86_400 * 20
    _, cursor, _ = to_head(feed, Sweep(start, start).text(), limit)
    feed.rows.append(Row("evt_late", NOW - late))
    found, _, _ = to_head(feed, cursor, limit)
    assert [row.id for row in found] == ["evt_late"]


def test_a_quiet_head_is_one_request() -> None:
    feed = Feed([NOW - 10, NOW - 5])
    start = NOW - 600
    _, cursor, count = to_head(feed, Sweep(start, start).text(), 50)
    assert count == 1
    assert to_head(feed, cursor, 50)[2] == 1


def test_a_backlog_takes_about_as_many_requests_as_pages() -> None:
    feed = Feed([NOW - 86_400 * 20 + 600 * place for place in range(2_000)])
    start = NOW - 86_400 * 20
    taken, _, count = to_head(feed, Sweep(start, start).text(), 50)
    assert len(taken) == 2_000
    assert count < 3 * 2_000 / 50


def test_a_feed_without_news_moves_on_with_the_clock() -> None:
    start = NOW - 86_400 * 20
    _, cursor, _ = to_head(Feed([]), Sweep(start, start).text(), 50)
    moved = parse_feed(cursor)
    assert isinstance(moved, Sweep)
    assert moved.start == NOW - 3_600


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "1", '{"start":1}', '{"start":-1,"at":1}', '{"start":"1","at":1}',
     '{"start":1,"at":1,"seen":[["",1]]}', '{"start":true,"at":1}', "[" * 5_000],
)  # fmt: skip
def test_a_foreign_cursor_is_refused(text: str) -> None:
    with pytest.raises(Rejected, match="not written by the Stripe connector"):
        parse_feed(text)


def test_cursors_come_back() -> None:
    sweep = Sweep(5, 6, width=7, after="evt_1", top=9, seen=(Row("evt_2", 8),))
    assert parse_feed(sweep.text()) == sweep
    assert parse_feed(Resync(5, Walk("cus_1", 3)).text()) == Resync(5, Walk("cus_1", 3))
    assert parse_walk(Walk("cus_1", 3).text()) == Walk("cus_1", 3)
    assert parse_walk(None) == Walk()
    with pytest.raises(Rejected):
        parse_walk('{"id":7}')
