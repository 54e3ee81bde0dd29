"""The control socket: a round trip, its limits, and every way of being abused."""

from __future__ import annotations

import contextlib
import io
import json
import os
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.control import (
    ControlClient,
    ControlError,
    ControlLimits,
    ControlServer,
    EngineNotRunning,
)
from engine.observe.logs import stream_logger

LIMITS = ControlLimits(
    request_max_bytes=10_000, answer_max_bytes=100_000, receive_seconds=0.5, clients_max=4
)


class Engine:
    """A server with a few commands."""

    def __init__(self, path: Path) -> None:
        self.log = io.StringIO()
        self.path = path
        self.release = threading.Event()
        self.server = ControlServer(
            path,
            {
                "echo": lambda arguments: dict(arguments),
                "refuse": self.refuse,
                "break": lambda arguments: arguments["canary-missing"],
                "large": lambda arguments: "x" * 200_000,
                "wait": lambda arguments: self.release.wait(30),
            },
            stream_logger(self.log, part="engine"),
            LIMITS,
        )

    @staticmethod
    def refuse(_: object) -> None:
        raise ControlError("no_such_sync", "there is no sync 'x'", "see `revline syncs`")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = Engine(tmp_path / "control.sock")
    made.server.start()
    yield made
    made.release.set()
    made.server.close()


def raw(engine: Engine, data: bytes, *, end: bool = True) -> list[dict[str, object]]:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(30)
        client.connect(str(engine.path))
        found = b""
        with contextlib.suppress(OSError):  # the answer may come before everything is sent
            client.sendall(data)
            if end:
                client.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            while got := client.recv(65536):
                found += got
    return [json.loads(line) for line in found.splitlines()]


def test_round_trip(engine: Engine) -> None:
    client = ControlClient(engine.path)
    arguments = {"sync": "companies", "text": "é\n\u2028", "list": [1, None, True]}
    assert client.call("echo", arguments) == arguments
    assert client.call("echo") == {}
    assert client.reachable()


def test_the_engines_words_reach_the_caller(engine: Engine) -> None:
    with pytest.raises(ControlError) as caught:
        ControlClient(engine.path).call("refuse")
    assert (caught.value.code, caught.value.message, caught.value.hint) == (
        "no_such_sync",
        "there is no sync 'x'",
        "see `revline syncs`",
    )


def test_a_broken_command_is_told_without_details_and_logged(engine: Engine) -> None:
    with pytest.raises(ControlError) as caught:
        ControlClient(engine.path).call("break")
    assert caught.value.code == "internal"
    assert "canary" not in str(caught.value)
    assert "KeyError" in engine.log.getvalue()
    assert ControlClient(engine.path).call("echo", {"still": "here"}) == {"still": "here"}


def test_only_the_owner_may_open_it(engine: Engine) -> None:
    assert stat.S_IMODE(engine.path.stat().st_mode) == 0o600


def test_several_requests_on_one_connection(engine: Engine) -> None:
    line = b'{"command": "echo", "arguments": {"n": 1}}\n'
    assert raw(engine, line * 3) == [{"ok": True, "result": {"n": 1}}] * 3


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\n", "malformed"),
        (b"hello\n", "malformed"),
        (b"\xff\xfe\n", "malformed"),
        (b"[]\n", "malformed"),
        (b"7\n", "malformed"),
        (b"{}\n", "malformed"),
        (b'{"command": 7}\n', "malformed"),
        (b'{"command": "echo", "arguments": []}\n', "malformed"),
        (b'{"command": "echo", "arguments": null}\n', "malformed"),
        (b"[" * 5000 + b"\n", "malformed"),
        (b'{"command": "__class__"}\n', "unknown_command"),
        (b'{"command": "large"}\n', "too_large"),
        (b"x" * 10_001 + b"\n", "too_large"),
        (b"x" * 300_000, "too_large"),
    ],
)
def test_abuse_is_answered_in_words(engine: Engine, data: bytes, code: str) -> None:
    (answer,) = raw(engine, data)
    assert answer["ok"] is False
    assert answer["error"]["code"] == code  # type: ignore[index]
    assert ControlClient(engine.path).call("echo") == {}


def test_half_a_line_is_no_command(engine: Engine) -> None:
    assert raw(engine, b'{"command": "echo"}') == []
    (answer,) = raw(engine, b'{"command": "echo"', end=False)
    assert answer["error"]["code"] == "too_slow"  # type: ignore[index]


def test_too_many_clients_are_turned_away_and_room_comes_back(engine: Engine) -> None:
    call = ControlClient(engine.path).call
    waiting = [threading.Thread(target=call, args=("wait",)) for _ in range(4)]
    for thread in waiting:
        thread.start()
    while len(engine.server._clients) < 4:
        os.sched_yield()
    with pytest.raises(ControlError) as caught:
        call("echo")
    assert caught.value.code == "no_answer"
    engine.release.set()
    for thread in waiting:
        thread.join()
    for _ in range(100):
        try:
            assert ControlClient(engine.path).call("echo") == {}
            break
        except ControlError:
            continue
    else:
        pytest.fail("no room came back")


def test_no_engine_is_said_plainly(tmp_path: Path) -> None:
    client = ControlClient(tmp_path / "control.sock")
    with pytest.raises(EngineNotRunning, match="no engine answers") as caught:
        client.call("status")
    assert "revline run" in caught.value.hint
    assert not client.reachable()


def test_a_stale_socket_is_replaced_and_removed_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with pytest.raises(EngineNotRunning):
        ControlClient(path).call("echo")
    engine = Engine(path)
    engine.server.start()
    assert ControlClient(path).call("echo") == {}
    engine.server.close()
    assert not path.exists()
    engine.server.close()


def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    path.write_text("precious")
    with pytest.raises(ControlError, match="not a socket"):
        Engine(path).server.start()
    assert path.read_text() == "precious"
    with pytest.raises(ControlError):
        ControlClient(path).call("echo")


def test_a_long_path(tmp_path: Path) -> None:
    folder = tmp_path / ("a" * 100) / ("b" * 100)
    folder.mkdir(parents=True)
    engine = Engine(folder / "control.sock")
    engine.server.start()
    assert ControlClient(engine.path).call("echo", {"long": "path"}) == {"long": "path"}
    assert stat.S_IMODE(engine.path.stat().st_mode) == 0o600
    engine.server.close()
    with pytest.raises(EngineNotRunning):
        ControlClient(engine.path).call("echo")


def test_an_engine_that_ends_in_the_middle(engine: Engine) -> None:
    failures: list[str] = []

    def call() -> None:
        try:
            ControlClient(engine.path).call("wait")
        except ControlError as error:
            failures.append(error.code)

    thread = threading.Thread(target=call)
    thread.start()
    while not engine.server._clients:
        os.sched_yield()
    engine.server.close()
    thread.join(30)
    assert failures == ["no_answer"]
