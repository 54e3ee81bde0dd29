"""Single records: ``/sobjects`` ("sObject Rows" and "sObject Rows by External ID")."""

from __future__ import annotations

from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from sandbox.messages import Request, Response
from sandbox.salesforce.api.desk import (
    DATA,
    Desk,
    Endpoint,
    body_of,
    noted,
    object_of,
    reply,
    version_of,
    writer_for,
)
from sandbox.salesforce.describe import global_describe, object_describe
from sandbox.salesforce.errors import Refusal
from sandbox.salesforce.feeds import deleted, updated, window
from sandbox.salesforce.schema import FieldSpec, ObjectSpec
from sandbox.salesforce.soql.select import Selection
from sandbox.salesforce.soql.tree import Path, Query
from sandbox.salesforce.values import Row
from sandbox.salesforce.writing import Saved, Writer


def _unchanged_since(desk: Desk, request: Request) -> bool:
    """Whether the schema has not changed since the caller's copy."""
    since = request.headers.get("if-modified-since")
    if since is None:
        return False
    try:
        asked: datetime = parsedate_to_datetime(since)
    except ValueError:
        return False
    return desk.org.schema_changed.replace(microsecond=0) <= asked


def _list_objects(desk: Desk, request: Request) -> Response:
    if _unchanged_since(desk, request):
        return reply(304)
    return reply(200, global_describe(desk.org, version_of(request)))


def _describe(desk: Desk, request: Request) -> Response:
    spec = object_of(desk, request)
    if _unchanged_since(desk, request):
        return reply(304)
    return reply(200, object_describe(desk.org, spec, version_of(request)))


def _basic(desk: Desk, request: Request) -> Response:
    described = object_describe(desk.org, object_of(desk, request), version_of(request))
    del described["fields"], described["childRelationships"]
    return reply(200, {"objectDescribe": described, "recentItems": []})


def print_row(desk: Desk, request: Request, spec: ObjectSpec, row: Row, names: list[str]) -> Any:
    """A record with the named fields, or all of them."""
    chosen = names or list(spec.fields)
    query = Query("", spec.name, 0, tuple(Path(tuple(name.split(".")), 0) for name in chosen))
    selection = Selection(desk.org, version_of(request), desk.org.now(), with_deleted=True)
    return selection.printer(spec, query)(row)


def _read(desk: Desk, request: Request) -> Response:
    spec = object_of(desk, request)
    row = Writer(desk.org).existing(spec, request.parameters["id"])
    return reply(200, print_row(desk, request, spec, row, list(request.every("fields"))))


def _create(desk: Desk, request: Request) -> Response:
    spec = object_of(desk, request)
    saved = noted(desk, writer_for(desk, request).create(spec.name, body_of(request)))
    location = f"/services/data/v{version_of(request)}/sobjects/{spec.name}/{saved.row['Id']}"
    body = {"id": saved.row["Id"], "success": True, "errors": []}
    return reply(201, body, {"Location": location})


def _update(desk: Desk, request: Request) -> Response:
    spec = object_of(desk, request)
    body = body_of(request)
    if any(name.lower() == "id" for name in body):
        message = "The Id field should not be specified in the sobject data."
        raise Refusal("INVALID_FIELD", message, "Id")
    noted(desk, writer_for(desk, request).update(spec.name, request.parameters["id"], body))
    return reply(204)


def _delete(desk: Desk, request: Request) -> Response:
    spec = object_of(desk, request)
    row = writer_for(desk, request).delete(spec.name, request.parameters["id"])
    desk.org.note(row["Id"], "deletes")
    return reply(204)


# -- by external id ------------------------------------------------------------------------------


def external_field(spec: ObjectSpec, name: str) -> FieldSpec:
    """The external-id field of that name; NOT_FOUND otherwise."""
    field = spec.field(name)
    if field is None or not field.external_id:
        message = "Provided external ID field does not exist or is not accessible: " + name
        raise Refusal("NOT_FOUND", message)
    return field


def _holders(desk: Desk, request: Request) -> tuple[ObjectSpec, FieldSpec, tuple[str, ...]]:
    spec = object_of(desk, request)
    field = external_field(spec, request.parameters["field"])
    return spec, field, desk.org.table(spec.name).holders(field, request.parameters["value"])


