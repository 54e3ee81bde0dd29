"""What an account says about its objects, from the describe resource, and how paths lead on.

Facts: REST API guide, "sObject Describe"; Object Reference, "Field Types".
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from connectors.base import FieldDescription, FieldType, ObjectDescription
from connectors.errors import Rejected, UnexpectedAnswer
from connectors.salesforce.soql import field_name, object_name

FIELD_TYPES: Final[Mapping[str, FieldType]] = MappingProxyType(
    {
        "id": FieldType.TEXT,
        "string": FieldType.TEXT,
        "textarea": FieldType.TEXT,
        "email": FieldType.TEXT,
        "phone": FieldType.TEXT,
        "url": FieldType.TEXT,
        "encryptedstring": FieldType.TEXT,
        "combobox": FieldType.TEXT,
        "time": FieldType.TEXT,
        "picklist": FieldType.CHOICE,
        "multipicklist": FieldType.CHOICES,
        "reference": FieldType.REFERENCE,
        "int": FieldType.INTEGER,
        "long": FieldType.INTEGER,
        "double": FieldType.DECIMAL,
        "currency": FieldType.DECIMAL,
        "percent": FieldType.DECIMAL,
        "boolean": FieldType.BOOLEAN,
        "date": FieldType.DATE,
        "datetime": FieldType.INSTANT,
    }
)

CACHE_FOR = timedelta(hours=12)
# How soon a field we do not know may make us ask again.
ASK_AGAIN_AFTER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SchemaField:
    """One field: what we say about it, and the vendor's own type and relationship."""

    description: FieldDescription
    vendor_type: str
    relationship: str | None
    case_sensitive: bool
    external_id: bool
    filterable: bool

    @property
    def name(self) -> str:
        return self.description.name


@dataclass(frozen=True, slots=True)
class Schema:
    """An object; fields by lower-case name, reference fields by lower-case relationship."""

    name: str
    label: str
    fields: Mapping[str, SchemaField]
    relationships: Mapping[str, SchemaField]
    creatable: bool
    updatable: bool

    def find(self, name: str) -> SchemaField | None:
        """The field of that name; names are not case-sensitive at the vendor's."""
        return self.fields.get(name.lower())

    def field(self, name: str) -> SchemaField:
        """The field of that name. Raises ``Rejected``."""
        found = self.find(name)
        if found is None:
            raise unknown_field(self.name, name)
        return found


@dataclass(frozen=True, slots=True)
class Column:
    """A selected field: the key it is answered under, and the way to it in the vendor's words."""

    key: str
    path: tuple[str, ...]
    field: SchemaField

    @property
    def soql(self) -> str:
        return ".".join(self.path)


def unknown_field(object: str, name: str) -> Rejected:
    """No such field, or one hidden from the integration user: the vendor does not say which."""
    return Rejected(
        f"{object} has no field {name}, or the integration user may not see it",
        code="INVALID_FIELD",
        field_errors={name: "no such field, or hidden by field-level security"},
    )


def parse_describe(body: object) -> Schema:
    """Read a describe answer. Raises ``UnexpectedAnswer``."""
    try:
        return _schema(body)
    except (KeyError, TypeError, AttributeError) as error:
        raise UnexpectedAnswer(
            f"the description of an object has an unknown shape ({error})", code="DESCRIBE_SHAPE"
        ) from None


def _schema(body: object) -> Schema:
    if not isinstance(body, Mapping):
        raise TypeError("not an object")
    fields = [_field(raw) for raw in body["fields"]]
    return Schema(
        name=str(body["name"]),
        label=str(body.get("label") or body["name"]),
        fields=MappingProxyType({one.name.lower(): one for one in fields}),
        relationships=MappingProxyType(
            {one.relationship.lower(): one for one in fields if one.relationship}
        ),
        creatable=bool(body.get("createable", True)),
        updatable=bool(body.get("updateable", True)),
    )


