"""Preparing an account: identity properties, permissions, webhook subscriptions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from connectors.base import FieldDescription, FieldType, SetupKind, SetupNeed, SetupStep
from connectors.errors import AccessDenied, DuplicateFound, Rejected
from connectors.hubspot.client import Call, Client, Door
from connectors.hubspot.owners import OWNERS
from connectors.hubspot.paths import Paths
from connectors.hubspot.records import PropertyCache
from connectors.hubspot.subscriptions import Subscriptions

_GROUP: Final = "revline"


class Setup:
    """Says what an account lacks, and creates what the API lets us create."""

    def __init__(self, client: Client, paths: Paths, cache: PropertyCache, app_id: str) -> None:
        self._client = client
        self._paths = paths
        self._cache = cache
        self._subscriptions = Subscriptions(client, paths, app_id)

    def inspect(self, needs: Sequence[SetupNeed]) -> tuple[SetupStep, ...]:
        """How things stand, one step per need."""
        return tuple(self._inspect(need) for need in needs)

    def create(self, need: SetupNeed) -> None:
        """Create what is missing.

        Raises:
            Rejected: HubSpot's API cannot create it; :meth:`inspect` says how a person does.
        """
        if need.kind is SetupKind.IDENTITY_FIELD:
            self._create_property(need)
        elif need.kind is SetupKind.WEBHOOK:
            self._subscriptions.create(need)
        else:
            raise Rejected(
                f"Only a person can grant {need.name}; follow the listed steps.",
                code="NOT_CREATABLE",
            )

    def _inspect(self, need: SetupNeed) -> SetupStep:
        if need.kind is SetupKind.IDENTITY_FIELD:
            return self._inspect_property(need)
        if need.kind is SetupKind.PERMISSION:
            return SetupStep(need, self._granted(need), False, _permission_steps(need))
        return self._subscriptions.inspect(need)

    # -- identity properties -------------------------------------------------------------------

    def _inspect_property(self, need: SetupNeed) -> SetupStep:
        held = self._cache.refresh(need.object).get(need.name)
        if held is not None and not _fits(held):
            return SetupStep(need, False, False, _wrong_property_steps(need))
        return SetupStep(need, held is not None, held is None, _property_steps(need))

    def _create_property(self, need: SetupNeed) -> None:
        held = self._cache.refresh(need.object).get(need.name)
        if held is None:
            self._create_group(need.object)
            self._tolerate_existing(
                self._paths.properties(need.object),
                {
                    "name": need.name,
                    "label": "Revline id",
                    "description": "Written by Revline; makes every record unmistakable. "
                    "Do not edit.",
                    "groupName": _GROUP,
                    "type": "string",
                    "fieldType": "text",
                    "hasUniqueValue": True,
                    "formField": False,
                },
                need.object,
            )
            held = self._cache.refresh(need.object).get(need.name)
        if held is None or not _fits(held):
            raise Rejected(
                f"The property {need.name} of {need.object} exists without being a unique text; "
                "HubSpot decides that only when a property is created. Rename or remove it.",
                code="PROPERTY_NOT_UNIQUE",
            )

    def _create_group(self, object: str) -> None:
        self._tolerate_existing(
            self._paths.properties(object, "groups"), {"name": _GROUP, "label": "Revline"}, object
        )

    def _tolerate_existing(self, path: str, body: dict[str, object], object: str) -> None:
        try:
            self._client.call(Call(Door.SETUP, "POST", path, body=body, object=object))
        except DuplicateFound:
            return

    # -- permissions ---------------------------------------------------------------------------

    def _granted(self, need: SetupNeed) -> bool | None:
        """Whether the token holds the scope; where HubSpot does not say, reading one record tells.

        Nothing harmless proves that writing is allowed.
        """
        try:
            return need.name in self._client.scopes()
        except (Rejected, AccessDenied):  # a kind of token this endpoint does not know
            return self._readable(need) if need.name.endswith(".read") else None

    def _readable(self, need: SetupNeed) -> bool:
        owners = need.object == OWNERS
        path = self._paths.owners() if owners else self._paths.objects(need.object)
        door = Door.OWNERS if owners else Door.READING
        call = Call(door, "GET", path, query=(("limit", "1"),), object=need.object)
        try:
            self._client.call(call)
        except AccessDenied:
            return False
        return True


def _fits(held: FieldDescription) -> bool:
    return held.unique and held.writable and held.type is FieldType.TEXT


def _property_steps(need: SetupNeed) -> tuple[str, ...]:
    return (
        "In HubSpot open Settings (the gear) > Data Management > Properties.",
        f"Choose the object {need.object} and press Create property.",
        f"Label: Revline id. Internal name: {need.name}. Field type: Single-line text.",
        "Under Rules tick: Require unique values for this property (offered only at creation).",
        "Press Create.",
    )


def _wrong_property_steps(need: SetupNeed) -> tuple[str, ...]:
    return (
        f"{need.object} already has a property {need.name}, which is not a unique text.",
        "HubSpot makes a property unique only at creation: archive it, or map another one.",
        *_property_steps(need),
    )


def _permission_steps(need: SetupNeed) -> tuple[str, ...]:
    return (
        "In HubSpot open Settings (the gear) > Integrations > Service Keys (or Private Apps).",
        "Open the key that Revline uses and go to its Scopes.",
        f"Add {need.name} and save; the key itself stays the same.",
    )
