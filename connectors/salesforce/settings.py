"""The settings of one connection, checked once."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_VERSION = re.compile(r"[1-9][0-9]{1,2}\.0", re.ASCII)


@dataclass(frozen=True, slots=True)
class Settings:
    """Checked settings. Addresses are origins: scheme, host and port, nothing after."""

    login_url: str
    auth: str
    client_id: str
    client_secret: str = field(repr=False)
    username: str
    private_key: str = field(repr=False)
    audience: str
    instance_url: str | None
    version: str
    bulk_from: int
    bulk_write_from: int

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be printed."""
        return tuple(text for text in (self.client_secret, self.private_key) if text)


def parse_settings(given: Mapping[str, str], *, allow_loopback: bool) -> Settings:
    """Check the settings of a connection. Raises ``ValueError`` that names the setting."""
    login_url = origin(_required(given, "login_url"), "login_url", allow_loopback=allow_loopback)
    auth = given.get("auth") or "client_credentials"
    if auth not in ("client_credentials", "jwt"):
        raise ValueError(f"auth: {auth!r} is not a flow; use client_credentials or jwt")
    needed = ("client_secret",) if auth == "client_credentials" else ("username", "private_key")
    for name in needed:
        if not given.get(name):
            raise ValueError(f"{name}: needed for auth: {auth}")
    version = given.get("version") or "67.0"
    if not _VERSION.fullmatch(version):
        raise ValueError(f"version: {version!r} is not an API version such as 67.0")
    instance_url = given.get("instance_url")
    return Settings(
        login_url=login_url,
        auth=auth,
        client_id=_required(given, "client_id"),
        client_secret=given.get("client_secret") or "",
        username=given.get("username") or "",
        # A key that travelled through an environment variable often has its line breaks spelled.
        private_key=(given.get("private_key") or "").replace("\\n", "\n"),
        audience=given.get("audience") or login_url,
        instance_url=(
            origin(instance_url, "instance_url", allow_loopback=allow_loopback)
            if instance_url
            else None
        ),
        version=version,
        bulk_from=_count(given, "bulk_from", 10_000),
        bulk_write_from=_count(given, "bulk_write_from", 2_000),
    )


def origin(text: str, setting: str, *, allow_loopback: bool) -> str:
    """The address reduced to its origin.

    Raises ``ValueError`` unless it is https (or on this machine, where that is allowed) and has
    neither user information, path, query nor fragment.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError(f"{setting}: this is not an address") from None
    host = parts.hostname
    if not host or parts.username is not None or parts.password is not None:
        raise ValueError(f"{setting}: an address such as https://acme.my.salesforce.com is needed")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(f"{setting}: only scheme and host are needed, without a path")
    if is_loopback(host):
        if not allow_loopback or parts.scheme not in ("http", "https"):
            raise ValueError(f"{setting}: addresses on this machine are not allowed here")
    elif parts.scheme != "https":
        raise ValueError(f"{setting}: the address must begin with https://")
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{port}" if port is not None else "")


def is_loopback(host: str) -> bool:
    """Whether the host is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _count(given: Mapping[str, str], name: str, otherwise: int) -> int:
    text = given.get(name)
    if text is None or text == "":
        return otherwise
    if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII):
        raise ValueError(f"{name}: {text!r} is not a number of records such as {otherwise}")
    return int(text)


def _required(given: Mapping[str, str], name: str) -> str:
    value = given.get(name)
    if not value:
        raise ValueError(f"{name}: this setting is missing")
    return value
