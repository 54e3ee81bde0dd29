"""Signatures over the raw bytes, in both directions of time, with every secret that is live."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import stripe

from connectors.errors import ForgedRequest
from connectors.records import NoticeKind, Ref, WebhookRequest
from connectors.stripe.events import EVENT_TYPES, OBJECT_OF_TYPE, SINGULAR, TYPES_MAX
from connectors.stripe.webhooks import receive
from sandbox.stripe.webhooks import signature_header

AT = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
SETTINGS = {"webhook_secret": "whsec_new", "webhook_secret_previous": "whsec_old"}


def mac(secret: str, stamp: int, body: bytes) -> str:
    return hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()


def event(type: str, object: str, id: str = "x_1", **more: object) -> bytes:
    about = {"id": id, "object": object}
    whole = {"id": "evt_1", "object": "event", "created": 1788249600, "type": type}
    return json.dumps({**whole, "data": {"object": about}, **more}).encode()


def request(
    body: bytes, *secrets: str, shift: timedelta = timedelta(0), extra: str = ""
) -> WebhookRequest:
    stamp = int((AT + shift).timestamp())
    parts = [f"t={stamp}", *(f"v1={mac(secret, stamp, body)}" for secret in secrets)]
    header = ",".join(parts) + extra
    return WebhookRequest("POST", "https://r.example/w", (("stripe-signature", header),), body, AT)


@pytest.mark.parametrize("object", sorted(EVENT_TYPES))
def test_every_followed_event_is_an_address(object: str) -> None:
    assert len(EVENT_TYPES[object]) <= TYPES_MAX
    for type in EVENT_TYPES[object]:
        (notice,) = receive(SETTINGS, request(event(type, SINGULAR[object]), "whsec_new")).notices
        assert notice.ref == Ref(object, "x_1")
        assert notice.event_key == "evt_1"
        assert notice.occurred_at == AT


def test_no_event_tells_of_two_objects() -> None:
    assert len(OBJECT_OF_TYPE) == sum(len(types) for types in EVENT_TYPES.values())


@pytest.mark.parametrize(
    ("type", "object", "kind"),
    [
        ("customer.created", "customer", NoticeKind.CREATED),
        ("customer.deleted", "customer", NoticeKind.DELETED),
        ("customer.subscription.deleted", "subscription", NoticeKind.CHANGED),
        ("charge.dispute.funds_withdrawn", "dispute", NoticeKind.CHANGED),
        ("invoice.deleted", "invoice", NoticeKind.DELETED),
    ],
)
def test_kinds(type: str, object: str, kind: NoticeKind) -> None:
    (notice,) = receive(SETTINGS, request(event(type, object), "whsec_new")).notices
    assert notice.kind is kind


def test_what_the_sdk_and_the_simulator_sign_is_taken_in() -> None:
    body = event("customer.updated", "customer")
    stamp = int(AT.timestamp())
    headers = (
        stripe.WebhookSignature.generate_signature_header(body.decode(), "whsec_new", stamp),
        signature_header(["whsec_old", "whsec_new"], stamp, body),
    )
    for header in headers:
        signed = replace(request(body), headers=(("stripe-signature", header),))
        assert len(receive(SETTINGS, signed).notices) == 1


@pytest.mark.parametrize("secrets", [("whsec_new",), ("whsec_old",), ("x", "whsec_old"),
                                     ("whsec_new", "whsec_old")])  # fmt: skip
def test_any_live_secret_will_do(secrets: tuple[str, ...]) -> None:
    body = event("customer.updated", "customer")
    assert len(receive(SETTINGS, request(body, *secrets)).notices) == 1


def test_other_schemes_are_ignored_and_do_not_verify() -> None:
    body = event("customer.updated", "customer")
    assert receive(SETTINGS, request(body, "whsec_new", extra=",v0=abc")).notices
    stamp = int(AT.timestamp())
    header = f"t={stamp},v0={mac('whsec_new', stamp, body)}"
    with pytest.raises(ForgedRequest):
        receive(SETTINGS, replace(request(body), headers=(("stripe-signature", header),)))


@pytest.mark.parametrize("seconds", [301, -301, 86_400, -86_400])
def test_time_is_checked_both_ways(seconds: int) -> None:
    body = event("customer.updated", "customer")
    with pytest.raises(ForgedRequest, match="tolerance"):
        receive(SETTINGS, request(body, "whsec_new", shift=timedelta(seconds=seconds)))
    near = timedelta(seconds=300 if seconds > 0 else -300)
    assert receive(SETTINGS, request(body, "whsec_new", shift=near)).notices


@pytest.mark.parametrize("header", ["t=1", "v1=00", "t=1,t=1,v1=00", "t=1,v1=0", "t=1,v1=zz",
                                    "t=1,,v1=00", "T=1,v1=00", "t=1, v1=00"])  # fmt: skip
def test_a_header_out_of_form_is_forged(header: str) -> None:
    body = event("customer.updated", "customer")
    with pytest.raises(ForgedRequest):
        receive(SETTINGS, replace(request(body), headers=(("stripe-signature", header),)))


def test_more_signatures_than_secrets_can_be_are_refused() -> None:
    body = event("customer.updated", "customer")
    with pytest.raises(ForgedRequest):
        receive(SETTINGS, request(body, *["whsec_new"] * 9))


def test_what_means_nothing_here_is_no_notice() -> None:
    for body in (event("account.updated", "account"), event("invoice.upcoming", "invoice")):
        assert receive(SETTINGS, request(body, "whsec_new")).notices == ()


def test_another_account_is_not_ours() -> None:
    body = event("customer.updated", "customer", account="acct_other")
    settings = {**SETTINGS, "account": "acct_ours"}
    assert receive(settings, request(body, "whsec_new")).notices == ()
    assert receive(SETTINGS, request(body, "whsec_new")).notices


@pytest.mark.parametrize(
    "body",
    [
        event("customer.updated", "invoice"),
        event("customer.updated", "customer", ""),
        event("customer.updated", "customer", "a b"),
        b'{"object":"event","type":"customer.updated","id":"evt_1","data":{"object":null}}',
        b'{"object":"event","type":"customer.updated","id":"evt_1"}',
        b'{"object":"event","type":7,"id":"evt_1"}',
        b'{"object":"event","type":"customer.updated"}',
        b'{"object":"customer","id":"cus_1"}',
    ],
)
def test_a_signed_event_out_of_form_is_refused_in_words(body: bytes) -> None:
    with pytest.raises(ForgedRequest) as raised:
        receive(SETTINGS, request(body, "whsec_new"))
    assert raised.value.status == 400
