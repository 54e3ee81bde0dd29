"""The simulated tenant's callouts, over HTTP, as a receiver answers them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from zuora_desk import Desk

from connectors.errors import ForgedRequest
from connectors.records import Answer, Life, Notice, Ref, Selection, WebhookRequest
from connectors.zuora.webhooks import receive

SETTINGS = {
    "callout_user": "revline",
    "callout_password": "callout-password",
    "callout_id_field": "invoices=number, id",
}


@dataclass
class Receiver:
    """Answers with what the connector says; ``arrived`` is set with every notice."""

    desk: Desk
    notices: list[Notice] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)

    def take(self, request: WebhookRequest) -> Answer:
        try:
            receipt = receive(SETTINGS, request)
        except ForgedRequest as forged:
            answer = Answer(forged.status)
        else:
            self.notices += receipt.notices
            answer = receipt.answer
        self.statuses.append(answer.status)
        if answer.status != 401 or request.header("authorization"):
            self.arrived.set()
        return answer


@contextmanager
def listening(receiver: Receiver) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            headers = tuple((name.lower(), value) for name, value in self.headers.items())
            url = f"https://hooks.example{self.path}"
            now = receiver.desk.simulator.now()
            answer = receiver.take(WebhookRequest("POST", url, headers, body, now))
            self.send_response(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def receiver(desk: Desk) -> Receiver:
    desk.account()
    return Receiver(desk)


def configure(
    desk: Desk, url: str, event: str, password: str = "callout-password", **params: str
) -> None:
    body = {"url": url, "username": "revline", "password": password, "events": [event]}
    with desk.simulator.lock:
        desk.simulator.callouts.configure({**body, **({"params": params} if params else {})})


def test_the_challenge_is_met_and_the_number_is_read(desk: Desk, receiver: Receiver) -> None:
    with listening(receiver) as url:
        configure(
            desk, f"{url}/?object=invoices", "InvoiceChanged", number="<Invoice.InvoiceNumber>"
        )
        (invoice,) = desk.done(desk.order()).fields["invoiceNumbers"]
        assert receiver.arrived.wait(60)
        configure(desk, "", "InvoiceChanged")
    assert receiver.statuses[:2] == [401, 200]
    assert receiver.notices[0].ref == Ref("invoices", str(invoice))


def test_a_callout_with_the_vendors_id_leads_to_the_number(desk: Desk, receiver: Receiver) -> None:
    with listening(receiver) as url:
        configure(desk, url, "PaymentChanged", object="Payment", id="<Payment.Id>")
        fields = {"accountNumber": "A-1", "amount": 5, "currency": "USD"}
        made = desk.make("payments", **fields, type="External", paymentMethodType="Cash")
        assert receiver.arrived.wait(60)
        configure(desk, "", "PaymentChanged")
    ref = receiver.notices[0].ref
    (record,) = desk.connector.read(Selection("payments", ("amount",)), [ref.id])
    assert record.life is Life.MERGED
    assert record.successor == Ref("payments", made.id)


def test_a_wrong_password_is_no_event(desk: Desk, receiver: Receiver) -> None:
    with listening(receiver) as url:
        configure(desk, url, "OrderCompleted", password="another", object="Order", id="<Order.Id>")
        desk.done(desk.order())
        assert receiver.arrived.wait(60)
        configure(desk, "", "OrderCompleted")
    assert set(receiver.statuses) == {401}
    assert receiver.notices == []
