"""The Zuora tenant behind its API."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

import orjson

from sandbox.clock import VirtualClock
from sandbox.journal import Entry
from sandbox.messages import Json, Request, Response, json_response
from sandbox.routes import Route
from sandbox.seed import WORLD_NOW, build_world
from sandbox.simulator import BadCommand, Mutation, Simulator
from sandbox.zuora import administration
from sandbox.zuora.api import (
    callouts as callouts_api,
)
from sandbox.zuora.api import (
    customers,
    data_query,
    finance,
    money,
    object_query,
    orders,
    reversing,
    settling,
    usage,
)
from sandbox.zuora.api.desk import Call, Endpoint, fail, json_of, succeed
from sandbox.zuora.callouts import Callouts
from sandbox.zuora.catalog import furnish
from sandbox.zuora.errors import MALFORMED, Problem
from sandbox.zuora.guards import KEY_MAX, Jobs, Keys, Limits, hashed, target
from sandbox.zuora.objects import OBJECTS
from sandbox.zuora.tenant import Settings, Tenant, made_id
from sandbox.zuora.tokens import Tokens
from sandbox.zuora.values import printable

_EVERY_METHOD: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
_HIDDEN: Final = frozenset({"billed-pieces"})


class ZuoraSimulator(Simulator):
    """One tenant. It starts with accounting codes and periods alone; :meth:`load` brings the
    catalogue of a seeded world."""

    system: ClassVar[str] = "zuora"
    identity_field: ClassVar[str] = "id"

    def __init__(
        self,
        *,
        seed: int = 0,
        clock: VirtualClock | None = None,
        identity_fields: Mapping[str, str] | None = None,
        settings: Settings | None = None,
    ) -> None:
        numbers = {name: spec.number for name, spec in OBJECTS.items() if spec.number}
        numbers["usages"] = "uniqueKey"
        super().__init__(
            seed=seed, clock=clock, identity_fields={**numbers, **(identity_fields or {})}
        )
        self._usual_settings = settings or Settings()
        self.sender = self.callouts_sender = Callouts.sender(self.clock, seed)
        self._keys_under_way: dict[int, str] = {}
        self.clear()

    # -- state -----------------------------------------------------------------------------------

    def clear(self) -> None:
        """A founded tenant: codes, periods, one API client, the usual settings."""
        settings = Settings(**vars(self._usual_settings))
        self.tenant = Tenant(self.now, self.seed, settings)
        self.tokens = Tokens(self.now, self.random, settings)
        self.keys = Keys(self.now)
        self.limits = Limits(self.now, settings)
        self.jobs = Jobs(self.now, settings)
        self.imports: dict[str, int] = {}
        self.queries = data_query.Queries(self.tenant)
        self.callouts = Callouts(self.tenant, self.callouts_sender)
        furnish(self.tenant, (), WORLD_NOW)
        self.tenant.take_changes()

    def load(self, body: Mapping[str, Json]) -> Mapping[str, int]:
        """``{"seed", "sizes"}`` for the products of a seeded world, or ``{"objects": {object:
        [bodies of the API's create]}}``."""
        before = {name: len(table) for name, table in self.tenant.tables.items()}
        if "objects" in body:
            for name, rows in body["objects"].items():
                for row in rows:
                    self.mutate(Mutation(name, "create", None, row))
        else:
            world = build_world(int(body.get("seed", self.seed)), body.get("sizes"))
            with self.tenant.savepoint():
                for product in world.products:
                    if self.tenant.find("products", product.sku) is None:
                        administration.add_product(self.tenant, product)
            self.tenant.take_changes()
        after = {name: len(table) for name, table in self.tenant.tables.items()}
        return {name: after[name] - before[name] for name in after if after[name] > before[name]}

    def snapshot(self) -> dict[str, dict[str, Json]]:
        """Every record."""
        return {
            name: {
                id: printable({key: value for key, value in row.items() if key[0] != "_"})
                for id, row in table.items()
            }
            for name, table in self.tenant.tables.items()
            if name not in _HIDDEN
        }

    def live_records(self) -> Iterator[tuple[str, str, Mapping[str, Json]]]:
        """Every record; of a subscription its latest version."""
        for name, table in self.tenant.tables.items():
            for id, row in table.items():
                if name not in _HIDDEN and row.get("isLatestVersion", True):
                    yield name, id, row

    def mutate(self, mutation: Mutation) -> Json:
        """What people do in the screens; see ``README.md`` for the words."""
        try:
            with self.tenant.savepoint():
                row = administration.mutate(self.tenant, mutation)
        except Problem as problem:
            raise BadCommand(problem.message) from problem
        self.callouts.tell(self.tenant.take_changes())
        return printable({key: value for key, value in row.items() if key[0] != "_"})

    # -- routes ----------------------------------------------------------------------------------

    def routes(self) -> Iterable[Route]:
        """The whole surface."""
        endpoints = (
            *customers.ENDPOINTS,
            *orders.ENDPOINTS,
            *money.ENDPOINTS,
            *settling.ENDPOINTS,
            *reversing.ENDPOINTS,
            *usage.ENDPOINTS,
            *finance.ENDPOINTS,
            *object_query.ENDPOINTS,
            *data_query.ENDPOINTS,
            *callouts_api.ENDPOINTS,
        )
        for one in endpoints:
            dotted = one.family == "query" and one.template.startswith("/object-query")
            query = None if dotted else one.query
            yield Route(one.method, one.template, self._guarded(one), query, one.open)
        yield Route("POST", "/oauth/token", self._issue_token, frozenset(), open=True)

    def _issue_token(self, request: Request) -> Response:
        return self.tokens.issue(request, lambda kind, text: self.violation(kind, text, request))

    def _guarded(self, endpoint: Endpoint) -> Callable[[Request], Response]:
        def answer(request: Request) -> Response:
            self._inspect_headers(request)
            refusal = self._check_form(endpoint, request)
            if refusal is not None:
                return refusal
            key = request.headers.get("idempotency-key")
            if key is None or not endpoint.keyed or request.method not in {"POST", "PATCH"}:
                return self._carry_out(endpoint, request)
            return self._once(endpoint, request, key)

        return answer

    def _inspect_headers(self, request: Request) -> None:
        if request.path.startswith("/v1/") and "zuora-version" not in request.headers:
            text = "no Zuora-Version header: the answer may change with the tenant's default"
            self.violation("version_not_pinned", text, request)
        track = request.headers.get("zuora-track-id", "")
        if len(track) > 64 or not track.isascii():
            self.violation("track_id", "Zuora-Track-Id is at most 64 ASCII characters", request)

    def _check_form(self, endpoint: Endpoint, request: Request) -> Response | None:
        if request.method == "PUT" and "idempotency-key" in request.headers:
            self.violation("idempotency_key_on_put", "PUT knows no idempotency keys", request)
            message = "Request method 'PUT' not supported with Idempotency-Key header"
            return json_response(400, {"message": message})
        if endpoint.body_needed and not request.body:
            self.violation("empty_put", "this PUT needs a body, at least {}", request)
            return json_response(415, {"message": "Unsupported Media Type"})
        kind = request.headers.get("content-type", "")
        if request.body and not kind.startswith(("application/json", "multipart/form-data")):
            return json_response(415, {"message": "Unsupported Media Type"})
        return None

    def _once(self, endpoint: Endpoint, request: Request, key: str) -> Response:
        """The answer stored under a key, or a new one that is stored."""
        if len(key) > KEY_MAX:
            return json_response(400, {"message": "Idempotency-Key is too long"})
        stored = self.keys.find(key)
        if stored is not None:
            if stored.target != target(request) or stored.body_hash != hashed(request):
                text = "an idempotency key was sent again with another request"
                self.violation("idempotency_key_reused", text, request)
                return json_response(422, {"message": "Idempotency-Key is already used"})
            return stored.response
        if any(seq < request.seq for seq, other in self._keys_under_way.items() if other == key):
            message = "A request with this Idempotency-Key is in progress"
            return json_response(409, {"message": message})
        response = self._carry_out(endpoint, request)
        self.keys.keep(key, request, response)
        return response

    def _carry_out(self, endpoint: Endpoint, request: Request) -> Response:
        call = Call(self, request)
        try:
            if request.stale and request.method == "GET":
                with self.tenant.before_last_write():
                    return self._tell(call, endpoint, endpoint.answer(call))
            with self.tenant.savepoint():
                value = endpoint.answer(call)
        except Problem as problem:
            return fail(call, endpoint, problem)
        return self._tell(call, endpoint, value)

    def _tell(self, call: Call, endpoint: Endpoint, value: Any) -> Response:
        if isinstance(value, Response) or endpoint.family == "v1":
            return succeed(call, value)
        query_form = endpoint.family == "query"
        return Response(200, json_of(self.tenant, value, query_form=query_form))

    # -- admission -------------------------------------------------------------------------------

    def open_entry(self, request: Request) -> Entry:
        """Beside the log: which idempotency keys are under way."""
        entry = super().open_entry(request)
        key = request.headers.get("idempotency-key")
        if key is not None:
            with self.lock:
                self._keys_under_way[entry.request.seq] = key
        return entry

    def close_entry(self, entry: Entry, response: Response | None, bytes_sent: int) -> None:
        """Complete the log; the key is no longer under way."""
        super().close_entry(entry, response, bytes_sent)
        with self.lock:
            self._keys_under_way.pop(entry.request.seq, None)

    def authorize(self, request: Request) -> Response | None:
        """A bearer token of this tenant that still lives."""
        if self.tokens.accepts(request):
            return None
        return json_response(401, {"message": "Failed to authenticate: the token is invalid"})

    def admit(self, request: Request, route: Route) -> Response | None:  # noqa: ARG002
        """Requests per minute and at one time; the token endpoint does not count."""
        return None if route.open else self.limits.admit(self.in_flight)

    def finish(self, request: Request, response: Response) -> Response:
        """Count what was written, send callouts, add the usual headers."""
        changes = self.tenant.take_changes()
        for object, id, what, row in administration.effects(changes):
            if object not in _HIDDEN:
                self.count(object, id, what, row.get(self.identity_of(object)))
        self.callouts.tell(changes)
        track = request.headers.get("zuora-track-id")
        extra = [("Zuora-Request-Id", made_id("request", request.seq)), *self.limits.headers()]
        if track is not None:
            extra.append(("Zuora-Track-Id", track[:64]))
        headers = (*response.headers, *extra)
        return Response(response.status, response.body, headers, response.content_type)

    def unknown_route(self, request: Request) -> Response:
        """The gateway's own words; 405 where only the method is wrong."""
        if any(self.table.find(method, request.path) for method in _EVERY_METHOD):
            return json_response(405, {"message": f"Method {request.method} is not supported"})
        return json_response(404, {"message": "no Route matched with those values"})

    def error_response(self, status: int) -> Response:
        """The usual body of a status."""
        match status:
            case 401:
                return json_response(401, {"message": "Failed to authenticate"})
            case 502 | 503 | 504:
                return json_response(status, {"message": "The upstream server is timing out"})
            case 429:
                message = "Request limit exceeded, please retry after 30 seconds."
                reason = {"code": 70, "message": message}
                return json_response(429, {"success": False, "reasons": [reason]})
        code = 50000000 + (MALFORMED if status < 500 else 60)
        reason = {"code": code, "message": "An unexpected error occurred."}
        return json_response(status, {"success": False, "reasons": [reason]})

    def following_page(self, request: Request, response: Response) -> Request | None:
        """The next page of a query, for the fault that drops a page."""
        try:
            cursor = orjson.loads(response.body).get("nextPage")
        except (orjson.JSONDecodeError, AttributeError):
            return None
        if not cursor or not request.path.startswith("/object-query/"):
            return None
        kept = tuple((key, value) for key, value in request.query if key != "cursor")
        query = (*kept, ("cursor", cursor))
        return Request(request.seq, "GET", request.path, query, request.headers, b"")

    # -- administration --------------------------------------------------------------------------

    def get_options(self) -> dict[str, Json]:
        """The knobs: those of :class:`~sandbox.zuora.tenant.Settings`."""
        return dict(vars(self.tenant.settings))

    def set_options(self, options: Mapping[str, Json]) -> None:
        """Turn knobs."""
        settings = self.tenant.settings
        if unknown := sorted(set(options) - set(vars(settings))):
            raise BadCommand(f"unknown options: {', '.join(unknown)}")
        for name, value in options.items():
            setattr(settings, name, type(getattr(settings, name))(value))

    def configure_webhooks(self, body: Mapping[str, Json]) -> Json:
        """The short way to callouts, see ``README.md``."""
        return self.callouts.configure(body)

    def admin_routes(self) -> Sequence[Route]:
        """``POST`` custom_fields, locks, revoke_tokens, clients."""
        return administration.routes(self)
