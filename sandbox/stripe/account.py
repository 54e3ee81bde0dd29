"""One Stripe account in one mode: its records, its time, its events and what is due later."""

from __future__ import annotations

import contextlib
import heapq
import random
import string
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeAlias

from sandbox.messages import Json
from sandbox.stripe.errors import ApiError, missing
from sandbox.stripe.store import Record, Store, merged_metadata, previous_of, shown
from sandbox.stripe.tables import RESOURCES

if TYPE_CHECKING:
    from sandbox.stripe.simulator import Settings


API_VERSION: Final = "2026-10-28.endive"
DAY_SECONDS: Final = 86_400
EVENT_DAYS: Final = 30
_ALPHABET: Final = string.ascii_letters + string.digits

Task: TypeAlias = Callable[["Account", str], object]
View: TypeAlias = Callable[["Account", Record], Record]


class Account:
    """Records are reached through here, so that every change makes its events."""

    def __init__(
        self,
        id: str,
        clock: Callable[[], datetime],
        chance: random.Random,
        settings: Settings,
        *,
        livemode: bool,
    ) -> None:
        self.id, self.livemode = id, livemode
        self.settings = settings
        self.store = Store()
        self.daily_at: int | None = None  # the midnight of the next payout
        self.outbox: list[Record] = []  # events not yet handed to the webhook senders
        self.tasks: Mapping[str, Task] = {}
        self.views: Mapping[str, View] = {}
        self.hooks: Mapping[str, Callable[[Account, str], object]] = {}
        self.request: tuple[str | None, str | None] = (None, None)  # request id, idempotency key
        self._clock, self._chance = clock, chance
        self._due: list[tuple[int, int, str, str]] = []
        self._numbers = 0
        self._moment: int | None = None

    # -- time ------------------------------------------------------------------------------------

    def instant(self) -> datetime:
        """The virtual time; while something due is carried out, the time it was due."""
        if self._moment is not None:
            return datetime.fromtimestamp(self._moment, UTC)
        return self._clock()

    def now(self) -> int:
        """The same in whole Unix seconds."""
        return int(self.instant().timestamp())

    def schedule(self, due: int, task: str, id: str) -> None:
        """Have a task carried out on a record at a time of the virtual clock."""
        self._numbers += 1
        heapq.heappush(self._due, (due, self._numbers, task, id))

    def carry_out_due(self) -> None:
        """Do everything whose time has come, each as of its own time, in order."""
        self.request = (None, None)
        while self._due and self._due[0][0] <= int(self._clock().timestamp()):
            self._moment, _, task, id = heapq.heappop(self._due)
            try:
                with contextlib.suppress(ApiError), self.transaction():
                    self.tasks[task](self, id)  # refused when life has moved on since
            finally:
                self._moment = None

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, records and events alike: an exception undoes what was done inside."""
        sent = len(self.outbox)
        try:
            with self.store.transaction():
                yield
        except BaseException:
            del self.outbox[sent:]
            raise

    # -- records ---------------------------------------------------------------------------------

    def new_id(self, prefix: str, length: int = 24) -> str:
        """A fresh id. Ids are case-sensitive and say nothing about order."""
        return f"{prefix}_" + "".join(self._chance.choices(_ALPHABET, k=length))

    def find(self, table: str, id: str, param: str = "id") -> Record:
        """A record; resource_missing when it does not exist or was deleted."""
        record = self.store.get(table, id)
        if record is None or (record.get("deleted") and param != "id"):
            raise missing(RESOURCES[table].object, id, param)
        return record

    def rows(self, table: str) -> Iterator[Record]:
        """The live records of a table, newest first."""
        return self.store.newest_first(table)

    def create(self, table: str, fields: Mapping[str, Json], event: str | None = None) -> Record:
        """A new record with the common fields; ``fields["id"]`` overrides the made-up id."""
        resource = RESOURCES[table]
        record: Record = {
            "id": fields.get("id") or self.new_id(resource.prefix),
            "object": resource.object,
            "created": self.now(),
            "livemode": self.livemode,
            **{key: value for key, value in fields.items() if key != "id"},
        }
        self.store.put(table, record, self.instant())
        if event is not None:
            self.tell(event, record)
        return record

    def change(
        self, table: str, id: str, fields: Mapping[str, Json], *events: str, quiet: bool = False
    ) -> Record:
        """Write fields of a record. Events are told only when something changed."""
        old = self.store.get(table, id)
        if old is None:
            raise missing(RESOURCES[table].object, id)
        new = {**old, **fields}
        if new == old:
            return old
        self.store.put(table, new, self.instant())
        if not quiet:
            for event in events:
                self.tell(event, new, old)
        return new

    def merged(self, old: Record, fields: Mapping[str, Json]) -> dict[str, Json]:
        """Fields of an update with metadata merged the vendor's way."""
        made = dict(fields)
        if "metadata" in made:
            made["metadata"] = merged_metadata(old.get("metadata"), made["metadata"])
        return made

    def render(self, table: str, record: Record) -> Record:
        """The record as it is printed now."""
        view = None if record.get("deleted") else self.views.get(table)
        return shown(view(self, record) if view is not None else record)

    # -- events ----------------------------------------------------------------------------------

    def tell(
        self,
        type: str,
        record: Record,
        old: Record | None = None,
        *,
        shown_before: Record | None = None,
    ) -> None:
        """Record an event; it holds the object as it is at this moment. An update also says what
        was different, from the ``old`` record or from how it was ``shown_before``."""
        table = next(t for t, r in RESOURCES.items() if r.object == record["object"])
        data: Record = {"object": self.render(table, record)}
        if shown_before is None and old is not None:
            shown_before = self.render(table, old)
        if shown_before is not None and type.endswith(".updated"):
            data["previous_attributes"] = previous_of(shown_before, data["object"])
        request_id, key = self.request
        event = self.create(
            "events",
            {
                "api_version": API_VERSION,
                "type": type,
                "pending_webhooks": 0,
                "request": {"id": request_id, "idempotency_key": key},
                "data": data,
            },
        )
        self.outbox.append(event)

    def forget_old_events(self) -> None:
        """Events are kept for 30 days."""
        limit = self.now() - EVENT_DAYS * DAY_SECONDS
        rows = self.store.tables.get("events", {})
        while rows and (first := next(iter(rows.values())))["created"] < limit:
            del rows[first["id"]]


def refuse_deleted(record: Record) -> Record:
    """A deleted record can be read but no longer changed."""
    if record.get("deleted"):
        raise missing(record["object"], record["id"])
    return record
