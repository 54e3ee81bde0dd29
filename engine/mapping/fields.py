"""Compiles the ``fields:`` of a mapping, and any expression with its place in the file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from connectors.records import Value
from engine.config.problems import Problems
from engine.config.yaml import QUOTE_EXPRESSION, Document, KeyPath
from engine.errors import ConfigError
from engine.mapping.expression import Expression, compile_expression
from engine.mapping.faults import Place, SyntaxFault
from engine.mapping.grammar import Scope
from engine.mapping.model import FieldRule, OnConflict
from engine.mapping.nearest import nearest
from engine.mapping.programs import FieldProgram, ReferenceRule
from engine.mapping.schema import FieldBlock
from engine.mapping.shaping import compile_shape
from engine.mapping.values import ValueMap

_PATH: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z0-9][A-Za-z0-9_]*)*")


class FieldCompiler:
    """Compiles within one scope: the root's expressions, or those of one kind of child."""

    def __init__(
        self,
        document: Document,
        problems: Problems,
        scope: Scope,
        value_maps: Mapping[str, ValueMap],
    ) -> None:
        self._document = document
        self._problems = problems
        self._scope = scope
        self._value_maps = value_maps

    def within(self, scope: Scope) -> FieldCompiler:
        """A compiler of the same file, for another scope."""
        return FieldCompiler(self._document, self._problems, scope, self._value_maps)

    def fault(
        self, path: KeyPath, message: str, hint: str | None = None, *, key: bool = False
    ) -> None:
        """Note a fault of the file."""
        self._problems.at(self._document, path, message, hint, key=key)

    @property
    def scope(self) -> Scope:
        """What expressions may name here."""
        return self._scope

    def optional(self, path: KeyPath, written: str | None) -> Expression | None:
        """The expression at ``path``, if there is one."""
        return self.expression(path, written) if written is not None else None

    def expression(self, path: KeyPath, written: str) -> Expression | None:
        """Compile the text at ``path``: a source path, or ``=`` and an expression."""
        mark = self._document.mark(path)
        body = written.lstrip()
        is_expression = body.startswith("=")
        if is_expression:
            body = body[1:].lstrip()
        elif _PATH.fullmatch(body) is None:
            self._problems.at(
                self._document,
                path,
                f"`{_short(written)}` is not the name of a source field",
                "start expressions with `= `, write constants as {const: …}",
            )
            return None
        shift = len(written) - len(body) + (0 if mark.plain else 1)
        body = re.sub(r"[\r\n]", " ", body).rstrip()
        try:
            return compile_expression(
                body,
                Place(self._document.file, mark.line, mark.column),
                shift=shift if mark.single_line else -1,
                scope=self._scope,
                value_maps=self._value_maps,
            )
        except SyntaxFault as fault:
            column = mark.column + (shift + fault.column if mark.single_line else 0)
            hint = fault.hint
            cut = mark.plain and (
                self._document.cut_by_comment(path) or fault.message.startswith("not an expression")
            )
            if cut and hint is None:
                hint = QUOTE_EXPRESSION
            self._problems.add(
                ConfigError(self._document.file, mark.line, column, fault.message, hint)
            )
            return None

    def programs(
        self, path: KeyPath, blocks: Mapping[str, FieldBlock], identity: str | None
    ) -> tuple[FieldProgram, ...]:
        """Compile a block of target fields, in its order."""
        found: list[FieldProgram] = []
        for target, block in blocks.items():
            place = (*path, target)
            if target == identity:
                self._problems.at(
                    self._document,
                    place,
                    f"`{target}` is the identity field; it is filled in by itself",
                    "remove it from fields",
                    key=True,
                )
            program = self._program(place, target, block)
            if program is not None:
                found.append(program)
        return tuple(found)

    def _program(self, path: KeyPath, target: str, block: FieldBlock) -> FieldProgram | None:
        if not self._consistent(path, target, block):
            return None
        expression = None
        if block.from_ is not None:
            inner = (*path, "from")
            expression = self.expression(
                inner if inner in self._document.marks else path, block.from_
            )
            if expression is None:
                return None
        when = self.optional((*path, "when"), block.when)
        shape = compile_shape(self, path, block)
        reference = None
        if block.ref is not None:
            reference = ReferenceRule(block.ref, block.to, block.on_missing)
        used = [one for one in (expression, when) if one is not None]
        used += shape.expressions() if shape else []
        reads = frozenset(source for one in used for source in one.sources)
        return FieldProgram(
            rule=self._rule(path, target, block, expression, reads),
            reads=reads,
            expression=expression,
            constant=_exact(block.const),
            default=_exact(block.default),
            value_map=self._value_maps[block.value_map] if block.value_map else None,
            when=when,
            reference=reference,
            shape=shape,
        )

    def _rule(
        self,
        path: KeyPath,
        target: str,
        block: FieldBlock,
        expression: Expression | None,
        reads: frozenset[str],
    ) -> FieldRule:
        mark = self._document.mark(path, key=True)
        has_record = self._scope.item == "record"
        sources = sorted(_own(source) if has_record else source for source in reads)
        return FieldRule(
            target=target,
            sources=tuple(sources),
            pair=self._pair(block, expression),
            owner=block.owner,
            on_conflict=block.on_conflict,
            enforce=block.enforce,
            on_create_only=block.on_create_only,
            place=f"{self._document.file}:{mark.line}:{mark.column}",
        )

    def _pair(self, block: FieldBlock, expression: Expression | None) -> str | None:
        if expression is None or block.ref is not None or expression.links:
            return None
        own = expression.item_fields if self._scope.item == "record" else expression.fields
        if len(expression.sources) != 1 or len(own) != 1:
            return None
        return own[0]

    def _consistent(self, path: KeyPath, target: str, block: FieldBlock) -> bool:
        written = block.model_fields_set
        faults: list[tuple[str, str | None]] = []
        ways = written & {"const", "from_", "record", "list_", "each", "lists"}
        if len(ways) != 1:
            faults.append(
                (
                    f"`{target}` needs exactly one of from, const, record, list, each and lists",
                    "a blank constant is const: null",
                )
            )
        apart = ("each" in written) != ("item" in written)
        if apart or ("where" in written and "each" not in written):
            faults.append(("`each`, `where` and `item` belong together", "see docs/mappings.md"))
        for name, given in (("const", block.const), ("default", block.default)):
            if isinstance(given, dict | list):
                faults.append((f"`{name}` must be one value", None))
        if "const" in written:
            extra = sorted(written & {"default", "value_map", "ref"})
            faults += [(f"`{name}` has no meaning beside const", None) for name in extra]
        if block.ref is None:
            extra = sorted(written & {"to", "on_missing"})
            faults += [(f"`{name}` has no meaning without ref", None) for name in extra]
        else:
            extra = sorted(written & {"default", "value_map"})
            faults += [(f"`{name}` has no meaning beside ref", None) for name in extra]
        if block.value_map is not None and block.value_map not in self._value_maps:
            hint = nearest(block.value_map, self._value_maps)
            faults.append((f"there is no value map `{block.value_map}`", hint))
        if block.on_conflict is OnConflict.OWNER and "on_conflict" in written and not block.owner:
            faults.append(("`on_conflict: owner` needs an owner", "add owner: source or target"))
        for message, hint in faults:
            self._problems.at(self._document, path, message, hint, key=True)
        return not faults


def _own(source: str) -> str:
    return source.removeprefix("item.") if source.startswith("item.") else f"root.{source}"


def _exact(value: object) -> Value:
    result: Value = str(value) if isinstance(value, str) else value  # type: ignore[assignment]
    return result


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "…"
