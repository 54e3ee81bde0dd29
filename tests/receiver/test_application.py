"""The application in this process: laws over generated requests, and what it must not import."""

from __future__ import annotations

import asyncio
import io
import json
import random
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import ForgedRequest
from connectors.records import Answer, Notice, NoticeKind, Receipt, Ref, WebhookRequest
from engine.clock import SystemClock
from engine.observe.logs import stream_logger
from engine.observe.metrics import ReceiverMetrics
from engine.observe.notify import LogNotifier
from engine.receiver import SpoolReports
from engine.receiving.application import Application, Parts
from engine.receiving.limits import ReceiverLimits
from engine.store.spool import Spool
from engine.store.spool_database import SpoolPlace
from engine.store.spool_reader import SpoolReader
from engine.store.vault import Vault
from tests.receiver.receiver_kit import KEY, PUBLIC_URL, events, receive, signed_headers

Headers = list[tuple[bytes, bytes]]
NOTICES = (Notice(Ref("contacts", "1"), NoticeKind.CHANGED, "k"),)


class Bench:
    """An application with a spool of its own, called as a server would call it."""

    def __init__(self, folder: Path, receivers: dict[str, Any], **limits: Any) -> None:
        self.log = io.StringIO()
        logger = stream_logger(self.log, part="receiver")
        metrics, notifier = ReceiverMetrics(), LogNotifier(logger)
        self.place = SpoolPlace(file=folder / "spool.db")
        self.application = Application(
            Parts(
                receivers=receivers,
                public_url=PUBLIC_URL,
                state=folder,
                spool=Spool(self.place, SystemClock(), SpoolReports(metrics, notifier)),
                vault=Vault(KEY),
                clock=SystemClock(),
                metrics=metrics,
                notifier=notifier,
                logger=logger,
                limits=ReceiverLimits(**limits),
            )
        )

    def run(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run ``work`` between start and end of the application."""

        async def live() -> None:
            said: asyncio.Queue[dict[str, str]] = asyncio.Queue()
            heard: asyncio.Queue[dict[str, str]] = asyncio.Queue()
            life = asyncio.create_task(
                self.application({"type": "lifespan", "state": {}}, said.get, heard.put)
            )
            await said.put({"type": "lifespan.startup"})
            assert (await heard.get())["type"] == "lifespan.startup.complete"
            try:
                await work()
            finally:
                await said.put({"type": "lifespan.shutdown"})
                assert (await heard.get())["type"] == "lifespan.shutdown.complete"
                await life

        asyncio.run(live())

    async def post(
        self, body: bytes, headers: Headers, path: str = "/webhooks/hub", method: str = "POST"
    ) -> tuple[int, Headers, bytes]:
        messages = [{"type": "http.request", "body": body, "more_body": False}]
        answers: list[Any] = []

        async def hear() -> Any:
            return messages.pop(0) if messages else {"type": "http.disconnect"}

        async def say(message: Any) -> None:
            answers.append(message)

        raw, _, query = path.partition("?")
        scope = {
            "type": "http",
            "method": method,
            "path": raw,
            "raw_path": raw.encode(),
            "query_string": query.encode("latin-1"),
            "headers": headers,
            "client": ("127.0.0.1", 1),
            "http_version": "1.1",
            "scheme": "http",
        }
        await self.application(scope, hear, say)
        whole = b"".join(message.get("body", b"") for message in answers[1:])
        return answers[0]["status"], answers[0]["headers"], whole

    def rows(self) -> int:
        return SpoolReader(self.place).count_after(0)


def encoded(headers: list[tuple[str, str]]) -> Headers:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]


def rubbish(chance: random.Random) -> bytes:
    """Bytes, damaged JSON, or JSON of the wrong shape."""
    kind = chance.randrange(4)
    if kind == 0:
        return chance.randbytes(chance.randrange(200))
    if kind == 1:
        body = bytearray(events("a", "b"))
        for _ in range(chance.randrange(1, 6)):
            body[chance.randrange(len(body))] = chance.randrange(256)
        return bytes(body)
    if kind == 2:
        return chance.choice((b"[", b'{"a":', b"9")) * chance.randrange(1, 20_000)
    shapes: list[Any] = [None, 1e308, "x", [], {}, [[]], [None], [{"object": None}], True]
    return json.dumps([chance.choice(shapes) for _ in range(chance.randrange(4))]).encode()


def test_generated_requests_are_never_a_5xx_and_forgeries_never_kept(tmp_path: Path) -> None:
    seed = random.randrange(10**9)
    print(f"seed {seed}")
    chance = random.Random(seed)
    bench = Bench(tmp_path, {"hub": receive})
    accepted = 0

    async def work() -> None:
        nonlocal accepted
        for _ in range(2_000):
            body = rubbish(chance)
            signed = chance.random() < 0.5
            headers = encoded(signed_headers(body))
            if not signed:
                place = chance.randrange(len(headers))
                value = chance.randbytes(chance.randrange(80)) + b"?"
                headers[place] = (headers[place][0], value)
            for _ in range(chance.randrange(3)):
                headers.append((chance.randbytes(4).lower(), chance.randbytes(8)))
            status, _, answer = await bench.post(body, headers)
            assert 200 <= status < 500, (seed, status)
            assert signed or status >= 400, (seed, body, headers)
            accepted += status < 300
            assert b"Traceback" not in answer

    bench.run(work)
    assert bench.rows() == accepted
    assert "Traceback" not in bench.log.getvalue()


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Answer(200, (("x-a", "b\r\nset-cookie: c"),)), 400),
        (Answer(200, (("x-a\0", "b"),)), 400),
        (Answer(200, (("x-a", "é"),)), 400),
        (Answer(500), 400),
        (Answer(102), 400),
        (Answer(202, (("content-length", "9"), ("connection", "close")), b"ok"), 202),
        (Answer(200, (("content-type", "text/xml"),), b"<ok/>"), 200),
    ],
)
def test_only_what_can_be_answered_is_kept(tmp_path: Path, answer: Answer, status: int) -> None:
    bench = Bench(tmp_path, {"hub": lambda request: Receipt(NOTICES, answer)})

    async def work() -> None:
        found, headers, body = await bench.post(b"", [])
        assert found == status
        if status < 300:
            assert body == answer.body
            assert (b"content-length", str(len(body)).encode()) in headers
        assert not any(b"set-cookie" in name or b"\n" in value for name, value in headers)

    bench.run(work)
    assert bench.rows() == (status < 300)


def test_a_challenge_without_events_is_answered_and_not_kept(tmp_path: Path) -> None:
    challenge = Answer(401, (("www-authenticate", "Basic"),), b"who are you")
    bench = Bench(tmp_path, {"hub": lambda request: Receipt((), challenge)})

    async def work() -> None:
        status, headers, body = await bench.post(b"", [])
        assert (status, body) == (401, b"who are you")
        assert (b"www-authenticate", b"Basic") in headers

    bench.run(work)
    assert bench.rows() == 0


@pytest.mark.parametrize("error", [RecursionError, MemoryError, UnicodeError, KeyError, OSError])
def test_whatever_breaks_in_a_connector_is_a_400(tmp_path: Path, error: type[Exception]) -> None:
    def receive_badly(request: WebhookRequest) -> Receipt:
        raise error("canary-value")

    bench = Bench(tmp_path, {"hub": receive_badly})

    async def work() -> None:
        for _ in range(30):
            assert (await bench.post(b"x", []))[0] == 400

    bench.run(work)
    lines = [json.loads(line) for line in bench.log.getvalue().splitlines()]
    assert len(lines) == 1  # the others are counted, not logged
    assert error.__name__ in lines[0]["reason"]
    assert "canary" not in bench.log.getvalue()


@pytest.mark.parametrize(("given", "status"), [(403, 403), (410, 410), (200, 401), (500, 401)])
def test_a_forgery_is_answered_4xx_whatever_the_connector_says(
    tmp_path: Path, given: int, status: int
) -> None:
    def refuse(request: WebhookRequest) -> Receipt:
        raise ForgedRequest("why", status=given)

    bench = Bench(tmp_path, {"hub": refuse})

    async def work() -> None:
        found, _, body = await bench.post(b"x", [])
        assert (found, body) == (status, b'{"error":"forged"}\n')

    bench.run(work)


def test_bodies_being_read_are_bounded_together(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"hub": receive}, buffered_max_bytes=10)

    async def work() -> None:
        assert (await bench.post(b"x" * 11, []))[0] == 503
        assert (await bench.post(b"x" * 10, []))[0] == 401

    bench.run(work)


@pytest.mark.parametrize("name", ["", "../x", "Hub", "a" * 64, "-a", "a/b", "é", "a\n"])
def test_names_of_connections_keep_their_alphabet(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="name of a connection"):
        Bench(tmp_path, {name: receive})


def test_the_receiver_imports_no_vendor_and_starts_light() -> None:
    code = (
        "import sys, engine.receiver, engine.receiving.application, engine.store.spool\n"
        "heavy = {'hubspot', 'simple_salesforce', 'stripe', 'requests', 'alembic', 'apscheduler',"
        " 'sqlalchemy.orm', 'connectors.hubspot', 'connectors.salesforce', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    started = time.monotonic()
    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        check=True,
    )
    print(f"{time.monotonic() - started:.2f} s")
    assert found.stdout.strip() == "[]"
