"""From a dotted name to the field it means and the function that reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from sandbox.salesforce.errors import Refusal
from sandbox.salesforce.schema import FieldSpec, ObjectSpec, Schema, address_of
from sandbox.salesforce.soql.tokens import no_such_field
from sandbox.salesforce.soql.tree import Path
from sandbox.salesforce.table import Table
from sandbox.salesforce.values import Row

Getter: TypeAlias = Callable[[Row], Any]
PARENTS_MAX = 5


class Org(Protocol):
    """What a query runs against."""

    @property
    def schema(self) -> Schema:
        """Objects and fields."""

    def table(self, object_name: str) -> Table:
        """The rows of an object."""

    def row(self, id: str | None) -> Row | None:
        """A row of any object by id."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A field with the parents on the way to it, from the root outwards."""

    parents: tuple[FieldSpec, ...]
    owner: ObjectSpec
    field: FieldSpec
    get: Getter


def resolve(org: Org, source: ObjectSpec, path: Path, query: str) -> Resolved:
    """The field behind a path; INVALID_FIELD if a part of it does not exist."""
    parts = path.parts
    if len(parts) > 1 and parts[0].lower() == source.name.lower():
        parts = parts[1:]  # the object's own name may stand in front
    if len(parts) - 1 > PARENTS_MAX:
        message = f"SELECT relationships may not be more than {PARENTS_MAX} levels deep"
        raise Refusal("INVALID_FIELD", message)
    owner = source
    parents: list[FieldSpec] = []
    for part in parts[:-1]:
        reference = owner.by_relationship.get(part.lower())
        if reference is None:
            raise Refusal(
                "INVALID_FIELD",
                f"Didn't understand relationship '{part}' in field path. If you are attempting to "
                "use a custom relationship, be sure to append the '__r' after the custom "
                "relationship name.",
            )
        parents.append(reference)
        owner = org.schema.objects[reference.to[0]]
    field = owner.field(parts[-1])
    if field is None:
        raise no_such_field(query, path.at, parts[-1], owner.name)
    return Resolved(tuple(parents), owner, field, _getter(org, tuple(parents), field))


def reader(field: FieldSpec) -> Getter:
    """The function that reads a field of its own row."""
    name = field.name
    if field.type == "address":
        prefix = name.removesuffix("Address")
        return lambda row: address_of(row, prefix)
    return lambda row: row.get(name)


def _getter(org: Org, parents: tuple[FieldSpec, ...], field: FieldSpec) -> Getter:
    last = reader(field)
    if not parents:
        return last
    names = tuple(parent.name for parent in parents)

    def through_parents(row: Row) -> Any:
        here: Row | None = row
        for name in names:
            here = org.row(here.get(name)) if here is not None else None
        return last(here) if here is not None else None

    return through_parents
