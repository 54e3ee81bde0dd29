"""Which record types the account has, with which fields and sublists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

import yaml

KINDS: Final = frozenset(
    {"text", "number", "integer", "boolean", "date", "instant", "enum", "address", "ref"}
)
CUSTOM_PREFIXES: Final = ("custbody_", "custentity_", "custcol_", "custitem_", "custrecord_")
ADDRESS_FIELDS: Final = (
    "addr1", "addr2", "addr3", "city", "state", "zip", "country", "addressee", "attention",
    "addrPhone", "override",
)  # fmt: skip
ENUMS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "orderStatus": {
            "A": "Pending Approval",
            "B": "Pending Fulfillment",
            "E": "Pending Billing/Partially Fulfilled",
            "G": "Billed",
        },
        "approvalStatus": {"1": "Pending Approval", "2": "Approved", "3": "Rejected"},
        "handlingMode": {"MIMIC": "Mimic", "PROCESS": "Process", "SAVE_ONLY": "Save Only"},
        "creditHoldOverride": {"AUTO": "Auto", "ON": "On", "OFF": "Off"},
    }
)


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field. ``length`` in characters; ``target`` is a record type or a family of types."""

    name: str
    kind: str
    length: int | None = None
    target: str | None = None
    readonly: bool = False
    key: bool = False


@dataclass(frozen=True, slots=True)
class RecordType:
    """One record type. Types of one ``family`` share their internal ids."""

    name: str
    family: str
    access: str
    fields: Mapping[str, FieldSpec]
    lists: Mapping[str, Mapping[str, FieldSpec]]
    code: str = ""  # what SuiteQL calls it
    prefix: str = ""  # of its document numbers
    posting: bool = False
    transforms: tuple[str, ...] = ()

    def with_field(self, spec: FieldSpec, sublist: str | None = None) -> RecordType:
        """The same type with one more field."""
        if sublist is None:
            return replace(self, fields={**self.fields, spec.name: spec})
        inner = {**self.lists[sublist], spec.name: spec}
        return replace(self, lists={**self.lists, sublist: inner})

    def without_field(self, name: str) -> RecordType:
        """The same type without a field."""
        return replace(self, fields={key: one for key, one in self.fields.items() if key != name})


def field_from_line(name: str, line: str) -> FieldSpec:
    """A field from its line in records.yaml; ``ValueError`` when it makes no sense."""
    kind, *words = line.split()
    if kind not in KINDS:
        raise ValueError(f"{name}: unknown kind {kind!r}; one of {', '.join(sorted(KINDS))}")
    length, target, flags = None, None, set()
    for word in words:
        if word in {"readonly", "key"}:
            flags.add(word)
        elif kind == "text" and word.isdigit():
            length = int(word)
        elif kind == "ref" and target is None:
            target = word
        else:
            raise ValueError(f"{name}: unknown word {word!r}")
    if kind == "ref" and target is None:
        raise ValueError(f"{name}: a ref needs a target")
    return FieldSpec(name, kind, length, target, "readonly" in flags, "key" in flags)


@cache
def standard_types() -> Mapping[str, RecordType]:
    """The types of an account as the vendor delivers it, with our custom fields installed."""
    text = files(__package__).joinpath("records.yaml").read_text(encoding="utf-8")
    document = yaml.safe_load(text)
    blocks: dict[str, dict[str, str]] = document["blocks"]
    return MappingProxyType(
        {name: _type(name, body, blocks) for name, body in document["types"].items()}
    )


def _type(name: str, body: Mapping[str, Any], blocks: Mapping[str, dict[str, str]]) -> RecordType:
    lines: dict[str, str] = {}
    for block in body.get("blocks", ()):
        lines |= blocks[block]
    lines |= body.get("fields", {})
    lists = {}
    for sublist, inner in body.get("lists", {}).items():
        own = {key: line for key, line in inner.items() if key != "block"}
        lists[sublist] = _fields({**blocks.get(inner.get("block", ""), {}), **own})
    return RecordType(
        name=name,
        family=body["family"],
        access=body["access"],
        fields=_fields(lines),
        lists=lists,
        code=body.get("code", ""),
        prefix=body.get("prefix", ""),
        posting=body.get("posting", False),
        transforms=tuple(body.get("transforms", ())),
    )


def _fields(lines: Mapping[str, str]) -> dict[str, FieldSpec]:
    return {name: field_from_line(name, line) for name, line in lines.items()}
