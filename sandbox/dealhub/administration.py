"""What people do in DealHub's screens: representatives, reviewers, buyers, administrators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from sandbox.dealhub import checking, quotes, requests
from sandbox.dealhub.errors import Problem
from sandbox.dealhub.tenant import APPROVER, DRAFT, REP, Tenant
from sandbox.dealhub.values import Row, made_id
from sandbox.simulator import BadCommand, Mutation

_MADE_FOR: Final[Mapping[str, Any]] = {
    "external_opportunity_name": "An opportunity",
    "external_customer_id": "C-1",
    "customer_name": "Acme",
    "geo_code": "US",
    "currency": "USD",
}
_SCREEN_KEYS: Final = frozenset(
    {"quote_name", "external_opportunity_id", "external_quote_id", "line_items", "quote_data",
     "total_sales_discount", "currency", "by", "playbook"}
)  # fmt: skip


def mutate(tenant: Tenant, mutation: Mutation) -> Row:
    """Carry out an act; the record afterwards. Raises ``Problem`` or ``BadCommand``."""
    match mutation.object:
        case "opportunities":
            return _opportunity(tenant, mutation)
        case "quotes":
            return _quote(tenant, mutation)
        case "requests":
            return _request(tenant, mutation)
    raise BadCommand(f"{mutation.object} has no acts; there are opportunities, quotes, requests")


def _opportunity(tenant: Tenant, mutation: Mutation) -> Row:
    if mutation.operation != "create" or not mutation.id:
        raise BadCommand("opportunities can be created, with the CRM's id as id")
    if tenant.opportunity(mutation.id) is not None:
        raise Problem(f"Opportunity with ID {mutation.id} already exists")
    return tenant.add_opportunity(mutation.id, {**_MADE_FOR, **mutation.fields})


def _quote(tenant: Tenant, mutation: Mutation) -> Row:
    fields = mutation.fields
    if mutation.operation == "create":
        return _create(tenant, fields)
    row = tenant.quote(mutation.id or "")
    act = _ACTS.get(mutation.operation)
    if act is None:
        raise BadCommand(f"quotes know: create, {', '.join(sorted(_ACTS))}")
    act(tenant, row, fields)
    return row


def _create(tenant: Tenant, fields: Mapping[str, Any]) -> Row:
    if unknown := sorted(set(fields) - _SCREEN_KEYS):
        raise BadCommand(f"unknown fields: {', '.join(unknown)}")
    external = str(fields.get("external_opportunity_id") or "006SCREEN")
    opportunity = tenant.opportunity(external)
    if opportunity is None:
        data = {**_MADE_FOR, "currency": fields.get("currency", "USD")}
        opportunity = tenant.add_opportunity(external, data)
    for group in fields.get("quote_data") or ():
        checking.AnyText().check("quote_data", group["questions"][0])
    row = quotes.make_quote(tenant, fields, opportunity, str(fields.get("by", REP)))
    row["info"]["external_quote_id"] = str(fields.get("external_quote_id", ""))
    return row


def _update(tenant: Tenant, row: Row, fields: Mapping[str, Any]) -> None:
    if unknown := sorted(set(fields) - _SCREEN_KEYS):
        raise BadCommand(f"unknown fields: {', '.join(unknown)}")
    if "external_quote_id" in fields:
        row["info"]["external_quote_id"] = str(fields["external_quote_id"])
    quotes.revise(tenant, row, fields, str(fields.get("by", REP)))


def _delete(tenant: Tenant, row: Row, _fields: Mapping[str, Any]) -> None:
    del tenant.quotes[row["dealhub_quote_id"]]


def _review(*, approved: bool) -> Callable[[Tenant, Row, Mapping[str, Any]], None]:
    def act(tenant: Tenant, row: Row, fields: Mapping[str, Any]) -> None:
        comment = str(fields.get("comment", ""))
        if not approved and not comment:
            raise BadCommand("a rejection needs a comment")
        reviewer = str(fields.get("reviewer", APPROVER))
        quotes.review(tenant, row, approved=approved, reviewer=reviewer, comment=comment)

    return act


def _sign(tenant: Tenant, row: Row, fields: Mapping[str, Any]) -> None:
    party = fields.get("party")
    if party not in ("buyer", "seller"):
        raise BadCommand("party is buyer or seller")
    quotes.sign(tenant, row, party, str(fields["name"]), str(fields.get("title", "")))


def _outdate(tenant: Tenant, row: Row, _fields: Mapping[str, Any]) -> None:  # noqa: ARG001
    if row["status"] != DRAFT:
        raise BadCommand("only drafts become outdated")
    row["quote_upgrade_required"] = True


def _upgrade(tenant: Tenant, row: Row, _fields: Mapping[str, Any]) -> None:
    row["quote_upgrade_required"] = False
    row["info"]["version_id"] = made_id(tenant.seed, "version", tenant.count_up("version"))
    tenant.tell("draftQuote", row, REP)


def _primary(tenant: Tenant, row: Row, _fields: Mapping[str, Any]) -> None:
    for other in tenant.quotes.values():
        if other["info"]["external_opportunity_id"] == row["info"]["external_opportunity_id"]:
            other["info"]["primary_quote"] = other is row
    tenant.tell("primaryQuote", row, REP)


_ACTS: Final[Mapping[str, Callable[[Tenant, Row, Mapping[str, Any]], None]]] = {
    "update": _update,
    "revise": _update,
    "delete": _delete,
    "submit": lambda tenant, row, _: quotes.submit(tenant, row),
    "approve": _review(approved=True),
    "reject": _review(approved=False),
    "recall": lambda tenant, row, _: quotes.recall(tenant, row),
    "publish": lambda tenant, row, _: quotes.publish(tenant, row),
    "unpublish": lambda tenant, row, _: quotes.unpublish(tenant, row),
    "win": lambda tenant, row, _: quotes.win(tenant, row),
    "sign": _sign,
    "outdate": _outdate,
    "upgrade": _upgrade,
    "primary": _primary,
}


def _request(tenant: Tenant, mutation: Mutation) -> Row:
    id = mutation.id or ""
    match mutation.operation:
        case "hold":
            requests.hold(tenant, id)
        case "release":
            requests.release(tenant, id)
            requests.advance(tenant)
        case "fail":
            fields = mutation.fields
            code = str(fields.get("error_code", "PROCESSING_ERROR"))
            requests.give_up(tenant, id, code, str(fields.get("error_description", "It failed")))
        case _:
            raise BadCommand("requests know: hold, release, fail")
    return requests.shown(tenant.tables["requests"][id])
