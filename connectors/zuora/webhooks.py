"""Zuora's callouts: Basic authentication, then an address out of whatever an administrator sends.

Zuora Knowledge Center, "Callouts" and "Callout authentication": the body is made of the merge
fields that were chosen, by default the first request comes without credentials and wants a 401
with a challenge, and only a 200 counts as delivered. Nothing is signed, so a callout is never more
than a hint to read a record. Imports no HTTP client.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from connectors.errors import ForgedRequest
from connectors.records import Answer, Notice, NoticeKind, Receipt, Ref, WebhookRequest
from connectors.signatures import only_header, same
from connectors.transport_json import BadJson, loads_strict

BODY_MAX_BYTES: Final = 256 * 1024
DEPTH_MAX: Final = 16
CHALLENGE: Final = Answer(401, (("WWW-Authenticate", 'Basic realm="revline", charset="UTF-8"'),))
TAKEN: Final = Answer(200, (("Content-Type", "application/json"),), b'{"success":true}')

_BASIC: Final = re.compile(r"[Bb]asic ([A-Za-z0-9+/]{1,1000}={0,2})", re.ASCII)
_OBJECT: Final = re.compile(r"[A-Za-z][A-Za-z0-9_ -]{0,62}", re.ASCII)
_ID: Final = re.compile(r"[^\x00-\x1f\x7f]{1,255}")
_REQUEST_ID: Final = re.compile(r"[\x21-\x7e]{1,200}", re.ASCII)
# What Zuora calls the objects of its events ("baseObject").
_OBJECTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "account": "accounts",
        "contact": "contacts",
        "order": "orders",
        "orders": "orders",
        "subscription": "subscriptions",
        "rateplan": "rate_plans",
        "rateplancharge": "rate_plan_charges",
        "invoice": "invoices",
        "invoiceitem": "invoice_items",
        "payment": "payments",
        "paymentapplication": "payment_applications",
        "creditmemo": "credit_memos",
        "creditmemoitem": "credit_memo_items",
        "refund": "refunds",
        "usage": "usage",
        "product": "products",
        "productrateplan": "product_rate_plans",
        "productrateplancharge": "product_rate_plan_charges",
        "accountingperiod": "accounting_periods",
        "journalentry": "journal_entries",
    }
)
_OURS: Final = frozenset(_OBJECTS.values())


def receive(settings: Mapping[str, str], request: WebhookRequest) -> Receipt:
    """The event of a callout; a request without credentials is challenged and is no event.

    Raises:
        ForgedRequest: the credentials are not ours (401), or the callout says nothing we can
            follow (400).
    """
    if not any(name == "authorization" for name, _ in request.headers):
        return Receipt((), CHALLENGE)
    verify(settings, request)
    body = _parse(request.body)
    object = _object(settings, request, body)
    id = _id(settings, object, body)
    notice = Notice(Ref(object, id), NoticeKind.CHANGED, _event_key(request, object, id))
    return Receipt((notice,), TAKEN)


def verify(settings: Mapping[str, str], request: WebhookRequest) -> None:
    """Raise ``ForgedRequest`` unless the Basic credentials are those of the settings."""
    user, password = settings.get("callout_user", ""), settings.get("callout_password", "")
    if not user or not password:
        raise ForgedRequest("no callout_user and callout_password are configured")
    given = _BASIC.fullmatch(only_header(request, "authorization", max_characters=1_024))
    if given is None:
        raise ForgedRequest("the callout does not carry Basic credentials")
    expected = f"{user}:{password}".encode()
    # Compared as text too: two spellings of base64 may mean the same bytes.
    if not same(base64.b64encode(expected), given[1].encode("ascii")):
        raise ForgedRequest("the callout's user or password is wrong")
    try:
        decoded = base64.b64decode(given[1], validate=True)
    except binascii.Error:
        raise ForgedRequest("the callout's credentials are not base64") from None
    if not same(expected, decoded):
        raise ForgedRequest("the callout's user or password is wrong")


def _parse(body: bytes) -> Mapping[str, object]:
    if len(body) > BODY_MAX_BYTES:
        raise ForgedRequest("the body is larger than callouts are", status=400)
    try:
        parsed = loads_strict(body, depth_max=DEPTH_MAX)
    except BadJson as error:
        raise ForgedRequest(f"the body is not JSON: {error}", status=400) from error
    if not isinstance(parsed, dict):
        raise ForgedRequest("the body is not an object of parameters", status=400)
    return parsed


def _object(
    settings: Mapping[str, str], request: WebhookRequest, body: Mapping[str, object]
) -> str:
    """What the callout is about: by its address, else its parameters, else the settings."""
    query = dict(parse_qsl(urlsplit(request.url).query, max_num_fields=20))
    named = (
        query.get("object")
        or _value(body, settings.get("callout_object_field") or "object")
        or settings.get("callout_object")
    )
    if not isinstance(named, str) or not _OBJECT.fullmatch(named):
        raise ForgedRequest("the callout does not say which object it is about", status=400)
    return object_named(named)


def object_named(name: str) -> str:
    """Our name of an object that Zuora or an administrator names. Raises ``ForgedRequest``."""
    if name in _OURS or name.endswith("__c"):
        return name
    found = _OBJECTS.get(re.sub(r"[ _-]", "", name).lower())
    if found is None:
        raise ForgedRequest("the callout is about an object that is not known here", status=400)
    return found


def _id(settings: Mapping[str, str], object: str, body: Mapping[str, object]) -> str:
    names = _id_fields(settings.get("callout_id_field") or "id")
    field = names.get(object) or names.get("")
    value = _value(body, field) if field else None
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not _ID.fullmatch(value.strip()):
        raise ForgedRequest(
            "the callout does not hold the record's number where callout_id_field says", status=400
        )
    return value.strip()


def _id_fields(setting: str) -> Mapping[str, str]:
    """``object=field`` pairs; a lone name counts for every object (under the empty text)."""
    fields: dict[str, str] = {}
    for part in setting.split(","):
        object, equals, field = part.strip().partition("=")
        if equals:
            fields[object.strip()] = field.strip()
        elif object:
            fields[""] = object
    return fields


def _value(body: Mapping[str, object], field: str) -> object:
    """The parameter, whose name may lead into nested objects by dots."""
    if field in body:
        return body[field]
    here: object = body
    for step in field.split("."):
        here = here.get(step) if isinstance(here, Mapping) else None
    return here


def _event_key(request: WebhookRequest, object: str, id: str) -> str:
    """A name for the event. Two events may have the same body, so that alone is not enough:
    without the vendor's request id the minute of arrival counts, and a retry is one more hint."""
    sent = request.header("zuora-request-id") or ""
    when = sent if _REQUEST_ID.fullmatch(sent) else f"{request.received_at:%Y-%m-%dT%H:%M}"
    parts = [object, id, when, hashlib.sha256(request.body).hexdigest()]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
