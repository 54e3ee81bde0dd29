"""An expression, compiled: what it reads, and a function from a record to a value."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, TypeAlias

from connectors.records import Fields, Value
from engine.mapping import groups, operators
from engine.mapping.evaluation import Evaluation
from engine.mapping.faults import DataFault, LinkPending, Place
from engine.mapping.functions import FUNCTIONS
from engine.mapping.grammar import LinkQuestion, Scope, parse
from engine.mapping.model import Reference
from engine.mapping.syntax import Translator
from engine.mapping.texts import id_text
from engine.mapping.values import ValueMap, catalogue_key

Run: TypeAlias = Callable[[Evaluation], Any]

_FILE: Final = "<expression>"
_UNFORESEEN: Final = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
_OPERATORS: Final = [
    "add",
    "subtract",
    "multiply",
    "divide",
    "negate",
    "equal",
    "unequal",
    "less",
    "less_or_equal",
    "greater",
    "greater_or_equal",
    "one_of",
    "none_of",
    "is_blank",
    "is_not_blank",
    "truth",
    "every",
    "some",
    "read",
    "read_record",
    "read_path",
    "item_at",
    "walk",
]


@dataclass(frozen=True, slots=True)
class LinkId:
    """The id argument of a ``linked`` question, to be evaluated ahead of time."""

    object: str
    to: str | None
    run: Run


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression. ``sources`` are all paths it reads of the root record, sorted.

    ``shift`` is the offset of the text within its line, so that a column can be told; -1 where the
    text spans lines or is written with escapes, and only its beginning can be named.
    """

    source: str
    place: Place
    shift: int
    run: Run
    fields: tuple[str, ...]
    associations: tuple[str, ...]
    children: Mapping[str, tuple[str, ...]]
    item_fields: tuple[str, ...]
    item_associations: tuple[str, ...]
    catalogues: tuple[str, ...]
    target_fields: tuple[str, ...]
    links: tuple[LinkId, ...]
    value_maps: tuple[str, ...] = ()

    @property
    def sources(self) -> tuple[str, ...]:
        """The source paths read, those of a child with ``item.`` before them."""
        return tuple(
            sorted(
                [
                    *self.fields,
                    *(f"associations.{name}" for name in self.associations),
                    *(f"children.{name}" for name in self.children),
                    *(f"item.{name}" for name in self.item_fields),
                    *(f"item.associations.{name}" for name in self.item_associations),
                ]
            )
        )

    def value(self, evaluation: Evaluation) -> Value:
        """The result, as records hold values.

        Raises :class:`DataFault` with the exact place in its message, or :class:`LinkPending`.
        """
        try:
            return operators.finished(self.run(evaluation))
        except LinkPending:
            raise
        except DataFault as fault:
            raise self._placed(fault.code, fault.message, fault.__traceback__) from None
        except _UNFORESEEN as problem:
            message = "the expression cannot be worked out with these values"
            raise self._placed("EXPRESSION_FAILED", message, problem.__traceback__) from None

    def condition(self, evaluation: Evaluation) -> bool:
        """The result as the answer to a condition; blank counts as false."""
        try:
            return operators.truth(self.value(evaluation))
        except DataFault as fault:
            if fault.message.startswith(f"{self.place.file}:"):
                raise
            raise DataFault(fault.code, f"{self.place}: {fault.message}") from None

    def references(self, evaluation: Evaluation) -> list[Reference]:
        """The links this expression asks about, as far as their ids can be worked out."""
        found: list[Reference] = []
        for question in self.links:
            try:
                record_id = id_text(question.run(evaluation))
            except (DataFault, LinkPending, *_UNFORESEEN):
                continue  # the value itself will report the fault, with its place
            if record_id is not None:
                found.append(Reference(question.object, record_id, question.to))
        return found

    def _placed(self, code: str, message: str, trace: TracebackType | None) -> DataFault:
        column = self.place.column
        offset = _offset(trace)
        if offset is not None and self.shift >= 0:
            in_text = len(self.source.encode()[:offset].decode(errors="replace"))
            column = self.place.column + self.shift + in_text
        place = Place(self.place.file, self.place.line, column)
        return DataFault(code, f"{place}: {message}")


