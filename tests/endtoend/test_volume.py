"""Many records: more on one instant than a search can show, and a backfill that stays small."""

from __future__ import annotations

import tracemalloc

import pytest

from tests.endtoend.world import Line, load_hubspot

ON_ONE_INSTANT = 10_500  # a search shows 10,000 at most
PAST = 20_000
LOOKS = 8
GROWTH_MAX_BYTES = 8 * 1024 * 1024
OURS = [
    tracemalloc.Filter(inclusive=True, filename_pattern="*/engine/*"),
    tracemalloc.Filter(inclusive=True, filename_pattern="*/connectors/*"),
]


def people(number: int, since: int = 0) -> list[dict[str, str]]:
    """Without an address nobody is looked for: only the reading and writing counts."""
    return [{"lastname": f"Person {n}"} for n in range(since, since + number)]


def own_bytes() -> int:
    found = tracemalloc.take_snapshot().filter_traces(OURS)
    return sum(stat.size for stat in found.statistics("filename"))


@pytest.mark.torture
@pytest.mark.timeout(1800)
def test_more_records_on_one_instant_than_a_search_shows_all_arrive(line: Line) -> None:
    line.settle()
    line.shift(hours=1)
    line.hubspot.clock.freeze()
    load_hubspot(line, {"contacts": people(ON_ONE_INSTANT)})
    instants = {row["lastmodifieddate"] for row in line.live("hubspot", "contacts").values()}
    assert len(instants) == 1
    line.hubspot.clock.resume()
    line.shift(minutes=1)
    line.settle()
    leads = line.live("salesforce", "Lead").values()
    assert len(leads) == ON_ONE_INSTANT
    assert len({row["Revline_Id__c"] for row in leads}) == ON_ONE_INSTANT
    assert line.codes() == []


@pytest.mark.torture
@pytest.mark.timeout(1800)
def test_a_large_backfill_keeps_the_engine_small(line: Line) -> None:
    load_hubspot(line, {"contacts": people(PAST)})
    line.shift(hours=1)
    tracemalloc.start()
    try:
        sizes: list[tuple[int, int]] = []
        looked = 0
        while not line.runner.idle():
            line.runner.round()
            done = len(line.salesforce.org.table("Lead").rows)
            if done >= looked:  # a look takes seconds
                sizes.append((done, own_bytes()))
                looked = done + PAST // LOOKS
    finally:
        tracemalloc.stop()
    assert len(line.live("salesforce", "Lead")) == PAST
    early = max(size for done, size in sizes if done <= PAST // 4)
    late = max(size for done, size in sizes if done > PAST // 4)
    assert late - early < GROWTH_MAX_BYTES, (early, late)
