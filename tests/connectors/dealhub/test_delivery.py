"""What the simulated tenant really posts is what we take in: late, twice, mixed up, and forged."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from connectors.dealhub.webhooks import receive
from connectors.errors import ForgedRequest
from connectors.records import WebhookRequest

MODES = {
    "none": ({"webhook_auth": "none"}, {"auth": "none"}),
    "bearer": ({"webhook_token": "t0ken"}, {"auth": "bearer", "token": "t0ken"}),
    "basic": (
        {"webhook_auth": "basic", "webhook_user": "u", "webhook_password": "p:w"},
        {"auth": "basic", "username": "u", "password": "p:w"},
    ),
}


class Mailbox:
    """Keeps what arrives, as the receiver would."""

    def __init__(self, desk: Any) -> None:
        self.desk = desk
        self.requests: list[WebhookRequest] = []

    def listen(self, url: str, **auth: str) -> None:
        with self.desk.simulator.lock:
            self.desk.simulator.configure_webhooks({"url": url, **auth})

    def all(self) -> list[WebhookRequest]:
        assert self.desk.simulator.sender.wait_until_idle(20)
        return list(self.requests)


@pytest.fixture
def mailbox(desk) -> Iterator[tuple[Mailbox, str]]:
    box = Mailbox(desk)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            pairs = tuple((name.lower(), value) for name, value in self.headers.items())
            now = desk.simulator.now()
            box.requests.append(WebhookRequest("POST", "https://r.example/h", pairs, body, now))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing is printed."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield box, f"http://127.0.0.1:{server.server_port}/h"
        server.shutdown()
        thread.join(10)


@pytest.mark.parametrize("mode", sorted(MODES))
def test_events_name_the_quote_and_themselves(desk, mailbox, mode) -> None:
    box, url = mailbox
    settings, auth = MODES[mode]
    box.listen(url, **auth)
    id = desk.quote()
    for act in ("submit", "publish", "win"):
        desk.person(act, id)
    notices = [receive(settings, one).notices[0] for one in box.all()]
    assert {notice.ref.id for notice in notices} == {id}
    assert len({notice.event_key for notice in notices}) == len(notices) == 4
    for other in set(MODES) - {mode, "none"}:
        with pytest.raises(ForgedRequest):
            receive(MODES[other][0], box.requests[0])


def test_repeats_have_one_name_whatever_their_order(desk, mailbox) -> None:
    box, url = mailbox
    box.listen(url)
    desk.options(webhook_repeat_every=1, webhook_jitter_seconds=600)
    ids = [desk.quote() for _ in range(6)]
    for _ in range(11):
        desk.wait(seconds=60)
        box.all()
    settings = MODES["none"][0]
    notices = [receive(settings, one).notices[0] for one in box.all()]
    assert len(notices) == 12
    assert len({notice.event_key for notice in notices}) == 6
    assert {notice.ref.id for notice in notices} == set(ids)


def test_a_notice_is_an_address_and_the_quote_is_read_as_it_is(desk, mailbox) -> None:
    box, url = mailbox
    box.listen(url)
    desk.options(webhook_delay_seconds=60)
    id = desk.quote()
    desk.person("submit", id)
    desk.wait(seconds=61)
    first = receive(MODES["none"][0], box.all()[0]).notices[0]
    assert desk.read(first.ref.id, "status").get("status") == "ReadyToBeSent"
