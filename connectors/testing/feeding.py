# ruff: noqa: S101 - a contract is made of assertions
"""Contract: walking through everything, following changes, seeing removals. Nothing is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from connectors.records import Life, Page, Record, Selection
from connectors.testing.bench import Bench
from connectors.testing.needs import needs

PAGES_MAX = 200
SECOND = timedelta(seconds=1)


def sweep(turn: Callable[[str], Page], cursor: str) -> tuple[list[Record], str]:
    """All pages up to the head, and the cursor that goes on from there."""
    found: list[Record] = []
    for _ in range(PAGES_MAX):
        page = turn(cursor)
        found += page.records
        cursor = page.cursor
        if page.at_head:
            return found, cursor
    raise AssertionError(f"no end after {PAGES_MAX} pages")


def follow(
    bench: Bench, selection: Selection, cursor: str, limit: int = 100
) -> tuple[list[Record], str]:
    """One sweep of changes; a new connector for every page, because a restart may come anywhere."""
    return sweep(lambda at: bench.again().changes(selection, at, limit), cursor)


class Listing:
    """The cheapest way through all live records."""

    @needs("Lists")
    def test_a_list_is_complete_and_repeats_nothing(self, bench: Bench) -> None:
        sample = bench.sample
        ids = [bench.world.create(sample.object, sample.fields(f"t{n}")) for n in range(12)]
        bench.world.remove(sample.object, ids[4])
        bench.world.settle()
        first = bench.connector.list(sample.selection(), None, 5)
        assert len(first.records) <= 5
        found = list(first.records)
        if not first.at_head:
            rest, _ = sweep(lambda at: bench.again().list(sample.selection(), at, 5), first.cursor)
            found += rest
        times = Counter(record.ref.id for record in found)
        assert {id: times[id] for id in ids} == {id: int(id != ids[4]) for id in ids}
        texts = {record.ref.id: record.fields[sample.text] for record in found}
        assert [texts[id] for id in ids if id != ids[4]] == [f"t{n}" for n in range(12) if n != 4]

    @needs("Lists")
    def test_since_leaves_out_nothing_newer(self, bench: Bench) -> None:
        sample = bench.sample
        since = bench.world.now()
        id = bench.world.create(sample.object, sample.fields("new"))
        bench.world.settle()
        page = bench.connector.list(sample.selection(), None, 5, since=since - SECOND)
        found = list(page.records)
        if not page.at_head:
            rest, _ = sweep(
                lambda at: bench.again().list(sample.selection(), at, 5, since=since - SECOND),
                page.cursor,
            )
            found += rest
        assert id in {record.ref.id for record in found}


class Changing:
    """The feed of changes."""

    def _start(self, bench: Bench) -> tuple[str, datetime]:
        bench.world.settle()
        at = bench.world.now()
        return bench.connector.first_cursor(bench.sample.selection(), at), at

    @needs("Polls")
    def test_the_first_cursor_costs_no_call(self, bench: Bench) -> None:
        bench.connector.check()
        before = bench.world.calls()
        bench.connector.first_cursor(bench.sample.selection(), bench.world.now())
        assert bench.world.calls() == before

    @needs("Polls")
    def test_creations_and_edits_are_reported(self, bench: Bench) -> None:
        sample = bench.sample
        old = bench.world.create(sample.object, sample.fields("old"))
        edited = bench.world.create(sample.object, sample.fields("before"))
        cursor, _ = self._start(bench)
        bench.world.settle()
        bench.world.update(sample.object, edited, {sample.text: "after"})
        new = bench.world.create(sample.object, sample.fields("new"))
        bench.world.settle()
        found, _ = follow(bench, sample.selection(), cursor)
        texts = {record.ref.id: record.fields[sample.text] for record in found}
        assert texts[edited] == "after"
        assert texts[new] == "new"
        assert old not in texts
        versions = [record.version for record in found if record.version is not None]
        assert versions == sorted(versions), "oldest change first"

    @needs("Polls")
    def test_later_sweeps_report_later_changes(self, bench: Bench) -> None:
        sample = bench.sample
        cursor, _ = self._start(bench)
        for turn in range(3):
            id = bench.world.create(sample.object, sample.fields(f"turn {turn}"))
            bench.world.settle()
            found, cursor = follow(bench, sample.selection(), cursor)
            assert id in {record.ref.id for record in found}

    @needs("Polls")
    def test_ties_across_page_borders_are_complete(self, bench: Bench) -> None:
        sample = bench.sample
        cursor, _ = self._start(bench)
        with bench.world.still():
            ids = [bench.world.create(sample.object, sample.fields(f"t{n}")) for n in range(25)]
        bench.world.settle()
        for limit in (10, 25, 3):
            found, _ = follow(bench, sample.selection(), cursor, limit)
            seen = {record.ref.id for record in found}
            assert set(ids) <= seen, f"{len(set(ids) - seen)} lost with pages of {limit}"

    @needs("Polls")
    def test_a_record_that_shows_late_is_not_lost(self, bench: Bench) -> None:
        sample = bench.sample
        cursor, _ = self._start(bench)
        id = bench.world.create(sample.object, sample.fields("late"))
        early, cursor = follow(bench, sample.selection(), cursor)
        bench.world.settle()
        late, _ = follow(bench, sample.selection(), cursor)
        assert id in {record.ref.id for record in [*early, *late]}

    @needs("Polls")
    def test_the_overlap_is_read_again(self, bench: Bench) -> None:
        sample = bench.sample
        cursor, _ = self._start(bench)
        id = bench.world.create(sample.object, sample.fields("t"))
        bench.world.settle()
        _, cursor = follow(bench, sample.selection(), cursor)
        again, _ = follow(bench, sample.selection(), cursor)
        assert id in {record.ref.id for record in again}

    @needs("Polls")
    def test_an_edit_during_a_sweep_is_not_lost(self, bench: Bench) -> None:
        sample = bench.sample
        cursor, _ = self._start(bench)
        ids = [bench.world.create(sample.object, sample.fields("t")) for _ in range(6)]
        bench.world.settle()
        page = bench.connector.changes(sample.selection(), cursor, 3)
        bench.world.update(sample.object, ids[0], {sample.text: "moved"})
        bench.world.settle()
        found, cursor = follow(bench, sample.selection(), page.cursor, 3)
        later, _ = follow(bench, sample.selection(), cursor, 3)
        texts = {record.ref.id: record.fields[sample.text] for record in [*found, *later]}
        assert texts[ids[0]] == "moved"

    @needs("Removals")
    def test_removed_records_are_reported_without_fields(self, bench: Bench) -> None:
        sample = bench.sample
        kept, gone = (bench.world.create(sample.object, sample.fields(t)) for t in "ab")
        bench.world.settle()
        bench.world.remove(sample.object, gone)
        bench.world.settle()
        page = bench.connector.removed(sample.selection(), None, 100)
        found = list(page.records)
        if not page.at_head:
            rest, _ = sweep(
                lambda at: bench.again().removed(sample.selection(), at, 100), page.cursor
            )
            found += rest
        by_id = {record.ref.id: record for record in found}
        assert kept not in by_id
        assert by_id[gone].life in (Life.ARCHIVED, Life.DELETED)
        assert not by_id[gone].fields

    @needs("Removals")
    def test_a_later_removal_shows_in_a_later_sweep(self, bench: Bench) -> None:
        sample = bench.sample
        id = bench.world.create(sample.object, sample.fields("t"))
        bench.world.settle()
        page = bench.connector.removed(sample.selection(), None, 100)
        _, cursor = sweep(
            lambda at: bench.again().removed(sample.selection(), at, 100), page.cursor
        )
        bench.world.remove(sample.object, id)
        bench.world.settle()
        found, _ = sweep(lambda at: bench.again().removed(sample.selection(), at, 100), cursor)
        assert id in {record.ref.id for record in found}
