"""The one place that builds HubSpot paths, in both styles.

Numbered paths (``/crm/v3/…``, ``/crm/v4/…``) become unsupported during 2027; dated ones
(``/crm/objects/2026-09/…``) live 18 months each. Bodies are the same; only the path differs
(developers.hubspot.com changelog, "date-based API versioning").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from connectors.errors import Rejected

NUMBERED: Final = "v3"
# OAuth and webhook settings have not moved on from the first dated version.
_FIRST_DATED: Final = "2026-03"
_OBJECT_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}", re.ASCII)


def segment(text: str) -> str:
    """One path segment, safe whatever the text holds. Dots alone would climb, so they are refused.

    Raises:
        Rejected: the text is empty or made of dots.
    """
    if not text.strip("."):
        raise Rejected(f"{text!r} cannot be part of an address", code="BAD_ADDRESS")
    return quote(text, safe="")


def object_segment(object: str) -> str:
    """An object's name or type id as a path segment.

    Raises:
        Rejected: no HubSpot object can have that name.
    """
    if not _OBJECT_NAME.fullmatch(object):
        raise Rejected(
            f"{object[:80]!r} is not the name of a HubSpot object: use the plural name "
            "(contacts) or the type id (2-1234567)",
            code="UNKNOWN_OBJECT",
        )
    return quote(object, safe="")


@dataclass(frozen=True, slots=True)
class Paths:
    """Paths of one API version: ``v3``, or a dated one such as ``2026-09``."""

    version: str

    @property
    def _numbered(self) -> bool:
        return self.version == NUMBERED

    def objects(self, object: str, *tail: str) -> str:
        """Records of an object: the list, or ``batch/read``, ``search`` … below it."""
        start = "/crm/v3/objects" if self._numbered else f"/crm/objects/{self.version}"
        return "/".join((start, object_segment(object), *map(segment, tail)))

    def associations(self, source: str, target: str, *tail: str) -> str:
        """The associations from one object to another, in batches."""
        start = "/crm/v4/associations" if self._numbered else f"/crm/associations/{self.version}"
        return "/".join(
            (start, object_segment(source), object_segment(target), "batch", *map(segment, tail))
        )

    def properties(self, object: str, *tail: str) -> str:
        """The property definitions of an object."""
        start = "/crm/v3/properties" if self._numbered else f"/crm/properties/{self.version}"
        return "/".join((start, object_segment(object), *map(segment, tail)))

    def owners(self) -> str:
        """The list of owners."""
        return "/crm/v3/owners" if self._numbered else f"/crm/owners/{self.version}"

    def token(self) -> str:
        """Where refresh tokens are exchanged."""
        return "/oauth/v1/token" if self._numbered else f"/oauth/{_FIRST_DATED}/token"

    def subscriptions(self, app_id: str) -> str:
        """The webhook subscriptions of an app."""
        return f"/webhooks/{_FIRST_DATED}/{segment(app_id)}/subscriptions"

    def introspection(self) -> str:
        """Where an OAuth token says what it opens. The numbered form has the token in its path."""
        return f"/oauth/{_FIRST_DATED}/token/introspect"

    def private_token(self) -> str:
        """Where a private app's token says what it opens; there is no dated form."""
        return "/oauth/v2/private-apps/get/access-token-info"

    def account(self) -> str:
        """The details of the account that answers."""
        version = "v3" if self._numbered else self.version
        return f"/account-info/{version}/details"
