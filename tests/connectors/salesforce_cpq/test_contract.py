"""Salesforce CPQ keeps the contract: over real HTTP, with quotes of the simulated org."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest
from org_world import QUOTE_FIELDS, TOKEN, OrgWorld, polite

from connectors.base import ApiCall, FieldType, Wiring
from connectors.salesforce_cpq.connector import SalesforceCpq, build
from connectors.testing.bench import Abuse, Bench, Sample
from connectors.testing.contract import ConnectorContract
from sandbox.salesforce.simulator import CLIENT_ID, CLIENT_SECRET, SalesforceSimulator
from sandbox.server import serve
from sandbox.simulator import Mutation

QUOTE = "SBQQ__Quote__c"
CUSTOM = {
    "Fee__c": "currency 18,2",
    "Since__c": "date",
    "At__c": "datetime",
    "Flag__c": "boolean",
    "Seats__c": "int 10",
}
QUOTES = Sample(
    object=QUOTE,
    text=QUOTE_FIELDS[0],
    match=QUOTE_FIELDS[1],
    required={},
    bad={QUOTE_FIELDS[0]: "x" * 300},
    typed={
        FieldType.DECIMAL: "Fee__c",
        FieldType.DATE: "Since__c",
        FieldType.INSTANT: "At__c",
        FieldType.BOOLEAN: "Flag__c",
        FieldType.INTEGER: "Seats__c",
    },
    missing_id="a0L000000000ZZZEA2",
    merges=False,
    child="sbaa__Approval__c",
    child_required={"sbaa__ApprovalStep__c": 1, "sbaa__RecordField__c": "Quote__c"},
)


def bench_over(simulator: SalesforceSimulator, url: str) -> Bench:
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

    def again() -> SalesforceCpq:
        return build(settings, wiring)

    connector = again()
    connector.describe(QUOTE)  # descriptions are read once per connector
    return Bench(
        "salesforce_cpq",
        connector,
        OrgWorld(simulator, observed),
        QUOTES,
        again,
        abuse=Abuse(lambda url: build({**settings, "login_url": url}, short), polite),
        secrets=(CLIENT_SECRET, TOKEN),
    )


@pytest.fixture(scope="module")
def founded() -> SalesforceSimulator:
    return SalesforceSimulator(seed=3, cpq=True)


class TestQuotes(ConnectorContract):
    kind = "salesforce_cpq"
    waivers: ClassVar = {
        "Webhooks": "Salesforce is polled; outbound messages are not taken in.",
        "Merges": "Quotes are never merged.",
    }

    @pytest.fixture
    def bench(self, founded: SalesforceSimulator) -> Iterator[Bench]:
        founded.reset()
        founded.add_external_id(QUOTE)
        for name, line in CUSTOM.items():
            founded.mutate(Mutation(QUOTE, "add_field", None, {"name": name, "line": line}))
        with serve([founded]) as running:
            yield bench_over(founded, running.urls["salesforce"])
            assert founded.journal.violations == []
