"""Events as a feed and as webhooks."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import stripe

from sandbox.stripe.account import API_VERSION


class Receiver:
    """Takes webhooks down and answers with the statuses it was told, then with 200."""

    def __init__(self) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.received.append((dict(self.headers.items()), body))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hooks"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def types(self) -> list[str]:
        return [json.loads(body)["type"] for _, body in self.received]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()
    made.thread.join(10)


def settled(desk) -> dict[str, object]:
    return desk.admin("webhooks?wait_seconds=20")


def endpoint(desk, receiver: Receiver, *events: str, **more: str):
    form = {f"enabled_events[{n}]": name for n, name in enumerate(events or ("*",))}
    return desk.post("/v1/webhook_endpoints", {"url": receiver.url, **form, **more})


def test_an_event_holds_the_object_as_it_was(desk) -> None:
    id = desk.customer(name="Old")
    desk.post(f"/v1/customers/{id}", {"name": "New"})
    newest, oldest = desk.v1.events.list().data
    assert oldest.data.object.name == "Old"
    assert newest.data.object.name == "New"
    assert newest.data.previous_attributes.to_dict() == {"name": "Old"}
    assert newest.api_version == API_VERSION
    assert newest.id.startswith("evt_")
    assert desk.get(f"/v1/events/{newest.id}")["type"] == "customer.updated"


def test_the_feed_is_filtered_by_type_and_time(desk) -> None:
    desk.customer()
    desk.pass_time(seconds=5)
    paid = desk.paid()
    assert desk.event_types(type="customer.created") == ["customer.created"]
    assert desk.event_types(type="charge.*") == ["charge.succeeded"]
    both = desk.get("/v1/events?types[]=charge.succeeded&types[]=customer.created")["data"]
    assert [event["type"] for event in both] == ["charge.succeeded", "customer.created"]
    since = {"created[gte]": paid["created"]}
    assert len(desk.event_types(**since)) == 3
    many = "&".join("types[]=charge.succeeded" for _ in range(21))
    assert desk.refused("GET", f"/v1/events?{many}")["param"] == "types"
    assert desk.refused("GET", "/v1/events?types[]=charge.wobbled")["param"] == "types"


def test_events_are_kept_for_thirty_days(desk) -> None:
    id = desk.customer()
    event = desk.get("/v1/events")["data"][0]["id"]
    desk.pass_time(days=29.9)
    assert desk.get(f"/v1/events/{event}")["id"] == event
    desk.pass_time(days=0.2)
    assert desk.get("/v1/events")["data"] == []
    desk.refused("GET", f"/v1/events/{event}", status=404)
    assert desk.get(f"/v1/customers/{id}")["name"] == "Arc"


def test_what_is_undone_tells_nobody(desk) -> None:
    form = {"name": "x", "invoice_settings[default_payment_method]": "pm_no"}
    desk.refused("POST", "/v1/customers", form)
    assert desk.event_types() == []
    assert desk.get("/v1/customers")["data"] == []


def test_a_webhook_verifies_with_the_secret_shown_once(desk, receiver) -> None:
    made = endpoint(desk, receiver, "customer.created", api_version=API_VERSION)
    assert made["secret"].startswith("whsec_")
    assert "secret" not in desk.get(f"/v1/webhook_endpoints/{made['id']}")
    desk.admin("clock", {"reset": True})  # the SDK compares with the real time
    id = desk.customer()
    desk.post(f"/v1/customers/{id}", {"name": "New"})
    settled(desk)
    ((headers, body),) = receiver.received
    event = stripe.Webhook.construct_event(body, headers["Stripe-Signature"], made["secret"])
    assert (event.type, event.data.object.id) == ("customer.created", id)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, headers["Stripe-Signature"], "whsec_other")
    compact = json.dumps(json.loads(body))
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(compact, headers["Stripe-Signature"], made["secret"])


def test_what_is_undone_is_sent_to_nobody(desk, receiver) -> None:
    endpoint(desk, receiver)
    desk.admin("options", {"internal_errors": 1})
    desk.post("/v1/customers", {"name": "undone"}, status=500)
    desk.customer(name="done")
    settled(desk)
    ((_, body),) = receiver.received
    assert json.loads(body)["data"]["object"]["name"] == "done"


def test_two_secrets_sign_while_one_is_rolled(desk, receiver) -> None:
    made = endpoint(desk, receiver)
    desk.admin("clock", {"reset": True})
    rolled = desk.mutate("webhook_endpoints", "roll", made["id"], expires_in_seconds=3600)
    desk.customer()
    settled(desk)
    headers, body = receiver.received[-1]
    for secret in (made["secret"], rolled["secret"]):
        stripe.Webhook.construct_event(body, headers["Stripe-Signature"], secret)
    desk.pass_time(hours=2)
    desk.customer()
    settled(desk)
    headers, body = receiver.received[-1]
    assert headers["Stripe-Signature"].count("v1=") == 1
    stripe.Webhook.construct_event(
        body, headers["Stripe-Signature"], rolled["secret"], tolerance=10_000
    )


@pytest.mark.parametrize("signature", ["wrong", "old", "missing"])
def test_bad_signatures_on_demand(desk, receiver, signature) -> None:
    made = endpoint(desk, receiver)
    desk.admin("clock", {"reset": True})
    desk.customer()
    settled(desk)
    event = desk.get("/v1/events")["data"][0]
    desk.admin("emit", {"events": [event], "signature": signature, "wait_seconds": 20})
    headers, body = receiver.received[-1]
    header = headers.get("Stripe-Signature", "")
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, header, made["secret"])


def test_a_refused_event_is_tried_again_on_the_virtual_clock(desk, receiver) -> None:
    endpoint(desk, receiver)
    receiver.answers = [500, 302]
    desk.customer()
    settled(desk)
    event = desk.get("/v1/events")["data"][0]
    assert event["pending_webhooks"] == 1
    assert desk.event_types(delivery_success="false") == ["customer.created"]
    for _ in range(2):
        desk.pass_time(hours=2)
        settled(desk)
    assert len(receiver.received) == 3
    assert desk.get(f"/v1/events/{event['id']}")["pending_webhooks"] == 0
    assert desk.event_types(delivery_success="true") == ["customer.created"]


def test_after_three_more_tries_it_is_given_up(desk, receiver) -> None:
    endpoint(desk, receiver)
    receiver.answers = [500] * 9
    desk.customer()
    for _ in range(6):
        settled(desk)
        desk.pass_time(hours=3)
    settled(desk)
    assert len(receiver.received) == 4


def test_duplicates_disorder_and_loss(desk, receiver) -> None:
    endpoint(desk, receiver)
    desk.admin("options", {"webhook_duplicates": 1, "webhook_shuffle": True})
    desk.paid()
    settled(desk)
    usual = ["payment_intent.created", "payment_intent.succeeded", "charge.succeeded"]
    assert sorted(receiver.types()) == sorted(usual * 2)
    receiver.received.clear()
    desk.admin("options", {"webhook_duplicates": 0, "webhook_drop_every": 3})
    desk.paid()
    settled(desk)
    assert len(receiver.received) == 2
    assert len(desk.event_types()) == 6, "the feed has them all"


def test_each_endpoint_gets_what_it_asked_for(desk, receiver) -> None:
    endpoint(desk, receiver, "charge.succeeded")
    other = Receiver()
    try:
        second = endpoint(desk, other)
        desk.paid()
        settled(desk)
        for sender in desk.simulator.post._senders.values():
            assert sender.wait_until_idle(20)
        assert receiver.types() == ["charge.succeeded"]
        assert len(other.received) == 3
        desk.delete(f"/v1/webhook_endpoints/{second['id']}")
        desk.paid()
        settled(desk)
        assert len(other.received) == 3
    finally:
        other.server.shutdown()
        other.server.server_close()
        other.thread.join(10)


def test_the_dashboard_sets_an_endpoint_too(desk, receiver) -> None:
    made = desk.admin("webhooks", {"url": receiver.url, "secret": "whsec_ours"})
    assert made["secret"] == "whsec_ours"
    desk.customer()
    settled(desk)
    assert receiver.types() == ["customer.created"]
    desk.admin("webhooks", {"url": None})
    desk.customer()
    settled(desk)
    assert len(receiver.received) == 1


def test_an_endpoint_names_events_that_exist(desk) -> None:
    form = {"url": "https://a.example/", "enabled_events[]": "customer.wobbled"}
    assert desk.refused("POST", "/v1/webhook_endpoints", form)["param"] == "enabled_events"
    form = {"url": "a.example", "enabled_events[]": "*"}
    assert desk.refused("POST", "/v1/webhook_endpoints", form)["param"] == "url"
