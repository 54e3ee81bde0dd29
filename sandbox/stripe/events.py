"""The events API: what happened in the last 30 days. Reference: docs.stripe.com/api/events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sandbox.messages import Json
from sandbox.stripe.account import Account
from sandbox.stripe.errors import invalid
from sandbox.stripe.service import Call, Endpoint, Filter, Reading
from sandbox.stripe.store import Record
from sandbox.stripe.tables import RESOURCES
from sandbox.stripe.webhooks import Post, known_events

TYPES_MAX: Final = 20


def endpoints(post: Post) -> Iterator[Endpoint]:
    """List and retrieve. An event shows how many endpoints have yet to accept it."""
    reading = Reading(
        "events",
        "event.list",
        {
            "type": lambda _, event, wanted: _matches(event["type"], wanted),
            "types": lambda _, event, wanted: event["type"] in wanted,
            "delivery_success": _delivered(post),
        },
    )

    def checked(call: Call) -> Record:
        types = call.get("types")
        if types is not None and call.has("type"):
            raise invalid("You may only specify one of these parameters: type, types.", "types")
        if types is not None and len(types) > TYPES_MAX:
            raise invalid(f"types takes at most {TYPES_MAX} event types", "types")
        unknown = [name for name in types or () if name not in known_events()]
        if unknown:
            raise invalid(f"Invalid types: {', '.join(unknown)}", "types")
        call.account.forget_old_events()
        return reading.list(call)

    def retrieve(call: Call) -> Record:
        call.account.forget_old_events()
        return reading.retrieve(call)

    resource = RESOURCES["events"]
    yield Endpoint("GET", resource.path, "event.list", checked, resource, finished=True)
    yield Endpoint("GET", f"{resource.path}/{{id}}", "retrieve", retrieve, resource)


def _matches(type: str, wanted: str) -> bool:
    if wanted.endswith(".*"):
        return type.startswith(wanted[:-1])
    return wanted in {"*", type}


def _delivered(post: Post) -> Filter:
    def test(_: Account, event: Record, wanted: Json) -> bool:
        return bool((post.pending(event["id"]) == 0) == wanted)

    return test
