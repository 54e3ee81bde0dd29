"""Settings are checked once, in words."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from connectors.base import SetupKind, SetupNeed, Wiring
from connectors.dealhub.connector import build
from connectors.dealhub.settings import parse_settings
from connectors.errors import ActionNeeded, Rejected

GOOD = {"api_token": "abc.def"}


def wiring(*, loopback: bool = False) -> Wiring:
    return Wiring(datetime.now, lambda _: None, allow_loopback=loopback)


def test_what_is_left_out_has_its_usual_value() -> None:
    settings = parse_settings(GOOD)
    assert settings.base_url == "https://api.dealhub.io"
    assert settings.scan_every == timedelta(days=1)
    assert settings.account == "api.dealhub.io"
    assert "abc" not in repr(settings)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"api_token": ""}, "api_token"),
        ({"api_token": "two words"}, "api_token"),
        ({"api_token": "line\nbreak"}, "api_token"),
        ({"base_url": "api.dealhub.io"}, "base_url"),
        ({"base_url": "https://api.dealhub.io/api"}, "base_url"),
        ({"base_url": "ftp://api.dealhub.io"}, "base_url"),
        ({"scan_hours": "daily"}, "scan_hours"),
        ({"scan_hours": "-1"}, "scan_hours"),
        ({"scan_hours": "٣"}, "scan_hours"),
        ({"tenant": "a/b"}, "tenant"),
    ],
)
def test_what_cannot_be_is_named(given, named) -> None:
    with pytest.raises(ActionNeeded) as raised:
        build({**GOOD, **given}, wiring())
    assert f"DealHub: {named}:" in raised.value.message
    assert raised.value.code == "BAD_SETTING"


def test_addresses_on_this_machine_need_leave() -> None:
    with pytest.raises(ActionNeeded):
        build({**GOOD, "base_url": "http://127.0.0.1:9"}, wiring())
    build({**GOOD, "base_url": "http://127.0.0.1:9"}, wiring(loopback=True))


def test_what_a_person_sets_up() -> None:
    connector = build(GOOD, wiring())
    needs = [
        SetupNeed(SetupKind.IDENTITY_FIELD, "quotes", "quote_name"),
        SetupNeed(SetupKind.IDENTITY_FIELD, "quotes", "revline_id"),
        SetupNeed(SetupKind.PERMISSION, "quotes", "read"),
        SetupNeed(SetupKind.WEBHOOK, "quotes", "change"),
    ]
    steps = connector.inspect(needs)
    assert [step.present for step in steps] == [True, False, None, None]
    assert all(step.instructions and not step.creatable for step in steps)
    with pytest.raises(Rejected):
        connector.create(needs[3])


def test_deal_rooms_are_described_and_cannot_be_written() -> None:
    described = build(GOOD, wiring()).describe("deal_rooms")
    assert not described.creatable
    assert not any(field.writable for field in described.fields.values())


def test_quotes_say_what_is_only_written_and_what_only_read() -> None:
    fields = build(GOOD, wiring()).describe("quotes").fields
    assert not fields["request_action"].readable
    assert not fields["info"].writable
    assert fields["request_action"].options == ("draft", "submit", "publish", "sign_externally")
    assert {name for name, field in fields.items() if field.required_on_create} == {
        "external_opportunity_id",
        "request_action",
        "document_type",
    }
