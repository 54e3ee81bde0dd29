"""Full, locked, read-only, closed: nothing is reported as kept that is not, and service resumes."""

from __future__ import annotations

import os
import resource
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from engine.store.spool import Spool, SpoolUnavailable
from tests.spool.conftest import CEILING_SECONDS, Bench, Waiter, append, entry

NOBODY = 65534


def refused(spool: Spool, key: str, size: int = 50) -> str:
    with pytest.raises(SpoolUnavailable) as caught:
        append(spool, key, size=size)
    return caught.value.code


def until_kept(spool: Spool, key: str) -> None:
    """Send again, as a vendor does, until it is kept."""
    until = time.monotonic() + CEILING_SECONDS
    while True:
        try:
            return append(spool, key)
        except SpoolUnavailable:
            assert time.monotonic() < until, "service did not resume"


def fill(spool: Spool, size: int = 4000) -> list[str]:
    """Append one by one until refused; the keys that were acknowledged."""
    kept: list[str] = []
    for number in range(100_000):
        try:
            append(spool, f"k{number}", size=size)
        except SpoolUnavailable:
            return kept
        kept.append(f"k{number}")
    raise AssertionError("never full")


def sound(bench: Bench) -> None:
    with closing(sqlite3.connect(str(bench.place.file))) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_at_its_size_the_spool_refuses_and_resumes_below_it(bench: Bench) -> None:
    spool = bench.spool(spool_max_bytes=2000)
    append(spool, "a", size=1000)
    assert refused(spool, "b", size=1000) == "full"
    append(spool, "c", size=10)
    assert bench.keys() == ["a", "c"]


@pytest.mark.parametrize("pages", range(6, 40, 3))
def test_full_file_loses_nothing_acknowledged(bench: Bench, pages: int) -> None:
    spool = bench.spool(place=replace(bench.place, pages_max=pages))
    kept = fill(spool)
    spool.close()
    assert bench.keys() == kept
    sound(bench)
    assert "full" in bench.reports.failures[-1]
    resumed = bench.spool(place=replace(bench.place, pages_max=pages + 20))
    append(resumed, "after")
    assert bench.keys() == [*kept, "after"]


@pytest.mark.parametrize("kilobytes", [20, 64, 100, 333])
def test_file_size_limit_loses_nothing_acknowledged(bench: Bench, kilobytes: int) -> None:
    """As on a full disk or a spent quota: the write itself fails, in the log or the file."""
    spool = bench.spool()
    until_kept(spool, "first")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (kilobytes * 1024, hard))
    try:
        kept = fill(spool, size=9000)
        for number in range(60):  # room made by a checkpoint may let some more in
            try:
                append(spool, f"more {number}", size=9000)
            except SpoolUnavailable:
                continue
            kept.append(f"more {number}")
        assert len(bench.reports.failures) > 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert bench.keys() == ["first", *kept]
    until_kept(spool, "after")
    assert bench.keys() == ["first", *kept, "after"]
    spool.close()
    sound(bench)


