"""The compiled rules of a mapping or of one kind of child, and how they make a record."""

from __future__ import annotations

from dataclasses import dataclass

from engine.mapping.evaluation import Evaluation
from engine.mapping.expression import Expression
from engine.mapping.faults import DataFault, LinkPending
from engine.mapping.making import Draft, asked, make
from engine.mapping.model import (
    AwaitsLink,
    Desired,
    Held,
    Mapped,
    MatchKey,
    NotIncluded,
    Reference,
    Unmappable,
)
from engine.mapping.programs import FieldProgram, GateProgram, MatchProgram
from engine.mapping.texts import match_text


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
        found = self._conditions()
        for program in self.programs:
            found += program.expressions()
        return found

    def _conditions(self) -> list[Expression]:
        """The expressions of everything but the fields."""
        found = [self.when] if self.when else []
        found += [one for gate in self.gates for one in gate.expressions()]
        return found + [one for match in self.matches for one in match.values.values()]

    def references(self, evaluation: Evaluation) -> list[Reference]:
        """Every link these rules ask about for this record."""
        found: list[Reference] = []
        for expression in self._conditions():
            if expression.links:
                found += expression.references(evaluation)
        for program in self.programs:
            found += asked(program, evaluation)
        return found

    def apply(self, evaluation: Evaluation, unread: frozenset[str]) -> Mapped:
        """What the rules make of a record. ``unread`` are the source paths that were not read."""
        early = self._admission(evaluation, unread)
        if early is not None:
            return early
        draft = Draft()
        for program in self.programs:
            if unread and not unread.isdisjoint(program.reads):
                continue
            make(program, evaluation, draft)
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
                require_read(self.when, unread)
                if not self.when.condition(evaluation):
                    return NotIncluded(f"{self.name} takes it only when {self.when.source}")
            for gate in self.gates:
                asked = gate.name
                for asked_of in gate.conditions():
                    require_read(asked_of, unread)
                if not gate.lets_pass(evaluation):
                    return Held(gate.name, gate.sentence(evaluation, unread))
        except LinkPending as pending:
            return AwaitsLink(pending.references, asked)
        except DataFault as fault:
            return Unmappable(((fault.code, "", fault.message),))
        return None

    def _matches(
        self, evaluation: Evaluation, unread: frozenset[str], draft: Draft
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


def require_read(expression: Expression, unread: frozenset[str]) -> None:
    """Raises :class:`DataFault` if an expression needs what the source did not show."""
    missing = sorted(unread.intersection(expression.sources))
    if missing:
        raise DataFault(
            "SOURCE_NOT_READ",
            f"{expression.place}: the source did not show what this needs: {', '.join(missing)}",
        )
