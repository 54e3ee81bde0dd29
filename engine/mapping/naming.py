"""Compiles what a mapping gives a name to: formulas, field groups, and the gates that use them."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from engine.config.yaml import KeyPath
from engine.mapping.expression import Expression
from engine.mapping.fields import FieldCompiler
from engine.mapping.grammar import WORDS, FieldGroup
from engine.mapping.nearest import nearest
from engine.mapping.programs import GateProgram
from engine.mapping.schema import FieldGroupBlock, GateBlock

_FORMULA_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_TAKEN: Final = frozenset({*WORDS, "id", "item", "target", "children", "associations"})


def with_formulas(compiler: FieldCompiler, written: Mapping[str, str]) -> FieldCompiler:
    """A compiler that knows these formulas, each of which may use those before it."""
    for name, text in written.items():
        path: KeyPath = ("formulas", name)
        if not _FORMULA_NAME.fullmatch(name) or name in _TAKEN or keyword.iskeyword(name):
            compiler.fault(path, f"`{name}` cannot be the name of a formula", key=True)
            continue
        expression = compiler.expression(path, text)
        if expression is not None:
            formulas = {**compiler.scope.formulas, name: expression.source}
            compiler = compiler.within(replace(compiler.scope, formulas=formulas))
    return compiler


def with_groups(compiler: FieldCompiler, written: Mapping[str, FieldGroupBlock]) -> FieldCompiler:
    """A compiler that knows these field groups as well."""
    groups = {name: _group(compiler, name, block) for name, block in written.items()}
    return compiler.within(replace(compiler.scope, field_groups=groups))


def _group(compiler: FieldCompiler, name: str, block: FieldGroupBlock) -> FieldGroup:
    path: KeyPath = ("field_groups", name)
    members: list[tuple[str, str]] = []
    for label, text in block.fields.items():
        expression = compiler.expression((*path, "fields", label), text)
        if expression is not None:
            members.append((spoken(label), expression.source))
    count = len(block.fields)
    if not count:
        compiler.fault((*path, "fields"), f"the field group `{name}` names no field")
    if block.complete_from is not None and block.complete_from > count:
        message = f"`complete_from` is {block.complete_from}, but the group has {count} fields"
        compiler.fault((*path, "complete_from"), message)
    return FieldGroup(
        name=name,
        title=block.title or spoken(name),
        members=tuple(members),
        complete_from=block.complete_from or count,
        fill_in=block.fill_in,
    )


def spoken(name: str) -> str:
    """A name as people say it: ``economic_buyer`` is Economic buyer."""
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def compile_gates(
    compiler: FieldCompiler, path: KeyPath, blocks: Sequence[GateBlock]
) -> tuple[GateProgram, ...]:
    """The gates of a mapping or of one kind of child; faults go to the compiler's problems."""
    found: list[GateProgram] = []
    for position, block in enumerate(blocks):
        gate = _gate(compiler, (*path, "gates", position), block)
        if gate is not None:
            found.append(gate)
    return tuple(found)


def _gate(compiler: FieldCompiler, path: KeyPath, block: GateBlock) -> GateProgram | None:
    if (block.hold_unless is None) == (block.complete is None):
        message = f"the gate `{block.name}` needs exactly one of hold_unless and complete"
        compiler.fault(path, message)
        return None
    when = compiler.optional((*path, "when"), block.when)
    if block.complete is not None:
        return _completeness(compiler, path, block, block.complete, when)
    condition = compiler.optional((*path, "hold_unless"), block.hold_unless)
    say = _sentence(compiler, path, block)
    if condition is None or say is None:
        return None
    return GateProgram(block.name, condition, say, when=when)


def _sentence(compiler: FieldCompiler, path: KeyPath, block: GateBlock) -> str | Expression | None:
    """What the gate says: a sentence as it stands, or an expression that makes it up."""
    if block.say is None:
        compiler.fault(path, f"the gate `{block.name}` does not say what a person has to do")
        return None
    if block.say.lstrip().startswith("="):
        return compiler.expression((*path, "say"), block.say)
    return block.say


def _completeness(
    compiler: FieldCompiler,
    path: KeyPath,
    block: GateBlock,
    name: str,
    when: Expression | None,
) -> GateProgram | None:
    place: KeyPath = (*path, "complete")
    group = compiler.scope.field_groups.get(name)
    if group is None:
        compiler.fault(
            place,
            f"there is no field group `{name}`",
            nearest(name, compiler.scope.field_groups),
        )
        return None
    condition = compiler.expression(place, f"= complete({name!r})")
    say = (
        _sentence(compiler, path, block)
        if block.say is not None
        else compiler.expression(place, f"= {_shortfall(group)}")
    )
    if condition is None or say is None:
        return None
    return GateProgram(block.name, condition, say, group.title, when)


def _shortfall(group: FieldGroup) -> str:
    """The expression of the sentence that names what is blank and where to fill it in."""
    needed = ""
    if group.complete_from < len(group.members):
        needed = f" ({group.complete_from} of {len(group.members)} fields are needed)"
    blanks = f"missing({group.name!r})"
    return (
        f"{group.title + ' is incomplete' + needed + ': '!r} + join({blanks}, ', ')"
        f" + (' is blank. Fill it in ' if count({blanks}) == 1 else ' are blank. Fill them in ')"
        f" + {group.fill_in + '.'!r}"
    )
