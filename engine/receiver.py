"""The receiver's process: one socket, one spool, until it is told to stop.

It imports no vendor's library. The composition root hands in the functions that verify.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
import uvicorn

from engine.daemon import RECEIVER_LOCK, ProjectLock, follow_supervisor
from engine.files import replace_file
from engine.observe.metrics import ReceiverMetrics
from engine.observe.notify import Notification, Notifier, Severity
from engine.receiving.application import Application, Parts
from engine.receiving.limits import ReceiverLimits
from engine.receiving.protocol import guarded_protocol
from engine.store.spool import SpoolObserver

ADDRESS_FILE: Final = "receiver.json"
POSITION_FILE: Final = "spool.position"
BACKLOG: Final = 2048
DRAIN_SECONDS: Final = 15
SWITCH_SECONDS: Final = 0.0005
PREDECESSOR_SECONDS: Final = 3.0  # how long a receiver that is ending may still hold the lock


class ReceiverError(Exception):
    """The receiver cannot start; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a receiver listens, as other processes of the project find it."""

    pid: int
    host: str
    port: int

    @property
    def url(self) -> str:
        """The address as a URL without a path."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


class SpoolReports(SpoolObserver):
    """Turns what the spool's writer reports into metrics and, on a change, a notification."""

    def __init__(self, metrics: ReceiverMetrics, notifier: Notifier) -> None:
        self._metrics = metrics
        self._notifier = notifier
        self._failing = False

    def spool_committed(self, rows: int, seconds: float) -> None:  # noqa: ARG002
        self._metrics.spool_committed(seconds)
        if self._failing:
            self._failing = False
            self._notifier.notify(
                Notification(Severity.RECOVERED, "SPOOL_FAILED", "webhooks are kept again")
            )

    def spool_failed(self, rows: int, reason: str) -> None:
        self._metrics.spool_failed()
        if not self._failing:
            self._failing = True
            self._notifier.notify(
                Notification(
                    Severity.ALARM,
                    "SPOOL_FAILED",
                    "webhooks cannot be kept and are answered 503; vendors will send them again",
                    "check free space and permissions of the state folder, and who locks the spool",
                    {"reason": reason, "rows": rows},
                )
            )

    def spool_pruned(self, rows: int) -> None:
        self._metrics.spool_pruned(rows)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 lets the system choose. Raises :class:`ReceiverError`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        raise ReceiverError(
            f"cannot listen on {host} port {port}: {error}; change receiver.host or receiver.port"
        ) from None


def address_of(listening: socket.socket) -> Address:
    """Where a socket of this process listens."""
    host, port = listening.getsockname()[:2]
    return Address(os.getpid(), host, port)


def read_address(state: Path) -> Address | None:
    """Where the project's receiver listens, or last did; ``None`` when it never has."""
    try:
        found = orjson.loads((state / ADDRESS_FILE).read_bytes())
        return Address(int(found["pid"]), str(found["host"]), int(found["port"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_address(state: Path, address: Address) -> None:
    """Tell other processes of the project where the receiver listens."""
    content = orjson.dumps(
        {"pid": address.pid, "host": address.host, "port": address.port, "url": address.url}
    )
    replace_file(state / ADDRESS_FILE, content + b"\n")


def serve(parts: Parts, listening: socket.socket) -> int:
    """Serve until SIGTERM or SIGINT, finish what has begun, and return the exit code.

    ``parts.started`` should write the address file. Called from the main thread. Raises
    :class:`~engine.daemon.LockHeld` when the project already has a receiver: its spool has one
    writer. Under a supervisor it ends when the supervisor does.
    """
    lock = ProjectLock(parts.state / RECEIVER_LOCK)
    try:
        lock.acquire(PREDECESSOR_SECONDS)
        follow_supervisor(lambda: os.kill(os.getpid(), signal.SIGTERM))
        return _run(parts, listening)
    finally:
        listening.close()
        lock.release()


def _run(parts: Parts, listening: socket.socket) -> int:
    # The spool's writer gets its turn soon, even while the event loop is busy.
    sys.setswitchinterval(SWITCH_SECONDS)
    server = uvicorn.Server(_server_configuration(parts, parts.limits))
    # Uvicorn raises the signal again when it is done; by then there is nothing left to interrupt.
    previous = {
        number: signal.signal(number, _ignore) for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        server.run(sockets=[listening])
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    return 0 if server.started else 1


def _ignore(_number: int, _frame: Any) -> None:
    return None


def _server_configuration(parts: Parts, limits: ReceiverLimits) -> uvicorn.Config:
    return uvicorn.Config(
        Application(parts),
        http=guarded_protocol(limits, parts.metrics),
        ws="none",
        loop="uvloop",
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=limits.idle_seconds,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
