"""DealHub's webhooks: the credentials that were agreed, then the address of a quote.

developers.dealhub.io, "Webhooks overview": Token, Basic or no authentication, no signature, no time
that is signed, no published retries. So a webhook is a hint to read a quote and never more. How the
envelope is nested is not shown there: its fields are looked for one level deep as well. Imports no
HTTP client.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

from connectors.dealhub.objects import QUOTES
from connectors.dealhub.options import AUTH_MODES
from connectors.errors import ForgedRequest
from connectors.records import Answer, Notice, NoticeKind, Receipt, Ref, WebhookRequest
from connectors.signatures import only_header, same
from connectors.transport_json import BadJson, Json, loads_strict

BODY_MAX_BYTES: Final = 256 * 1024
DEPTH_MAX: Final = 16
TAKEN: Final = Answer(200)

_BEARER: Final = re.compile(r"[Bb]earer ([\x21-\x7e]{1,4096})", re.ASCII)
_BASIC: Final = re.compile(r"[Bb]asic ([A-Za-z0-9+/]{1,1000}={0,2})", re.ASCII)
_QUOTE_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,16}", re.ASCII)
_EVENT_ID: Final = re.compile(r"[\x21-\x7e]{1,200}", re.ASCII)
_HEADER_MAX: Final = 4_200


def receive(settings: Mapping[str, str], request: WebhookRequest) -> Receipt:
    """The quote that an event is about; events about anything else are taken in and tell nothing.

    Raises:
        ForgedRequest: the credentials are not ours (401), or this is no event of DealHub's (400).
    """
    verify(settings, request)
    body = _parse(request.body)
    info = _value(body, "event_info")
    quote = _value(body, "dealhub_quote_id")
    if not isinstance(info, Mapping) and quote is None:
        raise ForgedRequest("the body is no event of DealHub's", status=400)
    if quote is None or quote == "":
        return Receipt((), TAKEN)
    if not isinstance(quote, str) or not _QUOTE_ID.fullmatch(quote):
        raise ForgedRequest("the event does not hold a quote's id", status=400)
    notice = Notice(Ref(QUOTES, quote), NoticeKind.CHANGED, _event_key(request, info, quote))
    return Receipt((notice,), TAKEN)


def verify(settings: Mapping[str, str], request: WebhookRequest) -> None:
    """Raise ``ForgedRequest`` unless the request carries the credentials of the settings."""
    match settings.get("webhook_auth") or AUTH_MODES[0]:
        case "none":
            return
        case "bearer":
            _verify_bearer(settings.get("webhook_token", ""), request)
        case "basic":
            _verify_basic(settings, request)
        case _:
            raise ForgedRequest(f"webhook_auth is none of {', '.join(AUTH_MODES)}")


def _verify_bearer(token: str, request: WebhookRequest) -> None:
    if not token:
        raise ForgedRequest("no webhook_token is configured")
    given = _BEARER.fullmatch(only_header(request, "authorization", max_characters=_HEADER_MAX))
    if given is None or not same(token.encode(), given[1].encode("ascii")):
        raise ForgedRequest("the webhook's token is wrong")


def _verify_basic(settings: Mapping[str, str], request: WebhookRequest) -> None:
    user, password = settings.get("webhook_user", ""), settings.get("webhook_password", "")
    if not user or not password:
        raise ForgedRequest("no webhook_user and webhook_password are configured")
    given = _BASIC.fullmatch(only_header(request, "authorization", max_characters=_HEADER_MAX))
    # Compared as text: two spellings of base64 may mean the same bytes.
    expected = base64.b64encode(f"{user}:{password}".encode())
    if given is None or not same(expected, given[1].encode("ascii")):
        raise ForgedRequest("the webhook's user or password is wrong")


def _parse(body: bytes) -> Mapping[str, Json]:
    if len(body) > BODY_MAX_BYTES:
        raise ForgedRequest("the body is larger than webhooks are", status=400)
    try:
        parsed = loads_strict(body, depth_max=DEPTH_MAX)
    except BadJson as error:
        raise ForgedRequest(f"the body is not JSON: {error}", status=400) from error
    if not isinstance(parsed, dict):
        raise ForgedRequest("the body is not an object", status=400)
    return parsed


def _value(body: Mapping[str, Json], name: str) -> Json:
    """A field of the envelope, at its top or one level down, stray quotes around keys aside."""
    for level in _levels(body):
        for key, value in level.items():
            if key.strip('"') == name:
                return value
    return None


def _levels(body: Mapping[str, Json]) -> Iterator[Mapping[str, Json]]:
    yield body
    for key, value in body.items():
        # What an administrator adds may be called like a field of the envelope.
        if isinstance(value, dict) and key.strip('"') != "additional_data":
            yield value


def _event_key(request: WebhookRequest, info: Json, quote: str) -> str:
    """The event's own id. Without one its body and the minute of arrival name it: a repeat within
    the minute is the same event, a later one is one more hint."""
    event = _value(info, "event_id") if isinstance(info, dict) else None
    if isinstance(event, str) and _EVENT_ID.fullmatch(event):
        return f"event:{event}"
    digest = hashlib.sha256(request.body).hexdigest()
    parts = [quote, f"{request.received_at:%Y-%m-%dT%H:%M}", digest]
    return "body:" + hashlib.sha256(json.dumps(parts).encode()).hexdigest()
