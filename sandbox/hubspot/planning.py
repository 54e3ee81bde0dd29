"""Checks one input before anything is written: names, values, uniqueness, the account's rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from sandbox.hubspot.account import Account, Claims
from sandbox.hubspot.errors import PORTAL_ID, ApiError, bad_request, invalid_values
from sandbox.hubspot.schema import ObjectType, Property
from sandbox.hubspot.store import Record
from sandbox.hubspot.values import BadValue, as_text, normalized
from sandbox.messages import Json, Request

Problem: TypeAlias = tuple[str, str, str]  # property, error code, message


class Planner:
    """Turns the properties of one input into values ready to store."""

    def __init__(self, account: Account, request: Request | None = None) -> None:
        self._account = account
        self._request = request
        self._person = request is None

    def plan(
        self,
        object_type: ObjectType,
        record: Record | None,
        properties: Json,
        claims: Claims | None = None,
    ) -> dict[str, str]:
        """The values to write (``""`` clears); :class:`ApiError` names every bad one."""
        if not isinstance(properties, dict):
            raise bad_request("Invalid input JSON: properties must be an object")
        problems: list[Problem] = []
        values: dict[str, str] = {}
        for name, value in properties.items():
            try:
                text = self._value(object_type, name, value)
            except BadValue as bad:
                problems.append((name, bad.code, bad.message))
            else:
                if text is not None:
                    values[name] = text
        self._keep_lifecycle(object_type, record, values)
        problems += self._stage_problems(object_type, record, values)
        if problems:
            raise invalid_values(problems)
        if record is None:
            self._require(object_type, values)
        self._require_by_rule(object_type, record, values)
        self._refuse_taken(object_type, record, values, claims or Claims())
        return values

    def _value(self, object_type: ObjectType, name: str, value: Json) -> str | None:
        definition = object_type.properties.get(name)
        if definition is None or definition.archived:
            raise BadValue("PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')
        if definition.read_only:
            text = f'"{name}" is a read only property; its value cannot be set.'
            raise BadValue("READ_ONLY_VALUE", text)
        if value is None:
            message = f"{name} is null: a blank is written as an empty string"
            self._account.simulator.violation("null_value", message, self._request)
            return None
        text = as_text(value, name)
        if text == "":
            return ""
        return normalized(definition, text, self._account.options_of(object_type, name))

    def _keep_lifecycle(
        self, object_type: ObjectType, record: Record | None, values: dict[str, str]
    ) -> None:
        """The lifecycle stage only moves forward; a step back is dropped without a word."""
        stages = object_type.properties.get("lifecyclestage")
        now = record.properties.get("lifecyclestage") if record else None
        wanted = values.get("lifecyclestage")
        if stages is None or now is None or not wanted or self._person:
            return
        if stages.options.index(wanted) < stages.options.index(now):
            del values["lifecyclestage"]

    def _stage_problems(
        self, object_type: ObjectType, record: Record | None, values: Mapping[str, str]
    ) -> list[Problem]:
        if object_type.name != "deals" or not {"dealstage", "pipeline"} & set(values):
            return []
        known = record.properties if record else {}
        pipeline = values.get("pipeline") or known.get("pipeline") or "default"
        stage = values.get("dealstage") or known.get("dealstage")
        if not stage or self._account.stage(pipeline, stage) is not None:
            return []
        if stage not in self._account.options_of(object_type, "dealstage"):
            return []  # already reported as no option at all
        text = f"{stage} is not a stage of the pipeline {pipeline}"
        return [("dealstage", "INVALID_OPTION", text)]

    def _require(self, object_type: ObjectType, values: dict[str, str]) -> None:
        if object_type.name == "deals" and values.get("dealstage") and not values.get("pipeline"):
            values["pipeline"] = "default"
        wanted = object_type.required_any
        if wanted and not any(values.get(name) for name in wanted):
            raise ApiError(
                f"Cannot create {object_type.singular.upper()}: at least one of these properties "
                f"must have a value: {', '.join(wanted)}",
                context={"properties": wanted},
            )

    def _require_by_rule(
        self, object_type: ObjectType, record: Record | None, values: Mapping[str, str]
    ) -> None:
        """Administrators' required properties bind the API from version 2026-09 on."""
        if self._request is None or "/2026-09/" not in self._request.path:
            return
        rules = self._account.required.get(object_type.name, [])
        missing = [
            name
            for name in rules
            if (record is None and not values.get(name)) or values.get(name) == ""
        ]
        if missing:
            raise ApiError(
                f"Error creating {object_type.singular.upper()}. Some required properties were "
                "not set.",
                context={"properties": missing},
                sub_category="REQUIRED_PROPERTIES_MISSING",
            )

    def _refuse_taken(
        self,
        object_type: ObjectType,
        record: Record | None,
        values: Mapping[str, str],
        claims: Claims,
    ) -> None:
        for name in object_type.unique_names:
            value = values.get(name)
            if not value:
                continue
            me: object = record.id if record else object()
            holder = self._account.store.by_unique(object_type, name, value)
            if holder is not None and holder.id != me:
                raise _taken(object_type, object_type.properties[name], value, holder.id, record)
            if claims.taken.setdefault((name, value), me) != me:
                raise _taken(
                    object_type, object_type.properties[name], value, "another input", record
                )


def _taken(
    object_type: ObjectType, definition: Property, value: str, holder: str, record: Record | None
) -> ApiError:
    if definition.email:
        return ApiError(f"Contact already exists. Existing ID: {holder}", status=409)
    mine = record.id if record else "0"
    legacy = object_type.singular.upper()
    message = (
        f"Cannot set PropertyValueCoordinates{{portalId={PORTAL_ID}, "
        f"objectTypeId=ObjectTypeId{{legacyObjectType={legacy}}}, "
        f"propertyName={definition.name}, value={value}}} on {mine}. "
        f"{holder} already has that value."
    )
    return invalid_values([(definition.name, "CONFLICTING_UNIQUE_VALUE", message)])
