"""kill -9 and orderly stops: every acknowledged post is in the file, and the file opens again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sqlite3
import subprocess
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.receiver.load import Tally, post_until
from tests.receiver.receiver_kit import (
    CEILING_SECONDS,
    Running,
    events,
    raw_post,
    running,
    status,
)

HEALTH = b"GET /healthz HTTP/1.1\r\nconnection: close\r\n\r\n"


def kept(receiver: Running) -> list[str]:
    return [notice.event_key for row in receiver.rows() for notice in row.notices]


def load_in_background(receiver: Running, tally: Tally) -> threading.Thread:
    thread = threading.Thread(
        target=lambda: asyncio.run(
            post_until(receiver.port, tally, requesters=20, seconds=CEILING_SECONDS)
        )
    )
    thread.start()
    return thread


def until_acknowledged(tally: Tally, count: int) -> None:
    until = time.monotonic() + CEILING_SECONDS
    while len(tally.acknowledged) < count:
        assert time.monotonic() < until, f"only {len(tally.acknowledged)} acknowledged"
        time.sleep(0.001)


def sound(state: Path) -> None:
    with closing(sqlite3.connect(state / "spool.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize("count", [1, 600])
def test_killed_under_load_keeps_everything_acknowledged(tmp_path: Path, count: int) -> None:
    tally = Tally()
    with running(tmp_path) as receiver:
        thread = load_in_background(receiver, tally)
        until_acknowledged(tally, count)
        receiver.stop(signal.SIGKILL)
        thread.join(CEILING_SECONDS)
        assert not thread.is_alive()
        assert set(tally.acknowledged) <= set(kept(receiver))
        assert set(tally.statuses) == {200}
    with running(tmp_path) as again:
        assert status(again.exchange(raw_post(events("after")))) == 200
        assert set(tally.acknowledged) | {"after"} <= set(kept(again))
        seqs = [row.seq for row in again.rows()]
        assert seqs == sorted(set(seqs))
    sound(tmp_path)


def test_an_orderly_stop_answers_what_it_has_begun(tmp_path: Path) -> None:
    tally = Tally()
    with running(tmp_path) as receiver:
        thread = load_in_background(receiver, tally)
        until_acknowledged(tally, 200)
        assert receiver.stop(signal.SIGTERM) == 0
        thread.join(CEILING_SECONDS)
        assert not thread.is_alive()
        found = kept(receiver)
        # Nothing acknowledged is lost, and nothing was written that was not acknowledged.
        assert sorted(found) == sorted(tally.acknowledged)
        assert set(tally.statuses) == {200}
    sound(tmp_path)


@pytest.mark.parametrize(
    ("point", "stored"),
    [
        ("recv.headers", 0),
        ("recv.verified", 0),
        ("recv.insert.before_commit", 0),
        ("recv.after_commit", 1),
    ],
)
def test_killed_at_a_point(tmp_path: Path, point: str, stored: int) -> None:
    """Unanswered, the sender sends again: kept at least once, under one event key."""
    data = raw_post(events("only"))
    with running(tmp_path, die_at=point) as receiver:
        assert receiver.exchange(data) == b""
        assert receiver.process.wait(CEILING_SECONDS) == -signal.SIGKILL
        assert len(kept(receiver)) == stored
    with running(tmp_path) as again:
        assert status(again.exchange(data)) == 200
        assert set(kept(again)) == {"only"}


def test_killed_in_the_middle_of_a_body(tmp_path: Path) -> None:
    data = raw_post(events("only"))
    with running(tmp_path) as receiver:
        with receiver.connect() as client:
            client.sendall(data[:-10])
            receiver.exchange(HEALTH)
            receiver.stop(signal.SIGKILL)
            with contextlib.suppress(ConnectionError):
                assert client.recv(10) == b""
        assert kept(receiver) == []


@pytest.mark.parametrize("pages", [8, 120])
def test_a_disk_that_fills_under_load(tmp_path: Path, pages: int) -> None:
    tally = Tally()
    with running(tmp_path, pages_max=pages) as receiver:
        load = post_until(
            receiver.port, tally, requesters=10, seconds=CEILING_SECONDS, refusals_max=50
        )
        asyncio.run(load)
        assert set(tally.statuses) <= {200, 503}
        assert tally.statuses[503] > 0
        assert sorted(kept(receiver)) == sorted(tally.acknowledged)
        assert status(receiver.exchange(HEALTH)) == 200
    with running(tmp_path, pages_max=pages + 50) as again:
        assert status(again.exchange(raw_post(events("after")))) == 200
    sound(tmp_path)


@pytest.mark.skipif(not Path("/usr/bin/strace").exists(), reason="needs strace")
def test_a_sync_precedes_every_answer(tmp_path: Path) -> None:
    """Power loss is not a kill: the log is synced before the answer is written."""
    trace = tmp_path / "trace"
    with running(tmp_path / "state") as receiver:
        tracer = os.spawnlp(
            os.P_NOWAIT,
            "strace",
            "strace",
            "-f",
            "-qq",
            "-e",
            "trace=fsync,fdatasync,write,sendto",
            "-o",
            str(trace),
            "-p",
            str(receiver.process.pid),
        )
        until = time.monotonic() + CEILING_SECONDS
        while not trace.exists() or not trace.stat().st_size:
            if os.waitpid(tracer, os.WNOHANG)[0]:
                pytest.skip("this machine does not let processes be traced")
            assert time.monotonic() < until
            receiver.exchange(HEALTH)
        before = len(trace.read_text().splitlines())
        assert status(receiver.exchange(raw_post(events("traced")))) == 200
        receiver.stop()
        os.waitpid(tracer, 0)
    calls = trace.read_text().splitlines()[before:]
    synced = next(n for n, line in enumerate(calls) if "fsync" in line or "fdatasync" in line)
    answered = next(n for n, line in enumerate(calls) if "x-kept" in line or "HTTP/1.1 200" in line)
    assert synced < answered


def test_a_second_receiver_of_a_project_refuses(tmp_path: Path) -> None:
    with running(tmp_path) as first:
        second = subprocess.run(
            first.process.args,
            capture_output=True,
            timeout=CEILING_SECONDS,
            check=False,
        )
        assert second.returncode == 2
        assert f"receiver is already running as process {first.process.pid}".encode() in (
            second.stderr
        )
        assert b"Traceback" not in second.stderr
        assert status(first.exchange(raw_post(events("still here")))) == 200


def test_it_ends_with_its_supervisor(tmp_path: Path) -> None:
    with running(tmp_path, supervised=True) as receiver:
        assert status(receiver.exchange(raw_post(events("kept")))) == 200
        assert receiver.process.stdin is not None
        receiver.process.stdin.close()  # as a killed supervisor does
        assert receiver.process.wait(CEILING_SECONDS) == 0
        assert kept(receiver) == ["kept"]
