"""Webhook subscriptions of an app: seen and created where the account's token opens them.

Only the dated paths are used: the numbered ones want a developer key inside the URL ("Webhooks",
developers.hubspot.com).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from connectors.base import SetupNeed, SetupStep
from connectors.errors import AccessDenied, AuthFailed, DuplicateFound, Rejected
from connectors.hubspot.answers import rows
from connectors.hubspot.client import Call, Client, Door
from connectors.hubspot.objects import BY_TYPE_ID, NAMES
from connectors.hubspot.paths import Paths

_SINGULAR: Final = {names.plural: names.singular for names in NAMES}
_EVENTS: Final = {
    "creation": "creation",
    "change": "propertyChange",
    "deletion": "deletion",
    "merge": "merge",
    "restore": "restore",
    "association": "associationChange",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """One subscription. ``property_name`` blank stands for any property of a change."""

    event: str
    property_name: str = ""
    type_id: str = ""

    def body(self) -> dict[str, object]:
        """What creates it."""
        body: dict[str, object] = {"eventType": self.event, "active": True}
        body |= {"propertyName": self.property_name} if self.property_name else {}
        return body | ({"objectTypeId": self.type_id} if self.type_id else {})

    @property
    def creatable(self) -> bool:
        """A change needs a property of its own: HubSpot has no subscription to all of them."""
        return not self.event.endswith(".propertyChange") or bool(self.property_name)


def wanted_of(need: SetupNeed) -> Wanted:
    """The subscription a need stands for; ``change:amount`` names the property."""
    word, _, property_name = need.name.partition(":")
    event = _EVENTS.get(word, word)
    singular = _SINGULAR.get(need.object) or _SINGULAR.get(BY_TYPE_ID.get(need.object, ""))
    if singular:
        return Wanted(f"{singular}.{event}", property_name)
    return Wanted(f"object.{event}", property_name, need.object)


class Subscriptions:
    """Lists and creates an app's subscriptions."""

    def __init__(self, client: Client, paths: Paths, app_id: str) -> None:
        self._client = client
        self._paths = paths
        self._app_id = app_id

    def inspect(self, need: SetupNeed) -> SetupStep:
        """Whether the subscription is there and active; ``None`` where HubSpot does not say."""
        wanted = wanted_of(need)
        held = self._held()
        if held is None:
            return SetupStep(need, None, False, _steps(wanted))
        present = any(_covers(one, wanted) for one in held)
        return SetupStep(need, present, wanted.creatable and not present, _steps(wanted))

    def create(self, need: SetupNeed) -> None:
        """Subscribe.

        Raises:
            Rejected: no app is named, or the need does not say which property.
        """
        wanted = wanted_of(need)
        if not self._app_id or not wanted.creatable:
            raise Rejected(
                "Only a person can set this up: set app_id, or follow the listed steps.",
                code="NOT_CREATABLE",
            )
        path = self._paths.subscriptions(self._app_id)
        try:
            self._client.call(Call(Door.SETUP, "POST", path, body=wanted.body()))
        except DuplicateFound:
            return

    def _held(self) -> tuple[Wanted, ...] | None:
        """The active subscriptions; ``None`` without an app, or with a token that may not ask."""
        if not self._app_id:
            return None
        path = self._paths.subscriptions(self._app_id)
        try:
            body = self._client.call(Call(Door.READING, "GET", path)).body
        except (AuthFailed, AccessDenied, Rejected):
            return None
        return tuple(
            Wanted(
                str(row.get("eventType") or ""),
                str(row.get("propertyName") or ""),
                str(row.get("objectTypeId") or ""),
            )
            for row in rows(body)
            if row.get("active")
        )


def _covers(held: Wanted, wanted: Wanted) -> bool:
    same = (held.event, held.type_id) == (wanted.event, wanted.type_id)
    return same and wanted.property_name in ("", held.property_name)


def _steps(wanted: Wanted) -> tuple[str, ...]:
    about = f" for {wanted.type_id}" if wanted.type_id else ""
    which = wanted.property_name or "every mapped property"
    change = f", and {which}" if wanted.event.endswith(".propertyChange") else ""
    return (
        "In HubSpot open the app that owns the webhooks, and its tab Webhooks.",
        "Set the target URL to the public URL of this connection: …/webhooks/<connection name>.",
        f"Press Create subscription and choose {wanted.event}{about}{change}.",
        "Activate the subscription, and put the app's client secret into client_secret.",
    )
