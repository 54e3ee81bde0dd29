"""A mapping file, compiled: the engine's only view of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from connectors.records import MISSING, Record, Selection
from connectors.values import (
    external_id,
    external_id_part,
    parse_external_id,
    parse_external_id_part,
)
from engine.mapping.evaluation import Evaluation
from engine.mapping.expression import Expression
from engine.mapping.facts import FactProgram, PeriodProgram, RateProgram, StateProgram
from engine.mapping.faults import DataFault, LinkPending
from engine.mapping.model import (
    AwaitsLink,
    CatalogueSpec,
    CompiledChild,
    FieldRule,
    Held,
    Lookups,
    Mapped,
    MappedChild,
    NotIncluded,
    Reference,
    SourceView,
    StepDue,
    Unmappable,
)
from engine.mapping.operators import is_blank
from engine.mapping.rules import Rules, require_read
from engine.mapping.schema import ExampleBlock
from engine.mapping.steps import StepProgram, next_step
from engine.mapping.texts import id_text, text
from engine.mapping.values import ValueMap
from engine.money.model import Fact, FactKind, PeriodState, Rate

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ChildProgram:
    """The rules for one kind of child; see :class:`~engine.mapping.model.CompiledChild`.

    ``keys`` gives the keys of virtual children: one text or a list.
    """

    name: str
    target_object: str
    identity_field: str | None
    rules: tuple[FieldRule, ...]
    digest: str
    include: str | None
    source_object: str
    parent_field: str
    removed: str
    associated: bool
    keys: Expression | None
    programs: Rules

    def identity_value(self, source_object: str, source_id: str) -> str:
        """See :meth:`~engine.mapping.model.RuleSet.identity_value`."""
        return external_id(source_object, source_id)

    def source_of_identity(self, value: str) -> tuple[str, str] | None:
        """See :meth:`~engine.mapping.model.RuleSet.source_of_identity`."""
        return parse_external_id(value)

    @property
    def identity_is_plain(self) -> bool:
        """See :class:`~engine.mapping.model.RuleSet`."""
        return False


@dataclass(frozen=True, slots=True)
class MappingProgram:
    """See :class:`~engine.mapping.model.CompiledMapping`. ``file`` names it in messages."""

    name: str
    file: str
    target_object: str
    identity_field: str | None
    rules: tuple[FieldRule, ...]
    digest: str
    source_object: str
    selection: Selection
    includes: Mapping[str, Selection]
    catalogues: tuple[CatalogueSpec, ...]
    kinds: tuple[ChildProgram, ...]
    business_key: str
    key_expression: Expression | None
    programs: Rules
    examples: tuple[ExampleBlock, ...]
    step_programs: tuple[StepProgram, ...] = ()
    fact_programs: tuple[FactProgram, ...] = ()
    period_program: PeriodProgram | None = None
    rate_program: RateProgram | None = None
    identity_as: str | None = None
    description: str | None = None
    value_maps: Mapping[str, ValueMap] = field(default_factory=dict)

    @property
    def observes(self) -> bool:
        """See :class:`~engine.mapping.model.CompiledMapping`."""
        return not self.target_object

    @property
    def fact_kinds(self) -> frozenset[FactKind]:
        """See :class:`~engine.mapping.model.CompiledMapping`."""
        return frozenset(program.kind for program in self.fact_programs)

    @property
    def tells_rates(self) -> bool:
        """See :class:`~engine.mapping.model.CompiledMapping`."""
        return self.rate_program is not None

    @property
    def step_fields(self) -> tuple[str, ...]:
        """See :class:`~engine.mapping.model.CompiledMapping`."""
        expressions = [one for step in self.step_programs for one in step.expressions()]
        return tuple(sorted({name for one in expressions for name in one.target_fields}))

    @property
    def actions(self) -> tuple[str, ...]:
        """See :class:`~engine.mapping.model.CompiledMapping`."""
        return tuple(step.action for step in self.step_programs)

    @property
    def children(self) -> tuple[CompiledChild, ...]:
        """The kinds of children, in the declared order."""
        return self.kinds

    def identity_value(self, source_object: str, source_id: str) -> str:
        """See :meth:`~engine.mapping.model.RuleSet.identity_value`."""
        if self.identity_as is not None:
            return self.identity_as.replace("{id}", external_id_part(source_id))
        return external_id(source_object, source_id)

    def source_of_identity(self, value: str) -> tuple[str, str] | None:
        """See :meth:`~engine.mapping.model.RuleSet.source_of_identity`."""
        if self.identity_as is None:
            return parse_external_id(value)
        before, _, after = self.identity_as.partition("{id}")
        if not (value.startswith(before) and value.endswith(after)):
            return None
        inner = value[len(before) : len(value) - len(after)]
        source_id = parse_external_id_part(inner)
        return (self.source_object, source_id) if source_id is not None else None

    @property
    def identity_is_plain(self) -> bool:
        """See :class:`~engine.mapping.model.RuleSet`."""
        return self.identity_as is not None

    def business_key_of(self, view: SourceView) -> str:
        """See :meth:`~engine.mapping.model.CompiledMapping.business_key_of`."""
        if self.key_expression is None:
            return f"{self.source_object}-{view.record.ref.id}"
        evaluation = Evaluation(view, Lookups(), self.target_object)
        try:
            key = text(self.key_expression.value(evaluation))
        except (DataFault, LinkPending) as problem:
            raise ValueError(f"the business key cannot be worked out: {problem}") from None
        if is_blank(key) or key is None:
            raise ValueError(f"{self.key_expression.place}: the business key is blank")
        return key

    def references(self, view: SourceView) -> tuple[Reference, ...]:
        """See :meth:`~engine.mapping.model.CompiledMapping.references`."""
        nothing = Lookups()
        evaluation = Evaluation(view, nothing, self.target_object)
        found = dict.fromkeys(self.programs.references(evaluation))
        for step in self.step_programs:
            found |= dict.fromkeys(step.references(evaluation))
        for kind in self.kinds:
            for inner in self._evaluations(kind, view, nothing, strict=False):
                found |= dict.fromkeys(kind.programs.references(inner))
        return tuple(found)

    def map(self, view: SourceView, lookups: Lookups) -> Mapped:
        """See :meth:`~engine.mapping.model.CompiledMapping.map`."""
        evaluation = Evaluation(view, lookups, self.target_object)
        unread = self._unread(view)
        mapped = self.programs.apply(evaluation, unread)
        faults = list(mapped.faults) if isinstance(mapped, Unmappable) else []
        faults += self._key_faults(view, lookups, unread)
        left_out = isinstance(mapped, NotIncluded | Held)
        return Unmappable(tuple(faults)) if faults and not left_out else mapped

    def map_children(
        self, child: CompiledChild, view: SourceView, lookups: Lookups
    ) -> tuple[MappedChild, ...]:
        """See :meth:`~engine.mapping.model.CompiledMapping.map_children`.

        Raises ``ValueError`` if the view lacks the children it needs: an unread set is not an empty
        one.
        """
        kind = next(one for one in self.kinds if one.name == child.name)
        unread = self._unread(view)
        result: list[MappedChild] = []
        for inner in self._evaluations(kind, view, lookups, strict=True):
            record = inner.item
            missing = unread
            if record is None:
                source_id = f"{view.record.ref.id}:{inner.item_id}"
            else:
                source_id = record.ref.id
                missing = _child_unread(unread, self.includes[kind.include or ""], record)
            mapped = kind.programs.apply(inner, missing)
            result.append(MappedChild(kind.source_object, source_id, record, mapped))
        return tuple(result)

    def next_step(
        self, view: SourceView, lookups: Lookups, target: Record
    ) -> StepDue | AwaitsLink | Unmappable | None:
        """See :meth:`~engine.mapping.model.CompiledMapping.next_step`."""
        return next_step(self.step_programs, self._evaluation(view, lookups), target)

    def facts(
        self, view: SourceView, lookups: Lookups
    ) -> tuple[Fact, ...] | AwaitsLink | Unmappable:
        """See :meth:`~engine.mapping.model.CompiledMapping.facts`."""
        evaluation = self._evaluation(view, lookups)
        try:
            if not self._takes(evaluation, view, self.fact_programs):
                return ()
            found = [one for program in self.fact_programs for one in program.of(evaluation)]
        except LinkPending as pending:
            return AwaitsLink(pending.references, "facts")
        except DataFault as fault:
            return Unmappable(((fault.code, "facts", fault.message),))
        return tuple(found)

    def period(
        self, view: SourceView, lookups: Lookups
    ) -> PeriodState | AwaitsLink | Unmappable | None:
        """See :meth:`~engine.mapping.model.CompiledMapping.period`."""
        return self._state("period", self.period_program, view, lookups)

    def rate(self, view: SourceView, lookups: Lookups) -> Rate | AwaitsLink | Unmappable | None:
        """See :meth:`~engine.mapping.model.CompiledMapping.rate`."""
        return self._state("rate", self.rate_program, view, lookups)

    def _state(
        self, name: str, program: StateProgram[T] | None, view: SourceView, lookups: Lookups
    ) -> T | AwaitsLink | Unmappable | None:
        if program is None:
            return None
        evaluation = self._evaluation(view, lookups)
        try:
            if not self._takes(evaluation, view, (program,)):
                return None
            return program.of(evaluation)
        except LinkPending as pending:
            return AwaitsLink(pending.references, name)
        except DataFault as fault:
            return Unmappable(((fault.code, name, fault.message),))

    def _takes(
        self,
        evaluation: Evaluation,
        view: SourceView,
        programs: Iterable[FactProgram | StateProgram[T]],
    ) -> bool:
        """Whether the record is looked at. What was not shown is not the same as what is not there.

        Raises :class:`DataFault` and :class:`LinkPending`.
        """
        unread, when = self._unread(view), self.programs.when
        if when is not None:
            if unread:
                require_read(when, unread)
            if not when.condition(evaluation):
                return False
        if unread:
            for expression in (one for program in programs for one in program.expressions()):
                require_read(expression, unread)
        return True

    def _evaluation(self, view: SourceView, lookups: Lookups) -> Evaluation:
        return Evaluation(view, lookups, self.target_object)

    def _evaluations(
        self, kind: ChildProgram, view: SourceView, lookups: Lookups, *, strict: bool
    ) -> Iterable[Evaluation]:
        """One evaluation per child of this kind."""
        if kind.include is not None:
            records = view.children.get(kind.include)
            if records is None:
                if strict:
                    raise ValueError(f"the children `{kind.include}` were not read")
                return
            for record in records:
                evaluation = Evaluation(view, lookups, self.target_object)
                evaluation.at_record(record)
                yield evaluation
            return
        try:
            keys = self._keys(kind, view, lookups)
        except (DataFault, LinkPending) as problem:
            if strict:
                raise ValueError(f"the children `{kind.name}` are not known: {problem}") from None
            return
        for key in keys:
            evaluation = Evaluation(view, lookups, self.target_object)
            evaluation.at_key(key)
            yield evaluation

    def _keys(self, kind: ChildProgram, view: SourceView, lookups: Lookups) -> tuple[str, ...]:
        """The keys of virtual children, in order. Raises :class:`DataFault`."""
        if kind.keys is None:
            return ()
        value = kind.keys.value(Evaluation(view, lookups, self.target_object))
        items = value if isinstance(value, tuple) else (value,)
        keys = [key for key in map(id_text, items) if key is not None]
        if len(set(keys)) != len(keys):
            raise DataFault(
                "CHILD_KEY_REPEATED", f"{kind.keys.place}: two children `{kind.name}` have one key"
            )
        return tuple(keys)

    def _key_faults(
        self, view: SourceView, lookups: Lookups, unread: frozenset[str]
    ) -> list[tuple[str, str, str]]:
        """Faults in the keys of virtual children: the root is not written with an unknown set."""
        faults: list[tuple[str, str, str]] = []
        for kind in self.kinds:
            if kind.keys is None:
                continue
            missing = sorted(unread.intersection(kind.keys.sources))
            try:
                if missing:
                    raise DataFault(
                        "SOURCE_NOT_READ",
                        f"{kind.keys.place}: the source did not show {', '.join(missing)}",
                    )
                self._keys(kind, view, lookups)
            except DataFault as fault:
                faults.append((fault.code, "", fault.message))
        return faults

    def _unread(self, view: SourceView) -> frozenset[str]:
        """The source paths of the mapping that this view does not hold."""
        record = view.record
        found = [name for name in self.selection.fields if not _was_read(record, name)]
        found += [
            f"associations.{name}"
            for name in self.selection.associations
            if name not in record.associations
        ]
        found += [f"children.{name}" for name in self.includes if name not in view.children]
        return frozenset(found)


def _was_read(record: Record, name: str) -> bool:
    if record.fields.get(name, MISSING) is not MISSING:
        return True
    head = name.partition(".")[0]
    return head != name and record.fields.get(head, MISSING) is not MISSING


def _child_unread(unread: frozenset[str], selection: Selection, record: Record) -> frozenset[str]:
    """The unread paths as a child's expressions name them: its own begin with ``item.``."""
    found = {f"item.{name}" for name in selection.fields if not _was_read(record, name)}
    found |= {
        f"item.associations.{name}"
        for name in selection.associations
        if name not in record.associations
    }
    return unread | found if found else unread
