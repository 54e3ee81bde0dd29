"""Stripe's webhooks: verified over the raw bytes, then read as addresses. Imports no SDK.

From docs.stripe.com "Receive Stripe events in your webhook endpoint" and "Resolve webhook signature
verification errors": ``Stripe-Signature`` holds a time and one ``v1`` per live secret; other
schemes are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from connectors.errors import ForgedRequest
from connectors.records import Notice, Receipt, Ref, WebhookRequest
from connectors.signatures import (
    decode_hex_strict,
    hmac_sha256,
    only_header,
    parse_timestamp,
    require_fresh,
    same,
)
from connectors.stripe.events import OBJECT_OF_TYPE, SINGULAR, kind_of
from connectors.transport_json import BadJson, loads_strict

HEADER: Final = "stripe-signature"
HEADER_MAX_CHARACTERS: Final = 1024
SIGNATURES_MAX: Final = 8
BODY_MAX_BYTES: Final = 4 * 1024 * 1024
SECRETS: Final = ("webhook_secret", "webhook_secret_previous")

_PART: Final = re.compile(r"([a-z][a-z0-9]{0,9})=([0-9A-Za-z]{1,128})", re.ASCII)
_EVENT_ID: Final = re.compile(r"[A-Za-z0-9_]{1,255}", re.ASCII)
_ID: Final = re.compile(r"[\x21-\x7e]{1,255}")


def receive(settings: Mapping[str, str], request: WebhookRequest) -> Receipt:
    """The event of a webhook request, as an address. The body is a snapshot and is not used.

    Raises:
        ForgedRequest: the request is not provably Stripe's (401), or is Stripe's and cannot be
            read (400).
    """
    verify(settings, request)
    event = _parse(request.body)
    account = settings.get("account", "").strip()
    if account and event.get("account") not in (None, account):
        return Receipt(())
    notice = _notice(event)
    return Receipt((notice,) if notice is not None else ())


def verify(settings: Mapping[str, str], request: WebhookRequest) -> None:
    """Raise ``ForgedRequest`` unless one signature holds for one of the secrets."""
    text = only_header(request, HEADER, max_characters=HEADER_MAX_CHARACTERS)
    stamp, given = _parts(text)
    require_fresh(parse_timestamp(stamp, milliseconds=False), request.received_at)
    keys = [settings[name].encode() for name in SECRETS if settings.get(name)]
    if not keys:
        raise ForgedRequest("no webhook secret is configured, so nothing can be verified")
    signed = f"{stamp}.".encode()
    matched = False
    for key in keys:
        expected = hmac_sha256(key, signed, request.body)
        for candidate in given:
            matched |= same(expected, candidate)
    if not matched:
        raise ForgedRequest("the signature does not match the request")


def _parts(text: str) -> tuple[str, list[bytes]]:
    """The time and the ``v1`` signatures of the header."""
    stamps: list[str] = []
    signatures: list[bytes] = []
    for part in text.split(","):
        found = _PART.fullmatch(part)
        if found is None:
            raise ForgedRequest("the signature header is not in Stripe's form")
        if found[1] == "t":
            stamps.append(found[2])
        elif found[1] == "v1":
            signatures.append(decode_hex_strict(found[2]))
    if len(stamps) != 1:
        raise ForgedRequest("the signature header does not hold one time")
    if not 1 <= len(signatures) <= SIGNATURES_MAX:
        raise ForgedRequest("the signature header holds no signature, or too many")
    return stamps[0], signatures


def _parse(body: bytes) -> Mapping[str, object]:
    if len(body) > BODY_MAX_BYTES:
        raise ForgedRequest("the body is larger than Stripe's are", status=400)
    try:
        event = loads_strict(body)
    except BadJson as error:
        raise ForgedRequest(f"the body is not JSON: {error}", status=400) from error
    if not isinstance(event, dict) or event.get("object") != "event":
        raise ForgedRequest("the body is not an event", status=400)
    return event


def _notice(event: Mapping[str, object]) -> Notice | None:
    """The notice of an event; ``None`` for one that tells of nothing we know."""
    type, id = event.get("type"), event.get("id")
    if not isinstance(type, str) or not isinstance(id, str) or not _EVENT_ID.fullmatch(id):
        raise ForgedRequest("the event has no id or does not say what happened", status=400)
    object = OBJECT_OF_TYPE.get(type)
    if object is None:
        return None
    data = event.get("data")
    about = data.get("object") if isinstance(data, dict) else None
    if not isinstance(about, dict) or about.get("object") != SINGULAR[object]:
        raise ForgedRequest("the event does not hold the record it is about", status=400)
    record = about.get("id")
    if not isinstance(record, str) or not _ID.fullmatch(record):
        raise ForgedRequest("the event names a record by something that is no id", status=400)
    return Notice(Ref(object, record), kind_of(type), id, _occurred_at(event.get("created")))


def _occurred_at(created: object) -> datetime | None:
    if not isinstance(created, int) or isinstance(created, bool) or not 0 <= created < 10**11:
        return None
    return datetime.fromtimestamp(created, UTC)
