"""The project's lock: one holder, freed by any death, held against nobody by a look."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from engine.daemon import LockHeld, ProjectLock

HOLDER = """
import sys; sys.path.insert(0, sys.argv[2])
from pathlib import Path
from engine.daemon import ProjectLock
ProjectLock(Path(sys.argv[1])).acquire(); print("held", flush=True); sys.stdin.read()
"""


def holder(path: Path) -> subprocess.Popen[bytes]:
    root = str(Path(__file__).parents[2])
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path), root],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout
    assert process.stdout.readline() == b"held\n"
    return process


def test_one_holder_at_a_time(tmp_path: Path) -> None:
    first, second = ProjectLock(tmp_path / "engine.lock"), ProjectLock(tmp_path / "engine.lock")
    assert not first.held()
    with first:
        assert second.held()
        with pytest.raises(LockHeld, match="engine is already running as process"):
            second.acquire(wait_seconds=0.0)
    with second:
        assert first.held()
    second.release()
    assert not first.held()


def test_a_killed_holder_frees_it_and_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "engine.lock"
    process = holder(path)
    lock = ProjectLock(path)
    with pytest.raises(LockHeld) as caught:
        lock.acquire(wait_seconds=0.0)
    assert caught.value.pid == process.pid
    killer = threading.Timer(0.1, process.kill)
    killer.start()
    lock.acquire(wait_seconds=30.0)
    lock.release()
    process.communicate()


def test_twenty_racing_processes_have_one_winner(tmp_path: Path) -> None:
    path = tmp_path / "engine.lock"
    locks = [ProjectLock(path) for _ in range(20)]
    winners: list[ProjectLock] = []
    ready = threading.Barrier(20)

    def race(lock: ProjectLock) -> None:
        ready.wait()
        try:
            lock.acquire(wait_seconds=0.0)
        except LockHeld:
            return
        winners.append(lock)

    threads = [threading.Thread(target=race, args=(lock,)) for lock in locks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(winners) == 1
    winners[0].release()


def test_looking_does_not_make_a_newcomer_fail(tmp_path: Path) -> None:
    path = tmp_path / "engine.lock"
    ProjectLock(path).acquire()
    looking = threading.Event()

    def look() -> None:
        lock = ProjectLock(path)
        while not looking.is_set():
            lock.held()

    other = ProjectLock(tmp_path / "other.lock")
    path = tmp_path / "other.lock"
    thread = threading.Thread(target=look)
    thread.start()
    try:
        for _ in range(50):
            other.acquire()
            other.release()
    finally:
        looking.set()
        thread.join()
