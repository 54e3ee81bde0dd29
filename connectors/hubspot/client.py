"""One call to HubSpot, through the official SDK and our transport.

The SDK's typed methods know only numbered paths, so the calls go through its own ``call_api``: what
it does about serialisation, authorisation and exceptions stays as it is, and answers are parsed by
us from the bytes. One API object of the SDK is kept per door, each with our transport in the place
of its connection pool: no retries, no redirects, deadlines always.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import reduce
from typing import Any, Final
from zoneinfo import ZoneInfo

from connectors.base import Wiring
from connectors.errors import AuthFailed, CallError, Rejected
from connectors.http import Transport, parse_json, redact
from connectors.hubspot.errors import Circumstances, Reply, error_of, sdk_error
from connectors.hubspot.objects import ASSOCIATIONS, BURST, SEARCH
from connectors.hubspot.paths import Paths
from connectors.hubspot.tokens import FixedToken, RefreshedToken, Tokens

_READING_POSTS: Final = (
    "/batch/read",
    "/search",
    "/token",
    "/token/introspect",
    "/get/access-token-info",
)
_SECRETS: Final = ("access_token", "client_secret", "client_secret_previous", "refresh_token")


@dataclass(frozen=True, slots=True)
class DoorFacts:
    """Which API object of the SDK a door is, its limit class, and whether its calls may write."""

    api: str
    limit_class: str
    effect: bool = False


class Door(Enum):
    """The SDK's API objects that are kept."""

    READING = DoorFacts("crm.objects.basic_api", BURST)
    WRITING = DoorFacts("crm.objects.batch_api", BURST, effect=True)
    SEARCH = DoorFacts("crm.objects.search_api", SEARCH)
    ASSOCIATIONS = DoorFacts("crm.associations.v4.batch_api", ASSOCIATIONS)
    PROPERTIES = DoorFacts("crm.properties.core_api", BURST)
    SETUP = DoorFacts("crm.properties.groups_api", BURST, effect=True)
    OWNERS = DoorFacts("crm.owners.owners_api", BURST)
    OAUTH = DoorFacts("oauth.tokens_api", BURST)


