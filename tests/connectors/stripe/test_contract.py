"""Stripe keeps the contract: over real HTTP, against the simulated account."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import ClassVar

import pytest
import stripe
from stripe_desk import Desk

from connectors.base import FieldType, Wiring
from connectors.records import Identity, Ref, Value, WebhookRequest
from connectors.stripe.connector import build
from connectors.testing.bench import Abuse, Bench, Hooks, Sample
from connectors.testing.contract import ConnectorContract
from connectors.testing.declaring import Declaring
from connectors.testing.feeding import Changing, Listing
from connectors.testing.needs import Waivers
from connectors.testing.reading import Families, Reading, Searching
from connectors.testing.writing import Valuing, Writing
from sandbox.simulator import Mutation
from sandbox.stripe import RESTRICTED_KEY
from sandbox.stripe import Stripe as Simulator

WEBHOOK_SECRET = "whsec_contract"
CUSTOMERS = Sample(
    object="customers",
    text="name",
    match="phone",
    required={},
    bad={"email": "no address"},
    typed={FieldType.TEXT: "description"},
    missing_id="cus_missing",
    merges=False,
)
PRODUCTS = Sample(
    object="products",
    text="description",
    match="name",
    required={"name": "Seats"},
    bad={"name": ""},
    typed={FieldType.TEXT: "unit_label", FieldType.BOOLEAN: "active"},
    missing_id="prod_missing",
    merges=False,
)
EVENT = {
    "id": "evt_1",
    "object": "event",
    "api_version": "2026-10-28.endive",
    "created": 1788249600,
    "type": "customer.updated",
    "livemode": False,
    "data": {"object": {"id": "cus_1", "object": "customer", "name": "A"}},
}


class AccountWorld:
    """The simulated account in the contract's words."""

    def __init__(self, desk: Desk, object: str) -> None:
        self.desk = desk
        self.object = object

    def _do(self, object: str, word: str, id: str | None, fields: Mapping[str, Value]) -> str:
        with self.desk.simulator.lock:
            made = self.desk.simulator.mutate(Mutation(object, word, id, dict(fields)))  # type: ignore[arg-type]
            return str(made["id"])

    def create(self, object: str, fields: Mapping[str, Value]) -> str:
        return self._do(object, "create", None, fields)

    def update(self, object: str, id: str, fields: Mapping[str, Value]) -> None:
        self._do(object, "update", id, fields)

    def remove(self, object: str, id: str) -> None:
        if object == "products":
            client = stripe.StripeClient(
                RESTRICTED_KEY,
                base_addresses={"api": self.desk.url},
                http_client=stripe.RequestsClient(),
            )
            client.v1.products.delete(id)
        else:
            self._do(object, "delete", id, {})

    def merge(self, object: str, survivor: str, loser: str) -> None:
        raise NotImplementedError("Stripe merges nothing")

    def associate(self, left: Ref, right: Ref) -> None:
        raise NotImplementedError("Stripe associates nothing")

    def settle(self) -> None:
        self.desk.simulator.clock.shift(timedelta(seconds=61))

    @contextmanager
    def still(self) -> Iterator[None]:
        self.desk.simulator.clock.freeze()
        try:
            yield
        finally:
            self.desk.simulator.clock.resume()

    def now(self) -> datetime:
        return self.desk.now()

    def calls(self) -> int:
        return len(self.desk.observed)

    def lose_next_answer(self) -> None:
        match = {"method": "POST", "path": f"/v1/{self.object}"}
        rule = {"match": match, "action": "reset", "phase": "after", "times": 1}
        self.desk.simulator.faults.add(rule)

    def living(self, object: str, identity: Identity) -> int:
        key = identity.field.partition(".")[2]
        with self.desk.simulator.lock:
            rows = list(self.desk.simulator.live_records())
        return sum(
            kind == object and (row.get("metadata") or {}).get(key) == identity.value
            for kind, _, row in rows
        )


def sign(body: bytes, at: datetime) -> WebhookRequest:
    """A request as Stripe sends it."""
    stamp = str(int(at.timestamp()))
    mac = hmac.new(WEBHOOK_SECRET.encode(), stamp.encode() + b"." + body, hashlib.sha256)
    return WebhookRequest(
        method="POST",
        url="https://revline.example/webhooks/stripe",
        headers=(
            ("content-type", "application/json; charset=utf-8"),
            ("stripe-signature", f"t={stamp},v1={mac.hexdigest()}"),
        ),
        body=body,
        received_at=at,
    )


WAIVERS = {
    "Removals": "Stripe has no feed of removed records; its events show them.",
    "Merges": "Stripe merges nothing.",
    "Parents": "A record names what it belongs to in a field of its own.",
    "Children": "A record names what it belongs to in a field of its own.",
    "test_a_full_batch_is_one_call": "Stripe takes one record per call; ten is what we send.",
    "test_the_overlap_is_read_again": (
        "Events have ids: those handed over are remembered, and only late ones are read."
    ),
}


def bench_of(desk: Desk, sample: Sample) -> Bench:
    short = Wiring(
        now=desk.now,
        observe=lambda _: None,
        allow_loopback=True,
        connect_seconds=0.2,
        read_seconds=0.2,
    )
    return Bench(
        "stripe",
        desk.connector,
        AccountWorld(desk, sample.object),
        sample,
        desk.build,
        hooks=Hooks(
            settings={"webhook_secret": WEBHOOK_SECRET},
            sign=sign,
            body=json.dumps(EVENT).encode(),
            events=1,
            security=("stripe-signature",),
            secret_setting="webhook_secret",
        ),
        abuse=Abuse(lambda url: build({"api_key": RESTRICTED_KEY, "base_url": url}, short)),
        secrets=(RESTRICTED_KEY, WEBHOOK_SECRET),
    )


class TestCustomers(ConnectorContract):
    kind = "stripe"
    waivers: ClassVar = WAIVERS

    @pytest.fixture
    def bench(self, desk: Desk, simulator: Simulator) -> Iterator[Bench]:
        yield bench_of(desk, CUSTOMERS)
        assert simulator.journal.violations == []


class TestProducts(
    Declaring, Reading, Listing, Changing, Searching, Families, Writing, Valuing, Waivers
):
    """Records with another life and other types; webhooks and transport are the same for all."""

    kind = "stripe"
    waivers: ClassVar = WAIVERS

    @pytest.fixture
    def bench(self, desk: Desk, simulator: Simulator) -> Iterator[Bench]:
        yield bench_of(desk, PRODUCTS)
        assert simulator.journal.violations == []
