"""The compiled rules of a mapping or of one kind of child, and how they make a record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.records import Value
from engine.mapping.evaluation import Evaluation
from engine.mapping.expression import Expression
from engine.mapping.faults import DataFault, LinkPending
from engine.mapping.model import (
    AwaitsLink,
    Desired,
    FieldRule,
    Held,
    Mapped,
    MatchKey,
    NotIncluded,
    OnMissing,
    Reference,
    Unmappable,
)
from engine.mapping.operators import is_blank
from engine.mapping.texts import id_text, match_text
from engine.mapping.values import ValueMap


@dataclass(frozen=True, slots=True)
class ReferenceRule:
    """What a field that holds another record's id asks for."""

    object: str
    to: str | None
    on_missing: OnMissing


@dataclass(frozen=True, slots=True)
class FieldProgram:
    """How one target field is worked out: a constant, or an expression and what follows it.

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


@dataclass(slots=True)
class _Draft:
    """What the rules have found so far."""

    fields: dict[str, Value]
    later: dict[str, Reference]
    faults: list[tuple[str, str, str]]
    waiting: dict[Reference, str]


@dataclass(frozen=True, slots=True)
class Rules:
    """When a record takes part, what holds it, what it matches and what its fields become."""

    name: str
    when: Expression | None
    gates: tuple[GateProgram, ...]
    matches: tuple[MatchProgram, ...]
    programs: tuple[FieldProgram, ...]

    def expressions(self) -> list[Expression]:
        """Every expression of these rules."""
        found = [self.when] if self.when else []
        found += [gate.condition for gate in self.gates]
        found += [one for match in self.matches for one in match.values.values()]
        for program in self.programs:
            found += [one for one in (program.expression, program.when) if one is not None]
        return found

    def references(self, evaluation: Evaluation) -> list[Reference]:
        """Every link these rules ask about for this record."""
        found: list[Reference] = []
        for expression in self.expressions():
            if expression.links:
                found += expression.references(evaluation)
        for program in self.programs:
            if program.reference is None or program.expression is None:
                continue
            try:
                reference = _reference(program.reference, program.expression.value(evaluation))
            except (DataFault, LinkPending):
                continue  # mapping the field reports the fault
            if reference is not None:
                found.append(reference)
        return found

    def apply(self, evaluation: Evaluation, unread: frozenset[str]) -> Mapped:
        """What the rules make of a record. ``unread`` are the source paths that were not read."""
        early = self._admission(evaluation, unread)
        if early is not None:
            return early
        draft = _Draft({}, {}, [], {})
        for program in self.programs:
            if unread and not unread.isdisjoint(program.reads):
                continue
            self._field(program, evaluation, draft)
        matches = self._matches(evaluation, unread, draft)
        if draft.faults:
            return Unmappable(tuple(draft.faults))
        if draft.waiting:
            return AwaitsLink(tuple(draft.waiting), next(iter(draft.waiting.values())))
        return Desired(draft.fields, matches, draft.later)

    def _admission(self, evaluation: Evaluation, unread: frozenset[str]) -> Mapped | None:
        """Why the record is not mapped at all, if it is not."""
        asked = "when"
        try:
            if self.when is not None:
                _require_read(self.when, unread)
                if not self.when.condition(evaluation):
                    return NotIncluded(f"{self.name} takes it only when {self.when.source}")
            for gate in self.gates:
                asked = gate.name
                _require_read(gate.condition, unread)
                if not gate.condition.condition(evaluation):
                    return Held(gate.name, gate.say)
        except LinkPending as pending:
            return AwaitsLink(pending.references, asked)
        except DataFault as fault:
            return Unmappable(((fault.code, "", fault.message),))
        return None

    def _field(self, program: FieldProgram, evaluation: Evaluation, draft: _Draft) -> None:
        target = program.rule.target
        try:
            if program.when is not None and not program.when.condition(evaluation):
                return
            if program.expression is None:
                draft.fields[target] = program.constant
                return
            value = program.expression.value(evaluation)
            if program.reference is not None:
                self._link(program, value, evaluation, draft)
                return
            if program.value_map is not None:
                value = program.value_map.translate(value)
            draft.fields[target] = program.default if is_blank(value) else value
        except LinkPending as pending:
            for reference in pending.references:
                draft.waiting.setdefault(reference, target)
        except DataFault as fault:
            draft.faults.append((fault.code, target, _with_place(fault.message, program.rule)))

    def _link(
        self, program: FieldProgram, value: Value, evaluation: Evaluation, draft: _Draft
    ) -> None:
        target, wanted = program.rule.target, program.reference
        if wanted is None:
            return
        reference = _reference(wanted, value)
        if reference is None:
            draft.fields[target] = None
            return
        answer = evaluation.answer(reference)
        if answer.target_id is not None:
            draft.fields[target] = answer.target_id
        elif wanted.on_missing is OnMissing.LATER:
            draft.later[target] = reference
        elif wanted.on_missing is OnMissing.HOLD or (
            wanted.on_missing is OnMissing.REJECT and answer.pending
        ):
            draft.waiting.setdefault(reference, target)
        elif wanted.on_missing is OnMissing.REJECT:
            raise DataFault(
                "NOT_LINKED", f"{reference.object} {reference.id} has no counterpart on the target"
            )

    def _matches(
        self, evaluation: Evaluation, unread: frozenset[str], draft: _Draft
    ) -> tuple[MatchKey, ...]:
        found: list[MatchKey] = []
        for match in self.matches:
            values: dict[str, str] = {}
            try:
                for target, expression in match.values.items():
                    if not unread.isdisjoint(expression.sources):
                        break
                    value = match_text(expression.value(evaluation))
                    if value is None:
                        break
                    values[target] = value
                else:
                    found.append(MatchKey(match.rule, values))
            except LinkPending as pending:
                for reference in pending.references:
                    draft.waiting.setdefault(reference, "match")
            except DataFault as fault:
                draft.faults.append((fault.code, "", f"match rule {match.rule}: {fault.message}"))
        return tuple(found)


def _reference(rule: ReferenceRule, value: Value) -> Reference | None:
    record_id = id_text(value)
    return Reference(rule.object, record_id, rule.to) if record_id is not None else None


def _require_read(expression: Expression, unread: frozenset[str]) -> None:
    missing = sorted(unread.intersection(expression.sources))
    if missing:
        raise DataFault(
            "SOURCE_NOT_READ",
            f"{expression.place}: the source did not show what this needs: {', '.join(missing)}",
        )


def _with_place(message: str, rule: FieldRule) -> str:
    file = rule.place.partition(":")[0]
    return message if message.startswith(f"{file}:") else f"{rule.place}: {message}"
