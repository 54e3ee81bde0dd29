"""The pieces that translated expressions are built of."""

from __future__ import annotations

import ast


def loop_name(name: str) -> str:
    """The Python name of a loop's variable: never one that an expression could write."""
    return f"_loop_{name}"


def evaluation() -> ast.expr:
    """The evaluation that the compiled function is given."""
    return ast.Name("_x", ast.Load())


def on_evaluation(attribute: str) -> ast.expr:
    """One attribute of the evaluation."""
    return ast.Attribute(evaluation(), attribute, ast.Load())


def invoke(operator: str, *arguments: ast.expr) -> ast.expr:
    """A call of one of our operators."""
    return ast.Call(ast.Name(f"_operator_{operator}", ast.Load()), list(arguments), [])


def deferred(node: ast.expr) -> ast.expr:
    """The node as a function without arguments, to be worked out only if needed."""
    nothing = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
    return ast.copy_location(ast.Lambda(nothing, node), node)
