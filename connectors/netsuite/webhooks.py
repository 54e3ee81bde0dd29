"""Notices from the script in NOTIFICATIONS.md: verified over the raw bytes, read as addresses.

NetSuite sends none by itself. The header is our own: ``X-Revline-Signature: t=…,v1=…``, where v1 is
the hexadecimal HMAC-SHA256 of the seconds in t, a full stop, and the body.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from connectors.errors import ForgedRequest
from connectors.netsuite.tables import spelled
from connectors.records import Notice, NoticeKind, Receipt, Ref, WebhookRequest
from connectors.signatures import (
    decode_hex_strict,
    hmac_sha256,
    only_header,
    parse_timestamp,
    require_fresh,
    same,
)
from connectors.transport_json import BadJson, loads_strict
from connectors.values import parse_instant

HEADER: Final = "x-revline-signature"
BODY_MAX_BYTES: Final = 65_536

_SHAPE: Final = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})", re.ASCII)
_ID: Final = re.compile(r"[0-9]{1,18}", re.ASCII)
_TYPE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}", re.ASCII)
_KINDS: Final = {"create": NoticeKind.CREATED, "delete": NoticeKind.DELETED}


def receive(settings: Mapping[str, str], request: WebhookRequest) -> Receipt:
    """The event of a notification.

    Raises:
        ForgedRequest: the request is not provably the script's (401), or cannot be read (400).
    """
    verify(settings, request)
    event = _parse(request.body)
    return Receipt((_notice(event),))


def verify(settings: Mapping[str, str], request: WebhookRequest) -> None:
    """Raise ``ForgedRequest`` unless the signature holds and is not older than five minutes."""
    keys = [settings.get(name, "") for name in ("webhook_secret", "webhook_secret_previous")]
    keys = [key for key in keys if key]
    if not keys:
        raise ForgedRequest("no webhook_secret is configured, so nothing can be verified")
    found = _SHAPE.fullmatch(only_header(request, HEADER))
    if found is None:
        raise ForgedRequest(f"the header {HEADER} is not of the form t=…,v1=…")
    stamp, given = found.groups()
    require_fresh(parse_timestamp(stamp, milliseconds=False), request.received_at)
    signed, wanted = f"{stamp}.".encode("ascii"), decode_hex_strict(given)
    matches = [same(hmac_sha256(key.encode(), signed, request.body), wanted) for key in keys]
    if True not in matches:
        raise ForgedRequest("the signature does not match the request")


def _parse(body: bytes) -> Mapping[str, object]:
    if len(body) > BODY_MAX_BYTES:
        raise ForgedRequest("the body is larger than the script's are", status=400)
    try:
        parsed = loads_strict(body, depth_max=4)
    except BadJson as error:
        raise ForgedRequest(f"the body is not JSON: {error}", status=400) from error
    if not isinstance(parsed, dict):
        raise ForgedRequest("the body is not one event", status=400)
    return parsed


def _notice(event: Mapping[str, object]) -> Notice:
    record_type, id = event.get("recordType"), event.get("id")
    if isinstance(id, int) and not isinstance(id, bool):
        id = str(id)
    if not isinstance(record_type, str) or not _TYPE.fullmatch(record_type):
        raise ForgedRequest("the event names no record type", status=400)
    if not isinstance(id, str) or not _ID.fullmatch(id):
        raise ForgedRequest("the event names a record by something that is no id", status=400)
    kind, at = event.get("eventType"), event.get("lastModified")
    # Two edits of one record differ by their time; the script sends each only once.
    key = json.dumps([record_type.lower(), id, kind, at], separators=(",", ":"), default=str)
    return Notice(
        Ref(spelled(record_type), id),
        _KINDS.get(str(kind), NoticeKind.CHANGED),
        key,
        _instant(at),
    )


def _instant(text: object) -> datetime | None:
    try:
        return parse_instant(text) if isinstance(text, str) else None
    except ValueError:
        return None
