"""Webhooks: a POST per event, unsigned, never sent again when it fails.

developers.dealhub.io, "Webhooks overview": authentication is none, Basic or a bearer token; a retry
policy is not published. Where the options want it, deliveries come late, mixed up, twice or not.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from sandbox.clock import VirtualClock
from sandbox.dealhub.tenant import Event, Settings, Tenant
from sandbox.dealhub.values import Row, dump_json, made_id, stamp
from sandbox.emit import Delivery, Sender, Target
from sandbox.messages import Json
from sandbox.simulator import BadCommand

EVENTS: Final = (
    "draftQuote", "primaryQuote", "quotePendingApproval", "quoteReady", "quoteRejected",
    "quoteRecalled", "quotePublished", "quoteUnpublished", "quoteWon", "version", "user",
    "productsUpload", "Failure WebHook v1", "crmImport", "DEALROOM_EVENT",
)  # fmt: skip
_AUTH: Final = ("none", "basic", "bearer")
_CONFIG: Final = frozenset({"url", "auth", "username", "password", "token", "events", "paused"})


class WebhookFormat:
    """One event per request, with whatever credentials were configured."""

    batch_max = 1
    answer_wait_seconds = 10.0

    def render(self, events: Sequence[Json], attempt: int) -> bytes:  # noqa: ARG002
        """The event and nothing around it."""
        return dump_json(events[0])

    def headers(
        self,
        target: Target,
        body: bytes,  # noqa: ARG002
        sent_at: datetime,  # noqa: ARG002
        signature: str,
    ) -> Mapping[str, str]:
        """The credentials; ``wrong`` ones, or none when ``missing``."""
        common = {"Content-Type": "application/json"}
        scheme, _, secret = target.secret.partition(" ")
        if not secret or signature == "missing":
            return common
        if signature == "wrong":
            secret += "-not"
        if scheme == "Basic":
            secret = base64.b64encode(secret.encode()).decode()
        return {**common, "Authorization": f"{scheme} {secret}"}

    def retry_after(self, attempt: int, chance: random.Random) -> timedelta | None:  # noqa: ARG002
        """No retry policy is published."""
        return None


class WebhookSender(Sender):
    """A sender that is as late, forgetful and repetitive as the options say."""

    def __init__(self, clock: VirtualClock, seed: int) -> None:
        super().__init__(WebhookFormat(), clock, seed)
        self._lateness = random.Random(f"dealhub-webhooks-{seed}")
        self._count = 0

    def send(self, events: Sequence[Json], settings: Settings) -> None:
        """Queue what just happened."""
        with self._wake:
            if self.target is None or self.paused or self._stopped:
                return
            for event in events:
                self._count += 1
                if _nth(self._count, settings.webhook_drop_every):
                    continue
                copies = 2 if _nth(self._count, settings.webhook_repeat_every) else 1
                self._queue(
                    [Delivery(event, self._due(settings), self.target) for _ in range(copies)]
                )

    def _due(self, settings: Settings) -> datetime:
        jitter = self._lateness.random() * settings.webhook_jitter_seconds
        return self._clock.now() + timedelta(seconds=settings.webhook_delay_seconds + jitter)


def _nth(count: int, every: int) -> bool:
    return every > 0 and count % every == 0


def configure(sender: WebhookSender, body: Mapping[str, Json]) -> tuple[str, ...]:
    """Set where events go and which; the events told of. Raises ``BadCommand``."""
    if unknown := sorted(set(body) - _CONFIG):
        raise BadCommand(f"unknown keys: {', '.join(unknown)}")
    auth = str(body.get("auth", "none"))
    if auth not in _AUTH:
        raise BadCommand(f"auth is one of {', '.join(_AUTH)}")
    wanted = tuple(body.get("events") or EVENTS)
    if unknown := sorted(set(wanted) - set(EVENTS)):
        raise BadCommand(f"unknown events: {', '.join(unknown)}")
    url = body.get("url")
    secret = ""
    if auth == "basic":
        secret = f"Basic {body['username']}:{body['password']}"
    elif auth == "bearer":
        secret = f"Bearer {body['token']}"
    target = Target(str(url), secret, str(url)) if url else None
    sender.configure(target, paused=bool(body.get("paused", False)))
    return wanted


def body_of(tenant: Tenant, event: Event) -> Row:
    """The envelope of one event."""
    number = tenant.count_up("event")
    info = {
        "webhook_id": made_id("webhook", event.name),
        "event_id": made_id(tenant.seed, "event", number),
        "api_version": "1.0",
    }
    if event.request is not None:
        info["request_id"] = event.request
    return {
        "event_info": info,
        "execution_date": stamp(tenant.now()),
        "executed_by": event.by,
        "impersonated_by": "",
        "dealhub_quote_id": event.quote,
        "dealhub_opportunity_id": event.opportunity,
        "additional_data": {},
    }
