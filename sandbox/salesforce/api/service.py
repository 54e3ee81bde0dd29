"""Versions, limits, identity, and the token endpoint."""

from __future__ import annotations

import hashlib
from typing import Final, Protocol
from urllib.parse import parse_qsl

from sandbox.messages import Request, Response
from sandbox.salesforce.api.bulk import Jobs
from sandbox.salesforce.api.desk import DATA, Desk, Endpoint, reply, version_of
from sandbox.salesforce.describe import version_list
from sandbox.salesforce.errors import Refusal
from sandbox.salesforce.sessions import OAuthError, Sessions

TOKEN_PATH: Final = "/services/oauth2/token"  # noqa: S105 - a path
_KNOWN_FORM: Final = frozenset({"grant_type", "client_id", "client_secret", "assertion", "format"})


class Usage(Protocol):
    """The daily allowance."""

    @property
    def sessions(self) -> Sessions:
        """Who is signed in."""

    @property
    def daily_limit(self) -> int:
        """Calls allowed in 24 hours."""

    @property
    def jobs(self) -> Jobs:
        """The jobs of Bulk API 2.0."""

    def calls_used(self) -> int:
        """Calls of the past 24 hours."""

    def violation(self, kind: str, message: str, request: Request | None = None) -> None:
        """Note something a real vendor would object to."""


class Service:
    """Resources that are about the org rather than its records."""

    def __init__(self, usage: Usage) -> None:
        self._usage = usage

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The routes."""
        return (
            Endpoint("GET", "/services/data", self._versions, open=True),
            Endpoint("GET", DATA, self._resources),
            Endpoint("GET", DATA + "/limits", self._limits),
            Endpoint("GET", DATA + "/limits/recordCount", self._counts, frozenset({"sObjects"})),
            Endpoint("POST", TOKEN_PATH, self._token, open=True),
            Endpoint("GET", "/services/oauth2/userinfo", self._userinfo),
            Endpoint("GET", "/id/{org}/{user}", self._userinfo),
        )

    def _versions(self, _: Desk, __: Request) -> Response:
        return reply(200, version_list())

    def _resources(self, _: Desk, request: Request) -> Response:
        base = f"/services/data/v{version_of(request)}"
        names = ("composite", "jobs", "limits", "query", "queryAll", "sobjects", "tooling")
        return reply(200, {name: f"{base}/{name}" for name in names})

    def _limits(self, desk: Desk, _: Request) -> Response:
        most, used = self._usage.daily_limit, self._usage.calls_used()
        daily = {"Max": most, "Remaining": max(most - used, 0)}
        bulk = self._usage.jobs.limits(desk.org.now())
        return reply(200, {"DailyApiRequests": daily, **bulk})

    def _counts(self, desk: Desk, request: Request) -> Response:
        names = request.every("sObjects") or tuple(desk.org.schema.objects)
        known = (desk.org.schema.object(name) for name in names)
        counts = [
            {
                "count": sum(not row["IsDeleted"] for row in desk.org.table(spec.name)),
                "name": spec.name,
            }
            for spec in known
            if spec is not None
        ]
        return reply(200, {"sObjects": counts})

    def _token(self, _: Desk, request: Request) -> Response:
        pairs = parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
        form = dict(pairs)
        if extra := sorted(set(form) - _KNOWN_FORM):
            self._usage.violation("unknown_field", f"token form: {', '.join(extra)}", request)
        host = request.headers.get("host", "")
        try:
            token, session = self._usage.sessions.open(form, host)
        except OAuthError as error:
            body = {"error": error.error, "error_description": error.description}
            return reply(400, body)
        base = f"http://{host}"
        issued = str(int(session.opened_at.timestamp() * 1000))
        identity = f"{base}/id/{self._usage.sessions.org_id}/{session.user_id}"
        answer = {
            "access_token": token,
            "instance_url": base,
            "id": identity,
            "token_type": "Bearer",
            "issued_at": issued,
            "signature": hashlib.sha256((identity + issued).encode()).hexdigest(),
            "scope": "api",
        }
        return reply(200, answer, {"Cache-Control": "no-store"})

    def _userinfo(self, desk: Desk, request: Request) -> Response:
        org_id = self._usage.sessions.org_id
        token = request.headers.get("authorization", "").partition(" ")[2]
        session = self._usage.sessions.get(token)
        user = desk.org.row(session.user_id if session else None)
        asked = (request.parameters.get("org", org_id), request.parameters.get("user"))
        if user is None or asked[0] != org_id or asked[1] not in {None, user["Id"]}:
            raise Refusal("NOT_FOUND", "The requested resource does not exist")
        base = f"http://{request.headers.get('host', '')}"
        return reply(
            200,
            {
                "id": f"{base}/id/{org_id}/{user['Id']}",
                "user_id": user["Id"],
                "organization_id": org_id,
                "username": user["Username"],
                "email": user["Email"],
                "display_name": user["Name"],
                "active": user["IsActive"],
                "urls": {"rest": f"{base}/services/data/v{{version}}/"},
            },
        )
