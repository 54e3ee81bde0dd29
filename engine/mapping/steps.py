"""Steps: what is to be done to a target record once it is there, in order, each at most once.

A step is due when its ``when`` holds and its ``done_when`` does not, both told by reading the
target as it is. Nothing is counted, so a crash between two steps changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from connectors.records import Record
from engine.config.yaml import KeyPath
from engine.mapping.evaluation import Evaluation
from engine.mapping.expression import Expression
from engine.mapping.faults import DataFault, LinkPending
from engine.mapping.fields import FieldCompiler
from engine.mapping.making import Draft, asked, make
from engine.mapping.model import AwaitsLink, Reference, StepDue, Unmappable
from engine.mapping.programs import FieldProgram
from engine.mapping.schema import StepBlock


@dataclass(frozen=True, slots=True)
class StepProgram:
    """One step, compiled."""

    name: str
    action: str
    when: Expression | None
    done_when: Expression
    programs: tuple[FieldProgram, ...]

    def expressions(self) -> list[Expression]:
        """Every expression of this step."""
        found = [self.done_when] + ([self.when] if self.when else [])
        return found + [one for program in self.programs for one in program.expressions()]

    def references(self, evaluation: Evaluation) -> list[Reference]:
        """Every link this step asks about."""
        return [one for program in self.programs for one in asked(program, evaluation)]

    def due(self, evaluation: Evaluation) -> StepDue | AwaitsLink | Unmappable | None:
        """What to do now; ``None`` if nothing is."""
        try:
            if self.when is not None and not self.when.condition(evaluation):
                return None
            if self.done_when.condition(evaluation):
                return None
        except LinkPending as pending:
            return AwaitsLink(pending.references, self.name)
        except DataFault as fault:
            return Unmappable(((fault.code, self.name, fault.message),))
        draft = Draft()
        for program in self.programs:
            make(program, evaluation, draft)
        if draft.faults:
            return Unmappable(tuple(draft.faults))
        if draft.waiting or draft.later:
            waiting = (*draft.waiting, *draft.later.values())
            return AwaitsLink(waiting, self.name)
        return StepDue(self.name, self.action, draft.fields)


def next_step(
    steps: Sequence[StepProgram], evaluation: Evaluation, target: Record
) -> StepDue | AwaitsLink | Unmappable | None:
    """The first step that is due; ``None`` when all are done."""
    evaluation.target = target
    for step in steps:
        found = step.due(evaluation)
        if found is not None:
            return found
    return None


def compile_step(compiler: FieldCompiler, path: KeyPath, block: StepBlock) -> StepProgram | None:
    """Compile one step; faults go to the compiler's problems."""
    inner = compiler.within(replace(compiler.scope, target=True))
    done_when = inner.expression((*path, "done_when"), block.done_when)
    when = inner.optional((*path, "when"), block.when)
    programs = inner.programs((*path, "fields"), block.fields, None)
    if done_when is None:
        return None
    return StepProgram(block.name, block.action, when, done_when, programs)
