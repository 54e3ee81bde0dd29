"""From the text of an expression to a safe syntax tree, and to what it reads.

Expressions are a small part of Python's syntax. Every node is translated one by one into calls of
our own operators; a node that is not listed here is refused. No name in an expression ever reaches
a Python name, attribute or method: names are fields, dots are null-safe reads, and only functions
of the table can be called.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from engine.mapping.faults import DataFault, SyntaxFault
from engine.mapping.functions import FUNCTIONS, SPECIAL
from engine.mapping.grammar import (
    BINARY,
    COMPARE,
    LOOPS_MAX,
    NUMBER,
    REFUSED,
    WORDS,
    Reads,
    Scope,
    children_name,
)
from engine.mapping.nearest import nearest
from engine.mapping.nodes import deferred, evaluation, invoke, loop_name, on_evaluation
from engine.mapping.special import CALLS, formula
from engine.mapping.times import zone


class Translator:
    """Translates one expression; ``reads`` and ``numbers`` are complete afterwards."""

    def __init__(self, source: str, scope: Scope) -> None:
        self.reads = Reads()
        self.numbers: dict[str, Decimal] = {}
        self._source = source.encode()
        self.scope = scope
        self.loops: dict[str, str | None] = {}
        self._handlers: dict[type[ast.expr], Callable[[Any], ast.expr]] = {
            ast.Constant: self._constant,
            ast.Name: self._name,
            ast.Attribute: self._attribute,
            ast.Subscript: self._subscript,
            ast.BinOp: self._binary,
            ast.UnaryOp: self._unary,
            ast.BoolOp: self._boolean,
            ast.Compare: self._compare,
            ast.IfExp: self._choice,
            ast.Call: self._call,
            ast.List: self._list,
            ast.Tuple: self._list,
            ast.ListComp: self._list_loop,
        }

    def inner(self, source: str, scope: Scope) -> Translator:
        """A translator of another expression that becomes a part of this one."""
        found = Translator(source, scope)
        found.reads, found.numbers = self.reads, self.numbers
        return found

    def translate(self, node: ast.expr) -> ast.expr:
        """The safe form of a node."""
        handler = self._handlers.get(type(node))
        if handler is None:
            raise self.fault(
                node, REFUSED.get(type(node), "this is not supported in an expression")
            )
        return ast.copy_location(handler(node), node)

    def _name(self, node: ast.Name) -> ast.expr:
        if node.id in self.loops:
            return ast.Name(loop_name(node.id), ast.Load())
        if node.id in WORDS:
            return ast.Constant(WORDS[node.id])
        if node.id == "id":
            return on_evaluation("id")
        if node.id == "item" and self.scope.item == "value":
            return on_evaluation("item_value")
        if node.id in self.scope.formulas:
            return formula(self, node, node.id)
        if node.id in ("associations", "children", "item"):
            raise self.fault(node, f"`{node.id}` needs a name after it", f"write {node.id}.name")
        self._check_name(node, node.id)
        self.reads.fields.add(node.id)
        return ast.Call(on_evaluation("fields"), [ast.Constant(node.id)], [])

    def _attribute(self, node: ast.Attribute) -> ast.expr:
        parts: list[str] = []
        base: ast.expr = node
        while isinstance(base, ast.Attribute):
            self._check_name(base, base.attr)
            parts.append(base.attr)
            base = base.value
        parts.reverse()
        if isinstance(base, ast.Name):
            return self._path(node, base, parts)
        result = self.translate(base)
        for part in parts:
            result = ast.copy_location(invoke("read", result, ast.Constant(part)), node)
        return result

    def _path(self, node: ast.expr, base: ast.Name, parts: list[str]) -> ast.expr:
        if base.id in self.loops:
            variable = ast.Name(loop_name(base.id), ast.Load())
            return self._part(variable, self.loops[base.id], parts)
        if base.id == "associations":
            return self._association(node, parts)
        if base.id == "children":
            raise self.fault(
                node,
                "children can only be counted or walked through",
                "write count(children.name) or … for x in children.name",
            )
        if base.id == "item":
            return self._item(node, parts)
        if base.id == "target" and self.scope.target:
            self.reads.target_fields.add(".".join(parts))
            return self._part(on_evaluation("target"), None, parts)
        if base.id in WORDS or base.id == "id":
            raise self.fault(node, f"`{base.id}` has no parts")
        if base.id in self.scope.formulas:
            return self._part(formula(self, node, base.id), None, parts)
        self._check_name(base, base.id)
        name = ".".join([base.id, *parts])
        self.reads.fields.add(name)
        return invoke("read_path", on_evaluation("fields"), ast.Constant(name))

    def _part(self, element: ast.expr, children: str | None, parts: list[str]) -> ast.expr:
        name = ".".join(parts)
        if children is not None and name != "id":
            self.reads.children.setdefault(children, set()).add(name)
        return invoke("read_record", element, ast.Constant(name))

    def _association(self, node: ast.expr, parts: list[str]) -> ast.expr:
        if len(parts) != 1:
            raise self.fault(
                node, "an association is a list of ids", "write first(associations.name)"
            )
        self.reads.associations.add(parts[0])
        return ast.Call(on_evaluation("associations"), [ast.Constant(parts[0])], [])

    def _item(self, node: ast.expr, parts: list[str]) -> ast.expr:
        kind = self.scope.item
        if kind is None:
            raise self.fault(node, "`item` only exists inside `children:` and `each:`")
        if kind == "value":
            return self._part(on_evaluation("item_value"), self.scope.item_children, parts)
        if parts == ["id"] or (parts == ["key"] and kind == "key"):
            return on_evaluation("item_id")
        if kind == "key":
            raise self.fault(node, "this kind of child has only `item.id`")
        if parts[0] == "associations":
            if len(parts) != 2:
                raise self.fault(node, "an association is a list of ids")
            self.reads.item_associations.add(parts[1])
            return ast.Call(on_evaluation("item_associations"), [ast.Constant(parts[1])], [])
        name = ".".join(parts)
        self.reads.item_fields.add(name)
        if len(parts) == 1:
            return ast.Call(on_evaluation("item_fields"), [ast.Constant(name)], [])
        return invoke("read_path", on_evaluation("item_fields"), ast.Constant(name))

    def _subscript(self, node: ast.Subscript) -> ast.expr:
        index: Any = node.slice
        sign = 1
        if isinstance(index, ast.UnaryOp) and isinstance(index.op, ast.USub):
            index, sign = index.operand, -1
        if not isinstance(index, ast.Constant) or isinstance(index.value, bool):
            raise self.fault(node, "[ ] takes a position such as [0] or a name such as ['name']")
        if isinstance(index.value, str) and sign == 1:
            base = node.value
            if isinstance(base, ast.Name) and base.id == "associations":
                return self._association(node, [index.value])
            return invoke("read", self.translate(base), ast.Constant(index.value))
        if isinstance(index.value, int):
            position = ast.Constant(sign * index.value)
            return invoke("item_at", self.translate(node.value), position)
        raise self.fault(node, "[ ] takes a position such as [0] or a name such as ['name']")

    def _constant(self, node: ast.Constant) -> ast.expr:
        value = node.value
        if value is None or isinstance(value, bool | str):
            return ast.Constant(value)
        written = self._written(node)
        if isinstance(value, int | float) and NUMBER.fullmatch(written):
            if isinstance(value, int):
                return ast.Constant(value)
            # A literal keeps its digits as written, never going through a binary fraction.
            name = f"_number_{len(self.numbers)}"
            self.numbers[name] = Decimal(written)
            return ast.Name(name, ast.Load())
        raise self.fault(node, "numbers are written like 12 or 0.25")

    def _list(self, node: ast.List | ast.Tuple) -> ast.expr:
        return ast.Tuple([self.translate(item) for item in node.elts], ast.Load())

    def _binary(self, node: ast.BinOp) -> ast.expr:
        name = BINARY.get(type(node.op))
        if name is None:
            raise self.fault(node, "only + - * / are supported here")
        return invoke(name, self.translate(node.left), self.translate(node.right))

    def _unary(self, node: ast.UnaryOp) -> ast.expr:
        operand = self.translate(node.operand)
        if isinstance(node.op, ast.Not):
            return ast.UnaryOp(ast.Not(), self._condition(operand))
        if isinstance(node.op, ast.USub):
            return invoke("negate", operand)
        raise self.fault(node, "only `-` and `not` can stand before a value")

    def _boolean(self, node: ast.BoolOp) -> ast.expr:
        asks = any(
            isinstance(inner, ast.Name)
            and (inner.id == "linked" or inner.id in self.scope.formulas)
            for inner in ast.walk(node)
        )
        values = [self.translate(value) for value in node.values]
        if not asks:
            return ast.BoolOp(node.op, [self._condition(value) for value in values])
        # A link may be undecided: one operand alone can still settle the answer.
        name = "every" if isinstance(node.op, ast.And) else "some"
        return invoke(name, *(deferred(value) for value in values))

    def _compare(self, node: ast.Compare) -> ast.expr:
        if len(node.ops) != 1:
            raise self.fault(node, "comparisons cannot be chained", "write a < b and b < c")
        operator, right = node.ops[0], node.comparators[0]
        left = self.translate(node.left)
        if isinstance(operator, ast.Is | ast.IsNot):
            if not (isinstance(right, ast.Constant) and right.value is None) and not (
                isinstance(right, ast.Name) and right.id in ("null", "none")
            ):
                raise self.fault(
                    node, "`is` is only for blanks", "write `is None`, or == to compare"
                )
            return invoke("is_blank" if isinstance(operator, ast.Is) else "is_not_blank", left)
        return invoke(COMPARE[type(operator)], left, self.translate(right))

    def _choice(self, node: ast.IfExp) -> ast.expr:
        return ast.IfExp(
            self._condition(self.translate(node.test)),
            self.translate(node.body),
            self.translate(node.orelse),
        )

    def _condition(self, node: ast.expr) -> ast.expr:
        return ast.copy_location(invoke("truth", node), node)

    def _list_loop(self, node: ast.ListComp) -> ast.expr:
        element, generators = self._loop(node)
        return ast.ListComp(element, generators)

    def _loop(
        self, node: ast.GeneratorExp | ast.ListComp
    ) -> tuple[ast.expr, list[ast.comprehension]]:
        outer = dict(self.loops)
        generators: list[ast.comprehension] = []
        for generator in node.generators:
            if generator.is_async or not isinstance(generator.target, ast.Name):
                raise self.fault(node, "a loop has one plain name: … for x in list")
            if len(self.loops) >= LOOPS_MAX:
                raise self.fault(node, f"at most {LOOPS_MAX} loops can be nested")
            name = generator.target.id
            self._check_name(generator.target, name)
            items, children = self._walked(generator.iter)
            if name in self.loops:
                raise self.fault(node, f"`{name}` is already the name of a loop around this one")
            self.loops[name] = children
            generators.append(
                ast.comprehension(
                    ast.Name(loop_name(name), ast.Store()),
                    ast.copy_location(invoke("walk", evaluation(), items), generator.iter),
                    [self._condition(self.translate(test)) for test in generator.ifs],
                    0,
                )
            )
        element = self.translate(node.elt)
        self.loops = outer
        return element, generators

    def _walked(self, node: ast.expr) -> tuple[ast.expr, str | None]:
        """The list a loop walks through, and the kind of children it is."""
        name = children_name(node)
        if name is None:
            return self.translate(node), None
        self.reads.children.setdefault(name, set())
        reading = ast.Call(
            ast.Attribute(on_evaluation("children"), "get", ast.Load()), [ast.Constant(name)], []
        )
        return ast.copy_location(reading, node), name

    def _call(self, node: ast.Call) -> ast.expr:
        if not isinstance(node.func, ast.Name):
            raise self.fault(node, "only functions can be called, not methods")
        if node.keywords:
            raise self.fault(node, "arguments have no names here")
        name = node.func.id
        if name in CALLS:
            return CALLS[name](self, node)
        function = FUNCTIONS.get(name)
        if function is None:
            hint = nearest(name, (*FUNCTIONS, *SPECIAL))
            raise self.fault(node, f"there is no function `{name}`", hint)
        if len(node.args) < function.least or (
            function.most is not None and len(node.args) > function.most
        ):
            raise self.fault(node, f"wrong number of arguments: {function.usage}")
        if function.zone_at is not None:
            self._check_zone(node.args[function.zone_at])
        arguments = [self._argument(name, argument) for argument in node.args]
        return ast.Call(ast.Name(f"_function_{name}", ast.Load()), arguments, [])

    def _argument(self, function: str, node: ast.expr) -> ast.expr:
        if isinstance(node, ast.GeneratorExp):
            element, generators = self._loop(node)
            return ast.copy_location(ast.GeneratorExp(element, generators), node)
        if function == "count" and children_name(node) is not None:
            return self._walked(node)[0]
        return self.translate(node)

    def _check_zone(self, node: ast.expr) -> None:
        if isinstance(node, ast.Constant):
            try:
                zone(node.value)
            except DataFault as fault:
                raise self.fault(node, fault.message) from None

    def _check_name(self, node: ast.expr, name: str) -> None:
        if name.startswith("_"):
            raise self.fault(node, "names cannot begin with an underscore", "use field('name')")
        # Python folds look-alike letters in names; the written name must be the name.
        if name.encode() not in self._source[node.col_offset : node.end_col_offset]:
            raise self.fault(node, "names must be plain letters", "use field('name')")

    def _written(self, node: ast.expr) -> str:
        return self._source[node.col_offset : node.end_col_offset].decode()

    def fault(self, node: ast.AST, message: str, hint: str | None = None) -> SyntaxFault:
        offset: int = getattr(node, "col_offset", 0)
        return SyntaxFault(message, len(self._source[:offset].decode(errors="replace")), hint)
