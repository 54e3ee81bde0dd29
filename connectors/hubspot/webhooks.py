"""HubSpot's webhooks: verified over the raw bytes, then read as addresses. Imports no SDK.

From developers.hubspot.com "Webhooks" and "Validating requests". Only v3 signatures are accepted:
v1 and v2 are unkeyed hashes without a time, which anybody who once saw a request can replay.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from connectors.errors import ForgedRequest
from connectors.hubspot.objects import BY_SINGULAR, BY_TYPE_ID
from connectors.hubspot.properties import from_milliseconds
from connectors.records import Notice, NoticeKind, Receipt, Ref, WebhookRequest
from connectors.signatures import (
    decode_base64_strict,
    hmac_sha256,
    only_header,
    parse_timestamp,
    require_fresh,
    same,
)
from connectors.transport_json import BadJson, loads_strict

EVENTS_MAX: Final = 1000  # HubSpot sends up to 100 per request
BODY_MAX_BYTES: Final = 4 * 1024 * 1024
DEPTH_MAX: Final = 16

# The only escapes HubSpot decodes in the URL before it signs ("Validate requests using the v3
# request signature").
_DECODED: Final = {
    "%3A": ":", "%2F": "/", "%3F": "?", "%40": "@", "%21": "!", "%24": "$",
    "%27": "'", "%28": "(", "%29": ")", "%2A": "*", "%2C": ",", "%3B": ";",
}  # fmt: skip
_ESCAPE: Final = re.compile("|".join(_DECODED), re.IGNORECASE)
_PLAIN_ID: Final = re.compile(r"[0-9]{1,20}", re.ASCII)
_TYPE_ID: Final = re.compile(r"[0-9]{1,6}-[0-9]{1,12}", re.ASCII)

_KINDS: Final = {
    "creation": NoticeKind.CREATED,
    "propertyChange": NoticeKind.CHANGED,
    "deletion": NoticeKind.DELETED,
    "privacyDeletion": NoticeKind.DELETED,
    "restore": NoticeKind.RESTORED,
    "merge": NoticeKind.MERGED,
    "associationChange": NoticeKind.ASSOCIATED,
}
# A child's association event is about the parent: the child shows nothing of it.
_CHILDREN: Final = frozenset({"line_items"})


def receive(settings: Mapping[str, str], request: WebhookRequest) -> Receipt:
    """The events of a webhook request.

    Raises:
        ForgedRequest: the request is not provably HubSpot's (401), or is HubSpot's and cannot be
            read (400).
    """
    verify(settings, request)
    events = _parse(request.body)
    portal = settings.get("portal_id", "").strip()
    notices = tuple(
        notice
        for event in events
        if not portal or str(event.get("portalId")) == portal
        if (notice := _notice(event)) is not None
    )
    return Receipt(notices)


def verify(settings: Mapping[str, str], request: WebhookRequest) -> None:
    """Raise ``ForgedRequest`` unless the v3 signature holds for the configured public URL."""
    secrets = [settings.get(name, "") for name in ("client_secret", "client_secret_previous")]
    given = decode_base64_strict(only_header(request, "x-hubspot-signature-v3"))
    stamp = only_header(request, "x-hubspot-request-timestamp")
    require_fresh(parse_timestamp(stamp, milliseconds=True), request.received_at)
    text = f"{request.method.upper()}{signed_url(request.url)}".encode()
    keys = [secret.encode() for secret in secrets if secret]
    if not keys:
        raise ForgedRequest("no client secret is configured, so nothing can be verified")
    stamped = stamp.encode("ascii")
    matches = [same(hmac_sha256(key, text, request.body, stamped), given) for key in keys]
    if True not in matches:
        raise ForgedRequest("the signature does not match the request")


def signed_url(url: str) -> str:
    """The URL as HubSpot spells it when it signs: a dozen escapes decoded, once, no others."""
    return _ESCAPE.sub(lambda found: _DECODED[found.group().upper()], url)


def _parse(body: bytes) -> Sequence[Mapping[str, object]]:
    if len(body) > BODY_MAX_BYTES:
        raise ForgedRequest("the body is larger than HubSpot's are", status=400)
    try:
        parsed = loads_strict(body, depth_max=DEPTH_MAX)
    except BadJson as error:
        raise ForgedRequest(f"the body is not JSON: {error}", status=400) from error
    if not isinstance(parsed, list) or len(parsed) > EVENTS_MAX:
        raise ForgedRequest(f"the body is not a list of at most {EVENTS_MAX} events", status=400)
    events = [event for event in parsed if isinstance(event, dict)]
    if len(events) < len(parsed):
        raise ForgedRequest("the body holds something that is not an event", status=400)
    return events


def _notice(event: Mapping[str, object]) -> Notice | None:
    """The notice of one event; ``None`` for an object or a subscription that means nothing here."""
    subscription = event.get("subscriptionType")
    if not isinstance(subscription, str) or not subscription:
        raise ForgedRequest("an event does not say what happened", status=400)
    subject, _, what = subscription.partition(".")
    kind = _KINDS.get(what)
    if kind is None:
        return None
    object = _object_of(subject, event.get("objectTypeId"))
    if object is None:
        return None
    return _BUILDERS.get(kind, _plain)(object, kind, event)


def _object_of(subject: str, type_id: object) -> str | None:
    """The object's name: by its singular, or by type id for the generic ``object.*`` events."""
    if subject != "object":
        return BY_SINGULAR.get(subject)
    if not isinstance(type_id, str) or not _TYPE_ID.fullmatch(type_id):
        return None
    return BY_TYPE_ID.get(type_id, type_id)


