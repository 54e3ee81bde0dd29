"""The org's objects and fields as data: what describe shows and every write is checked against."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import yaml

NUMBERS: Final = frozenset({"currency", "double", "percent", "int"})
TEXTS: Final = frozenset({"string", "textarea", "email", "phone", "url", "picklist"})
CUSTOM_NAME: Final = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*__c", re.ASCII)

_LENGTHS: Final[Mapping[str, int]] = MappingProxyType(
    {"picklist": 255, "multipicklist": 4099, "email": 80, "phone": 40, "url": 255, "textarea": 255}
)
_ADDRESS_PARTS: Final = ("Street", "City", "State", "PostalCode", "Country")
_CURRENCY_INHERITED: Final = frozenset(
    {"OpportunityLineItem", "OrderItem", "QuoteLineItem", "SBQQ__QuoteLine__c"}
)
_CURRENCY_KEPT: Final = frozenset(
    {"PricebookEntry", "OpportunityLineItem", "OrderItem", "SBQQ__QuoteLine__c"}
)
CURRENCIES: Final = ("EUR", "USD", "GBP", "CHF", "JPY", "KWD", "SEK")


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field. ``length`` counts characters; ``digits`` and ``scale`` are for numbers."""

    name: str
    type: str
    label: str = ""
    length: int = 0
    digits: int = 18
    scale: int = 0
    required: bool = False
    createable: bool = True
    updateable: bool = True
    unique: bool = False
    external_id: bool = False
    case_sensitive: bool = False
    restricted: bool = False
    values: tuple[str, ...] = ()
    default: str | None = None
    to: tuple[str, ...] = ()
    relationship: str | None = None
    children: str | None = None
    on_delete: str = "clear"
    calculated: bool = False

    @property
    def custom(self) -> bool:
        """Whether an administrator added the field."""
        return self.name.endswith("__c")


@dataclass(frozen=True)
class ObjectSpec:
    """One object. ``access`` is ``write``, ``update`` (no create, no delete) or ``read``."""

    name: str
    prefix: str
    fields: Mapping[str, FieldSpec]
    access: str = "write"
    mergeable: bool = False

    @cached_property
    def by_lower_name(self) -> dict[str, FieldSpec]:
        """Fields by lower-case name: the API does not mind the case."""
        return {name.lower(): spec for name, spec in self.fields.items()}

    @cached_property
    def by_relationship(self) -> dict[str, FieldSpec]:
        """Reference fields by lower-case name of the relationship to the parent."""
        return {
            spec.relationship.lower(): spec
            for spec in self.fields.values()
            if spec.relationship is not None
        }

    @cached_property
    def unique_fields(self) -> tuple[FieldSpec, ...]:
        """Fields that hold a value at most once."""
        return tuple(spec for spec in self.fields.values() if spec.unique)

    @cached_property
    def required_names(self) -> tuple[str, ...]:
        """Fields that may never be blank."""
        return tuple(spec.name for spec in self.fields.values() if spec.required)

    @cached_property
    def defaulted_fields(self) -> tuple[FieldSpec, ...]:
        """Fields that a new record gets a value for when the caller gives none."""
        return tuple(
            spec
            for spec in self.fields.values()
            if (spec.default is not None or spec.type == "boolean") and spec.name != "IsDeleted"
        )

    def field(self, name: str) -> FieldSpec | None:
        """The field of that name, in any case."""
        return self.by_lower_name.get(name.lower())


@dataclass(frozen=True, slots=True)
class Stage:
    """What an opportunity stage decides."""

    probability: int
    category: str
    category_name: str
    closed: bool
    won: bool


@dataclass(frozen=True)
class Schema:
    """All objects of the org, and its opportunity stages."""

    objects: Mapping[str, ObjectSpec]
    stages: Mapping[str, Stage] = field(default_factory=lambda: MappingProxyType({}))

    @cached_property
    def by_lower_name(self) -> dict[str, ObjectSpec]:
        """Objects by lower-case name."""
        return {name.lower(): spec for name, spec in self.objects.items()}

    @cached_property
    def by_prefix(self) -> dict[str, ObjectSpec]:
        """Objects by the first three characters of their ids."""
        return {spec.prefix: spec for spec in self.objects.values()}

    @cached_property
    def children(self) -> dict[str, tuple[tuple[ObjectSpec, FieldSpec], ...]]:
        """Per object: the reference fields elsewhere that point at it."""
        found: dict[str, list[tuple[ObjectSpec, FieldSpec]]] = {name: [] for name in self.objects}
        for child in self.objects.values():
            for spec in child.fields.values():
                for target in spec.to:
                    found[target].append((child, spec))
        return {name: tuple(pairs) for name, pairs in found.items()}

    def object(self, name: str) -> ObjectSpec | None:
        """The object of that name, in any case."""
        return self.by_lower_name.get(name.lower())

    def child_relationship(self, parent: str, name: str) -> tuple[ObjectSpec, FieldSpec] | None:
        """The child object and its reference field behind a sub-query's name."""
        for child, spec in self.children[parent]:
            if spec.children is not None and spec.children.lower() == name.lower():
                return child, spec
        return None

    def with_field(self, object_name: str, spec: FieldSpec) -> Schema:
        """The same org with a field added or replaced."""
        owner = self.objects[object_name]
        return self._with(replace(owner, fields={**owner.fields, spec.name: spec}))

    def without_field(self, object_name: str, field_name: str) -> Schema:
        """The same org with a field removed."""
        owner = self.objects[object_name]
        kept = {name: spec for name, spec in owner.fields.items() if name != field_name}
        return self._with(replace(owner, fields=kept))

    def _with(self, owner: ObjectSpec) -> Schema:
        return replace(self, objects={**self.objects, owner.name: owner})


