"""Writing a great many records by an ingest job of Bulk API 2.0, and collecting its answer.

A job does nothing until it is closed: what goes wrong before then is tried again, or written the
usual way. Afterwards every record is pending, and the results tell of each, in no order: they are
told apart by the external id or the id that each row carries.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from connectors.base import Confirmed, Failed, Outcome
from connectors.errors import (
    AccessDenied,
    CallError,
    OutcomePending,
    OutcomeUnknown,
    Rejected,
    RetryLater,
    UnexpectedAnswer,
)
from connectors.records import Change, Operation
from connectors.salesforce.bulk import RUNNING, Job, job_of, lost, table
from connectors.salesforce.errors import row_error
from connectors.salesforce.ids import normal_id
from connectors.salesforce.ingest_cells import (
    IngestRow,
    csv_text,
    error_entry,
    ingest_row,
    key_column,
)
from connectors.salesforce.rest import Rest
from connectors.salesforce.writing import apply_changes

# Well below the vendor's 100 MB, as the results repeat the rows and come in one answer.
UPLOAD_MAX_BYTES: Final = 20_000_000
FIRST_LOOK: Final = timedelta(seconds=5)
LOOK_AGAIN: Final = timedelta(seconds=15)
_WORDS: Final = {Operation.UPSERT: "upsert", Operation.UPDATE: "update"}

Row = Mapping[str, str]


class Ingester:
    """Jobs of one connection. ``write_from``: from how many changes on one is made; 0: never."""

    def __init__(self, rest: Rest, write_from: int) -> None:
        self._rest = rest
        self._write_from = write_from

    def takes(self, changes: Sequence[Change]) -> bool:
        """Whether these are written by a job: enough of one kind, named by an id of either sort."""
        if not self._write_from or len(changes) < self._write_from:
            return False
        kinds = {(one.operation, one.object, key_column(one)) for one in changes}
        return len(kinds) == 1 and changes[0].operation in _WORDS

    def apply(self, changes: Sequence[Change]) -> tuple[Outcome, ...]:
        """Take them as jobs; the few that CSV cannot say are written at once."""
        outcomes: dict[int, Outcome] = {}
        rows: list[IngestRow] = []
        plain: list[int] = []
        named: set[str] = set()
        for place, change in enumerate(changes):
            try:
                row = ingest_row(place, change)
            except Rejected as error:
                outcomes[place] = Failed(error)
                continue
            if row.same_as in named:
                # In one job both would be refused, or either might win.
                outcomes[place] = Failed(_twice())
            elif row.cells is None:
                plain.append(place)
            else:
                rows.append(row)
            named.add(row.same_as)
        for part in _parts(rows):
            taken = self._take(part)
            plain += [row.place for row in part] if taken is None else []
            outcomes.update({row.place: taken for row in part} if taken is not None else {})
        at_once = apply_changes(self._rest, [changes[place] for place in plain])
        outcomes.update(zip(plain, at_once, strict=True))
        return tuple(outcomes[place] for place in range(len(changes)))

    def _take(self, part: Sequence[IngestRow]) -> Outcome | None:
        """One outcome for all of a job; ``None``: there may be no job, nothing has happened."""
        first = part[0].change
        about = {
            "object": first.object,
            "operation": _WORDS[first.operation],
            "contentType": "CSV",
            "columnDelimiter": "COMMA",
            "lineEnding": "LF",
        }
        if first.identity is not None:
            about["externalIdFieldName"] = first.identity.field
        try:
            job = job_of(self._rest.ask("jobs/ingest", about, object=first.object))
            path = f"jobs/ingest/{job.id}/batches"
            self._rest.put_text(path, csv_text(part), object=first.object)
        except (Rejected, AccessDenied):
            return None
        except CallError as error:
            return Failed(_nothing_happened(error))
        try:
            self._move(job.id, "UploadComplete", first.object)
        except (OutcomeUnknown, UnexpectedAnswer):
            pass  # Whether it was closed is seen when the answer is collected.
        except CallError as error:
            return Failed(_nothing_happened(error))
        return Failed(_pending(job.id, FIRST_LOOK))

    def _move(self, job: str, state: str, object: str) -> Job:
        body = json.dumps({"state": state}).encode()
        return job_of(self._rest.send("PATCH", f"jobs/ingest/{job}", body, object=object))

    def collect(self, token: str, changes: Sequence[Change]) -> tuple[Outcome, ...]:
        """What became of each. Raises ``CallError`` when the job could not be asked."""
        id = normal_id(token)
        if id is None or not changes:
            return tuple(Failed(_untold()) for _ in changes)
        object = changes[0].object
        try:
            job = job_of(self._rest.get(f"jobs/ingest/{id}", object=object))
            if job.state == "Open":
                # The closing never arrived; now it must not arrive any more.
                job = self._move(id, "Aborted", object)
            if job.state in RUNNING:
                return tuple(Failed(_pending(id, LOOK_AGAIN)) for _ in changes)
            if job.state != "JobComplete" and not job.processed:
                return tuple(Failed(_unprocessed(job)) for _ in changes)
            return self._told(job, changes)
        except CallError as error:
            if not lost(error):
                raise
            return tuple(Failed(_untold()) for _ in changes)

    def _told(self, job: Job, changes: Sequence[Change]) -> tuple[Outcome, ...]:
        column = key_column(changes[0])
        found: dict[str, Outcome] = {}
        if job.state != "JobComplete":
            for row in self._rows(job, "unprocessedrecords"):
                found[_name(row, column)] = Failed(_unprocessed(job))
        if job.failed or job.state != "JobComplete":
            for row in self._rows(job, "failedResults"):
                entries = [error_entry(row.get("sf__Error", ""))]
                error = row_error(changes[0].object, changes[0].operation, entries)
                found[_name(row, column)] = Failed(error)
        if job.processed > job.failed:
            for row in self._rows(job, "successfulResults"):
                found[_name(row, column)] = _confirmed(row, changes[0].operation)
        untold = Failed(_untold())
        return tuple(found.get(_wanted(change), untold) for change in changes)

    def _rows(self, job: Job, which: str) -> list[Row]:
        answer = self._rest.get_text(f"jobs/ingest/{job.id}/{which}", object=job.object)
        whole = table(answer)
        return list(csv.DictReader(io.StringIO(whole.text, newline=""), strict=True))


def _parts(rows: Sequence[IngestRow]) -> list[list[IngestRow]]:
    """Rows that go up together, by the size of their cells."""
    parts: list[list[IngestRow]] = []
    size = UPLOAD_MAX_BYTES
    for row in rows:
        own = sum(len(cell.encode()) + 3 for cell in (row.cells or {}).values())
        if size + own > UPLOAD_MAX_BYTES:
            parts.append([])
            size = 0
        parts[-1].append(row)
        size += own
    return parts


def _name(row: Row, column: str) -> str:
    """Which record a row of the results is about."""
    by_column = {name.lower(): cell for name, cell in row.items()}
    text = by_column.get(column.lower(), "")
    return (normal_id(text) or text) if column == "Id" else text.strip().casefold()


def _wanted(change: Change) -> str:
    if change.identity is not None:
        return change.identity.value.strip().casefold()
    return normal_id(change.id or "") or ""


def _confirmed(row: Row, operation: Operation) -> Outcome:
    id = normal_id(row.get("sf__Id", ""))
    if id is None:
        return Failed(_untold())
    created = operation is Operation.UPSERT and row.get("sf__Created", "").lower() == "true"
    return Confirmed(id=id, created=created)


def _nothing_happened(error: CallError) -> CallError:
    """An error before the job was closed: nothing was written, whatever else it says."""
    if not isinstance(error, OutcomeUnknown | UnexpectedAnswer):
        return error
    return RetryLater(error.message, code=error.code, status=error.status)


def _pending(job: str, again_after: timedelta) -> OutcomePending:
    return OutcomePending(
        f"Salesforce has taken this as the job {job}", token=job, again_after=again_after
    )


def _untold() -> OutcomeUnknown:
    return OutcomeUnknown("the job cannot tell what became of this record", code="JOB_SILENT")


def _unprocessed(job: Job) -> RetryLater:
    reason = job.message or f"it is {job.state}"
    return RetryLater(f"the job did not get to this record: {reason}", code="JOB_UNPROCESSED")


def _twice() -> RetryLater:
    return RetryLater("the record is in the same job once already", code="SAME_RECORD_TWICE")
