"""The DealHub tenant behind its API."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

import orjson

from sandbox.clock import VirtualClock
from sandbox.dealhub import administration, api, requests, webhooks
from sandbox.dealhub.errors import Problem, missing
from sandbox.dealhub.tenant import CHOICES, Settings, Tenant
from sandbox.dealhub.values import Row, dump_json
from sandbox.dealhub.webhooks import WebhookSender
from sandbox.messages import Json, Request, Response, json_response
from sandbox.routes import Route
from sandbox.seed import build_world
from sandbox.simulator import BadCommand, Mutation, Simulator


class DealHubSimulator(Simulator):
    """One tenant. It starts empty; :meth:`load` brings the catalogue of a seeded world."""

    system: ClassVar[str] = "dealhub"
    identity_field: ClassVar[str] = "dealhub_quote_name"

    def __init__(
        self,
        *,
        seed: int = 0,
        clock: VirtualClock | None = None,
        identity_fields: Mapping[str, str] | None = None,
        settings: Settings | None = None,
    ) -> None:
        super().__init__(seed=seed, clock=clock, identity_fields=identity_fields)
        self._usual_settings = settings or Settings()
        self.sender = self.webhook_sender = WebhookSender(self.clock, seed)
        self._told: tuple[str, ...] = ()
        self.clear()
        self.clock.subscribe(self._time_moved)

    # -- state -----------------------------------------------------------------------------------

    def clear(self) -> None:
        """A tenant without quotes, products or webhooks, with the usual settings."""
        self.tenant = Tenant(self.now, self.seed, Settings(**vars(self._usual_settings)))
        self._told = ()

    def load(self, body: Mapping[str, Json]) -> Mapping[str, int]:
        """``{"seed", "sizes"}`` for the products of a seeded world, or ``{"objects": {object:
        [fields of a create as people do it]}}``."""
        before = len(self.tenant.quotes)
        if "objects" in body:
            for name, rows in body["objects"].items():
                for row in rows:
                    self.mutate(Mutation(name, "create", row.get("id"), _without_id(row)))
            return {"quotes": len(self.tenant.quotes) - before}
        world = build_world(int(body.get("seed", self.seed)), body.get("sizes"))
        self.tenant.products |= {product.sku: product for product in world.products}
        return {"products": len(world.products)}

    def snapshot(self) -> dict[str, dict[str, Json]]:
        """Every record."""
        found: dict[str, dict[str, Json]] = {
            name: {id: _plain(row) for id, row in table.items()}
            for name, table in self.tenant.tables.items()
            if name != "requests"
        }
        rows = self.tenant.tables["requests"]
        found["requests"] = {id: requests.shown(row) for id, row in rows.items()}
        return found

    def live_records(self) -> Iterator[tuple[str, str, Mapping[str, Json]]]:
        """Every quote, by what its ``info`` says."""
        for id, row in self.tenant.quotes.items():
            yield "quotes", id, row["info"]

    def mutate(self, mutation: Mutation) -> Json:
        """What people do in the screens; see ``README.md`` for the words."""
        try:
            with self.tenant.savepoint():
                row = administration.mutate(self.tenant, mutation)
        except Problem as problem:
            raise BadCommand(problem.message) from problem
        self._send()
        return _plain(row)

    def _time_moved(self) -> None:
        """Requests whose time has come are carried out without anybody asking."""
        with self.lock:
            requests.advance(self.tenant)
            self._settle()

    # -- answering -------------------------------------------------------------------------------

    def routes(self) -> Iterable[Route]:
        """The whole surface."""
        return api.routes(self)

    def authorize(self, request: Request) -> Response | None:
        """The bearer token of an administrator; anything else is a 403."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme == "Bearer" and token == self.tenant.settings.token:
            return None
        return json_response(403, {"error": "Unauthenticated"})

    def finish(self, request: Request, response: Response) -> Response:  # noqa: ARG002
        """What was taken in is carried out once its answer stands, and told of."""
        if response.status == 202:
            self.touch()
        requests.advance(self.tenant)
        self._settle()
        return response

    def _settle(self) -> None:
        written, self.tenant.written = self.tenant.written, []
        for what, id, name in written:
            self.count("quotes", id, what, name)
        self._send()

    def _send(self) -> None:
        events, self.tenant.events = self.tenant.events, []
        told = [event for event in events if event.name in self._told]
        bodies = [webhooks.body_of(self.tenant, event) for event in told]
        if bodies:
            self.webhook_sender.send(bodies, self.tenant.settings)

    def unknown_route(self, request: Request) -> Response:  # noqa: ARG002
        """A path nobody knows."""
        return Response(404, b"<html>Not Found</html>", content_type="text/html")

    def error_response(self, status: int) -> Response:
        """The usual body of a status."""
        texts = {403: "Unauthenticated", 400: missing(["unknown"]).message}
        return json_response(status, {"error": texts.get(status, "Internal error")})

    def following_page(self, request: Request, response: Response) -> Request | None:
        """The next page of a list, for the fault that drops a page."""
        try:
            info: Any = orjson.loads(response.body)["info"]
            more = info["more_results_matching_the_request"]
            offset = int(info["offset"]) + int(info["limit"])
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            return None
        if not more or request.path != "/api/v2/quotes":
            return None
        kept = tuple((name, value) for name, value in request.query if name != "offset")
        query = (*kept, ("offset", str(offset)))
        return Request(request.seq, "GET", request.path, query, request.headers, b"")

    # -- administration --------------------------------------------------------------------------

    def get_options(self) -> dict[str, Json]:
        """The knobs: those of :class:`~sandbox.dealhub.tenant.Settings`, the token left out."""
        return {
            name: value for name, value in vars(self.tenant.settings).items() if name != "token"
        }

    def set_options(self, options: Mapping[str, Json]) -> None:
        """Turn knobs."""
        settings = self.tenant.settings
        if unknown := sorted(set(options) - set(vars(settings))):
            raise BadCommand(f"unknown options: {', '.join(unknown)}")
        for name, value in options.items():
            if name in CHOICES and value not in CHOICES[name]:
                raise BadCommand(f"{name} is one of {', '.join(CHOICES[name])}")
            setattr(settings, name, type(getattr(settings, name))(value))

    def configure_webhooks(self, body: Mapping[str, Json]) -> Json:
        """``{"url", "auth": none | basic | bearer, "username", "password", "token", "events",
        "paused"}``."""
        self._told = webhooks.configure(self.webhook_sender, body)
        return {"url": body.get("url"), "events": list(self._told)}


def _without_id(row: Mapping[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in row.items() if name != "id"}


def _plain(row: Row) -> Json:
    """A record as JSON."""
    return orjson.loads(dump_json({key: value for key, value in row.items() if key[0] != "_"}))
