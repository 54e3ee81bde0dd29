"""Ingest jobs of Bulk API 2.0 ("Ingest", Bulk API 2.0 guide).

Rows are worked on in parts of 200, in no order a caller could rely on: here from the last to the
first. A record named twice in a part is refused both times; in two parts the later part wins.
"""

from __future__ import annotations

from collections import Counter
from math import ceil
from typing import Any, Final

from sandbox.messages import Request, Response
from sandbox.salesforce.api.bulk import (
    TERMINAL,
    Job,
    Jobs,
    advance,
    change_of_state,
    csv_reply,
    job_info,
)
from sandbox.salesforce.api.bulk_csv import (
    DELIMITERS,
    LINE_ENDINGS,
    InvalidBatch,
    body_of_row,
    parse,
    written,
)
from sandbox.salesforce.api.bulk_query import QueryJobs
from sandbox.salesforce.api.desk import DATA, Desk, Endpoint, body_of, noted, reply
from sandbox.salesforce.api.records import upsert
from sandbox.salesforce.errors import Refusal
from sandbox.salesforce.schema import ObjectSpec
from sandbox.salesforce.writing import Writer, required_ids

UPLOAD_MAX_BYTES: Final = 150_000_000  # after encoding in base64, which adds a third
BATCH_ROWS: Final = 10_000
PART_ROWS: Final = 200
LOCK_TRIES: Final = 10
_KEYS: Final = (
    "object",
    "operation",
    "externalIdFieldName",
    "contentType",
    "lineEnding",
    "columnDelimiter",
    "assignmentRuleId",
)
_OPERATIONS: Final = frozenset({"insert", "update", "upsert", "delete", "hardDelete"})


