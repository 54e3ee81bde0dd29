"""One call to HubSpot, through the official SDK and our transport.

The SDK's typed methods know only numbered paths, so the calls go through its own ``call_api``: what
it does about serialisation, authorisation and exceptions stays as it is, and answers are parsed by
us from the bytes. One API object of the SDK is kept per door, each with our transport in the place
of its connection pool: no retries, no redirects, deadlines always.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import reduce
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from connectors.errors import AuthFailed, CallError, Rejected, UnexpectedAnswer
from connectors.hubspot.errors import Circumstances, Reply, error_of, sdk_error
from connectors.hubspot.objects import ASSOCIATIONS, BURST, SEARCH
from connectors.hubspot.paths import Paths
from connectors.hubspot.tokens import FixedToken, RefreshedToken, Tokens

if TYPE_CHECKING:
    from connectors.base import Wiring
    from connectors.http import Transport


@dataclass(frozen=True, slots=True)
class DoorFacts:
    """Which API object of the SDK a door is, its limit class, and whether its calls write."""

    api: str
    limit_class: str
    effect: bool = False


class Door(Enum):
    """The SDK's API objects that are kept."""

    READING = DoorFacts("crm.objects.basic_api", BURST)
    WRITING = DoorFacts("crm.objects.batch_api", BURST, effect=True)
    SEARCH = DoorFacts("crm.objects.search_api", SEARCH)
    ASSOCIATIONS = DoorFacts("crm.associations.v4.batch_api", ASSOCIATIONS)
    PROPERTIES = DoorFacts("crm.properties.core_api", BURST)
    SETUP = DoorFacts("crm.properties.groups_api", BURST, effect=True)
    OWNERS = DoorFacts("crm.owners.owners_api", BURST)
    OAUTH = DoorFacts("oauth.tokens_api", BURST)
    WEBHOOKS = DoorFacts("webhooks.subscriptions_api", BURST, effect=True)


@dataclass(frozen=True, slots=True)
class Call:
    """One call. ``form`` is for the token endpoint, which takes no authorisation."""

    door: Door
    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, object] | None = None
    form: tuple[tuple[str, str], ...] | None = field(default=None, repr=False)
    object: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with a 2xx status; ``body`` is parsed JSON, ``None`` where there is none."""

    status: int
    body: Any
    request_id: str | None
