"""Notices of the notification script. What any forged request meets is in the contract."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest

from connectors.errors import ForgedRequest
from connectors.netsuite.webhooks import receive
from connectors.records import NoticeKind, Ref, WebhookRequest

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECRET = "a secret of the account"
SETTINGS = {"webhook_secret": SECRET}
EVENT = {
    "recordType": "salesorder",
    "id": "1017",
    "eventType": "edit",
    "externalId": "revline-order-1",
    "lastModified": "2026-11-22T11:59:58.000Z",
}


def request(event, *, at=AT, secret=SECRET, stamp=None, body=None):
    body = json.dumps(event).encode() if body is None else body
    stamp = str(int(at.timestamp())) if stamp is None else stamp
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    headers = (("x-revline-signature", f"t={stamp},v1={digest}"),)
    return WebhookRequest("POST", "https://r.example/webhooks/netsuite", headers, body, AT)


@pytest.mark.parametrize(
    ("event_type", "kind"),
    [
        ("create", NoticeKind.CREATED),
        ("edit", NoticeKind.CHANGED),
        ("xedit", NoticeKind.CHANGED),
        ("approve", NoticeKind.CHANGED),
        ("delete", NoticeKind.DELETED),
    ],
)
def test_an_event_is_an_address(event_type, kind) -> None:
    (notice,) = receive(SETTINGS, request({**EVENT, "eventType": event_type})).notices
    assert notice.ref == Ref("salesOrder", "1017")
    assert notice.kind is kind
    assert notice.occurred_at == datetime(2026, 11, 22, 11, 59, 58, tzinfo=UTC)


def test_two_edits_are_two_events() -> None:
    one, two, again = (
        receive(SETTINGS, request({**EVENT, "lastModified": at})).notices[0].event_key
        for at in ("2026-11-22T11:59:58Z", "2026-11-22T11:59:59Z", "2026-11-22T11:59:58Z")
    )
    assert one == again != two


def test_the_previous_secret_is_good_while_one_replaces_the_other() -> None:
    settings = {"webhook_secret": "new", "webhook_secret_previous": SECRET}
    assert receive(settings, request(EVENT)).notices
    with pytest.raises(ForgedRequest):
        receive({"webhook_secret": "new"}, request(EVENT))


@pytest.mark.parametrize(
    "change",
    [
        {"recordType": ""},
        {"recordType": 5},
        {"recordType": "a/b"},
        {"id": ""},
        {"id": "1 OR 1=1"},
        {"id": True},
        {"id": None},
    ],
)
def test_a_signed_event_without_an_address_is_refused(change) -> None:
    with pytest.raises(ForgedRequest) as raised:
        receive(SETTINGS, request({**EVENT, **change}))
    assert raised.value.status == 400


def test_an_id_may_come_as_a_number_and_a_time_as_anything() -> None:
    (notice,) = receive(SETTINGS, request({**EVENT, "id": 1017, "lastModified": [1]})).notices
    assert notice.ref.id == "1017"
    assert notice.occurred_at is None


@pytest.mark.parametrize("stamp", ["", "-5", "1e9", "１２３", str(10**12), "1 "])
def test_odd_times_are_refused(stamp) -> None:
    with pytest.raises(ForgedRequest):
        receive(SETTINGS, request(EVENT, stamp=stamp))


def test_five_minutes_are_the_limit() -> None:
    assert receive(SETTINGS, request(EVENT, at=AT - timedelta(minutes=5))).notices
    with pytest.raises(ForgedRequest):
        receive(SETTINGS, request(EVENT, at=AT - timedelta(minutes=5, seconds=1)))
