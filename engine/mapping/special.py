"""The functions that need more than their arguments: links, tables, formulas and field groups.

Each takes the translator at work and the call, and gives the safe form of it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from engine.mapping.functions import SPECIAL
from engine.mapping.grammar import FieldGroup, LinkQuestion, parse
from engine.mapping.nearest import nearest
from engine.mapping.nodes import evaluation, invoke, on_evaluation

if TYPE_CHECKING:
    from engine.mapping.syntax import Translator

INLINED_MAX: Final = 200
"""Formulas that one expression may work out, those inside formulas counted too."""


def _field(translator: Translator, node: ast.Call) -> ast.expr:
    name = _constant_text(translator, node, 0, "field")
    _arguments(translator, node, 1)
    translator.reads.fields.add(name)
    return invoke("read_path", on_evaluation("fields"), ast.Constant(name))


def _mapped(translator: Translator, node: ast.Call) -> ast.expr:
    name = _constant_text(translator, node, 0, "mapped")
    _arguments(translator, node, 2)
    if name not in translator.scope.value_maps:
        hint = nearest(name, translator.scope.value_maps)
        raise translator.fault(node, f"there is no value map `{name}`", hint)
    translator.reads.value_maps.add(name)
    arguments = [ast.Constant(name), translator.translate(node.args[1])]
    return ast.Call(ast.Name("_value_map", ast.Load()), arguments, [])


def _lookup(translator: Translator, node: ast.Call) -> ast.expr:
    name = _constant_text(translator, node, 0, "lookup")
    if len(node.args) < 2:
        raise translator.fault(node, f"wrong number of arguments: {SPECIAL['lookup']}")
    if name not in translator.scope.catalogues:
        hint = nearest(name, translator.scope.catalogues)
        raise translator.fault(node, f"there is no catalogue `{name}`", hint)
    translator.reads.catalogues.add(name)
    keys = [translator.translate(argument) for argument in node.args[1:]]
    return invoke("look_up", evaluation(), ast.Constant(name), *keys)


def _linked(translator: Translator, node: ast.Call) -> ast.expr:
    object_name = _constant_text(translator, node, 0, "linked")
    if len(node.args) not in (2, 3):
        raise translator.fault(node, f"wrong number of arguments: {SPECIAL['linked']}")
    if translator.loops:
        raise translator.fault(node, "linked(…) cannot be asked inside a loop")
    to = _constant_text(translator, node, 2, "linked") if len(node.args) == 3 else None
    before = len(translator.reads.links)
    record_id = translator.translate(node.args[1])
    if len(translator.reads.links) != before:
        raise translator.fault(node, "linked(…) cannot be asked inside linked(…)")
    translator.reads.links.append(LinkQuestion(object_name, to, record_id))
    return invoke("is_linked", evaluation(), ast.Constant(object_name), record_id, ast.Constant(to))


def _complete(translator: Translator, node: ast.Call) -> ast.expr:
    group, values = _group(translator, node, "complete")
    return invoke("complete", values, ast.Constant(group.complete_from))


def _missing(translator: Translator, node: ast.Call) -> ast.expr:
    group, values = _group(translator, node, "missing")
    names: list[ast.expr] = [ast.Constant(name) for name, _source in group.members]
    return invoke("missing", values, ast.Tuple(names, ast.Load()))


def _group(translator: Translator, node: ast.Call, function: str) -> tuple[FieldGroup, ast.expr]:
    """A field group, and the values of its fields in their order."""
    name = _constant_text(translator, node, 0, function)
    _arguments(translator, node, 1, function)
    group = translator.scope.field_groups.get(name)
    if group is None:
        hint = nearest(name, translator.scope.field_groups)
        raise translator.fault(node, f"there is no field group `{name}`", hint)
    values = [
        inlined(translator, node, source, translator.scope.formulas)
        for _name, source in group.members
    ]
    return group, ast.Tuple(values, ast.Load())


def formula(translator: Translator, node: ast.expr, name: str) -> ast.expr:
    """What a formula stands for, in place of its name. It may use the formulas before it."""
    formulas = translator.scope.formulas
    before = dict(list(formulas.items())[: list(formulas).index(name)])
    return inlined(translator, node, formulas[name], before)


def inlined(
    translator: Translator, node: ast.expr, source: str, formulas: Mapping[str, str]
) -> ast.expr:
    """The safe form of another expression of the file, as a part of this one."""
    translator.reads.inlined += 1
    if translator.reads.inlined > INLINED_MAX:
        raise translator.fault(node, f"more than {INLINED_MAX} formulas in one expression")
    scope = replace(translator.scope, formulas=formulas, item=None, target=False)
    result = translator.inner(source, scope).translate(parse(source))
    for part in ast.walk(result):
        ast.copy_location(part, node)  # a fault is where the name is written
    return result


def _arguments(translator: Translator, node: ast.Call, count: int, name: str = "") -> None:
    function = name or (node.func.id if isinstance(node.func, ast.Name) else "")
    if len(node.args) != count:
        raise translator.fault(node, f"wrong number of arguments: {SPECIAL[function]}")


def _constant_text(translator: Translator, node: ast.Call, position: int, function: str) -> str:
    if position < len(node.args):
        argument = node.args[position]
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            return argument.value
    raise translator.fault(node, f"a name must be written out: {SPECIAL[function]}")


CALLS: Final[Mapping[str, Callable[[Translator, ast.Call], ast.expr]]] = MappingProxyType(
    {
        "field": _field,
        "mapped": _mapped,
        "lookup": _lookup,
        "linked": _linked,
        "complete": _complete,
        "missing": _missing,
    }
)
