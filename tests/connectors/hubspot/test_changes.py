"""The change cursor, against a model of HubSpot's index: nothing lost, nothing endless."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.errors import UnexpectedAnswer
from connectors.hubspot.changes import ChangeCursor, Hit, Step, query, start, turn
from connectors.hubspot.properties import milliseconds

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
OVERLAP = timedelta(minutes=5)
BASE = milliseconds(NOW)


class Index:
    """What a search would see: id to modified time, ties in an order of nobody's choosing."""

    def __init__(self, rows):
        self.rows = dict(rows)
        self.searches = 0

    def search(self, cursor, size):
        self.searches += 1
        body = query(cursor, "m")
        hits = [
            Hit(id, modified)
            for id, modified in self.rows.items()
            if all(self._passes(f, id, modified) for f in body["filterGroups"][0]["filters"])
        ]
        if body["sorts"][0]["propertyName"] == "m":
            hits.sort(key=lambda hit: (hit.modified, hash((hit.id, self.searches))))
        else:
            hits.sort(key=lambda hit: int(hit.id))
        return hits[:size], len(hits) > size

    @staticmethod
    def _passes(rule, id, modified):
        held = int(id) if rule["propertyName"] == "hs_object_id" else modified
        value = int(rule["value"])
        return {"EQ": held == value, "GT": held > value, "GTE": held >= value}[rule["operator"]]


def sweep(index, cursor, size, now=NOW):
    """Pages until the head: the ids handed on, in order, and the cursor after."""
    got = []
    for _ in range(10_000):
        hits, more = index.search(cursor, size)
        step = turn(cursor, hits, more=more, now=now, overlap=OVERLAP)
        got += step.ids
        cursor = ChangeCursor.of(step.cursor.text())
        if step.at_head:
            return got, cursor
    raise AssertionError("the sweep does not end")


times = st.integers(min_value=BASE, max_value=BASE + 4)
rows = st.dictionaries(st.integers(1, 400).map(str), times, max_size=60)


@settings(max_examples=200)
@given(rows, st.integers(1, 9))
def test_a_sweep_shows_every_record_once_oldest_first(held, size):
    got, _ = sweep(Index(held), start(NOW), size)
    assert sorted(got) == sorted(held)
    assert [held[id] for id in got] == sorted(held.values())


@settings(max_examples=200)
@given(rows, st.dictionaries(st.integers(401, 500).map(str), times, max_size=9), st.integers(1, 9))
def test_rows_that_turn_up_late_are_found_by_the_next_sweep(held, late, size):
    index = Index(held)
    _, cursor = sweep(index, start(NOW), size)
    index.rows |= late
    got, _ = sweep(index, cursor, size)
    assert set(late) <= set(got)


def test_more_ties_than_any_page_or_cap():
    held = {str(n): BASE + 7 for n in range(1, 10_351)} | {"20000": BASE + 9}
    index = Index(held)
    got, cursor = sweep(index, start(NOW), 200)
    assert len(got) == len(set(got)) == 10_351
    assert got[-1] == "20000"
    assert cursor.high == BASE + 9
    assert index.searches == 1 + 52 + 1


def test_pages_cost_one_search_each():
    index = Index({str(n): BASE + n for n in range(1, 1001)})
    sweep(index, start(NOW), 200)
    assert index.searches == 6  # 199 a page: the last one is left for the next


def test_the_next_sweep_reads_the_overlap_again_until_it_has_grown_old():
    index = Index({"1": BASE, "2": BASE + 1})
    _, cursor = sweep(index, start(NOW), 200)
    assert (cursor.step, cursor.at) == (Step.FROM, BASE + 1 - 300_000)
    got, cursor = sweep(index, cursor, 200, NOW + timedelta(minutes=4))
    assert got == ["1", "2"]
    got, cursor = sweep(index, cursor, 200, NOW + timedelta(minutes=6))
    assert got == ["1", "2"]
    got, cursor = sweep(index, cursor, 200, NOW + timedelta(minutes=7))
    assert got == []
    index.rows["3"] = BASE + 2
    got, cursor = sweep(index, cursor, 200, NOW + timedelta(minutes=8))
    assert got == ["3"]
    got, _ = sweep(index, cursor, 200, NOW + timedelta(minutes=9))
    assert got == ["1", "2", "3"]


def test_a_record_modified_between_pages_pushes_no_other_out():
    index = Index({str(n): BASE + n for n in range(1, 51)})
    cursor, got = start(NOW), []
    for page in range(100):
        hits, more = index.search(cursor, 10)
        step = turn(cursor, hits, more=more, now=NOW, overlap=OVERLAP)
        got += step.ids
        cursor = step.cursor
        index.rows["1"] = BASE + 1000 + page
        if step.at_head or page > 20:
            break
    assert {str(n) for n in range(2, 51)} <= set(got)


def test_a_long_sweep_counts_from_its_start():
    """The overlap was read when the sweep began, so only then does the newest time grow old."""
    index = Index({str(n): BASE + n for n in range(30)})
    _, cursor = sweep(index, start(NOW), 200)
    for minutes in (4, 6):  # the first page before the overlap has passed, the last one after
        hits, more = index.search(cursor, 20)
        step = turn(cursor, hits, more=more, now=NOW + timedelta(minutes=minutes), overlap=OVERLAP)
        cursor = step.cursor
    assert step.at_head
    assert cursor.step is Step.FROM


def test_an_empty_page_that_promises_more_is_refused():
    with pytest.raises(UnexpectedAnswer):
        turn(start(NOW), [], more=True, now=NOW, overlap=OVERLAP)


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", "null", '[2,"from",1,"",0,0,0]', '[1,"x",1,"",0,0,0]']
)
def test_a_foreign_cursor_is_refused(text):
    with pytest.raises(UnexpectedAnswer):
        ChangeCursor.of(text)
