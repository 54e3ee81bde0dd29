"""Event triggers, notification definitions and the history of callouts."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

import orjson

from sandbox.emit import LOOPBACK_HOSTS
from sandbox.messages import Response
from sandbox.zuora.api.desk import PAGES, Call, Endpoint
from sandbox.zuora.callouts import BY_LABEL, check_condition
from sandbox.zuora.errors import invalid, missing
from sandbox.zuora.fields import Fields
from sandbox.zuora.values import Row

_LIST: Final = frozenset({"start", "limit", "eventTypeName", "baseObject", "active"})
_HISTORY: Final = PAGES | {"startTime", "endTime", "failedOnly", "eventCategory"}


def _told(row: Row) -> Row:
    return {key: value for key, value in row.items() if not key.endswith(("ById", "Date"))}


def _create_trigger(call: Call) -> Row:
    fields = call.known("active", "baseObject", "condition", "description", "eventType")
    base, condition = fields.need("baseObject"), fields.need("condition", max=4000)
    if base.lower() not in BY_LABEL:
        raise invalid("baseObject", f"'{base}' is not an object.")
    if not check_condition(condition):
        raise invalid("condition", "cannot be understood.")
    kind = fields.part("eventType")
    if kind is None:
        raise missing("eventType")
    return _told(call.tenant.insert("event-triggers", {
        "active": fields.flag("active", default=True), "baseObject": base, "condition": condition,
        "description": fields.text("description") or "",
        "eventType": {"name": kind.need("name"), "displayName": kind.need("displayName")},
    }))  # fmt: skip


def _create_definition(call: Call) -> Row:
    fields = call.known(
        "name", "eventTypeName", "active", "callout", "calloutActive", "description", "filterRule",
        "emailActive", "communicationProfileId",
    )  # fmt: skip
    callout = fields.part("callout")
    if callout is not None:
        _check_callout(callout)
    return _told(call.tenant.insert("notification-definitions", {
        "name": fields.need("name"), "eventTypeName": fields.need("eventTypeName"),
        "active": fields.flag("active", default=True), "description": fields.text("description"),
        "calloutActive": fields.flag("calloutActive", default=callout is not None),
        "callout": {"calloutParams": {}, **callout.values} if callout is not None else None,
    }))  # fmt: skip


def _check_callout(callout: Fields) -> None:
    """https on the usual port; loopback may do as it likes."""
    callout.need("name")
    callout.choice("httpMethod", ("POST",))
    parts = urlsplit(callout.need("calloutBaseurl", max=4000))
    if parts.hostname in LOOPBACK_HOSTS:
        return
    if parts.scheme != "https" or parts.port is not None:
        raise invalid("callout.calloutBaseurl", "must be https without a port.")


def _lister(object: str, path: str) -> Endpoint:
    def rows(call: Call) -> Row:
        return {"data": [_told(row) for row in call.tenant.rows(object)], "next": None}

    return Endpoint("GET", path, rows, family="query", query=_LIST)


def _reader(object: str, path: str) -> Endpoint:
    def read(call: Call) -> Row:
        return _told(call.tenant.get(object, call.key()))

    return Endpoint("GET", f"{path}/{{key}}", read, family="query")


def _deleter(object: str, path: str) -> Endpoint:
    def delete(call: Call) -> Response:
        call.tenant.delete(object, call.tenant.get(object, call.key())["id"])
        return Response(204)

    return Endpoint("DELETE", f"{path}/{{key}}", delete, family="query")


def _history(call: Call) -> Row:
    rows = call.simulator.callouts_sender.report()["events"]
    failed = call.request.first("failedOnly") == "true"
    told = [
        {
            "attemptedNum": row["attempts"], "eventContext": row["event"],
            "responseCode": str(row["statuses"][-1]) if row["statuses"] else None,
            "requestMethod": "POST", "createTime": row["accepted_at"] or row["due"],
            "id": str(index),
        }
        for index, row in enumerate(rows)
        if not failed or row["accepted_at"] is None
    ]  # fmt: skip
    return call.page(told, "calloutHistories", lambda row: row)


def _resend(call: Call) -> Response:
    sender = call.simulator.callouts_sender
    rows = sender.report()["events"]
    ids = orjson.loads(call.request.body)
    for id in ids if isinstance(ids, list) else ():
        if not str(id).isdigit() or int(id) >= len(rows):
            raise invalid("id", f"'{id}' is not a callout.")
        sender.resend(int(id))
    return Response(204)


ENDPOINTS: Final = (
    Endpoint("POST", "/events/event-triggers", _create_trigger, family="query"),
    Endpoint("POST", "/notifications/notification-definitions", _create_definition, family="query"),
    *(
        make(object, path)
        for object, path in (
            ("event-triggers", "/events/event-triggers"),
            ("notification-definitions", "/notifications/notification-definitions"),
        )
        for make in (_lister, _reader, _deleter)
    ),
    Endpoint("GET", "/v1/notification-history/callout", _history, 590100, query=_HISTORY),
    Endpoint("POST", "/notifications/callout-histories/resend", _resend, family="query"),
)
