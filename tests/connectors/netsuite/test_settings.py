"""Settings are checked once, and each fault names its setting."""

from __future__ import annotations

import pytest

from connectors.netsuite.settings import Certificate, TokenBased, parse_settings

OAUTH2 = {
    "account_id": "1234567_SB1",
    "client_id": "client",
    "certificate_id": "certificate",
    "private_key": "-----BEGIN KEY-----\\nabc",
}
LEGACY = {
    "account_id": "1234567",
    "auth": "token_based",
    "consumer_key": "k1",
    "consumer_secret": "s1",
    "token_id": "k2",
    "token_secret": "s2",
}


def parsed(given, *, allow_loopback=True):
    return parse_settings(given, allow_loopback=allow_loopback)


@pytest.mark.parametrize(
    ("account", "host", "environment"),
    [
        ("1234567", "1234567", "production"),
        ("1234567_SB1", "1234567-sb1", "sandbox"),
        ("1234567-sb2", "1234567-sb2", "sandbox"),
        ("1234567_RP", "1234567-rp", "sandbox"),
        ("TSTDRV123", "tstdrv123", "sandbox"),
        ("1234567_XY", "1234567-xy", "unknown"),
    ],
)
def test_the_account_names_host_and_environment(account, host, environment) -> None:
    settings = parsed({**OAUTH2, "account_id": account})
    assert settings.base_url == f"https://{host}.suitetalk.api.netsuite.com"
    assert settings.environment == environment
    assert settings.account_id == account.upper().replace("-", "_")


def test_both_ways_to_sign_in() -> None:
    certificate = parsed(OAUTH2).access
    assert isinstance(certificate, Certificate)
    assert certificate.algorithm == "PS256"
    assert "\n" in certificate.private_key
    assert "BEGIN" not in repr(parsed(OAUTH2))
    tokens = parsed(LEGACY)
    assert isinstance(tokens.access, TokenBased)
    assert tokens.secrets == ("k1", "s1", "k2", "s2")


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"account_id": ""}, "account_id"),
        ({"account_id": "../evil"}, "account_id"),
        ({"account_id": "1234567.evil.example"}, "account_id"),
        ({"auth": "password"}, "auth"),
        ({"algorithm": "RS256"}, "algorithm"),
        ({"private_key": ""}, "private_key"),
        ({"certificate_id": ""}, "certificate_id"),
        ({"auth": "token_based"}, "consumer_key"),
        ({"concurrency": "0"}, "concurrency"),
        ({"concurrency": "many"}, "concurrency"),
        ({"overlap_minutes": "-5"}, "overlap_minutes"),
        ({"read_seconds": "1e9"}, "read_seconds"),
        ({"time_zone": "Nowhere/Land"}, "time_zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone"),
        ({"certificate_expires_on": "soon"}, "certificate_expires_on"),
        ({"base_url": "https://evil.example"}, "base_url"),
        ({"base_url": "http://1234567-sb1.suitetalk.api.netsuite.com"}, "base_url"),
        ({"base_url": "https://7654321.suitetalk.api.netsuite.com"}, "base_url"),
        ({"base_url": "http://127.0.0.1:1/path"}, "base_url"),
        ({"base_url": "http://a:b@127.0.0.1"}, "base_url"),
    ],
)
def test_a_fault_names_its_setting(change, name) -> None:
    with pytest.raises(ValueError, match=rf"^{name}: ") as raised:
        parsed({**OAUTH2, **change})
    assert "BEGIN" not in str(raised.value)


def test_this_machine_only_where_it_is_allowed() -> None:
    given = {**OAUTH2, "base_url": "http://127.0.0.1:8080"}
    assert parsed(given).base_url == "http://127.0.0.1:8080"
    with pytest.raises(ValueError, match="base_url"):
        parsed(given, allow_loopback=False)
