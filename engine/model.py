"""The engine's own values: addresses, deliveries, links, intents. Frozen; a new type per stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from connectors.records import Fields, Identity, Operation, Ref


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """One record, anywhere: the connection it lives in, its object, its id."""

    connection: str
    object: str
    id: str

    @property
    def ref(self) -> Ref:
        return Ref(self.object, self.id)

    def __str__(self) -> str:
        return f"{self.connection} {self.object} {self.id}"


class Origin(StrEnum):
    """How we came to hear of a change."""

    WEBHOOK = "webhook"
    POLL = "poll"
    BACKFILL = "backfill"
    REMOVED = "removed"
    RECHECK = "recheck"
    OPERATOR = "operator"
    MERGE = "merge"


class InboxState(StrEnum):
    """What became of an inbox row. All but NEW, POSTPONED and ROUTED are ends."""

    NEW = "new"
    POSTPONED = "postponed"
    ROUTED = "routed"
    APPLIED = "applied"
    SUPERSEDED = "superseded"
    SKIPPED = "skipped"
    PARKED = "parked"


@dataclass(frozen=True, slots=True)
class NewRow:
    """An inbox row to be. ``snapshot`` is sealed; ``only_sync`` limits it to one sync."""

    address: Address
    kind: str
    origin: Origin
    received_at: datetime
    event_key: str | None = None
    only_sync: str | None = None
    related: Ref | None = None
    version: datetime | None = None
    asked_at: datetime | None = None
    snapshot: bytes | None = None


@dataclass(frozen=True, slots=True)
class InboxRow:
    """A row as routed."""

    seq: int
    address: Address
    kind: str
    origin: Origin
    only_sync: str | None
    related: Ref | None
    version: datetime | None
    received_at: datetime


class DeliveryState(StrEnum):
    """Where a delivery stands; see ``docs/delivery-states.md``."""

    READY = "ready"
    LEASED = "leased"
    DONE = "done"
    WAITING = "waiting"
    IN_DOUBT = "in_doubt"
    HELD = "held"
    ISSUE = "issue"


@dataclass(frozen=True, slots=True)
class Want:
    """A reason to deliver: the sync and root record, and the inbox row that asks for it."""

    sync: str
    root: Address
    seq: int
    at: datetime
    changed_at: datetime | None
    through_child: bool = False
    recheck: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """A claimed delivery. ``lease`` fences every commit; ``taken`` is what this claim covers.

    ``reason`` is how the last claim ended, where it ended for a reason.
    """

    number: int
    sync: str
    source: Address
    lease: int
    taken: int
    settled: int
    tries: int
    recheck: bool
    seen_hash: str | None
    seen_digest: str | None
    opened_at: datetime
    changed_at: datetime | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Closing:
    """How a claim ends. ``seen_hash`` and ``seen_digest`` are kept when it ends as done.

    ``tries`` is the new count. ``reason`` is a code; ``detail`` is sealed text for people.
    ``waits`` are the links waited for: source address and the target object wanted; with
    ``keeps_waits`` those of before stay as they are.
    """

    delivery: Delivery
    state: DeliveryState
    due_at: datetime
    tries: int = 0
    reason: str | None = None
    detail: bytes | None = None
    seen_hash: str | None = None
    seen_digest: str | None = None
    waits: tuple[tuple[Address, str], ...] = ()
    keeps_waits: bool = False
    row_state: InboxState = InboxState.APPLIED


class LinkState(StrEnum):
    """The life of a link."""

    ACTIVE = "active"
    ALIAS = "alias"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Agreed:
    """Digests of what both sides of a field pair last agreed on, seen from a sync's own side."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Link:
    """Two records that are the same thing, seen from one side.

    ``base`` is keyed by ``(near field, far field)``; a near field of ``"*"`` stands for a value
    computed from several. ``base_no`` grows with every change of the base.
    """

    number: int
    near: Address
    far: Address
    state: LinkState
    base: Mapping[tuple[str, str], Agreed]
    base_no: int
    parent: int | None = None
    alias_of: int | None = None
    reason: str | None = None
    flips: Mapping[str, tuple[tuple[str, int], ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Known:
    """What was last known of a record: digests per field, with the version they belong to.

    ``asked_at`` is when we asked for it, or when our own last write to it was confirmed.
    """

    version: datetime | None
    hash: str | None
    life: str
    fields: Mapping[str, str]
    asked_at: datetime


class IntentState(StrEnum):
    """The life of an intent. SENT, UNKNOWN and PARKED are open; PARKED waits for a person."""

    SENT = "sent"
    UNKNOWN = "unknown"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    ABSENT = "absent"
    PARKED = "parked"
    SHADOW = "shadow"


@dataclass(frozen=True, slots=True)
class Intent:
    """One business effect, as recorded before it is sent. ``fields`` is the exact body.

    ``raw`` keeps, by target field, the source field and the digest of its value at that time: what
    both sides will have agreed on if the write turns out to have arrived. ``token`` names the job
    that the vendor has taken it as.
    """

    id: str
    delivery: int
    sync: str
    source: Address
    operation: Operation
    connection: str
    object: str
    target_id: str | None
    identity: Identity | None
    business_key: str
    fields: Fields
    body_digest: str
    config: str
    link: int | None = None
    parent: int | None = None
    attempts: int = 1
    first_sent_at: datetime | None = None
    raw: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    parked: bool = False
    action: str | None = None
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A record that a source record may be, shown to the person who has to choose."""

    target: Address
    shown: str


@dataclass(frozen=True, slots=True)
class IssueReport:
    """A problem with one record, in words of the registry in :mod:`engine.issues`."""

    code: str
    sync: str
    source: Address
    target: Address | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    candidates: tuple[Candidate, ...] = ()


WHOLE: Final = "*"
"""The near field of a base entry whose value is computed from several source fields."""
