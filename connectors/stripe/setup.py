"""What an account needs, and what can be made over the API: the webhook endpoint.

From docs.stripe.com "The Webhook Endpoint object" and "Restricted API keys".
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Final

from connectors.base import SetupKind, SetupNeed, SetupStep
from connectors.errors import AccessDenied, Rejected
from connectors.http import Secret
from connectors.stripe.client import Client
from connectors.stripe.events import EVENT_TYPES
from connectors.stripe.objects import API_VERSION, LIST_MAX, SPEC
from connectors.stripe.reading import Content, contents_of
from connectors.stripe.shapes import Params

_PATH: Final = "/v1/webhook_endpoints"
_DESCRIPTION: Final = "Revline"
_PAGES_MAX: Final = 10


class Setup:
    """Looks at the account's endpoints and makes ours.

    A new endpoint's secret is only in the answer that made it; it is kept here for the next look,
    which tells it once.
    """

    def __init__(self, client: Client, settings: Mapping[str, str]) -> None:
        self._client = client
        self._url = settings.get("webhook_url", "").strip()
        self._lock = threading.Lock()
        self._fresh: Secret | None = None

    def inspect(self, needs: Sequence[SetupNeed]) -> tuple[SetupStep, ...]:
        """How things stand, one step per need; the endpoints are asked for once."""
        endpoints: tuple[Content, ...] | None = None
        if self._url and any(need.kind is SetupKind.WEBHOOK for need in needs):
            endpoints = self._endpoints()
        with self._lock:
            fresh, self._fresh = self._fresh, None
        return tuple(self._step(need, endpoints, fresh) for need in needs)

    def create(self, need: SetupNeed) -> None:
        """Make the endpoint with the pinned version, or add the need's events to it.

        Raises ``Rejected`` for what only a person can do.
        """
        if need.kind is not SetupKind.WEBHOOK or not self._url:
            raise Rejected(
                "Only a person can set this up: set webhook_url, or follow the listed steps.",
                code="NOT_CREATABLE",
            )
        wanted = _wanted(need)
        ours = self._ours(self._endpoints() or ())
        if ours is not None:
            held = _events(ours)
            if not _covers(held, wanted):
                types: Params = {"enabled_events": [*sorted({*held, *wanted})]}
                self._client.call("post", f"{_PATH}/{ours['id']}", types)
            return
        answer = self._client.call(
            "post",
            _PATH,
            {
                "url": self._url,
                "api_version": API_VERSION,
                "description": _DESCRIPTION,
                "enabled_events": [*sorted(wanted)],
            },
        )
        secret = answer.content.get("secret")
        with self._lock:
            self._fresh = Secret(secret) if isinstance(secret, str) else None

    def _step(
        self, need: SetupNeed, endpoints: tuple[Content, ...] | None, fresh: Secret | None
    ) -> SetupStep:
        if need.kind is SetupKind.IDENTITY_FIELD:
            return SetupStep(
                need, True, False, ("Nothing to do: a metadata key needs no setting up.",)
            )
        if need.kind is SetupKind.PERMISSION:
            return SetupStep(need, None, False, _permission_steps(need))
        ours = self._ours(endpoints) if endpoints is not None else None
        present = None
        if endpoints is not None:
            present = ours is not None and _covers(_events(ours), _wanted(need))
        steps = _webhook_steps(need)
        if fresh is not None:
            told = f"Put the new endpoint's secret into webhook_secret: {fresh.reveal()}"
            steps = (told, "Do it now: Stripe does not show it again.", *steps)
        creatable = bool(self._url) and present is False
        return SetupStep(need, present, creatable, steps)

    def _ours(self, endpoints: Sequence[Content]) -> Content | None:
        for endpoint in endpoints:
            if endpoint.get("url") == self._url and endpoint.get("status") == "enabled":
                return endpoint
        return None

    def _endpoints(self) -> tuple[Content, ...] | None:
        """All endpoints; ``None`` where the key may not look."""
        params: Params = {"limit": str(LIST_MAX)}
        found: list[Content] = []
        try:
            for _ in range(_PAGES_MAX):
                page = self._client.get(_PATH, params)
                rows = contents_of(page)
                found += rows
                if not page.get("has_more") or not rows:
                    break
                params["starting_after"] = str(rows[-1]["id"])
        except AccessDenied:
            return None
        return tuple(found)


def _wanted(need: SetupNeed) -> frozenset[str]:
    """Every event of the object: which of them a sync needs is Stripe's grain, not ours."""
    return frozenset(EVENT_TYPES.get(need.object, ()))


def _events(endpoint: Content) -> frozenset[str]:
    events = endpoint.get("enabled_events")
    return frozenset(str(one) for one in events) if isinstance(events, list) else frozenset()


def _covers(held: frozenset[str], wanted: frozenset[str]) -> bool:
    return "*" in held or wanted <= held


def _permission_steps(need: SetupNeed) -> tuple[str, ...]:
    spec = SPEC.object(need.object)
    read = spec.read_permission if spec is not None else ""
    write = spec.write_permission if spec is not None else ""
    grant = write if need.name == "write" and write else read or write
    return (
        "Dashboard > Developers > API keys > the restricted key > Edit key.",
        f"Give {grant or need.name}, and Events: Read, which following changes needs.",
        "Save, and put the key into api_key if it is a new one.",
    )


def _webhook_steps(need: SetupNeed) -> tuple[str, ...]:
    types = ", ".join(sorted(_wanted(need))) or need.name
    return (
        "Dashboard > Developers > Webhooks > Add destination, for this account's events.",
        f"Choose API version {API_VERSION} and the events {types}.",
        "Endpoint address: the public URL of this connection, …/webhooks/<connection name>.",
        "Copy the signing secret (whsec_…) into webhook_secret.",
    )
