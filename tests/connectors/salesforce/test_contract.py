"""Salesforce keeps the contract: over real HTTP, against the simulated org."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

import pytest
from salesforce_describes import DESCRIBES

from connectors.base import ApiCall, FieldType, Wiring
from connectors.records import Identity, Ref, Value
from connectors.salesforce.connector import Salesforce, build
from connectors.testing.bench import Abuse, Bench, Sample
from connectors.testing.contract import ConnectorContract
from connectors.testing.hostile import Asked, answer
from sandbox.salesforce.simulator import CLIENT_ID, CLIENT_SECRET, SalesforceSimulator
from sandbox.server import serve
from sandbox.simulator import Mutation

TOKEN = "00D000000000001!token"
CUSTOM = {
    "Fee__c": "currency 18,2",
    "Since__c": "date",
    "At__c": "datetime",
    "Flag__c": "boolean",
    "Seats__c": "int 10",
}
TYPED = {
    FieldType.DECIMAL: "Fee__c",
    FieldType.DATE: "Since__c",
    FieldType.INSTANT: "At__c",
    FieldType.BOOLEAN: "Flag__c",
    FieldType.INTEGER: "Seats__c",
}
ACCOUNTS = Sample(
    object="Account",
    text="Name",
    match="Website",
    required={"Name": "Acme"},
    bad={"Name": "x" * 300},
    typed=TYPED,
    missing_id="001000000000ZZZAA2",
    child="Contact",
    child_required={"LastName": "Kid"},
)
LEADS = Sample(
    object="Lead",
    text="Company",
    match="City",
    required={"LastName": "Doe", "Company": "Acme"},
    bad={"Email": "no address"},
    typed=TYPED,
    missing_id="00Q000000000ZZZEA2",
)
PARENT_FIELDS = {("Account", "Contact"): "AccountId"}


class OrgWorld:
    """The simulated org in the contract's words."""

    def __init__(self, simulator: SalesforceSimulator, observed: list[ApiCall]) -> None:
        self.simulator = simulator
        self.observed = observed

    def _do(self, object: str, word: str, id: str | None, fields: Mapping[str, Any]) -> str:
        texts = {name: _plain(value) for name, value in fields.items()}
        with self.simulator.lock:
            found: str = self.simulator.mutate(Mutation(object, word, id, texts))["Id"]
            return found

    def create(self, object: str, fields: Mapping[str, Value]) -> str:
        return self._do(object, "create", None, fields)

    def update(self, object: str, id: str, fields: Mapping[str, Value]) -> None:
        self._do(object, "update", id, fields)

    def remove(self, object: str, id: str) -> None:
        self._do(object, "delete", id, {})

    def merge(self, object: str, survivor: str, loser: str) -> None:
        self._do(object, "merge", survivor, {"loser": loser})

    def associate(self, left: Ref, right: Ref) -> None:
        name = PARENT_FIELDS[left.object, right.object]
        self._do(right.object, "update", right.id, {name: left.id})

    def settle(self) -> None:
        # The deleted feed knows whole minutes only.
        self.simulator.clock.shift(timedelta(seconds=61))

    @contextmanager
    def still(self) -> Iterator[None]:
        self.simulator.clock.freeze()
        try:
            yield
        finally:
            self.simulator.clock.resume()

    def now(self) -> datetime:
        return self.simulator.now()

    def calls(self) -> int:
        return len(self.observed)

    def lose_next_answer(self) -> None:
        match = {"path": "/composite/sobjects"}
        self.simulator.faults.add({"match": match, "action": "reset", "phase": "after", "times": 1})

    def living(self, object: str, identity: Identity) -> int:
        with self.simulator.lock:
            rows = list(self.simulator.live_records())
        return sum(
            kind == object and row.get(identity.field) == identity.value for kind, _, row in rows
        )


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date | datetime) else value


def polite(asked: Asked) -> bytes | None:
    """What must succeed before a client can be abused: a token, and the description."""
    url = f"http://{asked.headers['host']}"
    if asked.target == "/services/oauth2/token":
        identity = f"{url}/id/00D000000000001EAA/005000000000001AAA"
        body: Any = {"access_token": TOKEN, "instance_url": url, "id": identity}
    elif asked.target.endswith("/describe"):
        name = asked.target.split("/")[-2]
        body = dict(DESCRIBES[name])
        known = {one["name"] for one in body["fields"]}
        more = {"Company", "City", "Name", "Website"} - known
        plain = {"type": "string", "createable": True, "updateable": True}
        body["fields"] = [*body["fields"], *({"name": one, **plain} for one in sorted(more))]
    else:
        return None
    return answer(200, json.dumps(body).encode(), Content_Type="application/json")


@pytest.fixture
def simulator() -> SalesforceSimulator:
    simulator = SalesforceSimulator(seed=3)
    simulator.add_external_id()
    for object in ("Account", "Lead"):
        for name, line in CUSTOM.items():
            simulator.mutate(Mutation(object, "add_field", None, {"name": name, "line": line}))
    return simulator


def bench_over(simulator: SalesforceSimulator, url: str, sample: Sample) -> Bench:
    observed: list[ApiCall] = []
    settings = {"login_url": url, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    wiring = Wiring(now=simulator.now, observe=observed.append, allow_loopback=True)
    short = Wiring(
        now=simulator.now,
        observe=lambda _: None,
        allow_loopback=True,
        connect_seconds=0.2,
        read_seconds=0.2,
    )

    def again() -> Salesforce:
        return build(settings, wiring)

    connector = again()
    connector.describe(sample.object)  # descriptions are read once per connector
    return Bench(
        "salesforce",
        connector,
        OrgWorld(simulator, observed),
        sample,
        again,
        abuse=Abuse(lambda url: build({**settings, "login_url": url}, short), polite),
        secrets=(CLIENT_SECRET, TOKEN),
    )


class TestAccounts(ConnectorContract):
    kind = "salesforce"
    waivers: ClassVar = {"Webhooks": "Salesforce is polled; outbound messages are not taken in."}

    @pytest.fixture
    def bench(self, simulator: SalesforceSimulator) -> Iterator[Bench]:
        with serve([simulator]) as running:
            yield bench_over(simulator, running.urls["salesforce"], ACCOUNTS)
            assert simulator.journal.violations == []


class TestLeads(ConnectorContract):
    kind = "salesforce"
    waivers: ClassVar = {
        "Webhooks": "Salesforce is polled; outbound messages are not taken in.",
        "Parents": "A lead is the child of nothing and has no children here.",
        "Children": "A lead is the child of nothing and has no children here.",
    }

    @pytest.fixture
    def bench(self, simulator: SalesforceSimulator) -> Iterator[Bench]:
        with serve([simulator]) as running:
            yield bench_over(simulator, running.urls["salesforce"], LEADS)
            assert simulator.journal.violations == []
