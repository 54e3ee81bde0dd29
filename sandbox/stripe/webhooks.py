"""Webhook endpoints and what is sent to them. Reference: docs.stripe.com/webhooks and
docs.stripe.com/webhooks/signature."""

from __future__ import annotations

import hashlib
import hmac
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from typing import Final

import orjson

from sandbox.clock import VirtualClock
from sandbox.emit import Delivery, Emission, Sender, Target
from sandbox.messages import Json
from sandbox.stripe.account import API_VERSION, Account
from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.service import Call, Endpoint, Reading, writing
from sandbox.stripe.store import Record, merged_metadata

TOLERANCE: Final = timedelta(minutes=5)
ANSWER_WAIT_SECONDS: Final = 10.0
TEST_RETRY_SECONDS: Final = (1800, 3600, 7200)  # three more tries over a few hours
LIVE_RETRY_SECONDS: Final = (300, 1800, 7200, 18_000, 36_000, *(43_200,) * 5)  # about three days
ROLLING_SECONDS: Final = 86_400
_TEXT: Final = ("url", "description", "enabled_events")


@cache
def known_events() -> frozenset[str]:
    """Every event name of this API version, and the wildcard."""
    text = resources.files("sandbox.stripe").joinpath("event_types.txt").read_text("utf-8")
    return frozenset(text.split())


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """A ``v1`` value: HMAC-SHA-256 over the timestamp, a dot and the raw body."""
    signed = str(timestamp).encode() + b"." + body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def roll(secrets: str, secret: str, until: datetime) -> str:
    """The secrets of a target, one per line, newest first, each older one with its last instant."""
    newest, *older = secrets.split("\n")
    return "\n".join((secret, f"{newest} {until.timestamp():.0f}", *older))


def current(secrets: str, at: datetime) -> list[str]:
    """The secrets that sign at an instant, newest first."""
    rows = (line.partition(" ") for line in secrets.split("\n"))
    return [secret for secret, _, until in rows if not until or int(until) > at.timestamp()]


class StripeWebhooks:
    """One event per request, signed with every secret that is valid while one is rolled."""

    batch_max = 1
    answer_wait_seconds = ANSWER_WAIT_SECONDS

    def __init__(self, *, livemode: bool = False) -> None:
        self._waits = LIVE_RETRY_SECONDS if livemode else TEST_RETRY_SECONDS

    def render(self, events: Sequence[Json], attempt: int) -> bytes:  # noqa: ARG002
        """The event, spread over lines as the vendor does: only the raw bytes verify."""
        return orjson.dumps(events[0], option=orjson.OPT_INDENT_2)

    def headers(
        self, target: Target, body: bytes, sent_at: datetime, signature: str
    ) -> Mapping[str, str]:
        """``Stripe-Signature`` with a ``v1`` per secret, and a ``v0`` that nobody checks."""
        common = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }
        if signature == "missing":
            return common
        moved = {"old": -2 * TOLERANCE, "future": 2 * TOLERANCE}.get(signature, timedelta(0))
        timestamp = int((sent_at + moved).timestamp())
        secrets = current(target.secret, sent_at)
        if signature == "wrong":
            secrets = [f"{secret}-not" for secret in secrets]
        return {**common, "Stripe-Signature": signature_header(secrets, timestamp, body)}

    def retry_after(self, attempt: int, chance: random.Random) -> timedelta | None:  # noqa: ARG002
        """Three more tries in test mode, three days in live mode."""
        if attempt >= len(self._waits):
            return None
        return timedelta(seconds=self._waits[attempt])


def signature_header(secrets: Iterable[str], timestamp: int, body: bytes) -> str:
    """The value of ``Stripe-Signature``."""
    parts = [f"t={timestamp}"]
    parts += [f"v1={signature(secret, timestamp, body)}" for secret in secrets]
    return ",".join((*parts, f"v0={hashlib.sha256(body).hexdigest()}"))


