"""The settings of one connection, checked once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from connectors.dealhub.options import BASE_URL, SCAN_HOURS, SCAN_OFF
from connectors.transport_addresses import origin_of
from connectors.transport_secrets import Secret

_HOURS: Final = re.compile(r"[0-9]{1,4}", re.ASCII)
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,4096}", re.ASCII)
_TENANT: Final = re.compile(r"[A-Za-z0-9._ -]{0,100}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Settings:
    """Checked settings. ``base_url`` has no closing slash; ``scan_every`` is ``None`` for never."""

    base_url: str
    api_token: Secret
    tenant: str
    scan_every: timedelta | None

    @property
    def account(self) -> str:
        """What stands for the account: the host, and the name a person gave the tenant."""
        host = (urlsplit(self.base_url).hostname or "").lower()
        return f"{host}/{self.tenant}" if self.tenant else host


def parse_settings(given: Mapping[str, str]) -> Settings:
    """Check the settings of a connection. Raises ``ValueError`` that names the setting."""
    tenant = given.get("tenant") or ""
    if not _TENANT.fullmatch(tenant):
        raise ValueError("tenant: letters, digits, spaces, dots and hyphens are possible")
    return Settings(
        base_url=_base_url(given.get("base_url") or BASE_URL),
        api_token=_token(given.get("api_token") or ""),
        tenant=tenant,
        scan_every=_scan_every(given.get("scan_hours") or SCAN_HOURS),
    )


def _base_url(url: str) -> str:
    try:
        origin_of(url)
    except ValueError as error:
        raise ValueError(f"base_url: {error}") from None
    if urlsplit(url).path.strip("/"):
        raise ValueError("base_url: only scheme and host are needed, without a path")
    return url.rstrip("/")


def _token(text: str) -> Secret:
    if not text:
        raise ValueError("api_token: this setting is missing")
    if not _TOKEN.fullmatch(text):
        raise ValueError("api_token: a token has no spaces or other signs; copy it anew")
    return Secret(text)


def _scan_every(text: str) -> timedelta | None:
    if text == SCAN_OFF:
        return None
    if not _HOURS.fullmatch(text):
        raise ValueError(f"scan_hours: a whole number of hours, or {SCAN_OFF}, is needed")
    return timedelta(hours=int(text))
