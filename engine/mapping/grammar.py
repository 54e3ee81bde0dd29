"""The grammar of expressions: which nodes exist, what they may use, and what they read."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from engine.mapping.faults import SyntaxFault

SOURCE_MAX_CHARACTERS: Final = 2_000
LOOPS_MAX: Final = 2
NODES_MAX: Final = 1_000
NUMBER: Final = re.compile(r"[0-9]{1,30}(\.[0-9]{1,30})?")
WORDS: Final = {"true": True, "false": False, "null": None, "none": None}
BINARY: Final[Mapping[type[ast.operator], str]] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
}
COMPARE: Final[Mapping[type[ast.cmpop], str]] = {
    ast.Eq: "equal",
    ast.NotEq: "unequal",
    ast.Lt: "less",
    ast.LtE: "less_or_equal",
    ast.Gt: "greater",
    ast.GtE: "greater_or_equal",
    ast.In: "one_of",
    ast.NotIn: "none_of",
}
REFUSED: Final[Mapping[type[ast.AST], str]] = {
    ast.Lambda: "functions cannot be defined in an expression",
    ast.JoinedStr: "f-strings are not supported; join texts with +",
    ast.NamedExpr: "values cannot be named in an expression",
    ast.GeneratorExp: "a loop must be inside a function, such as total(… for x in …)",
    ast.Dict: "{ } is not supported",
    ast.Set: "{ } is not supported",
    ast.Starred: "* is not supported",
    ast.Slice: "slices are not supported",
    ast.Await: "await is not supported",
}


@dataclass(frozen=True, slots=True)
class LinkQuestion:
    """A call of ``linked``: the node of its id is evaluated on its own to know what to look up."""

    object: str
    to: str | None
    id: ast.expr


@dataclass(slots=True)
class Reads:
    """What an expression reads, collected while it is translated."""

    fields: set[str] = field(default_factory=set)
    associations: set[str] = field(default_factory=set)
    children: dict[str, set[str]] = field(default_factory=dict)
    item_fields: set[str] = field(default_factory=set)
    item_associations: set[str] = field(default_factory=set)
    target_fields: set[str] = field(default_factory=set)
    catalogues: set[str] = field(default_factory=set)
    value_maps: set[str] = field(default_factory=set)
    links: list[LinkQuestion] = field(default_factory=list)
    inlined: int = 0


@dataclass(frozen=True, slots=True)
class FieldGroup:
    """Fields that belong together: (name for people, expression), and how many make it complete."""

    name: str
    title: str
    members: tuple[tuple[str, str], ...]
    complete_from: int
    fill_in: str


@dataclass(frozen=True, slots=True)
class Scope:
    """The names an expression may use beside the record's own fields.

    ``item`` says what ``item`` stands for: ``"record"``, ``"key"``, ``"value"`` (an element of a
    list, see ``each``; ``item_children`` names the children it is one of), or nothing (``None``).
    ``target`` lets expressions look at the target record as it is now. ``formulas`` are the texts
    of expressions that have a name, in their order.
    """

    value_maps: frozenset[str] = frozenset()
    catalogues: frozenset[str] = frozenset()
    item: str | None = None
    item_children: str | None = None
    target: bool = False
    formulas: Mapping[str, str] = field(default_factory=dict)
    field_groups: Mapping[str, FieldGroup] = field(default_factory=dict)


def parse(source: str) -> ast.expr:
    """The raw syntax tree of one line without leading space. Raises :class:`SyntaxFault`."""
    if len(source) > SOURCE_MAX_CHARACTERS:
        raise SyntaxFault(f"the expression is longer than {SOURCE_MAX_CHARACTERS:,} characters")
    if "\x00" in source:
        raise SyntaxFault("NUL characters are not allowed")
    try:
        with warnings.catch_warnings():
            # A stray backslash is only a warning to Python; to us it is a mistake.
            warnings.simplefilter("error")
            tree = ast.parse(source, mode="eval")
    except SyntaxError as problem:
        raise SyntaxFault(f"not an expression: {problem.msg}", (problem.offset or 1) - 1) from None
    except (ValueError, RecursionError, MemoryError):
        raise SyntaxFault("the expression is nested too deeply") from None
    if sum(1 for _ in ast.walk(tree)) > NODES_MAX:
        raise SyntaxFault("the expression is too large; split it into several fields")
    return tree.body


def children_name(node: ast.expr) -> str | None:
    """``name`` for ``children.name`` and ``children['name']``."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return node.attr if node.value.id == "children" else None
    if (
        isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Name)
        and node.value.id == "children"
        and isinstance(node.slice, ast.Constant)
        and isinstance(node.slice.value, str)
    ):
        return node.slice.value
    return None
