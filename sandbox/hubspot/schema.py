"""What objects and properties an account has: a stock account, and what setup and admin add."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Final

import yaml

from sandbox.messages import Json

TYPES: Final = frozenset({"bool", "enumeration", "date", "datetime", "string", "number"})
FIELD_TYPES: Final = frozenset(
    {
        "textarea",
        "text",
        "date",
        "file",
        "number",
        "select",
        "radio",
        "checkbox",
        "booleancheckbox",
        "calculation_equation",
    }
)
UNIQUE_MAX_PER_OBJECT: Final = 10


@dataclass(slots=True)
class Property:
    """One property definition. ``free`` enumerations take any value."""

    name: str
    type: str
    field_type: str
    label: str = ""
    description: str = ""
    group: str = ""
    options: list[str] = field(default_factory=list)
    read_only: bool = False
    unique: bool = False
    custom: bool = False
    email: bool = False
    owner: bool = False
    stage: bool = False
    pipeline: bool = False
    free: bool = False
    not_negative: bool = False
    archived: bool = False


@dataclass(slots=True)
class ObjectType:
    """One object type of the account."""

    name: str
    type_id: str
    singular: str
    modified: str
    default: tuple[str, ...]
    properties: dict[str, Property]
    mergeable: bool = False
    required_any: tuple[str, ...] = ()
    inline_name: str = ""
    groups: dict[str, str] = field(default_factory=dict)

    @property
    def unique_names(self) -> tuple[str, ...]:
        """Properties usable as ``idProperty``, the built-in e-mail of contacts included."""
        return tuple(p.name for p in self.properties.values() if p.unique or p.email)


@cache
def _stock() -> Mapping[str, Mapping[str, Json]]:
    text = files("sandbox.hubspot").joinpath("schema.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


def _standard(modified: str) -> dict[str, Property]:
    number, moment = ("number", "number"), ("datetime", "date")
    kinds = {
        "hs_object_id": number,
        "createdate": moment,
        modified: moment,
        "hs_merged_object_ids": ("enumeration", "checkbox"),
        "hs_createdate": moment,
    }
    return {
        name: Property(name, kind, field_type, label=name, read_only=True, free=True)
        for name, (kind, field_type) in kinds.items()
    }


def _property(name: str, definition: Mapping[str, Json], group: str) -> Property:
    known = {key: value for key, value in definition.items() if key not in {"type", "field"}}
    options = [str(option) for option in known.pop("options", [])]
    return Property(
        name,
        definition["type"],
        definition["field"],
        label=name.replace("_", " ").capitalize(),
        group=group,
        options=options,
        **known,
    )


class Schema:
    """The object types of one account, found by plural name, singular name or type id."""

    def __init__(self) -> None:
        self.types: dict[str, ObjectType] = {}
        self._aliases: dict[str, str] = {}
        for name, definition in _stock().items():
            group = f"{definition['singular'].replace('_', '')}information"
            properties = _standard(definition["modified"])
            for property_name, entry in definition["properties"].items():
                properties[property_name] = _property(property_name, entry, group)
            self._add(
                ObjectType(
                    name,
                    definition["type_id"],
                    definition["singular"],
                    definition["modified"],
                    tuple(definition["default"]),
                    properties,
                    mergeable=definition.get("mergeable", False),
                    required_any=tuple(definition.get("required_any", ())),
                    inline_name=definition.get("plural_alias", name),
                    groups={group: group},
                )
            )

    def _add(self, object_type: ObjectType) -> None:
        self.types[object_type.name] = object_type
        for alias in (object_type.name, object_type.singular, object_type.type_id):
            self._aliases[alias.lower()] = object_type.name

    def find(self, word: str) -> ObjectType | None:
        """The object type for a path segment."""
        name = self._aliases.get(word.lower())
        return self.types[name] if name is not None else None

    def add_custom(self, name: str) -> ObjectType:
        """A custom object: reachable as its name, as ``p_<name>`` and as ``2-<n>``."""
        existing = self.types.get(name)
        if existing is not None:
            return existing
        number = 2_000_000 + sum(t.type_id.startswith("2-") for t in self.types.values()) + 1
        group = f"{name}_information"
        definitions = _standard("hs_lastmodifieddate")
        object_type = ObjectType(
            name,
            f"2-{number}",
            name,
            "hs_lastmodifieddate",
            ("createdate", "hs_lastmodifieddate", "hs_object_id"),
            definitions,
            mergeable=True,
            inline_name=name,
            groups={group: group},
        )
        self._add(object_type)
        self._aliases[f"p_{name}".lower()] = name
        return object_type


def property_json(definition: Property, object_type: ObjectType, options: list[str]) -> Json:
    """A definition as the properties API shows it. Reference: CRM API, "Properties"."""
    return {
        "name": definition.name,
        "label": definition.label or definition.name,
        "description": definition.description,
        "type": definition.type,
        "fieldType": definition.field_type,
        "groupName": definition.group or next(iter(object_type.groups)),
        "options": [
            {"label": value, "value": value, "displayOrder": order, "hidden": False}
            for order, value in enumerate(options)
        ],
        "displayOrder": -1,
        "calculated": definition.field_type == "calculation_equation",
        "externalOptions": definition.owner,
        "hasUniqueValue": definition.unique,
        "hidden": False,
        "hubspotDefined": not definition.custom,
        "formField": not definition.read_only,
        "archived": definition.archived,
        "modificationMetadata": {
            "archivable": definition.custom,
            "readOnlyDefinition": not definition.custom,
            "readOnlyOptions": not definition.custom,
            "readOnlyValue": definition.read_only,
        },
    }