def _field(raw: Mapping[str, object]) -> SchemaField:
    name, vendor_type = str(raw["name"]), str(raw["type"])
    creatable, updatable = bool(raw.get("createable")), bool(raw.get("updateable"))
    options = raw.get("picklistValues") or ()
    references = raw.get("referenceTo") or ()
    if not isinstance(options, list | tuple) or not isinstance(references, list | tuple):
        raise TypeError(f"field {name}")
    relationship = raw.get("relationshipName")
    return SchemaField(
        description=FieldDescription(
            name=name,
            label=str(raw.get("label") or name),
            type=FIELD_TYPES.get(vendor_type, FieldType.OTHER),
            required_on_create=(
                creatable
                and raw.get("nillable") is False
                and not raw.get("defaultedOnCreate")
                and vendor_type != "boolean"
            ),
            writable=creatable or updatable,
            unique=bool(raw.get("unique")) or vendor_type == "id",
            options=tuple(str(one["value"]) for one in options if one.get("active", True)),
            restricted=bool(raw.get("restrictedPicklist")),
            references=tuple(str(one) for one in references),
            length=_count(raw.get("length")),
            scale=_count(raw.get("scale"))
            if vendor_type in ("double", "currency", "percent")
            else None,
            inactive=tuple(str(one["value"]) for one in options if not one.get("active", True)),
        ),
        vendor_type=vendor_type,
        relationship=str(relationship) if relationship else None,
        case_sensitive=bool(raw.get("caseSensitive")),
        external_id=bool(raw.get("externalId")),
        filterable=bool(raw.get("filterable", True)),
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and value > 0 else None


def object_description(schema: Schema) -> ObjectDescription:
    """The schema in the words every connector uses."""
    return ObjectDescription(
        name=schema.name,
        label=schema.label,
        fields=MappingProxyType({one.name: one.description for one in schema.fields.values()}),
        creatable=schema.creatable,
        updatable=schema.updatable,
        relationships=frozenset(
            one.relationship for one in schema.relationships.values() if one.relationship
        ),
    )


class Schemas:
    """The descriptions fetched so far: each object asked for once, by one thread at a time.

    ``fetch`` makes the call for one object; ``now`` is the clock that ages entries.
    """

    def __init__(self, fetch: Callable[[str], object], now: Callable[[], datetime]) -> None:
        self._fetch = fetch
        self._now = now
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._known: dict[str, tuple[Schema, datetime]] = {}

    def get(self, object: str, *, fresh_for: timedelta = CACHE_FOR) -> Schema:
        """The object's schema, not older than ``fresh_for``. At most one call."""
        key = object_name(object).lower()
        with self._lock:
            own = self._locks.setdefault(key, threading.Lock())
        with own:
            known = self._known.get(key)
            if known is not None and self._now() - known[1] < fresh_for:
                return known[0]
            schema = parse_describe(self._fetch(known[0].name if known else object))
            self._known[key] = (schema, self._now())
            return schema

    def forget(self, object: str) -> None:
        """Ask again at the next need: the object turned out to differ from what we knew."""
        with self._lock:
            self._known.pop(object.lower(), None)

    def field(self, object: str, name: str) -> SchemaField:
        """A field of the object; an unknown one is looked for once more in a fresh description."""
        found = self.get(object).find(name)
        return found or self.get(object, fresh_for=ASK_AGAIN_AFTER).field(name)

    def column(self, object: str, name: str) -> Column:
        """Where a selected field is found; dots lead through parents. Raises ``Rejected``."""
        *parents, last = field_name(name).split(".")
        path: list[str] = []
        here = object
        for step in parents:
            reference = self._relationship(here, step, name)
            path.append(str(reference.relationship))
            here = _target(reference)
        field = self.field(here, last)
        return Column(key=name, path=(*path, field.name), field=field)

    def _relationship(self, object: str, step: str, whole: str) -> SchemaField:
        found = self.get(object).relationships.get(step.lower())
        if found is None:
            found = self.get(object, fresh_for=ASK_AGAIN_AFTER).relationships.get(step.lower())
        if found is None or not found.description.references:
            raise unknown_field(object, whole)
        return found

    def reference_field(self, child: str, root: str) -> SchemaField:
        """The field of ``child`` that holds the id of its ``root``.

        Where several fields point there, the one named after the root wins. Raises ``Rejected``
        when none does, or it cannot be told which.
        """
        wanted = self.get(root).name
        fields = [
            one
            for one in self.get(child).fields.values()
            if wanted in one.description.references and one.name != "MasterRecordId"
        ]
        usual = {f"{wanted}id".lower(), wanted.lower()}
        named = [one for one in fields if one.name.lower() in usual]
        candidates = named or fields
        if len(candidates) != 1:
            names = ", ".join(sorted(one.name for one in candidates)) or "none"
            raise Rejected(
                f"{child} has no single field that refers to {root} (found: {names})",
                code="NO_PARENT_FIELD",
            )
        return candidates[0]


def _target(reference: SchemaField) -> str:
    """Whose fields a relationship leads to. Owners can be users or queues: users are meant."""
    targets = reference.description.references
    return "User" if "User" in targets else targets[0]
