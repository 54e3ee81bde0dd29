"""Asynchronous requests: taken in with 202, carried out later, asked about by their id."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sandbox.dealhub import quotes
from sandbox.dealhub.errors import Problem, not_found
from sandbox.dealhub.tenant import PENDING, Tenant
from sandbox.dealhub.values import Row, stamp

QUEUED: Final = "queued"
IN_PROGRESS: Final = "in-progress"
DONE: Final = "done"
FAILED: Final = "failed"
_LATER: Final = {
    "draft": (),
    "submit": ("submit",),
    "publish": ("submit", "publish"),
    "sign_externally": ("submit", "sign_externally"),
}
_ACTS: Final = {
    "submit": quotes.submit,
    "publish": quotes.publish,
    "sign_externally": quotes.win,
}


def take_in(tenant: Tenant, kind: str, quote: str, body: Mapping[str, Any]) -> Row:
    """A new request. ``kind`` is generate or an act on a quote."""
    id = tenant.new_id("request")
    row: Row = {
        "request_id": id,
        "kind": kind,
        "quote": quote,
        "body": dict(body),
        "status": QUEUED,
        "taken_at": tenant.now(),
        "due": tenant.due_at(len(body.get("line_items") or ())),
        "error_code": "",
        "error_description": "",
    }
    tenant.tables["requests"][id] = row
    return row


def advance(tenant: Tenant) -> None:
    """Carry out what is due, in the order taken in."""
    now = tenant.now()
    for row in list(tenant.tables["requests"].values()):
        if row["status"] in (DONE, FAILED) or row["due"] is None:
            continue
        if row["due"] <= now:
            carry_out(tenant, row["request_id"])
        elif now >= row["taken_at"] + (row["due"] - row["taken_at"]) / 2:
            row["status"] = IN_PROGRESS


def carry_out(tenant: Tenant, id: str) -> None:
    """Do what a request asks for; a refusal makes it failed."""
    row = _request(tenant, id)
    try:
        with tenant.savepoint():
            quote = _done(tenant, tenant.tables["requests"][id])
    except Problem as problem:
        fail(tenant, id, "PROCESSING_ERROR", problem.message)
        return
    row = _request(tenant, id)
    row |= {"status": DONE, "quote": quote["dealhub_quote_id"]}


def _done(tenant: Tenant, row: Row) -> Row:
    body = row["body"]
    if row["kind"] != "generate":
        quote = tenant.quote(row["quote"])
        _ACTS[row["kind"]](tenant, quote, request=row["request_id"])
        tenant.note("changing_updates", quote)
        return quote
    opportunity = tenant.opportunity(body["external_opportunity_id"])
    if opportunity is None:
        raise not_found(body["external_opportunity_id"])
    quote = quotes.make_quote(tenant, body, opportunity)
    tenant.note("creates", quote)
    for act in _LATER[body["request_action"]]:
        # What waits for approval goes no further.
        if quote["status"] != PENDING:
            _ACTS[act](tenant, quote, request=row["request_id"])
    return quote


def fail(tenant: Tenant, id: str, code: str, description: str) -> None:
    """End a request with an error."""
    row = _request(tenant, id)
    row |= {"status": FAILED, "error_code": code, "error_description": description}


def hold(tenant: Tenant, id: str) -> None:
    """Leave a request in the queue until it is released."""
    _open(tenant, id)["due"] = None


def release(tenant: Tenant, id: str) -> None:
    """Let a request that is stuck go on now."""
    _open(tenant, id)["due"] = tenant.now()


def give_up(tenant: Tenant, id: str, code: str, description: str) -> None:
    """Let a request that has not ended fail."""
    _open(tenant, id)
    fail(tenant, id, code, description)


def _open(tenant: Tenant, id: str) -> Row:
    row = _request(tenant, id)
    if row["status"] in (DONE, FAILED):
        raise Problem(f"Request {id} has ended: {row['status']}")
    return row


def _request(tenant: Tenant, id: str) -> Row:
    found = tenant.tables["requests"].get(id)
    if found is None:
        raise not_found(id)
    return found


def status_of(tenant: Tenant, id: str) -> Row:
    """What asking for a request answers."""
    row = _request(tenant, id)
    told: Row = {"request_id": id, "status": row["status"]}
    if row["status"] == FAILED:
        told |= {"error_code": row["error_code"], "error_description": row["error_description"]}
    return told


def shown(row: Row) -> Row:
    """A request as the admin surface shows it."""
    due = row["due"]
    return {
        **{name: value for name, value in row.items() if name != "body"},
        "taken_at": stamp(row["taken_at"]),
        "due": stamp(due) if isinstance(due, datetime) else None,
    }
