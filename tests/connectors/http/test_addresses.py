"""Which addresses a connection may reach."""

from __future__ import annotations

import ipaddress

import pytest

from connectors.transport_addresses import Origin, blocked, origin_of

BLOCKED = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "172.31.0.1",
    "192.0.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "2002:a9fe:a9fe::1",
    "2001::1",
    "2001:db8::1",
    "3fff::1",
    "5f00::1",
    "100::1",
    "fc00::1",
    "fe80::1",
    "ff02::1",
    "::7f00:1",
]


@pytest.mark.parametrize("text", BLOCKED)
def test_private_reserved_and_translated_addresses_are_blocked(text: str) -> None:
    assert blocked(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    "text", ["8.8.8.8", "104.16.0.1", "::ffff:8.8.8.8", "2606:4700::1111", "2a00:1450::1"]
)
def test_public_addresses_are_not(text: str) -> None:
    assert not blocked(ipaddress.ip_address(text))


def test_origins() -> None:
    assert origin_of("https://API.Example.com/x?y#z") == Origin("https", "api.example.com", 443)
    assert origin_of("http://[::1]:8080/") == Origin("http", "::1", 8080)
    assert Origin("http", "::1", 8080).loopback
    assert Origin("http", "127.9.9.9", 80).loopback
    assert not Origin("https", "localhost.example.com", 443).loopback


@pytest.mark.parametrize(
    "url",
    [
        "https://a b/",
        "https://\tx/",
        "https://ex\\ample.com/",
        "https://user@host.example/",
        "https://host.example:99999/",
        "https://exämple.com/",
        "https://-a.example/",
        "javascript:x",
        "//host.example",
        "",
    ],
)
def test_urls_that_are_none(url: str) -> None:
    with pytest.raises(ValueError):
        origin_of(url)


@pytest.mark.parametrize("url", ["http://0x7f000001/", "http://2130706433/", "http://127.1/"])
def test_odd_spellings_of_loopback_are_not_loopback_names(url: str) -> None:
    assert not origin_of(url).loopback
