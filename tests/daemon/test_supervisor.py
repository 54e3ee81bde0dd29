"""The supervisor starts, restarts, stops in order, and leaves nobody behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.daemon import ProjectLock

CEILING_SECONDS = 30.0


def until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + CEILING_SECONDS
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.01)


@contextlib.contextmanager
def supervised(folder: Path, *parts: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("supervise.py")), str(folder), *parts],
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()
        for file in folder.glob("*.starts"):
            for pid in starts(folder, file.stem):
                until(lambda pid=pid: not alive(pid), f"{file.stem} was left behind")


def starts(folder: Path, name: str) -> list[int]:
    try:
        return [int(line) for line in (folder / f"{name}.starts").read_text().splitlines()]
    except FileNotFoundError:
        return []


def reported(folder: Path) -> list[dict[str, object]]:
    try:
        return [json.loads(line) for line in (folder / "events").read_text().splitlines()]
    except FileNotFoundError:
        return []


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_orderly_stop(tmp_path: Path, number: int) -> None:
    with supervised(tmp_path, "receiver=runs", "engine=runs") as process:
        until(lambda: bool(starts(tmp_path, "receiver") and starts(tmp_path, "engine")), "start")
        process.send_signal(number)
        assert process.wait(CEILING_SECONDS) == 0
    assert (tmp_path / "receiver.stopped").exists()
    assert (tmp_path / "engine.stopped").exists()


def test_a_part_that_is_killed_comes_back_and_the_other_stays(tmp_path: Path) -> None:
    with supervised(tmp_path, "receiver=runs", "engine=runs") as process:
        for times in range(1, 4):
            until(lambda times=times: len(starts(tmp_path, "engine")) == times, "engine start")
            os.kill(starts(tmp_path, "engine")[-1], signal.SIGKILL)
        until(lambda: len(starts(tmp_path, "engine")) == 4, "engine start")
        until(lambda: bool(starts(tmp_path, "receiver")), "receiver start")
        assert len(starts(tmp_path, "receiver")) == 1
        assert alive(starts(tmp_path, "receiver")[0])
        process.terminate()
        assert process.wait(CEILING_SECONDS) == 0
    died = [event for event in reported(tmp_path) if event["event"] == "part_died"]
    assert [event["exit_code"] for event in died] == [-signal.SIGKILL] * 3
    assert [event["restart_in_seconds"] for event in died] == [0.02, 0.04, 0.08]


def test_pauses_grow_to_a_ceiling(tmp_path: Path) -> None:
    with supervised(tmp_path, "engine=dies") as process:
        until(lambda: len(starts(tmp_path, "engine")) >= 6, "restarts")
        process.terminate()
        assert process.wait(CEILING_SECONDS) == 0
    pauses = [e["restart_in_seconds"] for e in reported(tmp_path) if e["event"] == "part_died"]
    assert pauses[:5] == [0.02, 0.04, 0.08, 0.1, 0.1]


@pytest.mark.parametrize("behaviour", ["refuses", "absent"])
def test_a_part_that_refuses_stops_everything(tmp_path: Path, behaviour: str) -> None:
    with supervised(tmp_path, "receiver=runs", f"engine={behaviour}") as process:
        assert process.wait(CEILING_SECONDS) == 2
    assert len(starts(tmp_path, "engine")) <= 1
    assert "part_refused" in [event["event"] for event in reported(tmp_path)]


def test_a_deaf_part_is_killed_after_the_grace_period(tmp_path: Path) -> None:
    with supervised(tmp_path, "receiver=runs", "engine=deaf") as process:
        until(lambda: bool(starts(tmp_path, "receiver") and starts(tmp_path, "engine")), "start")
        process.terminate()
        assert process.wait(CEILING_SECONDS) == 1
    assert (tmp_path / "receiver.stopped").exists()
    assert not (tmp_path / "engine.stopped").exists()


def test_a_second_signal_does_not_wait(tmp_path: Path) -> None:
    with supervised(tmp_path, "engine=deaf") as process:
        until(lambda: bool(starts(tmp_path, "engine")), "start")
        process.terminate()
        until(lambda: {"event": "stopping", "signal": "SIGTERM"} in reported(tmp_path), "stopping")
        process.terminate()
        assert process.wait(CEILING_SECONDS) == 1
    assert {"event": "part_killed", "part": "engine"} in reported(tmp_path)


def test_a_killed_supervisor_leaves_nobody_behind(tmp_path: Path) -> None:
    with supervised(tmp_path, "receiver=runs", "engine=deaf") as process:
        until(lambda: bool(starts(tmp_path, "receiver") and starts(tmp_path, "engine")), "start")
        process.kill()
        process.wait()
        until(lambda: not alive(starts(tmp_path, "receiver")[0]), "the receiver lives on")
        until(lambda: not alive(starts(tmp_path, "engine")[0]), "the engine lives on")
    assert (tmp_path / "receiver.stopped").exists()


def test_a_second_engine_refuses_and_names_the_first(tmp_path: Path) -> None:
    with supervised(tmp_path, "engine=locked") as first:
        until(lambda: bool(starts(tmp_path, "engine")), "start")
        pid = starts(tmp_path, "engine")[0]
        assert ProjectLock(tmp_path / "engine.lock").held()
        assert ProjectLock(tmp_path / "engine.lock").holder() == pid
        second = subprocess.run(
            [
                sys.executable,
                str(Path(__file__).with_name("supervise.py")),
                str(tmp_path),
                "engine=locked",
            ],
            capture_output=True,
            timeout=CEILING_SECONDS,
            check=False,
        )
        assert second.returncode == 2
        assert f"already running as process {pid}".encode() in second.stderr
        assert b"Traceback" not in second.stderr
        assert alive(pid)
        first.terminate()
        assert first.wait(CEILING_SECONDS) == 0
    assert not ProjectLock(tmp_path / "engine.lock").held()
