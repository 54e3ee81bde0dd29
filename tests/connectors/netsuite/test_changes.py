"""Cursors: nothing is lost at page borders, in the overlap, or when clocks go back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import Rejected
from connectors.netsuite.changes import (
    Sweep,
    Walk,
    back,
    in_order,
    instant,
    parse_sweep,
    parse_walk,
    wall,
)

ZONE = ZoneInfo("America/Los_Angeles")
OVERLAP = timedelta(minutes=15)
NOON = datetime(2026, 11, 22, 12)
NOW = datetime(2026, 11, 22, 20, tzinfo=UTC)
# Clocks went back at two in the morning of 1 November 2026: from one to two was told twice.
FALL = datetime(2026, 11, 1, 9, tzinfo=UTC)
SECONDS = st.integers(-10_800, 10_800).map(lambda count: FALL + timedelta(seconds=count))


def ended(sweep, last, now=NOW, zone=ZONE):
    return sweep.ended(last, now=now, overlap=OVERLAP, zone=zone)


def shown(at):
    """What the account's clock shows."""
    return at.astimezone(ZONE).replace(tzinfo=None)


@given(start=SECONDS, later=st.integers(0, 14_400))
def test_a_first_sweep_meets_every_later_change(start, later) -> None:
    change = start + timedelta(seconds=later)
    assert shown(change) >= wall(start, ZONE)


@given(seen=SECONDS, later=st.integers(0, 14_400))
def test_what_follows_the_newest_row_is_met(seen, later) -> None:
    sweep = ended(Sweep(start=datetime(2026, 10, 1)), (shown(seen), "1"))
    settled = ended(sweep, None, now=NOW + OVERLAP)
    change = shown(seen + timedelta(seconds=later))
    assert sweep.start <= change
    assert settled.start <= change


@given(at=SECONDS)
def test_a_version_never_looks_older_than_it_is(at) -> None:
    assert instant(shown(at), ZONE) >= at
    assert instant(shown(at), ZONE) - at <= timedelta(hours=1)


def test_an_hour_that_comes_twice_is_read_from_its_beginning() -> None:
    assert back(datetime(2026, 11, 1, 1, 30), ZONE) == datetime(2026, 11, 1, 0, 30)
    assert back(datetime(2026, 11, 1, 2, 30), ZONE) == datetime(2026, 11, 1, 2, 30)
    assert back(NOON, ZONE) == NOON


def test_the_next_sweep_begins_an_overlap_before_the_newest_row() -> None:
    sweep = ended(Sweep(start=NOON - timedelta(hours=1)), (NOON, "7"))
    assert (sweep.start, sweep.newest, sweep.after) == (NOON - OVERLAP, NOON, None)


def test_once_nothing_can_be_late_only_the_newest_second_is_read_again() -> None:
    sweep = ended(Sweep(start=NOON - timedelta(hours=1)), (NOON, "7"))
    early = ended(sweep, (NOON, "7"), now=NOW + OVERLAP - timedelta(seconds=1))
    late = ended(early, (NOON, "7"), now=NOW + OVERLAP)
    assert early.start == NOON - OVERLAP
    assert late.start == NOON
    newer = ended(late, (NOON + timedelta(minutes=1), "9"), now=NOW + 2 * OVERLAP)
    assert newer.start == NOON, "what was read before stays read"


def test_a_row_first_seen_in_a_long_sweep_is_not_settled_by_its_length() -> None:
    sweep = ended(Sweep(start=NOON - timedelta(hours=1)), (NOON, "7"))
    onward = sweep.onward((NOON + timedelta(minutes=1), "8"), NOW + timedelta(hours=1))
    over = ended(onward, (NOON + timedelta(minutes=2), "9"), now=NOW + timedelta(hours=2))
    assert over.start == NOON + timedelta(minutes=2) - OVERLAP


def test_an_empty_first_sweep_stays_where_it_is() -> None:
    assert ended(Sweep(start=NOON), None).start == NOON


@given(
    st.builds(
        Sweep,
        start=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(
            lambda at: at.replace(microsecond=0)
        ),
        after=st.none() | st.tuples(st.just(NOON), st.integers(-5, 10**12).map(str)),
        newest=st.none() | st.just(NOON),
        seen_at=st.none() | st.just(NOW),
        began=st.none() | st.just(NOW),
        owed=st.sampled_from([(), ("1",), ("7", "3")]),
    )
)
def test_cursors_come_back(sweep) -> None:
    assert parse_sweep(sweep.text()) == sweep


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "nonsense",
        "[]",
        "{}",
        '{"start": 5}',
        '{"start": "2026-11-22T12:00:00+00:00"}',
        '{"start": "2026-11-22T12:00:00", "after": ["2026-11-22T12:00:00", "1 OR 1=1"]}',
        '{"start": "2026-11-22T12:00:00", "after": ["2026-11-22T12:00:00"]}',
        '{"start": "2026-11-22T12:00:00", "seen": "2026-11-22T12:00:00"}',
    ],
)
def test_somebody_elses_cursor_is_refused(cursor) -> None:
    with pytest.raises(Rejected) as raised:
        parse_sweep(cursor)
    assert raised.value.code == "BAD_CURSOR"


def test_walks() -> None:
    assert parse_walk(None) == parse_walk(Walk().text()) == Walk()
    for walk in (Walk("17"), Walk("17", ("3", "5")), Walk(None, ("1",))):
        assert parse_walk(walk.text()) == walk
    for cursor in ("x", '{"id": "1;"}', '{"id": 1}', '{"owed": "1"}', '{"owed": ["1;"]}'):
        with pytest.raises(Rejected):
            parse_walk(cursor)


def test_order_is_by_time_and_then_by_number() -> None:
    assert in_order([(NOON, "9"), (NOON, "10"), (NOON + OVERLAP, "1")])
    assert not in_order([(NOON, "10"), (NOON, "9")])
    assert not in_order([(NOON, "9"), (NOON, "9")])