def _plain(object: str, kind: NoticeKind, event: Mapping[str, object]) -> Notice:
    return Notice(Ref(object, _id(event, "objectId")), kind, event_key(event), occurred_at(event))


def _merged(object: str, kind: NoticeKind, event: Mapping[str, object]) -> Notice:
    """A merge: the survivor is a new record where ``newObjectId`` says so."""
    primary = _id(event, "primaryObjectId", "objectId")
    survivor = _id(event, "newObjectId") if event.get("newObjectId") else primary
    losers = event.get("mergedObjectIds")
    named = [_plain_id(id) for id in losers] if isinstance(losers, list) else []
    absorbed = tuple(sorted({*named, primary} - {survivor}))
    return Notice(
        Ref(object, survivor), kind, event_key(event), occurred_at(event), absorbed=absorbed
    )


def _associated(object: str, kind: NoticeKind, event: Mapping[str, object]) -> Notice | None:
    """A new or removed association, told from the side of the parent where there is one."""
    other = _other_end(event)
    here = Ref(object, _id(event, "fromObjectId"))
    there = Ref(other, _id(event, "toObjectId")) if other else None
    if there is not None and object in _CHILDREN and there.object not in _CHILDREN:
        here, there = there, here
    return Notice(here, kind, event_key(event), occurred_at(event), related=there)


def _other_end(event: Mapping[str, object]) -> str | None:
    """The object at the other end, from its type id or from a type such as ``DEAL_TO_CONTACT``."""
    type_id = event.get("toObjectTypeId")
    if isinstance(type_id, str) and _TYPE_ID.fullmatch(type_id):
        return BY_TYPE_ID.get(type_id, type_id)
    _, found, target = str(event.get("associationType") or "").partition("_TO_")
    return BY_SINGULAR.get(target.lower()) if found else None


_BUILDERS: Final[
    Mapping[NoticeKind, Callable[[str, NoticeKind, Mapping[str, object]], Notice | None]]
] = {
    NoticeKind.MERGED: _merged,
    NoticeKind.ASSOCIATED: _associated,
}

_KEY_PARTS: Final = (
    "portalId",
    "subscriptionType",
    "objectTypeId",
    "objectId",
    "primaryObjectId",
    "newObjectId",
    "fromObjectId",
    "toObjectId",
    "associationType",
    "associationTypeId",
    "associationRemoved",
    "propertyName",
    "occurredAt",
    "eventId",
)


def event_key(event: Mapping[str, object]) -> str:
    """A name for the event that its redeliveries share.

    ``eventId`` alone is not unique (HubSpot says so), so everything that tells two events apart is
    in the key; ``attemptNumber`` and the subscription's number are not, since they may differ.
    """
    return json.dumps([event.get(part) for part in _KEY_PARTS], separators=(",", ":"))


def occurred_at(event: Mapping[str, object]) -> datetime | None:
    """When HubSpot says that it happened."""
    count = event.get("occurredAt")
    if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count < 10**14:
        return None
    return from_milliseconds(count)


def _id(event: Mapping[str, object], *names: str) -> str:
    for name in names:
        if event.get(name) is not None:
            return _plain_id(event[name])
    raise ForgedRequest(f"an event has no {names[0]}", status=400)


def _plain_id(value: object) -> str:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not _PLAIN_ID.fullmatch(text):
        raise ForgedRequest("an event names a record by something that is not an id", status=400)
    return text
