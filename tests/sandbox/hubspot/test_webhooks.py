"""Webhooks over real HTTP: events, signatures, batches, retries, duplicates, order."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from sandbox.hubspot.webhooks import signature_v3, signed_url

SECRET = "s3cret"


class Receiver:
    """Collects webhook requests; answers the statuses told, then 200."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.requests.append((headers, body))
                self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/webhooks/hubspot"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    @property
    def events(self) -> list[dict]:
        return [event for _, body in self.requests for event in json.loads(body)]

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.stop()


def configure(hub, receiver, **more) -> None:
    hub.admin("webhooks", {"url": receiver.url, "secret": SECRET, **more})


def settle(hub) -> dict:
    """Wait until nothing is due any more."""
    return hub.admin("webhooks?wait_seconds=20")


def test_events_of_a_life(hub, receiver) -> None:
    configure(hub, receiver)
    first = hub.make("contacts", email="a@b.example")
    second = hub.make("contacts", email="c@d.example")
    company = hub.make("companies", name="A")
    hub.patch(f"/crm/v3/objects/contacts/{first}", {"properties": {"phone": "1"}})
    hub.patch(f"/crm/v3/objects/contacts/{first}", {"properties": {"phone": "1"}})
    hub.put(f"/crm/v4/objects/contacts/{first}/associations/default/companies/{company}")
    hub.mutate("contacts", "merge", first, loser=second)
    hub.delete(f"/crm/v3/objects/contacts/{first}")
    hub.mutate("contacts", "restore", first)
    settle(hub)
    told = [
        (e["subscriptionType"], e.get("objectId"), e.get("propertyName")) for e in receiver.events
    ]
    expected = [
        ("contact.creation", int(first), None),
        ("contact.propertyChange", int(first), "email"),
        ("contact.creation", int(second), None),
        ("contact.propertyChange", int(second), "email"),
        ("company.creation", int(company), None),
        ("company.propertyChange", int(company), "name"),
        ("contact.propertyChange", int(first), "phone"),
        ("contact.associationChange", None, None),
        ("company.associationChange", None, None),
        ("contact.merge", int(first), None),
        ("contact.deletion", int(first), None),
        ("contact.restore", int(first), None),
    ]
    assert sorted(told, key=repr) == sorted(expected, key=repr)
    by_type = {event["subscriptionType"]: event for event in receiver.events}
    assert by_type["contact.merge"]["mergedObjectIds"] == [int(second)]
    assert by_type["contact.merge"]["primaryObjectId"] == int(first)
    link = by_type["contact.associationChange"]
    assert (link["fromObjectId"], link["toObjectId"]) == (int(first), int(company))
    assert (link["associationType"], link["associationRemoved"]) == ("CONTACT_TO_COMPANY", False)
    assert by_type["contact.creation"]["changeSource"] == "INTEGRATION"
    assert by_type["contact.merge"]["changeSource"] == "CRM_UI"


def test_custom_objects_are_told_generically(hub, receiver) -> None:
    configure(hub, receiver)
    hub.make("site")
    settle(hub)
    (event,) = receiver.events
    assert event["subscriptionType"] == "object.creation"
    assert event["objectTypeId"].startswith("2-")


def test_signatures_verify_by_the_documented_rule(hub, receiver) -> None:
    public = "https://hooks.example/webhooks/hubspot"
    configure(hub, receiver, signed_url=public)
    hub.make("companies", name="Ä")
    settle(hub)
    headers, body = receiver.requests[0]
    text = b"POST" + public.encode() + body + headers["x-hubspot-request-timestamp"].encode()
    expected = base64.b64encode(hmac.new(SECRET.encode(), text, hashlib.sha256).digest())
    assert headers["x-hubspot-signature-v3"] == expected.decode()


def test_published_vector_and_url_decoding() -> None:
    url = "https://www.example.com/webhook_uri"
    body = b"{'example_field':'example_value'}"
    secret = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
    made = signature_v3(secret, "POST", url, body, "1693657560000")
    assert made == "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y="
    assert signed_url("https://a.example/x%3a%2F%20%25?y=%40") == "https://a.example/x:/%20%25?y=@"


@pytest.mark.parametrize("kind", ["wrong", "old", "future", "missing", "good"])
def test_signatures_on_demand(hub, receiver, kind) -> None:
    configure(hub, receiver)
    hub.admin("clock", {"freeze": True})
    hub.admin("emit", {"events": [{"eventId": 1}], "signature": kind, "wait_seconds": 20})
    headers, body = receiver.requests[0]
    if kind == "missing":
        assert not [name for name in headers if "signature" in name]
        return
    timestamp = headers["x-hubspot-request-timestamp"]
    right = signature_v3(SECRET, "POST", receiver.url, body, timestamp)
    assert (headers["x-hubspot-signature-v3"] == right) is (kind != "wrong")
    now = hub.simulator.now().timestamp() * 1000
    expected = {"old": -600_000, "future": 600_000}.get(kind, 0)
    assert int(timestamp) - now == pytest.approx(expected, abs=5)


