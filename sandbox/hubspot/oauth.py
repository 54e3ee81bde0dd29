"""Credentials: static tokens and OAuth, expiring on the virtual clock.

Reference: developers.hubspot.com, "OAuth" and "Service keys". The credentials below open nothing
but this simulator.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from sandbox.clock import iso_milliseconds
from sandbox.hubspot import paths
from sandbox.hubspot.errors import PORTAL_ID, ApiError, correlation_id, not_found
from sandbox.hubspot.events import APP_ID
from sandbox.messages import Json, Request, Response, json_response
from sandbox.routes import Route

if TYPE_CHECKING:
    from sandbox.hubspot.simulator import HubSpot

ACCESS_TOKEN: Final = "pat-eu1-00000000-sandbox"  # noqa: S105
CLIENT_ID: Final = "11111111-sandbox-client"
CLIENT_SECRET: Final = "22222222-sandbox-secret"  # noqa: S105
REFRESH_TOKEN: Final = "eu1-33333333-sandbox-refresh"  # noqa: S105
DEVELOPER_KEY: Final = "44444444-sandbox-developer-key"
SCOPES: Final = tuple(
    f"crm.objects.{name}.{right}"
    for name in ("contacts", "companies", "deals", "line_items", "products", "owners", "custom")
    for right in ("read", "write")
)


@dataclass(slots=True)
class Tokens:
    """Valid credentials of the account."""

    chance: random.Random
    static: set[str] = field(default_factory=lambda: {ACCESS_TOKEN})
    refresh: set[str] = field(default_factory=lambda: {REFRESH_TOKEN})
    codes: set[str] = field(default_factory=set)
    access: dict[str, datetime] = field(default_factory=dict)

    def new(self, kind: str) -> str:
        """A fresh token."""
        return f"{kind}-{self.chance.getrandbits(96):024x}"


class OAuthApi:
    """The token endpoints, and the check of every other request."""

    def __init__(self, simulator: HubSpot, seed: int) -> None:
        self._simulator = simulator
        self.tokens = Tokens(random.Random(f"tokens-{seed}"))

    def routes(self) -> Iterator[Route]:
        """Both path styles of every handler."""
        dated = "/oauth/{date}/token"
        yield from paths.both("POST", "/oauth/v1/token", dated, self._token, open=True)
        yield Route("GET", "/oauth/v1/access-tokens/{token}", self._info_by_path, open=True)
        yield Route(
            "POST", "/oauth/v2/private-apps/get/access-token-info", self._private_info, open=True
        )
        for date in paths.DATED:
            base = f"/oauth/{date}/token"
            yield Route("POST", f"{base}/introspect", self._introspect, open=True)
            yield Route("POST", f"{base}/revoke", self._revoke, open=True)

    def authorize(self, request: Request) -> Response | None:
        """401 in the vendor's words, or ``None`` for a valid token."""
        header = request.headers.get("authorization", "")
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token:
            text = (
                "Authentication credentials not found. This API supports OAuth 2.0 authentication "
                "and you can find more details at https://developers.hubspot.com/docs"
            )
            return ApiError(text, status=401).response()
        if token in self.tokens.static:
            return None
        expires_at = self.tokens.access.get(token)
        if expires_at is None:
            text = "Authentication credentials are invalid: unknown access token."
            return ApiError(text, status=401).response()
        late = (self._simulator.now() - expires_at).total_seconds()
        if late < 0:
            return None
        return ApiError(
            f"The OAuth token used to make this call expired {int(late)} second(s) ago.",
            status=401,
            category="EXPIRED_AUTHENTICATION",
            context={"expire time": [iso_milliseconds(expires_at)]},
        ).response()

    def is_oauth(self, request: Request) -> bool:
        """Whether the request comes from an OAuth app rather than a private one."""
        return request.headers.get("authorization", "").partition(" ")[2] in self.tokens.access

    def _token(self, request: Request) -> Response:
        form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        known = (
            "client_id",
            "client_secret",
            "grant_type",
            "refresh_token",
            "code",
            "redirect_uri",
        )
        self._simulator.expect_keys(request, form, known, "token request")
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return self._refuse(request, "BAD_CLIENT_SECRET", "client_id or client_secret is wrong")
        grant = form.get("grant_type")
        if grant == "refresh_token":
            presented = form.get("refresh_token", "")
            if presented not in self.tokens.refresh:
                text = "missing or invalid refresh token"
                return self._refuse(request, "BAD_REFRESH_TOKEN", text)
        elif grant == "authorization_code":
            presented = ""
            if form.get("code", "") not in self.tokens.codes:
                return self._refuse(request, "BAD_AUTH_CODE", "missing or unknown auth code")
            self.tokens.codes.discard(form["code"])
        else:
            return self._refuse(request, "BAD_GRANT_TYPE", "missing or unknown grant type")
        return self._issue(presented)

    def _issue(self, presented: str) -> Response:
        settings = self._simulator.settings
        refresh = presented
        if not presented or settings.rotate_refresh_tokens:
            self.tokens.refresh.discard(presented)
            refresh = self.tokens.new("refresh")
            self.tokens.refresh.add(refresh)
        access = self.tokens.new("access")
        seconds = settings.access_token_seconds
        self.tokens.access[access] = self._simulator.now() + timedelta(seconds=seconds)
        self._simulator.touch()
        body = {
            "token_type": "bearer",
            "refresh_token": refresh,
            "access_token": access,
            "expires_in": seconds,
        }
        return json_response(200, body)

    def _refuse(self, request: Request, status: str, message: str) -> Response:
        self._simulator.violation("unauthorized", message, request)
        body = {"status": status, "message": message, "correlationId": correlation_id()}
        return json_response(400, body)

    def _describe(self, token: str) -> Response:
        expires_at = self.tokens.access.get(token)
        left = (expires_at - self._simulator.now()).total_seconds() if expires_at else -1
        if left <= 0:
            raise not_found("Access token not found").refusal()
        body: dict[str, Json] = {
            "user": "ada.reyes@revline.example",
            "hub_domain": "sandbox.revline.example",
            "scopes": self._scopes(),
            "hub_id": PORTAL_ID,
            "app_id": APP_ID,
            "expires_in": int(left),
            "user_id": 77,
            "token_type": "access",
            "active": True,
        }
        return json_response(200, body)

    def _scopes(self) -> list[str]:
        missing = self._simulator.settings.missing_scopes
        return [scope for scope in SCOPES if scope not in missing]

    def _info_by_path(self, request: Request) -> Response:
        self._simulator.violation("token_in_url", "an access token in the URL path", request)
        return self._describe(request.parameters["token"])

    def _introspect(self, request: Request) -> Response:
        form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
        return self._describe(form.get("token", ""))

    def _private_info(self, request: Request) -> Response:
        try:
            body = request.json()
            token = str(body["tokenKey"])
        except (KeyError, TypeError, ValueError):
            raise ApiError("Invalid input JSON: tokenKey is required").refusal() from None
        if token not in self.tokens.static:
            raise not_found("Access token not found").refusal()
        scopes = self._scopes()
        described = {"userId": 77, "hubId": PORTAL_ID, "appId": APP_ID, "scopes": scopes}
        return json_response(200, described)

    def _revoke(self, request: Request) -> Response:
        form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
        token = form.get("token", "")
        self.tokens.refresh.discard(token)
        self.tokens.access.pop(token, None)
        self._simulator.touch()
        return Response(204)
