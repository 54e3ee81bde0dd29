"""``control.sock``: how the command line talks to the running engine.

A Unix socket that only its owner may open. One JSON object per line each way: a request is
``{"command": …, "arguments": {…}}``, its answer ``{"ok": true, "result": …}`` or ``{"ok": false,
"error": {"code", "message", "hint"}}``. A connection may carry several requests, one after another.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import stat
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import orjson

SOCKET_FILE: Final = "control.sock"
SOCKET_MODE: Final = 0o600
PATH_MAX_BYTES: Final = 107  # sockaddr_un holds 108 with the closing zero


@dataclass(frozen=True, slots=True)
class ControlLimits:
    """Sizes in bytes, times in seconds. ``receive_seconds`` is for one whole request."""

    request_max_bytes: int = 1_048_576
    answer_max_bytes: int = 64 * 1024 * 1024
    receive_seconds: float = 10.0
    send_seconds: float = 30.0
    clients_max: int = 16


class ControlError(Exception):
    """A command that was not carried out. ``code`` is a fixed word, ``hint`` what to do."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


class EngineNotRunning(ControlError):
    """Nobody listens on the socket."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            "not_running", f"no engine answers at {path}", "start it with `revline run`"
        )


Handler: TypeAlias = Callable[[Mapping[str, Any]], object]


class ControlServer:
    """Serves commands from threads of its own. ``handlers`` may raise :class:`ControlError`.

    Only a process that holds the engine's lock may start one: a socket file that is already there
    is taken to be stale.
    """

    def __init__(
        self,
        path: Path,
        handlers: Mapping[str, Handler],
        logger: Any,
        limits: ControlLimits | None = None,
    ) -> None:
        self._path = path
        self._handlers = dict(handlers)
        self._logger = logger
        self._limits = limits or ControlLimits()
        self._listening: socket.socket | None = None
        self._inode: int | None = None
        self._stop_writer: socket.socket | None = None
        self._slots = threading.BoundedSemaphore(self._limits.clients_max)
        self._clients: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen. Raises :class:`ControlError` when something else lies at the path."""
        _clear_stale(self._path)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            # Set before binding: there is no moment at which others could connect.
            os.fchmod(listening.fileno(), SOCKET_MODE)
            with _short(self._path) as address:
                listening.bind(address)
            self._path.chmod(SOCKET_MODE)
            listening.listen(self._limits.clients_max)
        except OSError as error:
            listening.close()
            raise ControlError("socket", f"cannot listen at {self._path}: {error}") from None
        self._listening = listening
        self._inode = self._path.stat().st_ino
        stop_reader, self._stop_writer = socket.socketpair()
        self._thread = threading.Thread(
            target=self._accept, args=(listening, stop_reader), name="control", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening, end every connection and remove the socket file."""
        if self._listening is None or self._thread is None or self._stop_writer is None:
            return
        self._stop_writer.close()
        self._thread.join()
        self._listening.close()
        self._listening = None
        with self._lock:
            for client in self._clients:
                with contextlib.suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(OSError):
            if self._path.stat().st_ino == self._inode:
                self._path.unlink()

    def _accept(self, listening: socket.socket, stop_reader: socket.socket) -> None:
        while True:
            ready, _, _ = select.select([listening, stop_reader], [], [])
            if stop_reader in ready:  # its other end was closed
                stop_reader.close()
                return
            try:
                client, _ = listening.accept()
            except OSError:
                continue
            if not _same_user(client) or not self._slots.acquire(blocking=False):
                client.close()
                continue
            with self._lock:
                self._clients.add(client)
            threading.Thread(
                target=self._serve, args=(client,), name="control client", daemon=True
            ).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            lines = _Lines(client, self._limits.request_max_bytes)
            while True:
                line = lines.next(self._limits.receive_seconds)
                if line is None:
                    return
                client.settimeout(self._limits.send_seconds)
                client.sendall(self._answer(line))
        except ControlError as error:
            with contextlib.suppress(OSError):
                client.sendall(_failed(error))
        except OSError:
            return  # the client has gone; nobody is left to tell
        finally:
            with self._lock:
                self._clients.discard(client)
            client.close()
            self._slots.release()

    def _answer(self, line: bytes) -> bytes:
        try:
            command, arguments = _request(line)
            handler = self._handlers.get(command)
            if handler is None:
                raise ControlError("unknown_command", f"the engine knows no command {command!r}")
            answer = _line({"ok": True, "result": handler(arguments)})
            if len(answer) > self._limits.answer_max_bytes:
                raise ControlError("too_large", "the answer is too large", "ask for less")
        except ControlError as error:
            return _failed(error)
        except Exception:  # a broken command must not end the engine
            self._logger.exception("command failed")
            return _failed(
                ControlError("internal", "the engine could not do this", "see the engine's log")
            )
        return answer


class ControlClient:
    """Sends commands to the engine of a project."""

    def __init__(self, path: Path, limits: ControlLimits | None = None) -> None:
        self._path = path
        self._limits = limits or ControlLimits()

    def call(
        self,
        command: str,
        arguments: Mapping[str, object] | None = None,
        *,
        timeout_seconds: float = 60.0,
    ) -> Any:
        """The command's result.

        Raises :class:`EngineNotRunning`, or :class:`ControlError` with the engine's own words.
        """
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(timeout_seconds)
            try:
                with _short(self._path) as address:
                    client.connect(address)
            except (FileNotFoundError, ConnectionRefusedError):
                raise EngineNotRunning(self._path) from None
            except OSError as error:
                raise ControlError("socket", f"cannot reach {self._path}: {error}") from None
            try:
                client.sendall(_line({"command": command, "arguments": dict(arguments or {})}))
                line = _Lines(client, self._limits.answer_max_bytes).next(timeout_seconds)
            except OSError:
                line = None
        if line is None:
            raise ControlError(
                "no_answer",
                f"the engine ended the connection without answering {command!r}",
                "it may be stopping; look at `revline status`",
            )
        return _result(line)

    def reachable(self) -> bool:
        """Whether an engine accepts connections."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            try:
                with _short(self._path) as address:
                    client.connect(address)
            except (OSError, ControlError):
                return False
            return True


class _Lines:
    """Lines from a socket, of bounded size, each within a bounded time."""

    def __init__(self, source: socket.socket, max_bytes: int) -> None:
        self._source = source
        self._max_bytes = max_bytes
        self._pending = bytearray()

    def next(self, seconds: float) -> bytes | None:
        """The next line; ``None`` at the end. Raises :class:`ControlError`."""
        until = time.monotonic() + seconds
        while (end := self._pending.find(b"\n")) < 0:
            if len(self._pending) > self._max_bytes:
                raise ControlError("too_large", f"a line has more than {self._max_bytes} bytes")
            left = until - time.monotonic()
            if left <= 0:
                raise ControlError("too_slow", f"no whole line arrived in {seconds:g} seconds")
            self._source.settimeout(left)
            try:
                data = self._source.recv(65_536)
            except TimeoutError:
                continue
            if not data:
                return None
            self._pending += data
        line = bytes(self._pending[:end])
        del self._pending[: end + 1]
        if end > self._max_bytes:
            raise ControlError("too_large", f"a line has more than {self._max_bytes} bytes")
        return line


def _request(line: bytes) -> tuple[str, Mapping[str, Any]]:
    try:
        request = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise ControlError("malformed", "a request is one JSON object per line") from None
    command = request.get("command") if isinstance(request, dict) else None
    arguments = request.get("arguments", {}) if isinstance(request, dict) else None
    if not isinstance(command, str) or not isinstance(arguments, dict):
        raise ControlError("malformed", 'a request is {"command": text, "arguments": object}')
    return command, arguments


def _result(line: bytes) -> Any:
    try:
        answer = orjson.loads(line)
        if answer["ok"]:
            return answer["result"]
        error = answer["error"]
        failure = ControlError(error["code"], error["message"], error.get("hint", ""))
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        raise ControlError("malformed", "the engine's answer is not understood") from None
    raise failure


def _line(content: object) -> bytes:
    return orjson.dumps(content, default=str, option=orjson.OPT_APPEND_NEWLINE)


def _failed(error: ControlError) -> bytes:
    content = {"code": error.code, "message": error.message, "hint": error.hint}
    return _line({"ok": False, "error": content})


def _same_user(client: socket.socket) -> bool:
    """Whether the peer runs as us or as root; where the system cannot say, the mode decides."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return True
    size = struct.calcsize("3i")
    _, uid, _ = struct.unpack("3i", client.getsockopt(socket.SOL_SOCKET, option, size))
    return uid in (os.getuid(), 0)


def _clear_stale(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ControlError("socket", f"{path} is not a socket", "move it away, then start again")
    path.unlink()


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """A name for the path that fits a socket address, valid inside the block."""
    if len(os.fsencode(path)) <= PATH_MAX_BYTES:
        yield str(path)
        return
    descriptors = Path("/proc/self/fd")
    if not descriptors.is_dir():
        raise ControlError(
            "socket", f"{path} is too long for a socket", "move the project to a shorter path"
        )
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield str(descriptors / str(folder) / path.name)
    finally:
        os.close(folder)
