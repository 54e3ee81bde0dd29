"""Connect's messages: verified over the raw bytes, then read as addresses. Imports no HTTP client.

developers.docusign.com, "Using HMAC security with Connect" and "Connect JSON (SIM) event model":
one header per active key, and it is enough that one of ours fits one of them, so that keys can be
changed without a gap. What is signed holds no time that could be checked: a message may be tried
again for days, and is told from its repeats by envelope, event and the time it was generated.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from connectors.docusign.objects import ENVELOPES
from connectors.docusign.settings import GUID
from connectors.errors import ForgedRequest
from connectors.records import Notice, NoticeKind, Receipt, Ref, WebhookRequest
from connectors.signatures import decode_base64_strict, hmac_sha256, only_header, same
from connectors.transport_json import BadJson, loads_strict
from connectors.values import parse_instant

BODY_MAX_BYTES: Final = 1024 * 1024
DEPTH_MAX: Final = 32
KEYS_MAX: Final = 100

_HEADER: Final = re.compile(r"x-docusign-signature-[1-9][0-9]{0,2}", re.ASCII)
_KEYS: Final = re.compile(r"[\s,]+")
_EVENT: Final = re.compile(r"(envelope|recipient)-[a-z-]{1,60}", re.ASCII)
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,79}", re.ASCII)
_KINDS: Final = {
    "envelope-created": NoticeKind.CREATED,
    "envelope-deleted": NoticeKind.DELETED,
}


def receive(settings: Mapping[str, str], request: WebhookRequest) -> Receipt:
    """The event of a message; none where it is about another account or no envelope.

    Raises:
        ForgedRequest: the message is not provably DocuSign's (401), is too large (413), or is
            DocuSign's and cannot be read (400).
    """
    if len(request.body) > BODY_MAX_BYTES:
        raise ForgedRequest("the body is larger than a message without documents", status=413)
    verify(settings, request)
    message = _parse(request.body)
    notice = _notice(settings, message)
    return Receipt((notice,) if notice is not None else ())


def keys_of(settings: Mapping[str, str]) -> tuple[bytes, ...]:
    """The configured HMAC keys."""
    parts = _KEYS.split(settings.get("connect_keys") or "")
    return tuple(dict.fromkeys(part.encode() for part in parts if part))[:KEYS_MAX]


def verify(settings: Mapping[str, str], request: WebhookRequest) -> None:
    """Raise ``ForgedRequest`` unless one of our keys has signed the body."""
    keys = keys_of(settings)
    if not keys:
        raise ForgedRequest("no connect_keys are configured, so nothing can be verified")
    names = dict.fromkeys(name for name, _ in request.headers if _HEADER.fullmatch(name))
    if not names or len(names) > KEYS_MAX:
        raise ForgedRequest("the message carries no signature")
    given = [decode_base64_strict(only_header(request, name)) for name in names]
    matched = False
    for key in keys:
        expected = hmac_sha256(key, request.body)
        for signature in given:
            # All of them are compared: how long it takes says nothing about which one fits.
            matched |= same(expected, signature)
    if not matched:
        raise ForgedRequest("the signature does not match the request")


def _parse(body: bytes) -> Mapping[str, object]:
    try:
        parsed = loads_strict(body, depth_max=DEPTH_MAX)
    except BadJson as error:
        raise ForgedRequest(f"the body is not JSON: {error}", status=400) from error
    if not isinstance(parsed, dict):
        raise ForgedRequest("the body is not one message", status=400)
    return parsed


def _notice(settings: Mapping[str, str], message: Mapping[str, object]) -> Notice | None:
    event, data = message.get("event"), message.get("data")
    if not isinstance(event, str) or not _NAME.fullmatch(event):
        raise ForgedRequest("the message does not say what happened", status=400)
    if not _EVENT.fullmatch(event):
        return None  # of templates, clickwraps and the like
    if not isinstance(data, Mapping):
        raise ForgedRequest("the message does not say to what it happened", status=400)
    id, recipient = data.get("envelopeId"), data.get("recipientId")
    if not isinstance(id, str) or not GUID.fullmatch(id.lower()):
        raise ForgedRequest("the message names no envelope", status=400)
    account = (settings.get("account_id") or "").strip().lower()
    if account and str(data.get("accountId")).lower() != account:
        return None
    at = message.get("generatedDateTime")
    # Two recipients may be done at one time, each an event of its own.
    who = recipient if isinstance(recipient, str) and event.startswith("recipient-") else None
    key = json.dumps([id.lower(), event, at if isinstance(at, str) else None, who])
    kind = _KINDS.get(event, NoticeKind.CHANGED)
    return Notice(Ref(ENVELOPES, id.lower()), kind, key, _instant(at))


def _instant(text: object) -> datetime | None:
    try:
        return parse_instant(text) if isinstance(text, str) else None
    except ValueError:
        return None
