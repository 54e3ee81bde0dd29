"""Zuora keeps the contract: over real HTTP, against the simulated tenant."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import ClassVar

import pytest
from zuora_desk import BILL_TO, Desk

from connectors.base import FieldType, Wiring
from connectors.records import Identity, Ref, Value, WebhookRequest
from connectors.testing.bench import Abuse, Bench, Hooks, Sample
from connectors.testing.contract import ConnectorContract
from connectors.testing.hostile import Asked, answer
from connectors.zuora.connector import build
from sandbox.simulator import Mutation
from sandbox.zuora.simulator import ZuoraSimulator
from sandbox.zuora.tokens import CLIENT_SECRET

TOKEN = "token-of-the-contract"
PASSWORD = "callout-password"
ACCOUNTS = Sample(
    object="accounts",
    text="name",
    match="crmId",
    required={"name": "Acme", "currency": "USD", "billToContact": BILL_TO},
    bad={"currency": "nope"},
    typed={FieldType.TEXT: "purchaseOrderNumber"},
    missing_id="A-none",
    merges=False,
)


class TenantWorld:
    """The simulated tenant in the contract's words."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def _do(self, object: str, word: str, id: str | None, fields: Mapping[str, Value]) -> str:
        with self.desk.simulator.lock:
            row = self.desk.simulator.mutate(Mutation(object, word, id, dict(fields)))
            return str(row["accountNumber"])

    def create(self, object: str, fields: Mapping[str, Value]) -> str:
        return self._do(object, "create", None, fields)

    def update(self, object: str, id: str, fields: Mapping[str, Value]) -> None:
        self._do(object, "update", id, fields)

    def remove(self, object: str, id: str) -> None:
        self._do(object, "delete", id, {})

    def merge(self, object: str, survivor: str, loser: str) -> None:
        raise NotImplementedError("Zuora merges nothing")

    def associate(self, left: Ref, right: Ref) -> None:
        raise NotImplementedError("a child is made with its parent")

    def settle(self) -> None:
        self.desk.wait(seconds=61)

    @contextmanager
    def still(self) -> Iterator[None]:
        self.desk.simulator.clock.freeze()
        try:
            yield
        finally:
            self.desk.simulator.clock.resume()

    def now(self) -> datetime:
        return self.desk.simulator.now()

    def calls(self) -> int:
        return len(self.desk.observed)

    def lose_next_answer(self) -> None:
        match = {"method": "POST", "path": "/v1/accounts"}
        rule = {"match": match, "action": "reset", "phase": "after", "times": 1}
        self.desk.simulator.faults.add(rule)

    def living(self, object: str, identity: Identity) -> int:
        return sum(row.get(identity.field) == identity.value for row in self.desk.rows(object))


def polite(asked: Asked) -> bytes | None:
    """A client must have a token before it can be abused."""
    if asked.target != "/oauth/token":
        return None
    body = {"access_token": TOKEN, "expires_in": 3598, "scope": "tenant.12345 user.1"}
    return answer(200, json.dumps(body).encode(), Content_Type="application/json")


def sign(body: bytes, at: datetime) -> WebhookRequest:
    """A callout as Zuora sends it after the challenge."""
    credentials = base64.b64encode(f"revline:{PASSWORD}".encode()).decode()
    return WebhookRequest(
        method="POST",
        url="https://revline.example/webhooks/zuora?object=invoices",
        headers=(
            ("content-type", "application/json"),
            ("authorization", f"Basic {credentials}"),
            ("zuora-request-id", "7f0e"),
        ),
        body=body,
        received_at=at,
    )


class TestAccounts(ConnectorContract):
    kind = "zuora"
    waivers: ClassVar = {
        "Removals": "Zuora has no feed of removed records; reading one shows that it is gone.",
        "Merges": "Zuora merges no accounts.",
        "Parents": "A contact or invoice cannot be without an account; see test_family.",
        "Children": "A contact or invoice cannot be without an account; see test_family.",
        "test_a_full_batch_is_one_call": "Zuora takes one record per call; ten is what we send.",
        "test_every_changed_byte_is_noticed": "Callouts are not signed: only their sender is.",
        "test_late_and_early_requests_are_refused": "Callouts carry no time.",
        "test_a_security_header_comes_exactly_once": (
            "A callout without credentials is owed a challenge, and is no event."
        ),
    }

    @pytest.fixture
    def bench(self, desk: Desk, simulator: ZuoraSimulator) -> Bench:
        short = Wiring(
            now=simulator.now,
            observe=lambda _: None,
            allow_loopback=True,
            connect_seconds=0.2,
        )
        # A connector built anew for every page is a restart for every page: each needs a token.
        desk.provoked.add("token_per_request")
        hurried = {**desk.settings(), "read_seconds": "0.2"}
        return Bench(
            "zuora",
            desk.connector,
            TenantWorld(desk),
            ACCOUNTS,
            desk.build,
            hooks=Hooks(
                settings={
                    "callout_user": "revline",
                    "callout_password": PASSWORD,
                    "callout_id_field": "invoices=InvoiceNumber",
                },
                sign=sign,
                body=b'{"InvoiceNumber":"INV-1"}',
                events=1,
                security=("authorization",),
                secret_setting="callout_password",
            ),
            abuse=Abuse(lambda url: build({**hurried, "base_url": url}, short), polite),
            secrets=(CLIENT_SECRET, TOKEN, PASSWORD),
        )
