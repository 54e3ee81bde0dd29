"""What goes into the Authorization header: a bearer token of ours, or a signature per attempt.

NetSuite help, "OAuth 2.0 Client Credentials Flow": the assertion is signed with PS or ES
algorithms only, lives under an hour and names the certificate; there is no refresh token.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

from connectors.errors import AuthFailed, CallError, RateLimited, RetryLater, UnexpectedAnswer
from connectors.http import redact
from connectors.netsuite.settings import Certificate, TokenBased
from connectors.netsuite.signing import Stamp, authorization

TOKEN_PATH: Final = "/services/rest/auth/oauth2/v1/token"  # noqa: S105 - an address
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SCOPE: Final = ("rest_webservices",)

_ASSERTION_LIFETIME: Final = timedelta(minutes=5)
_EARLY: Final = timedelta(seconds=60)
_LIFETIME_MAX: Final = timedelta(hours=1)
_WAIT: Final = timedelta(seconds=5)
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,16384}", re.ASCII)
_SECONDS: Final = re.compile(r"[0-9]{1,8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """The answer of the token address: status and parsed body (``None`` where it is no JSON)."""

    status: int
    body: object


class Authorizer(Protocol):
    """Where the Authorization header of an attempt comes from."""

    def header(self, method: str, url: str, query: Mapping[str, str]) -> str:
        """The header for one attempt; ``url`` is without the query string."""
        ...

    def refused(self, header: str) -> None:
        """NetSuite refused this header: the next one is another."""
        ...


class Signed:
    """A signature for every attempt; ``stamp`` gives a new nonce and the time."""

    def __init__(self, keys: TokenBased, account_id: str, stamp: Callable[[], Stamp]) -> None:
        self._keys = keys
        self._account_id = account_id
        self._stamp = stamp

    def header(self, method: str, url: str, query: Mapping[str, str]) -> str:
        """Signed over this very call."""
        return authorization(self._keys, self._account_id, method, url, query, self._stamp())

    def refused(self, header: str) -> None:
        """The next attempt has a nonce of its own anyway."""


@dataclass(frozen=True, slots=True)
class _Held:
    header: str = field(repr=False)
    until: datetime


class Bearer:
    """An access token, fetched by one thread while the others wait for it.

    ``post`` sends a form to the token address and answers without judging the status; ``audience``
    is that address.
    """

    def __init__(
        self,
        certificate: Certificate,
        audience: str,
        post: Callable[[Mapping[str, str]], TokenAnswer],
        now: Callable[[], datetime],
    ) -> None:
        self._certificate = certificate
        self._audience = audience
        self._post = post
        self._now = now
        self._lock = threading.Lock()
        self._held: _Held | None = None

    def header(self, method: str, url: str, query: Mapping[str, str]) -> str:  # noqa: ARG002
        """The current token, or a new one when less than a minute of it is left.

        Raises ``CallError``.
        """
        with self._lock:
            if self._held is None or self._now() >= self._held.until:
                self._held = None
                self._held = self._fetched()
            return self._held.header

    def refused(self, header: str) -> None:
        """Drop the token, unless another thread has replaced it already."""
        with self._lock:
            if self._held is not None and self._held.header == header:
                self._held = None

    def _fetched(self) -> _Held:
        asked_at = self._now()
        answer = self._post(
            {
                "grant_type": "client_credentials",
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": self._assertion(asked_at),
            }
        )
        body = answer.body if isinstance(answer.body, Mapping) else {}
        if answer.status != 200:
            raise token_error(answer.status, self._masked(body), self._expiry(asked_at))
        token, seconds = str(body.get("access_token") or ""), str(body.get("expires_in") or "")
        if not _TOKEN.fullmatch(token) or not _SECONDS.fullmatch(seconds):
            raise UnexpectedAnswer("the token answer holds no usable token", code="TOKEN_SHAPE")
        lifetime = min(timedelta(seconds=int(seconds)), _LIFETIME_MAX)
        return _Held(f"Bearer {token}", asked_at + max(lifetime - _EARLY, lifetime / 2))

    def _assertion(self, at: datetime) -> str:
        import jwt  # the signing library is slow to import

        claims = {
            "iss": self._certificate.client_id,
            "scope": list(SCOPE),
            "aud": self._audience,
            "iat": int(at.timestamp()),
            "exp": int((at + _ASSERTION_LIFETIME).timestamp()),
        }
        try:
            return jwt.encode(
                claims,
                self._certificate.private_key,
                algorithm=self._certificate.algorithm,
                headers={"kid": self._certificate.certificate_id},
            )
        except (jwt.exceptions.PyJWTError, ValueError, TypeError, AttributeError):
            # The library's own message may quote the key.
            raise AuthFailed(
                f"private_key: this is no key in PEM form that {self._certificate.algorithm} can "
                "sign with (RSA for PS…, elliptic curve for ES…, without a passphrase)",
                code="PRIVATE_KEY_UNREADABLE",
            ) from None

    def _masked(self, body: Mapping[str, object]) -> dict[str, str]:
        """The refusal without anything secret that it may repeat."""
        return {
            name: redact(str(body[name]), (self._certificate.private_key,))
            for name in ("error", "error_description")
            if body.get(name)
        }

    def _expiry(self, at: datetime) -> str:
        expires_on = self._certificate.expires_on
        if expires_on is None or expires_on > at.date():
            return ""
        return f"; the certificate expired on {expires_on.isoformat()}, upload a new one"


def token_error(status: int, body: Mapping[str, str], hint: str = "") -> CallError:
    """What a refusal of the token address means."""
    code = (body.get("error") or f"HTTP_{status}")[:80].upper()
    reason = (body.get("error_description") or "no reason given")[:300]
    message = f"NetSuite gave no token ({code}: {reason}){hint}"
    if status == 429:
        return RateLimited(message, wait=_WAIT, code=code, status=status)
    if status >= 500 or status == 408:
        return RetryLater(message, code=code, status=status)
    if status not in (400, 401, 403):
        return UnexpectedAnswer(message, code=code, status=status)
    return AuthFailed(
        f"{message}; check client id, certificate id, key and algorithm, and that the certificate "
        "is mapped to an active user and role",
        code=code,
        status=status,
    )
