"""The metadata catalogue: which record types there are, and the JSON schema of each."""

from __future__ import annotations

from typing import Any, Final

from sandbox.messages import Request, Response
from sandbox.netsuite.api.desk import RECORD, Desk, Endpoint, base_of, reply, type_of
from sandbox.netsuite.schema import ENUMS, FieldSpec, RecordType

_SIMPLE: Final[dict[str, dict[str, str]]] = {
    "text": {"type": "string"},
    "number": {"type": "number", "format": "double"},
    "integer": {"type": "integer", "format": "int64"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "instant": {"type": "string", "format": "date-time"},
    "address": {"type": "object"},
}


def _list(desk: Desk, request: Request) -> Response:
    url = f"{base_of(request)}{RECORD}/metadata-catalog"
    items = [
        {"name": name, "links": [{"rel": "canonical", "href": f"{url}/{name}"}]}
        for name in sorted(desk.books.types)
        if name not in desk.denied
    ]
    return reply(200, {"links": [{"rel": "self", "href": url}], "items": items}, "collection")


def _read(desk: Desk, request: Request) -> Response:
    return reply(200, schema_of(type_of(desk, request.parameters["type"], write=False)))


def schema_of(spec: RecordType) -> dict[str, Any]:
    """A type as JSON schema, sublists as collections."""
    properties: dict[str, Any] = {
        "id": {"type": "string", "title": "Internal ID", "readOnly": True}
    }
    properties |= {name: _property(field) for name, field in spec.fields.items()}
    for name, fields in spec.lists.items():
        inner = {key: _property(field) for key, field in fields.items()}
        items = {"type": "object", "properties": inner}
        properties[name] = {
            "type": "object",
            "properties": {"items": {"type": "array", "items": items}},
        }
    return {"$schema": "http://json-schema.org/draft-06/hyper-schema#", "type": "object",
            "title": spec.name, "properties": properties}  # fmt: skip


def _property(field: FieldSpec) -> dict[str, Any]:
    shown: dict[str, Any] = {"title": field.name, **_SIMPLE.get(field.kind, {})}
    if field.kind in {"ref", "enum"}:
        text = {"type": "string"}
        shown |= {"type": "object", "properties": {"id": {**text}, "refName": {**text}}}
    if field.kind == "ref":
        shown["properties"]["externalId"] = {"type": "string"}
        shown["x-ns-target"] = field.target
    if field.kind == "enum" and field.name in ENUMS:
        shown["properties"]["id"]["enum"] = list(ENUMS[field.name])
    if field.length is not None:
        shown["maxLength"] = field.length
    if field.readonly:
        shown["readOnly"] = True
    if field.name.startswith("cust"):
        shown["x-ns-custom-field"] = True
    return shown


ENDPOINTS: Final = (
    Endpoint("GET", RECORD + "/metadata-catalog", _list, frozenset({"select"})),
    Endpoint("GET", RECORD + "/metadata-catalog/{type}", _read),
)
