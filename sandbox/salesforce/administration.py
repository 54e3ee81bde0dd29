"""What an administrator, or a person in the screens, does behind the back of the API's users."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

import orjson

from sandbox.messages import Json
from sandbox.salesforce import ids
from sandbox.salesforce.errors import Refusal
from sandbox.salesforce.lifecycle import convert, merge
from sandbox.salesforce.org import DuplicateRule, Org, RowLock, ValidationRule
from sandbox.salesforce.schema import ObjectSpec, field_from_line
from sandbox.salesforce.soql.parser import parse_condition
from sandbox.salesforce.values import Row, dump_json
from sandbox.salesforce.writing import Writer
from sandbox.simulator import BadCommand, Mutation

SCHEMA_WORDS: Final = frozenset({"add_field", "change_field", "drop_field"})


def exact(value: Any) -> Any:
    """Admin JSON with decimals instead of floats."""
    match value:
        case float():
            return Decimal(str(value))
        case dict():
            return {key: exact(inner) for key, inner in value.items()}
        case list():
            return [exact(inner) for inner in value]
    return value


def plain(row: Mapping[str, Any]) -> dict[str, Json]:
    """A row for the admin surface: decimals as the JSON numbers they are."""
    return {
        name: orjson.Fragment(dump_json(value)) if isinstance(value, Decimal) else value
        for name, value in row.items()
    }


def mutate(org: Org, mutation: Mutation) -> Row:
    """Carry out an edit; :class:`BadCommand` when it makes no sense."""
    spec = org.schema.object(mutation.object)
    if spec is None:
        raise BadCommand(f"no object {mutation.object!r}")
    fields: Mapping[str, Any] = exact(dict(mutation.fields))
    try:
        with org.savepoint():
            return _mutate(org, spec, mutation.operation, mutation.id, fields)
    except (Refusal, ids.MalformedId) as error:
        raise BadCommand(str(error)) from error


def _mutate(
    org: Org, spec: ObjectSpec, word: str, id: str | None, fields: Mapping[str, Any]
) -> Row:
    writer = Writer(org, as_system=True)
    if word == "create":
        return writer.create(spec.name, fields).row
    if word in SCHEMA_WORDS:
        return _reshape(org, spec, word, fields)
    if id is None:
        raise BadCommand(f"{word} needs an id")
    match word:
        case "update":
            return writer.update(spec.name, id, fields).row
        case "delete":
            return writer.delete(spec.name, id)
        case "restore":
            return writer.undelete(id)
        case "erase":
            row = org.row(ids.normalise(id))
            if row is None:
                raise BadCommand(f"no record {id}")
            org.erase(row["Id"])
            return {**row, "IsDeleted": True}
        case "merge":
            return merge(org, id, str(fields["loser"]))
        case "convert":
            return convert(org, id, fields)
    raise BadCommand(f"Salesforce knows no {word!r}")


def _reshape(org: Org, spec: ObjectSpec, word: str, fields: Mapping[str, Any]) -> Row:
    """``{"name", "line"}`` as in objects.yaml, or facts to change: ``required``, ``values``, …"""
    name = str(fields["name"])
    if word == "add_field":
        org.define_field(spec.name, field_from_line(name, str(fields["line"])))
        return {"Id": f"{spec.name}.{name}"}
    old = spec.field(name)
    if old is None:
        raise BadCommand(f"no field {name} on {spec.name}")
    if word == "drop_field":
        org.drop_field(spec.name, old.name)
        return {"Id": f"{spec.name}.{name}"}
    known = {"required", "restricted", "values", "length", "type", "unique", "updateable"}
    facts = {key: value for key, value in fields.items() if key != "name"}
    if unknown := sorted(set(facts) - known):
        raise BadCommand(f"unknown facts: {', '.join(unknown)}")
    if "values" in facts:
        facts["values"] = tuple(facts["values"])
    org.define_field(spec.name, replace(old, **facts))
    return {"Id": f"{spec.name}.{name}"}


def validation_rule(org: Org, body: Mapping[str, Any]) -> ValidationRule:
    """``{"object", "error_when": WHERE text, "message", "field"?}``."""
    spec = org.schema.object(str(body["object"]))
    if spec is None:
        raise BadCommand(f"no object {body['object']!r}")
    text = str(body["error_when"])
    try:
        condition = parse_condition(text)
    except Refusal as error:
        raise BadCommand(str(error)) from error
    return ValidationRule(spec.name, condition, text, str(body["message"]), body.get("field"))


def duplicate_rule(org: Org, body: Mapping[str, Any]) -> DuplicateRule:
    """``{"object", "fields", "against"?: objects, "allow_save"?: bool, "name"?}``."""
    spec = org.schema.object(str(body["object"]))
    others = tuple(body.get("against") or [body["object"]])
    if spec is None or any(org.schema.object(name) is None for name in others):
        raise BadCommand("object and against must name objects of the org")
    name = str(body.get("name") or f"Standard_{spec.name}_Duplicate_Rule")
    allow = body.get("allow_save", True) is True
    return DuplicateRule(name, spec.name, tuple(body["fields"]), others, allow)


def row_lock(body: Mapping[str, Any]) -> RowLock:
    """``{"id": record or parent, "times"?: writes to refuse}``."""
    try:
        return RowLock(ids.normalise(str(body["id"])), int(body.get("times", 1)))
    except ids.MalformedId as error:
        raise BadCommand(f"not a record id: {error}") from error
