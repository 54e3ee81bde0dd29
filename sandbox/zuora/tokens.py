"""OAuth tokens of API clients. Reference: developer.zuora.com, "Authentication"."""

from __future__ import annotations

import hmac
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import parse_qsl

import orjson

from sandbox.messages import Request, Response, json_response
from sandbox.zuora.tenant import Settings, made_id

CLIENT_ID: Final = "0f3a6b52-9a1e-4c1d-8c55-7e2d0b9a4f10"
CLIENT_SECRET: Final = "revline-sandbox-secret"  # noqa: S105 - opens nothing but this simulator
SPENDTHRIFT: Final = 5  # tokens in a row that carried at most one call each


@dataclass
class Token:
    """One access token."""

    text: str
    expires_at: datetime
    revoked: bool = False
    calls: int = 0


@dataclass
class Tokens:
    """All tokens given out. ``secrets`` maps client ids to secrets."""

    now: Callable[[], datetime]
    chance: random.Random
    settings: Settings
    secrets: dict[str, str] = field(default_factory=lambda: {CLIENT_ID: CLIENT_SECRET})
    given: list[Token] = field(default_factory=list)
    by_text: dict[str, Token] = field(default_factory=dict)

    def issue(self, request: Request, complain: Callable[[str, str], None]) -> Response:
        """Answer ``POST /oauth/token``."""
        kind = request.headers.get("content-type", "")
        if not kind.startswith("application/x-www-form-urlencoded"):
            return json_response(415, {"message": "Unsupported Media Type"})
        if "authorization" in request.headers:
            complain("authorization_on_token", "credentials belong into the form")
        form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
        if form.get("grant_type") != "client_credentials":
            return json_response(400, {"message": "Unsupported grant type"})
        secret = self.secrets.get(form.get("client_id", ""))
        if secret is None:
            return json_response(401, {"message": "Invalid client id"})
        if not hmac.compare_digest(secret, form.get("client_secret", "")):
            reason = {"code": 90000011, "message": "Invalid client credentials"}
            return Response(401, orjson.dumps({"success": False, "reasons": [reason]}))
        if self._spendthrift():
            complain("token_per_request", "tokens are fetched anew for nearly every call")
        seconds = self.settings.token_seconds
        token = Token(
            f"{self.chance.getrandbits(128):032x}", self.now() + timedelta(seconds=seconds)
        )
        self.given.append(token)
        self.by_text[token.text] = token
        tenant = made_id("tenant")
        return json_response(200, {
            "access_token": token.text, "token_type": "bearer", "expires_in": seconds - 2,
            "scope": f"entity.{made_id('entity')} tenant.{tenant} user.{made_id('user')}",
            "jti": token.text,
        })  # fmt: skip

    def _spendthrift(self) -> bool:
        last = self.given[-SPENDTHRIFT:]
        alive = all(token.expires_at > self.now() and not token.revoked for token in last)
        return len(last) == SPENDTHRIFT and alive and all(token.calls == 1 for token in last)

    def accepts(self, request: Request) -> bool:
        """Whether a request bears a live token; counts its use."""
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        token = self.by_text.get(text)
        if scheme.lower() != "bearer" or token is None:
            return False
        if token.revoked or self.now() >= token.expires_at:
            return False
        token.calls += 1
        return True

    def revoke_all(self) -> int:
        """End every token, as an administrator may."""
        for token in self.given:
            token.revoked = True
        return len(self.given)
