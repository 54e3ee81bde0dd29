"""Callouts: the challenge, the credentials, and where the id is."""

from __future__ import annotations

import base64
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from connectors.errors import ForgedRequest
from connectors.records import Ref, WebhookRequest
from connectors.zuora.webhooks import receive

NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)
SETTINGS = {
    "callout_user": "revline",
    "callout_password": "pa:ss wörd",
    "callout_id_field": "accounts=AccountNumber, invoices=Invoice.Number, number",
    "callout_object": "payments",
}
BASIC = "Basic " + base64.b64encode("revline:pa:ss wörd".encode()).decode()


def callout(
    body: bytes = b'{"number":"P-1"}',
    query: str = "",
    authorization: str | None = BASIC,
    at: datetime = NOW,
    **headers: str,
) -> WebhookRequest:
    pairs = [(name.replace("_", "-"), value) for name, value in headers.items()]
    if authorization is not None:
        pairs.append(("authorization", authorization))
    return WebhookRequest("POST", f"https://hooks.example/zuora{query}", tuple(pairs), body, at)


def test_a_request_without_credentials_is_challenged() -> None:
    receipt = receive(SETTINGS, callout(authorization=None))
    assert receipt.notices == ()
    assert receipt.answer.status == 401
    assert dict(receipt.answer.headers)["WWW-Authenticate"].startswith("Basic realm=")


def test_a_good_one_is_answered_with_exactly_200() -> None:
    receipt = receive(SETTINGS, callout())
    assert [notice.ref for notice in receipt.notices] == [Ref("payments", "P-1")]
    assert receipt.answer.status == 200


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Basic",
        "Basic !!!",
        "Bearer x",
        BASIC + "=",
        BASIC[:-1],
        "Basic " + base64.b64encode(b"revline:other").decode(),
        "Basic " + base64.b64encode(b"revline").decode(),
    ],
)
def test_other_credentials_are_forgeries(authorization: str) -> None:
    with pytest.raises(ForgedRequest) as raised:
        receive(SETTINGS, callout(authorization=authorization))
    assert raised.value.status == 401
    assert "pa:ss" not in str(raised.value)


def test_credentials_come_once() -> None:
    request = callout(authorization=BASIC)
    twice = WebhookRequest(
        request.method, request.url, request.headers * 2, request.body, request.received_at
    )
    with pytest.raises(ForgedRequest):
        receive(SETTINGS, twice)


def test_without_a_password_nobody_is_let_in() -> None:
    empty = "Basic " + base64.b64encode(b":").decode()
    for settings in ({}, {"callout_user": "revline"}, {"callout_password": "x"}):
        with pytest.raises(ForgedRequest):
            receive(settings, callout(authorization=empty))


@pytest.mark.parametrize(
    ("query", "body", "expected"),
    [
        ("?object=invoices", b'{"Invoice":{"Number":"INV-1"}}', Ref("invoices", "INV-1")),
        ("?object=Invoice", b'{"Invoice.Number":"INV-1"}', Ref("invoices", "INV-1")),
        ("", b'{"object":"Account","AccountNumber":"A-1"}', Ref("accounts", "A-1")),
        ("", b'{"object":"CreditMemo","number":"CM-1"}', Ref("credit_memos", "CM-1")),
        ("", b'{"object":"Credit Memo","number":12}', Ref("credit_memos", "12")),
        ("", b'{"number":" P-9 "}', Ref("payments", "P-9")),
        ("?object=thing__c", b'{"number":"x"}', Ref("thing__c", "x")),
    ],
)
def test_object_and_id_are_found_where_the_settings_say(
    query: str, body: bytes, expected: Ref
) -> None:
    (notice,) = receive(SETTINGS, callout(body, query)).notices
    assert notice.ref == expected


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("", b"{}"),
        ("", b'{"number":null}'),
        ("", b'{"number":""}'),
        ("", b'{"number":true}'),
        ("", b'{"number":{"a":1}}'),
        ("?object=spaceship", b'{"number":"x"}'),
        ("", b'{"object":"<b>","number":"x"}'),
        ("?object=invoices", b'{"Invoice":[1]}'),
        ("", b"number=P-1"),
    ],
)
def test_a_callout_that_says_nothing_is_refused_in_words(query: str, body: bytes) -> None:
    settings = {**SETTINGS, "callout_id_field": "invoices=Invoice.Number, number"}
    with pytest.raises(ForgedRequest) as raised:
        receive(settings, callout(body, query))
    assert raised.value.status == 400
    assert len(raised.value.reason) > 10


def test_event_keys() -> None:
    def key(request: WebhookRequest) -> str:
        (notice,) = receive(SETTINGS, request).notices
        return notice.event_key

    first = key(callout(zuora_request_id="r-1"))
    assert first == key(callout(zuora_request_id="r-1", at=NOW + timedelta(minutes=30)))
    assert first != key(callout(zuora_request_id="r-2"))
    # Two changes of one record have equal bodies: without the vendor's id the second must not
    # pass for a repeat of the first.
    assert key(callout()) == key(callout())
    assert key(callout()) != key(callout(at=NOW + timedelta(minutes=5)))


def test_the_module_imports_no_client() -> None:
    code = (
        "import sys; import connectors.zuora.webhooks; "
        "print([m for m in ('requests', 'urllib3') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
