"""Short ways to describe a field."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.base import FieldDescription, FieldType


def text(
    name: str, label: str = "", *, required: bool = False, unique: bool = False, length: int = 65536
) -> FieldDescription:
    """A text field."""
    return FieldDescription(
        name,
        label or name,
        FieldType.TEXT,
        required_on_create=required,
        unique=unique,
        length=length,
    )


def typed(
    name: str, type: FieldType, *, required: bool = False, scale: int | None = None
) -> FieldDescription:
    """A field of any simple type."""
    return FieldDescription(name, name, type, required_on_create=required, scale=scale)


def choice(
    name: str, *options: str, required: bool = False, many: bool = False
) -> FieldDescription:
    """A restricted picklist."""
    return FieldDescription(
        name,
        name,
        FieldType.CHOICES if many else FieldType.CHOICE,
        required_on_create=required,
        options=options,
        restricted=True,
    )


def reference(name: str, target: str, *, required: bool = False) -> FieldDescription:
    """A field that holds another record's id."""
    return FieldDescription(
        name, name, FieldType.REFERENCE, required_on_create=required, references=(target,)
    )


def fields(*described: FieldDescription) -> Mapping[str, FieldDescription]:
    """Descriptions by name."""
    return {one.name: one for one in described}
