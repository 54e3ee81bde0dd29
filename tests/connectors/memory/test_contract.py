"""The memory connector keeps the contract, with both of its sets of objects."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar

import pytest

from connectors.base import FieldType, Wiring
from connectors.memory.connector import Memory
from connectors.memory.faults import FaultPlan
from connectors.memory.objects import MemoryObject, crm_objects, sales_objects
from connectors.memory.system import MemorySystem
from connectors.memory.webhooks import (
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    signed_request,
    webhook_request,
)
from connectors.testing.bench import Bench, Hooks, Sample
from connectors.testing.contract import ConnectorContract
from connectors.testing.memory_world import MemoryWorld, TickingClock

URL = "https://hooks.example/webhooks/memory"
SECRET = "memory-secret-0123456789"
CRM = Sample(
    object="companies",
    text="name",
    match="domain",
    required={},
    bad={"lifecyclestage": "nonsense"},
    typed={FieldType.INTEGER: "numberofemployees", FieldType.DECIMAL: "annualrevenue"},
    account_is="memory-1",
)
DEALS = Sample(
    object="deals",
    text="dealname",
    match="deal_currency_code",
    required={},
    bad={"dealstage": "nonsense"},
    typed={FieldType.DECIMAL: "amount", FieldType.DATE: "closedate"},
    child="line_items",
)
SALES = Sample(
    object="Lead",
    text="LastName",
    match="Email",
    required={"LastName": "L", "Company": "C"},
    bad={"Status": "nonsense"},
    typed={FieldType.INSTANT: "ConsentedAt__c", FieldType.BOOLEAN: "HasOptedOutOfEmail"},
)
ACCOUNTS = Sample(
    object="Account",
    text="Name",
    match="Website",
    required={"Name": "A"},
    bad={"Name": "x" * 256},
    typed={FieldType.DECIMAL: "AnnualRevenue", FieldType.INTEGER: "NumberOfEmployees"},
    child="Contact",
    child_required={"LastName": "L"},
)


def bench_over(objects: tuple[MemoryObject, ...], sample: Sample) -> Bench:
    clock = TickingClock(datetime(2026, 3, 1, tzinfo=UTC))
    system, faults = MemorySystem(objects, clock), FaultPlan()
    wiring = Wiring(now=clock, observe=lambda _: None)

    def again() -> Memory:
        return Memory(system, wiring, faults=faults)

    events = MemorySystem(crm_objects(), clock)
    for _ in range(3):
        events.create("contacts", {})
    good = webhook_request(events.notices_since(), url=URL, secret=SECRET, at=clock.at)
    hooks = Hooks(
        settings={"webhook_secret": SECRET},
        sign=lambda body, at: signed_request(body, url=URL, secret=SECRET, at=at),
        body=good.body,
        events=3,
        security=(TIMESTAMP_HEADER, SIGNATURE_HEADER),
        secret_setting="webhook_secret",
    )
    world = MemoryWorld(system, clock, faults)
    return Bench("memory", again(), world, sample, again, hooks=hooks, secrets=(SECRET,))


class MemoryContract(ConnectorContract):
    kind = "memory"
    waivers: ClassVar[dict[str, str]] = {
        "Transport": "The account is in this process; there is no client to abuse.",
        "Parents": "This sample has no child object; deals and accounts stand for it.",
        "Children": "This sample has no child object; deals and accounts stand for it.",
    }


class TestCompanies(MemoryContract):
    @pytest.fixture
    def bench(self) -> Bench:
        return bench_over(crm_objects(), CRM)


class TestLeads(MemoryContract):
    @pytest.fixture
    def bench(self) -> Bench:
        return bench_over(sales_objects(), SALES)


class TestAccounts(MemoryContract):
    waivers: ClassVar[dict[str, str]] = {
        "Transport": "The account is in this process; there is no client to abuse.",
    }

    @pytest.fixture
    def bench(self) -> Bench:
        return bench_over(sales_objects(), ACCOUNTS)