@dataclass(frozen=True, slots=True)
class Call:
    """One call. ``form`` is for the token endpoint, which takes no authorisation."""

    door: Door
    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, object] | None = None
    form: tuple[tuple[str, str], ...] | None = field(default=None, repr=False)
    object: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with a 2xx status; ``body`` is parsed JSON, ``None`` where there is none."""

    status: int
    body: Any
    request_id: str | None


def limit_class_of(method: str, path: str) -> str:  # noqa: ARG001 - how the transport asks
    """The limit a call counts against, from its path."""
    if path.endswith("/search"):
        return SEARCH
    return ASSOCIATIONS if "/associations/" in path else BURST


def writes(method: str, path: str) -> bool:
    """Whether a call may change something: HubSpot reads and searches by POST."""
    return method != "GET" and not path.endswith(_READING_POSTS)


class Client:
    """Calls HubSpot. One attempt per call, save that an expired OAuth token is replaced once."""

    def __init__(self, settings: Mapping[str, str], wiring: Wiring, paths: Paths) -> None:
        """Raises ``Rejected`` when the settings hold no credentials."""
        self._settings = settings
        self._wiring = wiring
        self._paths = paths
        self._transport = Transport(
            settings["base_url"],
            wiring,
            limit_class=limit_class_of,
            effect_of=writes,
        )
        self._apis = _api_objects(self._transport)
        self._secrets = tuple(settings[name] for name in _SECRETS if settings.get(name))
        self._tokens = self._tokens_of(settings)
        self.zone: ZoneInfo | None = None

    def call(self, call: Call) -> Answer:
        """Make a call.

        Raises:
            CallError: by the table of :mod:`connectors.hubspot.errors`.
        """
        if call.form is not None:
            return self._send(call, None)
        token = self._tokens.token()
        try:
            return self._send(call, token)
        except AuthFailed:
            # A 401 is answered before anything is done, so that sending again is no second effect.
            if not self._tokens.refused(token):
                raise
        return self._send(call, self._tokens.token())

    def row_error(self, reply: Reply, *, effect: bool, object: str) -> CallError:
        """The error of one row of a 207."""
        return error_of(self._clean(reply), self._circumstances(object, BURST, effect=effect))

    def scopes(self) -> frozenset[str]:
        """What the credentials may do, by HubSpot's own word on the token."""
        token = self._tokens.token()
        if isinstance(self._tokens, FixedToken):
            path = self._paths.private_token()
            answer = self._send(Call(Door.OAUTH, "POST", path, body={"tokenKey": token}), None)
        else:
            path = self._paths.introspection()
            app = tuple((name, self._settings[name]) for name in ("client_id", "client_secret"))
            form = (("token", token), *app)
            answer = self._send(Call(Door.OAUTH, "POST", path, form=form), None)
        held = answer.body.get("scopes") if isinstance(answer.body, Mapping) else None
        return frozenset(map(str, held if isinstance(held, list) else ()))

    def close(self) -> None:
        """Drop idle connections."""
        self._transport.close()

    def _send(self, call: Call, token: str | None) -> Answer:
        facts = call.door.value
        api = self._apis[call.door]
        timeouts = (self._wiring.connect_seconds, self._wiring.read_seconds)
        at = self._circumstances(call.object, facts.limit_class, effect=facts.effect)
        try:
            raw = api.call_api(
                call.path,
                call.method,
                query_params=list(call.query),
                header_params=_headers(call),
                body=call.body,
                post_params=list(call.form or ()),
                auth_settings=["oauth2"] if token else [],
                _preload_content=False,
                _request_timeout=timeouts,
                _request_auth=_bearer(token) if token else None,
            )
        except CallError:
            raise
        except Exception as error:  # noqa: BLE001 - the SDK has 300 unrelated classes of its own
            raise self._refused(error, at, token) from None
        return Answer(
            raw.status,
            parse_json(raw.data) if raw.data else None,
            raw.getheader("x-hubspot-correlation-id"),
        )

    def _refused(self, error: BaseException, at: Circumstances, token: str | None) -> CallError:
        # The SDK stumbles over error bodies that are not UTF-8; what it was about to raise is kept.
        cause = error.__context__
        if not hasattr(error, "status") and hasattr(cause, "status") and cause is not None:
            error = cause
        body = getattr(error, "body", None)
        text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
        if text:
            error.body = redact(text, (*self._secrets, token or ""))  # type: ignore[attr-defined]
        return sdk_error(error, at)

    def _clean(self, reply: Reply) -> Reply:
        message = reply.body.get("message")
        if not isinstance(message, str):
            return reply
        return replace(reply, body={**reply.body, "message": redact(message, self._secrets)})

    def _circumstances(self, object: str, limit_class: str, *, effect: bool) -> Circumstances:
        return Circumstances(object, limit_class, effect, self._wiring.now(), self.zone)

    def _tokens_of(self, settings: Mapping[str, str]) -> Tokens:
        if settings.get("access_token"):
            return FixedToken(settings["access_token"])
        needed = ("client_id", "client_secret", "refresh_token")
        missing = [name for name in needed if not settings.get(name)]
        if missing:
            raise Rejected(
                "The connection has no credentials: set access_token (a service key or a private "
                f"app's token), or for OAuth also {', '.join(missing)}.",
                code="NO_CREDENTIALS",
            )
        return RefreshedToken(settings["refresh_token"], self._exchange, self._wiring.now)

    def _exchange(self, refresh_token: str) -> Mapping[str, object]:
        """Exchange a refresh token. Any refusal needs a person: "Working with OAuth"."""
        form = (
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
            ("client_id", self._settings["client_id"]),
            ("client_secret", self._settings["client_secret"]),
        )
        try:
            answer = self._send(Call(Door.OAUTH, "POST", self._paths.token(), form=form), None)
        except Rejected as error:
            raise AuthFailed(
                f"HubSpot refuses the refresh token; install the app anew. {error.message}",
                code=error.code,
                request_id=error.request_id,
                status=error.status,
            ) from error
        return answer.body if isinstance(answer.body, Mapping) else {}


def _headers(call: Call) -> dict[str, str]:
    form = "application/x-www-form-urlencoded"
    kind = form if call.form is not None else "application/json"
    return {"Accept": "application/json", "Content-Type": kind}


def _bearer(token: str) -> dict[str, str]:
    """The SDK's own form of one call's authorisation; several threads may hold different tokens."""
    return {
        "type": "oauth2",
        "in": "header",
        "key": "Authorization",
        "value": f"Bearer {token}",
    }


def _api_objects(transport: Transport) -> dict[Door, Any]:
    """The SDK's API clients, each with our transport in the place of its connection pool.

    The SDK is imported here, so that looking at the connector's declarations does not.
    """
    from hubspot import Client as Sdk

    sdk = Sdk.create(host=transport.base_url, base_url=transport.base_url, retry=False)
    clients: dict[Door, Any] = {}
    for door in Door:
        api = reduce(getattr, door.value.api.split("."), sdk)
        api.api_client.rest_client.pool_manager = transport.pool_manager()
        clients[door] = api.api_client
    return clients
