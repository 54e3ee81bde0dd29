"""How one target field gets its value for one record, shapes and references included."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from connectors.records import MISSING, Missing, Value
from engine.mapping.evaluation import Evaluation
from engine.mapping.expression import Expression
from engine.mapping.faults import DataFault, LinkPending
from engine.mapping.model import FieldRule, OnMissing, Reference
from engine.mapping.operators import is_blank
from engine.mapping.programs import (
    ChainShape,
    EachShape,
    FieldProgram,
    ListShape,
    RecordShape,
    ReferenceRule,
    Shape,
)
from engine.mapping.texts import id_text


@dataclass(slots=True)
class Draft:
    """What the rules have found so far."""

    fields: dict[str, Value] = field(default_factory=dict)
    later: dict[str, Reference] = field(default_factory=dict)
    faults: list[tuple[str, str, str]] = field(default_factory=list)
    waiting: dict[Reference, str] = field(default_factory=dict)


def make(program: FieldProgram, evaluation: Evaluation, draft: Draft) -> None:
    """Work out one field; its value, or why there is none, goes to the draft."""
    value = _value(program, evaluation, draft, program.rule.target)
    if not isinstance(value, Missing):
        draft.fields[program.rule.target] = value


def asked(program: FieldProgram, evaluation: Evaluation) -> Iterator[Reference]:
    """Every link that a field asks about. What cannot be worked out is reported by making it."""
    for expression in (program.expression, program.when):
        if expression is not None and expression.links:
            yield from expression.references(evaluation)
    if program.reference is not None and program.expression is not None:
        try:
            found = _reference(program.reference, program.expression.value(evaluation))
        except (DataFault, LinkPending):
            found = None
        if found is not None:
            yield found
    if program.shape is not None:
        yield from _asked_by_shape(program.shape, evaluation)


def _asked_by_shape(shape: Shape, evaluation: Evaluation) -> Iterator[Reference]:
    match shape:
        case RecordShape(parts):
            for part in parts:
                yield from asked(part, evaluation)
        case ListShape(records):
            for record in records:
                yield from _asked_by_shape(record, evaluation)
        case ChainShape(lists):
            for one in lists:
                yield from _asked_by_shape(one, evaluation)
        case EachShape():
            try:
                for _ in _walk(shape, evaluation):
                    yield from _asked_by_shape(shape.record, evaluation)
            except (DataFault, LinkPending):
                return


def _value(
    program: FieldProgram, evaluation: Evaluation, draft: Draft, target: str
) -> Value | Missing:
    try:
        if program.when is not None and not program.when.condition(evaluation):
            return MISSING
        if program.shape is not None:
            return _shaped(program.shape, evaluation, draft, target)
        if program.expression is None:
            return program.constant
        return _from(program, program.expression, evaluation, draft, target)
    except LinkPending as pending:
        for reference in pending.references:
            draft.waiting.setdefault(reference, target)
    except DataFault as fault:
        draft.faults.append((fault.code, target, with_place(fault.message, program.rule)))
    return MISSING


def _from(
    program: FieldProgram,
    expression: Expression,
    evaluation: Evaluation,
    draft: Draft,
    target: str,
) -> Value | Missing:
    value = expression.value(evaluation)
    if program.reference is not None:
        return _link(program.reference, value, evaluation, draft, target)
    if program.value_map is not None:
        value = program.value_map.translate(value)
    return program.default if is_blank(value) else value


def _shaped(shape: Shape, evaluation: Evaluation, draft: Draft, target: str) -> Value:
    match shape:
        case RecordShape(parts):
            found: dict[str, Value] = {}
            for part in parts:
                value = _value(part, evaluation, draft, target)
                if not isinstance(value, Missing) and value is not None:
                    found[part.rule.target] = value
            return found
        case ListShape(records):
            return tuple(_shaped(record, evaluation, draft, target) for record in records)
        case ChainShape(lists):
            made = [_shaped(one, evaluation, draft, target) for one in lists]
            return tuple(one for several in made if isinstance(several, tuple) for one in several)
        case EachShape():
            return tuple(
                _shaped(shape.record, evaluation, draft, target) for _ in _walk(shape, evaluation)
            )


def _walk(shape: EachShape, evaluation: Evaluation) -> Iterator[None]:
    """Look at each element in turn; afterwards the evaluation is as it was."""
    items = shape.items.value(evaluation)
    if items is None:
        return
    if not isinstance(items, tuple):
        raise DataFault("WRONG_TYPE", f"{shape.items.place}: `each` wants a list")
    before = evaluation.item_value
    try:
        for item in evaluation.step(items):
            evaluation.item_value = item
            if shape.where is None or shape.where.condition(evaluation):
                yield None
    finally:
        evaluation.item_value = before


def _link(
    wanted: ReferenceRule, value: Value, evaluation: Evaluation, draft: Draft, target: str
) -> Value | Missing:
    reference = _reference(wanted, value)
    if reference is None:
        return None
    answer = evaluation.answer(reference)
    if answer.target_id is not None:
        return answer.target_id
    if wanted.on_missing is OnMissing.LATER:
        draft.later[target] = reference
    elif wanted.on_missing is OnMissing.HOLD or (
        wanted.on_missing is OnMissing.REJECT and answer.pending
    ):
        draft.waiting.setdefault(reference, target)
    elif wanted.on_missing is OnMissing.REJECT:
        raise DataFault(
            "NOT_LINKED", f"{reference.object} {reference.id} has no counterpart on the target"
        )
    return MISSING


def _reference(rule: ReferenceRule, value: Value) -> Reference | None:
    record_id = id_text(value)
    return Reference(rule.object, record_id, rule.to) if record_id is not None else None


def with_place(message: str, rule: FieldRule) -> str:
    """A message with where in the file it arose, once."""
    file = rule.place.partition(":")[0]
    return message if message.startswith(f"{file}:") else f"{rule.place}: {message}"
