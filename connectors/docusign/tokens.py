"""Signing in: an assertion of ours for a token, and the token for the address of the data.

developers.docusign.com, "How to get an access token with JWT Grant authentication" and
"/oauth/userinfo". There is no refresh token: every new token is signed for, and asks anew where the
account lives, because accounts are moved.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol

from connectors.docusign.objects import HOURLY
from connectors.docusign.settings import GUID, Settings
from connectors.errors import (
    ActionNeeded,
    AuthFailed,
    CallError,
    RateLimited,
    RetryLater,
    UnexpectedAnswer,
)

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

TOKEN_PATH: Final = "/oauth/token"  # noqa: S105 - an address
USERINFO_PATH: Final = "/oauth/userinfo"
GRANT_TYPE: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPE: Final = "signature impersonation"

_ASSERTION_LIFETIME: Final = timedelta(minutes=10)
_MARGIN: Final = timedelta(seconds=60)
_LIFE_MAX: Final = timedelta(hours=8)
_WAIT: Final = timedelta(seconds=60)
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,16384}", re.ASCII)
_SECONDS: Final = re.compile(r"[0-9]{1,7}", re.ASCII)


@dataclass(frozen=True, slots=True)
class DoorAnswer:
    """An answer of the sign-in address: status and body (``None`` where it is no JSON)."""

    status: int
    body: object = field(repr=False)  # it may hold the token


class Door(Protocol):
    """The sign-in address; answers are given without judging the status. Raises ``CallError``."""

    def post(self, path: str, form: Mapping[str, str]) -> DoorAnswer: ...

    def get(self, path: str, token: str) -> DoorAnswer: ...


@dataclass(frozen=True, slots=True)
class Grant:
    """A token, the account it opens and where, and until when. ``number`` counts the fetches."""

    token: str = field(repr=False)
    account_id: str
    account_name: str
    base_url: str
    until: datetime
    number: int


class Tokens:
    """The current grant, shared by all threads; one of them fetches while the others wait."""

    def __init__(self, settings: Settings, door: Door, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._door = door
        self._now = now
        self._lock = threading.Lock()
        self._key: RSAPrivateKey | None = None
        self._grant: Grant | None = None
        self._refused = 0

    def grant(self) -> Grant:
        """The current grant, fetched when there is none or it is about to end."""
        held = self._grant
        if held is None or not self._good(held):
            return self._renewed()
        return held

    def confirmed(self) -> Grant:
        """The current grant, said to be good just now: one call, or two to sign in."""
        held = self._grant
        if held is None or not self._good(held):
            return self._renewed()
        answer = self._door.get(USERINFO_PATH, held.token)
        if answer.status == 401:
            return self.renew(held)
        id, _, base_url = self._account(answer)
        same = (id, base_url) == (held.account_id, held.base_url)
        return held if same else self.renew(held)

    def renew(self, stale: Grant) -> Grant:
        """A grant other than ``stale``; threads that come with the same one share one fetch."""
        self._refused = max(self._refused, stale.number)
        return self._renewed()

    def _good(self, grant: Grant) -> bool:
        return grant.number > self._refused and self._now() < grant.until - _MARGIN

    def _renewed(self) -> Grant:
        with self._lock:
            held = self._grant
            if held is not None and self._good(held):
                return held
            fresh = self._fetched(held.number + 1 if held else 1)
            if held is not None and fresh.account_id != held.account_id:
                raise AuthFailed(
                    f"the user now opens account {fresh.account_id}, before it was "
                    f"{held.account_id}; set account_id",
                    code="ACCOUNT_CHANGED",
                )
            self._grant = fresh
            return fresh

    def _fetched(self, number: int) -> Grant:
        started = self._now()
        form = {"grant_type": GRANT_TYPE, "assertion": self._assertion(started)}
        answer = self._door.post(TOKEN_PATH, form)
        if answer.status != 200:
            raise token_error(answer, self._settings)
        body = answer.body if isinstance(answer.body, Mapping) else {}
        token, seconds = str(body.get("access_token") or ""), str(body.get("expires_in") or "")
        if not _TOKEN.fullmatch(token) or not _SECONDS.fullmatch(seconds):
            raise UnexpectedAnswer("the token answer holds no usable token", code="TOKEN_SHAPE")
        # At least two minutes: a shorter life would fetch one per call.
        life = min(max(timedelta(seconds=int(seconds)), 2 * _MARGIN), _LIFE_MAX)
        id, name, base_url = self._account(self._door.get(USERINFO_PATH, token))
        return Grant(token, id, name, base_url, started + life, number)

    def _assertion(self, at: datetime) -> str:
        import jwt  # the signing library is slow to import

        settings = self._settings
        claims = {
            "iss": settings.integration_key,
            "sub": settings.user_id,
            "aud": settings.audience,
            "iat": int(at.timestamp()),
            "exp": int((at + _ASSERTION_LIFETIME).timestamp()),
            "scope": SCOPE,
        }
        return jwt.encode(claims, self._private_key(), algorithm="RS256")

    def _private_key(self) -> RSAPrivateKey:
        """The key, read once: reading one checks its primes, which takes a while."""
        if self._key is None:
            from cryptography.exceptions import UnsupportedAlgorithm
            from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
            from cryptography.hazmat.primitives.serialization import load_pem_private_key

            try:
                key = load_pem_private_key(self._settings.private_key.encode(), None)
            except (ValueError, TypeError, UnsupportedAlgorithm):
                key = None  # the library's own message may quote the key
            if not isinstance(key, RSAPrivateKey):
                raise AuthFailed(
                    "private_key: this is not an RSA key in PEM form without a passphrase",
                    code="PRIVATE_KEY_UNREADABLE",
                )
            self._key = key
        return self._key

    def _account(self, answer: DoorAnswer) -> tuple[str, str, str]:
        """Id, name and data address of the account."""
        if answer.status != 200:
            raise userinfo_error(answer)
        accounts = _accounts(answer.body)
        wanted = self._settings.account_id
        for one in accounts:
            id = str(one.get("account_id") or "").lower()
            if id == wanted if wanted else str(one.get("is_default")).lower() == "true":
                break
        else:
            raise ActionNeeded(
                f"the user is no member of account {wanted}; check account_id and user_id"
                if wanted
                else "the user has no default account; set account_id",
                code="ACCOUNT_NOT_FOUND",
            )
        if not GUID.fullmatch(id):
            raise UnexpectedAnswer("the user's account has no usable id", code="USERINFO_SHAPE")
        base_url = (self._settings.base_url or str(one.get("base_uri") or "")).rstrip("/")
        if not self._settings.may_call(base_url):
            raise ActionNeeded(
                "DocuSign names a data address that this connection may not call; set base_url",
                code="BASE_URL_NOT_ALLOWED",
            )
        return id, str(one.get("account_name") or id)[:200], base_url


def _accounts(body: object) -> Sequence[Mapping[str, object]]:
    accounts = body.get("accounts") if isinstance(body, Mapping) else None
    if not isinstance(accounts, list) or not all(isinstance(one, Mapping) for one in accounts):
        raise UnexpectedAnswer("the answer names no accounts of the user", code="USERINFO_SHAPE")
    return accounts


def token_error(answer: DoorAnswer, settings: Settings) -> CallError:
    """What a refusal of the token address means."""
    body = answer.body if isinstance(answer.body, Mapping) else {}
    error, described = (str(body.get(name) or "") for name in ("error", "error_description"))
    code = re.sub(r"[^A-Za-z0-9_]", "_", error)[:80].upper() or f"HTTP_{answer.status}"
    message = f"DocuSign gave no token ({code}{f': {described[:200]}' if described else ''})"
    if answer.status == 429:
        return RateLimited(message, wait=_WAIT, limit_class=HOURLY, code=code, status=429)
    if answer.status >= 500 or answer.status == 408:
        return RetryLater(message, code=code, status=answer.status)
    if code == "CONSENT_REQUIRED":
        return ActionNeeded(
            f"the user has not allowed the app to act for him; he opens {settings.consent_url} "
            "once, signs in and accepts",
            code=code,
            status=answer.status,
        )
    if answer.status not in (400, 401, 403):
        return UnexpectedAnswer(f"{message}; check auth_url", code=code, status=answer.status)
    return AuthFailed(
        f"{message}; check integration_key, user_id, private_key, and that auth_url is the one of "
        "this environment",
        code=code,
        status=answer.status,
    )


def userinfo_error(answer: DoorAnswer) -> CallError:
    """What a refusal to say who the user is means."""
    message, status = f"DocuSign does not say where the account is ({answer.status})", answer.status
    if status == 429:
        return RateLimited(message, wait=_WAIT, limit_class=HOURLY, status=status)
    if status >= 500 or status == 408:
        return RetryLater(message, code=f"HTTP_{status}", status=status)
    if status in (401, 403):
        return AuthFailed(message, code=f"HTTP_{status}", status=status)
    return UnexpectedAnswer(message, code=f"HTTP_{status}", status=status)
