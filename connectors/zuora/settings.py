"""The settings of one connection, checked once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connectors.transport_addresses import origin_of
from connectors.zuora.options import ASYNC_CHARGES, READ_SECONDS, VERSION

# Zuora ends a call after 120 seconds ("Rate and concurrent request limits"); the work may go on.
VENDOR_CUT_SECONDS: Final = 120
_READ_SECONDS_MAX: Final = 600
# API reference, "Introduction", section "Endpoints".
ENVIRONMENTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "us1": "https://rest.na.zuora.com",
        "us1-sandbox": "https://rest.sandbox.na.zuora.com",
        "us2": "https://rest.zuora.com",
        "us2-sandbox": "https://rest.apisandbox.zuora.com",
        "eu": "https://rest.eu.zuora.com",
        "eu-sandbox": "https://rest.sandbox.eu.zuora.com",
        "ap": "https://rest.ap.zuora.com",
        "ap-sandbox": "https://rest.test.ap.zuora.com",
        "us-test": "https://rest.test.zuora.com",
        "eu-test": "https://rest.test.eu.zuora.com",
    }
)
_PRODUCTION: Final = frozenset(
    {"rest.na.zuora.com", "rest.zuora.com", "rest.eu.zuora.com", "rest.ap.zuora.com"}
)
_VERSION: Final = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}|[0-9]{3}(\.[0-9]{1,2})?", re.ASCII)
_HEADER: Final = re.compile(r"[A-Za-z0-9,_-]{1,400}", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]{1,5}(\.[0-9]{1,3})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Settings:
    """Checked settings. ``base_url`` has no closing slash."""

    base_url: str
    client_id: str
    client_secret: str = field(repr=False)
    version: str
    entity_id: str
    organization_ids: str
    time_zone: ZoneInfo
    read_seconds: float
    async_charges: int

    @property
    def environment(self) -> str:
        """``production`` or ``sandbox``, by the host; ``unknown`` elsewhere."""
        host = (urlsplit(self.base_url).hostname or "").lower()
        if host in _PRODUCTION:
            return "production"
        return "sandbox" if host.endswith(".zuora.com") else "unknown"


def parse_settings(given: Mapping[str, str], *, allow_loopback: bool) -> Settings:
    """Check the settings of a connection. Raises ``ValueError`` that names the setting."""
    base_url = _base_url(given)
    loopback = origin_of(base_url).loopback
    version = given.get("version") or VERSION
    if not _VERSION.fullmatch(version):
        raise ValueError(f"version: {version!r} is not a version such as {VERSION}")
    for name in ("entity_id", "organization_ids"):
        if given.get(name) and not _HEADER.fullmatch(given[name]):
            raise ValueError(f"{name}: ids of letters and digits are needed, commas between them")
    return Settings(
        base_url=base_url,
        client_id=_required(given, "client_id"),
        client_secret=_required(given, "client_secret"),
        version=version,
        entity_id=given.get("entity_id") or "",
        organization_ids=given.get("organization_ids") or "",
        time_zone=_zone(given.get("time_zone") or "UTC"),
        read_seconds=_read_seconds(given, lenient=loopback and allow_loopback),
        async_charges=_async_charges(given.get("async_charges") or ASYNC_CHARGES),
    )


def _base_url(given: Mapping[str, str]) -> str:
    url, environment = given.get("base_url"), given.get("environment")
    if not url and not environment:
        raise ValueError("base_url: give the REST address of your data centre, or environment")
    if url and environment:
        raise ValueError("base_url: give either this or environment, not both")
    if environment:
        if environment not in ENVIRONMENTS:
            raise ValueError(f"environment: {environment!r} is none of {', '.join(ENVIRONMENTS)}")
        return ENVIRONMENTS[environment]
    try:
        origin_of(url or "")
    except ValueError as error:
        raise ValueError(f"base_url: {error}") from None
    if urlsplit(url or "").path.strip("/"):
        raise ValueError("base_url: only scheme and host are needed, without a path")
    return (url or "").rstrip("/")


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"time_zone: {name!r} is not a time zone such as America/Los_Angeles"
        ) from None


def _read_seconds(given: Mapping[str, str], *, lenient: bool) -> float:
    """A rehearsal on this machine may wait less long than Zuora needs."""
    text = given.get("read_seconds") or READ_SECONDS
    seconds = float(text) if _NUMBER.fullmatch(text) else 0.0
    least = 0.0 if lenient else float(VENDOR_CUT_SECONDS)
    if not least < seconds <= _READ_SECONDS_MAX:
        raise ValueError(
            f"read_seconds: a number above {VENDOR_CUT_SECONDS}, where Zuora itself ends a call, "
            f"and at most {_READ_SECONDS_MAX} is needed"
        )
    return seconds


def _async_charges(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text, re.ASCII):
        raise ValueError("async_charges: a whole number of charges is needed")
    return int(text)


def _required(given: Mapping[str, str], name: str) -> str:
    value = given.get(name)
    if not value:
        raise ValueError(f"{name}: this setting is missing")
    return value
