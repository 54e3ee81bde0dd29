"""The HubSpot simulator: the account, its API and its admin commands put together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import ClassVar

import orjson

from sandbox.clock import VirtualClock
from sandbox.emit import Sender
from sandbox.hubspot import loading, mutations, webhooks
from sandbox.hubspot.account import Account
from sandbox.hubspot.associations_api import AssociationsApi
from sandbox.hubspot.batch_api import BatchApi
from sandbox.hubspot.errors import ApiError, correlation_id
from sandbox.hubspot.limits import Limits
from sandbox.hubspot.metadata_api import MetadataApi
from sandbox.hubspot.oauth import OAuthApi
from sandbox.hubspot.records_api import RecordsApi
from sandbox.hubspot.search import SearchApi
from sandbox.messages import Json, Request, Response, json_response
from sandbox.routes import Route
from sandbox.simulator import BadCommand, Mutation, Simulator

_MESSAGES = {
    423: "The record is locked by another process",
    429: "You have reached your ten_secondly_rolling limit.",
    477: "This account is being moved between data centers",
    503: "Service unavailable",
}


@dataclass(slots=True)
class Settings:
    """The knobs of the simulator, set through ``POST /__admin/options``.

    ``rate_scale`` multiplies every rate limit. ``index_delay_seconds`` is how long search lags
    behind writes. ``required_properties`` are administrators' rules per object. A scope named in
    ``missing_scopes`` (``crm.objects.deals.write``) makes its calls fail with 403.
    """

    rate_scale: float = 1.0
    index_delay_seconds: float = 0.0
    access_token_seconds: int = 1800
    rotate_refresh_tokens: bool = False
    inline_association_max: int = 100
    account_type: str = "DEVELOPER_TEST"
    time_zone: str = "Europe/Berlin"
    missing_scopes: tuple[str, ...] = ()
    required_properties: Mapping[str, Sequence[str]] | None = None


class HubSpot(Simulator):
    """One HubSpot account on loopback."""

    system: ClassVar[str] = "hubspot"
    identity_field: ClassVar[str] = "revline_id"
    # the developer key stands in the query by the vendor's own design
    secret_query_names: ClassVar[frozenset[str]] = Simulator.secret_query_names - {"hapikey"}

    def __init__(
        self,
        *,
        seed: int = 0,
        clock: VirtualClock | None = None,
        identity_fields: Mapping[str, str] | None = None,
        settings: Settings | None = None,
    ) -> None:
        super().__init__(seed=seed, clock=clock, identity_fields=identity_fields)
        self._initial = settings or Settings()
        self.sender = Sender(webhooks.HubSpotWebhooks(), self.clock, seed)
        self.clear()

    def clear(self) -> None:
        """A clean account with the settings it was made with."""
        self.settings = replace(self._initial)
        self.account = Account(self, self.seed)
        self.limits = Limits()
        self.oauth = OAuthApi(self, self.seed)
        self._table = None
        self._apply_settings()

    def routes(self) -> Iterable[Route]:
        """The whole surface, both path styles."""
        account = self.account
        for api in (
            RecordsApi(account),
            BatchApi(account),
            SearchApi(account),
            AssociationsApi(account),
            MetadataApi(account),
            webhooks.WebhooksApi(account),
            self.oauth,
        ):
            yield from api.routes()

    # -- around every request ----------------------------------------------------------------------

    def authorize(self, request: Request) -> Response | None:
        """A bearer token that is known and not expired."""
        return self.oauth.authorize(request)

    def admit(self, request: Request, route: Route) -> Response | None:
        """Scopes, then rate limits."""
        return self._scope_refusal(request, route) or self.limits.admit(
            self._buckets(request, route.template), self.now(), self.settings.time_zone
        )

    def _buckets(self, request: Request, template: str) -> list[str]:
        if route_is_open(template):
            return []
        if template.endswith("/search"):
            return ["search"]
        kinds = ["oauth" if self.oauth.is_oauth(request) else "burst"]
        if "/associations/" in template:
            kinds.append("associations")
        return kinds

    def _scope_refusal(self, request: Request, route: Route) -> Response | None:
        missing = self.settings.missing_scopes
        found = self.table.find(request.method, request.path)
        if not missing or found is None or "object" not in found[1]:
            return None
        object_type = self.account.schema.find(found[1]["object"])
        if object_type is None:
            return None
        reading = request.method == "GET" or route.template.endswith(("/read", "/search"))
        scope = f"crm.objects.{object_type.name}.{'read' if reading else 'write'}"
        if scope not in missing:
            return None
        detail = {
            "message": "One or more of the following scopes are required.",
            "context": {"requiredGranularScopes": [scope]},
        }
        text = "This app hasn't been granted all required scopes to make this call."
        return ApiError(text, status=403, errors=[detail]).response()

    def finish(self, request: Request, response: Response) -> Response:
        """Rate headers (search has none), and the events the request caused are sent."""
        self._flush()
        extra = [("X-HubSpot-Correlation-Id", correlation_id())]
        if not request.path.endswith("/search") and not route_is_open(request.path):
            kind = "oauth" if self.oauth.is_oauth(request) else "burst"
            extra += self.limits.headers(kind, self.now())
        return replace(response, headers=(*response.headers, *extra))

    def _flush(self) -> None:
        events = self.account.events.take()
        if events and self.sender is not None:
            self.sender.submit(events)

    def unknown_route(self, request: Request) -> Response:  # noqa: ARG002
        """404 in the vendor's words."""
        return ApiError("resource not found", status=404).response()

    def error_response(self, status: int) -> Response:
        """The general error body; 477 always carries ``Retry-After``."""
        category = "INTERNAL_ERROR" if status >= 500 else None
        text = _MESSAGES.get(status, "internal error")
        response = ApiError(text, status=status, category=category).response()
        if status == 429:
            body = {**orjson.loads(response.body), "policyName": "TEN_SECONDLY_ROLLING"}
            return json_response(429, {**body, "errorType": "RATE_LIMIT"})
        if status == 477:
            return replace(response, headers=(("Retry-After", "3600"),))
        return response

    def following_page(self, request: Request, response: Response) -> Request | None:
        """The request for the next page of a list or a search."""
        try:
            after = orjson.loads(response.body)["paging"]["next"]["after"]
        except (KeyError, TypeError, ValueError):
            return None
        if request.method == "POST":
            body = {**orjson.loads(request.body), "after": after}
            return replace(request, body=orjson.dumps(body))
        query = [(key, value) for key, value in request.query if key != "after"]
        return replace(request, query=(*query, ("after", after)))

    # -- admin -------------------------------------------------------------------------------------

    def load(self, body: Mapping[str, Json]) -> Mapping[str, int]:
        """See :func:`sandbox.hubspot.loading.load`."""
        return loading.load(self.account, body)

    def snapshot(self) -> dict[str, dict[str, Json]]:
        """Everything there is."""
        return loading.snapshot(self.account)

    def live_records(self) -> Iterator[tuple[str, str, Mapping[str, Json]]]:
        """Every record that is not archived."""
        for record in self.account.store.live():
            yield record.type.name, record.id, record.properties

    def mutate(self, mutation: Mutation) -> Json:
        """An edit as a person makes it in the screens."""
        self.account.events.source = "CRM_UI"
        try:
            return mutations.carry_out(self.account, mutation)
        finally:
            self.account.events.source = "INTEGRATION"
            self._flush()

    def get_options(self) -> dict[str, Json]:
        """The settings by name."""
        return {entry.name: getattr(self.settings, entry.name) for entry in fields(self.settings)}

    def set_options(self, options: Mapping[str, Json]) -> None:
        """Change settings by name."""
        unknown = sorted(set(options) - {entry.name for entry in fields(Settings)})
        if unknown:
            raise BadCommand(f"unknown options: {', '.join(unknown)}")
        self.settings = replace(self.settings, **options)
        self._apply_settings()

    def _apply_settings(self) -> None:
        settings, account = self.settings, self.account
        self.limits.scale = settings.rate_scale
        account.store.index_delay = timedelta(seconds=settings.index_delay_seconds)
        account.required = {k: list(v) for k, v in (settings.required_properties or {}).items()}
        account.time_zone = settings.time_zone

    def configure_webhooks(self, body: Mapping[str, Json]) -> Json:
        """See :func:`sandbox.hubspot.webhooks.configure`."""
        return webhooks.configure(self, body)

    def admin_routes(self) -> Sequence[Route]:
        """``GET /__admin/events?since=n``: every event so far, sent or not."""
        return (Route("GET", "/__admin/events", self._events),)

    def _events(self, request: Request) -> Response:
        since = int(request.first("since") or 0)
        with self.lock:
            return json_response(200, {"events": self.account.events.log[since:]})


def route_is_open(path: str) -> bool:
    """Whether a path is outside the CRM limits: tokens and webhook set-up."""
    return path.startswith(("/oauth/", "/webhooks/"))
