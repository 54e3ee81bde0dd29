"""sObject Collections: up to 200 records in one call, one outcome each, always answered 200."""

from __future__ import annotations

from collections.abc import Callable
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
    writer_for,
)
from sandbox.salesforce.api.records import external_field, print_row, upsert
from sandbox.salesforce.errors import Refusal
from sandbox.salesforce.writing import Saved, required_ids

WRITE_MAX: Final = 200
READ_MAX: Final = 2000

_ROLLED_BACK: Final = Refusal(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using "
    "AllOrNone header",
)


def _rows_of(desk: Desk, request: Request) -> tuple[list[Any], bool]:
    body = body_of(request)
    desk.expect_keys(request, body, ("allOrNone", "records"), "a collection request")
    records = body.get("records")
    if not isinstance(records, list) or not records:
        raise Refusal("INVALID_INPUT", "records is required")
    _check_count(len(records), WRITE_MAX)
    return records, body.get("allOrNone") is True


def _check_count(count: int, most: int) -> None:
    if count > most:
        message = f"record limit reached. cannot submit more than {most} records in one request"
        raise Refusal("EXCEEDED_ID_LIMIT", message)


def _type_of(desk: Desk, record: Any) -> str:
    attributes = record.get("attributes") if isinstance(record, dict) else None
    name = attributes.get("type") if isinstance(attributes, dict) else None
    spec = desk.org.schema.object(name) if isinstance(name, str) else None
    if spec is None:
        raise Refusal("INVALID_TYPE", f"sObject type '{name}' is not supported.")
    return spec.name


def _each(
    desk: Desk,
    records: list[Any],
    write: Callable[[Any], dict[str, Any]],
    *,
    all_or_none: bool,
) -> Response:
    """Apply ``write`` to each record; outcomes in input order."""
    mark = desk.org.mark()
    outcomes: list[dict[str, Any]] = []
    failed = False
    for record in records:
        try:
            with desk.org.savepoint():
                outcomes.append({**write(record), "success": True, "errors": []})
        except Refusal as refusal:
            failed = True
            outcomes.append({"success": False, "errors": [refusal.row()]})
    if failed and all_or_none:
        desk.org.roll_back(mark)
        undone = {"success": False, "errors": [_ROLLED_BACK.row()]}
        outcomes = [undone if outcome["success"] else outcome for outcome in outcomes]
    return reply(200, outcomes)


def _create(desk: Desk, request: Request) -> Response:
    records, all_or_none = _rows_of(desk, request)
    writer = writer_for(desk, request)

    def write(record: Any) -> dict[str, Any]:
        saved = noted(desk, writer.create(_type_of(desk, record), record))
        return {"id": saved.row["Id"]}

    return _each(desk, records, write, all_or_none=all_or_none)


def _update(desk: Desk, request: Request) -> Response:
    records, all_or_none = _rows_of(desk, request)
    writer = writer_for(desk, request)
    seen: set[str] = set()

    def write(record: Any) -> dict[str, Any]:
        name = _type_of(desk, record)
        body = {key: value for key, value in record.items() if key.lower() != "id"}
        given = [value for key, value in record.items() if key.lower() == "id"]
        if not given:
            raise Refusal("MISSING_ARGUMENT", "Id not specified in an update call", "Id")
        (id,) = required_ids([str(given[0])])
        if id in seen:
            raise Refusal("DUPLICATE_VALUE", f"Duplicate id in list: {id}", "Id")
        seen.add(id)
        return {"id": noted(desk, writer.update(name, id, body)).row["Id"]}

    return _each(desk, records, write, all_or_none=all_or_none)


def _upsert(desk: Desk, request: Request) -> Response:
    spec = object_of(desk, request)
    field = external_field(spec, request.parameters["field"])
    records, all_or_none = _rows_of(desk, request)
    writer = writer_for(desk, request)
    seen: set[str] = set()

    def write(record: Any) -> dict[str, Any]:
        if _type_of(desk, record) != spec.name:
            raise Refusal("INVALID_TYPE", f"record is not of type {spec.name}")
        body = {key: value for key, value in record.items() if key.lower() != field.name.lower()}
        value = next((record[key] for key in record if key not in body), None)
        if value is None or value == "":
            raise Refusal("MISSING_ARGUMENT", f"{field.name} not specified", field.name)
        key = str(value).lower()
        if key in seen:
            message = f"Duplicate external id specified: {value}"
            raise Refusal("DUPLICATE_VALUE", message, field.name)
        seen.add(key)
        saved: Saved = upsert(writer, desk, spec, field, value, body)
        return {"id": saved.row["Id"], "created": saved.created}

    return _each(desk, records, write, all_or_none=all_or_none)


def _delete(desk: Desk, request: Request) -> Response:
    ids = list(request.every("ids"))
    if not ids:
        raise Refusal("INVALID_INPUT", "ids is required")
    _check_count(len(ids), WRITE_MAX)
    writer = writer_for(desk, request)

    def write(record: Any) -> dict[str, Any]:
        (id,) = required_ids([record])
        name = desk.org.object_of(id)
        if name is None:
            raise Refusal("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        desk.org.note(writer.delete(name, id)["Id"], "deletes")
        return {"id": id}

    return _each(desk, ids, write, all_or_none=request.first("allOrNone") == "true")


def _texts_in(body: dict[str, Any], key: str) -> list[str]:
    value = body.get(key)
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise Refusal("JSON_PARSER_ERROR", f"{key} is required to be a list of texts")
    return value


def _read(desk: Desk, request: Request) -> Response:
    spec = object_of(desk, request)
    if request.method == "POST":
        body = body_of(request)
        desk.expect_keys(request, body, ("ids", "fields"), "a collection read")
        ids, names = _texts_in(body, "ids"), _texts_in(body, "fields")
    else:
        ids, names = list(request.every("ids")), list(request.every("fields"))
    if not ids or not names:
        raise Refusal("INVALID_INPUT", "ids and fields are required")
    _check_count(len(ids), READ_MAX)
    rows = [desk.org.live(id) for id in required_ids(ids)]
    printed = [
        print_row(desk, request, spec, row, names)
        if row is not None and row["Id"][:3] == spec.prefix
        else None
        for row in rows
    ]
    return reply(200, printed)


_ALL: Final = DATA + "/composite/sobjects"
ENDPOINTS: Final = (
    Endpoint("POST", _ALL, _create),
    Endpoint("PATCH", _ALL, _update),
    Endpoint("DELETE", _ALL, _delete, frozenset({"ids", "allOrNone"})),
    Endpoint("GET", _ALL + "/{object}", _read, frozenset({"ids", "fields"})),
    Endpoint("POST", _ALL + "/{object}", _read),
    Endpoint("PATCH", _ALL + "/{object}/{field}", _upsert),
)
