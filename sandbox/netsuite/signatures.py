"""OAuth 1.0a signatures with HMAC-SHA256.

RFC 5849, section 3.4, and "The Signature for Web Services and RESTlets", NetSuite help. The body
is JSON and therefore not signed; the realm is not signed either.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import quote, unquote

METHOD: Final = "HMAC-SHA256"
_PAIR: Final = re.compile(r'\s*([A-Za-z_]+)="([^"]*)"\s*')


class MalformedHeader(ValueError):
    """The Authorization header is not OAuth; the message says why."""


def parse_header(header: str) -> dict[str, str]:
    """The parameters of an ``OAuth …`` header, decoded."""
    scheme, _, rest = header.partition(" ")
    if scheme.lower() != "oauth":
        raise MalformedHeader("the scheme is not OAuth")
    found: dict[str, str] = {}
    for part in rest.split(","):
        match = _PAIR.fullmatch(part)
        if match is None:
            raise MalformedHeader('a parameter is not of the form name="value"')
        if match[1] in found:
            raise MalformedHeader(f"{match[1]} is there twice")
        found[match[1]] = unquote(match[2])
    return found


def sign(
    method: str,
    url: str,
    query: Iterable[tuple[str, str]],
    oauth: Mapping[str, str],
    secrets: tuple[str, str],
) -> str:
    """The signature, in base64.

    ``url`` is without its query, ``query`` is decoded, ``oauth`` holds the header's parameters
    (realm and signature are left out), ``secrets`` are consumer's and token's.
    """
    signed = {key: one for key, one in oauth.items() if key not in {"realm", "oauth_signature"}}
    pairs = sorted((_encoded(key), _encoded(value)) for key, value in (*query, *signed.items()))
    joined = "&".join(f"{key}={value}" for key, value in pairs)
    text = "&".join((method.upper(), _encoded(url), _encoded(joined)))
    key = "&".join(_encoded(secret) for secret in secrets)
    digest = hmac.new(key.encode("ascii"), text.encode("ascii"), hashlib.sha256).digest()
    return base64.b64encode(digest).decode("ascii")


def _encoded(text: str) -> str:
    return quote(text, safe="-._~")
