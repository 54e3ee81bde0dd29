"""The endpoints. developers.dealhub.io: "Quote API", "Headless API", request status."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from sandbox.dealhub import checking, quotes, requests
from sandbox.dealhub.errors import Problem, not_found, not_json
from sandbox.dealhub.pricing import needs_approval, priced_lines, summary_of
from sandbox.dealhub.rendering import answer_of, shown, told
from sandbox.dealhub.tenant import DRAFT, Tenant
from sandbox.dealhub.values import Row, number, parse_body
from sandbox.messages import Request, Response
from sandbox.routes import Route

if TYPE_CHECKING:
    from sandbox.dealhub.simulator import DealHubSimulator

_LIST_QUERY: Final = frozenset({"external_opportunity_id", "feature", "offset", "limit"})
_QUOTE_QUERY: Final = frozenset({"feature", "external_identifier_flag"})
_DOCUMENTS: Final[Mapping[str, bytes]] = {
    "PDF": b"%PDF-1.4\n%%EOF\n", "WORD": b"PK\x03\x04word", "EXCEL": b"PK\x03\x04excel",
}  # fmt: skip
Answer = Callable[[Tenant, Request], Response]


def routes(simulator: DealHubSimulator) -> Iterable[Route]:
    """The whole surface."""
    table: tuple[tuple[str, str, Answer, frozenset[str]], ...] = (
        ("GET", "/api/v2/quote/{id}", _get_quote, _QUOTE_QUERY),
        ("GET", "/api/v2/quotes", _list_quotes, _LIST_QUERY),
        ("GET", "/api/v1/quote/{id}/document", _document, frozenset({"document_type"})),
        ("GET", "/api/v1/quote/id/{proposal}", _by_proposal, frozenset()),
        ("GET", "/api/v1/dealroom/{opportunity}", _deal_room, frozenset()),
        ("GET", "/api/v1/request/{id}/status", _request_status, frozenset()),
        ("POST", "/api/v1/opportunity", _new_opportunity, frozenset()),
        ("POST", "/api/v1/quote/simulate", _simulate, frozenset()),
        ("POST", "/api/v1/quote/generate", _generate, frozenset()),
        ("POST", "/api/v1/quote/{id}/submit", _act("submit", quotes.check_submit), frozenset()),
        ("POST", "/api/v1/quote/{id}/publish", _act("publish", quotes.check_publish), frozenset()),
        (
            "POST",
            "/api/v1/quote/{id}/sign_externally",
            _act("sign_externally", quotes.check_win),
            frozenset(),
        ),
    )
    for method, template, answer, query in table:
        yield Route(method, template, _guarded(simulator, answer, query), query)


def _guarded(
    simulator: DealHubSimulator, answer: Answer, query: frozenset[str]
) -> Callable[[Request], Response]:
    def carry_out(request: Request) -> Response:
        tenant = simulator.tenant
        requests.advance(tenant)
        try:
            checking.known_query(request, query)
            return answer(tenant, request)
        except Problem as problem:
            return problem.response()

    return carry_out


def _get_quote(tenant: Tenant, request: Request) -> Response:
    features = checking.features(request)
    id = request.parameters["id"]
    if checking.flag(request, "external_identifier_flag"):
        row = tenant.quote_by_crm_id(id)
    else:
        row = tenant.quote(checking.own_id(id))
    return told(tenant, shown(tenant, row, features))


def _list_quotes(tenant: Tenant, request: Request) -> Response:
    features = checking.features(request)
    limit = checking.whole(request, "limit", checking.LIMIT_MAX, 1, checking.LIMIT_MAX)
    offset = checking.whole(request, "offset", 0, 0, checking.OFFSET_MAX)
    wanted = request.first("external_opportunity_id")
    rows = [
        row
        for row in tenant.quotes.values()
        if wanted is None or row["info"]["external_opportunity_id"] == wanted
    ]
    page = rows[offset : offset + limit]
    if not page and tenant.settings.empty_answer == "list":
        return told(tenant, [])
    info = {
        "more_results_matching_the_request": offset + limit < len(rows),
        "offset": str(offset),
        "limit": str(limit),
    }
    return told(tenant, {"info": info, "quotes": [shown(tenant, row, features) for row in page]})


def _document(tenant: Tenant, request: Request) -> Response:
    row = tenant.quote(checking.own_id(request.parameters["id"]))
    if row["status"] == DRAFT:
        raise Problem("Document retrieval for a draft quote is not supported")
    made = row["document_type"] if row["document_type"] in _DOCUMENTS else "PDF"
    kind = request.first("document_type") or made
    checking.Text(options=tuple(_DOCUMENTS)).check("document_type", kind)
    if kind == "EXCEL" and made != "EXCEL":
        raise Problem("The document type is not enabled for this quote")
    return Response(200, _DOCUMENTS[kind], content_type="application/octet-stream")


def _by_proposal(tenant: Tenant, request: Request) -> Response:
    proposal = request.parameters["proposal"]
    for row in tenant.quotes.values():
        if row["dealhub_proposal_id"] == proposal:
            return told(tenant, {"dealhub_quote_id": row["dealhub_quote_id"]})
    raise not_found(proposal)


def _deal_room(tenant: Tenant, request: Request) -> Response:
    id = request.parameters["opportunity"]
    room = tenant.tables["deal_rooms"].get(id)
    if room is None:
        raise Problem(f"No DealRoom instance found for opportunity ID {id}")
    return told(tenant, {name: value for name, value in room.items() if name[0] != "_"})


def _request_status(tenant: Tenant, request: Request) -> Response:
    return told(tenant, requests.status_of(tenant, request.parameters["id"]))


def _new_opportunity(tenant: Tenant, request: Request) -> Response:
    body = _body(request)
    checking.new_opportunity(body)
    id = body["external_opportunity_id"]
    if tenant.opportunity(id) is not None:
        raise Problem(f"Opportunity with ID {id} already exists")
    row = tenant.add_opportunity(id, body)
    return told(tenant, {"dealhub_opportunity_id": row["dealhub_opportunity_id"]})


def _simulate(tenant: Tenant, request: Request) -> Response:
    body = _body(request)
    checking.simulate(tenant, body)
    currency = body.get("currency")
    if currency is None:
        opportunity = tenant.opportunity(body["external_opportunity_id"])
        if opportunity is None:
            raise not_found(body["external_opportunity_id"])
        currency = opportunity["currency"]
    overall = number(body.get("total_sales_discount"))
    lines = priced_lines(tenant, body.get("line_items") or (), currency, overall)
    summary = summary_of(lines, currency)
    summary["total_sales_discount"] = summary.pop("sales_discount")
    flows = needs_approval(lines, tenant.settings.approval_above_percent)
    return told(tenant, {"approval_flows": flows, "summary": summary, "line_items": lines})


def _generate(tenant: Tenant, request: Request) -> Response:
    body = _body(request)
    checking.generate(tenant, body)
    external = body["external_opportunity_id"]
    if tenant.opportunity(external) is None:
        data = body.get("opportunity_data")
        if tenant.settings.integration == "native" or data is None:
            raise not_found(external)
        tenant.add_opportunity(external, data)
    return _accepted(tenant, requests.take_in(tenant, "generate", "", body))


def _act(kind: str, check: Callable[[Row], None]) -> Answer:
    def act(tenant: Tenant, request: Request) -> Response:
        row = tenant.quote(checking.own_id(request.parameters["id"]))
        comment = kind == "sign_externally"
        body: Mapping[str, Any] = _body(request) if request.body or comment else {}
        checking.act(dict(body), comment=comment)
        check(row)
        return _accepted(tenant, requests.take_in(tenant, kind, row["dealhub_quote_id"], body))

    return act


def _body(request: Request) -> Row:
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise not_json()
    return parse_body(request.body)


def _accepted(tenant: Tenant, taken: Row) -> Response:
    """The 202, as one of the two forms that are documented."""
    if tenant.settings.accepted_body == "request":
        accepted = {"request_id": taken["request_id"], "status": taken["status"]}
        return told(tenant, accepted, 202)
    requests.carry_out(tenant, taken["request_id"])
    after = tenant.tables["requests"][taken["request_id"]]
    if after["status"] == requests.FAILED:
        raise Problem(after["error_description"])
    action = after["body"].get("request_action", after["kind"])
    return told(tenant, answer_of(tenant.quote(after["quote"]), action), 202)
