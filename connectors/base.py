"""What a connector is: required methods, optional capabilities, and the facts it declares.

A connector makes one attempt per call. It never retries, sleeps, logs or keeps state that matters
after a crash. It is used from several threads at once. Every method may raise
:class:`~connectors.errors.CallError`; only :meth:`Writes.apply` reports errors per record instead.

Facts about objects are data (:class:`ObjectSpec`), behaviour is code, and what a connector can do
is visible from the protocols it satisfies (``isinstance(connector, Polls)``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeAlias, runtime_checkable

from connectors.declarations import ActionSpec as ActionSpec
from connectors.declarations import ConnectorSpec as ConnectorSpec
from connectors.declarations import CreateIdentity as CreateIdentity
from connectors.declarations import Granularity as Granularity
from connectors.declarations import LimitClass as LimitClass
from connectors.declarations import ObjectSpec as ObjectSpec
from connectors.declarations import PartialBatch as PartialBatch
from connectors.declarations import Setting as Setting
from connectors.errors import CallError
from connectors.records import (
    AccountIdentity,
    Change,
    Fields,
    Identity,
    Lookup,
    Page,
    Receipt,
    Record,
    Selection,
    WebhookRequest,
)
from connectors.setting_up import SetsUp as SetsUp
from connectors.setting_up import SetupKind as SetupKind
from connectors.setting_up import SetupNeed as SetupNeed
from connectors.setting_up import SetupStep as SetupStep

Clock: TypeAlias = Callable[[], datetime]


class FieldType(StrEnum):
    """The type a field has on our side of the connector."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    INSTANT = "instant"
    CHOICE = "choice"
    CHOICES = "choices"
    REFERENCE = "reference"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class FieldDescription:
    """A field as the account has it. ``options`` are the stored values of a choice, not labels.

    ``inactive`` are values that are offered no longer; old records may still have them.
    """

    name: str
    label: str
    type: FieldType
    required_on_create: bool = False
    readable: bool = True
    writable: bool = True
    unique: bool = False
    options: tuple[str, ...] = ()
    restricted: bool = False  # values outside ``options`` are refused
    references: tuple[str, ...] = ()
    length: int | None = None
    scale: int | None = None
    inactive: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ObjectDescription:
    """An object as the account has it, fields by name.

    ``relationships`` are what may stand before a dot: ``Account`` in ``Account.Name``.
    """

    name: str
    label: str
    fields: Mapping[str, FieldDescription]
    creatable: bool = True
    updatable: bool = True
    relationships: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The write took effect.

    ``created`` is ``None`` where the system does not say. ``fields`` are values the answer showed
    as stored, which may differ from those sent.
    """

    id: str
    created: bool | None = None
    version: datetime | None = None
    fields: Fields = field(default_factory=dict)
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The write did not take effect, or may have: the error's class says which."""

    error: CallError


Outcome: TypeAlias = Confirmed | Failed


@runtime_checkable
class Connector(Protocol):
    """The least a connector can do."""

    spec: ConnectorSpec

    def check(self) -> AccountIdentity:
        """One cheap call that proves the credentials and says which account they open."""
        ...

    def read(self, selection: Selection, ids: Sequence[str]) -> tuple[Record, ...]:
        """The records with these ids, in the order asked, one for one.

        A record that does not exist comes back with :attr:`Life.DELETED` and no fields; one that
        goes on elsewhere with its life and ``successor``. Takes any number of ids and makes
        ``ceil(n / batch_read)`` calls, plus the association reads the selection asks for.
        """
        ...


@runtime_checkable
class Describes(Protocol):
    """Can say which fields an object has in this account."""

    def describe(self, object: str) -> ObjectDescription:
        """The object as the account has it. Raises ``Rejected`` when there is no such object."""
        ...


@runtime_checkable
class Polls(Protocol):
    """Can tell what changed since a point."""

    def first_cursor(self, selection: Selection, since: datetime) -> str:
        """A cursor from which :meth:`changes` reports every change since ``since``. No call."""
        ...

    def changes(self, selection: Selection, cursor: str, limit: int) -> Page:
        """The next page of changed records, oldest change first; one search per call."""
        ...


@runtime_checkable
class Lists(Protocol):
    """Can walk through all live records of an object: the cheapest way to backfill."""

    def list(
        self, selection: Selection, cursor: str | None, limit: int, since: datetime | None = None
    ) -> Page:
        """The next page in the order of ids, from the start when ``cursor`` is ``None``.

        ``since`` leaves out records last modified before it, where the vendor can filter; the
        caller filters again.
        """
        ...


