"""The validated configuration: frozen, complete, with nothing left to look up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from engine.mapping.model import CompiledMapping
from engine.mapping.routing import SyncRoute
from engine.money.reporting import Reporting
from engine.money.spread import Method

OURSELVES: Final = "revline"


class Enabled(StrEnum):
    """Whether a sync runs. SHADOW computes and records everything and sends nothing."""

    ON = "true"
    OFF = "false"
    SHADOW = "shadow"


class Mode(StrEnum):
    """What a sync may do to the target. OBSERVE has none: it only notes what its source proves."""

    UPSERT = "upsert"
    UPDATE_ONLY = "update_only"
    CREATE_ONLY = "create_only"
    LINK_ONLY = "link_only"
    OBSERVE = "observe"


class WriteOrder(StrEnum):
    """MERGED sends the newest state; ORDERED sends each version that was seen."""

    MERGED = "merged"
    ORDERED = "ordered"


class OnDelete(StrEnum):
    """What happens to the target when the source record is removed."""

    FLAG = "flag"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One end of a sync."""

    connection: str
    object: str

    def __str__(self) -> str:
        return f"{self.connection}.{self.object}"


@dataclass(frozen=True, slots=True)
class StartFrom:
    """Where a sync begins: everything (``since`` is None and not ``now``), now, or an instant."""

    now: bool = False
    since: datetime | None = None

    @property
    def everything(self) -> bool:
        return not self.now and self.since is None


@dataclass(frozen=True, slots=True)
class ConnectionConfig:
    """Access to one system. ``settings`` are resolved and hold secrets: never print them.

    ``missing`` are environment variables that are not set. Only a connection that no running sync
    uses may lack any; it cannot be used.
    """

    name: str
    connector: str
    settings: Mapping[str, str] = field(repr=False)
    zone: ZoneInfo
    poll_every: timedelta
    allow_loopback: bool = False
    removed_every: timedelta = timedelta(hours=1)
    place: str = ""
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Guards:
    """Automatic stops. ``None`` means no limit. Counted per sync and hour."""

    creates_max: int | None = None
    deletes_max: int | None = 0


@dataclass(frozen=True, slots=True)
class Recheck:
    """Re-read records whose object can change without a new version."""

    every: timedelta
    window: timedelta


@dataclass(frozen=True, slots=True)
class BooksConfig:
    """How the books are kept. ``methods`` names product families that are modified otherwise.

    ``recognition_owner`` is the system that recognises revenue, ``revline`` if we do. Only one may.
    ``at_invoice`` are the families whose revenue the ERP books with the invoice: it is never
    deferred, and we earn none of it. ``reporting`` is the currency that sums are told in as well.
    """

    recognition_owner: str = OURSELVES
    tax_owner: str | None = None
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    method: Method = Method.PROSPECTIVE
    methods: Mapping[str, Method] = field(default_factory=dict)
    at_invoice: frozenset[str] = frozenset()
    reporting: Reporting | None = None

    def method_of(self, family: str) -> Method:
        """How changes of promises of a product family are earned."""
        return self.methods.get(family, self.method)


@dataclass(frozen=True, slots=True)
class SyncConfig:
    """One sync. ``target.object`` equals the mapping's. ``digest`` covers sync and mapping.

    ``recheck_held`` is how long a record that is held, or cannot be mapped, lies before it is
    looked at again.

    ``group_by`` makes a group of schedule lines the record; it is formed ``period_end`` after the
    end of its accounting period.
    """

    name: str
    source: Endpoint
    target: Endpoint
    mapping: CompiledMapping
    enabled: Enabled
    start_from: StartFrom
    digest: str
    mode: Mode = Mode.UPSERT
    after: tuple[str, ...] = ()
    poll_every: timedelta = timedelta(minutes=5)
    webhooks: bool = True
    write_order: WriteOrder = WriteOrder.MERGED
    on_delete: OnDelete = OnDelete.FLAG
    retries: int = 3
    recheck: Recheck | None = None
    guards: Guards = Guards()
    group_by: tuple[str, ...] = ()
    period_end: timedelta | None = None
    route: SyncRoute | None = None
    recheck_held: timedelta = timedelta(minutes=15)
    description: str | None = None
    place: str = ""


@dataclass(frozen=True, slots=True)
class ReceiverConfig:
    """The webhook receiver. ``public_url`` is how vendors reach it; paths are appended."""

    host: str = "127.0.0.1"
    port: int = 8080
    public_url: str | None = None
    body_max_bytes: int = 1_048_576
    spool_max_mb: int = 1024
    keep: timedelta = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Config:
    """A whole project. ``digest`` goes into every ledger line; ``store`` is a URL, or None."""

    folder: Path
    file: Path
    environment: str
    connections: Mapping[str, ConnectionConfig]
    syncs: Mapping[str, SyncConfig]
    receiver: ReceiverConfig
    digest: str
    store: str | None = field(default=None, repr=False)
    payload_days: int = 30
    retention_days: Mapping[str, int] = field(default_factory=dict)
    books: BooksConfig = field(default_factory=BooksConfig)

    def kept_days(self, table: str) -> int:
        """How many days the ended rows of a table are kept, by its name in ``retention``."""
        return self.retention_days.get(table, self.payload_days)

    @property
    def state(self) -> Path:
        """The folder that holds both store files, the ledger's head and ``control.sock``."""
        return self.folder / "state"
