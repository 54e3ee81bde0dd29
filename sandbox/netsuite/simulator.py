"""The NetSuite account behind its REST web services."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar, Final
from urllib.parse import parse_qsl

from sandbox.clock import VirtualClock
from sandbox.messages import Json, Request, Response, json_response
from sandbox.netsuite import administration, credentials
from sandbox.netsuite.access import TOKEN_PATH, Access, Certificate, OAuthError
from sandbox.netsuite.api import catalogue, records
from sandbox.netsuite.api.desk import RECORD, Endpoint
from sandbox.netsuite.api.jobs import Jobs
from sandbox.netsuite.api.query import Queries
from sandbox.netsuite.bodies import Reading
from sandbox.netsuite.books import Books
from sandbox.netsuite.errors import TITLES, Detail, Refusal, refuse
from sandbox.netsuite.furniture import found, populate
from sandbox.netsuite.writing import Writer
from sandbox.routes import Route
from sandbox.seed import build_world
from sandbox.simulator import BadCommand, Mutation, Simulator

CONCURRENCY_MAX: Final = 5
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
_OPTIONS: Final = frozenset(
    {
        "concurrency_max",
        "token_seconds",
        "async_seconds",
        "journal_approval",
        "denied",
        "query_zone",
    }
)
_CODES: Final[Mapping[int, tuple[str, str]]] = {
    400: ("USER_ERROR", "Error while accessing a resource."),
    401: ("INVALID_LOGIN", "Invalid login attempt. See the Login Audit Trail."),
    403: ("INSUFFICIENT_PERMISSION", "Permission Violation."),
    404: ("NONEXISTENT_ID", "The record instance does not exist."),
    405: ("METHOD_NOT_ALLOWED", "The method is not allowed."),
    429: ("CONCURRENCY_LIMIT_EXCEEDED", "Concurrent request limit exceeded. Request blocked."),
}


class NetSuiteSimulator(Simulator):
    """One OneWorld account. It starts founded, without items; :meth:`load` brings the catalogue."""

    system: ClassVar[str] = "netsuite"
    identity_field: ClassVar[str] = "externalId"

    def __init__(
        self,
        *,
        seed: int = 0,
        clock: VirtualClock | None = None,
        identity_fields: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(seed=seed, clock=clock, identity_fields=identity_fields)
        self._jobs = Jobs()
        self._queries = Queries()
        self.clear()

    # -- state -----------------------------------------------------------------------------------

    def clear(self) -> None:
        """The company's furniture, the integration's credentials, and nothing else."""
        self.concurrency_max = CONCURRENCY_MAX
        self.denied: frozenset[str] = frozenset()
        self.books = Books(self.now)
        self.access = Access(self.now, self.random)
        self.access.register(
            credentials.CERTIFICATE_ID,
            Certificate(credentials.CLIENT_ID, credentials.public_key_pem()),
        )
        self._jobs.clear()
        self._queries.clear()
        with self.books.savepoint():
            found(self.books)

    def load(self, body: Mapping[str, Json]) -> Mapping[str, int]:
        """``{"seed", "sizes"}`` for the catalogue, or ``{"objects": {type: [bodies]}}``."""
        before = {name: len(table) for name, table in self.books.tables.items()}
        try:
            with self.books.savepoint():
                self._load(body)
        except Refusal as refusal:
            raise BadCommand(str(refusal)) from refusal
        after = {name: len(table) for name, table in self.books.tables.items()}
        return {name: after[name] - before[name] for name in after if after[name] > before[name]}

    def _load(self, body: Mapping[str, Json]) -> None:
        if "objects" not in body:
            world = build_world(int(body.get("seed", self.seed)), body.get("sizes"))
            populate(self.books, world.products, world.owners)
            return
        writer = Writer(self.books, Reading(self.books, strict_names=True))
        for name, rows in body["objects"].items():
            if name not in self.books.types:
                raise BadCommand(f"no record type {name!r}")
            for row in rows:
                writer.create(self.books.types[name], administration.exact(row))

    def snapshot(self) -> dict[str, dict[str, Json]]:
        """Every record, transactions with their ``impact`` on the ledger."""
        self._jobs.run_due(self)
        return {
            name: {id: administration.shown(self.books, spec, id) for id in self.books.tables[name]}
            for name, spec in self.books.types.items()
        }

    def live_records(self) -> Iterator[tuple[str, str, Mapping[str, Json]]]:
        """Every record; what is deleted is gone."""
        for name, table in self.books.tables.items():
            for id, row in table.items():
                yield name, id, row

    def mutate(self, mutation: Mutation) -> Json:
        """Edits by people; see :func:`sandbox.netsuite.administration.mutate`."""
        return administration.mutate(self.books, mutation)

    # -- routes ----------------------------------------------------------------------------------

    def routes(self) -> Iterable[Route]:
        """The whole surface."""
        endpoints = (
            *records.ENDPOINTS,
            *catalogue.ENDPOINTS,
            *self._jobs.endpoints(),
            *self._queries.endpoints(),
        )
        for endpoint in endpoints:
            yield Route(endpoint.method, endpoint.template, self._guarded(endpoint), endpoint.query)
        yield Route("POST", TOKEN_PATH, self._sign_in, open=True)

    def _guarded(self, endpoint: Endpoint) -> Callable[[Request], Response]:
        def answer(request: Request) -> Response:
            try:
                if request.stale:
                    with self.books.before_last_write():
                        return endpoint.answer(self, request)
                with self.books.savepoint():
                    return endpoint.answer(self, request)
            except Refusal as refusal:
                return refuse(refusal)

        return answer

    def _sign_in(self, request: Request) -> Response:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/x-www-form-urlencoded":
            return json_response(400, {"error": "invalid_request"})
        form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        try:
            token = self.access.open(form, request.headers.get("host", ""))
        except OAuthError as error:
            shown = {"error": error.error, "error_description": error.description}
            self.violation("sign_in_refused", str(error), request)
            return json_response(400, shown)
        seconds = str(int(self.access.lifetime.total_seconds()))
        body = {"access_token": token, "expires_in": seconds, "token_type": "bearer"}
        return json_response(200, body)

    # -- admission -------------------------------------------------------------------------------

    def authorize(self, request: Request) -> Response | None:
        """A bearer token given out here, ended or not, or an OAuth 1.0 signature."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token in self.access.issued:
            return None
        reason = self.access.admits(request)
        if reason is None:
            return None
        self.violation("login_refused", reason, request)
        return self.error_response(401)

    def admit(self, request: Request, route: Route) -> Response | None:
        """Ends old tokens, refuses over the concurrency limit, carries out jobs that are due."""
        if route.open:
            return None
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.access.admits(request) is not None:
            # Calls already under way when the first was refused could not know better.
            if request.seq > self.access.refused.setdefault(token, self._seq):
                message = "a token that was answered 401 before was sent again"
                self.violation("dead_token_reused", message, request)
            return self.error_response(401)
        if self.concurrency_max is not None and self.in_flight > self.concurrency_max:
            return self.error_response(429)
        self._jobs.run_due(self)
        return None

    def finish(self, request: Request, response: Response) -> Response:  # noqa: ARG002
        """Flush the write counts."""
        for type, id, what, external_id in self.books.noted:
            self.count(type, id, what, external_id)
        self.books.noted.clear()
        return response

    def close(self) -> None:
        """Stop background work and let the copy for queries go."""
        super().close()
        with self.lock:
            self._queries.clear()

    def unknown_route(self, request: Request) -> Response:
        """404 in the vendor's shape; 405 where only the method is wrong."""
        known = any(self.table.find(method, request.path) for method in _METHODS)
        return self.error_response(405 if known else 404)

    def error_response(self, status: int) -> Response:
        """The usual body of a status."""
        default = ("UNEXPECTED_ERROR", "An unexpected error occurred. Error ID: revline-sandbox-1")
        code, message = _CODES.get(status, default)
        title = TITLES.get(status, "Error")
        return refuse(Refusal(status, Detail(message, code, {}), title=title))

    def following_page(self, request: Request, response: Response) -> Request | None:
        """The next page of a list or query, for the fault that drops a page."""
        try:
            page = Request(0, "GET", "", (), {}, response.body).json()
        except ValueError:
            return None
        if not isinstance(page, dict) or not page.get("hasMore"):
            return None
        offset = str(page["offset"] + page["count"])
        query = tuple((key, one) for key, one in request.query if key != "offset")
        return Request(
            request.seq, request.method, request.path, (*query, ("offset", offset)),
            request.headers, request.body,
        )  # fmt: skip

    # -- administration --------------------------------------------------------------------------

    def get_options(self) -> dict[str, Json]:
        """The knobs."""
        return {
            "concurrency_max": self.concurrency_max,
            "token_seconds": self.access.lifetime.total_seconds(),
            "async_seconds": self._jobs.delay.total_seconds(),
            "journal_approval": self.books.settings.journal_approval,
            "denied": sorted(self.denied),
            "query_zone": self._queries.zone_name,
        }

    def set_options(self, options: Mapping[str, Json]) -> None:
        """Turn knobs. ``query_zone``: in which zone queries show and take instants."""
        if unknown := sorted(set(options) - _OPTIONS):
            raise BadCommand(f"unknown options: {', '.join(unknown)}")
        denied = frozenset(options.get("denied", self.denied))
        if missing := sorted(denied - self.books.types.keys()):
            raise BadCommand(f"no record types {', '.join(missing)}")
        if "query_zone" in options:
            self._queries.set_zone(str(options["query_zone"]))
        self.denied = denied
        if "concurrency_max" in options:
            self.concurrency_max = int(options["concurrency_max"])
        if "token_seconds" in options:
            self.access.lifetime = timedelta(seconds=float(options["token_seconds"]))
        if "async_seconds" in options:
            self._jobs.delay = timedelta(seconds=float(options["async_seconds"]))
        if "journal_approval" in options:
            self.books.settings.journal_approval = bool(options["journal_approval"])

    def admin_routes(self) -> Sequence[Route]:
        """``POST certificates`` maps a public key; ``POST revoke_tokens`` ends access tokens;
        ``POST sign_in`` gives out a token without an assertion."""
        commands: dict[str, Callable[[dict[str, Any]], Json]] = {
            "certificates": self._add_certificate,
            "revoke_tokens": lambda _: {"revoked": self.access.revoke_all()},
            "sign_in": lambda _: self.access.issue(),
        }
        return tuple(self._command(name, command) for name, command in commands.items())

    def _command(self, name: str, command: Callable[[dict[str, Any]], Json]) -> Route:
        def answer(request: Request) -> Response:
            body = request.json() if request.body else {}
            if not isinstance(body, dict):
                raise BadCommand("the body must be a JSON object")
            with self.lock:
                return json_response(200, {name: command(body)})

        return Route("POST", f"/__admin/{name}", answer)

    def _add_certificate(self, body: dict[str, Any]) -> Json:
        if unknown := sorted(set(body) - {"id", "client_id", "public_key"}):
            raise BadCommand(f"unknown keys: {', '.join(unknown)}")
        client_id = str(body.get("client_id", credentials.CLIENT_ID))
        self.access.register(str(body["id"]), Certificate(client_id, str(body["public_key"])))
        return str(body["id"])


__all__ = ["RECORD", "NetSuiteSimulator"]
