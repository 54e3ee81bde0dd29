"""A compiled mapping and what it makes of a record: values in, values out, nothing else.

The engine asks in two steps, because a mapping may need to know what other records are linked to:

1. :meth:`CompiledMapping.references` lists every link the mapping will ask about, so that they can
   be looked up for a whole batch at once;
2. :meth:`CompiledMapping.map` turns the record and the answers into a :data:`Mapped`.

Both are pure: the same input gives the same output, bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, TypeAlias

from connectors.records import Fields, Record, Selection, Value
from engine.money.model import Fact, FactKind, PeriodState, Rate


class OnMissing(StrEnum):
    """What to do when the record a reference points to is not linked yet."""

    HOLD = "hold"
    SKIP_FIELD = "skip_field"
    LATER = "later"
    REJECT = "reject"


class Side(StrEnum):
    """One side of a sync, as a mapping names it."""

    SOURCE = "source"
    TARGET = "target"


class OnConflict(StrEnum):
    """Who wins when both sides changed one field."""

    OWNER = "owner"
    NEWEST = "newest"
    FILL_BLANK = "fill_blank"
    REVIEW = "review"


class Enforce(StrEnum):
    """When a one-way field is written: when the source changed, or whenever the target differs."""

    ON_CHANGE = "on_change"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Reference:
    """A question about links: what is record ``object id`` of the source linked to?

    ``to`` is the target object wanted, or several with ``|`` between them, of which the first that
    is linked counts; ``None`` means the sync's only one for ``object``. The
    source id of a virtual child (one without a record of its own) is ``{root id}:{key}`` and its
    object is ``{root object}/{child name}``.
    """

    object: str
    id: str
    to: str | None = None

    @property
    def targets(self) -> tuple[str, ...]:
        """The target objects wanted, in order; none means any."""
        return targets_in(self.to)


def targets_in(to: str | None) -> tuple[str, ...]:
    """``Contact|Lead`` as its parts; nothing is none."""
    return tuple(to.split("|")) if to else ()


@dataclass(frozen=True, slots=True)
class LinkAnswer:
    """``target_id`` if linked. ``pending``: an open delivery may still link it."""

    target_id: str | None
    pending: bool = False


@dataclass(frozen=True, slots=True)
class Lookups:
    """Everything a mapping may know beside the record: link answers and catalogue rows.

    ``catalogues`` holds, by the name a mapping gives it, rows read once from the target, as
    :func:`engine.mapping.values.catalogue_rows` keys them. A key that occurs twice maps to ``None``
    (ambiguous).
    """

    links: Mapping[Reference, LinkAnswer] = field(default_factory=dict)
    catalogues: Mapping[str, Mapping[str, Fields | None]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SourceView:
    """A source record with the children the mapping includes, by association name."""

    record: Record
    children: Mapping[str, tuple[Record, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FieldRule:
    """The declared facts of one target field.

    ``sources`` are the source paths the value is computed from, sorted. ``pair`` is the one source
    field that this target field mirrors (``None`` when it is computed from several, from an
    association or from a reference): facing syncs share a base per pair. ``on_create_only`` fields
    are never updated. ``place`` is ``file:line:column`` for messages.
    """

    target: str
    sources: tuple[str, ...]
    pair: str | None
    owner: Side | None = None
    on_conflict: OnConflict = OnConflict.OWNER
    enforce: Enforce = Enforce.ON_CHANGE
    on_create_only: bool = False
    place: str = ""


@dataclass(frozen=True, slots=True)
class MatchKey:
    """One attempt at finding an unlinked record's counterpart: target field → value, all equal.

    ``rule`` is how messages name it ("Email", "Website domain"). Values are composed, trimmed text;
    systems compare it without case, except ids.
    """

    rule: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CatalogueSpec:
    """A small table of the target, read once: rows of ``object`` by the text of ``key``."""

    name: str
    object: str
    key: tuple[str, ...]
    fields: tuple[str, ...]


# What a mapping makes of a record: exactly one of these.


@dataclass(frozen=True, slots=True)
class Desired:
    """The values wanted on the target.

    ``fields`` leaves out fields whose source was not read. ``matches`` are in the declared order,
    blank values left out. ``later`` names the references that were not linked and will be patched
    in: target field → reference.
    """

    fields: Fields
    matches: tuple[MatchKey, ...] = ()
    later: Mapping[str, Reference] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NotIncluded:
    """The mapping's ``when`` says that this record does not take part."""

    reason: str


