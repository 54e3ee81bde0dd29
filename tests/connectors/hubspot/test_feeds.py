"""The change feed and the archived list, against the simulated account."""

from datetime import UTC, datetime, timedelta

import pytest

from connectors.records import Life, Selection

START = datetime(2000, 1, 1, tzinfo=UTC)


def sweep(connector, selection, cursor, limit=200):
    """All pages of one sweep: ids in order, the cursor after, and the number of pages."""
    records, pages = [], 0
    while True:
        page = connector.changes(selection, cursor, limit)
        assert len(page.records) <= limit
        records += page.records
        cursor, pages = page.cursor, pages + 1
        if page.at_head:
            return records, cursor, pages


def ids(records):
    return [record.ref.id for record in records]


@pytest.mark.parametrize("limit", [1, 2, 7, 200])
def test_every_change_once_oldest_first(connector, world, deals, limit):
    made = []
    for n in range(12):
        made.append(world.create("deals", dealname=str(n)))
        world.shift(0.01 if n % 3 else 1)
    world.mutate("deals", "update", made[0], dealname="again")
    records, _, _ = sweep(connector, deals, connector.first_cursor(deals, START), limit)
    assert ids(records) == [*made[1:], made[0]]
    versions = [record.version for record in records]
    assert versions == sorted(versions)
    assert records[-1].get("dealname") == "again"
    assert world.violations() == []


def test_one_search_per_page_and_one_batch_per_association(connector, world):
    for n in range(205):
        world.create("deals", dealname=str(n))
        world.shift(0.002)
    wanted = Selection("deals", ("amount", "dealname"), ("companies", "line_items"))
    connector.describe("deals")
    world.mark()
    _, _, pages = sweep(connector, wanted, connector.first_cursor(wanted, START))
    assert pages == 2
    assert world.calls() == {"search": 2, "associations": 4}


def test_an_empty_account_is_at_its_head(connector, world, deals):
    records, cursor, pages = sweep(connector, deals, connector.first_cursor(deals, START))
    assert (records, pages) == ([], 1)
    made = world.create("deals", dealname="first")
    assert ids(sweep(connector, deals, cursor)[0]) == [made]


def test_ties_across_pages(connector, world, deals):
    world.admin("clock", {"freeze": True})
    first = [world.create("deals", dealname=str(n)) for n in range(5)]
    world.shift(1)
    tied = [world.create("deals", dealname=str(n)) for n in range(23)]
    world.shift(1)
    last = [world.create("deals", dealname=str(n)) for n in range(5)]
    records, _, _ = sweep(connector, deals, connector.first_cursor(deals, START), 10)
    assert ids(records) == [*first, *tied, *last]


def test_rows_that_the_index_shows_late_are_found_by_the_next_sweep(connector, world, deals):
    world.options(index_delay_seconds=60)
    late = world.create("deals", dealname="late")
    world.options(index_delay_seconds=0)
    world.shift(5)
    seen = world.create("deals", dealname="seen")
    world.options(index_delay_seconds=60)
    records, cursor, _ = sweep(connector, deals, connector.first_cursor(deals, START))
    assert seen in ids(records)
    world.shift(61)
    records, _, _ = sweep(connector, deals, cursor)
    assert late in ids(records)


def test_a_quiet_account_costs_one_search_and_shows_nothing_again(connector, world, deals):
    made = [world.create("deals", dealname=str(n)) for n in range(3)]
    _, cursor, _ = sweep(connector, deals, connector.first_cursor(deals, START))
    again, cursor, _ = sweep(connector, deals, cursor)
    assert ids(again) == made  # within the overlap
    world.shift(301)
    again, cursor, _ = sweep(connector, deals, cursor)
    world.mark()
    again, cursor, _ = sweep(connector, deals, cursor)
    assert again == []
    assert world.calls() == {"search": 1}
    new = world.create("deals", dealname="new")
    assert ids(sweep(connector, deals, cursor)[0]) == [new]


def test_a_merge_shows_whom_the_survivor_absorbed(connector, world):
    one = world.create("contacts", email="one@example.com")
    two = world.create("contacts", email="two@example.com")
    world.mutate("contacts", "merge", one, loser=two)
    wanted = Selection("contacts", ("email",))
    records, _, _ = sweep(connector, wanted, connector.first_cursor(wanted, START))
    assert [(r.ref.id, r.absorbed) for r in records] == [(one, (two,))]


def test_removed_hands_on_what_was_archived_since_the_last_sweep(connector, world, deals):
    made = [world.create("deals", dealname=str(n)) for n in range(7)]
    for id in made[:3]:
        world.mutate("deals", "archive", id)

    def removed(cursor):
        found = []
        while True:
            page = connector.removed(deals, cursor, 2)
            found += page.records
            cursor = page.cursor
            if page.at_head:
                return found, cursor

    found, cursor = removed(None)
    assert ids(found) == made[:3]
    assert {r.life for r in found} == {Life.ARCHIVED}
    assert not any(r.fields for r in found)
    world.shift(3600)
    world.mutate("deals", "archive", made[5])
    found, cursor = removed(cursor)
    assert made[5] in ids(found)
    found, cursor = removed(cursor)
    assert ids(found) == [made[5]]  # within the overlap of the newest
    records, _, _ = sweep(connector, deals, connector.first_cursor(deals, START))
    assert not set(ids(records)) & {*made[:3], made[5]}
    assert world.violations() == []


def test_owners(connector, world):
    world.admin(
        "load", {"seed": 1, "sizes": {"companies": 2, "contacts": 2, "deals": 1, "products": 1}}
    )
    wanted = Selection("owners", ("email", "firstName", "updatedAt", "userId"))
    page = connector.list(wanted, None, 100)
    assert page.at_head
    owners = page.records
    assert len(owners) >= 2
    first, second = owners[0], owners[1]
    world.mark()
    ((found,), ()) = connector.search(
        wanted, [{"email": str(first.get("email")).upper()}, {"email": "no@example.com"}]
    )
    assert found == first
    assert world.calls() == {"owners": 1}
    world.mutate("owners", "archive", second.ref.id)
    got = connector.read(wanted, [first.ref.id, second.ref.id, "1"])
    assert [r.life for r in got] == [Life.LIVE, Life.ARCHIVED, Life.DELETED]
    gone = connector.removed(wanted, None, 100).records
    assert second.ref.id in ids(gone)
    changed, _, _ = sweep(connector, wanted, connector.first_cursor(wanted, START))
    assert first.ref.id in ids(changed)
    assert "email" in connector.describe("owners").fields
    assert isinstance(first.get("updatedAt"), datetime)
    future = connector.first_cursor(wanted, datetime.now(UTC) + timedelta(days=999))
    assert sweep(connector, wanted, future)[0] == []
    assert world.violations() == []
