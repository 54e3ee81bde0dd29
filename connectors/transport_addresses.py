"""Where a connector may connect to: origins by name, addresses by number.

The block lists follow the IANA special-purpose address registries; ``ipaddress.is_global`` is not
used because it calls some translated forms of private addresses global.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from connectors.errors import ActionNeeded

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_BLOCKED_4: Final = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_GLOBAL_6: Final = ipaddress.IPv6Network("2000::/3")
_BLOCKED_6: Final = tuple(
    ipaddress.IPv6Network(text)
    for text in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)
_HOST: Final = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
    r"(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*\.?",
    re.ASCII,
)
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port: the part of a URL that says who is asked."""

    scheme: str
    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """Whether the name itself says that it is this machine."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def origin_of(url: str) -> Origin:
    """The origin of an absolute URL. Raises ``ValueError``, quoting nothing of the URL."""
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise ValueError("the URL holds characters that do not belong there")
    parts = urlsplit(url)
    if parts.scheme not in _DEFAULT_PORTS:
        raise ValueError("the URL is neither https nor http")
    if "@" in parts.netloc:
        raise ValueError("the URL carries credentials")
    try:
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise ValueError("the URL has no valid port") from None
    if not _HOST.fullmatch(host):
        try:
            host = str(ipaddress.ip_address(host))
        except ValueError:
            raise ValueError("the URL has no valid host") from None
    return Origin(parts.scheme, host, port or _DEFAULT_PORTS[parts.scheme])


def permitted_origin(url: str, *, allow_loopback: bool) -> Origin:
    """The origin of a configured URL. Raises ``ActionNeeded`` when no connection may go there."""
    try:
        origin = origin_of(url)
    except ValueError as error:
        raise ActionNeeded(f"the base URL cannot be used: {error}", code="BASE_URL") from None
    if origin.loopback and not allow_loopback:
        raise ActionNeeded(
            f"{origin.host} is this machine; a connection may only go there with allow_loopback",
            code="ADDRESS_REFUSED",
        )
    if origin.scheme != "https" and not origin.loopback:
        raise ActionNeeded(
            f"{origin.host} can only be reached over https: http would show the credentials",
            code="BASE_URL",
        )
    return origin


def blocked(address: Address) -> bool:
    """Whether an address belongs to no public host: private, local, reserved, translated."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return blocked(address.ipv4_mapped)
        return address not in _GLOBAL_6 or any(address in network for network in _BLOCKED_6)
    return any(address in network for network in _BLOCKED_4)


def resolve(origin: Origin) -> tuple[str, ...]:
    """The addresses of a host that may be connected to, in the resolver's order.

    Raises ``ActionNeeded`` when the host has addresses but none is permitted, and ``OSError`` when
    it has none. The caller connects to exactly these, so a second answer cannot change the target.
    """
    found = socket.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
    addresses = dict.fromkeys(str(entry[4][0]) for entry in found)
    permitted = tuple(text for text in addresses if _permitted(origin, text))
    if not permitted:
        raise ActionNeeded(
            f"{origin.host} resolves to addresses that are not public; refusing to connect",
            code="ADDRESS_REFUSED",
        )
    return permitted


def _permitted(origin: Origin, text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    # A name that says loopback must stay there, and any other name must not get there.
    return address.is_loopback if origin.loopback else not blocked(address)