class EventSender(Sender):
    """A sender that knows which events are still on their way."""

    def __init__(self, clock: VirtualClock, seed: int, *, livemode: bool = False) -> None:
        self.by_event: dict[str, list[Delivery]] = {}
        super().__init__(StripeWebhooks(livemode=livemode), clock, seed)

    def _queue(self, deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            self.by_event.setdefault(delivery.event.get("id", ""), []).append(delivery)
        super()._queue(deliveries)

    def clear(self) -> None:
        """Forget target, queue and reports."""
        super().clear()
        self.by_event.clear()


class Post:
    """Brings the events of an account to its endpoints, well or badly as the knobs say."""

    def __init__(self, clock: VirtualClock, seed: int, first: EventSender) -> None:
        self._clock, self._seed, self._first = clock, seed, first
        self._senders: dict[str, EventSender] = {}
        self.duplicates = 0
        self.shuffle = False
        self.drop_every = 0
        self.delay_seconds = 0.0
        self._seen = 0

    def sender_of(self, endpoint: Record) -> EventSender:
        """The sender of an endpoint, its target set. The first endpoint has the shared one."""
        found = self._senders.get(endpoint["id"])
        if found is None:
            taken = self._first in self._senders.values()
            found = EventSender(self._clock, self._seed) if taken else self._first
            self._senders[endpoint["id"]] = found
        target = Target(endpoint["url"], endpoint["_secrets"], endpoint["url"])
        if found.target != target:
            found.configure(target, paused=found.paused)
        return found

    def deliver(self, account: Account, events: Sequence[Record]) -> None:
        """Queue events for every enabled endpoint that wants them."""
        endpoints = [row for row in account.rows("webhook_endpoints") if row["status"] == "enabled"]
        kept = [event for event in events if not self._dropped()]
        for endpoint in reversed(endpoints):
            wanted = set(endpoint["enabled_events"])
            chosen = tuple(
                {**event, "pending_webhooks": len(endpoints)}
                for event in kept
                if "*" in wanted or event["type"] in wanted
            )
            sender = self.sender_of(endpoint)
            if not chosen or sender.paused:
                continue
            if self.duplicates or self.shuffle or self.delay_seconds:
                order = "shuffle" if self.shuffle else "given"
                seed = self._seed + self._seen
                sender.emit(Emission(chosen, self.duplicates, order, seed, self.delay_seconds))
            else:
                sender.submit(chosen)

    def _dropped(self) -> bool:
        self._seen += 1
        return self.drop_every > 0 and self._seen % self.drop_every == 0

    def pending(self, event: str) -> int:
        """How many endpoints have not accepted an event yet."""
        rows = (sender.by_event.get(event, ()) for sender in self._senders.values())
        return sum(any(delivery.accepted_at is None for delivery in row) for row in rows if row)

    def forget(self, endpoint: str) -> None:
        """An endpoint was deleted; nothing more is sent to it, not even what is owed."""
        sender = self._senders.pop(endpoint, None)
        if sender is None:
            return
        sender.clear()
        if sender is not self._first:
            sender.stop()

    def stop(self) -> None:
        """End the background threads but the shared one's."""
        for sender in self._senders.values():
            if sender is not self._first:
                sender.stop()


def new_endpoint(account: Account, fields: Mapping[str, Json], secret: str | None = None) -> Record:
    """An endpoint; its secret is shown in the answer that creates it, and never again."""
    events = list(fields["enabled_events"])
    unknown = [event for event in events if event not in known_events()]
    if unknown or not events:
        raise invalid(f"Invalid enabled_events: {', '.join(unknown) or 'none'}", "enabled_events")
    url = str(fields["url"])
    if not url.startswith(("https://", "http://")) or (
        account.livemode and not url.startswith("https://")
    ):
        raise invalid("Invalid URL: an explicit scheme (such as https) must be provided.", "url")
    return account.create(
        "webhook_endpoints",
        {
            "api_version": fields.get("api_version"),
            "application": None,
            "description": fields.get("description"),
            "enabled_events": events,
            "metadata": merged_metadata(None, fields.get("metadata")),
            "status": "enabled",
            "url": url,
            "_secrets": secret or account.new_id("whsec", 32),
        },
    )


def roll_secret(account: Account, id: str, fields: Mapping[str, Json]) -> Record:
    """A person rolls a secret in the Dashboard; the old one signs on for up to 24 hours."""
    endpoint = account.find("webhook_endpoints", id)
    secret = str(fields.get("secret") or account.new_id("whsec", 32))
    seconds = int(fields.get("expires_in_seconds", ROLLING_SECONDS))
    until = datetime.fromtimestamp(account.now(), UTC) + timedelta(seconds=seconds)
    secrets = roll(endpoint["_secrets"], secret, until)
    changed = account.change("webhook_endpoints", id, {"_secrets": secrets})
    return {**account.render("webhook_endpoints", changed), "secret": secret}


def endpoints(post: Post) -> Iterator[Endpoint]:
    """The API of webhook endpoints."""

    def create(call: Call) -> Record:
        fields = call.given("url", "enabled_events", "api_version", "description", "metadata")
        if fields.get("api_version") not in {None, API_VERSION}:
            raise invalid(f"Only events of {API_VERSION} are simulated", "api_version")
        made = new_endpoint(call.account, fields)
        return {**made, "secret": made["_secrets"]}

    def update(call: Call) -> Record:
        old = call.account.find("webhook_endpoints", call.id)
        fields = call.account.merged(old, call.given(*_TEXT, "metadata"))
        if call.has("disabled"):
            fields["status"] = "disabled" if call.get("disabled") else "enabled"
        return call.account.change("webhook_endpoints", call.id, fields)

    def delete(call: Call) -> Record:
        found = call.account.find("webhook_endpoints", call.id)
        if found.get("deleted"):
            raise missing("webhook_endpoint", call.id)
        call.account.store.erase("webhook_endpoints", call.id)
        post.forget(call.id)
        return {"id": call.id, "object": "webhook_endpoint", "deleted": True}

    table = "webhook_endpoints"
    yield from Reading(table, "webhook_endpoint.list").endpoints()
    yield writing(table, "", "webhook_endpoint.create", create, "create")
    yield writing(table, "/{id}", "webhook_endpoint.modify", update)
    yield writing(table, "/{id}", "retrieve", delete, "delete", "DELETE")
