"""The DocuSign account behind its API."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, Final

import orjson

from sandbox.clock import VirtualClock
from sandbox.docusign import administration, api, credentials, render
from sandbox.docusign.access import Access
from sandbox.docusign.account import Account
from sandbox.docusign.connect import Connect
from sandbox.docusign.errors import Problem
from sandbox.docusign.limits import Limits
from sandbox.docusign.settings import Settings
from sandbox.docusign.values import Row
from sandbox.messages import Json, Request, Response, json_response
from sandbox.routes import Route
from sandbox.simulator import BadCommand, Mutation, Simulator

_INCLUDED: Final = frozenset({"custom_fields", "recipients", "tabs"})
ACCOUNT_FIELDS: Final = ("opportunityId", "quoteId")  # what an administrator has set up
_CHOICES: Final[Mapping[str, tuple[object, ...]]] = {
    "limit_status": (400, 429),
    "transaction_answers": ("envelopes", "statuses"),
    "repeated_transaction": ("accepted", "refused"),
}


class DocuSignSimulator(Simulator):
    """One account, its templates, and whatever is signed there."""

    system: ClassVar[str] = "docusign"
    identity_field: ClassVar[str] = "transactionId"

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
        self.sender = self._connect_sender = Connect.make_sender(self.clock, seed)
        self.clear()

    # -- state -------------------------------------------------------------------------------------

    def clear(self) -> None:
        """An account without envelopes."""
        self.settings = Settings(**vars(self._usual_settings))
        self.account = Account(self.now, self.random, self.settings)
        for name in ACCOUNT_FIELDS:
            self.account.use_custom_field(name, "text")
        # Tokens have a chance of their own: how often somebody signs in changes no envelope's id.
        self.access = Access(self.now, random.Random("tokens"), self.settings)
        self.limits = Limits(self.now, self.settings)
        self.connect = Connect(self.account, self._connect_sender)
        self._table = None  # the handlers are those of this account

    def load(self, body: Mapping[str, Json]) -> Mapping[str, int]:
        """``{"objects": {"envelopes": [bodies of the API's create]}}``; a seed brings nothing, for
        a contract belongs to a quote."""
        rows = body.get("objects", {}).get("envelopes", [])
        if unknown := sorted(set(body.get("objects", {})) - {"envelopes"}):
            raise BadCommand(f"there are no {', '.join(unknown)} to load")
        for row in rows:
            administration.mutate(self.account, Mutation("envelopes", "create", None, row))
        self.account.take_events()
        return {"envelopes": len(rows)}

    def snapshot(self) -> dict[str, dict[str, Json]]:
        """Every envelope, those thrown away included."""
        rows = self.account.envelopes.items()
        return {"envelopes": {id: render.envelope(row, _INCLUDED) for id, row in rows}}

    def live_records(self) -> Iterator[tuple[str, str, Mapping[str, Json]]]:
        """Every envelope that was not thrown away."""
        for id, row in self.account.envelopes.items():
            if row["status"] != "deleted":
                yield "envelopes", id, row

    def mutate(self, mutation: Mutation) -> Json:
        """What people do; see ``README.md`` for the words."""
        row = administration.mutate(self.account, mutation)
        self._tell()
        return render.envelope(row, _INCLUDED)

    def _tell(self) -> None:
        self.connect.tell(self.account.take_events())

    # -- requests ----------------------------------------------------------------------------------

    def routes(self) -> Iterable[Route]:
        """The whole surface."""
        yield Route("POST", "/oauth/token", self._token, frozenset(), open=True)
        yield Route("GET", "/oauth/userinfo", self._userinfo, frozenset())
        yield from api.routes(api.Api(self.account, self.connect), self._guarded)

    def _token(self, request: Request) -> Response:
        kind = request.headers.get("content-type", "")
        if not kind.startswith("application/x-www-form-urlencoded"):
            return json_response(400, {"error": "invalid_request"})
        return self.access.token(request)

    def _userinfo(self, request: Request) -> Response:
        return self.access.userinfo(request)

    def _guarded(self, answer: api.Answer) -> Callable[[Request], Response]:
        def respond(request: Request) -> Response:
            try:
                if request.parameters["accountId"].lower() != credentials.ACCOUNT_ID:
                    text = "The specified user is not a member of the specified account."
                    code = "USER_DOES_NOT_BELONG_TO_SPECIFIED_ACCOUNT"
                    raise Problem(code, text, status=401)
                if request.stale and request.method == "GET":
                    with self.account.before_last_write():
                        status, value = answer(request)
                else:
                    status, value = answer(request)
            except Problem as problem:
                return problem.response()
            return json_response(status, value)

        return respond

    def authorize(self, request: Request) -> Response | None:
        """A bearer token that still lives."""
        if self.access.accepts(request):
            return None
        if request.path.startswith("/oauth/"):
            return json_response(401, {"error": "internal_server_error", "reference_id": ""})
        text = "The access token provided is expired, revoked or malformed."
        return Problem("AUTHORIZATION_INVALID_TOKEN", text, status=401).response()

    def admit(self, request: Request, route: Route) -> Response | None:  # noqa: ARG002
        """Calls per hour, per half minute and per envelope; signing in does not count."""
        if request.path.startswith("/oauth/"):
            return None
        problem = self.limits.admit(request, lambda kind, text: self.violation(kind, text, request))
        return problem.response() if problem is not None else None

    def finish(self, request: Request, response: Response) -> Response:
        """Count what was written, tell Connect, add the usual headers."""
        for id, what in self.account.take_written():
            row: Row = self.account.envelopes[id]
            self.count("envelopes", id, what, row.get(self.identity_of("envelopes")))
        self._tell()
        extra = [("X-DocuSign-TraceToken", f"trace-{request.seq}")]
        if not request.path.startswith("/oauth/"):
            extra.extend(self.limits.headers())
        headers = (*response.headers, *extra)
        return Response(response.status, response.body, headers, response.content_type)

    def unknown_route(self, request: Request) -> Response:  # noqa: ARG002
        """The gateway's own words."""
        text = "The URL provided does not resolve to a resource."
        return Problem("RESOURCE_NOT_FOUND", text, status=404).response()

    def error_response(self, status: int) -> Response:
        """The usual body of a status."""
        match status:
            case 401:
                text = "One or both of Username and Password are invalid. Invalid access token"
                return Problem("USER_AUTHENTICATION_FAILED", text, status=401).response()
            case 429:
                text = "The maximum number of hourly API invocations has been exceeded."
                code = "HOURLY_APIINVOCATION_LIMIT_EXCEEDED"
                return Problem(code, text, status=429).response()
        return Problem("UNSPECIFIED_ERROR", "Non-categorized error.", status=status).response()

    def following_page(self, request: Request, response: Response) -> Request | None:
        """The next page of a list, for the fault that drops a page."""
        try:
            body = orjson.loads(response.body)
            more, end = body.get("nextUri"), int(body.get("endPosition", 0))
        except (orjson.JSONDecodeError, AttributeError, ValueError):
            return None
        if not more:
            return None
        kept = tuple(pair for pair in request.query if pair[0] != "start_position")
        query = (*kept, ("start_position", str(end + 1)))
        return Request(request.seq, "GET", request.path, query, request.headers, b"")

    # -- administration ----------------------------------------------------------------------------

    def get_options(self) -> dict[str, Json]:
        """The knobs: those of :class:`~sandbox.docusign.settings.Settings`."""
        return dict(vars(self.settings))

    def set_options(self, options: Mapping[str, Json]) -> None:
        """Turn knobs."""
        if unknown := sorted(set(options) - set(vars(self.settings))):
            raise BadCommand(f"unknown options: {', '.join(unknown)}")
        for name, value in options.items():
            choices = _CHOICES.get(name)
            if choices is not None and value not in choices:
                raise BadCommand(f"{name} is one of {', '.join(map(str, choices))}")
            setattr(self.settings, name, type(getattr(self.settings, name))(value))

    def configure_webhooks(self, body: Mapping[str, Json]) -> Json:
        """Connect, see ``README.md``."""
        return self.connect.configure(body)

    def admin_routes(self) -> Sequence[Route]:
        """``POST`` revoke_tokens, move."""
        return administration.routes(self)
