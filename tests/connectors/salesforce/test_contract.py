"""Salesforce keeps the contract: over real HTTP, against the simulated org."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest
from org_world import TOKEN, OrgWorld, polite

from connectors.base import ApiCall, FieldType, Wiring
from connectors.salesforce.connector import Salesforce, build
from connectors.testing.bench import Abuse, Bench, Sample
from connectors.testing.contract import ConnectorContract
from sandbox.salesforce.simulator import CLIENT_ID, CLIENT_SECRET, SalesforceSimulator
from sandbox.server import serve
from sandbox.simulator import Mutation

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
