"""Settings are checked once, and refused in words."""

from __future__ import annotations

import pytest

from connectors.base import ApiCall, Wiring
from connectors.errors import ActionNeeded
from connectors.zuora.connector import build
from connectors.zuora.settings import parse_settings

GOOD = {
    "base_url": "https://rest.na.zuora.com/",
    "client_id": "id",
    "client_secret": "a secret",
}


def refused(**changed: str) -> str:
    with pytest.raises(ValueError) as raised:
        parse_settings({**GOOD, **changed}, allow_loopback=False)
    return str(raised.value)


def test_defaults() -> None:
    settings = parse_settings(GOOD, allow_loopback=False)
    assert settings.base_url == "https://rest.na.zuora.com"
    assert settings.version == "2025-08-12"
    assert settings.read_seconds == 150
    assert settings.async_charges == 50
    assert settings.environment == "production"
    assert "a secret" not in repr(settings)


def test_environment_is_short_for_an_address() -> None:
    given = {"environment": "eu-sandbox", "client_id": "id", "client_secret": "s"}
    settings = parse_settings(given, allow_loopback=False)
    assert settings.base_url == "https://rest.sandbox.eu.zuora.com"
    assert settings.environment == "sandbox"


def test_bad_settings_are_named() -> None:
    assert refused(base_url="").startswith("base_url:")
    assert refused(environment="us1").startswith("base_url:")
    assert refused(base_url="https://rest.zuora.com/v1").startswith("base_url:")
    assert refused(base_url="ftp://x").startswith("base_url:")
    assert refused(base_url="", environment="mars").startswith("environment:")
    assert refused(client_id="").startswith("client_id:")
    assert refused(client_secret="").startswith("client_secret:")
    assert refused(version="latest").startswith("version:")
    assert refused(time_zone="Mars/Olympus").startswith("time_zone:")
    assert refused(time_zone="../etc/passwd").startswith("time_zone:")
    assert refused(entity_id="a\r\nb").startswith("entity_id:")
    assert refused(async_charges="many").startswith("async_charges:")


@pytest.mark.parametrize("seconds", ["60", "120", "0", "-1", "nan", "1e9", "601", "soon"])
def test_a_wait_shorter_than_zuoras_own_is_refused(seconds: str) -> None:
    assert "120" in refused(read_seconds=seconds)


def test_the_wait_does_not_follow_the_wiring() -> None:
    wiring = Wiring(now=lambda: None, observe=_ignore, read_seconds=30)
    connector = build(GOOD, wiring)
    transport = connector._rest._session.__wrapped__.__self__
    assert transport.wiring.read_seconds == 150


def test_building_says_what_is_wrong() -> None:
    wiring = Wiring(now=lambda: None, observe=_ignore)
    with pytest.raises(ActionNeeded, match="client_id"):
        build({**GOOD, "client_id": ""}, wiring)
    with pytest.raises(ActionNeeded, match="this machine"):
        build({**GOOD, "base_url": "http://127.0.0.1:1"}, wiring)


def _ignore(call: ApiCall) -> None:
    pass
