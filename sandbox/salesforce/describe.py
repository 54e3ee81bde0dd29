"""What the org tells about itself: describe calls and limits."""

from __future__ import annotations

from typing import Any, Final

from sandbox.salesforce.errors import Refusal
from sandbox.salesforce.org import Org
from sandbox.salesforce.schema import NUMBERS, FieldSpec, ObjectSpec
from sandbox.salesforce.soql.conditions import filterable

_SOAP: Final = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "address": "urn:address",
}
VERSIONS: Final = tuple(range(46, 68))
RETIRED: Final = tuple(range(7, 31))


def check_version(version: str | None) -> None:
    """Refuses a version (``v67.0``) that is retired, or that never was."""
    if version is None or version in {f"v{number}.0" for number in VERSIONS}:
        return
    if version in {f"v{number}.0" for number in RETIRED}:
        message = f"{version} is retired; use a supported API version"
        raise Refusal("UNSUPPORTED_API_VERSION", message)
    raise Refusal("NOT_FOUND", "The requested resource does not exist")


def version_list() -> list[dict[str, str]]:
    """The supported API versions, oldest first. Three releases a year; 67 is Summer '26."""
    seasons = ("Summer", "Winter", "Spring")
    found = []
    for number in VERSIONS:
        steps = number - 67
        season = seasons[steps % 3]
        year = 26 + steps // 3 + (season != "Summer")
        found.append(
            {
                "label": f"{season} '{year:02d}",
                "url": f"/services/data/v{number}.0",
                "version": f"{number}.0",
            }
        )
    return found


def _object_entry(spec: ObjectSpec, version: str) -> dict[str, Any]:
    base = f"/services/data/v{version}/sobjects/{spec.name}"
    writable = spec.access == "write"
    return {
        "name": spec.name,
        "label": spec.name,
        "labelPlural": f"{spec.name}s",
        "keyPrefix": spec.prefix,
        "custom": spec.name.endswith("__c"),
        "createable": writable,
        "updateable": spec.access != "read",
        "deletable": writable,
        "undeletable": writable,
        "mergeable": spec.mergeable,
        "queryable": True,
        "retrieveable": True,
        "replicateable": True,
        "searchable": writable,
        "urls": {
            "sobject": base,
            "describe": f"{base}/describe",
            "rowTemplate": f"{base}/{{ID}}",
        },
    }


def global_describe(org: Org, version: str) -> dict[str, Any]:
    """All objects."""
    objects = [_object_entry(spec, version) for _, spec in sorted(org.schema.objects.items())]
    return {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects}


def object_describe(org: Org, spec: ObjectSpec, version: str) -> dict[str, Any]:
    """One object with its fields and children."""
    children = [
        {
            "cascadeDelete": field.on_delete == "cascade",
            "childSObject": child.name,
            "deprecatedAndHidden": False,
            "field": field.name,
            "relationshipName": field.children,
            "restrictedDelete": field.on_delete == "restrict",
        }
        for child, field in org.schema.children[spec.name]
    ]
    return {
        **_object_entry(spec, version),
        "fields": [_field_entry(field, spec) for field in spec.fields.values()],
        "childRelationships": children,
        "recordTypeInfos": [],
    }


def _field_entry(field: FieldSpec, spec: ObjectSpec) -> dict[str, Any]:
    number = field.type in NUMBERS
    return {
        "name": field.name,
        "label": field.label or field.name,
        "type": field.type,
        "soapType": _SOAP.get(field.type, "xsd:double" if number else "xsd:string"),
        "length": field.length,
        "byteLength": field.length * 3,
        "precision": field.digits if number and field.type != "int" else 0,
        "digits": field.digits if field.type == "int" else 0,
        "scale": field.scale,
        "custom": field.custom,
        "createable": field.createable and spec.access == "write",
        "updateable": field.updateable and spec.access != "read",
        "nillable": not field.required and field.type not in {"boolean", "id"},
        "defaultedOnCreate": field.default is not None or field.type == "boolean",
        "defaultValue": None if field.type != "boolean" else field.default == "true",
        "unique": field.unique,
        "externalId": field.external_id,
        "idLookup": field.external_id or field.type == "id",
        "caseSensitive": field.case_sensitive,
        "calculated": field.calculated,
        "autoNumber": field.name.endswith("Number") and not field.createable,
        "filterable": filterable(field),
        "sortable": filterable(field) and field.type != "multipicklist",
        "nameField": field.name == "Name",
        "restrictedPicklist": field.restricted,
        "picklistValues": [
            {"active": True, "defaultValue": value == field.default, "label": value, "value": value}
            for value in field.values
        ],
        "referenceTo": list(field.to),
        "relationshipName": field.relationship,
    }