def standard_schema(*, multi_currency: bool = True) -> Schema:
    """The objects an org starts with, from ``objects.yaml``."""
    data = _data(Path(__file__).with_name("objects.yaml"))
    stages = {name: Stage(*facts) for name, facts in data["stages"].items()}
    picklists = {name: tuple(values) for name, values in data["picklists"].items()}
    picklists["@stages"] = tuple(stages)
    objects = {
        name: _object(name, facts, picklists, multi_currency=multi_currency)
        for name, facts in data["objects"].items()
    }
    return Schema(objects, stages)


def with_package(schema: Schema, path: Path, *, multi_currency: bool = True) -> Schema:
    """The org after a package was installed: its objects, and its fields on objects of the org."""
    data = _data(path)
    picklists = {name: tuple(values) for name, values in data["picklists"].items()}
    objects = dict(schema.objects)
    for name, facts in data["objects"].items():
        if name not in objects:
            objects[name] = _object(name, facts, picklists, multi_currency=multi_currency)
            continue
        added = {
            field_name: field_from_line(field_name, line, picklists)
            for field_name, line in facts["fields"].items()
        }
        objects[name] = replace(objects[name], fields={**objects[name].fields, **added})
    return replace(schema, objects=objects)


def _data(path: Path) -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506
    return found


def _object(
    name: str,
    facts: Mapping[str, Any],
    picklists: Mapping[str, tuple[str, ...]],
    *,
    multi_currency: bool,
) -> ObjectSpec:
    fields = {spec.name: spec for spec in _system_fields()}
    for field_name, line in facts["fields"].items():
        fields[field_name] = field_from_line(field_name, line, picklists)
    if facts.get("currency") and multi_currency:
        fields["CurrencyIsoCode"] = FieldSpec(
            "CurrencyIsoCode",
            "picklist",
            label="Currency ISO Code",
            length=3,
            restricted=True,
            values=CURRENCIES,
            default=CURRENCIES[0],
            updateable=name not in _CURRENCY_KEPT,
            createable=name not in _CURRENCY_INHERITED,
        )
    return ObjectSpec(
        name,
        facts["prefix"],
        fields,
        access=facts.get("access", "write"),
        mergeable=bool(facts.get("mergeable")),
    )


def _system_fields() -> tuple[FieldSpec, ...]:
    def fixed(name: str, type: str, **more: Any) -> FieldSpec:
        return FieldSpec(name, type, label=name, createable=False, updateable=False, **more)

    return (
        fixed("Id", "id", length=18),
        fixed("IsDeleted", "boolean"),
        fixed("CreatedDate", "datetime"),
        fixed("CreatedById", "reference", length=18, to=("User",), relationship="CreatedBy"),
        fixed("LastModifiedDate", "datetime"),
        fixed(
            "LastModifiedById", "reference", length=18, to=("User",), relationship="LastModifiedBy"
        ),
        fixed("SystemModstamp", "datetime"),
    )


def field_from_line(
    name: str, line: str, picklists: Mapping[str, tuple[str, ...]] = MappingProxyType({})
) -> FieldSpec:
    """A field from one line of ``objects.yaml``; raises ``ValueError`` on an unknown word."""
    line, _, default = line.partition(" default=")
    type, *words = line.split()
    facts: dict[str, Any] = {
        "label": re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name.removesuffix("__c")).replace("_", " "),
        "length": 18 if type == "reference" else _LENGTHS.get(type, 0),
        "default": default or None,
    }
    if type == "int":
        facts["digits"] = 8
    for word in words:
        facts.update(_fact(word, picklists))
    if type == "address":
        facts.update(createable=False, updateable=False)
    return FieldSpec(name, type, **facts)


def _fact(word: str, picklists: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    key, equals, value = word.partition("=")
    if equals:
        match key:
            case "to":
                return {"to": tuple(value.split("|"))}
            case "as":
                return {"relationship": value}
            case "values":
                return {"values": picklists[value]}
            case "children" | "on_delete":
                return {key: value}
    if word.isdigit():
        return {"length": int(word)}
    if re.fullmatch(r"\d+,\d+", word):
        digits, scale = word.split(",")
        return {"digits": int(digits), "scale": int(scale)}
    match word:
        case "required" | "unique" | "external_id" | "restricted":
            return {word: True}
        case "read_only":
            return {"createable": False, "updateable": False}
        case "create_only":
            return {"updateable": False}
        case "formula":
            return {"createable": False, "updateable": False, "calculated": True}
    raise ValueError(f"unknown word in a field line: {word!r}")


def address_of(row: Mapping[str, Any], prefix: str) -> dict[str, Any] | None:
    """The compound address built from its parts; ``None`` when every part is blank."""
    parts = {part: row.get(prefix + part) for part in _ADDRESS_PARTS}
    if not any(parts.values()):
        return None
    return {
        "city": parts["City"],
        "country": parts["Country"],
        "geocodeAccuracy": None,
        "latitude": None,
        "longitude": None,
        "postalCode": parts["PostalCode"],
        "state": parts["State"],
        "street": parts["Street"],
    }
