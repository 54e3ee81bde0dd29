"""NetSuite keeps the contract: over real HTTP, against the simulated account."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar

import pytest
from netsuite_account import Account, oauth2, token_based

from connectors.base import FieldType, Wiring
from connectors.netsuite.connector import NetSuite, build
from connectors.netsuite.tokens import TOKEN_PATH
from connectors.records import WebhookRequest
from connectors.testing.bench import Abuse, Bench, Hooks, Sample
from connectors.testing.contract import ConnectorContract
from connectors.testing.declaring import Declaring
from connectors.testing.feeding import Listing
from connectors.testing.hostile import Asked, answer
from connectors.testing.needs import Waivers
from connectors.testing.reading import Reading, Searching
from connectors.testing.writing import Writing
from sandbox.netsuite import credentials

TOKEN = "ns-access-of-the-hostile-server"
SECRET = "secret-of-the-notification-script"
CUSTOMERS = Sample(
    object="customer",
    text="companyName",
    match="phone",
    required={"companyName": "Acme", "subsidiary": {"id": "1"}},
    bad={"email": "no address"},
    typed={FieldType.DECIMAL: "creditLimit", FieldType.BOOLEAN: "taxable"},
    merges=False,
    account_is=credentials.ACCOUNT_ID,
)
EVENT = {
    "recordType": "customer",
    "id": "107",
    "eventType": "edit",
    "lastModified": "2026-11-22T10:00:00Z",
}
WAIVERS = {
    "Parents": "Lines come with their record; NetSuite has no children of their own here.",
    "Children": "Lines come with their record; NetSuite has no children of their own here.",
    "Merges": "The record API shows a merged record as one that does not exist.",
    "test_a_full_batch_is_one_call": "The synchronous record API takes one record per call.",
}


def polite(asked: Asked) -> bytes | None:
    """What must succeed before a client can be abused: a token."""
    if asked.target != TOKEN_PATH:
        return None
    body = {"access_token": TOKEN, "expires_in": "3600", "token_type": "bearer"}
    return answer(200, json.dumps(body).encode(), Content_Type="application/json")


def signed(body: bytes, at: datetime) -> WebhookRequest:
    """A notification as the script sends it."""
    seconds = str(int(at.timestamp()))
    text = f"{seconds}.".encode() + body
    digest = hmac.new(SECRET.encode(), text, hashlib.sha256).hexdigest()
    headers = (("x-revline-signature", f"t={seconds},v1={digest}"),)
    return WebhookRequest("POST", "https://hooks.example/webhooks/netsuite", headers, body, at)


def bench_over(account: Account, settings: dict[str, str], secrets: tuple[str, ...]) -> Bench:
    short = Wiring(
        now=account.now, observe=lambda _: None, allow_loopback=True, connect_seconds=0.2
    )

    def abused(url: str) -> NetSuite:
        return build({**settings, "base_url": url, "read_seconds": "0.2"}, short)

    def again() -> NetSuite:
        connector = account.connector(settings)
        connector.check()  # a token of its own
        return connector

    return Bench(
        "netsuite",
        again(),
        account,
        CUSTOMERS,
        again,
        hooks=Hooks(
            settings={"webhook_secret": SECRET},
            sign=signed,
            body=json.dumps(EVENT).encode(),
            events=1,
            security=("x-revline-signature",),
            secret_setting="webhook_secret",
        ),
        abuse=Abuse(abused, polite),
        secrets=(*secrets, SECRET),
    )


class TestWithACertificate(ConnectorContract):
    kind = "netsuite"
    waivers: ClassVar = WAIVERS

    @pytest.fixture
    def bench(self, account: Account) -> Iterator[Bench]:
        secrets = (credentials.private_key_pem(), TOKEN)
        yield bench_over(account, oauth2(account.url), secrets)
        assert account.simulator.journal.violations == []


class TestWithSignedCalls(Declaring, Reading, Listing, Searching, Writing, Waivers):
    """The groups in which signatures differ: with and without a query, GET, POST and PUT."""

    waivers: ClassVar = WAIVERS

    @pytest.fixture
    def bench(self, account: Account) -> Iterator[Bench]:
        secrets = (credentials.CONSUMER_SECRET, credentials.TOKEN_SECRET)
        yield bench_over(account, token_based(account.url), secrets)
        assert account.simulator.journal.violations == []
