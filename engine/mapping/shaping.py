"""Compiles the shapes of a field: values made of parts, and lists of them."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from engine.config.yaml import KeyPath
from engine.mapping.expression import Expression
from engine.mapping.faults import SyntaxFault
from engine.mapping.grammar import Scope, children_name, parse
from engine.mapping.model import OnMissing
from engine.mapping.programs import ChainShape, EachShape, ListShape, RecordShape, Shape
from engine.mapping.schema import FieldBlock

if TYPE_CHECKING:
    from engine.mapping.fields import FieldCompiler

_CHILDREN: Final = re.compile(r"\s*=?\s*(children\.[A-Za-z0-9_]+)\s*")
_WHOLE_FIELD: Final = frozenset({"owner", "on_conflict", "enforce", "on_create_only"})


def compile_shape(compiler: FieldCompiler, path: KeyPath, block: FieldBlock) -> Shape | None:
    """The shape of a field, where it has one; faults go to the compiler's problems."""
    if block.record is not None:
        return _compile_parts(compiler, (*path, "record"), block.record)
    if block.list_ is not None:
        return ListShape(
            tuple(
                _compile_parts(compiler, (*path, "list", position), parts)
                for position, parts in enumerate(block.list_)
            )
        )
    if block.lists is not None:
        parts = [
            compile_shape(compiler, (*path, "lists", position), part)
            for position, part in enumerate(block.lists)
        ]
        if not all(isinstance(part, ListShape | EachShape) for part in parts):
            compiler.fault((*path, "lists"), "every part of `lists` is a list or an each")
        return ChainShape(tuple(part for part in parts if part is not None))
    if block.each is None or block.item is None:
        return None
    items, scope = compile_items(compiler, (*path, "each"), block.each)
    if items is None:
        return None
    inner = compiler.within(scope)
    return EachShape(
        items=items,
        where=inner.optional((*path, "where"), block.where),
        record=_compile_parts(inner, (*path, "item"), block.item),
    )


def _compile_parts(
    compiler: FieldCompiler, path: KeyPath, parts: Mapping[str, FieldBlock]
) -> RecordShape:
    for name, part in parts.items():
        for option in sorted(_WHOLE_FIELD & part.model_fields_set):
            compiler.fault((*path, name, option), f"`{option}` is for whole fields, not for parts")
        if part.on_missing is OnMissing.LATER:
            message = "`later` is for whole fields, not for parts"
            compiler.fault((*path, name, "on_missing"), message)
    return RecordShape(compiler.programs(path, parts, None))


def compile_items(
    compiler: FieldCompiler, path: KeyPath, written: str
) -> tuple[Expression | None, Scope]:
    """The list that ``each`` walks through, and the scope in which ``item`` is its element."""
    whole = _CHILDREN.fullmatch(written)
    if whole is not None:
        written = f"= [child for child in {whole[1]}]"
    items = compiler.expression(path, written)
    return items, replace(compiler.scope, item="value", item_children=_walked(written))


def _walked(written: str) -> str | None:
    """The children that a list is made of, where its elements are child records themselves."""
    try:
        node = parse(written.lstrip().removeprefix("=").strip())
    except SyntaxFault:
        return None
    if not isinstance(node, ast.ListComp) or len(node.generators) != 1:
        return None
    loop = node.generators[0]
    same = (
        isinstance(node.elt, ast.Name)
        and isinstance(loop.target, ast.Name)
        and node.elt.id == loop.target.id
    )
    return children_name(loop.iter) if same else None
