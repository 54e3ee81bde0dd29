"""The Salesforce org behind its REST API."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from sandbox.clock import VirtualClock
from sandbox.messages import Json, Request, Response, json_response
from sandbox.routes import Route
from sandbox.salesforce import administration
from sandbox.salesforce.api import collections, composite, records, tooling
from sandbox.salesforce.api.bulk import Jobs
from sandbox.salesforce.api.bulk_ingest import bulk_endpoints
from sandbox.salesforce.api.desk import Endpoint, refuse, reply
from sandbox.salesforce.api.queries import Queries
from sandbox.salesforce.api.service import Service
from sandbox.salesforce.cpq import desk
from sandbox.salesforce.cpq.install import install, options_of
from sandbox.salesforce.cpq.router import SBAA, SBQQ, answer_sbaa, answer_sbqq
from sandbox.salesforce.cpq.settings import OPTIONS as CPQ_OPTIONS
from sandbox.salesforce.describe import check_version
from sandbox.salesforce.errors import Refusal, usual
from sandbox.salesforce.org import Org
from sandbox.salesforce.schema import FieldSpec, field_from_line
from sandbox.salesforce.seeding import found_org, populate
from sandbox.salesforce.sessions import ConnectedApp, Session, Sessions
from sandbox.salesforce.writing import Writer
from sandbox.seed import build_world
from sandbox.simulator import BadCommand, Mutation, Simulator

CLIENT_ID: Final = "revline-sandbox"
CLIENT_SECRET: Final = "revline-sandbox-secret"  # noqa: S105 - opens nothing but this simulator
EXTERNAL_ID_OBJECTS: Final = (
    "Account", "Contact", "Lead", "Opportunity", "OpportunityLineItem", "Product2",
    "PricebookEntry",
)  # fmt: skip
URI_MAX_BYTES: Final = 16_384
_DAY: Final = timedelta(hours=24)
_EVERY_METHOD: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
_OPTIONS: Final = frozenset(
    {"daily_limit", "calls_used", "session_seconds", "field_permissions", "multi_currency", "cpq"}
)

ApexHandler = Callable[[Request, Org], "tuple[int, Json]"]


class SalesforceSimulator(Simulator):
    """One org. It starts founded but empty; :meth:`load` brings seeded records."""

    system: ClassVar[str] = "salesforce"
    identity_field: ClassVar[str] = "Revline_Id__c"

    def __init__(
        self,
        *,
        seed: int = 0,
        clock: VirtualClock | None = None,
        identity_fields: Mapping[str, str] | None = None,
        multi_currency: bool = True,
        daily_limit: int = 100_000,
        cpq: bool = False,
    ) -> None:
        super().__init__(seed=seed, clock=clock, identity_fields=identity_fields)
        self._usual_daily_limit = daily_limit
        self.hidden_fields: dict[str, FieldSpec] = {}
        self._multi_currency = multi_currency
        self._with_cpq = cpq
        self._queries = Queries()
        self.jobs = Jobs()
        self._apex: dict[str, ApexHandler] = {SBQQ: answer_sbqq, SBAA: answer_sbaa}
        self._calls: deque[datetime] = deque()
        self.clear()

    # -- state -----------------------------------------------------------------------------------

    def clear(self) -> None:
        """A founded org with one connected app, the usual options, and nothing else."""
        self.daily_limit = self._usual_daily_limit
        self.field_permissions = "granted"
        self.org = Org(self.now, multi_currency=self._multi_currency)
        self.sessions = Sessions(self.org, self.random)
        self.sessions.register(ConnectedApp(CLIENT_ID, CLIENT_SECRET))
        self.hidden_fields.clear()
        self._queries.forget()
        self.jobs.forget()
        self._calls.clear()
        found_org(self.org)
        if self._with_cpq:
            install(self.org, multi_currency=self._multi_currency)

    def load(self, body: Mapping[str, Json]) -> Mapping[str, int]:
        """``{"seed", "sizes"}`` for seeded records, or ``{"objects": {object: [fields]}}``."""
        before = {name: len(table) for name, table in self.org.tables.items()}
        try:
            with self.org.savepoint():
                self._load(body)
        except Refusal as refusal:
            raise BadCommand(str(refusal)) from refusal
        after = {name: len(table) for name, table in self.org.tables.items()}
        return {name: after[name] - before[name] for name in after if after[name] > before[name]}

    def _load(self, body: Mapping[str, Json]) -> None:
        if "objects" not in body:
            populate(self.org, build_world(int(body.get("seed", self.seed)), body.get("sizes")))
            return
        writer = Writer(self.org, as_system=True)
        for name, rows in body["objects"].items():
            for row in rows:
                writer.create(name, administration.exact(row))

    def snapshot(self) -> dict[str, dict[str, Json]]:
        """Every record, the recycle bin included."""
        self.org.catch_up()
        return {
            name: {id: administration.plain(row) for id, row in table.rows.items()}
            for name, table in self.org.tables.items()
        }

    def live_records(self) -> Iterator[tuple[str, str, Mapping[str, Json]]]:
        """Every record that is not in the recycle bin."""
        self.org.catch_up()
        for name, table in self.org.tables.items():
            for id, row in table.rows.items():
                if not row["IsDeleted"]:
                    yield name, id, row

    def mutate(self, mutation: Mutation) -> Json:
        """Edits by people: besides the common words ``erase`` (for good), ``add_field``,
        ``change_field`` and ``drop_field``."""
        self.org.catch_up()
        return administration.plain(administration.mutate(self.org, mutation))

    def add_external_id(self, *objects: str) -> None:
        """Give objects the unique external-id field, as an administrator would."""
        for name in objects or EXTERNAL_ID_OBJECTS:
            spec = field_from_line(self.identity_of(name), "string 255 unique external_id")
            self.org.define_field(name, spec)

    def register_apex(self, path: str, handler: ApexHandler) -> None:
        """Answer ``/services/apexrest/{path}`` with ``handler(request, org) → (status, JSON)``."""
        self._apex[path.strip("/")] = handler

    # -- routes ----------------------------------------------------------------------------------

    def routes(self) -> Iterable[Route]:
        """The whole surface."""
        endpoints = (
            *Service(self).endpoints(),
            *records.ENDPOINTS,
            *collections.ENDPOINTS,
            *composite.ENDPOINTS,
            *tooling.ENDPOINTS,
            *self._queries.endpoints(),
            *bulk_endpoints(self.jobs),
        )
        for endpoint in endpoints:
            yield Route(
                endpoint.method,
                endpoint.template,
                self._guarded(endpoint),
                endpoint.query,
                endpoint.open,
            )
        for method in _EVERY_METHOD:
            yield Route(method, "/services/apexrest/{path*}", self._call_apex, None)

    def _guarded(self, endpoint: Endpoint) -> Callable[[Request], Response]:
        def answer(request: Request) -> Response:
            self._begin(request)
            try:
                check_version(request.parameters.get("version"))
                if request.stale:
                    with self.org.before_last_write():
                        return endpoint.answer(self, request)
                with self.org.savepoint():
                    return endpoint.answer(self, request)
            except Refusal as refusal:
                return refuse(refusal)

        return answer

    def _begin(self, request: Request) -> None:
        self.org.catch_up()
        self.org.turns.begin(request.seq, self._seq)

    def inside(self, request: Request) -> Response:
        """Carry out a part of a composite request."""
        found = self.table.find(request.method, request.path)
        if found is None:
            return self.unknown_route(request)
        route, parameters = found
        inner = Request(
            request.seq,
            request.method,
            request.path,
            request.query,
            request.headers,
            request.body,
            parameters,
        )
        return route.handler(inner)

    def _call_apex(self, request: Request) -> Response:
        handler = self._apex.get(request.parameters["path"].strip("/"))
        if handler is None:
            message = "Could not find a match for URL"
            return refuse(Refusal("NOT_FOUND", message))
        self._begin(request)
        with self.org.savepoint():
            status, value = handler(request, self.org)
        return reply(status, value)

    # -- admission -------------------------------------------------------------------------------

    def authorize(self, request: Request) -> Response | None:
        """A bearer token that this org gave out; whether it still lives is for :meth:`admit`."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.sessions.get(token) is not None:
            return None
        return refuse(Refusal("INVALID_SESSION_ID", "Session expired or invalid"))

    def admit(self, request: Request, route: Route) -> Response | None:
        """Ends old sessions, counts the call, and refuses over the daily limit."""
        if route.open:
            return None
        token = request.headers.get("authorization", "").partition(" ")[2]
        session = self.sessions.get(token)
        if session is None or self.sessions.ended(session):
            # Calls already under way when the first was refused could not know better.
            if request.seq > self.sessions.refused.setdefault(token, self._seq):
                message = "a token that was answered 401 before was sent again"
                self.violation("dead_token_reused", message, request)
            return refuse(Refusal("INVALID_SESSION_ID", "Session expired or invalid"))
        if len(request.path) + sum(len(k) + len(v) + 2 for k, v in request.query) > URI_MAX_BYTES:
            return reply(414, [{"message": "URI Too Long", "errorCode": "URI_TOO_LONG"}])
        if self.calls_used() >= self.daily_limit:
            message = "TotalRequests Limit exceeded."
            return refuse(Refusal("REQUEST_LIMIT_EXCEEDED", message))
        self._calls.append(self.now())
        return None

    def calls_used(self) -> int:
        """Calls of the past 24 hours."""
        limit = self.now() - _DAY
        while self._calls and self._calls[0] < limit:
            self._calls.popleft()
        return len(self._calls)

    def finish(self, request: Request, response: Response) -> Response:
        """Flush the write counts; say how much of the allowance is used."""
        for object_name, id, what in self.org.noted:
            row = self.org.row(id) or {}
            self.count(object_name, id, what, row.get(self.identity_of(object_name)))
        self.org.noted.clear()
        for kind, text in self.org.objections:
            self.violation(kind, text, request)
        self.org.objections.clear()
        if not request.path.startswith(("/services/data/", "/services/apexrest/")):
            return response
        usage = f"api-usage={self.calls_used()}/{self.daily_limit}"
        headers = (*response.headers, ("Sforce-Limit-Info", usage))
        return Response(response.status, response.body, headers, response.content_type)

    def unknown_route(self, request: Request) -> Response:
        """404 in the vendor's shape; 405 where only the method is wrong."""
        if any(self.table.find(method, request.path) for method in _EVERY_METHOD):
            message = f"HTTP Method '{request.method}' not allowed."
            return refuse(Refusal("METHOD_NOT_ALLOWED", message))
        return refuse(Refusal("NOT_FOUND", "The requested resource does not exist"))

    def error_response(self, status: int) -> Response:
        """The usual body of a status; 503 is the maintenance page, which is HTML."""
        if status == 503:
            page = b"<html><head><title>We are down for maintenance.</title></head></html>"
            return Response(503, page, (), "text/html;charset=utf-8")
        return refuse(usual(status))

    def following_page(self, request: Request, response: Response) -> Request | None:
        """The next page of a query, for the fault that drops a page."""
        value = Request(0, "GET", "", (), {}, response.body)
        try:
            page = value.json()
        except ValueError:
            return None
        following = page.get("nextRecordsUrl") if isinstance(page, dict) else None
        if following is None:
            return None
        return Request(request.seq, "GET", following, (), request.headers, b"")

    # -- administration --------------------------------------------------------------------------

    def get_options(self) -> dict[str, Json]:
        """The knobs."""
        return {
            "daily_limit": self.daily_limit,
            "calls_used": self.calls_used(),
            "session_seconds": self.sessions.lifetime.total_seconds(),
            "field_permissions": self.field_permissions,
            "multi_currency": self._multi_currency,
            **options_of(self.org),
        }

    def set_options(self, options: Mapping[str, Json]) -> None:
        """Turn knobs. ``multi_currency`` takes effect with the next reset."""
        if unknown := sorted(set(options) - _OPTIONS - CPQ_OPTIONS):
            raise BadCommand(f"unknown options: {', '.join(unknown)}")
        if options.get("field_permissions", "granted") not in {"granted", "manual"}:
            raise BadCommand("field_permissions is granted or manual")
        desk.set_options(self.org, options, multi_currency=self._multi_currency)
        self.daily_limit = int(options.get("daily_limit", self.daily_limit))
        self.field_permissions = options.get("field_permissions", self.field_permissions)
        self._multi_currency = bool(options.get("multi_currency", self._multi_currency))
        if "session_seconds" in options:
            self.sessions.lifetime = timedelta(seconds=float(options["session_seconds"]))
        if "calls_used" in options:
            self._calls = deque([self.now()] * int(options["calls_used"]))

    def admin_routes(self) -> Sequence[Route]:
        """``POST`` apps, validation_rules, duplicate_rules, row_locks, external_ids,
        grant_fields, revoke_sessions, cpq (what :mod:`sandbox.salesforce.cpq.desk` does);
        ``DELETE`` clears the rules of a kind."""
        commands: dict[str, Callable[[dict[str, Any]], Json]] = {
            "apps": self._add_app,
            "validation_rules": self._add_validation,
            "duplicate_rules": self._add_duplicate,
            "row_locks": self._add_lock,
            "external_ids": self._add_external_ids,
            "grant_fields": self._grant_fields,
            "revoke_sessions": lambda _: {"revoked": self.sessions.revoke_all()},
            "bulk": self.jobs.administer,
            "forget_queries": lambda _: self._queries.forget(),
            "cpq": lambda body: desk.carry_out(self.org, body),
        }
        rules: dict[str, Callable[[], list[Any]]] = {
            "validation_rules": lambda: self.org.rules.validations,
            "duplicate_rules": lambda: self.org.rules.duplicates,
            "row_locks": lambda: self.org.rules.locks,
        }
        posts = [self._command(name, command) for name, command in commands.items()]
        return (*posts, *(self._clearing(name, kind) for name, kind in rules.items()))

    def _command(self, name: str, command: Callable[[dict[str, Any]], Json]) -> Route:
        def answer(request: Request) -> Response:
            body = request.json() if request.body else {}
            if not isinstance(body, dict):
                raise BadCommand("the body must be a JSON object")
            with self.lock:
                return json_response(200, {name: command(body)})

        return Route("POST", f"/__admin/{name}", answer)

    def _clearing(self, name: str, kind: Callable[[], list[Any]]) -> Route:
        def answer(_: Request) -> Response:
            with self.lock:
                kind().clear()
            return json_response(200, {"cleared": name})

        return Route("DELETE", f"/__admin/{name}", answer)

    def _add_app(self, body: dict[str, Any]) -> Json:
        known = {"client_id", "client_secret", "public_key", "run_as"}
        if unknown := sorted(set(body) - known):
            raise BadCommand(f"unknown keys: {', '.join(unknown)}")
        self.sessions.register(ConnectedApp(**body))
        return body["client_id"]

    def _add_validation(self, body: dict[str, Any]) -> Json:
        self.org.rules.validations.append(administration.validation_rule(self.org, body))
        return len(self.org.rules.validations)

    def _add_duplicate(self, body: dict[str, Any]) -> Json:
        self.org.rules.duplicates.append(administration.duplicate_rule(self.org, body))
        return len(self.org.rules.duplicates)

    def _add_lock(self, body: dict[str, Any]) -> Json:
        self.org.rules.locks.append(administration.row_lock(body))
        return len(self.org.rules.locks)

    def _add_external_ids(self, body: dict[str, Any]) -> Json:
        objects = body.get("objects") or EXTERNAL_ID_OBJECTS
        self.add_external_id(*objects)
        return list(objects)

    def _grant_fields(self, _: dict[str, Any]) -> Json:
        granted = list(self.hidden_fields)
        for name, spec in self.hidden_fields.items():
            self.org.define_field(name.partition(".")[0], spec)
        self.hidden_fields.clear()
        return granted


__all__ = ["CLIENT_ID", "CLIENT_SECRET", "SalesforceSimulator", "Session"]
