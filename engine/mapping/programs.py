"""The compiled parts of a mapping, before they are applied to a record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from connectors.records import Value
from engine.mapping.expression import Expression
from engine.mapping.model import FieldRule, OnMissing
from engine.mapping.values import ValueMap


@dataclass(frozen=True, slots=True)
class ReferenceRule:
    """What a field that holds another record's id asks for."""

    object: str
    to: str | None
    on_missing: OnMissing


@dataclass(frozen=True, slots=True)
class FieldProgram:
    """How one target field is worked out: a constant, an expression, or a shape made of others.

    ``reads`` are the paths it needs, as its expressions name them.
    """

    rule: FieldRule
    reads: frozenset[str]
    expression: Expression | None
    constant: Value = None
    default: Value = None
    value_map: ValueMap | None = None
    when: Expression | None = None
    reference: ReferenceRule | None = None
    shape: Shape | None = None

    def expressions(self) -> list[Expression]:
        """Every expression of this field, those of its parts too."""
        found = [one for one in (self.expression, self.when) if one is not None]
        return found + (self.shape.expressions() if self.shape else [])


@dataclass(frozen=True, slots=True)
class RecordShape:
    """A value made of named parts. Parts that come out blank are left out."""

    parts: tuple[FieldProgram, ...]

    def expressions(self) -> list[Expression]:
        return [one for part in self.parts for one in part.expressions()]


@dataclass(frozen=True, slots=True)
class ListShape:
    """A list with a fixed number of values, each with its own parts."""

    records: tuple[RecordShape, ...]

    def expressions(self) -> list[Expression]:
        return [one for record in self.records for one in record.expressions()]


@dataclass(frozen=True, slots=True)
class EachShape:
    """A list with one value per element of another list; ``item`` is that element."""

    items: Expression
    where: Expression | None
    record: RecordShape

    def expressions(self) -> list[Expression]:
        own = [self.items] + ([self.where] if self.where else [])
        return own + self.record.expressions()


@dataclass(frozen=True, slots=True)
class ChainShape:
    """Several lists, one after another."""

    lists: tuple[Shape, ...]

    def expressions(self) -> list[Expression]:
        return [one for part in self.lists for one in part.expressions()]


Shape: TypeAlias = RecordShape | ListShape | EachShape | ChainShape


@dataclass(frozen=True, slots=True)
class GateProgram:
    """A condition, its name, and what to tell the person whose record is held."""

    name: str
    condition: Expression
    say: str


@dataclass(frozen=True, slots=True)
class MatchProgram:
    """One match rule: target field → expression."""

    rule: str
    values: Mapping[str, Expression]
