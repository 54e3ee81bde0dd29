"""The slow scan: everything, in its time, and no call before."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from connectors.errors import Rejected
from connectors.records import Selection
from connectors.testing.feeding import sweep

SELECTION = Selection("quotes", ("quote_name", "status"))


def scan(desk, cursor, limit=50):
    found, after = sweep(lambda at: desk.build().changes(SELECTION, at, limit), cursor)
    return [record.fields["quote_name"] for record in found], after


def test_a_scan_tells_of_every_quote_then_waits(desk) -> None:
    desk.more["scan_hours"] = "24"
    names = [f"q{number}" for number in range(7)]
    for name in names:
        desk.quote(quote_name=name)
    cursor = desk.build().first_cursor(SELECTION, desk.simulator.now())
    found, cursor = scan(desk, cursor, limit=3)
    assert found == names
    assert len(desk.paths()) == 3
    desk.quote(quote_name="new")
    assert scan(desk, cursor) == ([], cursor)
    desk.wait(hours=23)
    assert scan(desk, cursor) == ([], cursor)
    assert desk.paths() == []
    desk.wait(hours=1, seconds=1)
    found, _ = scan(desk, cursor)
    assert found == [*names, "new"]


def test_a_scan_that_was_begun_is_ended_at_once(desk) -> None:
    desk.more["scan_hours"] = "24"
    for number in range(4):
        desk.quote(quote_name=f"q{number}")
    cursor = desk.build().first_cursor(SELECTION, desk.simulator.now())
    page = desk.build().changes(SELECTION, cursor, 3)
    assert not page.at_head
    rest = desk.build().changes(SELECTION, page.cursor, 3)
    assert [record.fields["quote_name"] for record in rest.records] == ["q3"]
    assert rest.at_head


def test_edits_and_quotes_that_went(desk) -> None:
    kept, gone = desk.quote(quote_name="a"), desk.quote(quote_name="b")
    cursor = desk.connector.first_cursor(SELECTION, desk.simulator.now())
    _, cursor = scan(desk, cursor)
    desk.person("update", kept, quote_name="c")
    desk.person("delete", gone)
    desk.wait(seconds=1)
    assert scan(desk, cursor)[0] == ["c"]


def test_off_is_off(desk) -> None:
    desk.more["scan_hours"] = "off"
    desk.quote()
    cursor = desk.build().first_cursor(SELECTION, desk.simulator.now() - timedelta(days=9))
    assert scan(desk, cursor) == ([], cursor)
    assert desk.paths() == []


def test_outdated_drafts_are_left_out_until_they_can_be_read(desk) -> None:
    old, _ = desk.quote(quote_name="old"), desk.quote(quote_name="new")
    desk.person("outdate", old)
    cursor = desk.connector.first_cursor(SELECTION, desk.simulator.now())
    found, cursor = scan(desk, cursor)
    assert found == ["new"]
    desk.person("upgrade", old)
    assert scan(desk, cursor)[0] == ["old", "new"]


def test_the_end_of_what_can_be_listed_is_said(desk) -> None:
    cursor = json.dumps({"at": "2026-09-01T08:00:00+00:00", "offset": 10_001})
    for page in (desk.connector.changes, desk.connector.list):
        with pytest.raises(Rejected) as raised:
            page(SELECTION, cursor, 50)
        assert raised.value.code == "LIST_TOO_LONG"
        assert "10050" in raised.value.message
    assert desk.paths() == []


@pytest.mark.parametrize(
    "cursor",
    ["", "{", "7", "[]", '{"at": 1, "offset": 0}', '{"at": "2026-09-01", "offset": 0}',
     '{"at": "2026-09-01T08:00:00+00:00", "offset": -1}',
     '{"at": "2026-09-01T08:00:00+00:00", "offset": true}'],
)  # fmt: skip
def test_cursors_of_others_are_refused(desk, cursor) -> None:
    with pytest.raises(Rejected) as raised:
        desk.connector.changes(SELECTION, cursor, 5)
    assert raised.value.code == "BAD_CURSOR"


def test_deal_rooms_cannot_be_scanned(desk) -> None:
    with pytest.raises(Rejected):
        desk.connector.first_cursor(Selection("deal_rooms", ()), desk.simulator.now())
