"""Expressions in English. What has no good words is shown as it is written, in backticks."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from engine.explaining.words import listed, plural, singular, spoken, with_article
from engine.mapping.faults import SyntaxFault
from engine.mapping.grammar import WORDS, children_name, parse

_COMPARED: Final[Mapping[type[ast.cmpop], str]] = MappingProxyType(
    {
        ast.Eq: "is",
        ast.NotEq: "is not",
        ast.Gt: "is above",
        ast.GtE: "is at least",
        ast.Lt: "is below",
        ast.LtE: "is at most",
    }
)
_TURNED: Final[Mapping[type[ast.cmpop], type[ast.cmpop]]] = MappingProxyType(
    {
        ast.Eq: ast.NotEq,
        ast.NotEq: ast.Eq,
        ast.Gt: ast.LtE,
        ast.GtE: ast.Lt,
        ast.Lt: ast.GtE,
        ast.LtE: ast.Gt,
        ast.In: ast.NotIn,
        ast.NotIn: ast.In,
        ast.Is: ast.IsNot,
        ast.IsNot: ast.Is,
    }
)
_SIGNS: Final[Mapping[type[ast.operator], str]] = MappingProxyType(
    {ast.Add: "plus", ast.Sub: "minus", ast.Mult: "times", ast.Div: "divided by"}
)
# The value itself, for a person: these only change how it is written.
_TRANSPARENT: Final = frozenset(
    ("text", "number", "trim", "lower", "upper", "title", "money", "parse_date", "parse_instant")
)
_ASKED: Final = {
    "starts_with": ("begins with", "does not begin with"),
    "ends_with": ("ends with", "does not end with"),
    "contains": ("contains", "does not contain"),
}
_OF_A_LIST: Final = {
    "first": "the first of",
    "last": "the last of",
    "smallest": "the smallest of",
    "largest": "the largest of",
    "distinct": "the different",
}


def condition(source: str, subject: str = "its") -> str:
    """A condition in words. ``subject`` stands before the fields of the record: its stage."""
    return _told(source, lambda speaker, tree: speaker.condition(tree), subject)


def unless(source: str, subject: str = "its") -> str:
    """The opposite of a condition in words."""
    return _told(source, lambda speaker, tree: speaker.condition(tree, no=True), subject)


def value(source: str, subject: str = "its") -> str:
    """A value in words."""
    return _told(source, lambda speaker, tree: speaker.value(tree), subject)


def parts_of(source: str) -> str:
    """What a composed key is made of, without the texts between: the number and the version."""
    try:
        found = _operands(parse(source))
    except SyntaxFault:
        return f"`{source}`"
    speaker = _Speaker(source, "")
    return listed([speaker.value(one).strip() for one in found if not _is_constant(one)])


def _operands(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [*_operands(node.left), *_operands(node.right)]
    return [node]


def reached(source: str) -> tuple[str, str | None] | None:
    """For ``Stage == 'Won' and more``: the stage that is reached, and the rest as its source."""
    try:
        tree = parse(source)
    except SyntaxFault:
        return None
    parts = tree.values if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And) else [tree]
    for part in parts:
        stage = _stage(part)
        if stage is not None:
            rest = " and ".join(f"({ast.unparse(one)})" for one in parts if one is not part)
            return stage, rest or None
    return None


def _stage(node: ast.expr) -> str | None:
    """What a stage or status has to be, for a comparison of one with a text."""
    if not (isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq)):
        return None
    left, right = node.left, node.comparators[0]
    if not (isinstance(left, ast.Name) and isinstance(right, ast.Constant)):
        return None
    named = spoken(left.id).replace(" ", "").removesuffix("name").endswith(("stage", "status"))
    return str(right.value) if named and isinstance(right.value, str) else None


def _told(source: str, tell: Callable[[_Speaker, ast.expr], str], subject: str) -> str:
    try:
        return tell(_Speaker(source, subject), parse(source))
    except SyntaxFault:
        return f"`{source}`"


@dataclass(slots=True)
class _Speaker:
    """Tells one expression. ``loops`` are the names of loops around, by what they stand for."""

    source: str
    subject: str
    loops: dict[str, str] = field(default_factory=dict)

    # -- conditions --------------------------------------------------------------------------

    def condition(self, node: ast.expr, *, no: bool = False) -> str:
        match node:
            case ast.BoolOp():
                return self._joined(node, no=no)
            case ast.UnaryOp(op=ast.Not()):
                return self.condition(node.operand, no=not no)
            case ast.IfExp() if _is_no(node.orelse):
                both = ast.BoolOp(ast.And(), [node.test, node.body])
                return self._joined(both, no=no)
            case ast.Compare():
                return self._compared(node, no=no)
            case ast.Call(func=ast.Name(id="required"), args=[ast.IfExp(test=asked), *_]):
                return self.condition(asked, no=no)  # with a sentence for where it does not hold
            case ast.Call(func=ast.Name()):
                return self._asked(node, no=no)
            case ast.Name() | ast.Attribute():
                return self._is_so(node, no=no)
        shown = self._as_written(node)
        return f"{shown} does not hold" if no else f"{shown} holds"

    def _is_so(self, node: ast.Name | ast.Attribute, *, no: bool) -> str:
        """A field that is true or not: ``isPosting`` is said as it is posting."""
        told = self.value(node)
        verb, space, rest = told.removeprefix(f"{self.subject} ").partition(" ")
        if space and verb in ("is", "has"):
            return f"it {verb} {'not ' if no else ''}{rest}"
        return f"{told} is {'not ' if no else ''}true"

    def _joined(self, node: ast.BoolOp, *, no: bool) -> str:
        both = isinstance(node.op, ast.And) is not no
        parts = [self._part(one, both=both, no=no) for one in node.values]
        return listed(parts, "and" if both else "or")

    def _part(self, node: ast.expr, *, both: bool, no: bool) -> str:
        """One of several; what is joined otherwise within it is kept apart."""
        told = self.condition(node, no=no)
        inner, turned = node, no
        while isinstance(inner, ast.UnaryOp) and isinstance(inner.op, ast.Not):
            inner, turned = inner.operand, not turned
        if isinstance(inner, ast.BoolOp) and (isinstance(inner.op, ast.And) is not turned) != both:
            return f"({told})"
        return told

    def _compared(self, node: ast.Compare, *, no: bool) -> str:
        operator: type[ast.cmpop] = type(node.ops[0])
        operator = _TURNED[operator] if no else operator
        left, right = node.left, node.comparators[0]
        if operator in (ast.Is, ast.IsNot):
            several = self._several(left)
            if several:
                both = operator is ast.Is
                joined = listed(several, "and" if both else "or")
                return f"{joined} {'are blank' if both else 'is filled in'}"
            return f"{self.value(left)} is {'blank' if operator is ast.Is else 'filled in'}"
        if operator in (ast.In, ast.NotIn) and isinstance(right, ast.List | ast.Tuple):
            choices = [self.value(one) for one in right.elts]
            if len(choices) == 1:
                return f"{self.value(left)} is {'not ' * (operator is ast.NotIn)}{choices[0]}"
            if operator is ast.In:
                return f"{self.value(left)} is {listed(choices, 'or')}"
            return f"{self.value(left)} is neither {listed(choices, 'nor')}"
        if operator in (ast.In, ast.NotIn):
            inside = "is among" if operator is ast.In else "is not among"
            return f"{self.value(left)} {inside} {self.value(right)}"
        some = self._counted(left, operator, right)
        if some is not None:
            return some
        return f"{self.value(left)} {_COMPARED[operator]} {self.value(right)}"

    def _several(self, node: ast.expr) -> list[str]:
        """The fields of ``default(a, b)``, of which one is enough."""
        if not (isinstance(node, ast.Call) and _called(node) == "default"):
            return []
        fields = [self.value(one) for one in node.args if not _is_constant(one)]
        return fields if len(fields) > 1 else []

    def _counted(self, left: ast.expr, operator: type[ast.cmpop], right: ast.expr) -> str | None:
        """``count(children.lines) > 0``: it has lines."""
        if not (isinstance(left, ast.Call) and _called(left) == "count" and len(left.args) == 1):
            return None
        if not (isinstance(right, ast.Constant) and right.value == 0):
            return None
        many = self._members(left.args[0])
        if many is None:
            return None
        if operator in (ast.Gt, ast.NotEq):
            return f"it has {many}"
        return f"it has no {many}" if operator in (ast.Eq, ast.LtE) else None

    def _asked(self, node: ast.Call, *, no: bool) -> str:
        name, arguments = _called(node), node.args
        if name in ("any", "all") and isinstance(arguments[0], ast.GeneratorExp):
            return self._quantified(name, arguments[0], no=no)
        if name == "linked" and len(arguments) >= 2:
            return self._linked(arguments, no=no)
        if name == "complete" and isinstance(arguments[0], ast.Constant):
            title = spoken(str(arguments[0].value))
            return f"{title} is {'incomplete' if no else 'complete'}"
        if name in _ASKED and len(arguments) == 2:
            verb = _ASKED[name][1 if no else 0]
            return f"{self.value(arguments[0])} {verb} {self.value(arguments[1])}"
        if name == "is_free_mail":
            kind = "is not" if no else "is"
            return f"{self.value(arguments[0])} {kind} with a provider of mailboxes for anybody"
        return f"{self.value(node)} is {'not ' if no else ''}true"

    def _linked(self, arguments: list[ast.expr], *, no: bool) -> str:
        of = str(arguments[0].value) if isinstance(arguments[0], ast.Constant) else ""
        to = ""
        if len(arguments) == 3 and isinstance(arguments[2], ast.Constant):
            names = [singular(spoken(one)) for one in str(arguments[2].value).split("|")]
            to = f" to {listed([with_article(name) for name in names], 'or')}"
        own = isinstance(arguments[1], ast.Name) and arguments[1].id == "id"
        what = "it" if own else f"its {singular(spoken(of))}"
        return f"{what} is {'not ' if no else ''}linked{to}"

    def _quantified(self, name: str, loop: ast.GeneratorExp, *, no: bool) -> str:
        """``any(… for line in children.lines)``: for at least one of its lines, …"""
        generator = loop.generators[0]
        many = self._members(generator.iter)
        simple = len(loop.generators) == 1 and isinstance(generator.target, ast.Name)
        if many is None or not simple or not isinstance(generator.target, ast.Name):
            shown = self._as_written(loop)
            return f"{name}({shown}) {'does not hold' if no else 'holds'}"
        inner = _Speaker(self.source, self.subject, {**self.loops, generator.target.id: "its"})
        tests = [inner.condition(test) for test in generator.ifs]
        told = inner.condition(loop.elt, no=no)
        # Not all is: one is not. Not any is: every one is not.
        every = (name == "all") is not no
        which = f" where {listed(tests)}" if tests else ""
        counted = "every one of" if every else "at least one of"
        return f"for {counted} its {many}{which}, {told}"

    # -- values ------------------------------------------------------------------------------

    def value(self, node: ast.expr) -> str:
        match node:
            case ast.Constant():
                return _constant(node.value)
            case ast.Name():
                return self._named(node.id)
            case ast.Attribute():
                return self._path(node)
            case ast.BinOp() if type(node.op) in _SIGNS:
                sign = _SIGNS[type(node.op)]
                return f"{self.value(node.left)} {sign} {self.value(node.right)}"
            case ast.UnaryOp(op=ast.USub()):
                return f"minus {self.value(node.operand)}"
            case ast.Call(func=ast.Name()):
                return self._call(node)
            case ast.List() | ast.Tuple():
                return listed([self.value(one) for one in node.elts])
        return self._as_written(node)

    def _named(self, name: str) -> str:
        if name in self.loops:
            return "it"
        if name in WORDS:
            return _constant(WORDS[name])
        return f"{self.subject} {spoken(name)}"

    def _path(self, node: ast.Attribute) -> str:
        parts: list[str] = []
        base: ast.expr = node
        while isinstance(base, ast.Attribute):
            parts.append(base.attr)
            base = base.value
        parts.reverse()
        if not isinstance(base, ast.Name):
            return self._as_written(node)
        if base.id == "target":
            return f"the target's {spoken('.'.join(parts))}"
        if base.id in self.loops or base.id == "item":
            return f"its {spoken('.'.join(parts))}"
        if base.id in ("associations", "children"):
            return f"{self.subject} {plural(spoken('.'.join(parts)))}"
        return f"{self.subject} {spoken('.'.join([base.id, *parts]))}"

    def _call(self, node: ast.Call) -> str:
        name, arguments = _called(node), node.args
        if name == "default" and arguments:
            return self._defaulted(arguments)
        if name in _TRANSPARENT and arguments:
            return self.value(arguments[0])
        if name in ("required", "round_half_even", "date_of", "in_tz", "from_minor", "to_minor"):
            return self.value(arguments[0])
        if name == "mapped" and len(arguments) == 2 and isinstance(arguments[0], ast.Constant):
            return f"{self.value(arguments[1])} by the value map {_constant(arguments[0].value)}"
        if name == "field" and isinstance(arguments[0], ast.Constant):
            return self._named(str(arguments[0].value))
        if name == "discount_percent" and len(arguments) == 2:
            return f"the discount from {self.value(arguments[0])} to {self.value(arguments[1])}"
        if name in ("domain", "email_domain"):
            return f"the domain of {self.value(arguments[0])}"
        if name in ("count", "total", *_OF_A_LIST) and arguments:
            return self._of_list(name, arguments[0])
        return self._as_written(node)

    def _defaulted(self, arguments: list[ast.expr]) -> str:
        """A constant after a field says only what a blank counts as."""
        fields = [one for one in arguments if not _is_constant(one)]
        if len(fields) == 1:
            return self.value(fields[0])
        return (
            f"the first of {listed([self.value(one) for one in fields], 'and')} that is filled in"
        )

    def _of_list(self, name: str, node: ast.expr) -> str:
        if isinstance(node, ast.GeneratorExp | ast.ListComp) and len(node.generators) == 1:
            generator = node.generators[0]
            many = self._members(generator.iter)
            if many is not None and not generator.ifs and isinstance(generator.target, ast.Name):
                inner = _Speaker(self.source, "their", {generator.target.id: "their"})
                told = inner.value(node.elt).replace("its ", "")
                what = {"total": "the total of", "count": "the number of"}
                return f"{what.get(name) or _OF_A_LIST[name]} the {told} of its {many}"
            what = {"total": "the total of", "count": "the number of"}
            return f"{what.get(name) or _OF_A_LIST[name]} {self._as_written(node)}"
        many = self._members(node)
        if name in ("count", "total"):
            kind = "the number of" if name == "count" else "the total of"
            return f"{kind} {'its ' + many if many else self.value(node)}"
        return f"{_OF_A_LIST[name]} {'its ' + many if many else self.value(node)}"

    def _members(self, node: ast.expr) -> str | None:
        """The words for a set of children or associated records."""
        name = children_name(node)
        if name is None and isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            name = node.attr if node.value.id == "associations" else None
        if name is None and isinstance(node, ast.Name) and node.id not in self.loops:
            name = node.id
        return plural(spoken(name)) if name is not None else None

    def _as_written(self, node: ast.expr) -> str:
        return f"`{ast.get_source_segment(self.source, node) or ast.unparse(node)}`"


def _is_constant(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) or (isinstance(node, ast.Name) and node.id in WORDS)


def _is_no(node: ast.expr) -> bool:
    """Whether a value counts as false: nothing, or false itself."""
    written = node.id if isinstance(node, ast.Name) else None
    shown = node.value if isinstance(node, ast.Constant) else WORDS.get(written or "", True)
    return shown is None or shown is False


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _constant(shown: object) -> str:
    if shown is None:
        return "blank"
    if isinstance(shown, bool):
        return "true" if shown else "false"
    if isinstance(shown, str):
        return shown if shown[:1].isalnum() and shown.strip() == shown else f"“{shown}”"
    return str(shown)
