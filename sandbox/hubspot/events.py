"""Webhook events: what is told, to whom, and in which words.

Reference: developers.hubspot.com, "Webhooks". Values of events are plain JSON scalars; ids are
numbers there, unlike everywhere else in the API.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from sandbox.clock import VirtualClock
from sandbox.hubspot.errors import PORTAL_ID
from sandbox.hubspot.schema import ObjectType
from sandbox.hubspot.store import Record
from sandbox.hubspot.values import EPOCH
from sandbox.messages import Json

APP_ID: Final = 5_400_001
NEVER_TOLD: Final = frozenset(
    {"hs_lastmodifieddate", "lastmodifieddate", "num_unique_conversion_events"}
)
KINDS: Final = (
    "creation",
    "deletion",
    "propertyChange",
    "merge",
    "restore",
    "associationChange",
    "privacyDeletion",
)


@dataclass(slots=True)
class Subscription:
    """One subscription; ``property_name`` ``"*"`` stands for every property (admin only)."""

    id: int
    event_type: str
    property_name: str | None = None
    object_type_id: str | None = None
    active: bool = True

    def as_json(self) -> dict[str, Json]:
        """The subscription as the webhooks API shows it."""
        shown: dict[str, Json] = {
            "id": str(self.id),
            "eventType": self.event_type,
            "active": self.active,
            "createdAt": "2026-01-01T00:00:00.000Z",
        }
        if self.property_name is not None:
            shown["propertyName"] = self.property_name
        if self.object_type_id is not None:
            shown["objectTypeId"] = self.object_type_id
        return shown


@dataclass(slots=True)
class Events:
    """Turns what happened into events for each matching subscription."""

    clock: VirtualClock
    chance: random.Random
    subscriptions: dict[int, Subscription] = field(default_factory=dict)
    log: list[dict[str, Json]] = field(default_factory=list)
    unsent: list[dict[str, Json]] = field(default_factory=list)
    next_subscription: int = 2_300_001
    source: str = "INTEGRATION"
    silent: bool = False

    def subscribe(
        self, event_type: str, property_name: str | None, object_type_id: str | None = None
    ) -> Subscription:
        """Add a subscription."""
        made = Subscription(self.next_subscription, event_type, property_name, object_type_id)
        self.subscriptions[made.id] = made
        self.next_subscription += 1
        return made

    def subscribe_to_everything(self, object_types: Iterable[ObjectType]) -> None:
        """What a set-up app has: every kind of event of every object."""
        for object_type in object_types:
            for kind in KINDS:
                if not _exists(object_type, kind):
                    continue
                custom = object_type.type_id.startswith("2-")
                word = "object" if custom else object_type.singular
                name = "*" if kind == "propertyChange" else None
                self.subscribe(f"{word}.{kind}", name, object_type.type_id if custom else None)

    def tell(self, record: Record, kind: str, **details: Json) -> None:
        """Note one happening; it is sent when the request that caused it is done."""
        if self.silent:
            return
        for subscription in self.subscriptions.values():
            if not subscription.active or not _matches(subscription, record.type, kind, details):
                continue
            self._add(subscription, record, details)

    def _add(self, subscription: Subscription, record: Record, details: Mapping[str, Json]) -> None:
        event = {
            "eventId": self.chance.randrange(10**9, 4 * 10**9),
            "subscriptionId": subscription.id,
            "portalId": PORTAL_ID,
            "appId": APP_ID,
            "occurredAt": int((self.clock.now() - EPOCH).total_seconds() * 1000),
            "subscriptionType": subscription.event_type,
            "attemptNumber": 0,
            "objectId": int(record.id),
            "changeSource": self.source,
            "sourceId": "userId:77" if self.source == "CRM_UI" else str(APP_ID),
            **details,
        }
        if subscription.event_type.startswith("object."):
            event["objectTypeId"] = record.type.type_id
        if "fromObjectId" in details:
            del event["objectId"]
        self.log.append(event)
        self.unsent.append(event)

    def take(self) -> list[dict[str, Json]]:
        """The events noted since the last call."""
        events, self.unsent = self.unsent, []
        return events

    def changed(self, record: Record, values: Mapping[str, str]) -> None:
        """One event per changed property."""
        for name, value in values.items():
            self.tell(record, "propertyChange", propertyName=name, propertyValue=value)


def _exists(object_type: ObjectType, kind: str) -> bool:
    if kind == "privacyDeletion":
        return object_type.name == "contacts"
    if kind == "merge":
        return object_type.mergeable
    return not (kind == "associationChange" and object_type.name == "products")


def _matches(
    subscription: Subscription, object_type: ObjectType, kind: str, details: Mapping[str, Json]
) -> bool:
    word, _, event = subscription.event_type.partition(".")
    if event != kind:
        return False
    if word == "object":
        if subscription.object_type_id != object_type.type_id:
            return False
    elif word != object_type.singular:
        return False
    if kind != "propertyChange":
        return True
    name = details["propertyName"]
    return name not in NEVER_TOLD and subscription.property_name in {"*", name}
