"""The account itself. Reference: docs.stripe.com/api/accounts (retrieve, without an id)."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType
from typing import Final

from sandbox.stripe.service import Call, Endpoint
from sandbox.stripe.store import Record
from sandbox.stripe.tables import Resource

_RESOURCE: Final = Resource(
    "account", "account", "acct", "/v1/account", "account", MappingProxyType({})
)


def _own(call: Call) -> Record:
    return {
        "id": call.account.id,
        "object": "account",
        "business_profile": {"name": "Revline US Inc.", "url": "https://revline.example"},
        "business_type": "company",
        "charges_enabled": True,
        "country": "US",
        "default_currency": "usd",
        "details_submitted": True,
        "email": "finance@revline.example",
        "payouts_enabled": True,
        "settings": {"dashboard": {"display_name": "Revline US", "timezone": "Etc/UTC"}},
        "type": "standard",
    }


def endpoints() -> Iterator[Endpoint]:
    """Which account a key opens."""
    yield Endpoint("GET", _RESOURCE.path, "retrieve", _own, _RESOURCE, finished=True)
