"""DocuSign keeps the contract: over real HTTP, against the simulated account."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, ClassVar

import pytest
from docusign_desk import ROLES, Desk

from connectors.base import FieldType, Wiring
from connectors.docusign.connector import build
from connectors.records import Identity, Ref, Value, WebhookRequest
from connectors.testing.bench import Abuse, Bench, Hooks, Sample
from connectors.testing.contract import ConnectorContract
from connectors.testing.hostile import Asked, answer
from sandbox.docusign import ACCOUNT_ID, ORDER_FORM_ID, private_key_pem
from sandbox.docusign.simulator import DocuSignSimulator

TOKEN = "token-of-the-contract"
KEY = "connect-key-of-the-contract"
ENVELOPE_ID = "11d2b6e0-7a3c-4f5e-9b8d-0c1a2f3e4d5b"
ENVELOPES = Sample(
    object="envelopes",
    text="emailSubject",
    match="custom.opportunityId",
    required={
        "templateId": ORDER_FORM_ID,
        "templateRoles": ROLES,
        "status": "sent",
        "emailSubject": "Please sign",
    },
    bad={"templateId": "00000000-0000-4000-8000-000000000000"},
    typed={FieldType.TEXT: "emailBlurb"},
    missing_id="00000000-0000-4000-8000-00000000000f",
    merges=False,
    account_is=ACCOUNT_ID,
)


def nested(fields: Mapping[str, Value]) -> dict[str, Any]:
    """Fields as the account's own screens take them."""
    custom = {name[7:]: value for name, value in fields.items() if name.startswith("custom.")}
    own = {name: value for name, value in fields.items() if not name.startswith("custom.")}
    return {**own, "custom": custom} if custom else own


class AccountWorld:
    """The simulated account in the contract's words."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def create(self, object: str, fields: Mapping[str, Value]) -> str:
        given = nested(fields)
        texts = [{"name": k, "value": v} for k, v in given.pop("custom", {}).items()]
        given["templateRoles"] = list(given["templateRoles"])
        made = self.desk.person("create", **given, customFields={"textCustomFields": texts})
        return str(made["envelopeId"])

    def update(self, object: str, id: str, fields: Mapping[str, Value]) -> None:
        self.desk.person("correct", id, **nested(fields))

    def remove(self, object: str, id: str) -> None:
        self.desk.person("delete", id)

    def merge(self, object: str, survivor: str, loser: str) -> None:
        raise NotImplementedError("DocuSign merges nothing")

    def associate(self, left: Ref, right: Ref) -> None:
        raise NotImplementedError("an envelope has no children here")

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
        self.desk.fault("reset", "POST", "/envelopes$", phase="after")

    def living(self, object: str, identity: Identity) -> int:
        return sum(row[identity.field] == identity.value for row in self.desk.rows())


def polite(asked: Asked) -> bytes | None:
    """A client must have signed in before it can be abused."""
    if asked.target == "/oauth/token":
        body: dict[str, Any] = {"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"}
    elif asked.target == "/oauth/userinfo":
        host = {name.lower(): value for name, value in asked.headers.items()}["host"]
        account = {"account_id": ACCOUNT_ID, "is_default": True, "base_uri": f"http://{host}"}
        body = {"accounts": [{**account, "account_name": "Acme"}]}
    else:
        return None
    return answer(200, json.dumps(body).encode(), Content_Type="application/json")


def sign(body: bytes, at: datetime) -> WebhookRequest:
    """A message as Connect sends it."""
    signature = base64.b64encode(hmac.new(KEY.encode(), body, hashlib.sha256).digest()).decode()
    return WebhookRequest(
        method="POST",
        url="https://revline.example/webhooks/docusign",
        headers=(
            ("content-type", "application/json; charset=utf-8"),
            ("x-authorization-digest", "HMACSHA256"),
            ("x-docusign-signature-1", signature),
        ),
        body=body,
        received_at=at,
    )


MESSAGE = {
    "event": "envelope-completed",
    "generatedDateTime": "2026-11-22T10:00:00.0000000Z",
    "data": {"accountId": ACCOUNT_ID, "envelopeId": ENVELOPE_ID},
}


class TestEnvelopes(ConnectorContract):
    kind = "docusign"
    waivers: ClassVar = {
        "Removals": "DocuSign has no feed of envelopes thrown away; reading one shows it.",
        "Merges": "DocuSign merges no envelopes.",
        "Parents": "An envelope stands alone: its recipients and fields are read with it.",
        "Children": "An envelope stands alone: its recipients and fields are read with it.",
        "test_a_full_batch_is_one_call": "DocuSign takes one envelope per call; we send ten.",
        "test_naughty_values_stay_data": "Subjects are not searched; see test_finding.",
        "test_late_and_early_requests_are_refused": "Connect signs no time, and tries for days.",
    }

    @pytest.fixture
    def bench(self, desk: Desk, simulator: DocuSignSimulator) -> Bench:
        short = Wiring(
            now=simulator.now,
            observe=lambda _: None,
            allow_loopback=True,
            connect_seconds=0.2,
            read_seconds=0.2,
        )
        settings = desk.settings()
        return Bench(
            "docusign",
            desk.connector,
            AccountWorld(desk),
            ENVELOPES,
            desk.build,
            hooks=Hooks(
                settings={"connect_keys": KEY, "account_id": ACCOUNT_ID},
                sign=sign,
                body=json.dumps(MESSAGE).encode(),
                events=1,
                security=("x-docusign-signature-1",),
                secret_setting="connect_keys",
            ),
            abuse=Abuse(lambda url: build({**settings, "auth_url": url}, short), polite),
            secrets=(private_key_pem(), TOKEN, KEY),
        )
