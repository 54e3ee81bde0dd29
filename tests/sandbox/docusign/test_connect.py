"""Connect: signed by every key, tried again for days, twice and out of order when asked to."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from sandbox.docusign import CONNECT_KEYS

from .conftest import Client


@dataclass
class Receiver:
    """Takes messages, and answers with the statuses given, then with 200."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def events(self) -> list[str]:
        return [json.loads(body)["event"] for body in self.bodies]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            found.headers.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(found.statuses.pop(0) if found.statuses else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_address[1]}/connect"
    yield found
    server.shutdown()
    server.server_close()
    thread.join(10)


def settled(account: Client) -> Any:
    return account.look("emit?wait_seconds=30")


def signed(key: str, body: bytes) -> str:
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()


def test_the_whole_life_of_an_envelope_is_told(account: Client, receiver: Receiver) -> None:
    account.admin("webhooks", {"url": receiver.url})
    id = account.envelope()
    account.act("deliver", id)
    account.act("sign", id)
    account.act("sign", id)
    settled(account)
    assert receiver.events() == [
        "envelope-sent", "recipient-sent", "recipient-delivered", "recipient-completed",
        "recipient-sent", "recipient-delivered", "envelope-delivered", "recipient-completed",
        "envelope-completed",
    ]  # fmt: skip
    last = json.loads(receiver.bodies[-1])
    assert last["data"]["envelopeId"] == id
    assert last["data"]["envelopeSummary"]["status"] == "completed"
    assert last["apiVersion"] == "v2.1"
    assert last["generatedDateTime"] == "2026-09-01T08:20:00.0000000Z"


def test_every_key_signs_the_raw_body(account: Client, receiver: Receiver) -> None:
    account.admin("webhooks", {"url": receiver.url, "events": ["envelope-sent"]})
    account.envelope()
    settled(account)
    (body,), (headers,) = receiver.bodies, receiver.headers
    given = [headers[f"x-docusign-signature-{n}"] for n in (1, 2)]
    assert given == [signed(key, body) for key in CONNECT_KEYS]
    assert headers["x-authorization-digest"] == "HMACSHA256"


@pytest.mark.parametrize(
    ("signature", "fitting"), [("good", 2), ("old", 1), ("wrong", 0), ("missing", 0)]
)
def test_signatures_on_demand(
    account: Client, receiver: Receiver, signature: str, fitting: int
) -> None:
    account.admin("webhooks", {"url": receiver.url, "paused": True})
    event = {"event": "envelope-sent", "data": {"envelopeId": account.envelope()}}
    account.admin("emit", {"events": [event], "signature": signature, "wait_seconds": 30})
    (body,), (headers,) = receiver.bodies, receiver.headers
    given = [value for name, value in headers.items() if name.startswith("x-docusign-signature")]
    assert len(set(given) & {signed(key, body) for key in CONNECT_KEYS}) == fitting


@pytest.mark.parametrize("status", [500, 202, 302])
def test_only_200_counts_and_the_gaps_grow(
    account: Client, receiver: Receiver, status: int
) -> None:
    account.admin("webhooks", {"url": receiver.url, "events": ["envelope-sent"]})
    receiver.statuses = [status, status]
    account.envelope()
    assert settled(account)["open"] == 1
    account.shift(300)
    assert settled(account)["open"] == 1
    account.shift(599)
    settled(account)
    assert len(receiver.bodies) == 2
    account.shift(1)
    assert settled(account)["open"] == 0
    assert [json.loads(body)["retryCount"] for body in receiver.bodies] == [0, 1, 2]
    first, last = (json.loads(body) | {"retryCount": 0} for body in receiver.bodies[::2])
    assert first == last


def test_after_ten_tries_it_is_a_failure_that_can_be_tried_again(
    account: Client, receiver: Receiver
) -> None:
    account.admin("webhooks", {"url": receiver.url, "events": ["envelope-sent"]})
    receiver.statuses = [503] * 10
    id = account.envelope()
    for _ in range(9):
        settled(account)
        account.shift(86_400)
    report = settled(account)
    assert (report["open"], report["events"][0]["attempts"]) == (0, 10)
    account.sign_in()
    (failure,) = account.ok("GET", "/connect/failures")["failures"]
    assert (failure["envelopeId"], failure["retryCount"]) == (id, "9")
    account.ok("PUT", f"/connect/envelopes/{id}/retry_queue")
    settled(account)
    assert len(receiver.bodies) == 11
    assert account.ok("GET", "/connect/failures")["failures"] == []
    (log,) = account.ok("GET", "/connect/logs")["logs"]
    assert log["status"] == "successful"
    body = {"envelopeIds": [id]}
    (told,) = account.ok("PUT", "/connect/envelopes/retry_queue", body)["retryQueue"]
    assert told["status"] == "no_failures"


def test_history_is_published_again(account: Client, receiver: Receiver) -> None:
    account.admin("webhooks", {"url": receiver.url, "paused": True})
    id = account.envelope()
    account.act("void", id)
    account.admin("webhooks", {"url": receiver.url})
    told = account.ok("POST", "/connect/envelopes/publish/historical", {"envelopes": [id]})
    assert told["envelopeCount"] == "1"
    settled(account)
    assert receiver.events() == ["envelope-voided"]


def test_late_twice_and_out_of_order(account: Client, receiver: Receiver) -> None:
    account.admin("webhooks", {"url": receiver.url, "paused": True})
    id = account.envelope()
    events = [
        {"event": f"envelope-{word}", "data": {"envelopeId": id}} for word in ("sent", "completed")
    ]
    asked = {"events": events, "duplicates": 1, "order": "reverse", "delay_seconds": 60}
    account.admin("emit", {**asked, "wait_seconds": 30})
    assert receiver.bodies == []
    account.shift(60)
    settled(account)
    assert receiver.events() == ["envelope-completed"] * 2 + ["envelope-sent"] * 2


def test_commands_that_make_no_sense(account: Client) -> None:
    for command, body in (
        ("webhooks", {"url": "http://127.0.0.1:1", "secret": "x"}),
        ("webhooks", {"keys": "x"}),
        ("options", {"limit_status": 500}),
        ("options", {"luck": 1}),
        ("load", {"objects": {"templates": []}}),
        ("mutate", {"object": "templates", "op": "create", "fields": {}}),
        ("mutate", {"object": "envelopes", "op": "frobnicate", "id": "x"}),
        ("mutate", {"object": "envelopes", "op": "sign", "id": "x"}),
    ):
        answer = account.http.post(f"{account.admin_url}/{command}", json=body, timeout=5)
        assert answer.status_code == 400, (command, body)


def test_envelopes_can_be_loaded(account: Client) -> None:
    rows = [{"emailSubject": "Old", "transactionId": "T-1"}]
    assert account.admin("load", {"objects": {"envelopes": rows}})["loaded"] == {"envelopes": 1}
    (held,) = account.look("state")["objects"]["envelopes"].values()
    assert (held["status"], held["transactionId"]) == ("created", "T-1")
