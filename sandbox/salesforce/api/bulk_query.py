"""Query jobs of Bulk API 2.0 ("Query", Bulk API 2.0 guide)."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sandbox.messages import Request, Response
from sandbox.salesforce.api.bulk import (
    Job,
    Jobs,
    advance,
    change_of_state,
    csv_reply,
    job_info,
)
from sandbox.salesforce.api.bulk_csv import DELIMITERS, LINE_ENDINGS, cell_of, written
from sandbox.salesforce.api.desk import DATA, Desk, Endpoint, body_of, reply, version_of
from sandbox.salesforce.errors import Refusal
from sandbox.salesforce.soql.parser import parse
from sandbox.salesforce.soql.paths import Resolved, resolve
from sandbox.salesforce.soql.select import Selection
from sandbox.salesforce.soql.tree import Path, Query
from sandbox.salesforce.values import Row

PAGE_MAX: Final = 250_000
_KEYS: Final = ("operation", "query", "contentType", "columnDelimiter", "lineEnding")
_COMPOUND: Final = frozenset({"address", "location", "base64"})
_REFUSED: Final = re.compile(r"\b(GROUP\s+BY|OFFSET|TYPEOF)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Result:
    """The rows of a query as they were when it ran, and how each column is read."""

    header: tuple[str, ...]
    columns: tuple[tuple[Callable[[Row], Any], str], ...]
    rows: tuple[Row, ...]

    def cells(self, start: int, end: int) -> list[list[str]]:
        """Some rows as text."""
        return [
            [cell_of(get(row), type) for get, type in self.columns] for row in self.rows[start:end]
        ]


class QueryJobs:
    """The resources below ``/jobs/query``."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The routes."""
        base = DATA + "/jobs/query"
        return (
            Endpoint("POST", base, self._create),
            Endpoint("GET", base, lambda _desk, _request: self._jobs.listed("V2Query")),
            Endpoint("GET", base + "/{job}", self._look),
            Endpoint("PATCH", base + "/{job}", self._abort),
            Endpoint("DELETE", base + "/{job}", self._delete),
            Endpoint(
                "GET", base + "/{job}/results", self._results, frozenset({"locator", "maxRecords"})
            ),
        )

    def _create(self, desk: Desk, request: Request) -> Response:
        body = body_of(request)
        desk.expect_keys(request, body, _KEYS, "a query job")
        operation, text = body.get("operation"), body.get("query")
        if operation not in {"query", "queryAll"} or not isinstance(text, str):
            raise Refusal("INVALIDJOB", "InvalidJob : operation and query are required")
        now = desk.org.now()
        result, object = _run(desk, request, text, with_deleted=operation == "queryAll")
        message = "Max number of query jobs in 24 hours exceeded"
        self._jobs.query_jobs.take(now, 1, message)
        job = self._jobs.open(desk, request, "V2Query", {**body, "object": object})
        job.move("UploadComplete", now)
        job.inner["result"] = result
        return reply(200, job_info(job))

    def _look(self, desk: Desk, request: Request) -> Response:
        job = self._jobs.get(desk, request, "V2Query")
        advance(job, desk.org.now(), lambda: self._finish(desk, job))
        return reply(200, {**job_info(job), "isPkChunkingSupported": True})

    def _finish(self, desk: Desk, job: Job) -> None:
        if self._jobs.fail_next:
            job.processed = self._jobs.fail_next.pop(0)
            job.message = "Retried more than fifteen times"
            job.move("Failed", desk.org.now())
            return
        job.processed = len(job.inner["result"].rows)
        job.move("JobComplete", desk.org.now())

    def _abort(self, desk: Desk, request: Request) -> Response:
        job = self._jobs.get(desk, request, "V2Query")
        change_of_state(desk, request, frozenset({"Aborted"}))
        if job.state not in {"UploadComplete", "InProgress"}:
            raise Refusal("INVALIDJOBSTATE", f"Aborting a job that is {job.state} is not allowed")
        job.move("Aborted", desk.org.now())
        return reply(200, job_info(job))

    def _delete(self, desk: Desk, request: Request) -> Response:
        self._jobs.drop(self._jobs.get(desk, request, "V2Query"))
        return reply(204)

    def _results(self, desk: Desk, request: Request) -> Response:
        job = self._jobs.get(desk, request, "V2Query")
        if job.state != "JobComplete":
            message = f"Results are not available: the job is {job.state}"
            raise Refusal("INVALIDJOBSTATE", message)
        result: Result = job.inner["result"]
        start = _position(request.first("locator"), len(result.rows))
        most = request.first("maxRecords")
        if most is not None and not (most.isdigit() and int(most) > 0):
            raise Refusal("INVALID_QUERY_LOCATOR", f"maxRecords {most} is not valid")
        end = min(start + min(int(most or PAGE_MAX), PAGE_MAX), len(result.rows))
        rows = result.cells(start, end)
        delimiter, ending = DELIMITERS[job.delimiter], LINE_ENDINGS[job.line_ending]
        headers = {
            "Sforce-Locator": _locator(end) if end < len(result.rows) else "null",
            "Sforce-NumberOfRecords": str(len(rows)),
        }
        return csv_reply(written(result.header, rows, delimiter, ending), headers)


def _run(desk: Desk, request: Request, text: str, *, with_deleted: bool) -> tuple[Result, str]:
    """The answer to a query, unless it asks for what Bulk API 2.0 does not do."""
    bare = re.sub(r"'(?:[^'\\]|\\.)*'", "''", text)
    if found := _REFUSED.search(bare):
        raise Refusal("API_ERROR", f"{found[1].upper()} is not supported in Bulk Query")
    try:
        query = parse(text)
    except Refusal as refusal:
        desk.violation("malformed_query", refusal.message.splitlines()[-1], request)
        raise
    selection = Selection(desk.org, version_of(request), desk.org.now(), with_deleted=with_deleted)
    source = desk.org.schema.object(query.object)
    header: list[str] = []
    columns: list[tuple[Callable[[Row], Any], str]] = []
    for item in query.fields:
        if isinstance(item, Query):
            raise Refusal("API_ERROR", "Aggregate Relationships not supported in Bulk Query")
        if not isinstance(item, Path):
            raise Refusal("API_ERROR", f"{item} is not supported in Bulk Query")
        if source is not None:
            found_field = resolve(desk.org, source, item, text)
            _check_kind(found_field)
            header.append(_name(found_field))
            columns.append((found_field.get, found_field.field.type))
    selected = selection.run(query)
    return Result(tuple(header), tuple(columns), selected.rows), query.object


def _check_kind(found: Resolved) -> None:
    if found.field.type in _COMPOUND:
        message = f"Selecting compound data not supported in Bulk Query: {found.field.name}"
        raise Refusal("API_ERROR", message)


def _name(found: Resolved) -> str:
    parents = [str(parent.relationship) for parent in found.parents]
    return ".".join((*parents, found.field.name))


def _locator(position: int) -> str:
    return base64.urlsafe_b64encode(str(position).encode()).decode().rstrip("=")


def _position(locator: str | None, count: int) -> int:
    if locator is None:
        return 0
    try:
        padded = locator + "=" * (-len(locator) % 4)
        position = int(base64.urlsafe_b64decode(padded.encode()).decode())
    except ValueError as error:
        raise Refusal("INVALID_QUERY_LOCATOR", "invalid query locator") from error
    if not 0 < position < count:
        raise Refusal("INVALID_QUERY_LOCATOR", "invalid query locator")
    return position