class IngestJobs:
    """The resources below ``/jobs/ingest``."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The routes."""
        base = DATA + "/jobs/ingest"
        return (
            Endpoint("POST", base, self._create),
            Endpoint("GET", base, self._list),
            Endpoint("GET", base + "/{job}", self._look),
            Endpoint("PATCH", base + "/{job}", self._change),
            Endpoint("DELETE", base + "/{job}", self._delete),
            Endpoint("PUT", base + "/{job}/batches", self._upload),
            Endpoint("GET", base + "/{job}/successfulResults", self._successful),
            Endpoint("GET", base + "/{job}/failedResults", self._failed),
            Endpoint("GET", base + "/{job}/unprocessedrecords", self._unprocessed),
        )

    def _create(self, desk: Desk, request: Request) -> Response:
        body = body_of(request)
        desk.expect_keys(request, body, _KEYS, "an ingest job")
        spec = desk.org.schema.object(str(body.get("object")))
        if spec is None:
            raise Refusal("INVALIDENTITY", f"InvalidEntity : {body.get('object')} is not supported")
        operation, external = body.get("operation"), body.get("externalIdFieldName")
        if operation not in _OPERATIONS:
            raise Refusal("INVALIDJOB", f"InvalidJob : {operation} is no operation")
        if operation == "hardDelete":
            raise Refusal("FEATURENOTENABLED", "FeatureNotEnabled : hardDelete is not permitted")
        if (operation == "upsert") != (external is not None):
            message = "InvalidJob : externalIdFieldName is needed for upsert, and only there"
            raise Refusal("INVALIDJOB", message)
        job = self._jobs.open(desk, request, "V2Ingest", {**body, "object": spec.name})
        if external is not None:
            field = spec.field(str(external))
            if field is None or not (field.external_id or field.name == "Id"):
                raise Refusal("INVALIDJOB", f"InvalidJob : Field name not found : {external}")
            job.more["externalIdFieldName"] = field.name
        job.more["contentUrl"] = f"services/data/v{job.version}/jobs/ingest/{job.id}/batches"
        return reply(200, job_info(job))

    def _list(self, _: Desk, __: Request) -> Response:
        return self._jobs.listed("V2Ingest")

    def _upload(self, desk: Desk, request: Request) -> Response:
        job = self._jobs.get(desk, request, "V2Ingest")
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "text/csv":
            raise Refusal("UNSUPPORTED_MEDIA_TYPE", f"Content-Type {kind} is not supported")
        if job.state != "Open":
            raise Refusal("INVALIDJOBSTATE", f"Data cannot be added to a job that is {job.state}")
        if "content" in job.inner:
            message = f"Found multiple contents for job: {job.id}; do PUT only once on a job"
            raise Refusal("CLIENTINPUTERROR", message)
        if ceil(len(request.body) / 3) * 4 > UPLOAD_MAX_BYTES:
            raise Refusal("INVALIDJOB", "InvalidJob : the upload is too large", status=413)
        job.inner["content"] = request.body
        job.changed_at = desk.org.now()
        return Response(201)

    def _change(self, desk: Desk, request: Request) -> Response:
        job = self._jobs.get(desk, request, "V2Ingest")
        state = change_of_state(desk, request, frozenset({"UploadComplete", "Aborted"}))
        if state == "Aborted":
            if job.state in TERMINAL:
                message = f"Aborting a job that is {job.state} is not allowed"
                raise Refusal("INVALIDJOBSTATE", message)
        elif job.state != "Open" or "content" not in job.inner:
            message = f"Closing already {job.state} Job not allowed, or nothing was uploaded"
            raise Refusal("INVALIDJOBSTATE", message)
        job.move(state, desk.org.now())
        return reply(200, job_info(job))

    def _look(self, desk: Desk, request: Request) -> Response:
        job = self._jobs.get(desk, request, "V2Ingest")
        advance(job, desk.org.now(), lambda: self._work(desk, job))
        told = job_info(job)
        if job.state != "Open":
            told["numberRecordsFailed"] = job.failed
        return reply(200, told)

    def _delete(self, desk: Desk, request: Request) -> Response:
        self._jobs.drop(self._jobs.get(desk, request, "V2Ingest"))
        return reply(204)

    def _work(self, desk: Desk, job: Job) -> None:
        work = _Work(desk, job, self._jobs.fail_next.pop(0) if self._jobs.fail_next else None)
        try:
            work.prepare()
            batches = max(1, ceil(len(work.rows) / BATCH_ROWS))
            self._jobs.batches.take(desk.org.now(), batches, "Batch limit of 24 hours exceeded")
            work.run()
        except InvalidBatch as error:
            job.message = f"InvalidBatch : {error}"
        except Refusal as refusal:
            job.message = f"{refusal.code} : {refusal.message}"
        job.move("JobComplete" if job.message is None else "Failed", desk.org.now())

    def _successful(self, desk: Desk, request: Request) -> Response:
        header = ("sf__Id", "sf__Created")
        return self._results(desk, request, "done", header)

    def _failed(self, desk: Desk, request: Request) -> Response:
        return self._results(desk, request, "refused", ("sf__Id", "sf__Error"))

    def _unprocessed(self, desk: Desk, request: Request) -> Response:
        return self._results(desk, request, "left", ())

    def _results(
        self, desk: Desk, request: Request, which: str, first: tuple[str, ...]
    ) -> Response:
        job = self._jobs.get(desk, request, "V2Ingest")
        if job.state not in TERMINAL:
            raise Refusal("INVALIDJOBSTATE", f"The job is still {job.state}")
        header = (*first, *job.inner.get("header", ()))
        rows = job.inner.get(which, ())
        delimiter, ending = DELIMITERS[job.delimiter], LINE_ENDINGS[job.line_ending]
        return csv_reply(written(header, rows, delimiter, ending))


