"""DealHub keeps the contract: over real HTTP, against the simulated tenant."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import ClassVar

import pytest
from dealhub_desk import Desk

from connectors.base import FieldType, Wiring
from connectors.dealhub.connector import build
from connectors.records import Change, Identity, Operation, Ref, Value, WebhookRequest
from connectors.testing.bench import Abuse, Bench, Hooks, Sample
from connectors.testing.contract import ConnectorContract
from sandbox.dealhub import TOKEN, DealHubSimulator

WEBHOOK_TOKEN = "webhook-token-of-the-contract"
ATTEMPT = Change(
    "k", Operation.ACT, "quotes", {}, id="AAAA000000000001", action="publish"
)  # fmt: skip
QUOTES = Sample(
    object="quotes",
    text="quote_name",
    match="external_opportunity_id",
    required={"quote_name": "A quote"},
    bad={"document_type": "PAPYRUS"},
    typed={FieldType.TEXT: "quote_name"},
    missing_id="AAAA000000000001",
    merges=False,
    attempt=ATTEMPT,
)
EVENT = {
    "event_info": {"webhook_id": "W1", "event_id": "E1", "api_version": "1.0"},
    "execution_date": "2026-09-01 08:00:00",
    "executed_by": "SYSTEM",
    "dealhub_quote_id": "12345ABCDEF00001",
    "dealhub_opportunity_id": "12345ABCDEF00002",
}
NO_EDITS = "DealHub's API changes no content of a quote; see test_writing."


class TenantWorld:
    """The simulated tenant in the contract's words."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def create(self, object: str, fields: Mapping[str, Value]) -> str:
        return str(self.desk.person("create", **fields)["dealhub_quote_id"])

    def update(self, object: str, id: str, fields: Mapping[str, Value]) -> None:
        self.desk.person("update", id, **fields)

    def remove(self, object: str, id: str) -> None:
        self.desk.person("delete", id)

    def merge(self, object: str, survivor: str, loser: str) -> None:
        raise NotImplementedError("DealHub merges nothing")

    def associate(self, left: Ref, right: Ref) -> None:
        raise NotImplementedError("DealHub associates nothing")

    def settle(self) -> None:
        self.desk.wait(seconds=2)

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
        rule = {"match": {"method": "POST"}, "action": "reset", "phase": "after", "times": 1}
        self.desk.simulator.faults.add(rule)

    def living(self, object: str, identity: Identity) -> int:
        return self.desk.names().count(identity.value)


def sign(body: bytes, at: datetime) -> WebhookRequest:
    """A webhook as DealHub sends it."""
    return WebhookRequest(
        method="POST",
        url="https://revline.example/webhooks/dealhub",
        headers=(
            ("content-type", "application/json"),
            ("authorization", f"Bearer {WEBHOOK_TOKEN}"),
        ),
        body=body,
        received_at=at,
    )


class TestQuotes(ConnectorContract):
    kind = "dealhub"
    waivers: ClassVar = {
        "Removals": "DealHub has no feed of removed quotes; reading one shows that it is gone.",
        "Merges": "DealHub merges no quotes.",
        "Parents": "A quote's lines and approvals are part of it.",
        "Children": "A quote's lines and approvals are part of it.",
        "test_creations_and_edits_are_reported": (
            "Without a modified time a scan tells of every quote, old ones too; see test_scanning."
        ),
        "test_an_ambiguous_search_shows_every_candidate": (
            "DealHub compares the ids of opportunities to the letter; see test_finding."
        ),
        "test_naughty_values_stay_data": (
            "DealHub can only be asked for an opportunity, never for a name; see test_finding."
        ),
        "test_a_lookup_finds_what_we_wrote_and_proves_what_we_did_not": (
            "Quotes are created, there is no upsert; see test_writing."
        ),
        "test_outcomes_come_in_the_order_of_the_changes": NO_EDITS,
        "test_one_identity_is_one_record": NO_EDITS,
        "test_a_full_batch_is_one_call": NO_EDITS,
        "test_one_bad_record_does_not_sink_the_others": NO_EDITS,
        "test_an_unknown_id_fails_alone": NO_EDITS,
        "test_a_removed_record_is_gone": NO_EDITS,
        "test_none_clears": NO_EDITS,
        "test_fields_not_sent_stay": NO_EDITS,
        "test_a_lost_answer_is_unknown_and_a_lookup_settles_it": NO_EDITS,
        "test_text_comes_back": NO_EDITS,
        "test_every_type_comes_back": NO_EDITS,
        "test_every_changed_byte_is_noticed": "Webhooks are not signed: only their sender is.",
        "test_late_and_early_requests_are_refused": "Webhooks carry no time that can be trusted.",
    }

    @pytest.fixture
    def bench(self, desk: Desk, simulator: DealHubSimulator) -> Bench:
        desk.options(stray_quotes=True, status_style="spaced")
        short = Wiring(
            now=simulator.now,
            observe=lambda _: None,
            allow_loopback=True,
            connect_seconds=0.2,
            read_seconds=0.2,
        )
        return Bench(
            "dealhub",
            desk.connector,
            TenantWorld(desk),
            QUOTES,
            desk.build,
            hooks=Hooks(
                settings={"webhook_token": WEBHOOK_TOKEN},
                sign=sign,
                body=json.dumps(EVENT).encode(),
                events=1,
                security=("authorization",),
                secret_setting="webhook_token",
            ),
            abuse=Abuse(lambda url: build({**desk.settings(), "base_url": url}, short)),
            secrets=(TOKEN, WEBHOOK_TOKEN),
        )