def test_batches_hold_at_most_100_events(hub, receiver) -> None:
    configure(hub, receiver)
    events = [{"eventId": number} for number in range(250)]
    report = hub.admin("emit", {"events": events, "wait_seconds": 20})
    assert [len(json.loads(body)) for _, body in receiver.requests] == [100, 100, 50]
    assert all(row["accepted_at"] and row["attempts"] == 1 for row in report["events"])
    hub.admin("emit", {"events": events[:5], "batch_max": 2, "wait_seconds": 20})
    assert [len(json.loads(body)) for _, body in receiver.requests[3:]] == [2, 2, 1]


def test_duplicates_and_order(hub, receiver) -> None:
    configure(hub, receiver)
    events = [{"eventId": number} for number in range(8)]

    def emitted(**how) -> list[int]:
        receiver.requests.clear()
        hub.admin("emit", {"events": events, "wait_seconds": 20, **how})
        return [event["eventId"] for event in receiver.events]

    assert emitted(duplicates=1) == sorted([*range(8), *range(8)])
    assert emitted(order="reverse") == list(range(8))[::-1]
    shuffled = emitted(order="shuffle", seed=5)
    assert shuffled == emitted(order="shuffle", seed=5)
    assert shuffled != sorted(shuffled)


def test_retries_spread_over_a_day_then_stop(hub, receiver) -> None:
    configure(hub, receiver)
    hub.admin("clock", {"freeze": True})
    receiver.statuses = [500] * 20
    hub.make("companies", name="A")
    for _ in range(12):
        settle(hub)
        hub.admin("clock", {"shift_seconds": 24_000})
    rows = settle(hub)["events"]
    assert {row["attempts"] for row in rows} == {11}
    assert all(row["given_up"] for row in rows)
    numbers = [json.loads(body)[0]["attemptNumber"] for _, body in receiver.requests]
    assert numbers == list(range(11))


def test_a_retry_is_accepted_later(hub, receiver) -> None:
    configure(hub, receiver)
    hub.admin("clock", {"freeze": True})
    receiver.statuses = [503]
    report = hub.admin("emit", {"events": [{"eventId": 1}], "wait_seconds": 20})
    assert report["open"] == 1
    hub.admin("clock", {"shift_seconds": 70})
    (row,) = settle(hub)["events"]
    assert row["statuses"] == [503, 200]
    assert row["accepted_at"]


def test_delay_holds_events_back(hub, receiver) -> None:
    configure(hub, receiver)
    hub.admin("clock", {"freeze": True})
    hub.admin("emit", {"events": [{"eventId": 1}], "delay_seconds": 60, "wait_seconds": 20})
    assert receiver.requests == []
    hub.admin("clock", {"shift_seconds": 61})
    settle(hub)
    assert len(receiver.requests) == 1


def test_paused_events_are_kept_and_can_be_sent_by_hand(hub, receiver) -> None:
    configure(hub, receiver, paused=True)
    hub.make("companies", name="A")
    settle(hub)
    assert receiver.requests == []
    events = hub.admin("events?since=0")["events"]
    assert [event["subscriptionType"] for event in events] == [
        "company.creation",
        "company.propertyChange",
    ]
    hub.admin("emit", {"events": events, "wait_seconds": 20})
    assert len(receiver.events) == 2


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("http://127.0.0.1:9/nobody", "ConnectionError"),
        ("https://hooks.example/webhooks", "NotLoopback"),
        ("http://[broken", "ValueError"),
    ],
)
def test_an_unreachable_receiver_is_reported(hub, url, status) -> None:
    hub.admin("clock", {"freeze": True})
    hub.admin("webhooks", {"url": url, "secret": SECRET})
    hub.admin("emit", {"events": [{"eventId": 1}], "wait_seconds": 20})
    (row,) = settle(hub)["events"]
    assert row["statuses"] == [status]


@pytest.mark.parametrize("base", ["/webhooks/v3/54", "/webhooks/2026-09/54"])
def test_setup_through_the_api(hub, receiver, base) -> None:
    hub.put(f"{base}/settings", {"targetUrl": receiver.url})
    body = {"eventType": "deal.propertyChange", "propertyName": "dealstage", "active": True}
    made = hub.post(f"{base}/subscriptions", body, 201)
    hub.post(f"{base}/subscriptions", body, 409)
    assert hub.get(f"{base}/subscriptions")["results"] == [made]
    deal = hub.make("deals", dealname="D", dealstage="closedwon")
    settle(hub)
    assert [event["propertyName"] for event in receiver.events] == ["dealstage"]
    hub.patch(f"{base}/subscriptions/{made['id']}", {"active": False})
    hub.patch(f"/crm/v3/objects/deals/{deal}", {"properties": {"dealstage": "closedlost"}})
    settle(hub)
    assert len(receiver.events) == 1
    hub.delete(f"{base}/subscriptions/{made['id']}")
    hub.get(f"{base}/subscriptions/{made['id']}", 404)


@pytest.mark.parametrize(
    "body",
    [
        {"eventType": "deal.explosion", "active": True},
        {"eventType": "planet.creation", "active": True},
        {"eventType": "deal.propertyChange", "active": True},
        {"eventType": "deal.propertyChange", "propertyName": "hs_lastmodifieddate", "active": True},
        {"eventType": "object.creation", "active": True},
        {"eventType": "deal.creation"},
    ],
)
def test_subscriptions_that_are_refused(hub, body) -> None:
    hub.post("/webhooks/2026-09/54/subscriptions", body, 400)
