"""The values that flow through one batch, a new type per stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from connectors.records import Record, Value
from engine.mapping.model import Desired, FieldRule, RuleSet, SourceView
from engine.model import Address, Agreed, Delivery, Intent, IssueReport, Link


@dataclass(frozen=True, slots=True)
class Work:
    """A delivery with its source as it is now. ``hash`` is of the root record alone."""

    delivery: Delivery
    view: SourceView
    hash: str
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Item:
    """One record wanted on the target: a root, or one of its children.

    ``record`` is the record the values come from (a virtual child has its root's), ``read_at`` when
    it was asked for. ``parent`` is the root's link, ``None`` for a root. ``enforce``: compare with
    the live target, whatever the source did. ``crossing``: which crossing of a route it is sent
    for, where the sync takes a side of one.
    """

    delivery: Delivery
    source: Address
    record: Record
    rules: RuleSet
    desired: Desired
    business_key: str
    read_at: datetime
    enforce: bool = False
    parent: Link | None = None
    parent_field: str | None = None
    crossing: int | None = None

    @property
    def key(self) -> tuple[int, Address, str]:
        """What tells this item from every other of its batch."""
        return (self.delivery.number, self.source, self.rules.target_object)


@dataclass(frozen=True, slots=True)
class Matched:
    """An item and its counterpart: a link, a record found by a rule, or nothing (to be created).

    ``target`` is the live record where it was read. ``via`` names the rule that found it.
    ``looked``: no record carries the item's own identity, as a look has just shown.
    """

    item: Item
    link: Link | None = None
    target: Record | None = None
    via: str | None = None
    looked: bool = False


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field to be written. ``before`` is the live value, if it was read."""

    rule: FieldRule | None
    field: str
    after: Value
    before: Value = None
    before_known: bool = False
    raw_digest: str = ""
    reason: str = "changed"


@dataclass(frozen=True, slots=True)
class Conflict:
    """A field that both sides changed, and who won."""

    field: str
    winner: str


@dataclass(frozen=True, slots=True)
class Decided:
    """What is to be done about an item: fields to write, agreements to note, conflicts to record.

    No changes and no counterpart means: nothing to create either (the mode forbids it).
    """

    matched: Matched
    changes: tuple[FieldChange, ...] = ()
    agreed: Mapping[tuple[str, str], Agreed] = field(default_factory=dict)
    conflicts: tuple[Conflict, ...] = ()
    create: bool = False


@dataclass(frozen=True, slots=True)
class Planned:
    """An intent that is written down, with what it was decided from."""

    intent: Intent
    decided: Decided


# How an item came out: exactly one of these.


@dataclass(frozen=True, slots=True)
class Settled:
    """The target is as it should be. ``wrote``: it was not so before."""

    wrote: bool = False


@dataclass(frozen=True, slots=True)
class TryLater:
    """Nothing happened; try again at ``due_at``."""

    due_at: datetime
    code: str
    counts: bool = True


@dataclass(frozen=True, slots=True)
class InDoubt:
    """Something was sent and its fate is unknown; look at ``due_at``."""

    due_at: datetime
    code: str
    counts: bool = True


@dataclass(frozen=True, slots=True)
class Awaits:
    """Other records must be linked first: source addresses with the target object wanted."""

    waits: tuple[tuple[Address, str], ...]
    field: str


@dataclass(frozen=True, slots=True)
class HeldBack:
    """A gate or a guard holds it."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A person must change something."""

    report: IssueReport


@dataclass(frozen=True, slots=True)
class Skipped:
    """Nothing is to be done, for a reason that is counted."""

    reason: str


Result = Settled | TryLater | InDoubt | Awaits | HeldBack | Problem | Skipped
