"""Connect: several keys, several signatures, repeats, and what is no event of ours."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.docusign.webhooks import BODY_MAX_BYTES, keys_of, receive
from connectors.errors import ForgedRequest
from connectors.records import NoticeKind, Receipt, WebhookRequest

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
ID = "11d2b6e0-7a3c-4f5e-9b8d-0c1a2f3e4d5b"
ACCOUNT = "7f09961a-3f27-4b1e-9c5d-0d5a3c1b7e42"


def signature(key: str, body: bytes) -> str:
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()


def request(body: bytes, *keys: str, **headers: str) -> WebhookRequest:
    signed = {f"x-docusign-signature-{n}": signature(key, body) for n, key in enumerate(keys, 1)}
    given = {**signed, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return WebhookRequest("POST", "https://r.example/w", tuple(given.items()), body, NOW)


def message(event: str = "envelope-completed", **data: Any) -> bytes:
    whole = {"accountId": ACCOUNT, "envelopeId": ID, **data}
    at = "2026-11-22T10:00:00.0000000Z"
    return json.dumps({"event": event, "generatedDateTime": at, "data": whole}).encode()


def taken(body: bytes, **settings: str) -> Receipt:
    return receive({"connect_keys": "k", **settings}, request(body, "k"))


def test_the_signature_is_that_of_the_vendor() -> None:
    body = b'{"event":"envelope-completed"}'
    given = "Zc83WthqjhhIzKbysUZkLbPpPmx2NxohgdKgiE7wehg="
    asked = request(body, x_docusign_signature_1=given)
    with pytest.raises(ForgedRequest) as raised:  # signed, and yet it names no envelope
        receive({"connect_keys": "test-hmac-key"}, asked)
    assert raised.value.status == 400
    with pytest.raises(ForgedRequest) as raised:
        receive({"connect_keys": "test-hmac-kez"}, asked)
    assert raised.value.status == 401


@pytest.mark.parametrize("ours", ["old", "new", "old,new", "old new", "new\nold", " x , new ,"])
def test_one_key_of_ours_and_one_of_theirs_is_enough(ours: str) -> None:
    asked = request(message(), "old", "new")
    (notice,) = receive({"connect_keys": ours}, asked).notices
    assert (notice.ref.object, notice.ref.id) == ("envelopes", ID)
    assert notice.occurred_at == NOW


@pytest.mark.parametrize("ours", ["", " , ", "other", "oldnew"])
def test_no_key_of_ours_is_a_forgery(ours: str) -> None:
    with pytest.raises(ForgedRequest):
        receive({"connect_keys": ours}, request(message(), "old", "new"))


def test_keys_are_counted_once() -> None:
    assert keys_of({"connect_keys": "a, b a"}) == (b"a", b"b")
    assert keys_of({}) == ()


def test_signatures_stand_in_numbered_headers_only() -> None:
    body = message()
    for name in ("x-docusign-signature", "x-docusign-signature-0", "x-docusign-signature-a"):
        asked = request(body, **{name: signature("k", body)})
        with pytest.raises(ForgedRequest):
            receive({"connect_keys": "k"}, asked)
    asked = request(body, **{"x-docusign-signature-17": signature("k", body)})
    assert len(receive({"connect_keys": "k"}, asked).notices) == 1


def test_a_message_tried_again_has_the_same_key_and_another_event_another() -> None:
    first, again = (json.loads(message()) | {"retryCount": n} for n in (0, 3))
    keys = {
        taken(json.dumps(one).encode()).notices[0].event_key
        for one in (
            first,
            again,
            first | {"event": "envelope-voided"},
            first | {"generatedDateTime": "2026-11-22T10:00:00.0000001Z"},
        )
    }
    assert len(keys) == 3


def test_two_recipients_at_one_time_are_two_events() -> None:
    bodies = [message("recipient-completed", recipientId=who) for who in "12"]
    notices = [taken(body).notices[0] for body in bodies]
    assert notices[0].event_key != notices[1].event_key
    assert notices[0].ref == notices[1].ref


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ("envelope-sent", NoticeKind.CHANGED),
        ("envelope-completed", NoticeKind.CHANGED),
        ("recipient-declined", NoticeKind.CHANGED),
        ("envelope-created", NoticeKind.CREATED),
        ("envelope-deleted", NoticeKind.DELETED),
    ],
)
def test_events(event: str, kind: NoticeKind) -> None:
    receipt = taken(message(event))
    assert receipt.answer.status == 200
    assert [notice.kind for notice in receipt.notices] == [kind]


def test_what_is_no_envelope_of_ours_is_taken_and_left() -> None:
    assert taken(message("template-created")).notices == ()
    assert taken(message(accountId="other"), account_id=ACCOUNT).notices == ()
    assert len(taken(message(accountId=ACCOUNT.upper()), account_id=ACCOUNT).notices) == 1


def test_ids_are_as_docusign_prints_them() -> None:
    assert taken(message(envelopeId=ID.upper())).notices[0].ref.id == ID


@pytest.mark.parametrize("data", [{"envelopeId": "1"}, {"envelopeId": None}, {"envelopeId": [ID]}])
def test_a_message_that_names_no_envelope(data: dict[str, Any]) -> None:
    with pytest.raises(ForgedRequest) as raised:
        taken(message(**data))
    assert raised.value.status == 400


def test_a_message_with_documents_is_too_large() -> None:
    body = message(documents="x" * BODY_MAX_BYTES)
    with pytest.raises(ForgedRequest) as raised:
        taken(body)
    assert raised.value.status == 413


@given(st.binary(max_size=200))
def test_signed_bytes_of_any_kind_are_refused_in_words(body: bytes) -> None:
    with pytest.raises(ForgedRequest) as raised:
        taken(body)
    assert raised.value.status == 400
