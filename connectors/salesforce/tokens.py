"""Access tokens: fetched by us, one fetch at a time, never by the SDK.

Flows: Salesforce Help, "OAuth 2.0 Client Credentials Flow for Server-to-Server Integration" and
"OAuth 2.0 JWT Bearer Flow for Server-to-Server Integration". A token's answer names no lifetime:
it lasts as long as the org's session policy says, and its end shows as a 401.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from connectors.errors import (
    ActionNeeded,
    AuthFailed,
    CallError,
    RateLimited,
    RetryLater,
    UnexpectedAnswer,
)
from connectors.http import redact
from connectors.salesforce.ids import normal_id
from connectors.salesforce.objects import LIMIT_CLASS
from connectors.salesforce.settings import Settings, is_loopback, origin

TOKEN_PATH = "/services/oauth2/token"  # noqa: S105 - an address
_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_ASSERTION_LIFETIME = timedelta(minutes=3)
_LOGIN_WAIT = timedelta(minutes=1)
_TOKEN = re.compile(r"[\x21-\x7e]{1,4096}", re.ASCII)


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """The answer of the token address: status and parsed body (``None`` where it is no JSON)."""

    status: int
    body: object


@dataclass(frozen=True, slots=True)
class Grant:
    """A token and where it is good. ``number`` counts the fetches of this process."""

    token: str = field(repr=False)
    instance_url: str
    organization_id: str
    number: int


class Tokens:
    """The current token, shared by all threads.

    ``post`` sends a form to the token address and answers without judging the status.
    """

    def __init__(
        self,
        settings: Settings,
        post: Callable[[Mapping[str, str]], TokenAnswer],
        now: Callable[[], datetime],
        *,
        allow_loopback: bool,
    ) -> None:
        self._settings = settings
        self._post = post
        self._now = now
        self._allow_loopback = allow_loopback
        self._lock = threading.Lock()
        self._grant: Grant | None = None
        self._refused = 0

    def grant(self) -> Grant:
        """The current token, fetched when there is none yet. Raises ``CallError``."""
        held = self._grant
        if held is None or held.number <= self._refused:
            # Known to be refused: wait for its successor rather than send it once more.
            return self.renew(held)
        return held

    def renew(self, stale: Grant | None) -> Grant:
        """A token other than ``stale``; threads that come with the same one share one fetch."""
        if stale is not None:
            self._refused = max(self._refused, stale.number)
        with self._lock:
            held = self._grant
            if held is not None and held.number > self._refused:
                return held
            fresh = self._fetch(number=held.number + 1 if held else 1)
            if held is not None and fresh.organization_id != held.organization_id:
                raise AuthFailed(
                    f"the credentials now open organisation {fresh.organization_id}, before it "
                    f"was {held.organization_id}; check the connection's settings",
                    code="ORGANIZATION_CHANGED",
                )
            self._grant = fresh
            return fresh

    def _fetch(self, number: int) -> Grant:
        answer = self._post(self._form())
        body = answer.body if isinstance(answer.body, Mapping) else {}
        if answer.status != 200:
            raise token_error(answer.status, self._masked(body))
        token, address, identity = (
            str(body.get(name) or "") for name in ("access_token", "instance_url", "id")
        )
        if not _TOKEN.fullmatch(token):
            raise UnexpectedAnswer("the token answer holds no usable token", code="TOKEN_SHAPE")
        return Grant(
            token=token,
            instance_url=self._checked_instance(address),
            organization_id=_organization(identity),
            number=number,
        )

    def _masked(self, body: Mapping[str, object]) -> dict[str, object]:
        """The refusal without anything secret that it may repeat."""
        return {
            name: redact(str(body[name]), self._settings.secrets)
            for name in ("error", "error_description")
            if body.get(name)
        }

    def _form(self) -> dict[str, str]:
        settings = self._settings
        if settings.auth == "jwt":
            return {"grant_type": _JWT_GRANT, "assertion": self._assertion()}
        return {
            "grant_type": "client_credentials",
            "client_id": settings.client_id,
            "client_secret": settings.client_secret,
        }

    def _assertion(self) -> str:
        import jwt  # the signing library is needed for this flow alone

        claims = {
            "iss": self._settings.client_id,
            "sub": self._settings.username,
            "aud": self._settings.audience,
            "exp": int((self._now() + _ASSERTION_LIFETIME).timestamp()),
        }
        try:
            return jwt.encode(claims, self._settings.private_key, algorithm="RS256")
        except (jwt.exceptions.PyJWTError, ValueError, TypeError):
            # The library's own message may quote the key.
            raise AuthFailed(
                "private_key: this is not an RSA key in PEM form without a passphrase",
                code="PRIVATE_KEY_UNREADABLE",
            ) from None

    def _checked_instance(self, address: str) -> str:
        """Where data calls may go: what the settings say, or a host of the vendor's."""
        try:
            found = origin(address, "instance_url", allow_loopback=self._allow_loopback)
        except ValueError:
            found = ""
        wanted = self._settings.instance_url
        host = urlsplit(found).hostname or ""
        login = self._settings.login_url
        allowed = (
            found == wanted
            if wanted is not None
            else found == login
            or host.endswith((".salesforce.com", ".salesforce.mil"))
            or (is_loopback(host) and is_loopback(urlsplit(login).hostname or ""))
        )
        if not found or not allowed:
            raise ActionNeeded(
                "the token answer leads to an address this connection may not call; set "
                "instance_url to your My Domain address",
                code="INSTANCE_NOT_ALLOWED",
            )
        return found


def token_error(status: int, body: Mapping[str, object]) -> CallError:
    """What a refusal of the token address means."""
    code = str(body.get("error") or f"HTTP_{status}")[:80]
    reason = str(body.get("error_description") or "no reason given")[:300]
    message = f"Salesforce gave no token ({code}: {reason})"
    if status == 429 or "login rate exceeded" in reason.lower():
        return RateLimited(
            message, wait=_LOGIN_WAIT, limit_class=LIMIT_CLASS, code=code.upper(), status=status
        )
    if status >= 500 or code in ("server_error", "temporarily_unavailable", "unknown_error"):
        return RetryLater(message, code=code.upper(), status=status)
    if status < 400:
        return UnexpectedAnswer(message, code=code.upper(), status=status)
    return AuthFailed(
        f"{message}; check client id, secret or key, the app's run-as user and the login address",
        code=code.upper(),
        status=status,
    )


def _organization(identity: str) -> str:
    """The organisation's id out of ``https://login.salesforce.com/id/{organisation}/{user}``."""
    parts = urlsplit(identity).path.strip("/").split("/")
    id = normal_id(parts[1]) if len(parts) == 3 and parts[0] == "id" else None
    if id is None:
        raise UnexpectedAnswer("the token answer names no organisation", code="TOKEN_SHAPE")
    return id
