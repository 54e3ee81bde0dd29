"""Webhooks: what is accepted, what it says, and everything else refused in one way."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.errors import ForgedRequest
from connectors.hubspot.webhooks import event_key, receive, signed_url, verify
from connectors.records import NoticeKind, Ref, WebhookRequest

SECRET = "a-client-secret"
URL = "https://revline.example.com/webhooks/hubspot"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NEVER_IN_A_MESSAGE = SECRET


def sign(url, body, at, secret=SECRET, method="POST"):
    text = method.encode() + url.encode() + body + at.encode()
    return base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha256).digest()).decode()


def request(body, *, url=URL, signed=URL, at=NOW, secret=SECRET, received_at=NOW, headers=None):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    stamp = str(int(at.timestamp() * 1000))
    own = (
        ("x-hubspot-signature-v3", sign(signed, raw, stamp, secret)),
        ("x-hubspot-request-timestamp", stamp),
    )
    return WebhookRequest("POST", url, own if headers is None else headers, raw, received_at)


def event(**fields):
    return {
        "eventId": 3181526809,
        "subscriptionId": 2321138,
        "portalId": 62515,
        "appId": 54198,
        "occurredAt": 1772366400000,
        "attemptNumber": 0,
        **fields,
    }


def notices(*events, **settings):
    return receive({"client_secret": SECRET, **settings}, request(list(events))).notices


def test_the_published_signature_vector():
    verify(
        {"client_secret": "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"},
        WebhookRequest(
            "POST",
            "https://www.example.com/webhook_uri",
            (
                ("x-hubspot-signature-v3", "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y="),
                ("x-hubspot-request-timestamp", "1693657560000"),
            ),
            b"{'example_field':'example_value'}",
            datetime(2023, 9, 2, 12, 26, tzinfo=UTC),
        ),
    )


def test_only_the_named_escapes_are_decoded_and_once():
    assert (
        signed_url("https://h/p?a=%3A%2f%3F%40%21%24%27%28%29%2A%2C%3B")
        == "https://h/p?a=:/?@!$'()*,;"
    )
    assert signed_url("https://h/p?a=%253A%20%26%3D%2B") == "https://h/p?a=%253A%20%26%3D%2B"


def test_a_query_is_signed_in_its_decoded_form():
    asked = request([], url=URL + "?to=a%40b%2Ec", signed=URL + "?to=a@b%2Ec")
    assert receive({"client_secret": SECRET}, asked).answer.status == 200


@pytest.mark.parametrize(
    ("fields", "kind", "ref", "related", "absorbed"),
    [
        (
            {"subscriptionType": "deal.propertyChange", "objectId": 1148, "propertyName": "amount"},
            NoticeKind.CHANGED,
            Ref("deals", "1148"),
            None,
            (),
        ),
        (
            {"subscriptionType": "contact.creation", "objectId": 1},
            NoticeKind.CREATED,
            Ref("contacts", "1"),
            None,
            (),
        ),
        (
            {"subscriptionType": "company.deletion", "objectId": 2},
            NoticeKind.DELETED,
            Ref("companies", "2"),
            None,
            (),
        ),
        (
            {"subscriptionType": "contact.privacyDeletion", "objectId": 2},
            NoticeKind.DELETED,
            Ref("contacts", "2"),
            None,
            (),
        ),
        (
            {"subscriptionType": "company.restore", "objectId": 2},
            NoticeKind.RESTORED,
            Ref("companies", "2"),
            None,
            (),
        ),
        (
            {
                "subscriptionType": "contact.merge",
                "objectId": 5,
                "primaryObjectId": 5,
                "mergedObjectIds": [7, 6],
            },
            NoticeKind.MERGED,
            Ref("contacts", "5"),
            None,
            ("6", "7"),
        ),
        (
            {
                "subscriptionType": "contact.merge",
                "objectId": 5,
                "primaryObjectId": 5,
                "mergedObjectIds": [6],
                "newObjectId": 9,
            },
            NoticeKind.MERGED,
            Ref("contacts", "9"),
            None,
            ("5", "6"),
        ),
        (
            {
                "subscriptionType": "deal.associationChange",
                "fromObjectId": 1,
                "toObjectId": 2,
                "associationType": "DEAL_TO_COMPANY",
                "associationRemoved": True,
            },
            NoticeKind.ASSOCIATED,
            Ref("deals", "1"),
            Ref("companies", "2"),
            (),
        ),
        (
            {
                "subscriptionType": "line_item.associationChange",
                "fromObjectId": 1,
                "toObjectId": 2,
                "associationType": "LINE_ITEM_TO_DEAL",
            },
            NoticeKind.ASSOCIATED,
            Ref("deals", "2"),
            Ref("line_items", "1"),
            (),
        ),
        (
            {"subscriptionType": "object.creation", "objectTypeId": "0-8", "objectId": "44"},
            NoticeKind.CREATED,
            Ref("line_items", "44"),
            None,
            (),
        ),
        (
            {"subscriptionType": "object.propertyChange", "objectTypeId": "2-345", "objectId": 44},
            NoticeKind.CHANGED,
            Ref("2-345", "44"),
            None,
            (),
        ),
    ],
)
def test_each_event_becomes_an_address(fields, kind, ref, related, absorbed):
    (notice,) = notices(event(**fields))
    assert (notice.kind, notice.ref, notice.related, notice.absorbed) == (
        kind,
        ref,
        related,
        absorbed,
    )
    assert notice.occurred_at == NOW


@pytest.mark.parametrize("kind", ["conversation.creation", "deal.somethingNew", "object.creation"])
def test_events_that_mean_nothing_here_are_left_out(kind):
    assert notices(event(subscriptionType=kind, objectId=1)) == ()


def test_events_of_other_accounts_are_left_out_where_the_account_is_named():
    mine = event(subscriptionType="deal.creation", objectId=1)
    other = mine | {"portalId": 7}
    assert len(notices(mine, other)) == 2
    assert len(notices(mine, other, portal_id="62515")) == 1


def test_the_event_key_survives_redelivery_and_tells_events_apart():
    first = event(subscriptionType="deal.propertyChange", objectId=1, propertyName="amount")
    assert event_key(first) == event_key(first | {"attemptNumber": 3, "subscriptionId": 9})
    for other in (
        {"objectId": 2},
        {"propertyName": "stage"},
        {"occurredAt": 1},
        {"eventId": 1},
        {"portalId": 1},
        {"subscriptionType": "contact.propertyChange"},
    ):
        assert event_key(first) != event_key(first | other)


def test_the_previous_secret_is_accepted_while_it_is_configured():
    asked = request([], secret="the-old-one")
    with pytest.raises(ForgedRequest):
        receive({"client_secret": SECRET}, asked)
    receive({"client_secret": SECRET, "client_secret_previous": "the-old-one"}, asked)


BODY = [event(subscriptionType="deal.creation", objectId=1)]


@pytest.mark.parametrize(
    "asked",
    [
        request(BODY, secret="wrong"),
        request(BODY, at=NOW - timedelta(minutes=5, milliseconds=1)),
        request(BODY, at=NOW + timedelta(minutes=5, milliseconds=1)),
        request(BODY, signed=URL + "/other"),
        request(BODY, headers=()),
        request(BODY, headers=(*request(BODY).headers, *request(BODY).headers)),
        request(
            BODY,
            headers=(("x-hubspot-signature", "00" * 32), ("x-hubspot-signature-version", "v2")),
        ),
        request(
            BODY,
            headers=(
                ("x-hubspot-signature", hashlib.sha256(SECRET.encode()).hexdigest()),
                ("x-hubspot-signature-version", "v1"),
            ),
        ),
        request(BODY, headers=(request(BODY).headers[0], ("x-hubspot-request-timestamp", "1e12"))),
        request(BODY, headers=(("x-hubspot-signature-v3", "ü"), request(BODY).headers[1])),
    ],
)
def test_what_is_not_provably_hubspots_is_refused(asked):
    with pytest.raises(ForgedRequest) as caught:
        receive({"client_secret": SECRET}, asked)
    assert caught.value.status == 401
    assert NEVER_IN_A_MESSAGE not in str(caught.value)


@pytest.mark.parametrize("settings", [{}, {"client_secret": ""}])
def test_without_a_secret_nothing_is_accepted(settings):
    with pytest.raises(ForgedRequest):
        receive(settings, request(BODY, secret="x"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[1]",
        b"nul",
        b"\xff\xfe[\x00]\x00",
        b"[" * 100_000,
        b'[{"a":' * 30 + b"1" + b"}]" * 30,
        b"[" + b"1" * 5000 + b"]",
        b'[{"a": NaN}]',
        b"[{}]",
        json.dumps([event(subscriptionType="deal.creation", objectId=1)] * 1001).encode(),
        json.dumps([event(subscriptionType="deal.creation")]).encode(),
        json.dumps([event(subscriptionType="deal.creation", objectId="1/2")]).encode(),
        json.dumps([event(subscriptionType="deal.creation", objectId=True)]).encode(),
        json.dumps([event(subscriptionType="deal.creation", objectId=1.5)]).encode(),
    ],
)
def test_a_signed_body_that_cannot_be_read_is_a_400(body):
    with pytest.raises(ForgedRequest) as caught:
        receive({"client_secret": SECRET}, request(body))
    assert caught.value.status == 400


@settings(max_examples=150)
@given(st.data())
def test_any_change_of_a_byte_is_noticed(data):
    good = request(BODY)
    at = data.draw(st.integers(0, len(good.body) - 1))
    bit = data.draw(st.integers(0, 7))
    body = bytearray(good.body)
    body[at] ^= 1 << bit
    changed = WebhookRequest(good.method, good.url, good.headers, bytes(body), good.received_at)
    with pytest.raises(ForgedRequest):
        receive({"client_secret": SECRET}, changed)


@settings(max_examples=100)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["deal.merge"]),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["subscriptionType", "objectId", "mergedObjectIds", "occurredAt"]),
                inner,
            )
        ),
        max_leaves=12,
    )
)
def test_signed_nonsense_raises_nothing_else(body):
    try:
        receive({"client_secret": SECRET}, request(body))
    except ForgedRequest as error:
        status = error.status
    else:
        status = 400
    assert status == 400
