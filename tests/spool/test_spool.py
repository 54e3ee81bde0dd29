"""What is appended is kept, in order, before anybody is told; and can be read back exactly."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.records import Notice, NoticeKind, Ref, WebhookRequest
from engine.clock import microseconds
from engine.store.spool import SpoolEntry, SpoolUnavailable
from engine.store.spool_codec import dump_notices, load_notices, open_request, seal_request
from engine.store.spool_database import SpoolPlace
from engine.store.spool_reader import EraseFile, PositionFile, SpoolReader
from engine.store.vault import Vault, WrongKeyError
from tests.spool.conftest import START, Bench, Waiter, append, entry

VAULT = Vault(bytes(range(32)))
TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=30)
INSTANTS = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))
NOTICES = st.builds(
    Notice,
    ref=st.builds(Ref, TEXT, TEXT),
    kind=st.sampled_from(NoticeKind),
    event_key=TEXT,
    occurred_at=st.none() | INSTANTS,
    related=st.none() | st.builds(Ref, TEXT, TEXT),
    absorbed=st.lists(TEXT, max_size=3).map(tuple),
)
LATIN = st.text(st.characters(max_codepoint=255), max_size=20)
REQUESTS = st.builds(
    WebhookRequest,
    method=st.just("POST"),
    url=LATIN,
    headers=st.lists(st.tuples(LATIN, LATIN), max_size=4).map(tuple),
    body=st.binary(max_size=200),
    received_at=INSTANTS,
)


@given(st.lists(NOTICES, max_size=4).map(tuple))
def test_notices_come_back_as_they_were(notices: tuple[Notice, ...]) -> None:
    text = dump_notices(notices)
    assert "\0" not in text
    assert load_notices(text) == notices


@pytest.mark.parametrize("id", ["\ud800", "a\0b", 7, None, ["x"], {}, b"x"])
def test_addresses_that_no_store_can_hold_are_refused_before_they_are_queued(id: Any) -> None:
    for notice in (
        Notice(Ref("contacts", id), NoticeKind.CHANGED, "k"),
        Notice(Ref("contacts", "1"), NoticeKind.CHANGED, id),
        Notice(Ref("contacts", "1"), NoticeKind.ASSOCIATED, "k", related=Ref(id, "1")),
        Notice(Ref("contacts", "1"), NoticeKind.MERGED, "k", absorbed=(id,)),
    ):
        with pytest.raises(TypeError):
            dump_notices((notice,))


@given(REQUESTS)
def test_requests_come_back_as_they_were(request: WebhookRequest) -> None:
    sealed = seal_request(VAULT, "hub", request)
    assert open_request(VAULT, "hub", request.received_at, sealed) == request
    with pytest.raises(WrongKeyError):
        open_request(VAULT, "other", request.received_at, sealed)


def test_rows_hold_addresses_in_clear_and_values_never(bench: Bench) -> None:
    notice = Notice(Ref("contacts", "501"), NoticeKind.MERGED, "event-7", absorbed=("9",))
    request = WebhookRequest(
        "POST", "https://x/webhooks/hub", (("x-key", "canary"),), b"canary", START
    )
    spool = bench.spool()
    waiter = Waiter()
    spool.append(SpoolEntry.of(VAULT, "hub", request, (notice,)), waiter)
    waiter.wait()
    (row,) = bench.reader().rows_after(0, 10)
    assert (row.connection, row.received_at, row.notices) == ("hub", START, (notice,))
    assert row.request(VAULT) == request
    spool.close()
    stored = b"".join(path.read_bytes() for path in Path(str(bench.place.file)).parent.iterdir())
    assert b"event-7" in stored
    assert b"501" in stored
    assert b"canary" not in stored
    assert "canary" not in repr(row) + repr(SpoolEntry.of(VAULT, "hub", request, (notice,)))


def test_answers_follow_the_commit(bench: Bench) -> None:
    spool = bench.spool()
    seen: list[list[str]] = []
    finished = threading.Event()

    def done(failure: SpoolUnavailable | None) -> None:
        seen.append(bench.keys())  # another connection, at the moment of the answer
        finished.set()

    spool.append(entry("a"), done)
    assert finished.wait(30)
    assert seen == [["a"]]


def test_one_commit_serves_all_who_wait(bench: Bench) -> None:
    spool = bench.spool(start=False, batch_rows=500)
    waiters = [Waiter() for _ in range(1200)]
    for number, waiter in enumerate(waiters):
        spool.append(entry(f"k{number:04}"), waiter)
    spool.start()
    for waiter in waiters:
        waiter.wait()
    assert bench.reports.commits == [500, 500, 200]
    assert bench.keys() == [f"k{number:04}" for number in range(1200)]


def test_a_batch_is_bounded_in_bytes(bench: Bench) -> None:
    spool = bench.spool(start=False, batch_bytes=10_000)
    waiters = [Waiter() for _ in range(6)]
    for waiter in waiters:
        spool.append(entry("k", 4_500), waiter)
    spool.start()
    for waiter in waiters:
        waiter.wait()
    assert bench.reports.commits == [2, 2, 2]


def test_numbers_grow_over_restarts_lost_files_and_clocks_set_back(bench: Bench) -> None:
    spool = bench.spool()
    append(spool, "a", "b")
    first = [row.seq for row in bench.reader().rows_after(0, 10)]
    assert first[0] >= microseconds(START)
    spool.close()
    bench.clock._now -= timedelta(days=1)
    spool = bench.spool()
    append(spool, "c")
    assert bench.keys() == ["a", "b", "c"]
    after = bench.reader().last_seq()
    assert after == first[-1] + 1
    spool.close()
    bench.clock.advance(timedelta(days=2))
    Path(str(bench.place.file)).unlink()
    spool = bench.spool()
    append(spool, "d")
    # A reader that had passed everything before still finds what came after the loss.
    assert [row.notices[0].event_key for row in bench.reader().rows_after(after, 10)] == ["d"]


def test_a_file_deleted_while_open_takes_no_acknowledged_row_with_it(bench: Bench) -> None:
    spool = bench.spool()
    append(spool, "a")
    Path(str(bench.place.file)).unlink()
    append(spool, "b")
    assert bench.keys() == ["b"]


def test_reading_on_from_a_row(bench: Bench) -> None:
    reader = bench.reader()
    assert reader.rows_after(0, 10) == ()
    assert (reader.last_seq(), reader.count_after(0)) == (0, 0)
    append(bench.spool(), *"abcde")
    rows = reader.rows_after(0, 2)
    assert [row.notices[0].event_key for row in rows] == ["a", "b"]
    assert reader.count_after(rows[-1].seq) == 3
    rest = reader.rows_after(rows[-1].seq, 10)
    assert [row.notices[0].event_key for row in rest] == ["c", "d", "e"]
    assert reader.last_seq() == rest[-1].seq
    assert reader.rows_after(rest[-1].seq, 10) == ()


def test_the_reader_cannot_write(bench: Bench) -> None:
    append(bench.spool(), "a")
    with bench.reader()._engine.connect() as connection, pytest.raises(Exception, match="readonly"):
        connection.exec_driver_sql("DELETE FROM spool")
    assert bench.keys() == ["a"]


def test_only_rows_consumed_and_old_are_pruned(bench: Bench) -> None:
    spool = bench.spool()
    append(spool, "consumed", at=microseconds(START))
    consumed = bench.reader().last_seq()
    append(spool, "waiting", at=microseconds(START))
    append(spool, "young", at=microseconds(START + timedelta(days=7)))
    spool.close()
    bench.clock.advance(timedelta(days=7, seconds=1))
    spool = bench.spool(consumed=lambda: consumed)
    assert bench.reports.event.wait(30)
    spool.close()
    assert bench.keys() == ["waiting", "young"]
    assert spool.figures().rows == 2
    assert bench.reports.pruned == 1


def test_pruning_many_rows_takes_several_transactions_and_counts_right(bench: Bench) -> None:
    spool = bench.spool()
    for _ in range(5):
        append(spool, *map(str, range(500)), at=microseconds(START))
    size = spool.figures().bytes
    assert size > 2500 * 50
    spool.close()
    bench.clock.advance(timedelta(days=8))
    spool = bench.spool(consumed=lambda: 2**60)
    for number in range(2000):
        append(spool, f"later {number}", at=microseconds(START + timedelta(days=8)))
        if bench.reports.pruned == 2500:
            break
    kept = spool.figures()
    assert bench.reports.pruned == 2500
    assert kept.rows == len(bench.keys()) == number + 1
    spool.close()
    again = bench.spool()
    append(again, "z", at=microseconds(START + timedelta(days=8)))
    assert again.figures().rows == kept.rows + 1  # counted anew from the file, the same


def test_position_file(tmp_path: Path) -> None:
    position = PositionFile(tmp_path / "spool.position")
    assert position.read() == 0
    position.write(1_795_358_154_527_724)
    assert position.read() == 1_795_358_154_527_724
    for rubbish in (b"", b"-4", b"abc", b"\xff\xfe", b"1.5"):
        (tmp_path / "spool.position").write_bytes(rubbish)
        assert position.read() == 0


def test_a_spool_lies_in_exactly_one_place(tmp_path: Path) -> None:
    for place in (SpoolPlace(), SpoolPlace(file=tmp_path / "a", url="postgresql://x")):
        with pytest.raises(ValueError, match="either"):
            Bench(place, None, None).spool(start=False)  # type: ignore[arg-type]


def test_a_reader_before_the_table_exists_sees_an_empty_spool(tmp_path: Path) -> None:
    (tmp_path / "s").touch()
    assert SpoolReader(SpoolPlace(file=tmp_path / "s")).rows_after(0, 5) == ()


def test_requests_that_are_to_be_erased_leave_nothing_and_their_events_stay(
    bench: Bench, tmp_path: Path
) -> None:
    told = EraseFile(tmp_path / "spool.erase")
    notice = Notice(Ref("contacts", "501"), NoticeKind.CHANGED, "event-7")
    body = bytes(range(256)) * 40
    spool = bench.spool()
    for connection in ("hub", "other"):
        request = WebhookRequest("POST", f"https://x/webhooks/{connection}", (), body, START)
        waiter = Waiter()
        spool.append(SpoolEntry.of(VAULT, connection, request, (notice,)), waiter)
        waiter.wait()
    spool.close()
    seqs = bench.reader().naming({("hub", "contacts", "501")})
    assert len(seqs) == 1
    (before, kept) = bench.reader().rows_after(0, 10)
    told.add(seqs, gone_before=0)
    again = bench.spool(erase=told.read)
    append(again, "later")  # the writer erases before it writes on
    again.close()
    (after, other, _later) = bench.reader().rows_after(0, 10)
    assert (after.seq, after.notices, after.sealed) == (before.seq, before.notices, b"")
    assert other == kept
    files = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert before.sealed[100:200] not in files
    assert kept.sealed[100:200] in files


def test_erase_file(tmp_path: Path) -> None:
    told = EraseFile(tmp_path / "spool.erase")
    assert told.read() == ()
    told.add([5, 3], gone_before=0)
    told.add([9, 3], gone_before=4)
    assert told.read() == (3, 5, 9)
    told.add([], gone_before=6)
    assert told.read() == (9,)
    (tmp_path / "spool.erase").write_bytes(b"\xff")
    assert told.read() == ()
