"""The connection: what uvicorn's parser leaves open is closed here.

Uvicorn bounds neither the size of headers nor the time that they take, and queues as many pipelined
requests as are sent. The limits below are kept before a request reaches any code of ours.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from engine.observe.metrics import ReceiverMetrics
from engine.receiving.limits import ReceiverLimits

# The parser's complaints are counted, not logged: a stranger must not fill the log.
SILENT: Final = logging.getLogger("revline.receiver.http")
CHUNK_OVERHEAD: Final = 8  # a body sent byte by byte is this much longer on the wire


class ConnectionCounts:
    """Open connections, in all and by address."""

    def __init__(self, limits: ReceiverLimits) -> None:
        self._limits = limits
        self._by_address: Counter[str] = Counter()
        self._open = 0

    def admit(self, address: str) -> bool:
        """Count one more, unless that is too many."""
        limits = self._limits
        if (
            self._open >= limits.connections_max
            or self._by_address[address] >= limits.connections_per_address_max
        ):
            return False
        self._open += 1
        self._by_address[address] += 1
        return True

    def leave(self, address: str) -> None:
        """Count one less."""
        self._open -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]


class GuardedProtocol(HttpToolsProtocol):
    """One connection, with limits. Made by :func:`guarded_protocol`."""

    limits: ReceiverLimits
    metrics: ReceiverMetrics
    counts: ConnectionCounts

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.logger = SILENT
        self._address = ""
        self._admitted = False
        self._refused = False
        self._deadline: asyncio.TimerHandle | None = None
        self._in_headers = True
        self._message_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._address = self.client[0] if self.client else ""
        self._admitted = self.counts.admit(self._address)
        if not self._admitted:
            self._refuse(503, "too_many_connections")
            return
        self._arm(self.limits.receive_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        if self._admitted:
            self._admitted = False
            self.counts.leave(self._address)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused or self.parser is None:
            return
        if self._deadline is None:
            self._arm(self.limits.receive_seconds)
        self._message_bytes += len(data)
        limits = self.limits
        if self._message_bytes > limits.header_max_bytes + (
            limits.body_max_bytes * CHUNK_OVERHEAD + 262_144
        ):
            self._refuse(413, "body_too_large")
            return
        super().data_received(data)
        if self._refused or self.transport.is_closing():
            return
        if self._in_headers and self._message_bytes > limits.header_max_bytes:
            self._refuse(431, "headers_too_large")
        elif len(self.pipeline) > limits.pipeline_max:
            self._drop("pipeline")

    def on_message_begin(self) -> None:
        self._in_headers = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        # What follows a chunked body is not a header: nothing that was judged may change.
        if self._in_headers:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_headers = False
        if self._deadline is not None:
            self._arm(self.limits.answer_seconds)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._message_bytes = 0
        self._in_headers = True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self._disarm()
        busy = bool(self.pipeline) or self._message_bytes > 0
        super().on_response_complete()
        if busy and not self.transport.is_closing():
            self._arm(self.limits.answer_seconds)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's signature
        if not self._refused:
            self._refuse(400, "malformed")

    def _arm(self, seconds: float) -> None:
        self._disarm()
        self._deadline = self.loop.call_later(seconds, self._expire)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _expire(self) -> None:
        self._deadline = None
        idle = self.cycle is None or self.cycle.response_complete
        if idle and self._message_bytes:
            self._refuse(408, "too_slow")
        else:
            self._drop("too_slow")

    def _refuse(self, status: int, code: str) -> None:
        """Answer without asking the application, and close."""
        self._refused = True
        self._disarm()
        self.metrics.connection_refused(code)
        if self.cycle is not None and not self.cycle.response_complete:
            if self.cycle.response_started or self.pipeline:
                # Another answer is due first: ours would be taken for it, or for a part of it.
                self.transport.abort()
                return
            self.cycle.disconnected = True  # whatever the application says now goes nowhere
            self.cycle.message_event.set()
        body = b'{"error":"%s"}\n' % code.encode()
        self.transport.write(
            b"HTTP/1.1 %d \r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
            b"connection: close\r\n\r\n%s" % (status, len(body), body)
        )
        self.transport.close()

    def _drop(self, reason: str) -> None:
        self._refused = True
        self._disarm()
        self.metrics.connection_refused(reason)
        self.transport.abort()


def guarded_protocol(limits: ReceiverLimits, metrics: ReceiverMetrics) -> type[GuardedProtocol]:
    """The protocol class with its limits, as uvicorn wants it."""
    SILENT.setLevel(logging.ERROR)
    return type(
        "ReceiverProtocol",
        (GuardedProtocol,),
        {"limits": limits, "metrics": metrics, "counts": ConnectionCounts(limits)},
    )
