"""A server on loopback that answers anything, byte by byte: what a real client must survive."""

from __future__ import annotations

import gzip
import socket
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from types import TracebackType
from typing import Final

_HEAD_END: Final = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


Answering = Callable[[Asked], Iterator[bytes]]


class Reset(Exception):
    """Raised by a behaviour: break the connection off, as a crashed server does."""


class Hold(Exception):
    """Raised by a behaviour: say nothing more and keep the connection open."""


@dataclass
class HostileServer:
    """Answers every request with ``answering`` until it is left. Use as a context manager."""

    answering: Answering
    asked: list[Asked] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    _listener: socket.socket = field(init=False)
    _threads: list[threading.Thread] = field(default_factory=list)
    _open: list[socket.socket] = field(default_factory=list)

    def __enter__(self) -> HostileServer:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._start(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop.set()
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join(timeout=10)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self.stop.is_set():
            try:
                opened, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(opened)
            self._start(lambda opened=opened: self._serve(opened))  # type: ignore[misc]

    def _serve(self, opened: socket.socket) -> None:
        with opened, suppress(OSError):
            buffered = b""
            while not self.stop.is_set():
                asked, buffered = _request(opened, buffered)
                if asked is None:
                    return
                self.asked.append(asked)
                try:
                    for part in self.answering(asked):
                        opened.sendall(part)
                except Hold:
                    self.stop.wait(30)
                    return
                except Reset:
                    # Linger zero turns the close into a reset.
                    opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return


def _request(opened: socket.socket, buffered: bytes) -> tuple[Asked | None, bytes]:
    while _HEAD_END not in buffered:
        data = opened.recv(65_536)
        if not data:
            return None, b""
        buffered += data
    head, _, rest = buffered.partition(_HEAD_END)
    lines = head.decode("latin-1").split("\r\n")
    method, target, _ = lines[0].split(" ", 2)
    headers = {
        name.lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines[1:])
    }
    length = int(headers.get("content-length", "0"))
    while len(rest) < length:
        data = opened.recv(65_536)
        if not data:
            return None, b""
        rest += data
    return Asked(method, target, headers, rest[:length]), rest[length:]


def answer(
    status: int = 200, body: bytes = b"", *, length: int | None = None, **headers: str
) -> bytes:
    """A whole answer. Header names have underscores for hyphens; ``length`` may lie."""
    lines = [
        f"HTTP/1.1 {status} Status",
        f"Content-Length: {len(body) if length is None else length}",
    ]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode("latin-1") + _HEAD_END + body


def always(status: int = 200, body: bytes = b"", **headers: str) -> Answering:
    """The same answer to everything."""
    sent = answer(status, body, length=None, **headers)

    def answering(_: Asked) -> Iterator[bytes]:
        yield sent

    return answering


def redirect(to: str, status: int = 302) -> Answering:
    """Sends the client elsewhere."""
    return always(status, b"", Location=to)


def drip(stop: threading.Event, *, every_seconds: float = 0.05) -> Answering:
    """A body that arrives a byte at a time, each soon enough for a timeout per read."""

    def answering(_: Asked) -> Iterator[bytes]:
        yield answer(200, b"{", length=1_000_000, Content_Type="application/json")
        while not stop.wait(every_seconds):
            yield b" "

    return answering


def drip_head(stop: threading.Event, *, every_seconds: float = 0.05) -> Answering:
    """A header that never ends, a byte at a time."""

    def answering(_: Asked) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nX-Slow: "
        while not stop.wait(every_seconds):
            yield b"x"

    return answering


def gzip_bomb(megabytes: int = 256) -> Answering:
    """A small body that unpacks to a very large one."""

    def answering(_: Asked) -> Iterator[bytes]:
        packed = _packed(megabytes)
        yield answer(200, packed, Content_Encoding="gzip", Content_Type="application/json")

    return answering


@cache
def _packed(megabytes: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    chunk = bytes(1_048_576)
    return b"".join(packer.compress(chunk) for _ in range(megabytes)) + packer.flush()


def gzip_twice(body: bytes = b"{}") -> Answering:
    """A body encoded two times over."""
    packed = gzip.compress(gzip.compress(body))
    return always(200, packed, Content_Encoding="gzip, gzip", Content_Type="application/json")


def truncated(body: bytes = b'{"results": [') -> Answering:
    """Less than the promised length, then the end."""

    def answering(_: Asked) -> Iterator[bytes]:
        yield answer(200, body, length=len(body) + 100, Content_Type="application/json")
        raise Reset

    return answering


def without_length(body: bytes = b"{}") -> Answering:
    """A body that ends with the connection, so that nobody can tell whether it is whole."""

    def answering(_: Asked) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json" + _HEAD_END + body
        raise Reset

    return answering


def reset(_: Asked) -> Iterator[bytes]:
    """Reads the request and breaks off."""
    raise Reset
    yield b""


def silence(_: Asked) -> Iterator[bytes]:
    """Reads the request and says nothing."""
    raise Hold
    yield b""
