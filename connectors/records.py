"""What passes between a connector and whoever drives it: frozen values, a new type per stage.

Conventions, everywhere in this package:

* ids are text and case-sensitive, exactly as the vendor prints them;
* amounts are ``Decimal`` in major units, never ``float``;
* instants are aware UTC ``datetime``; a ``date`` is not an instant and never passes through one;
* ``None`` means blank (read as blank, or: clear it); :data:`MISSING` means not read;
* mappings handed out here are never changed afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Final, TypeAlias

Scalar: TypeAlias = bool | int | str | Decimal | date | datetime | None
Value: TypeAlias = "Scalar | tuple[Value, ...] | Mapping[str, Value]"
Fields: TypeAlias = Mapping[str, Value]

NOTHING: Final[Mapping[str, object]] = MappingProxyType({})


class Missing(Enum):
    """The type of :data:`MISSING`, so that checkers can tell it from ``None``."""

    MISSING = "missing"

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing.MISSING


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """The address of one record inside one system."""

    object: str
    id: str

    def __str__(self) -> str:
        return f"{self.object} {self.id}"


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in major units with its ISO 4217 code."""

    amount: Decimal
    currency: str


class Life(StrEnum):
    """Where a record stands in its own system."""

    LIVE = "live"
    ARCHIVED = "archived"
    DELETED = "deleted"
    MERGED = "merged"
    CONVERTED = "converted"


@dataclass(frozen=True, slots=True)
class Selection:
    """What to read of an object: the fields and the associated objects, both sorted and unique.

    ``fresh``: a write just made must show. A connector whose usual way of reading lags behind reads
    in another way then, at whatever it costs.
    """

    object: str
    fields: tuple[str, ...]
    associations: tuple[str, ...] = ()
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """One record as its system showed it.

    ``fields`` holds a key for every selected field the system answered; a selected field that is
    absent is :data:`MISSING`. ``version`` is the vendor's modified time (see
    :class:`connectors.base.Granularity`) or ``None`` where the object has none.

    ``successor`` is where the record goes on: the survivor of a merge, the contact of a converted
    lead. ``edges`` names the other records a conversion made, by role. ``absorbed`` lists the ids
    this record has swallowed in merges, as far as the vendor tells. ``associations`` maps an
    associated object to ids in the vendor's order, primary first; a key is present only if the
    whole list is known.
    """

    ref: Ref
    fields: Fields
    version: datetime | None = None
    life: Life = Life.LIVE
    successor: Ref | None = None
    edges: Mapping[str, Ref] = field(default_factory=lambda: MappingProxyType({}))
    absorbed: tuple[str, ...] = ()
    associations: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )

    def get(self, name: str) -> Value | Missing:
        """The field's value, or :data:`MISSING`."""
        return self.fields.get(name, MISSING)


class NoticeKind(StrEnum):
    """What a webhook says has happened. Only a hint: the record is read before anything is done."""

    CREATED = "created"
    CHANGED = "changed"
    DELETED = "deleted"
    RESTORED = "restored"
    MERGED = "merged"
    ASSOCIATED = "associated"


@dataclass(frozen=True, slots=True)
class Notice:
    """One event of a webhook request: an address, never a value.

    ``event_key`` is unique per event within the connection and stable over redeliveries.
    ``related`` is the other end of an association. ``absorbed`` lists the losers of a merge whose
    survivor is ``ref``. ``occurred_at`` is the vendor's word and is never compared with a version.
    """

    ref: Ref
    kind: NoticeKind
    event_key: str
    occurred_at: datetime | None = None
    related: Ref | None = None
    absorbed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """A request as it arrived. ``headers`` keep order and repeats, names in lower case.

    ``url`` is the configured public URL of the connection's webhook (scheme, host, path) with the
    query string of the request: what the vendor signed. ``received_at`` is our clock.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    received_at: datetime

    def header(self, name: str) -> str | None:
        """The only value of a header; ``None`` if absent or sent more than once."""
        found = [value for key, value in self.headers if key == name]
        return found[0] if len(found) == 1 else None


@dataclass(frozen=True, slots=True)
class Answer:
    """What to answer a webhook with. Vendors differ: a challenge, exactly 200, a SOAP body."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A verified webhook request: its events, in the order sent, and the answer it is owed."""

    notices: tuple[Notice, ...]
    answer: Answer = Answer()


@dataclass(frozen=True, slots=True)
class Page:
    """Some records and where to go on.

    ``cursor`` is opaque text that the connector wrote and alone understands. ``at_head`` is true
    when nothing newer is known at the time of reading; calling again with the cursor starts the
    next sweep, overlap included.

    ``again_after``: the vendor is still at work; asking sooner would be in vain. ``asked_at`` is
    when the vendor was asked for these records, by our clock, where that was not in this call.
    """

    records: tuple[Record, ...]
    cursor: str
    at_head: bool
    again_after: timedelta | None = None
    asked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """A value that is unique within an object, and the field that holds it."""

    field: str
    value: str


class Operation(StrEnum):
    """What a change does."""

    CREATE = "create"
    UPDATE = "update"
    UPSERT = "upsert"
    DELETE = "delete"
    ACT = "act"


@dataclass(frozen=True, slots=True)
class Change:
    """One write to one record.

    ``key`` is the engine's name for this write, at most 64 characters of ``[A-Za-z0-9_-]``, sent as
    the vendor's trace id or idempotency key. UPDATE and DELETE carry ``id``; UPSERT carries
    ``identity``; CREATE carries ``identity`` where the object has one. ACT carries ``id`` and
    ``action``, one of those the object declares (post, apply, cancel …), with its arguments in
    ``fields``. In ``fields`` ``None`` clears; the identity field itself is not repeated there.
    """

    key: str
    operation: Operation
    object: str
    fields: Fields
    id: str | None = None
    identity: Identity | None = None
    action: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A look-up found the record. ``fields`` are those a successful write would return."""

    record: Record


@dataclass(frozen=True, slots=True)
class Absent:
    """A look-up proved that no such record exists."""


@dataclass(frozen=True, slots=True)
class NotYetKnowable:
    """A look-up cannot tell before ``until``, because the vendor's index lags."""

    until: datetime


Lookup: TypeAlias = Found | Absent | NotYetKnowable


@dataclass(frozen=True, slots=True)
class AccountIdentity:
    """Which account answered. ``id`` is pinned at first contact; another stops the connection."""

    id: str
    name: str
    environment: str  # "production" | "sandbox" | "unknown"


def fields_of(record: Record, names: Sequence[str]) -> dict[str, Value]:
    """The named fields that were read, in the order asked."""
    return {name: record.fields[name] for name in names if name in record.fields}