@runtime_checkable
class Exports(Protocol):
    """Can read a great many records by a job of the vendor's: fewer calls, but they take time."""

    def export(
        self, selection: Selection, cursor: str | None, limit: int, since: datetime | None = None
    ) -> Page:
        """As :meth:`Lists.list`, whose cursors it takes too, but in any order.

        The cursor names the job, so that a restart goes on with it. While the job is under way
        pages are empty and say when to ask again; records may come twice where a job was lost.
        """
        ...


@runtime_checkable
class Removals(Protocol):
    """Has a feed of removed records that the change feed does not show."""

    def removed(self, selection: Selection, cursor: str | None, limit: int) -> Page:
        """Records that are archived, deleted or merged away, without fields."""
        ...


@runtime_checkable
class Searches(Protocol):
    """Can find records by values."""

    def search(
        self, selection: Selection, queries: Sequence[Mapping[str, str]], limit_each: int = 5
    ) -> tuple[tuple[Record, ...], ...]:
        """For each query (all its fields equal, text compared without case) the live records.

        Answers are in the order of the queries. At most ``limit_each`` candidates for one query:
        enough to see that a match is ambiguous. Makes ``ceil(n / batch_search)`` calls.
        """
        ...


@runtime_checkable
class Parents(Protocol):
    """Can find the roots that a child belongs to."""

    def parents(self, child: str, ids: Sequence[str], root: str) -> Mapping[str, tuple[str, ...]]:
        """For each child id the ids of its roots; a child without one maps to ``()``."""
        ...


@runtime_checkable
class Children(Protocol):
    """Can read all children of some roots."""

    def children(
        self, selection: Selection, root: str, ids: Sequence[str]
    ) -> Mapping[str, tuple[Record, ...]]:
        """For each root id its live children, in the vendor's order."""
        ...


@runtime_checkable
class Resolves(Protocol):
    """Can find out what became of a write whose answer was lost."""

    def lookup(self, selection: Selection, identities: Sequence[Identity]) -> tuple[Lookup, ...]:
        """For each identity whether such a record exists, in the order asked, batched."""
        ...


@runtime_checkable
class Writes(Protocol):
    """Can write."""

    def apply(self, changes: Sequence[Change]) -> tuple[Outcome, ...]:
        """Make these changes: one outcome per change, in the same order. Never raises CallError.

        All changes of one call have the same object, operation and identity field and number at
        most ``batch_write``. A failure of the whole call fails every change: with the error itself
        when nothing can have happened, with ``OutcomeUnknown`` when something may have.
        """
        ...


@runtime_checkable
class Collects(Protocol):
    """Takes many changes as a job, and answers when it is done.

    :meth:`Writes.apply` fails them with ``OutcomePending``, whose token names the job, where it is
    given at least ``job_write_from`` changes at once; at most ``job_write_most``.
    """

    def collect(self, token: str, changes: Sequence[Change]) -> tuple[Outcome, ...]:
        """What became of these changes of a job: one outcome per change, in the same order.

        ``OutcomePending`` again while the job is under way; ``OutcomeUnknown`` where the vendor
        cannot tell, or can tell no longer. Raises ``CallError`` when it could not be asked.
        """
        ...


@runtime_checkable
class Meters(Protocol):
    """Is told by the vendor how much of the account's allowance is used up."""

    def usage(self) -> tuple[int, int] | None:
        """Calls of the whole account, everybody's, and the most it may make in the vendor's window.

        As the latest answer said; ``None`` before the first. No call.
        """
        ...


class CallObserver(Protocol):
    """Told of every HTTP call a connector makes."""

    def __call__(self, call: ApiCall) -> None: ...


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One HTTP call: no header, no body, no query string, so that nothing secret is in it."""

    method: str
    path: str
    status: int | None
    milliseconds: int
    limit_class: str = "default"


@dataclass(frozen=True, slots=True)
class Wiring:
    """What a connector is given to work with, beside its settings.

    ``now`` is the injected clock. ``allow_loopback`` permits base URLs on this machine.
    ``observe`` is called once per HTTP call, from the calling thread.
    """

    now: Clock
    observe: CallObserver
    allow_loopback: bool = False
    connect_seconds: float = 10.0
    read_seconds: float = 60.0


Build: TypeAlias = Callable[[Mapping[str, str], Wiring], Connector]
Receive: TypeAlias = Callable[[Mapping[str, str], WebhookRequest], Receipt]


@dataclass(frozen=True, slots=True)
class ConnectorKind:
    """A connector as the registry knows it: dotted names, so that looking imports nothing.

    ``spec`` names a :class:`ConnectorSpec`, ``build`` a :data:`Build`, ``receive`` a
    :data:`Receive` (or is ``None``). The format is ``package.module:attribute``.
    """

    name: str
    spec: str
    build: str
    receive: str | None = None
