"""Webhooks: the three kinds of authentication, the envelope however it is nested."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.dealhub.webhooks import receive
from connectors.errors import ForgedRequest
from connectors.records import Ref, WebhookRequest

AT = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
BEARER = {"webhook_auth": "bearer", "webhook_token": "t0ken"}
BASIC = {"webhook_auth": "basic", "webhook_user": "revline", "webhook_password": "pass:word"}
NONE = {"webhook_auth": "none"}
QUOTE = "12345ABCDEF00001"
INFO = {"webhook_id": "W1", "event_id": "E1", "api_version": "1.0"}
ENVELOPE = {
    "event_info": INFO,
    "dealhub_quote_id": QUOTE,
    "dealhub_opportunity_id": "O1",
    "additional_data": {"dealhub_quote_id": "not this"},
}


def request(body, authorization=None, at=AT) -> WebhookRequest:
    headers = () if authorization is None else (("authorization", authorization),)
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return WebhookRequest("POST", "https://revline.example/hooks", headers, text, at)


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("settings", "authorization"),
    [
        (BEARER, "Bearer t0ken"),
        ({"webhook_token": "t0ken"}, "Bearer t0ken"),
        (BASIC, basic("revline", "pass:word")),
        (NONE, None),
        (NONE, "Bearer whatever"),
    ],
)
def test_good_credentials(settings, authorization) -> None:
    (notice,) = receive(settings, request(ENVELOPE, authorization)).notices
    assert notice.ref == Ref("quotes", "12345ABCDEF00001")
    assert notice.event_key == "event:E1"


@pytest.mark.parametrize(
    ("settings", "authorization"),
    [
        (BEARER, None),
        (BEARER, "Bearer T0KEN"),
        (BEARER, "t0ken"),
        (BEARER, basic("revline", "pass:word")),
        (BASIC, "Bearer t0ken"),
        (BASIC, basic("revline", "pass")),
        (BASIC, basic("", "")),
        (BASIC, "Basic ===="),
        ({**BASIC, "webhook_password": ""}, basic("revline", "")),
        ({}, None),
        ({}, "Bearer "),
        ({"webhook_auth": "Bearer", "webhook_token": "t0ken"}, "Bearer t0ken"),
    ],
)
def test_bad_credentials(settings, authorization) -> None:
    with pytest.raises(ForgedRequest) as raised:
        receive(settings, request(ENVELOPE, authorization))
    assert raised.value.status == 401
    assert "t0ken" not in str(raised.value)


@pytest.mark.parametrize(
    "body",
    [
        ENVELOPE,
        {"event": ENVELOPE},
        {"event_info": INFO, "payload": {"dealhub_quote_id": QUOTE}},
        {'event_info"': INFO, 'dealhub_quote_id"': QUOTE},
    ],
)  # fmt: skip
def test_the_envelope_however_it_is_nested(body) -> None:
    (notice,) = receive(NONE, request(body)).notices
    assert (notice.ref.id, notice.event_key) == ("12345ABCDEF00001", "event:E1")


@pytest.mark.parametrize("more", [{}, {"dealhub_quote_id": ""}, {"dealhub_quote_id": None}])
def test_events_about_other_things_tell_nothing(more) -> None:
    receipt = receive(NONE, request({"event_info": {"event_id": "E2"}, **more}))
    assert receipt.notices == ()
    assert receipt.answer.status == 200


@pytest.mark.parametrize(
    "body",
    [{}, {"hello": 1}, {**ENVELOPE, "dealhub_quote_id": 7}, {**ENVELOPE, "dealhub_quote_id": "a/b"},
     {**ENVELOPE, "dealhub_quote_id": "x" * 17}],
)  # fmt: skip
def test_bodies_that_are_no_events(body) -> None:
    with pytest.raises(ForgedRequest) as raised:
        receive(NONE, request(body))
    assert raised.value.status == 400


@pytest.mark.parametrize("info", [{}, {"event_id": 7}, {"event_id": "ä"}, {"event_id": ""}])
def test_without_an_id_the_body_and_the_minute_name_an_event(info) -> None:
    body = {**ENVELOPE, "event_info": info}
    keys = [
        receive(NONE, request(body, at=AT + timedelta(seconds=seconds))).notices[0].event_key
        for seconds in (0, 30, 90)
    ]
    assert keys[0] == keys[1] != keys[2]
    other = receive(NONE, request({**body, "executed_by": "else"})).notices[0].event_key
    assert other != keys[0]


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: st.dictionaries(
            st.sampled_from(["event_info", "event_id", "dealhub_quote_id", "x"]), inner
        ),
    )
)
def test_any_body_is_taken_in_or_refused(body) -> None:
    answered = 200
    try:
        receive(NONE, request(body))
    except ForgedRequest as error:
        answered = error.status
    assert answered in (200, 400)
