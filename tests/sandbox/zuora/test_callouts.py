"""Callouts: the challenge, 200 alone, three more tries, conditions and merge fields."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from .conftest import create, plan

GOOD = "Basic " + base64.b64encode(b"zuora:secret").decode()


@dataclass
class Receiver:
    """Challenges, and answers what it is told to."""

    url: str = ""
    status: int = 200
    seen: list[tuple[str | None, dict[str, Any]]] = field(default_factory=list)

    @property
    def accepted(self) -> list[dict[str, Any]]:
        """What came with the right credentials."""
        return [body for auth, body in self.seen if auth == GOOD]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    state = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            given = self.headers.get("Authorization")
            state.seen.append((given, body))
            self.send_response(state.status if given == GOOD else 401)
            if given != GOOD:
                self.send_header("WWW-Authenticate", 'Basic realm="revline"')
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}/zuora"
    yield state
    server.shutdown()
    thread.join(10)
    server.server_close()


def connect(tenant: Any, receiver: Receiver, **more: Any) -> None:
    body = {"url": receiver.url, "username": "zuora", "password": "secret", **more}
    tenant.admin("webhooks", body)


def wait(tenant: Any) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = tenant.look("webhooks?wait_seconds=10")["events"]
    return events


def test_the_first_request_waits_for_a_challenge(tenant: Any, receiver: Receiver) -> None:
    connect(tenant, receiver)
    id = tenant.account()
    [event] = wait(tenant)
    assert [auth for auth, _ in receiver.seen] == [None, GOOD]
    told = {"object": "Account", "event": "AccountChanged", "id": id,
            "updatedDate": "2026-09-01T08:00:00Z"}  # fmt: skip
    assert receiver.accepted == [told]
    assert event["statuses"] == [200]


def test_preemptive_credentials(tenant: Any, receiver: Receiver) -> None:
    connect(tenant, receiver, preemptive=True)
    tenant.account()
    wait(tenant)
    assert [auth for auth, _ in receiver.seen] == [GOOD]


def test_only_200_counts_and_three_more_tries_follow(tenant: Any, receiver: Receiver) -> None:
    receiver.status = 202
    connect(tenant, receiver)
    tenant.account()
    for count in range(1, 5):
        [event] = wait(tenant)
        assert len(event["statuses"]) == count
        assert event["accepted_at"] is None
        tenant.shift(1801)
    [event] = wait(tenant)
    assert (event["given_up"], len(event["statuses"])) == (True, 4)
    tenant.sign_in()
    missed = tenant.ok("GET", "/v1/notification-history/callout?failedOnly=true")
    [row] = missed["calloutHistories"]
    assert row["attemptedNum"] == 4
    receiver.status = 200
    answer = tenant.call("POST", "/notifications/callout-histories/resend", [row["id"]])
    assert answer.status_code == 204
    assert [event["statuses"][-1] for event in wait(tenant)] == ["202 is not 200", 200]


def test_a_condition_and_chosen_fields(tenant: Any, receiver: Receiver) -> None:
    trigger = {
        "active": True,
        "baseObject": "Invoice",
        "condition": "changeType == 'UPDATE' && Invoice.Status == 'Posted'"
                     " && Invoice.Status_old != 'Posted'",
        "eventType": {"name": "Posted", "displayName": "Invoice posted"},
    }  # fmt: skip
    made = tenant.ok("POST", "/events/event-triggers", trigger)
    auth = {"username": "zuora", "password": "secret", "preemptive": True}
    definition = {
        "name": "posted",
        "eventTypeName": "Posted",
        "active": True,
        "callout": {
            "name": "c", "eventTypeName": "Posted", "httpMethod": "POST", "requiredAuth": True,
            "calloutBaseurl": receiver.url, "calloutAuth": auth,
            "calloutParams": {"InvoiceNo": "<Invoice.InvoiceNumber>",
                              "Customer": "<Account.AccountNumber>"},
        },
    }  # fmt: skip
    tenant.ok("POST", "/notifications/notification-definitions", definition)
    tenant.account()
    tenant.order(create("2026-09-01", plan("PLT-001", "ANNUAL", 10)))
    [number] = tenant.bill("2026-09-01", post=False)["invoices"]
    tenant.ok("PUT", f"/v1/invoices/{number}/post", {})
    tenant.ok("PUT", f"/v1/invoices/{number}", {"comments": "again"})
    wait(tenant)
    assert receiver.accepted == [{"InvoiceNo": number, "Customer": "A-1"}]
    assert tenant.call("DELETE", f"/events/event-triggers/{made['id']}").status_code == 204
    assert tenant.ok("GET", "/events/event-triggers")["data"] == []
    wrong = tenant.call("POST", "/events/event-triggers", {**trigger, "condition": "whatever"})
    assert wrong.status_code == 400
    definition["callout"]["calloutBaseurl"] = "https://example.org:8443/x"
    wrong = tenant.call("POST", "/notifications/notification-definitions", definition)
    assert wrong.status_code == 400


def test_duplicates_and_disorder_on_demand(tenant: Any, receiver: Receiver) -> None:
    connect(tenant, receiver, preemptive=True)
    events = [{"id": str(number)} for number in range(3)]
    body = {"events": events, "duplicates": 1, "order": "reverse", "wait_seconds": 10}
    tenant.admin("emit", body)
    assert [row["id"] for row in receiver.accepted] == ["2", "2", "1", "1", "0", "0"]
    receiver.seen.clear()
    tenant.admin("emit", {"events": events[:1], "signature": "wrong", "wait_seconds": 10})
    assert len(receiver.seen) == 1
    assert receiver.accepted == []
