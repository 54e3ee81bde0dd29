"""What endpoints share: the tenant behind a request, envelopes, pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import orjson

from sandbox.messages import Request, Response
from sandbox.zuora.errors import INVALID_VALUE, Problem
from sandbox.zuora.fields import Fields, body_of
from sandbox.zuora.tenant import Tenant, made_id
from sandbox.zuora.values import Row, printable

if TYPE_CHECKING:
    from sandbox.zuora.simulator import ZuoraSimulator

PAGE_MAX = 40
PAGES = frozenset({"page", "pageSize"})


@dataclass(frozen=True, slots=True)
class Call:
    """One request and the tenant it is about."""

    simulator: ZuoraSimulator
    request: Request

    @property
    def tenant(self) -> Tenant:
        """The tenant."""
        return self.simulator.tenant

    def key(self, name: str = "key") -> str:
        """A parameter of the path."""
        return self.request.parameters[name]

    def fields(self) -> Fields:
        """The body."""
        return Fields(body_of(self.request))

    def known(self, *names: str) -> Fields:
        """The body, with keys the vendor does not document noted."""
        fields = self.fields()
        customs = fields.customs()
        given = {key: value for key, value in fields.values.items() if key not in customs}
        self.simulator.expect_keys(self.request, given, names, self.request.path)
        return fields

    def page(self, rows: list[Any], name: str, tell: Callable[[Any], Row]) -> Row:
        """A page of a v1 list; ``nextPage`` is a full URL."""
        number = self._positive("page", 1)
        size = self._positive("pageSize", 20)
        if size > PAGE_MAX:
            raise Problem(INVALID_VALUE, f"pageSize must be at most {PAGE_MAX}.", status=400)
        start = (number - 1) * size
        told: Row = {name: [tell(row) for row in rows[start : start + size]]}
        if start + size < len(rows):
            base = f"http://{self.request.headers.get('host', 'localhost')}{self.request.path}"
            told["nextPage"] = f"{base}?page={number + 1}&pageSize={size}"
        return told

    def _positive(self, name: str, default: int) -> int:
        text = self.request.first(name)
        if text is None:
            return default
        if not text.isdigit() or int(text) < 1:
            raise Problem(INVALID_VALUE, f"{name} must be a positive number.", status=400)
        return int(text)


Answer: TypeAlias = Callable[[Call], Any]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation. ``resource`` is the first part of its error codes; ``family`` says how success
    and errors look; ``body_needed`` refuses an empty body with 415."""

    method: str
    template: str
    answer: Answer
    resource: int = 500000
    family: str = "v1"
    query: frozenset[str] = frozenset()
    body_needed: bool = False
    keyed: bool = True
    open: bool = False


def json_of(tenant: Tenant, value: Any, *, query_form: bool = False) -> bytes:
    """JSON with exact numbers; instants in the form of the family."""
    return orjson.dumps(printable(value, None if query_form else tenant.zone))


def process_id(request: Request) -> str:
    """The identifier of a call, for support."""
    return made_id("process", request.seq)[:16].upper()


def succeed(call: Call, value: Row | Response | None) -> Response:
    """A v1 answer."""
    if isinstance(value, Response):
        return value
    return Response(200, json_of(call.tenant, {**(value or {}), "success": True}))


def fail(call: Call, endpoint: Endpoint, problem: Problem) -> Response:
    """A refusal in the shape of the endpoint's family."""
    problem = problem.within(endpoint.resource)
    match endpoint.family:
        case "object":
            code = {22: "MISSING_REQUIRED_VALUE", 40: "INVALID_ID", 50: "LOCK_COMPETITION"}
            word = code.get(problem.category, "INVALID_VALUE")
            errors = [{"Code": word, "Message": problem.message}]
            return Response(400, orjson.dumps({"Success": False, "Errors": errors}))
        case "query":
            status = problem.status if problem.status >= 400 else 400
            told = {"code": str(problem.code), "message": problem.message}
            return Response(status, orjson.dumps(told))
    reasons = [{"code": problem.code, "message": problem.message}]
    body = {
        "success": False,
        "processId": process_id(call.request),
        "requestId": made_id("request", call.request.seq),
        "reasons": reasons,
    }
    return Response(problem.status, orjson.dumps(body))
