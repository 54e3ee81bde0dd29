"""What DocuSign prints as strings, typed; and what the vendor's own description says."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from docusign_desk import Desk

from connectors.base import FieldType, SetupKind, SetupNeed
from connectors.docusign import fields
from connectors.errors import Rejected, UnexpectedAnswer
from connectors.records import Selection

SPECS = os.environ.get("VENDOR_SPECS")


def test_scalars_are_typed_by_name() -> None:
    found = fields.shown(
        {
            "status": "sent",
            "enableWetSign": "true",
            "expireAfter": "120",
            "sentDateTime": "2026-09-01T08:00:00.1234567Z",
            "voidedReason": "",
            "newThing": "true",
            "sender": {"userName": "Ada", "userId": "1"},
            "recipients": {
                "signers": [
                    {"routingOrder": "2", "requireIdLookup": "false", "note": "true",
                     "signedDateTime": "2026-09-01T08:00:00Z",
                     "tabs": {"textTabs": [{"value": "1"}]}}
                ],
                "recipientCount": "1",
            },
        }
    )  # fmt: skip
    assert found["enableWetSign"] is True
    assert found["expireAfter"] == 120
    assert found["sentDateTime"] == datetime(2026, 9, 1, 8, 0, 0, 123_456, tzinfo=UTC)
    assert (found["voidedReason"], found["newThing"]) == (None, "true")
    (signer,) = found["recipients"]["signers"]
    assert (signer["routingOrder"], signer["requireIdLookup"], signer["note"]) == (2, False, "true")
    assert signer["signedDateTime"] == datetime(2026, 9, 1, 8, tzinfo=UTC)
    assert signer["tabs"]["textTabs"][0]["value"] == "1"


def test_custom_fields_are_flat_by_name() -> None:
    given = {
        "textCustomFields": [
            {"name": "a", "value": ""}, {"name": "a", "value": "1"}, {"name": "a.b", "value": "2"},
            {"name": "blank", "value": ""}, {"value": "no name"},
        ],
        "listCustomFields": [{"name": "list", "value": "x", "listItems": ["x", "y"]}],
    }  # fmt: skip
    values = fields.shown({"customFields": given})
    assert dict(values["custom"]) == {"a": "1", "a.b": "2", "blank": None, "list": "x"}
    names = ["custom.a", "custom.a.b", "custom.none", "custom.list"]
    assert list(fields.selected(values, names).values()) == ["1", "2", None, "x"]
    assert dict(fields.shown({"customFields": None})["custom"]) == {}


def test_what_is_not_set_is_blank_and_what_does_not_exist_is_missing() -> None:
    values = fields.shown({"status": "sent", "sender": {"email": "a@b.example"}})
    names = ["completedDateTime", "nothing", "sender.email", "sender.none", "status.x", "a.b"]
    assert fields.selected(values, names) == {
        "completedDateTime": None,
        "sender.email": "a@b.example",
        "sender.none": None,
        "status.x": None,
    }


@pytest.mark.parametrize(
    "odd",
    [
        {"enableWetSign": "perhaps"},
        {"expireAfter": "1.5"},
        {"sentDateTime": "yesterday"},
        {"recipients": {"signers": [{"routingOrder": "first"}]}},
    ],
)
def test_a_value_that_is_not_of_its_type_is_not_believed(odd: dict[str, Any]) -> None:
    with pytest.raises(UnexpectedAnswer) as raised:
        fields.shown(odd)
    assert raised.value.code == "VALUE_SHAPE"


def test_describing_knows_the_accounts_custom_fields_and_takes_others(desk: Desk) -> None:
    described = desk.connector.describe("envelopes").fields
    assert {"custom.opportunityId", "custom.quoteId"} <= set(described)
    assert described["custom.anything"].type is FieldType.TEXT
    assert described["custom.anything"].writable
    assert not described["sender.email"].writable
    assert described["status"].restricted
    assert not described["templateId"].readable
    assert not described["completedDateTime"].writable
    for name in ("nothing", "custom.", "status.x"):
        assert name not in described


def test_set_up_is_a_persons_work(desk: Desk) -> None:
    needs = [
        SetupNeed(kind, "envelopes", name)
        for kind, name in (
            (SetupKind.IDENTITY_FIELD, "transactionId"),
            (SetupKind.PERMISSION, "write"),
            (SetupKind.WEBHOOK, "change"),
        )
    ]
    steps = desk.connector.inspect(needs)
    assert [step.present for step in steps] == [True, None, None]
    assert any("/oauth/auth?" in line for line in steps[1].instructions)
    assert any("connect_keys" in line for line in steps[2].instructions)
    with pytest.raises(Rejected):
        desk.connector.create(needs[2])


@pytest.mark.skipif(not SPECS, reason="VENDOR_SPECS names no folder with the vendors' descriptions")
def test_fields_and_calls_are_those_of_the_vendors_description(desk: Desk) -> None:
    described = json.loads(
        (Path(str(SPECS)) / "docusign" / "esignature-v2.1-sdk-6.1.0.json").read_text("utf-8")
    )
    envelope = described["models"]["Envelope"]
    definition = described["models"]["EnvelopeDefinition"]
    assert set(fields.ENVELOPE) - {"custom"} <= set(envelope)
    assert fields.CREATABLE - {"custom"} <= set(definition)
    queries = {(one["method"], one["path"]): set(one["query"]) for one in described["operations"]}
    id = desk.send("T-1", **{"custom.a": "1"})
    desk.wait(days=8)
    desk.update(id, {"custom.a": "2", "custom.b": "3", "emailBlurb": "x"})
    desk.act(id, "resend")
    desk.act(id, "void", voidedReason="x")
    desk.connector.describe("envelopes")
    selection = Selection("envelopes", ("custom.a", "recipients", "status"))
    cursor = desk.connector.first_cursor(selection, desk.simulator.now())
    desk.connector.changes(selection, cursor, 10)
    desk.connector.list(selection, None, 10)
    seen = set()
    for entry in desk.simulator.journal.entries:
        if not entry.template.startswith("/restapi"):
            continue
        path = entry.template.removeprefix("/restapi")
        known = queries[entry.request.method, path]
        assert {name for name, _ in entry.request.query} <= known, path
        seen.add((entry.request.method, path.rpartition("/")[2]))
    assert seen == {
        ("POST", "envelopes"), ("GET", "envelopes"), ("PUT", "{envelopeId}"),
        ("PUT", "custom_fields"), ("POST", "custom_fields"), ("GET", "custom_fields"),
    }  # fmt: skip
