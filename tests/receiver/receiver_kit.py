"""A small signed webhook dialect, a receiver process that speaks it, and raw requests to it."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from connectors.errors import ForgedRequest
from connectors.records import Answer, Notice, NoticeKind, Receipt, Ref, WebhookRequest
from engine.daemon import SUPERVISED_VARIABLE
from engine.store.spool_database import SpoolPlace
from engine.store.spool_reader import SpoolReader, SpoolRow

SECRET = b"canary-secret-5d7e"
PUBLIC_URL = "https://hooks.example.com/revline"
KEY = bytes(range(32))
TOLERANCE_SECONDS = 300
CEILING_SECONDS = 30.0


def receive(request: WebhookRequest) -> Receipt:
    """Verify ``hex(hmac(secret, method url time body))``, then read a list of events."""
    stamp, given = request.header("x-time"), request.header("x-signature")
    if stamp is None or given is None or not stamp.isascii() or not stamp.isdigit():
        raise ForgedRequest("no signature")
    if abs(request.received_at.timestamp() - int(stamp[:12])) > TOLERANCE_SECONDS:
        raise ForgedRequest("timestamp out of range")
    expected = sign(request.method, request.url, stamp, request.body)
    if not hmac.compare_digest(expected.encode(), given.encode("latin-1")):
        raise ForgedRequest("wrong signature")
    events = json.loads(request.body)
    notices = tuple(
        Notice(Ref(event["object"], event["id"]), NoticeKind(event["kind"]), event["key"])
        for event in events
    )
    return Receipt(notices, Answer(200, (("x-kept", str(len(notices))),), b"kept"))


def sign(method: str, url: str, stamp: str, body: bytes) -> str:
    text = f"{method}{url}{stamp}".encode() + body
    return hmac.new(SECRET, text, hashlib.sha256).hexdigest()


def events(*keys: str) -> bytes:
    return json.dumps(
        [{"object": "contacts", "id": f"id-{key}", "kind": "changed", "key": key} for key in keys]
    ).encode()


def signed_headers(
    body: bytes, *, path: str = "/webhooks/hub", at: float | None = None
) -> list[tuple[str, str]]:
    stamp = str(int(time.time() if at is None else at))
    return [("x-time", stamp), ("x-signature", sign("POST", PUBLIC_URL + path, stamp, body))]


def raw_post(
    body: bytes,
    *,
    path: str = "/webhooks/hub",
    headers: Sequence[tuple[str, str]] | None = None,
    close: bool = True,
) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "host: x", f"content-length: {len(body)}"]
    if close:
        lines.append("connection: close")
    found = signed_headers(body, path=path) if headers is None else headers
    lines += [f"{name}: {value}" for name, value in found]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


@dataclass
class Running:
    """A receiver process. ``state`` is its folder."""

    process: subprocess.Popen[bytes]
    port: int
    state: Path

    def connect(self, timeout: float = CEILING_SECONDS) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout)

    def exchange(self, data: bytes, *, end: bool = False) -> bytes:
        """Send bytes, read until the receiver closes; what came before a reset counts."""
        with self.connect() as client:
            with contextlib.suppress(OSError):  # the answer may come before everything is sent
                client.sendall(data)
                if end:
                    client.shutdown(socket.SHUT_WR)
            return read_all(client)

    def rows(self) -> tuple[SpoolRow, ...]:
        reader = SpoolReader(SpoolPlace(file=self.state / "spool.db"))
        try:
            return reader.rows_after(0, 1_000_000)
        finally:
            reader.close()

    def log(self) -> str:
        return (self.state / "receiver.log").read_text()

    def stop(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(CEILING_SECONDS)


def read_all(client: socket.socket) -> bytes:
    found = b""
    try:
        while data := client.recv(65536):
            found += data
    except ConnectionError:
        pass
    return found


def status(answer: bytes) -> int:
    """The status of the first answer; 0 when there was none."""
    if not answer.startswith(b"HTTP/1.1 "):
        assert answer == b"", answer[:200]
        return 0
    return int(answer.split(b" ", 2)[1])


@contextlib.contextmanager
def running(state: Path, **options: object) -> Iterator[Running]:
    """A receiver in a process of its own."""
    state.mkdir(parents=True, exist_ok=True)
    (state / "receiver.json").unlink(missing_ok=True)
    with (state / "receiver.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("receiver_process.py")), str(state)],
            env={
                **os.environ,
                "OPTIONS": json.dumps(options),
                SUPERVISED_VARIABLE: "1" if options.get("supervised") else "",
            },
            stdin=subprocess.PIPE,
            stderr=log,
            stdout=log,
            cwd=Path(__file__).parents[2],
        )
    try:
        until = time.monotonic() + CEILING_SECONDS
        while not (state / "receiver.json").exists():
            assert process.poll() is None, (state / "receiver.log").read_text()
            assert time.monotonic() < until, "the receiver did not start"
            time.sleep(0.01)
        address = json.loads((state / "receiver.json").read_text())
        yield Running(process, address["port"], state)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        if process.stdin is not None:
            process.stdin.close()
