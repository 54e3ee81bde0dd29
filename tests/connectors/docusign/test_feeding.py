"""Following and walking: nothing is lost when envelopes move while pages are read."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from docusign_desk import Desk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.docusign import feeding
from connectors.errors import Rejected, UnexpectedAnswer
from connectors.records import Record, Selection

SELECTION = Selection("envelopes", ("status",))


def swept(desk: Desk, cursor: str, limit: int = 100) -> tuple[list[Record], str]:
    found: list[Record] = []
    for _ in range(100):
        page = desk.connector.changes(SELECTION, cursor, limit)
        found += page.records
        cursor = page.cursor
        if page.at_head:
            return found, cursor
    raise AssertionError("no end")


def ids(records: list[Record]) -> set[str]:
    return {record.ref.id for record in records}


def test_a_signature_shows_and_the_overlap_is_a_quarter_of_an_hour(desk: Desk) -> None:
    cursor = desk.connector.first_cursor(SELECTION, desk.simulator.now())
    early = desk.send()
    desk.wait(minutes=16)
    late = desk.send()
    found, cursor = swept(desk, cursor)
    assert ids(found) == {early, late}
    found, cursor = swept(desk, cursor)
    assert ids(found) == {late}
    desk.wait(minutes=1)
    desk.signed(early)
    found, _ = swept(desk, cursor)
    assert {record.ref.id: record.get("status") for record in found} == {
        late: "sent",
        early: "completed",
    }


def test_an_edit_alone_does_not_show_for_docusign_follows_status(desk: Desk) -> None:
    id = desk.send()
    desk.wait(hours=1)
    cursor = desk.connector.first_cursor(SELECTION, desk.simulator.now())
    desk.update(id, {"emailSubject": "Another"})
    assert swept(desk, cursor)[0] == []


def test_an_envelope_that_moves_between_two_pages_hides_no_other(desk: Desk) -> None:
    cursor = desk.connector.first_cursor(SELECTION, desk.simulator.now())
    sent = []
    for _ in range(6):
        desk.wait(seconds=2)
        sent.append(desk.send())
    page = desk.connector.changes(SELECTION, cursor, 3)
    assert [record.ref.id for record in page.records] == sent[:3]
    desk.wait(seconds=2)
    desk.person("void", sent[0])
    rest, _ = swept(desk, page.cursor, 3)
    assert [record.ref.id for record in rest] == [*sent[3:], sent[0]]


def test_after_several_pages_the_vendors_clock_moves_the_start_on(desk: Desk) -> None:
    cursor = desk.connector.first_cursor(SELECTION, desk.simulator.now())
    for _ in range(4):
        desk.send()
    desk.wait(hours=2)
    _, cursor = swept(desk, cursor, 3)
    assert swept(desk, cursor, 3)[0] == []


def test_a_sweep_of_one_page_keeps_to_the_newest_row(desk: Desk) -> None:
    cursor = desk.connector.first_cursor(SELECTION, desk.simulator.now())
    id = desk.send()
    desk.wait(hours=2)
    _, cursor = swept(desk, cursor)
    assert ids(swept(desk, cursor)[0]) == {id}


def test_a_walk_finds_drafts_and_ended_ones_and_none_thrown_away(desk: Desk) -> None:
    made = [desk.send(status=status) for status in ("created", "sent", "sent", "sent")]
    desk.signed(made[1])
    desk.person("delete", made[3])
    found, cursor = [], None
    while True:
        page = desk.connector.list(SELECTION, cursor, 2)
        found += page.records
        cursor = page.cursor
        if page.at_head:
            break
    assert {record.ref.id: record.get("status") for record in found} == {
        made[0]: "created",
        made[1]: "completed",
        made[2]: "sent",
    }
    assert len(found) == 3


@pytest.mark.parametrize(
    "cursor",
    ["", "{}", "7", '{"v":2}', '{"v":1,"start":"x","at":"x","skip":0}', "\ud800",
     '{"v":1,"start":"2026-09-01T00:00:00Z","at":"2026-09-01T00:00:00Z","skip":-1}',
     '{"v":1,"start":"2026-09-01T00:00:00Z","at":"2026-09-01T00:00:00Z","skip":0,"newest":1}'],
)  # fmt: skip
def test_a_cursor_that_we_did_not_write(desk: Desk, cursor: str) -> None:
    with pytest.raises(Rejected) as raised:
        desk.connector.changes(SELECTION, cursor, 10)
    assert raised.value.code == "BAD_CURSOR"


def test_other_objects_are_refused(desk: Desk) -> None:
    other = Selection("templates", ("name",))
    for call in (
        lambda: desk.connector.first_cursor(other, datetime.now(UTC)),
        lambda: desk.connector.list(other, None, 10),
        lambda: desk.connector.read(other, ["x"]),
        lambda: desk.connector.lookup(other, []),
        lambda: desk.connector.describe("templates"),
    ):
        with pytest.raises(Rejected, match="envelopes"):
            call()


def test_a_list_in_another_order_is_not_believed(desk: Desk) -> None:
    cursor = desk.connector.first_cursor(SELECTION, desk.simulator.now())
    rows = [
        {"envelopeId": f"00000000-0000-4000-8000-00000000000{n}", "status": "sent",
         "statusChangedDateTime": f"2026-12-0{3 - n}T00:00:00Z"}
        for n in (1, 2)
    ]  # fmt: skip
    body = {"resultSetSize": "2", "nextUri": "/more", "envelopes": rows}
    desk.fault("status", "GET", "/envelopes$", status=200, body=body)
    with pytest.raises(UnexpectedAnswer):
        desk.connector.changes(SELECTION, cursor, 2)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"envelopes": 1},
        {"envelopes": [1]},
        {"resultSetSize": "1", "envelopes": [{"status": "sent"}]},
        {"resultSetSize": "0", "nextUri": "/more"},
        [],
    ],
)
def test_a_list_of_another_shape_is_not_believed(desk: Desk, body: object) -> None:
    cursor = desk.connector.first_cursor(SELECTION, desk.simulator.now())
    desk.fault("status", "GET", "/envelopes$", status=200, body=body)
    with pytest.raises(UnexpectedAnswer):
        desk.connector.changes(SELECTION, cursor, 2)


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    gaps=st.lists(st.sampled_from([0, 0, 1, 3]), min_size=1, max_size=9), limit=st.integers(1, 4)
)
def test_every_envelope_is_seen_whatever_share_a_second(
    desk: Desk, gaps: list[int], limit: int
) -> None:
    desk.wait(hours=1)
    desk.simulator.clock.freeze()
    cursor = desk.connector.first_cursor(SELECTION, desk.simulator.now())
    made = []
    for gap in gaps:
        desk.wait(seconds=gap)
        made.append(desk.person("create", emailSubject="x")["envelopeId"])
    found, _ = swept(desk, cursor, limit)
    desk.simulator.clock.resume()
    assert ids(found) == set(made)
    assert len(found) == len(made)


def test_cursors_hold_whole_seconds() -> None:
    since = datetime(2026, 9, 1, 8, 0, 0, 999_999, tzinfo=UTC)
    parts = json.loads(feeding.first_sweep(SELECTION, since))
    assert parts["at"] == "2026-09-01T08:00:00Z"
    assert timedelta(0) <= since - datetime.fromisoformat(parts["at"]) < timedelta(seconds=1)
