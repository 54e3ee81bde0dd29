"""What each object's fields are: declared, since Stripe has no description to ask for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from connectors.base import FieldDescription, FieldType, ObjectDescription
from connectors.errors import Rejected
from connectors.stripe.fields import FIELDS, IDENTITY_FIELD, METADATA, Field
from connectors.stripe.objects import SPEC
from connectors.stripe.resources import RESOURCES

_TYPES: Final[Mapping[str, FieldType]] = MappingProxyType(
    {
        "text": FieldType.TEXT,
        "money": FieldType.DECIMAL,
        "unit": FieldType.DECIMAL,
        "number": FieldType.DECIMAL,
        "count": FieldType.INTEGER,
        "flag": FieldType.BOOLEAN,
        "time": FieldType.INSTANT,
        "nested": FieldType.OTHER,
    }
)
_METADATA_LENGTH: Final = 500  # "Metadata": 50 keys of 40 characters, values of 500


class Described(Mapping[str, FieldDescription]):
    """The declared fields; parts of a structured one answer to their dotted name, too.

    Metadata keys are the account's own, so that any is there.
    """

    def __init__(self, fields: Mapping[str, FieldDescription]) -> None:
        self._fields = fields

    def __getitem__(self, name: str) -> FieldDescription:
        found = self._fields.get(name)
        if found is not None:
            return found
        head, dot, rest = name.partition(".")
        if not dot or not rest or self._fields[head].type is not FieldType.OTHER:
            raise KeyError(name)
        whole = self._fields[head]
        inside = head == METADATA
        return FieldDescription(
            name=name,
            label=name,
            type=FieldType.TEXT if inside else FieldType.OTHER,
            readable=whole.readable,
            writable=whole.writable,
            length=_METADATA_LENGTH if inside else None,
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


def description_of(object: str) -> ObjectDescription:
    """The object as the pinned version of the API has it. Raises ``Rejected``."""
    declared = FIELDS.get(object)
    if declared is None:
        raise Rejected(
            f"Stripe has no object {object!r} here; there are: {', '.join(FIELDS)}",
            code="UNKNOWN_OBJECT",
        )
    spec = SPEC.object(object)
    described = {name: _described(field) for name, field in declared.items()}
    if METADATA in declared:
        ours = spec is not None and spec.identity_field == IDENTITY_FIELD
        described[IDENTITY_FIELD] = FieldDescription(
            name=IDENTITY_FIELD,
            label="Our identity",
            type=FieldType.TEXT,
            writable=declared[METADATA].writable,
            unique=ours,
            length=_METADATA_LENGTH,
        )
    if object == "meter_events":
        described["identifier"] = FieldDescription(
            name="identifier", label="identifier", type=FieldType.TEXT, unique=True, length=100
        )
    resource = RESOURCES[object]
    return ObjectDescription(
        name=object,
        label=spec.label if spec is not None else object,
        fields=Described(described),
        creatable=resource.creates,
        updatable=resource.updates,
    )


def _described(field: Field) -> FieldDescription:
    kind = FieldType.REFERENCE if field.target else _TYPES[field.type]
    return FieldDescription(
        name=field.name,
        label=field.name.replace("_", " "),
        type=kind,
        required_on_create=field.required,
        readable=field.readable,
        writable=field.writable or field.creatable,
        references=(field.target,) if field.target else (),
    )
