"""From a parsed mapping file to its compiled form, with every fault at once."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from pydantic import ValidationError

from connectors.records import Selection
from engine.config.problems import Problems
from engine.config.yaml import Document, KeyPath
from engine.mapping.compiled import ChildProgram, MappingProgram
from engine.mapping.expression import Expression
from engine.mapping.facts import (
    FactProgram,
    PeriodProgram,
    RateProgram,
    compile_fact,
    compile_period,
    compile_rate,
)
from engine.mapping.fields import FieldCompiler
from engine.mapping.grammar import Scope
from engine.mapping.model import CatalogueSpec
from engine.mapping.naming import compile_gates, with_formulas, with_groups
from engine.mapping.programs import MatchProgram
from engine.mapping.rules import Rules
from engine.mapping.schema import (
    ChildBlock,
    MappingFile,
    MatchBlock,
    TargetBlock,
)
from engine.mapping.steps import StepProgram, compile_step
from engine.mapping.values import Unmapped, ValueMap

# Part of every digest: raised when the same file begins to mean something else.
LANGUAGE: Final = 1
NOTHING: Final[Mapping[str, ValueMap]] = MappingProxyType({})
_TARGET_FIELD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")


def read_mapping_file(document: Document, problems: Problems) -> MappingFile | None:
    """Check the shape of a mapping file; faults go to ``problems``."""
    if not isinstance(document.value, dict):
        problems.at(document, (), "a mapping file is a block of keys", "start with `mapping: name`")
        return None
    try:
        return MappingFile.model_validate(document.value)
    except ValidationError as problem:
        problems.validation(document, MappingFile, problem)
        return None


def compile_mapping(
    document: Document, problems: Problems, shared: Mapping[str, ValueMap] = NOTHING
) -> MappingProgram | None:
    """Compile a mapping file; faults go to ``problems``, and ``None`` comes back.

    ``shared`` are the project's value maps: each takes the place of the file's of the same name.
    """
    before = len(problems)
    file = read_mapping_file(document, problems)
    if file is None:
        return None
    compiled = _Compiler(document, file, problems, shared).compile()
    return compiled if len(problems) == before else None


class _Compiler:
    def __init__(
        self,
        document: Document,
        file: MappingFile,
        problems: Problems,
        shared: Mapping[str, ValueMap],
    ) -> None:
        self._document = document
        self._file = file
        self._problems = problems
        self._value_maps = {
            name: ValueMap(name, dict(block.values), block.unmapped, block.default)
            for name, block in file.value_maps.items()
        }
        self._shared = shared
        self._value_maps |= shared
        scope = Scope(frozenset(self._value_maps), frozenset(file.catalogues))
        plain = FieldCompiler(document, problems, scope, self._value_maps)
        self._root = with_groups(with_formulas(plain, file.formulas), file.field_groups)
        self._children: list[ChildProgram] = []
        self._steps: tuple[StepProgram, ...] = ()
        self._facts: tuple[FactProgram, ...] = ()
        self._period: PeriodProgram | None = None
        self._rate: RateProgram | None = None

    def compile(self) -> MappingProgram:
        file = self._file
        target = file.target or TargetBlock(object="")
        self._check_tables()
        root = self._root
        rules = Rules(
            name=file.mapping,
            when=root.optional(("when",), file.when),
            gates=compile_gates(root, (), file.gates),
            matches=self._matches(root, (), file.match),
            programs=root.programs(("fields",), file.fields, target.identity),
        )
        self._steps = self._compile_steps(root)
        self._compile_books(root)
        key = root.optional(("business_key",), file.business_key)
        self._refuse_links(("business_key",), key)
        for position, block in enumerate(file.children):
            self._children.append(self._child(("children", position), block))
        self._check_names()
        return MappingProgram(
            name=file.mapping,
            file=self._document.file,
            target_object=target.object,
            identity_field=target.identity,
            rules=tuple(program.rule for program in rules.programs),
            digest=digest_of(self._content()),
            source_object=file.source.object,
            selection=self._selection(rules, key),
            includes=self._includes(rules, key),
            catalogues=self._catalogues(),
            kinds=tuple(self._children),
            business_key=key.source if key else f"{file.source.object}-{{id}}",
            key_expression=key,
            programs=rules,
            examples=tuple(file.examples),
            step_programs=self._steps,
            fact_programs=self._facts,
            period_program=self._period,
            rate_program=self._rate,
            identity_as=target.identity_as,
            description=file.description,
            value_maps=dict(self._value_maps),
        )

    def _compile_books(self, root: FieldCompiler) -> None:
        """What records prove for the books; links cannot be asked there."""
        file = self._file
        self._facts = tuple(
            compile_fact(root, ("facts", position), block)
            for position, block in enumerate(file.facts)
        )
        self._period = compile_period(root, ("period",), file.period) if file.period else None
        self._rate = compile_rate(root, ("rate",), file.rate) if file.rate else None
        for position, fact in enumerate(self._facts):
            self._refuse_links(("facts", position), *fact.expressions())
        for name, state in (("period", self._period), ("rate", self._rate)):
            if state is not None:
                self._refuse_links((name,), *state.expressions())

    def _compile_steps(self, root: FieldCompiler) -> tuple[StepProgram, ...]:
        found = [
            compile_step(root, ("steps", position), block)
            for position, block in enumerate(self._file.steps)
        ]
        return tuple(step for step in found if step is not None)

    def _matches(
        self, compiler: FieldCompiler, path: KeyPath, blocks: list[MatchBlock]
    ) -> tuple[MatchProgram, ...]:
        found: list[MatchProgram] = []
        for position, block in enumerate(blocks):
            values: dict[str, Expression] = {}
            for target, source in block.by.items():
                place = self._match_place(path, position, target)
                expression = compiler.expression(place, source)
                if expression is not None:
                    values[target] = expression
            if not block.by:
                self._problems.at(
                    self._document, (*path, "match", position), "the match rule names no field"
                )
            found.append(MatchProgram(block.name or " + ".join(block.by), values))
        return tuple(found)

    def _match_place(self, path: KeyPath, position: int, target: str) -> KeyPath:
        long: KeyPath = (*path, "match", position, "by", target)
        return long if long in self._document.marks else (*path, "match", position, target)

    def _child(self, path: KeyPath, block: ChildBlock) -> ChildProgram:
        given = [name for name in ("include", "each", "key") if getattr(block, name) is not None]
        if len(given) != 1:
            self._problems.at(
                self._document,
                path,
                f"the children `{block.name}` need exactly one of include, each and key",
                "include: child records; each: associated ids; key: children made from the root",
            )
        scope = replace(self._root.scope, item="record" if block.include else "key")
        compiler = self._root.within(scope)
        keys = self._root.optional((*path, "each"), block.each) or self._root.optional(
            (*path, "key"), block.key
        )
        self._refuse_links((*path, "each" if block.each else "key"), keys)
        rules = Rules(
            name=f"{self._file.mapping}/{block.name}",
            when=compiler.optional((*path, "when"), block.when),
            gates=compile_gates(compiler, path, block.gates),
            matches=self._matches(compiler, path, block.match),
            programs=compiler.programs((*path, "fields"), block.fields, block.identity),
        )
        if block.parent_field in block.fields:
            self._problems.at(
                self._document,
                (*path, "fields", block.parent_field),
                f"`{block.parent_field}` is the parent field; it is filled in by itself",
                "remove it from fields",
            )
        content = [block.model_dump(mode="python", by_alias=True), self._shared_content()]
        return ChildProgram(
            name=block.name,
            target_object=block.object,
            identity_field=block.identity,
            rules=tuple(program.rule for program in rules.programs),
            digest=digest_of(content),
            include=block.include,
            source_object=block.include or f"{self._file.source.object}/{block.name}",
            parent_field=block.parent_field,
            removed=block.removed,
            associated=block.each is not None,
            keys=keys,
            programs=rules,
        )

    def _every_expression(self, rules: Rules, key: Expression | None) -> list[Expression]:
        found = rules.expressions() + ([key] if key else [])
        found += [one for step in self._steps for one in step.expressions()]
        found += [one for fact in self._facts for one in fact.expressions()]
        found += self._period.expressions() if self._period else []
        found += self._rate.expressions() if self._rate else []
        for child in self._children:
            found += child.programs.expressions() + ([child.keys] if child.keys else [])
        return found

    def _selection(self, rules: Rules, key: Expression | None) -> Selection:
        fields: set[str] = set()
        associations = set(self._file.source.associations)
        for expression in self._every_expression(rules, key):
            fields.update(expression.fields)
            associations.update(expression.associations)
        return Selection(
            self._file.source.object, tuple(sorted(fields)), tuple(sorted(associations))
        )

    def _includes(self, rules: Rules, key: Expression | None) -> dict[str, Selection]:
        fields: dict[str, set[str]] = {name: set() for name in self._file.source.include}
        associations: dict[str, set[str]] = {}
        for expression in self._every_expression(rules, key):
            for name, read in expression.children.items():
                fields.setdefault(name, set()).update(read)
        for child in self._children:
            if child.include is None:
                continue
            fields.setdefault(child.include, set())
            for expression in child.programs.expressions():
                fields[child.include].update(expression.item_fields)
                associations.setdefault(child.include, set()).update(expression.item_associations)
        return {
            name: Selection(name, tuple(sorted(found)), tuple(sorted(associations.get(name, ()))))
            for name, found in sorted(fields.items())
        }

    def _catalogues(self) -> tuple[CatalogueSpec, ...]:
        return tuple(
            CatalogueSpec(
                name,
                block.object,
                tuple(block.key),
                tuple(sorted({*block.fields, *block.key})),
            )
            for name, block in sorted(self._file.catalogues.items())
        )

    def _check_tables(self) -> None:
        for name, block in self._file.value_maps.items():
            place: KeyPath = ("value_maps", name)
            has_default = block.default is not None
            if block.unmapped is Unmapped.DEFAULT and not has_default:
                self._problems.at(self._document, place, f"the value map `{name}` needs a default")
            if block.unmapped is not Unmapped.DEFAULT and has_default:
                self._problems.at(
                    self._document,
                    (*place, "default"),
                    "a default is only used with `unmapped: default`",
                )
            if any(
                isinstance(value, dict | list) for value in (*block.values.values(), block.default)
            ):
                self._problems.at(
                    self._document, place, f"the value map `{name}` must map single values"
                )
            if not block.values:
                self._problems.at(self._document, place, f"the value map `{name}` is empty")
        for name, table in self._file.catalogues.items():
            if not table.key:
                self._problems.at(
                    self._document, ("catalogues", name), f"the catalogue `{name}` needs a key"
                )

    def _check_names(self) -> None:
        file = self._file
        seen: set[str] = set()
        for position, block in enumerate(file.children):
            place: KeyPath = ("children", position, "name")
            if block.name in seen:
                self._problems.at(self._document, place, f"two kinds of children `{block.name}`")
            seen.add(block.name)
        for paths, fields in [
            (("fields",), file.fields),
            *((("children", i, "fields"), block.fields) for i, block in enumerate(file.children)),
        ]:
            for target in fields:
                if _TARGET_FIELD.fullmatch(target) is None:
                    self._problems.at(
                        self._document,
                        (*paths, target),
                        f"`{target}` is not a field name",
                        key=True,
                    )
        observes = file.target is None
        if not observes and not file.fields and not file.match:
            self._problems.at(
                self._document, ("fields",), "the mapping fills no field", "add `fields:`"
            )
        if observes and not file.facts and file.period is None and file.rate is None:
            self._problems.at(
                self._document,
                ("source",),
                "a mapping without target only watches, and this one notes nothing",
                "add `target:`, or `facts:`",
            )
        for name in ("fields", "match", "children", "steps"):
            if observes and getattr(file, name):
                self._problems.at(
                    self._document, (name,), f"`{name}` has no meaning without `target`", key=True
                )

    def _refuse_links(self, path: KeyPath, *expressions: Expression | None) -> None:
        if any(expression is not None and expression.links for expression in expressions):
            self._problems.at(self._document, path, "linked(…) cannot be asked here")

    def _content(self) -> Any:
        exclude = {"examples", "description"}
        content = self._file.model_dump(mode="python", by_alias=True, exclude=exclude)
        return [content, self._shared_maps()]

    def _shared_content(self) -> Any:
        include = {"mapping", "source", "target", "value_maps", "catalogues"}
        include |= {"formulas", "field_groups"}
        content = self._file.model_dump(mode="python", by_alias=True, include=include)
        return [content, self._shared_maps()]

    def _shared_maps(self) -> Any:
        """The project's value maps that stand in for the file's own."""
        return {
            name: [dict(one.values), one.unmapped.value, one.default]
            for name, one in sorted(self._shared.items())
            if name in self._file.value_maps
        }


def digest_of(content: Any) -> str:
    """A SHA-256 over plain data in one canonical form; types count, the order of keys does not."""
    written = json.dumps(
        [LANGUAGE, content],
        sort_keys=True,
        ensure_ascii=True,
        default=_tagged,
        separators=(",", ":"),
    )
    return hashlib.sha256(written.encode()).hexdigest()


def _tagged(value: Any) -> Any:
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    if isinstance(value, Mapping):
        return dict(value)
    return {type(value).__name__: str(value)}
