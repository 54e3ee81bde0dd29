"""Everything one tenant holds: rows by object and id, numbers, settings, an undo list.

Rows bear the names object query prints and are never changed in place, so whoever holds an old one
(an undo, a search index that lags) keeps seeing it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sandbox.zuora.errors import LOCKED, UNKNOWN_FIELD, Problem, not_found
from sandbox.zuora.objects import OBJECTS, STANDARD_CUSTOM_FIELDS
from sandbox.zuora.values import Row

# Fields that are looked up often enough to keep an index.
LINKS: Final = (
    "accountId", "subscriptionId", "ratePlanId", "invoiceId", "invoiceItemId", "paymentId",
    "creditMemoId", "refundId", "chargeNumber", "documentId", "productRatePlanId", "rbeStatus",
    "orderId", "_run",
)  # fmt: skip
USER_ID: Final = hashlib.md5(b"user", usedforsecurity=False).hexdigest()


def made_id(*parts: object) -> str:
    """32 hexadecimal digits that follow from the parts."""
    text = ":".join(str(part) for part in parts)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Change:
    """One row before and after a write; ``after`` is ``None`` when it was deleted."""

    object: str
    id: str
    before: Row | None
    after: Row | None
    at: datetime


@dataclass
class Settings:
    """What an administrator of the tenant decides. ``negative_lines`` is ``netted`` (a document
    whose total is negative becomes a credit memo) or ``separate`` (all credits do)."""

    time_zone: str = "UTC"
    index_delay_seconds: float = 0.0
    async_job_seconds: float = 0.0
    service_activation_required: bool = False
    tax: bool = True
    negative_lines: str = "netted"
    requests_per_minute: int = 50_000
    concurrency_limit: int = 40
    token_seconds: int = 3600
    home_currency: str = "USD"


@dataclass
class Lock:
    """A record that is being changed elsewhere: the next ``times`` writes on it are refused."""

    key: str
    times: int


@dataclass
class Tenant:
    """The state behind the API."""

    now: Callable[[], datetime]
    seed: int = 0
    settings: Settings = field(default_factory=Settings)
    tables: dict[str, dict[str, Row]] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    custom_fields: dict[str, set[str]] = field(default_factory=dict)
    locks: list[Lock] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    recent: list[Change] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tables = {name: {} for name in OBJECTS}
        self.custom_fields = {name: set(STANDARD_CUSTOM_FIELDS) for name in OBJECTS}
        self._numbers: dict[tuple[str, str], str] = {}
        self._by: dict[tuple[str, str, Any], dict[str, None]] = {}
        self._last_write: list[Change] = []

    # -- time ---------------------------------------------------------------------------------

    @property
    def zone(self) -> ZoneInfo:
        """The tenant's time zone."""
        return ZoneInfo(self.settings.time_zone)

    def today(self) -> date:
        """The tenant's date."""
        return self.now().astimezone(self.zone).date()

    # -- reading ------------------------------------------------------------------------------

    def rows(self, object: str) -> Iterator[Row]:
        """All rows of an object, oldest first."""
        return iter(tuple(self.tables[object].values()))

    def find(self, object: str, key: str | None) -> Row | None:
        """A row by id or number."""
        if not key:
            return None
        found = self.tables[object].get(key)
        if found is None:
            found = self.tables[object].get(self._numbers.get((object, key), ""))
        return found

    def get(self, object: str, key: str) -> Row:
        """A row by id or number; refused when there is none."""
        found = self.find(object, key)
        if found is None:
            raise not_found(OBJECTS[object].label, key)
        return found

    def where(self, object: str, **equal: Any) -> list[Row]:
        """Rows whose fields have these values."""
        wanted = tuple(equal.items())
        table = self.tables[object]
        indexed = next((item for item in wanted if item[0] in LINKS), None)
        if indexed is None:
            rows = list(table.values())
        else:
            rows = [table[id] for id in self._by.get((object, *indexed), ())]
        return [row for row in rows if all(row.get(k) == v for k, v in wanted)]

    def indexed(self, object: str) -> dict[str, Row]:
        """The rows as the search index has them: writes show after the index delay."""
        table = self.tables[object]
        delay = timedelta(seconds=self.settings.index_delay_seconds)
        limit = self.now() - delay
        self.recent = [change for change in self.recent if change.at > limit]
        young = [change for change in self.recent if change.object == object]
        if not delay or not young:
            return table
        view = dict(table)
        for change in reversed(young):
            if change.before is None:
                view.pop(change.id, None)
            else:
                view[change.id] = change.before
        return view

    # -- writing ------------------------------------------------------------------------------

    def number(self, kind: str, prefix: str, digits: int = 8) -> str:
        """The next number of a sequence that the user did not give."""
        while True:
            self.counters[kind] = self.counters.get(kind, 0) + 1
            text = f"{prefix}{self.counters[kind]:0{digits}d}"
            if (kind, text) not in self._numbers:
                return text

    def new_id(self, object: str) -> str:
        """A fresh id."""
        self.counters["id"] = self.counters.get("id", 0) + 1
        return made_id(self.seed, object, self.counters["id"])

    def insert(self, object: str, values: Mapping[str, Any], *, id: str | None = None) -> Row:
        """Add a row, stamped."""
        at = self.now().replace(microsecond=0)
        row: Row = {"id": id or self.new_id(object)}
        stamps = {
            "createdById": USER_ID,
            "createdDate": at,
            "updatedById": USER_ID,
            "updatedDate": at,
        }
        row.update({**values, **stamps})
        return self._put(object, row)

    def update(self, object: str, id: str, values: Mapping[str, Any]) -> Row:
        """Change a row; its ``updatedDate`` moves even when nothing else does."""
        at = self.now().replace(microsecond=0)
        return self._put(object, {**self.tables[object][id], **values, "updatedDate": at})

    def delete(self, object: str, id: str) -> None:
        """Forget a row."""
        before = self.tables[object][id]
        self._set(object, id, None)
        self._note(Change(object, id, before, None, self.now()))

    def _put(self, object: str, row: Row) -> Row:
        before = self.tables[object].get(row["id"])
        self._set(object, row["id"], row)
        self._note(Change(object, row["id"], before, row, self.now()))
        return row

    def _set(self, object: str, id: str, row: Row | None) -> None:
        """The one place where tables and their indexes change."""
        table = self.tables[object]
        old = table.get(id) or {}
        number = OBJECTS[object].number
        if row is None:
            table.pop(id, None)
            if self._numbers.get((object, str(old.get(number)))) == id:
                del self._numbers[object, str(old.get(number))]
        else:
            table[id] = row
            if row.get(number) and row.get("isLatestVersion", True):
                self._numbers[object, str(row[number])] = id
        for link in LINKS:
            was, now = old.get(link), (row or {}).get(link)
            if was == now:
                continue
            self._by.get((object, link, was), {}).pop(id, None)
            if now is not None:
                self._by.setdefault((object, link, now), {})[id] = None

    def _note(self, change: Change) -> None:
        self.changes.append(change)
        if self.settings.index_delay_seconds:
            self.recent.append(change)

    def check_lock(self, *keys: str | None) -> None:
        """Refuse when a record among the keys is being changed elsewhere."""
        for lock in self.locks:
            if lock.times > 0 and lock.key in keys:
                lock.times -= 1
                text = "Operation failed due to a lock competition, please retry later."
                raise Problem(LOCKED, text)

    def check_customs(self, object: str, customs: Mapping[str, Any]) -> Row:
        """The custom fields, refused when one was never defined."""
        for name in customs:
            if name not in self.custom_fields[object]:
                raise Problem(UNKNOWN_FIELD, f"The field '{name}' is not defined.")
        return dict(customs)

    # -- undo ---------------------------------------------------------------------------------

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """All writes inside, or none of them."""
        mark, young = len(self.changes), len(self.recent)
        counters = dict(self.counters)
        try:
            yield
        except BaseException:
            self._undo(self.changes[mark:])
            del self.changes[mark:]
            del self.recent[young:]
            self.counters = counters
            raise

    def take_changes(self) -> list[Change]:
        """What was written since the last call; kept for a look at the state before it."""
        taken, self.changes = self.changes, []
        if taken:
            self._last_write = taken
        return taken

    @contextmanager
    def before_last_write(self) -> Iterator[None]:
        """A look at the state before the latest request that wrote."""
        last = self._last_write
        self._undo(last)
        try:
            yield
        finally:
            for change in last:
                self._restore(change, change.after)

    def _undo(self, changes: list[Change]) -> None:
        for change in reversed(changes):
            self._restore(change, change.before)

    def _restore(self, change: Change, row: Row | None) -> None:
        self._set(change.object, change.id, row)