def _several(request: Request, spec: ObjectSpec, found: tuple[str, ...]) -> Response:
    base = f"/services/data/v{version_of(request)}/sobjects/{spec.name}/"
    return reply(300, [base + id for id in found])


def _only(found: tuple[str, ...]) -> str:
    if not found:
        raise Refusal("NOT_FOUND", "The requested resource does not exist")
    return found[0]


def _read_by_value(desk: Desk, request: Request) -> Response:
    spec, _, found = _holders(desk, request)
    if len(found) > 1:
        return _several(request, spec, found)
    row = desk.org.table(spec.name).rows[_only(found)]
    return reply(200, print_row(desk, request, spec, row, list(request.every("fields"))))


def upsert(
    writer: Writer, desk: Desk, spec: ObjectSpec, field: FieldSpec, value: Any, body: dict[str, Any]
) -> Saved:
    """Create or update by external id; DUPLICATE_EXTERNAL_ID when several records have it."""
    value = value.strip() if isinstance(value, str) else value
    found = desk.org.table(spec.name).holders(field, value)
    if len(found) > 1:
        message = "Multiple records found with the external id"
        raise Refusal("DUPLICATE_EXTERNAL_ID", message, field.name)
    if found:
        return noted(desk, writer.update(spec.name, found[0], body))
    return noted(desk, writer.create(spec.name, {**body, field.name: value}))


def _upsert_by_value(desk: Desk, request: Request) -> Response:
    spec, field, found = _holders(desk, request)
    if len(found) > 1:
        return _several(request, spec, found)
    body = body_of(request)
    if any(name.lower() in {field.name.lower(), "id"} for name in body):
        message = f"The {field.name} field should not be specified in the sobject data."
        raise Refusal("INVALID_FIELD", message, field.name)
    if not found and request.first("updateOnly") == "true":
        raise Refusal("NOT_FOUND", "The requested resource does not exist")
    value = request.parameters["value"]
    saved = upsert(writer_for(desk, request), desk, spec, field, value, body)
    answer = {"id": saved.row["Id"], "success": True, "errors": [], "created": saved.created}
    return reply(201 if saved.created else 200, answer)


def _delete_by_value(desk: Desk, request: Request) -> Response:
    spec, _, found = _holders(desk, request)
    if len(found) > 1:
        return _several(request, spec, found)
    row = writer_for(desk, request).delete(spec.name, _only(found))
    desk.org.note(row["Id"], "deletes")
    return reply(204)


# -- feeds ---------------------------------------------------------------------------------------


def _feed(desk: Desk, request: Request) -> Response:
    spec = object_of(desk, request)
    start, end = window(request.first("start"), request.first("end"), desk.org.now())
    changed = request.path.rstrip("/").endswith("/updated")
    return reply(200, (updated if changed else deleted)(desk.org, spec.name, start, end))


_FIELDS: Final = frozenset({"fields"})
_WINDOW: Final = frozenset({"start", "end"})
_OBJECT: Final = DATA + "/sobjects/{object}"
_BY_VALUE: Final = _OBJECT + "/{field}/{value}"
ENDPOINTS: Final = (
    Endpoint("GET", DATA + "/sobjects", _list_objects),
    Endpoint("GET", _OBJECT, _basic),
    Endpoint("POST", _OBJECT, _create),
    Endpoint("GET", _OBJECT + "/describe", _describe),
    Endpoint("GET", _OBJECT + "/updated", _feed, _WINDOW),
    Endpoint("GET", _OBJECT + "/deleted", _feed, _WINDOW),
    Endpoint("GET", _OBJECT + "/{id}", _read, _FIELDS),
    Endpoint("PATCH", _OBJECT + "/{id}", _update),
    Endpoint("DELETE", _OBJECT + "/{id}", _delete),
    Endpoint("GET", _BY_VALUE, _read_by_value, _FIELDS),
    Endpoint("PATCH", _BY_VALUE, _upsert_by_value, frozenset({"updateOnly"})),
    Endpoint("DELETE", _BY_VALUE, _delete_by_value),
)
