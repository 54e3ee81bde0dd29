"""What an org needs before records are written to it, and the steps a person takes for it.

Tooling API guide, "CustomField"; Salesforce Help, "Field Permissions".
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta

from connectors.base import SetupKind, SetupNeed, SetupStep
from connectors.errors import DuplicateFound, Rejected
from connectors.salesforce.describing import Schemas
from connectors.salesforce.rest import Rest
from connectors.salesforce.soql import field_name, object_name

_NOW = timedelta(0)
_IDENTITY_LENGTH = 255
_EXISTS_CODES = frozenset({"DUPLICATE_DEVELOPER_NAME", "DUPLICATE_VALUE"})


def inspect_needs(schemas: Schemas, needs: Sequence[SetupNeed]) -> tuple[SetupStep, ...]:
    """How things stand, one step per need; one describe call per object."""
    for object in dict.fromkeys(
        need.object for need in needs if need.kind is SetupKind.IDENTITY_FIELD
    ):
        schemas.get(object, fresh_for=_NOW)
    return tuple(_step(schemas, need) for need in needs)


def _step(schemas: Schemas, need: SetupNeed) -> SetupStep:
    if need.kind is SetupKind.IDENTITY_FIELD:
        return SetupStep(
            need=need,
            present=identity_ready(schemas, need.object, need.name),
            creatable=need.name.endswith("__c"),
            instructions=_identity_steps(need),
        )
    if need.kind is SetupKind.PERMISSION:
        return SetupStep(
            need=need, present=None, creatable=False, instructions=_permission_steps(need)
        )
    return SetupStep(
        need=need,
        present=None,
        creatable=False,
        instructions=("Nothing to do: Salesforce is polled, it sends no webhooks here.",),
    )


def identity_ready(schemas: Schemas, object: str, field: str) -> bool:
    """Whether the field is there, unique, an external id, and writable for us."""
    found = schemas.get(object).find(field)
    return (
        found is not None
        and found.external_id
        and found.description.unique
        and found.description.writable
    )


def create_identity_field(rest: Rest, schemas: Schemas, need: SetupNeed) -> None:
    """Create the external-id field; an existing one is left alone."""
    if need.kind is not SetupKind.IDENTITY_FIELD:
        raise Rejected(
            f"{need.kind.value} {need.name} cannot be created over the API", code="NOT_CREATABLE"
        )
    if schemas.get(need.object, fresh_for=_NOW).find(need.name) is not None:
        return
    body = json.dumps(
        {
            "FullName": f"{object_name(need.object)}.{field_name(need.name)}",
            "Metadata": {
                "type": "Text",
                "label": need.name.removesuffix("__c").replace("_", " "),
                "length": _IDENTITY_LENGTH,
                "externalId": True,
                "unique": True,
                # Ids of other systems differ by case alone.
                "caseSensitive": True,
                "required": False,
                "description": "The record's id in the system it is kept in step with.",
            },
        }
    ).encode()
    try:
        rest.send("POST", "tooling/sobjects/CustomField", body, object=need.object)
    except (Rejected, DuplicateFound) as error:
        if error.code not in _EXISTS_CODES:
            raise
    schemas.forget(need.object)


def _identity_steps(need: SetupNeed) -> tuple[str, ...]:
    name = need.name.removesuffix("__c")
    label = name.replace("_", " ")
    visible = "make the field visible and editable for the integration user's profile"
    return (
        f"Setup > Object Manager > {need.object} > Fields & Relationships > New.",
        f"Choose Text, label '{label}', length {_IDENTITY_LENGTH}, field name '{name}'.",
        "Tick 'Unique' with 'case sensitive', and 'External ID'. Leave 'Required' empty.",
        f"In the next step {visible}; leave page layouts unticked.",
        *_permission_steps(need),
    )


def _permission_steps(need: SetupNeed) -> tuple[str, ...]:
    where = "Permission Sets > the integration user's set > Object Settings"
    return (
        f"Setup > {where} > {need.object} > Edit.",
        "Tick Read, Create, Edit and View All Records; add Delete only if a sync may delete.",
        f"Under Field Permissions tick Read Access and Edit Access for {need.name}; Save.",
    )