@dataclass(frozen=True, slots=True)
class Held:
    """A gate holds the record. ``code`` is its name, ``reason`` says in plain words what to do."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class AwaitsLink:
    """A reference with ``on_missing: hold`` is not linked, or a condition cannot be told yet."""

    references: tuple[Reference, ...]
    field: str


@dataclass(frozen=True, slots=True)
class Unmappable:
    """The record cannot be mapped. Each fault: (code, target field or "", sentence for people)."""

    faults: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class StepDue:
    """An action to be done to the target record now, with its arguments."""

    name: str
    action: str
    fields: Fields


Mapped: TypeAlias = Desired | NotIncluded | Held | AwaitsLink | Unmappable


@dataclass(frozen=True, slots=True)
class MappedChild:
    """One wanted child: its source address, and what the child's rules made of it.

    ``source_object`` and ``source_id`` follow :class:`Reference` for virtual children. ``record``
    is the child's own record, ``None`` for a virtual child (then the root's stands for it).
    """

    source_object: str
    source_id: str
    record: Record | None
    mapped: Mapped


class RuleSet(Protocol):
    """The declared side of a mapping or of a child mapping. Read-only, so that it can be frozen."""

    @property
    def name(self) -> str: ...

    @property
    def target_object(self) -> str: ...

    @property
    def identity_field(self) -> str | None: ...

    @property
    def rules(self) -> tuple[FieldRule, ...]: ...

    @property
    def digest(self) -> str: ...

    def identity_value(self, source_object: str, source_id: str) -> str:
        """``revline-{object}-{source id}`` in the characters ``[A-Za-z0-9_-]``, or what the mapping
        says instead (``identity_as``)."""
        ...

    def source_of_identity(self, value: str) -> tuple[str, str] | None:
        """The object and id of the source record with this identity; ``None`` if it is not ours."""
        ...

    @property
    def identity_is_plain(self) -> bool:
        """Whether others may write such identities too: they do not say that they are ours."""
        ...


class CompiledChild(RuleSet, Protocol):
    """The rules for one kind of child. ``include`` is ``None`` for a virtual child.

    ``source_object`` is the child's object in the source (or ``{root object}/{name}``).
    ``parent_field`` is the target field that receives the root's target id; it is filled by the
    engine, not by :meth:`CompiledMapping.map_children`. ``removed``: ``flag`` or ``delete``.
    ``associated`` marks virtual children that stand for an associated record each; the key in their
    source id is that record's id.
    """

    @property
    def include(self) -> str | None: ...

    @property
    def source_object(self) -> str: ...

    @property
    def parent_field(self) -> str: ...

    @property
    def removed(self) -> str: ...

    @property
    def associated(self) -> bool: ...


class CompiledMapping(RuleSet, Protocol):
    """A mapping file, compiled. ``digest`` changes when anything that affects output changes.

    ``business_key`` is the declared text: an expression, or ``{object}-{id}`` with ``{id}`` in
    place of the source id; :meth:`business_key_of` works it out.
    """

    @property
    def source_object(self) -> str: ...

    @property
    def selection(self) -> Selection: ...

    @property
    def includes(self) -> Mapping[str, Selection]: ...

    @property
    def catalogues(self) -> tuple[CatalogueSpec, ...]: ...

    @property
    def children(self) -> tuple[CompiledChild, ...]: ...

    @property
    def business_key(self) -> str: ...

    @property
    def observes(self) -> bool:
        """Whether the mapping only watches its source and writes nothing."""
        ...

    @property
    def fact_kinds(self) -> frozenset[FactKind]:
        """What the records of the source prove for the books."""
        ...

    @property
    def tells_rates(self) -> bool:
        """Whether the records of the source are exchange rates."""
        ...

    @property
    def step_fields(self) -> tuple[str, ...]:
        """The fields of the target that the steps look at, sorted; empty without steps."""
        ...

    @property
    def actions(self) -> tuple[str, ...]:
        """The actions that the steps do, in their order."""
        ...

    def business_key_of(self, view: SourceView) -> str:
        """The record's business key. Raises ``ValueError`` where it cannot be worked out."""
        ...

    def references(self, view: SourceView) -> tuple[Reference, ...]:
        """Every link that mapping this record, its conditions and its children will ask about."""
        ...

    def map(self, view: SourceView, lookups: Lookups) -> Mapped:
        """What the record should be on the target."""
        ...

    def map_children(
        self, child: CompiledChild, view: SourceView, lookups: Lookups
    ) -> tuple[MappedChild, ...]:
        """The whole set of children of this kind, in the source's order."""
        ...

    def next_step(
        self, view: SourceView, lookups: Lookups, target: Record
    ) -> StepDue | AwaitsLink | Unmappable | None:
        """The first step that is due on the target as it is; ``None`` when all are done."""
        ...

    def facts(
        self, view: SourceView, lookups: Lookups
    ) -> tuple[Fact, ...] | AwaitsLink | Unmappable:
        """What the record proves for the books as it is now."""
        ...

    def period(
        self, view: SourceView, lookups: Lookups
    ) -> PeriodState | AwaitsLink | Unmappable | None:
        """The accounting period the record stands for, where the mapping says that it does."""
        ...

    def rate(self, view: SourceView, lookups: Lookups) -> Rate | AwaitsLink | Unmappable | None:
        """The exchange rate the record stands for, where the mapping says that it does."""
        ...


def blank(value: Value) -> bool:
    """Whether a value counts as blank: ``None`` or empty text."""
    return value is None or value == ""
