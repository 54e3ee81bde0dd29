"""Signing in: OAuth 2.0 client credentials and JWT bearer, and the sessions they open.

"OAuth 2.0 Client Credentials Flow" and "OAuth 2.0 JWT Bearer Flow", help.salesforce.com.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate
from jwt.types import Options

from sandbox.salesforce.org import Org
from sandbox.salesforce.values import Row

JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LOGIN_HOSTS: Final = ("https://login.salesforce.com", "https://test.salesforce.com")
ASSERTION_MAX: Final = timedelta(minutes=5)
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._"


class OAuthError(Exception):
    """What the token endpoint refuses with: 400 ``{"error", "error_description"}``."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description


@dataclass(frozen=True, slots=True)
class ConnectedApp:
    """A registered client. ``public_key`` is PEM, a key or a certificate."""

    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    public_key: str | None = None
    run_as: str | None = None  # a username; the org's first active user otherwise


@dataclass(frozen=True, slots=True)
class Session:
    """An access token in use."""

    user_id: str
    client_id: str
    opened_at: datetime
    ends_at: datetime


class Sessions:
    """Connected apps and sessions of one org."""

    def __init__(self, org: Org, chance: random.Random) -> None:
        self._org = org
        self._random = chance
        self.apps: dict[str, ConnectedApp] = {}
        self.lifetime = timedelta(hours=2)
        self._sessions: dict[str, Session] = {}
        self.refused: dict[str, int] = {}  # ended tokens, by the last request before the refusal

    def register(self, app: ConnectedApp) -> None:
        """Add or replace an app; ``ValueError`` when its key cannot be read."""
        if app.public_key is not None:
            _public_key(app.public_key)
        self.apps[app.client_id] = app

    def open(self, form: Mapping[str, str], host: str) -> tuple[str, Session]:
        """A new session for a token request; :class:`OAuthError` if it is refused."""
        match form.get("grant_type"):
            case "client_credentials":
                app = self._app(form.get("client_id"))
                if app.client_secret is None or form.get("client_secret") != app.client_secret:
                    raise OAuthError("invalid_client", "invalid client credentials")
                user = self._user(app.run_as)
            case grant if grant == JWT_BEARER:
                app, username = self._from_assertion(form.get("assertion") or "", host)
                user = self._user(username)
            case _:
                raise OAuthError("unsupported_grant_type", "grant type not supported")
        letters = "".join(self._random.choice(_LETTERS) for _ in range(80))
        token = f"{self.org_id[:15]}!AQ{letters}"
        now = self._org.now()
        session = Session(user["Id"], app.client_id, now, now + self.lifetime)
        self._sessions[token] = session
        return token, session

    @property
    def org_id(self) -> str:
        """The org's own id."""
        return next(iter(self._org.table("Organization").rows), "00D000000000000AAA")

    def get(self, token: str) -> Session | None:
        """A session that was opened here, ended or not."""
        return self._sessions.get(token)

    def ended(self, session: Session) -> bool:
        """Whether the session's time is over."""
        return self._org.now() >= session.ends_at

    def revoke_all(self) -> int:
        """End every session now; how many."""
        now = self._org.now()
        for token, session in self._sessions.items():
            self._sessions[token] = replace(session, ends_at=now)
        return len(self._sessions)

    def _app(self, client_id: str | None) -> ConnectedApp:
        app = self.apps.get(client_id or "")
        if app is None:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        return app

    def _user(self, username: str | None) -> Row:
        for user in self._org.table("User").by_id():
            if username is None and user["IsActive"]:
                return user
            if username is not None and user["Username"].lower() == username.lower():
                if not user["IsActive"]:
                    raise OAuthError("inactive_user", "user is inactive")
                return user
        raise OAuthError("invalid_grant", "user hasn't approved this consumer")

    def _from_assertion(self, assertion: str, host: str) -> tuple[ConnectedApp, str]:
        try:
            unverified = jwt.decode(assertion, options={"verify_signature": False})
        except jwt.PyJWTError as error:
            raise OAuthError("invalid_grant", "invalid assertion") from error
        app = self._app(str(unverified.get("iss")))
        if app.public_key is None:
            raise OAuthError("invalid_client", "the app has no certificate")
        claims = self._verified(assertion, app.public_key)
        if claims.get("aud") not in {*LOGIN_HOSTS, f"http://{host}", f"https://{host}"}:
            raise OAuthError("invalid_grant", "audience is invalid")
        self._check_expiry(claims.get("exp"))
        return app, str(claims.get("sub"))

    @staticmethod
    def _verified(assertion: str, public_key: str) -> dict[str, Any]:
        skipped: Options = {"verify_aud": False, "verify_exp": False, "verify_iat": False}
        try:
            claims: dict[str, Any] = jwt.decode(
                assertion, _public_key(public_key), algorithms=["RS256"], options=skipped
            )
        except jwt.PyJWTError as error:
            raise OAuthError("invalid_grant", "invalid assertion") from error
        return claims

    def _check_expiry(self, exp: object) -> None:
        """The virtual clock decides, not the library's."""
        if isinstance(exp, bool) or not isinstance(exp, int | float):
            raise OAuthError("invalid_grant", "assertion has no expiry")
        now = self._org.now().timestamp()
        if exp <= now:
            raise OAuthError("invalid_grant", "expired assertion")
        if exp > now + ASSERTION_MAX.total_seconds() + 5:
            raise OAuthError("invalid_grant", "assertion expires too far in the future")


def _public_key(pem: str) -> Any:
    data = pem.encode()
    if b"CERTIFICATE" in data:
        return load_pem_x509_certificate(data).public_key()
    return load_pem_public_key(data)
