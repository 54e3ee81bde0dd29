"""Reading a great many records: the first page by query, the rest by a job when it is worth one.

The cursor holds the job and the place in its results. A job that fails, or may not be made, costs
calls and loses nothing: the walk through the ids goes on after the last id it had. A job that was
lost is made again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from connectors.errors import AccessDenied, CallError, Rejected
from connectors.records import Page, Selection
from connectors.salesforce.bulk import (
    RUNNING,
    Job,
    job_of,
    lost,
    make_query,
    onward_locator,
    table,
    wait_after,
)
from connectors.salesforce.bulk_results import Cells, Part, Parts, exportable
from connectors.salesforce.changes import bad_cursor, parse_walk, walk_text
from connectors.salesforce.describing import Schemas
from connectors.salesforce.ids import normal_id
from connectors.salesforce.objects import PAGE_MAX
from connectors.salesforce.reading import Reading, reading
from connectors.salesforce.rest import Rest
from connectors.salesforce.soql import select
from connectors.salesforce.sweeping import counted, still_to_come

PART_ROWS: Final = 50_000
JOBS_MOST: Final = 3


@dataclass(frozen=True, slots=True)
class Export:
    """Where an export stands.

    ``after`` is the last id taken by walking. ``job`` is the job for what follows, ``None`` before
    it is made; ``asked_at`` when it was asked for, by our clock; ``jobs`` how many were made.
    ``locator`` and ``taken`` are the place in its results, fetched ``rows`` at a time.
    """

    after: str
    job: str | None = None
    asked_at: datetime | None = None
    jobs: int = 0
    looks: int = 0
    locator: str = ""
    taken: int = 0
    rows: int = PART_ROWS

    def text(self) -> str:
        """The cursor as it is stored."""
        parts = {
            "export": self.after,
            "job": self.job,
            "asked": self.asked_at.isoformat() if self.asked_at else None,
            "jobs": self.jobs,
            "looks": self.looks,
            "locator": self.locator,
            "taken": self.taken,
            "rows": self.rows,
        }
        told = {name: part for name, part in parts.items() if part not in (None, "", 0)}
        return json.dumps(told, separators=(",", ":"))


def parse_export(cursor: str) -> Export | None:
    """A stored cursor; ``None`` for one of a walk. Raises ``Rejected``."""
    try:
        raw = json.loads(cursor)
        if "export" not in raw:
            parse_walk(cursor)
            return None
        job, asked = raw.get("job"), raw.get("asked")
        after = normal_id(raw["export"])
        job_id = normal_id(job) if job is not None else None
        if after is None or (job is not None and (job_id is None or asked is None)):
            raise ValueError("not an id")
        numbers = {name: int(raw.get(name, 0)) for name in ("jobs", "looks", "taken")}
        return Export(
            after=after,
            job=job_id,
            asked_at=datetime.fromisoformat(asked).astimezone(UTC) if asked else None,
            locator=str(raw.get("locator", "")),
            rows=max(1, int(raw.get("rows", PART_ROWS))),
            **numbers,
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        raise bad_cursor() from None


class Exporter:
    """Exports of one connection. ``bulk_from``: from how many records on a job is made; 0: never.

    ``now`` is our clock. Safe for several threads.
    """

    def __init__(
        self, rest: Rest, schemas: Schemas, bulk_from: int, now: Callable[[], datetime]
    ) -> None:
        self._rest = rest
        self._schemas = schemas
        self._bulk_from = bulk_from
        self._now = now
        self._parts = Parts()

    def page(
        self, selection: Selection, cursor: str | None, limit: int, since: datetime | None
    ) -> Page:
        """The next page. Raises ``CallError``."""
        how = reading(self._schemas, selection)
        size = max(1, min(limit, PAGE_MAX))
        if cursor is None:
            return self._first(how, size, since)
        at = parse_export(cursor)
        if at is None or not exportable(how):
            last = cursor if at is None else walk_text(at.after)
            return counted(self._rest, how, last, size, since, ahead=0)[0]
        if at.job is None:
            return self._begun(how, at, size, since)
        if not at.locator and not at.taken:
            job = self._look(how, at)
            if job is None or job.object.lower() != how.object.lower():
                return self._again(how, at, size, since)
            if job.state in RUNNING:
                waiting = replace(at, looks=at.looks + 1)
                return _nothing(waiting, looks=waiting.looks)
            if job.state != "JobComplete":
                return self._walked(how, at, size, since)
        return self._results(how, at, size, since)

    def _first(self, how: Reading, size: int, since: datetime | None) -> Page:
        """A page by query, which tells along the way whether a job is worth making."""
        ahead = self._bulk_from if exportable(how) else 0
        page, count = counted(self._rest, how, None, size, since, ahead=ahead)
        if not ahead or page.at_head or count < ahead:
            return page
        return replace(page, cursor=Export(after=page.records[-1].ref.id).text())

    def _walked(self, how: Reading, at: Export, size: int, since: datetime | None) -> Page:
        return counted(self._rest, how, walk_text(at.after), size, since, ahead=0)[0]

    def _begun(self, how: Reading, at: Export, size: int, since: datetime | None) -> Page:
        # Without an order: the vendor then divides the work among several, by id.
        soql = select(how.object, how.soql_fields, where=still_to_come(how, at.after, since))
        asked_at = self._now()
        try:
            job = make_query(self._rest, how.object, soql)
        except (Rejected, AccessDenied):
            return self._walked(how, at, size, since)
        made = Export(after=at.after, job=job.id, asked_at=asked_at, jobs=at.jobs + 1)
        return _nothing(made, looks=0)

    def _look(self, how: Reading, at: Export) -> Job | None:
        try:
            return job_of(self._rest.get(f"jobs/query/{at.job}", object=how.object))
        except CallError as error:
            if not lost(error):
                raise
            return None

    def _again(self, how: Reading, at: Export, size: int, since: datetime | None) -> Page:
        """The job or its results are gone: make another, unless that keeps happening."""
        if at.jobs >= JOBS_MOST:
            return self._walked(how, at, size, since)
        return Page((), Export(after=at.after, jobs=at.jobs).text(), at_head=False)

    def _results(self, how: Reading, at: Export, size: int, since: datetime | None) -> Page:
        key = (at.job or "", at.locator, at.rows)
        try:
            part = self._parts.get(key, lambda: self._fetch(how, at))
            cells = Cells(how, part.header)
        except CallError as error:
            if error.code == "BAD_BODY" and at.rows > PAGE_MAX and not at.taken:
                # Too large for one answer: smaller parts from here on.
                smaller = replace(at, rows=max(PAGE_MAX, at.rows // 2))
                return Page((), smaller.text(), at_head=False)
            if not lost(error):
                raise
            return self._again(how, at, size, since)
        except KeyError:
            # Other fields are wanted by now than when the job was made.
            return self._again(how, at, size, since)
        rows = part.rows(at.taken, size)
        records = tuple(how.record(cells.row(row)) for row in rows)
        onward = replace(at, taken=at.taken + len(rows))
        at_head = False
        if onward.taken >= part.count:
            at_head = part.onward is None
            onward = replace(
                onward, locator=part.onward or "", taken=0 if part.onward else onward.taken
            )
        return Page(records, onward.text(), at_head=at_head, asked_at=at.asked_at)

    def _fetch(self, how: Reading, at: Export) -> Part:
        path = f"jobs/query/{at.job}/results?maxRecords={at.rows}"
        if at.locator:
            path += f"&locator={at.locator}"
        answer = self._rest.get_text(path, object=how.object)
        return Part(table(answer), onward_locator(answer))


def _nothing(at: Export, *, looks: int) -> Page:
    """An empty page: the vendor is at work."""
    return Page((), at.text(), at_head=False, again_after=wait_after(looks))
