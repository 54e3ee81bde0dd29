"""Serves simulators on loopback, one port and one set of threads per system.

Built on the standard library's HTTP server because faults need the raw socket: resets, answers cut
in the middle, silence (see docs/decisions/0002-sandbox-server.md). Never a production server.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import parse_qsl

from sandbox.admin import Admin
from sandbox.exchange import Exchange
from sandbox.messages import Request, Response
from sandbox.simulator import Simulator, plain_error

LOOPBACK: Final = "127.0.0.1"
BODY_MAX_BYTES: Final = 64 * 1024 * 1024
URL_MAX_BYTES: Final = 16 * 1024


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    allow_reuse_address = True

    def __init__(self, simulator: Simulator, port: int) -> None:
        self.simulator = simulator
        self.admin = Admin(simulator)
        self.connections: set[socket.socket] = set()
        self.connections_lock = threading.Lock()
        self.broken: set[socket.socket] = set()
        super().__init__((LOOPBACK, port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self.connections_lock:
            self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self.connections_lock:
            self.connections.discard(request)
            was_broken = request in self.broken
            self.broken.discard(request)
        if was_broken:
            self.close_request(request)  # no orderly shutdown first: linger 0 makes it a reset
        else:
            super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is not worth a traceback; anything else is our fault."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
        self.simulator.close()
        with self.connections_lock:
            open_connections = tuple(self.connections)
        for connection in open_connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def _exchange(self) -> None:
        body = self._read_body()
        if body is None:
            return
        path, _, query = self.path.partition("?")
        request = Request(
            seq=0,
            method=self.command,
            path=path,
            query=tuple(parse_qsl(query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=body,
        )
        if path == "/__admin" or path.startswith("/__admin/"):
            local = self.client_address[0] == LOOPBACK
            self.send(
                self.server.admin.answer(request) if local else plain_error(403, "loopback only")
            )
        else:
            Exchange(self.server.simulator, request, self).run()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _exchange  # noqa: N815

    def _read_body(self) -> bytes | None:
        if len(self.path) > URL_MAX_BYTES:
            return self._refuse(414, "URL too long")
        if self.headers.get("Transfer-Encoding"):
            return self._refuse(411, "send a Content-Length")
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdigit()):
            return self._refuse(400, "Content-Length is not a number")
        if int(length) > BODY_MAX_BYTES:
            return self._refuse(413, "body too large")
        return self.rfile.read(int(length))

    def _refuse(self, status: int, message: str) -> bytes | None:
        self.server.simulator.violation("malformed_request", message)
        self.close_connection = True
        response = self.server.simulator.error_response(status)
        self.send(response)
        return None

    def send(self, response: Response, cut_at_byte: int | None = None) -> int:
        """Send status line, headers and body in one piece; the bytes of body sent."""
        bodyless = self.command == "HEAD" or response.status in {204, 304}
        body = b"" if bodyless else response.body
        lines = [f"HTTP/1.1 {response.status} {_reason(response.status)}"]
        if body:
            lines.append(f"Content-Type: {response.content_type}")
        if response.status != 204:
            lines.append(f"Content-Length: {len(response.body)}")
        lines += [f"{name}: {value}" for name, value in response.headers]
        if self.close_connection:
            lines.append("Connection: close")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
        shown = body if cut_at_byte is None else body[:cut_at_byte]
        self.connection.sendall(head + shown)
        return len(shown)

    def reset(self) -> None:
        """Make the coming close a TCP reset."""
        with contextlib.suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with self.server.connections_lock:
            self.server.broken.add(self.connection)
        self.close_connection = True

    def close(self) -> None:
        """Close after what was sent so far."""
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """The admin log is the log."""


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Vendor Status"


@dataclass
class Running:
    """Simulators being served. A context manager: leaving it stops them."""

    simulators: dict[str, Simulator]
    urls: dict[str, str]
    _servers: list[_Server] = field(repr=False, default_factory=list)
    _threads: list[threading.Thread] = field(repr=False, default_factory=list)

    def admin_url(self, system: str) -> str:
        """Where a system's admin surface is."""
        return f"{self.urls[system]}/__admin"

    def stop(self) -> None:
        """Stop serving and close every connection."""
        for server in self._servers:
            server.stop()
        for thread in self._threads:
            thread.join(10)
        self._servers, self._threads = [], []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def serve(simulators: Iterable[Simulator], ports: Mapping[str, int] | None = None) -> Running:
    """Serve each simulator on its port (0 or absent: the kernel chooses). ``OSError`` if taken."""
    running = Running({}, {})
    try:
        for simulator in simulators:
            server = _Server(simulator, (ports or {}).get(simulator.system, 0))
            running._servers.append(server)  # noqa: SLF001
            running.simulators[simulator.system] = simulator
            running.urls[simulator.system] = f"http://{LOOPBACK}:{server.server_address[1]}"
    except OSError:
        for server in running._servers:  # noqa: SLF001
            server.server_close()
        raise
    for server in running._servers:  # noqa: SLF001
        thread = threading.Thread(
            target=server.serve_forever,
            kwargs={"poll_interval": 0.02},
            name=f"sandbox-{server.simulator.system}",
            daemon=True,
        )
        thread.start()
        running._threads.append(thread)  # noqa: SLF001
    return running
