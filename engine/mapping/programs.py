"""The compiled parts of a mapping, before they are applied to a record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from connectors.records import Value
from engine.mapping.evaluation import Evaluation
from engine.mapping.expression import Expression
from engine.mapping.faults import DataFault, LinkPending
from engine.mapping.model import FieldRule, OnMissing
from engine.mapping.texts import text
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

    def fields(self) -> tuple[FieldProgram, ...]:
        """Every part."""
        return self.parts

    def expressions(self) -> list[Expression]:
        return [one for part in self.parts for one in part.expressions()]


@dataclass(frozen=True, slots=True)
class ListShape:
    """A list with a fixed number of values, each with its own parts."""

    records: tuple[RecordShape, ...]

    def fields(self) -> tuple[FieldProgram, ...]:
        """Every part of every value."""
        return tuple(part for record in self.records for part in record.parts)

    def expressions(self) -> list[Expression]:
        return [one for record in self.records for one in record.expressions()]


@dataclass(frozen=True, slots=True)
class EachShape:
    """A list with one value per element of another list; ``item`` is that element."""

    items: Expression
    where: Expression | None
    record: RecordShape

    def fields(self) -> tuple[FieldProgram, ...]:
        """Every part of a value."""
        return self.record.parts

    def expressions(self) -> list[Expression]:
        own = [self.items] + ([self.where] if self.where else [])
        return own + self.record.expressions()


@dataclass(frozen=True, slots=True)
class ChainShape:
    """Several lists, one after another."""

    lists: tuple[Shape, ...]

    def fields(self) -> tuple[FieldProgram, ...]:
        """Every part of every list."""
        return tuple(part for one in self.lists for part in one.fields())

    def expressions(self) -> list[Expression]:
        return [one for part in self.lists for one in part.expressions()]


Shape: TypeAlias = RecordShape | ListShape | EachShape | ChainShape


@dataclass(frozen=True, slots=True)
class GateProgram:
    """A condition, its name, and what to tell the person whose record is held.

    ``say`` is the sentence, or the expression that makes it up. ``group`` is the title of the field
    group that has to be complete, where the gate asks for nothing else. Records for which ``when``
    is false pass.
    """

    name: str
    condition: Expression
    say: str | Expression
    group: str | None = None
    when: Expression | None = None

    def conditions(self) -> list[Expression]:
        """What decides, in the order in which it is asked."""
        return [self.when, self.condition] if self.when is not None else [self.condition]

    def expressions(self) -> list[Expression]:
        """Every expression of this gate."""
        return self.conditions() + ([] if isinstance(self.say, str) else [self.say])

    def lets_pass(self, evaluation: Evaluation) -> bool:
        """Whether the record may go on. Raises :class:`DataFault` and :class:`LinkPending`."""
        if self.when is not None and not self.when.condition(evaluation):
            return True
        return self.condition.condition(evaluation)

    @property
    def summary(self) -> str:
        """What it asks for whichever record it holds, without values."""
        if isinstance(self.say, str):
            return self.say
        return f"{self.group} is incomplete" if self.group else self.name

    def sentence(self, evaluation: Evaluation, unread: frozenset[str]) -> str:
        """What to tell. A sentence that cannot be made up must not let the record go."""
        if isinstance(self.say, str):
            return self.say
        if unread.isdisjoint(self.say.sources):
            try:
                said = text(self.say.value(evaluation))
            except (DataFault, LinkPending):
                said = None
            if said is not None and said.strip():
                return said
        return f"the gate {self.name} holds it; its sentence ({self.say.place}) cannot be told"


@dataclass(frozen=True, slots=True)
class MatchProgram:
    """One match rule: target field → expression."""

    rule: str
    values: Mapping[str, Expression]
