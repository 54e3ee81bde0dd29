"""Sending webhooks the way HubSpot does, and the API that sets them up.

Reference: developers.hubspot.com, "Webhooks" and "Validating requests from HubSpot".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import orjson

from sandbox.emit import Target
from sandbox.hubspot import paths
from sandbox.hubspot.account import Account
from sandbox.hubspot.errors import ApiError, bad_request, not_found
from sandbox.hubspot.events import KINDS, NEVER_TOLD, Subscription
from sandbox.hubspot.oauth import CLIENT_SECRET, DEVELOPER_KEY
from sandbox.hubspot.render import body_object
from sandbox.hubspot.values import EPOCH
from sandbox.messages import Json, Request, Response, json_response
from sandbox.routes import Handler, Route
from sandbox.simulator import BadCommand

if TYPE_CHECKING:
    from sandbox.hubspot.simulator import HubSpot

BATCH_MAX: Final = 100
ANSWER_WAIT_SECONDS: Final = 5.0
# Ten more tries within 24 hours; up to 9 % of jitter is added to each wait.
RETRY_SECONDS: Final = (60, 300, 900, 1800, 3600, 7200, 10_800, 14_400, 18_000, 21_600)
TOLERANCE: Final = timedelta(minutes=5)
_DECODED: Final = {
    "%3A": ":",
    "%2F": "/",
    "%3F": "?",
    "%40": "@",
    "%21": "!",
    "%24": "$",
    "%27": "'",
    "%28": "(",
    "%29": ")",
    "%2A": "*",
    "%2C": ",",
    "%3B": ";",
}
_ESCAPES = re.compile("|".join(_DECODED), re.IGNORECASE)


def signed_url(url: str) -> str:
    """The URL as it is hashed: only the documented escapes are decoded."""
    return _ESCAPES.sub(lambda match: _DECODED[match[0].upper()], url)


def signature_v3(secret: str, method: str, url: str, body: bytes, timestamp: str) -> str:
    """The value of ``X-HubSpot-Signature-v3``."""
    text = method.encode() + signed_url(url).encode() + body + timestamp.encode()
    return base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha256).digest()).decode()


class HubSpotWebhooks:
    """The vendor's batching, signing and retry schedule."""

    batch_max = BATCH_MAX
    answer_wait_seconds = ANSWER_WAIT_SECONDS

    def render(self, events: Sequence[Json], attempt: int) -> bytes:
        """A JSON array; each event says which attempt this is."""
        return orjson.dumps([{**event, "attemptNumber": attempt} for event in events])

    def headers(
        self, target: Target, body: bytes, sent_at: datetime, signature: str
    ) -> Mapping[str, str]:
        """v3 and, as the vendor does, the old v1 signature beside it."""
        common = {"Content-Type": "application/json", "User-Agent": "HubSpot Webhooks"}
        if signature == "missing":
            return common
        moved = {"old": -2 * TOLERANCE, "future": 2 * TOLERANCE}.get(signature, timedelta(0))
        timestamp = str((sent_at + moved - EPOCH) // timedelta(milliseconds=1))
        secret = target.secret + ("-not" if signature == "wrong" else "")
        return {
            **common,
            "X-HubSpot-Signature-Version": "v1",
            "X-HubSpot-Signature": hashlib.sha256(secret.encode() + body).hexdigest(),
            "X-HubSpot-Request-Timestamp": timestamp,
            "X-HubSpot-Signature-v3": signature_v3(
                secret, "POST", target.signed_url, body, timestamp
            ),
        }

    def retry_after(self, attempt: int, chance: random.Random) -> timedelta | None:
        """Ten more tries, then never."""
        if attempt >= len(RETRY_SECONDS):
            return None
        return timedelta(seconds=RETRY_SECONDS[attempt] * (1 + chance.random() * 0.09))


def configure(simulator: HubSpot, body: Mapping[str, Json]) -> Json:
    """The admin's way to set the target and the subscriptions."""
    unknown = sorted(set(body) - {"url", "secret", "signed_url", "subscriptions", "paused"})
    if unknown:
        raise BadCommand(f"unknown keys: {', '.join(unknown)}")
    sender, events = simulator.sender, simulator.account.events
    if sender is None:
        raise BadCommand("webhooks are off")
    url = body.get("url")
    secret = str(body.get("secret") or CLIENT_SECRET)
    target = Target(str(url), secret, str(body.get("signed_url") or url)) if url else None
    sender.configure(target, paused=bool(body.get("paused", False)))
    wanted = body.get("subscriptions")
    if wanted is not None:
        events.subscriptions.clear()
        for row in wanted:
            events.subscribe(
                str(row["eventType"]), row.get("propertyName"), row.get("objectTypeId")
            )
    elif not events.subscriptions:
        events.subscribe_to_everything(simulator.account.schema.types.values())
    return {
        "url": url,
        "paused": sender.paused,
        "subscriptions": [s.as_json() for s in events.subscriptions.values()],
    }


class WebhooksApi:
    """Settings and subscriptions of an app. The numbered paths take a developer key in the query,
    the dated ones the ordinary token."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def routes(self) -> Iterator[Route]:
        """Both path styles of every handler."""
        rows: tuple[tuple[str, str, Handler], ...] = (
            ("GET", "settings", self._get_settings),
            ("PUT", "settings", self._put_settings),
            ("GET", "subscriptions", self._list),
            ("POST", "subscriptions", self._create),
            ("GET", "subscriptions/{id}", self._get),
            ("PATCH", "subscriptions/{id}", self._patch),
            ("DELETE", "subscriptions/{id}", self._delete),
        )
        for method, tail, handler in rows:
            path = f"/webhooks/v3/{{app}}/{tail}"
            known = frozenset({"hapikey"})
            yield Route(method, path, self._with_key(handler), known, open=True)
            for date in paths.DATED:
                yield Route(method, f"/webhooks/{date}/{{app}}/{tail}", handler)

    def _with_key(self, handler: Handler) -> Handler:
        def guarded(request: Request) -> Response:
            if request.first("hapikey") != DEVELOPER_KEY:
                refusal = self._account.simulator.authorize(request)
                if refusal is not None:
                    self._account.simulator.violation("unauthorized", "no developer key", request)
                    return refusal
            return handler(request)

        return guarded

    def _settings(self) -> dict[str, Json]:
        sender = self._account.simulator.sender
        target = sender.target if sender is not None else None
        return {
            "targetUrl": target.url if target else None,
            "throttling": {"maxConcurrentRequests": 10, "period": "SECONDLY"},
            "createdAt": "2026-01-01T00:00:00.000Z",
        }

    def _get_settings(self, _: Request) -> Response:
        return json_response(200, self._settings())

    def _put_settings(self, request: Request) -> Response:
        body = body_object(request)
        known = ("targetUrl", "throttling")
        self._account.simulator.expect_keys(request, body, known, "webhook settings")
        url = str(body.get("targetUrl") or "")
        sender = self._account.simulator.sender
        if not url.startswith(("https://", "http://127.0.0.1")) or sender is None:
            raise bad_request("targetUrl must be an https URL").refusal()
        sender.configure(Target(url, CLIENT_SECRET, url))
        return json_response(200, self._settings())

    def _list(self, _: Request) -> Response:
        rows = [s.as_json() for s in self._account.events.subscriptions.values()]
        return json_response(200, {"results": rows})

    def _one(self, request: Request) -> Subscription:
        id = request.parameters["id"]
        found = self._account.events.subscriptions.get(int(id) if id.isdigit() else -1)
        if found is None:
            raise not_found().refusal()
        return found

    def _get(self, request: Request) -> Response:
        return json_response(200, self._one(request).as_json())

    def _create(self, request: Request) -> Response:
        body = body_object(request)
        known = ("eventType", "propertyName", "objectTypeId", "active")
        self._account.simulator.expect_keys(request, body, known, "subscription")
        if "active" not in body and "/v3/" not in request.path:
            raise bad_request("Invalid input JSON: active is required").refusal()
        made = self._checked(body)
        events = self._account.events
        for existing in events.subscriptions.values():
            if _address(existing) == made:
                raise ApiError("The subscription already exists", status=409).refusal()
        subscription = events.subscribe(*made)
        subscription.active = bool(body.get("active", False))
        self._account.simulator.touch()
        return json_response(201, subscription.as_json())

    def _checked(self, body: dict[str, Json]) -> tuple[str, str | None, str | None]:
        event_type = str(body.get("eventType"))
        word, _, kind = event_type.partition(".")
        singulars = {t.singular for t in self._account.schema.types.values()} | {"object"}
        if word not in singulars or kind not in KINDS:
            raise bad_request(f"{event_type} is not a valid eventType").refusal()
        name, object_type_id = body.get("propertyName"), body.get("objectTypeId")
        if kind == "propertyChange" and (not name or name in NEVER_TOLD):
            raise bad_request(f"propertyName {name} cannot be subscribed to").refusal()
        if word == "object" and self._account.schema.find(str(object_type_id)) is None:
            raise bad_request("objectTypeId is required for object.* subscriptions").refusal()
        return event_type, name, object_type_id

    def _patch(self, request: Request) -> Response:
        subscription, body = self._one(request), body_object(request)
        self._account.simulator.expect_keys(request, body, ("active",), "subscription")
        subscription.active = bool(body.get("active"))
        self._account.simulator.touch()
        return json_response(200, subscription.as_json())

    def _delete(self, request: Request) -> Response:
        del self._account.events.subscriptions[self._one(request).id]
        self._account.simulator.touch()
        return Response(204)


def _address(subscription: Subscription) -> tuple[str, str | None, str | None]:
    return subscription.event_type, subscription.property_name, subscription.object_type_id