class _Work:
    """The rows of one job being written. ``stop_after`` is where it breaks off."""

    def __init__(self, desk: Desk, job: Job, stop_after: int | None) -> None:
        self._desk = desk
        self._job = job
        self._stop_after = stop_after
        self._writer = Writer(desk.org)
        self._spec: ObjectSpec = desk.org.schema.objects[job.object]
        self._key = "Id"
        self.rows: list[list[str]] = []

    def prepare(self) -> None:
        """Read the upload. Raises :class:`InvalidBatch`."""
        job = self._job
        delimiter = DELIMITERS[job.delimiter]
        header, rows = parse(job.inner["content"], delimiter, job.line_ending)
        job.inner["header"], job.inner["left"] = header, rows
        for name in header:
            relationship, dot, _ = name.partition(".")
            known = self._spec.by_relationship if dot else None
            found = relationship.lower() in known if known is not None else self._spec.field(name)
            if not found:
                raise InvalidBatch(f"Field name not found : {name}")
        self._key = job.more.get("externalIdFieldName", "Id")
        if job.operation != "insert" and self._key.lower() not in map(str.lower, header):
            raise InvalidBatch(f"Field name not found : {self._key}")
        self.rows = rows

    def run(self) -> None:
        """Write the rows, part by part."""
        job = self._job
        job.inner.update(done=[], refused=[])
        starts = reversed(range(0, len(self.rows), PART_ROWS))
        left = {id(row): row for row in self.rows}
        for start in starts:
            part = self.rows[start : start + PART_ROWS]
            twice = self._named_twice(part)
            for row in part:
                if self._stop_after is not None and job.processed >= self._stop_after:
                    job.message = "TooManyLockFailure : Too many lock failure. Try again later."
                    job.inner["left"] = list(left.values())
                    return
                self._one(row, twice)
                job.processed += 1
                del left[id(row)]
        job.inner["left"] = []

    def _named_twice(self, part: list[list[str]]) -> set[str]:
        if self._job.operation == "insert":
            return set()
        counts = Counter(self._value(row, self._key).lower() for row in part)
        return {name for name, count in counts.items() if count > 1}

    def _value(self, row: list[str], name: str) -> str:
        header = [one.lower() for one in self._job.inner["header"]]
        return row[header.index(name.lower())].strip()

    def _one(self, row: list[str], twice: set[str]) -> None:
        job = self._job
        try:
            if job.operation != "insert" and self._value(row, self._key).lower() in twice:
                message = f"Duplicate external id specified: {self._value(row, self._key)}"
                raise Refusal("DUPLICATE_VALUE", message, self._key)
            id, created = self._persistently(row)
            job.inner["done"].append([id, "true" if created else "false", *row])
        except Refusal as refusal:
            job.failed += 1
            fields = ", ".join(refusal.fields)
            error = f"{refusal.code}:{refusal.message}:{fields} --"
            job.inner["refused"].append(["", error, *row])

    def _persistently(self, row: list[str]) -> tuple[str, bool]:
        """A record that somebody holds is tried again before it is given up."""
        for _ in range(LOCK_TRIES):
            try:
                with self._desk.org.savepoint():
                    return self._write(row)
            except Refusal as refusal:
                if refusal.code != "UNABLE_TO_LOCK_ROW":
                    raise
                self._job.retries += 1
                last = refusal
        raise last

    def _write(self, row: list[str]) -> tuple[str, bool]:
        job, name = self._job, self._spec.name
        body = body_of_row(job.inner["header"], row)
        given = {key.lower(): key for key in body}
        key = body.pop(given[self._key.lower()], None) if self._key.lower() in given else None
        if job.operation == "insert":
            if key is not None:
                raise Refusal(
                    "INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", "Id"
                )
            return noted(self._desk, self._writer.create(name, body)).row["Id"], True
        if key is None:
            raise Refusal("MISSING_ARGUMENT", f"{self._key} not specified", self._key)
        if job.operation == "upsert" and self._key != "Id":
            field: Any = self._spec.field(self._key)
            saved = upsert(self._writer, self._desk, self._spec, field, key, body)
            return saved.row["Id"], saved.created
        (id,) = required_ids([str(key)])
        if job.operation == "delete":
            self._desk.org.note(self._writer.delete(name, id)["Id"], "deletes")
            return id, False
        return noted(self._desk, self._writer.update(name, id, body)).row["Id"], False


def bulk_endpoints(jobs: Jobs) -> tuple[Endpoint, ...]:
    """Everything below ``/jobs``."""
    return (*IngestJobs(jobs).endpoints(), *QueryJobs(jobs).endpoints())
