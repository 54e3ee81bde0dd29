"""The pieces of webhook verification answer or say ForgedRequest, whatever they are given."""

from __future__ import annotations

import base64
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import signatures
from connectors.errors import ForgedRequest
from connectors.records import WebhookRequest

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def request(*headers: tuple[str, str]) -> WebhookRequest:
    return WebhookRequest("POST", "https://x.example/w", headers, b"", NOW)


def test_a_public_vector() -> None:
    # RFC 4231, test case 2.
    found = signatures.hmac_sha256(b"Jefe", b"what do ya want ", b"for nothing?")
    assert found.hex() == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"


def test_an_empty_key_verifies_nothing() -> None:
    with pytest.raises(ForgedRequest):
        signatures.hmac_sha256(b"", b"x")


@pytest.mark.parametrize("offset", [-301, 301, 10**9, -(10**9)])
def test_time_is_checked_in_both_directions(offset: int) -> None:
    at = NOW + timedelta(seconds=offset)
    assert not signatures.fresh(at, NOW)
    with pytest.raises(ForgedRequest):
        signatures.require_fresh(at, NOW)
    assert signatures.fresh(NOW + timedelta(seconds=299 if offset > 0 else -299), NOW)


@pytest.mark.parametrize("text", ["", "-1", "+1", "1.5", "1e9", " 1", "٣", "1" * 17, "1\n"])
def test_odd_timestamps_are_forgeries(text: str) -> None:
    with pytest.raises(ForgedRequest):
        signatures.parse_timestamp(text, milliseconds=True)


@given(st.text())
def test_any_text_decodes_or_is_a_forgery(text: str) -> None:
    for decode in (
        signatures.decode_base64_strict,
        signatures.decode_hex_strict,
        lambda value: signatures.parse_timestamp(value, milliseconds=False),
    ):
        with suppress(ForgedRequest):
            decode(text)


@given(st.binary(min_size=1, max_size=64))
def test_canonical_forms_decode(data: bytes) -> None:
    assert signatures.decode_base64_strict(base64.b64encode(data).decode()) == data
    assert signatures.decode_hex_strict(data.hex()) == data


@pytest.mark.parametrize("text", ["YQ", "YR==", "Y Q==", "YQ==\n", "YQ=", "_-==", "YQ===", ""])
def test_loose_base64_is_a_forgery(text: str) -> None:
    with pytest.raises(ForgedRequest):
        signatures.decode_base64_strict(text)


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("x-s", "a"), ("x-s", "a")),
        (("x-s", "a" * 513),),
        (("x-s", "ä"),),
        (("x-s", "a\x00"),),
        (("X-S", "a"),),
    ],
)
def test_headers_that_are_missing_repeated_or_odd(headers: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(ForgedRequest):
        signatures.only_header(request(*headers), "x-s")


def test_several_signatures_during_a_key_change() -> None:
    values = signatures.header_values(request(("x-s", "a"), ("x-s", "b")), "x-s", max_count=2)
    assert values == ("a", "b")
    signatures.require_same(b"b", *(value.encode() for value in values))
    with pytest.raises(ForgedRequest):
        signatures.require_same(b"c", b"a", b"b")
    with pytest.raises(ForgedRequest):
        signatures.require_same(b"c")