def compile_expression(
    source: str,
    place: Place,
    *,
    shift: int,
    scope: Scope,
    value_maps: Mapping[str, ValueMap],
) -> Expression:
    """Compile the text of an expression. Raises :class:`~engine.mapping.faults.SyntaxFault`.

    ``place`` is where the scalar starts; ``shift`` how far into it the text starts.
    """
    translator = Translator(source, scope)
    node = translator.translate(parse(source))
    names = _names(value_maps) | translator.numbers
    reads = translator.reads
    return Expression(
        source=source,
        place=place,
        shift=shift,
        run=_function(node, names),
        fields=tuple(sorted(reads.fields)),
        associations=tuple(sorted(reads.associations)),
        children={name: tuple(sorted(found)) for name, found in sorted(reads.children.items())},
        item_fields=tuple(sorted(reads.item_fields)),
        item_associations=tuple(sorted(reads.item_associations)),
        catalogues=tuple(sorted(reads.catalogues)),
        target_fields=tuple(sorted(reads.target_fields)),
        links=tuple(_link_id(question, names) for question in reads.links),
        value_maps=tuple(sorted(reads.value_maps)),
    )


def _link_id(question: LinkQuestion, names: dict[str, Any]) -> LinkId:
    return LinkId(question.object, question.to, _function(question.id, names))


def _function(node: ast.expr, names: dict[str, Any]) -> Run:
    parameters = ast.arguments(
        posonlyargs=[], args=[ast.arg("_x")], kwonlyargs=[], kw_defaults=[], defaults=[]
    )
    body = ast.copy_location(ast.Lambda(parameters, node), node)
    tree = ast.fix_missing_locations(ast.Expression(body))
    code = compile(tree, _FILE, "eval")
    # Only translated nodes get here: they call our operators and functions, and nothing else.
    run: Run = eval(code, names)  # noqa: S307
    return run


def _names(value_maps: Mapping[str, ValueMap]) -> dict[str, Any]:
    def value_map(name: str, value: Any) -> Value:
        return value_maps[name].translate(value)

    names: dict[str, Any] = {"__builtins__": {}, "_value_map": value_map}
    names |= {f"_operator_{name}": getattr(operators, name) for name in _OPERATORS}
    names |= {f"_function_{name}": function.call for name, function in FUNCTIONS.items()}
    names |= {"_operator_look_up": _look_up, "_operator_is_linked": _is_linked}
    names |= {"_operator_complete": groups.complete, "_operator_missing": groups.missing}
    return names


def _is_linked(evaluation: Evaluation, object: str, record_id: Any, to: str | None) -> bool:
    wanted = id_text(record_id)
    return wanted is not None and evaluation.linked(Reference(object, wanted, to))


def _look_up(evaluation: Evaluation, catalogue: str, *keys: Any) -> Fields | None:
    rows = evaluation.catalogues.get(catalogue)
    if rows is None:
        raise DataFault("CATALOGUE_NOT_READ", f"the catalogue `{catalogue}` was not read")
    if any(operators.is_blank(key) for key in keys):
        return None
    wanted = catalogue_key(keys)
    if wanted not in rows:
        return None
    row = rows[wanted]
    if row is None:
        raise DataFault(
            "CATALOGUE_AMBIGUOUS", f"more than one row of the catalogue `{catalogue}` has this key"
        )
    return row


def _offset(trace: TracebackType | None) -> int | None:
    """Where in an expression an error arose: the innermost position in its own code."""
    found = None
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename == _FILE:
            positions = list(code.co_positions())
            index = trace.tb_lasti // 2
            if 0 <= index < len(positions) and positions[index][2] is not None:
                found = positions[index][2]
        trace = trace.tb_next
    return found
