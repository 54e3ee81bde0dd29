"""Connections that keep a whole call, not only each read, within its time and size."""

from __future__ import annotations

import socket
import ssl
from contextvars import ContextVar
from time import monotonic
from typing import Any, Final

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from connectors.transport_addresses import Origin, resolve

_HEADERS_MAX_BYTES: Final = 262_144


class Budget:
    """What one call may still use. ``sent`` turns true before the first byte of a request."""

    __slots__ = ("connect_seconds", "deadline", "read_seconds", "received_max_bytes", "sent")

    def __init__(
        self,
        *,
        total_seconds: float,
        connect_seconds: float,
        read_seconds: float,
        body_max_bytes: int,
    ) -> None:
        self.deadline = monotonic() + total_seconds
        self.connect_seconds = connect_seconds
        self.read_seconds = read_seconds
        self.received_max_bytes = body_max_bytes + _HEADERS_MAX_BYTES
        self.sent = False

    def seconds(self, at_most: float) -> float:
        """How long the next step may take. Raises ``TimeoutError`` when time is up."""
        left = self.deadline - monotonic()
        if left <= 0:
            raise TimeoutError("the call took too long")
        return min(left, at_most)

    def received(self, count: int) -> None:
        """Note bytes from the network. Raises ``OSError`` when there are too many."""
        self.received_max_bytes -= count
        if self.received_max_bytes < 0:
            raise OSError("the answer is too large")


# The SDKs give no way to hand a budget through to the socket; a call stays in one context.
current: Final[ContextVar[Budget]] = ContextVar("connectors.transport.budget")


class _Budgeted(socket.socket):
    """Asks the budget of the current call before every step."""

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        budget = current.get()
        self.settimeout(budget.seconds(budget.read_seconds))
        count = super().recv_into(*args, **kwargs)
        budget.received(count)
        return count

    def recv(self, *args: Any, **kwargs: Any) -> bytes:
        budget = current.get()
        self.settimeout(budget.seconds(budget.read_seconds))
        data = super().recv(*args, **kwargs)
        budget.received(len(data))
        return data

    def send(self, *args: Any, **kwargs: Any) -> int:
        budget = current.get()
        self.settimeout(budget.seconds(budget.read_seconds))
        budget.sent = True
        return super().send(*args, **kwargs)

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        budget = current.get()
        self.settimeout(budget.seconds(budget.read_seconds))
        budget.sent = True
        super().sendall(*args, **kwargs)


class _BudgetedTls(_Budgeted, ssl.SSLSocket):
    """The same over TLS."""


def tls_context() -> ssl.SSLContext:
    """Certificates of the usual authorities, host names checked, TLS 1.2 or newer."""
    import certifi

    context = ssl.create_default_context(cafile=certifi.where())
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = _BudgetedTls
    return context


class _Plain(HTTPConnection):
    """Connects only to addresses that were checked."""

    def __init__(self, *args: Any, origin: Origin, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._origin = origin

    def _new_conn(self) -> socket.socket:
        return _connect(self, self._origin)


class _Tls(HTTPSConnection):
    """The same over TLS; the certificate is checked against the name, not the address."""

    def __init__(self, *args: Any, origin: Origin, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._origin = origin

    def _new_conn(self) -> socket.socket:
        return _connect(self, self._origin)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _Tls


def pool_for(origin: Origin, *, connections: int) -> HTTPConnectionPool:
    """A pool of connections to one origin."""
    shared: dict[str, Any] = {"maxsize": connections, "block": False, "origin": origin}
    if origin.scheme == "http":
        return _PlainPool(origin.host, origin.port, **shared)
    return _TlsPool(origin.host, origin.port, ssl_context=tls_context(), **shared)


def _connect(connection: HTTPConnection, origin: Origin) -> socket.socket:
    try:
        addresses = resolve(origin)
    except (socket.gaierror, UnicodeError) as error:
        cause = error if isinstance(error, socket.gaierror) else socket.gaierror(str(error))
        raise NameResolutionError(origin.host, connection, cause) from error
    failure: OSError = OSError("no address")
    for address in addresses:
        try:
            return _open(address, origin.port)
        except OSError as error:
            failure = error
    if isinstance(failure, TimeoutError):
        message = f"connecting to {origin.host} took too long"
        raise ConnectTimeoutError(connection, message) from failure
    message = f"cannot connect to {origin.host}: {failure}"
    raise NewConnectionError(connection, message) from failure


def _open(address: str, port: int) -> socket.socket:
    budget = current.get()
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    opened = _Budgeted(family, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.settimeout(budget.seconds(budget.connect_seconds))
        opened.connect((address, port))
    except BaseException:
        opened.close()
        raise
    return opened
