"""The settings of one connection, checked once."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

ALGORITHMS: Final = ("PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
CONCURRENCY_DEFAULT: Final = 3
OVERLAP_MINUTES_DEFAULT: Final = 15
# A save can run the account's own scripts for minutes before it answers.
READ_SECONDS_DEFAULT: Final = 180

_ACCOUNT: Final = re.compile(r"[A-Z0-9]{1,30}(?:_[A-Z0-9]{1,10}){0,2}", re.ASCII)
_WHOLE: Final = re.compile(r"[0-9]{1,6}", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]{1,4}(?:\.[0-9]{1,3})?", re.ASCII)
_VENDOR_HOST: Final = ".suitetalk.api.netsuite.com"


@dataclass(frozen=True, slots=True)
class Certificate:
    """OAuth 2.0 machine to machine: the integration's client id and the key of its certificate."""

    client_id: str
    certificate_id: str
    algorithm: str
    private_key: str = field(repr=False)
    expires_on: date | None = None


@dataclass(frozen=True, slots=True)
class TokenBased:
    """Token-based authentication (OAuth 1.0a): the integration's keys and the user's."""

    consumer_key: str = field(repr=False)
    consumer_secret: str = field(repr=False)
    token_id: str = field(repr=False)
    token_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """Checked settings. ``account_id`` is in the vendor's own spelling (``1234567_SB1``)."""

    account_id: str
    base_url: str
    access: Certificate | TokenBased
    zone: ZoneInfo
    overlap: timedelta
    concurrency: int
    read_seconds: float

    @property
    def environment(self) -> str:
        """What the account id says: sandboxes and release previews carry a suffix."""
        _, _, suffix = self.account_id.partition("_")
        if suffix.startswith(("SB", "RP")) or self.account_id.startswith("TSTDRV"):
            return "sandbox"
        return "unknown" if suffix else "production"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be printed."""
        access = self.access
        if isinstance(access, Certificate):
            return (access.private_key,)
        return (
            access.consumer_key,
            access.consumer_secret,
            access.token_id,
            access.token_secret,
        )


def parse_settings(given: Mapping[str, str], *, allow_loopback: bool) -> Settings:
    """Check the settings of a connection. Raises ``ValueError`` that names the setting."""
    account_id = _required(given, "account_id").strip().upper().replace("-", "_")
    if not _ACCOUNT.fullmatch(account_id):
        raise ValueError("account_id: this is not an account id such as 1234567 or 1234567_SB1")
    return Settings(
        account_id=account_id,
        base_url=_base_url(given.get("base_url"), account_id, allow_loopback=allow_loopback),
        access=_access(given),
        zone=_zone(given.get("time_zone") or "UTC"),
        overlap=timedelta(
            minutes=_whole(given, "overlap_minutes", OVERLAP_MINUTES_DEFAULT, 1, 1_440)
        ),
        concurrency=_whole(given, "concurrency", CONCURRENCY_DEFAULT, 1, 100),
        read_seconds=_seconds(given.get("read_seconds") or str(READ_SECONDS_DEFAULT)),
    )


def account_url(account_id: str) -> str:
    """The account's own address: lower case, a hyphen for the underscore."""
    return f"https://{account_id.lower().replace('_', '-')}{_VENDOR_HOST}"


def _access(given: Mapping[str, str]) -> Certificate | TokenBased:
    auth = given.get("auth") or "oauth2"
    if auth == "token_based":
        return TokenBased(
            consumer_key=_required(given, "consumer_key"),
            consumer_secret=_required(given, "consumer_secret"),
            token_id=_required(given, "token_id"),
            token_secret=_required(given, "token_secret"),
        )
    if auth != "oauth2":
        raise ValueError(f"auth: {auth!r} is not a way to sign in; use oauth2 or token_based")
    algorithm = given.get("algorithm") or ALGORITHMS[0]
    if algorithm not in ALGORITHMS:
        raise ValueError(f"algorithm: NetSuite takes {', '.join(ALGORITHMS)}, not {algorithm!r}")
    return Certificate(
        client_id=_required(given, "client_id"),
        certificate_id=_required(given, "certificate_id"),
        algorithm=algorithm,
        # A key that travelled through an environment variable often has its line breaks spelled.
        private_key=_required(given, "private_key").replace("\\n", "\n"),
        expires_on=_day(given.get("certificate_expires_on")),
    )


def _base_url(text: str | None, account_id: str, *, allow_loopback: bool) -> str:
    if not text:
        return account_url(account_id)
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("base_url: this is not an address") from None
    if parts.username is not None or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError("base_url: only scheme and host are needed, without a path")
    local = _is_loopback(host)
    if local and not (allow_loopback and parts.scheme in ("http", "https")):
        raise ValueError("base_url: addresses on this machine are not allowed here")
    if not local and (parts.scheme != "https" or not host.endswith(_VENDOR_HOST)):
        raise ValueError(f"base_url: the address must be https://ACCOUNT{_VENDOR_HOST}")
    if not local and f"https://{host}" != account_url(account_id):
        raise ValueError("base_url: this address belongs to another account than account_id")
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{port}" if port is not None else "")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"time_zone: {name!r} is not a time zone such as America/Los_Angeles"
        ) from None


def _whole(given: Mapping[str, str], name: str, otherwise: int, least: int, most: int) -> int:
    text = (given.get(name) or str(otherwise)).strip()
    if not _WHOLE.fullmatch(text) or not least <= int(text) <= most:
        raise ValueError(f"{name}: a whole number from {least} to {most} is needed")
    return int(text)


def _seconds(text: str) -> float:
    if not _NUMBER.fullmatch(text.strip()) or not 0 < float(text) <= 900:
        raise ValueError("read_seconds: a number of seconds up to 900 is needed")
    return float(text)


def _day(text: str | None) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("certificate_expires_on: a date such as 2027-06-30 is needed") from None


def _required(given: Mapping[str, str], name: str) -> str:
    value = given.get(name)
    if not value:
        raise ValueError(f"{name}: this setting is missing")
    return value
