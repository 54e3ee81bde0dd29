"""Signatures of token-based authentication: OAuth 1.0a with HMAC-SHA256 (RFC 5849, 3.4).

NetSuite help, "Token-based Authentication (TBA) and Signatures". HMAC-SHA1 is no longer accepted
there; the realm and a JSON body are not part of what is signed, the query string is.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from connectors.netsuite.settings import TokenBased


@dataclass(frozen=True, slots=True)
class Stamp:
    """What makes two signatures of one call differ: new for every attempt."""

    nonce: str
    seconds: int


def authorization(
    keys: TokenBased, account_id: str, method: str, url: str, query: Mapping[str, str], stamp: Stamp
) -> str:
    """The Authorization header of one attempt. ``url`` comes without its query string."""
    oauth = {
        "oauth_consumer_key": keys.consumer_key,
        "oauth_token": keys.token_id,
        "oauth_signature_method": "HMAC-SHA256",
        "oauth_timestamp": str(stamp.seconds),
        "oauth_nonce": stamp.nonce,
        "oauth_version": "1.0",
    }
    oauth["oauth_signature"] = signature(keys, method, url, {**query, **oauth})
    shown = ", ".join(f'{name}="{escaped(value)}"' for name, value in oauth.items())
    return f'OAuth realm="{account_id}", {shown}'


def signature(keys: TokenBased, method: str, url: str, parameters: Mapping[str, str]) -> str:
    """The base64 of the keyed hash over the call: method, address, parameters in order."""
    pairs = sorted((escaped(name), escaped(value)) for name, value in parameters.items())
    joined = "&".join(f"{name}={value}" for name, value in pairs)
    base = "&".join((method.upper(), escaped(url), escaped(joined)))
    key = f"{escaped(keys.consumer_secret)}&{escaped(keys.token_secret)}"
    digest = hmac.new(key.encode(), base.encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode("ascii")


def escaped(text: str) -> str:
    """The text as RFC 3986 escapes it, with the tilde left alone."""
    return quote(text, safe="~")
