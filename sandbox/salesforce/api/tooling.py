"""Adding custom fields: ``/tooling/sobjects/CustomField`` ("CustomField", Tooling API)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sandbox.messages import Request, Response
from sandbox.salesforce.api.desk import DATA, Desk, Endpoint, body_of, inside_of, reply
from sandbox.salesforce.errors import Refusal
from sandbox.salesforce.ids import numbered
from sandbox.salesforce.org import Org
from sandbox.salesforce.schema import CUSTOM_NAME, FieldSpec

_TYPES: Final[Mapping[str, str]] = {
    "Text": "string",
    "LongTextArea": "textarea",
    "TextArea": "textarea",
    "Email": "email",
    "Url": "url",
    "Phone": "phone",
    "Checkbox": "boolean",
    "Currency": "currency",
    "Number": "double",
    "Percent": "percent",
    "Date": "date",
    "DateTime": "datetime",
    "Picklist": "picklist",
    "MultiselectPicklist": "multipicklist",
    "Lookup": "reference",
}
_LENGTHS: Final[Mapping[str, int]] = {
    "TextArea": 255, "Email": 80, "Url": 255, "Phone": 40, "Picklist": 255,
    "MultiselectPicklist": 4099, "Lookup": 18,
}  # fmt: skip
_INDEXABLE: Final = frozenset({"Text", "Email", "Number"})


def custom_field(org: Org, full_name: str, metadata: Mapping[str, Any]) -> tuple[str, FieldSpec]:
    """The object and field that the metadata describes; a :class:`Refusal` where it cannot be."""
    object_name, _, name = full_name.partition(".")
    spec = org.schema.object(object_name)
    if spec is None:
        message = f"Entity Enumeration Or ID: bad value: {object_name}"
        raise Refusal("INVALID_CROSS_REFERENCE_KEY", message, "FullName")
    if not CUSTOM_NAME.fullmatch(name) or len(name) > 43:
        message = f"The field name provided, {name}, is not a valid API name ending in __c"
        raise Refusal("FIELD_INTEGRITY_EXCEPTION", message, "FullName")
    if spec.field(name) is not None:
        message = f"There is already a field named {name.removesuffix('__c')} on {spec.name}."
        raise Refusal("DUPLICATE_DEVELOPER_NAME", message, "DeveloperName")
    kind = str(metadata.get("type"))
    if kind not in _TYPES or not metadata.get("label"):
        raise Refusal("FIELD_INTEGRITY_EXCEPTION", "Must specify a known type and a label")
    external, unique = metadata.get("externalId") is True, metadata.get("unique") is True
    if (external or unique) and kind not in _INDEXABLE:
        message = f"a field of type {kind} cannot be unique or an external id"
        raise Refusal("FIELD_INTEGRITY_EXCEPTION", message)
    return spec.name, FieldSpec(
        name,
        _TYPES[kind],
        label=str(metadata["label"]),
        length=_length(kind, metadata),
        digits=_whole(metadata, "precision", 18),
        scale=_whole(metadata, "scale", 0),
        required=metadata.get("required") is True,
        external_id=external,
        unique=unique,
        case_sensitive=metadata.get("caseSensitive") is True,
        default=_default(kind, metadata),
        **_choices(kind, metadata),
        **_lookup(org, name, kind, metadata),
    )


def _length(kind: str, metadata: Mapping[str, Any]) -> int:
    if kind in {"Text", "LongTextArea"}:
        length = metadata.get("length")
        most = 255 if kind == "Text" else 131072
        if not isinstance(length, int) or not 0 < length <= most:
            message = f"Must specify a 'length' from 1 to {most} for a field of type {kind}"
            raise Refusal("FIELD_INTEGRITY_EXCEPTION", message, "Metadata")
        return length
    return _LENGTHS.get(kind, 0)


def _whole(metadata: Mapping[str, Any], key: str, default: int) -> int:
    value = metadata.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 18:
        raise Refusal("FIELD_INTEGRITY_EXCEPTION", f"{key} is a number from 0 to 18", "Metadata")
    return value


def _default(kind: str, metadata: Mapping[str, Any]) -> str | None:
    if kind == "Checkbox":
        return str(metadata.get("defaultValue") or "false").lower()
    return None


def _choices(kind: str, metadata: Mapping[str, Any]) -> dict[str, Any]:
    if kind not in {"Picklist", "MultiselectPicklist"}:
        return {}
    value_set = inside_of(metadata, "valueSet")
    entries = inside_of(value_set, "valueSetDefinition").get("value")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise Refusal("FIELD_INTEGRITY_EXCEPTION", "a picklist needs a valueSetDefinition")
    values = tuple(str(entry.get("valueName") or entry.get("fullName")) for entry in entries)
    return {"values": values, "restricted": value_set.get("restricted") is True}


def _lookup(org: Org, name: str, kind: str, metadata: Mapping[str, Any]) -> dict[str, Any]:
    if kind != "Lookup":
        return {}
    target = org.schema.object(str(metadata.get("referenceTo")))
    if target is None:
        raise Refusal("FIELD_INTEGRITY_EXCEPTION", "referenceTo: no such object", "Metadata")
    children = metadata.get("relationshipName")
    return {
        "to": (target.name,),
        "relationship": name.removesuffix("__c") + "__r",
        "children": f"{children}__r" if children else None,
    }


def _create(desk: Desk, request: Request) -> Response:
    body = body_of(request)
    desk.expect_keys(request, body, ("FullName", "Metadata"), "a custom field")
    metadata = body.get("Metadata")
    if not isinstance(body.get("FullName"), str) or not isinstance(metadata, dict):
        raise Refusal("REQUIRED_FIELD_MISSING", "Required fields are missing: [FullName, Metadata]")
    object_name, spec = custom_field(desk.org, body["FullName"], metadata)
    if desk.field_permissions == "granted":
        desk.org.define_field(object_name, spec)
    else:
        desk.hidden_fields[f"{object_name}.{spec.name}"] = spec
    id = numbered("00N", int(desk.org.next_number("CustomField")))
    answer = {"id": id, "success": True, "errors": [], "warnings": [], "infos": []}
    return reply(201, answer)


ENDPOINTS: Final = (Endpoint("POST", DATA + "/tooling/sobjects/CustomField", _create),)
