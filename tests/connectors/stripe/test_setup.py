"""The webhook endpoint is made with a pinned version; its secret is told once."""

from __future__ import annotations

import pytest
from stripe_desk import Desk

from connectors.base import SetupKind, SetupNeed
from connectors.errors import Rejected
from connectors.stripe.objects import API_VERSION

CUSTOMERS = SetupNeed(SetupKind.WEBHOOK, "customers", "change")
REFUNDS = SetupNeed(SetupKind.WEBHOOK, "refunds", "change")
READ = SetupNeed(SetupKind.PERMISSION, "refunds", "read")
WRITE = SetupNeed(SetupKind.PERMISSION, "refunds", "write")
URL = "https://revline.example.com/webhooks/stripe"


def test_the_endpoint_is_made_once_and_grows(desk: Desk) -> None:
    connector = desk.build(webhook_url=URL)
    before = connector.inspect([CUSTOMERS, REFUNDS])
    assert [(step.present, step.creatable) for step in before] == [(False, True)] * 2
    connector.create(CUSTOMERS)
    connector.create(REFUNDS)
    connector.create(REFUNDS)
    first, second = connector.inspect([CUSTOMERS, REFUNDS])
    assert first.present is second.present is True
    assert "whsec_" in first.instructions[0]
    assert not [
        text for text in connector.inspect([CUSTOMERS])[0].instructions if "whsec_1" in text
    ]
    with desk.simulator.lock:
        (endpoint,) = desk.simulator.account.rows("webhook_endpoints")
    assert endpoint["url"] == URL
    assert endpoint["api_version"] == API_VERSION
    assert {"customer.updated", "refund.created"} <= set(endpoint["enabled_events"])


def test_the_secret_is_told_once(desk: Desk) -> None:
    connector = desk.build(webhook_url=URL)
    connector.create(CUSTOMERS)
    told = connector.inspect([CUSTOMERS])[0].instructions
    later = connector.inspect([CUSTOMERS])[0].instructions
    assert told[0].startswith("Put the new endpoint's secret into webhook_secret: whsec_")
    assert told[2:] == later
    assert told[0] not in repr(connector)


def test_without_an_address_only_a_person_can(desk: Desk) -> None:
    (step,) = desk.connector.inspect([CUSTOMERS])
    assert (step.present, step.creatable) == (None, False)
    assert any(API_VERSION in text for text in step.instructions)
    with pytest.raises(Rejected):
        desk.connector.create(CUSTOMERS)


def test_permissions_are_steps(desk: Desk) -> None:
    read, write = desk.connector.inspect([READ, WRITE])
    assert "Charges and Refunds: Read" in read.instructions[1]
    assert "Charges and Refunds: Write" in write.instructions[1]


def test_a_key_that_may_not_look_leaves_it_open(desk: Desk) -> None:
    desk.simulator.set_options({"permissions": {"webhook": "none"}})
    (step,) = desk.build(webhook_url=URL).inspect([CUSTOMERS])
    assert step.present is None
