"""Signing in with a JWT, and asking who one is.

Reference: developers.docusign.com, "How to get an access token with JWT Grant authentication" and
"/oauth/userinfo".
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qsl

import jwt
from jwt.types import Options

from sandbox.docusign import credentials
from sandbox.docusign.settings import Settings
from sandbox.messages import Json, Request, Response, json_response

JWT_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
HOSTS: Final = frozenset({"account.docusign.com", "account-d.docusign.com"})
NEEDED_SCOPES: Final = frozenset({"signature", "impersonation"})
ASSERTION_MAX: Final = timedelta(hours=1)
SKEW_MAX: Final = timedelta(minutes=5)


class OAuthError(Exception):
    """What the token address refuses with: 400 ``{"error"}``."""

    def __init__(self, error: str, description: str = "") -> None:
        super().__init__(error)
        self.error = error
        self.description = description


@dataclass(slots=True)
class Access:
    """Access tokens of one account. ``base_uri`` is where its data lives; blank: this address."""

    now: Callable[[], datetime]
    chance: random.Random
    settings: Settings
    issued: dict[str, datetime] = field(default_factory=dict)  # token → when it ends
    base_uri: str = ""
    account_id: str = credentials.ACCOUNT_ID

    def token(self, request: Request) -> Response:
        """Answer ``POST /oauth/token``."""
        form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
        try:
            if form.get("grant_type") != JWT_GRANT:
                raise OAuthError("unsupported_grant_type")
            self._check(form.get("assertion", ""), request.headers.get("host", ""))
        except OAuthError as refused:
            body = {"error": refused.error}
            if refused.description:
                body["error_description"] = refused.description
            return json_response(400, body)
        scope = " ".join(sorted(NEEDED_SCOPES))
        body = {"access_token": self.issue(), "token_type": "Bearer", "scope": scope}
        return json_response(200, {**body, "expires_in": self.settings.token_seconds})

    def issue(self) -> str:
        """Give out a token."""
        token = f"ds-{self.chance.getrandbits(256):064x}"
        self.issued[token] = self.now() + timedelta(seconds=self.settings.token_seconds)
        return token

    def userinfo(self, request: Request) -> Response:
        """Answer ``GET /oauth/userinfo``."""
        base = self.base_uri or f"http://{request.headers.get('host', '')}"
        other = {
            "account_id": "11111111-2222-4333-8444-555555555555",
            "is_default": False,
            "account_name": "Another account",
            "base_uri": base,
        }
        account = {
            "account_id": self.account_id,
            "is_default": True,
            "account_name": credentials.ACCOUNT_NAME,
            "base_uri": base,
        }
        body: dict[str, Json] = {
            "sub": credentials.USER_ID,
            "name": credentials.USER_NAME,
            "email": credentials.USER_EMAIL,
            "accounts": [other, account],
        }
        return json_response(200, body)

    def accepts(self, request: Request) -> bool:
        """Whether a request bears a live token."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        ends = self.issued.get(token)
        return scheme.lower() == "bearer" and ends is not None and self.now() < ends

    def revoke_all(self) -> int:
        """End every token now; how many."""
        count = len(self.issued)
        self.issued.clear()
        return count

    def _check(self, assertion: str, host: str) -> None:
        try:
            header = jwt.get_unverified_header(assertion)
            if header.get("alg") != "RS256":
                raise OAuthError("invalid_grant", "unsupported_algorithm")
            # Times are ours, not the library's: the clock here may stand or run ahead.
            options: Options = {
                "verify_exp": False, "verify_iat": False, "verify_nbf": False,
                "verify_aud": False, "verify_sub": False, "verify_jti": False,
            }  # fmt: skip
            key = credentials.public_key_pem()
            claims = jwt.decode(assertion, key, algorithms=["RS256"], options=options)
        except (jwt.PyJWTError, TypeError, ValueError) as error:
            raise OAuthError("invalid_grant", "no_valid_keys_or_signatures") from error
        self._check_claims(claims, host)

    def _check_claims(self, claims: Mapping[str, Any], host: str) -> None:
        if claims.get("iss") != credentials.INTEGRATION_KEY:
            raise OAuthError("invalid_grant", "issuer_not_found")
        if claims.get("sub") != credentials.USER_ID:
            raise OAuthError("invalid_grant", "user_not_found")
        if claims.get("aud") not in HOSTS | {host}:
            raise OAuthError("invalid_grant", "invalid_audience")
        scopes = claims.get("scope")
        if not isinstance(scopes, str) or not NEEDED_SCOPES.issubset(scopes.split()):
            raise OAuthError("invalid_scope")
        self._check_times(claims.get("iat"), claims.get("exp"))
        if not self.settings.consent:
            raise OAuthError("consent_required")

    def _check_times(self, issued: object, expires: object) -> None:
        now = self.now().timestamp()
        if not isinstance(issued, int | float) or not isinstance(expires, int | float):
            raise OAuthError("invalid_grant", "expired")
        skew = SKEW_MAX.total_seconds()
        if expires <= now or abs(issued - now) > skew + ASSERTION_MAX.total_seconds():
            raise OAuthError("invalid_grant", "expired")
        if expires - issued > ASSERTION_MAX.total_seconds():
            raise OAuthError("invalid_grant", "expires too late")
