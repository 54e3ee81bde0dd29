"""Value maps against the choices that both accounts really have. Pure: descriptions in, words out.

A value map is asked about a source field where the field itself is what it translates: as the value
of a target field, or in ``mapped('name', field)``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from connectors.base import FieldDescription
from engine.mapping.compiled import MappingProgram
from engine.mapping.expression import Expression
from engine.mapping.faults import SyntaxFault
from engine.mapping.grammar import WORDS, children_name, parse
from engine.mapping.programs import EachShape, FieldProgram, ListShape, RecordShape, Shape
from engine.mapping.rules import Rules
from engine.mapping.values import Unmapped, ValueMap

SHOWN_MAX: Final = 10


@dataclass(frozen=True, slots=True)
class Use:
    """A value map is asked about a source field: of the root (``child`` is ``None``) or a child.

    ``target`` is the field that gets what it answers, where it is one alone.
    """

    value_map: ValueMap
    child: str | None
    field: str
    place: str
    target: str | None = None


def uses(mapping: MappingProgram) -> Iterator[Use]:
    """Every use of a value map whose source field can be told."""
    yield from _of_rules(mapping, mapping.programs, None)
    for kind in mapping.kinds:
        yield from _of_rules(mapping, kind.programs, kind.include)


def _of_rules(mapping: MappingProgram, rules: Rules, include: str | None) -> Iterator[Use]:
    for target, program in parts(rules.programs):
        if program.value_map is None or program.expression is None:
            continue
        found = _Looking(include).of(program.expression, whole=True)
        for child, name in found:
            yield Use(program.value_map, child, name, program.rule.place, target)
    for expression in rules.expressions():
        for name in expression.value_maps:
            for child, asked in _Looking(include, name).of(expression, whole=False):
                yield Use(mapping.value_maps[name], child, asked, str(expression.place))


def parts(programs: tuple[FieldProgram, ...], path: str = "") -> Iterator[tuple[str, FieldProgram]]:
    """Every field with its path; those in shapes as ``subsidiary.id``, those in lists as well."""
    for program in programs:
        name = f"{path}{program.rule.target}"
        yield name, program
        if program.shape is not None:
            yield from _within(program.shape, f"{name}.")


def _within(shape: Shape, path: str) -> Iterator[tuple[str, FieldProgram]]:
    match shape:
        case RecordShape() | ListShape():
            yield from parts(shape.fields(), path)
        case EachShape():
            yield from parts(shape.record.parts, path)
        case _:
            for one in shape.lists:
                yield from _within(one, path)


@dataclass(slots=True)
class _Looking:
    """Finds the source fields in one expression: its whole value, or what one map is asked."""

    include: str | None
    name: str | None = None
    loops: dict[str, str] = field(default_factory=dict)

    def of(self, expression: Expression, *, whole: bool) -> Iterator[tuple[str | None, str]]:
        try:
            tree = parse(expression.source)
        except SyntaxFault:
            return
        for node in ast.walk(tree):
            if isinstance(node, ast.comprehension) and isinstance(node.target, ast.Name):
                self.loops[node.target.id] = children_name(node.iter) or ""
        for asked in [tree] if whole else self._asked(tree):
            found = self._field(asked)
            if found is not None:
                yield found

    def _asked(self, tree: ast.expr) -> list[ast.expr]:
        """What the map is asked in ``mapped('name', …)``."""
        return [
            node.args[1]
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "mapped"
            and isinstance(node.args[0], ast.Constant)
            and node.args[0].value == self.name
        ]

    def _field(self, node: ast.expr) -> tuple[str | None, str] | None:
        """The one field that a value is, whatever stands in for a blank."""
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id == "field" and isinstance(node.args[0], ast.Constant):
                return None, str(node.args[0].value)
            constant = all(isinstance(one, ast.Constant) for one in node.args[1:])
            if node.func.id in ("default", "text", "trim") and constant and node.args:
                return self._field(node.args[0])
            return None
        if isinstance(node, ast.Name):
            plain = node.id not in WORDS and node.id not in self.loops and node.id != "id"
            return (None, node.id) if plain else None
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            base = node.value.id
            if base == "item" and self.include is not None:
                return self.include, node.attr
            if self.loops.get(base):
                return self.loops[base], node.attr
        return None


def unmapped(use: Use, described: FieldDescription, target: FieldDescription | None) -> str | None:
    """What is to be told of choices of the source that the map does not list, if anything is."""
    values, mode = use.value_map.values, use.value_map.unmapped
    missing = [one for one in (*described.options, *described.inactive) if one not in values]
    if not missing or mode is Unmapped.DEFAULT:
        return None
    if mode is Unmapped.REJECT:
        shown = shown_choices(missing, described.inactive)
        return f"does not list {shown}: a record with such a value becomes an issue"
    if target is None or not target.restricted:
        return None
    refused = [one for one in missing if one not in target.options]
    if not refused:
        return None
    shown = shown_choices(refused, described.inactive)
    return f"passes {shown} as it is, which {target.name} does not take"


def strange(value_map: ValueMap, asked: Mapping[str, FieldDescription]) -> list[str]:
    """Values that a map lists and none of the fields it is asked about has."""
    known = {one for described in asked.values() for one in described.options}
    known |= {one for described in asked.values() for one in described.inactive}
    return [one for one in value_map.values if one not in known]


def shown_choices(names: list[str], inactive: tuple[str, ...] = ()) -> str:
    """Some of them, for a sentence."""
    shown = [f"{one!r}{' (inactive)' if one in inactive else ''}" for one in names[:SHOWN_MAX]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
