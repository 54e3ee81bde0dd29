"""JSON from outside: exact or refused."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import UnexpectedAnswer
from connectors.http import Secret, parse_json, redact
from connectors.transport_json import BadJson, loads_strict


def test_numbers_are_exact() -> None:
    found = parse_json(b'{"a": 1234567890123456.78, "b": 1.10, "c": 12345678901234567890, "d": -0}')
    assert found == {
        "a": Decimal("1234567890123456.78"),
        "b": Decimal("1.10"),
        "c": 12345678901234567890,
        "d": 0,
    }
    assert str(found["b"]) == "1.10"  # type: ignore[index,call-overload]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"a": 1} x',
        b"<html>",
        b"[NaN]",
        b"[Infinity]",
        b"[-Infinity]",
        b'{"a": 1, "a": 1}',
        b'{"b": {"a": 1, "a": 2}}',
        b'"\\ud800"',
        b'{"\\udfff": 1}',
        b'"\\u0000"',
        b'["a", {"b": ["c\\u0000"]}]',
        b'"\x01"',
        b"\xef\xbb\xbf{}",
        '{"a": 1}'.encode("utf-16"),
        '{"a": 1}'.encode("utf-16-le"),
        b'"\xff"',
        b"1" * 65,
        b"1." + b"1" * 65,
        b"1e65",
        b"1E-65",
        b"1E+999999999",
        b"[" * 65 + b"]" * 65,
        b'{"a":' * 65 + b"1" + b"}" * 65,
        b"[" * 1_000_000,
        b'{"a":' * 100_000,
        b"[01]",
        b"[1,]",
        b"['a']",
    ],
    ids=range(30),
)
def test_refused(body: bytes) -> None:
    with pytest.raises(UnexpectedAnswer):
        parse_json(body)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 64 + b"]" * 64,
        b'"\\ud83d\\ude00"',
        b'"\\\\u0000"',
        b'"\\\\ud800"',
        b"1.5e60",
        b" null ",
        '"ünï"'.encode(),
    ],
)
def test_accepted(body: bytes) -> None:
    assert loads_strict(body) == json.loads(body, parse_float=Decimal)


@given(st.binary(max_size=200))
def test_any_bytes_parse_or_are_refused(body: bytes) -> None:
    with suppress(BadJson):
        loads_strict(body)


TREES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner),
    max_leaves=20,
)


@given(TREES, st.booleans())
def test_what_was_written_comes_back(tree: object, plain: bool) -> None:
    assert loads_strict(json.dumps(tree, ensure_ascii=plain).encode()) == tree


def test_messages_quote_nothing() -> None:
    with pytest.raises(BadJson) as raised:
        loads_strict(b'{"token": "s3cret"')
    assert "s3cret" not in str(raised.value)


def test_secrets_are_masked_in_every_form() -> None:
    secret = "p@ss/w0rd"
    text = redact(f"a {secret} b p%40ss%2Fw0rd c cEBzcy93MHJk", [secret, ""])
    assert text == "a *** b *** c ***"
    hidden = Secret(secret)
    assert secret not in f"{hidden} {hidden!r}"
    assert hidden.reveal() == secret
    assert hidden == Secret(secret)