def test_locked_store_refuses_then_resumes(bench: Bench) -> None:
    spool = bench.spool()
    append(spool, "a")
    with closing(sqlite3.connect(str(bench.place.file), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert refused(spool, "b") == "failed"
        assert "locked" in bench.reports.failures[-1]
        other.execute("ROLLBACK")
    append(spool, "c")
    assert bench.keys() == ["a", "c"]


def test_readers_do_not_block_the_writer(bench: Bench) -> None:
    spool = bench.spool()
    append(spool, "a")
    with closing(sqlite3.connect(str(bench.place.file), isolation_level=None)) as other:
        other.execute("BEGIN")
        assert other.execute("SELECT count(*) FROM spool").fetchone() == (1,)
        append(spool, "b")
        assert other.execute("SELECT count(*) FROM spool").fetchone() == (1,)
    assert bench.keys() == ["a", "b"]


def test_a_file_that_is_no_database_refuses_until_it_is_one(bench: Bench) -> None:
    path = Path(str(bench.place.file))
    path.write_bytes(b"this is no database" * 100)
    spool = bench.spool()
    assert refused(spool, "a") == "failed"
    path.unlink()
    until_kept(spool, "b")
    assert bench.keys() == ["b"]


def test_a_folder_that_is_missing_refuses_until_it_exists(bench: Bench, tmp_path: Path) -> None:
    bench.place = replace(bench.place, file=tmp_path / "later" / "spool.sqlite3")
    spool = bench.spool()
    assert refused(spool, "a") == "failed"
    (tmp_path / "later").mkdir()
    until_kept(spool, "b")
    assert bench.keys() == ["b"]


@pytest.fixture
def folder_of_nobody() -> Iterator[Path]:
    """A folder of somebody without rights; root would write read-only files."""
    with tempfile.TemporaryDirectory() as folder:
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, -1)
            os.seteuid(NOBODY)
        yield Path(folder)
        if os.getuid() == 0:
            os.seteuid(0)


def test_read_only_file_refuses(bench: Bench, folder_of_nobody: Path) -> None:
    file = folder_of_nobody / "spool.sqlite3"
    bench.place = replace(bench.place, file=file)
    append(bench.spool(), "a")
    bench.spools.pop().close()
    file.chmod(0o400)
    spool = bench.spool()
    assert refused(spool, "b") == "failed"
    assert bench.keys() == ["a"]
    file.chmod(0o600)
    until_kept(spool, "c")
    assert bench.keys() == ["a", "c"]
    spool.close()


def test_too_many_waiting_are_shed_at_once(bench: Bench) -> None:
    spool = bench.spool(start=False, queue_rows=3)
    waiters = [Waiter() for _ in range(3)]
    for waiter in waiters:
        spool.append(entry("k"), waiter)
    with pytest.raises(SpoolUnavailable) as caught:
        spool.append(entry("shed"), Waiter())
    assert caught.value.code == "busy"
    spool.start()
    for waiter in waiters:
        waiter.wait()
    assert bench.keys() == ["k", "k", "k"]


def test_too_many_bytes_waiting_are_shed_at_once(bench: Bench) -> None:
    spool = bench.spool(start=False, queue_bytes=10_000)
    spool.append(entry("a", 6000), Waiter())
    with pytest.raises(SpoolUnavailable) as caught:
        spool.append(entry("b", 6000), Waiter())
    assert caught.value.code == "busy"
    spool.start()


def test_what_waited_too_long_is_not_written_behind_the_senders_back(bench: Bench) -> None:
    spool = bench.spool(start=False, wait_seconds=0.0)
    waiter = Waiter()
    spool.append(entry("late"), waiter)
    spool.start()
    with pytest.raises(SpoolUnavailable) as caught:
        waiter.wait()
    assert caught.value.code == "busy"
    assert bench.keys() == []
    assert spool.figures().waiting_rows == 0


def test_closing_writes_what_is_queued_and_refuses_the_rest(bench: Bench) -> None:
    spool = bench.spool(start=False)
    waiters = [Waiter() for _ in range(700)]
    for number, waiter in enumerate(waiters):
        spool.append(entry(str(number)), waiter)
    spool.start()
    spool.close()
    for waiter in waiters:
        waiter.wait()
    assert len(bench.keys()) == 700
    with pytest.raises(SpoolUnavailable) as caught:
        spool.append(entry("late"), Waiter())
    assert caught.value.code == "closed"


def test_a_probe_commits_and_leaves_no_row(bench: Bench) -> None:
    spool = bench.spool()
    waiter = Waiter()
    spool.probe(waiter)
    waiter.wait()
    assert bench.keys() == []
    with closing(sqlite3.connect(str(bench.place.file), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        blocked = Waiter()
        spool.probe(blocked)
        with pytest.raises(SpoolUnavailable):
            blocked.wait()


def test_reasons_never_quote_what_was_written(bench: Bench) -> None:
    spool = bench.spool(place=replace(bench.place, pages_max=8))
    fill(spool)
    assert refused(spool, "canary-key", size=9000) == "failed"
    assert "canary" not in "".join(bench.reports.failures)
    assert "INSERT" not in "".join(bench.reports.failures)


def test_many_threads_at_once(bench: Bench) -> None:
    spool = bench.spool()
    failures: list[BaseException] = []

    def work(name: int) -> Callable[[], None]:
        def run() -> None:
            try:
                for number in range(40):
                    append(spool, f"{name}-{number}")
            except BaseException as error:
                failures.append(error)

        return run

    threads = [threading.Thread(target=work(name)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert sorted(bench.keys()) == sorted(f"{a}-{b}" for a in range(8) for b in range(40))
    rows = bench.reader().rows_after(0, 1000)
    assert [row.seq for row in rows] == sorted({row.seq for row in rows})
