"""Webhooks of a memory account: building signed requests, and taking them in.

The signature is hexadecimal HMAC-SHA-256, keyed with the webhook secret, over the timestamp, a full
stop, the method, the URL and the raw body.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from connectors.errors import ForgedRequest
from connectors.memory import codec
from connectors.memory.notices import notice_of
from connectors.records import Notice, Receipt, WebhookRequest
from connectors.signatures import (
    decode_hex_strict,
    hmac_sha256,
    only_header,
    parse_timestamp,
    require_fresh,
    require_same,
)

TIMESTAMP_HEADER: Final = "x-memory-timestamp"
SIGNATURE_HEADER: Final = "x-memory-signature"
BODY_MAX_BYTES: Final = 1_048_576


def sign(secret: str, timestamp: str, method: str, url: str, body: bytes) -> str:
    """The value of the signature header."""
    text = f"{timestamp}.{method}{url}".encode()
    return hmac_sha256(secret.encode(), text, body).hex()


def webhook_request(
    notices: Iterable[tuple[int, Notice]], *, url: str, secret: str, at: datetime
) -> WebhookRequest:
    """A request that reports numbered events, signed at ``at`` and received at that moment."""
    body = json.dumps([_event(number, notice) for number, notice in notices]).encode()
    return signed_request(body, url=url, secret=secret, at=at)


def signed_request(body: bytes, *, url: str, secret: str, at: datetime) -> WebhookRequest:
    """A request with this body, signed at ``at`` and received at that moment."""
    timestamp = str(codec.microseconds(at) // 1000)
    headers = (
        ("content-type", "application/json"),
        (TIMESTAMP_HEADER, timestamp),
        (SIGNATURE_HEADER, sign(secret, timestamp, "POST", url, body)),
    )
    return WebhookRequest("POST", url, headers, body, at)


def receive(settings: Mapping[str, str], request: WebhookRequest) -> Receipt:
    """Verify and parse a request. Raises ``ForgedRequest`` and nothing else."""
    if len(request.body) > BODY_MAX_BYTES:
        raise ForgedRequest("the body is too large", status=413)
    timestamp = only_header(request, TIMESTAMP_HEADER)
    given = decode_hex_strict(only_header(request, SIGNATURE_HEADER))
    require_fresh(parse_timestamp(timestamp, milliseconds=True), request.received_at)
    secret = settings.get("webhook_secret", "")
    expected = sign(secret, timestamp, request.method, request.url, request.body)
    require_same(bytes.fromhex(expected), given)
    return Receipt(_parsed(request.body))


def _parsed(body: bytes) -> tuple[Notice, ...]:
    try:
        events = json.loads(body)
        return tuple(notice_of(_whole(event["number"]), event) for event in events)
    except (
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        RecursionError,
        OverflowError,
    ) as error:
        raise ForgedRequest("the body is not a list of events", status=400) from error


def _whole(value: Any) -> int:
    if not isinstance(value, int):
        raise TypeError("an event's number is a whole number")
    return value


def _event(number: int, notice: Notice) -> dict[str, Any]:
    event: dict[str, Any] = {
        "number": number,
        "object": notice.ref.object,
        "id": notice.ref.id,
        "kind": notice.kind.value,
        "at": codec.microseconds(notice.occurred_at) if notice.occurred_at else 0,
    }
    if notice.related is not None:
        event["related"] = [notice.related.object, notice.related.id]
    if notice.absorbed:
        event["absorbed"] = list(notice.absorbed)
    return event
