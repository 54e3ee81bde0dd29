"""Bulk API 2.0: the jobs, how they advance, and what of the daily allowance is used.

A job is worked on in its own time: it is found running ``looks`` times before it is done. Jobs are
kept for seven days ("Limits", Bulk API 2.0 guide).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sandbox.messages import Request, Response
from sandbox.salesforce.api.bulk_csv import DELIMITERS, LINE_ENDINGS
from sandbox.salesforce.api.desk import Desk, body_of, reply, version_of
from sandbox.salesforce.errors import Refusal
from sandbox.salesforce.ids import MalformedId, normalise, numbered
from sandbox.salesforce.values import instant_text
from sandbox.simulator import BadCommand

KEPT_FOR: Final = timedelta(days=7)
TERMINAL: Final = frozenset({"JobComplete", "Failed", "Aborted"})
_DAY: Final = timedelta(hours=24)


@dataclass(slots=True)
class Job:
    """One job. ``looks`` is how often it will still be found running."""

    id: str
    kind: str  # V2Ingest | V2Query
    object: str
    operation: str
    delimiter: str
    line_ending: str
    version: str
    created_at: datetime
    created_by: str
    looks: int
    state: str = "Open"
    changed_at: datetime | None = None
    processed: int = 0
    failed: int = 0
    retries: int = 0
    message: str | None = None
    more: dict[str, Any] = field(default_factory=dict)  # told with the job
    inner: dict[str, Any] = field(default_factory=dict)  # never told: upload, rows, results

    def move(self, state: str, now: datetime) -> None:
        """Enter a state."""
        self.state, self.changed_at = state, now


@dataclass(slots=True)
class Allowance:
    """Something of which only so much may be used in 24 hours."""

    most: int
    used: deque[tuple[datetime, int]] = field(default_factory=deque)

    def left(self, now: datetime) -> int:
        """How much may still be used."""
        while self.used and self.used[0][0] < now - _DAY:
            self.used.popleft()
        return max(0, self.most - sum(count for _, count in self.used))

    def take(self, now: datetime, count: int, message: str) -> None:
        """Use some; the vendor's refusal when it is not there."""
        if self.left(now) < count:
            raise Refusal("EXCEEDED_MAX_JOBS", message)
        self.used.append((now, count))


class Jobs:
    """Every job of the org. ``fail_next`` makes jobs fail after so many rows, one each."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """A clean account."""
        self.looks = 1
        self.fail_next: list[int] = []
        self.query_jobs = Allowance(10_000)
        self.batches = Allowance(15_000)
        self._jobs: dict[str, Job] = {}
        self._numbered = 0

    def limits(self, now: datetime) -> dict[str, Any]:
        """What ``/limits`` tells."""
        return {
            "DailyBulkV2QueryJobs": _limit(self.query_jobs, now),
            "DailyBulkApiBatches": _limit(self.batches, now),
        }

    def administer(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """``{"looks", "fail_after", "query_jobs", "batches", "lose"}``; the counts of jobs."""
        known = {"looks", "fail_after", "query_jobs", "batches", "lose"}
        if unknown := sorted(set(body) - known):
            raise BadCommand(f"unknown keys: {', '.join(unknown)}")
        self.looks = int(body.get("looks", self.looks))
        self.query_jobs.most = int(body.get("query_jobs", self.query_jobs.most))
        self.batches.most = int(body.get("batches", self.batches.most))
        if "fail_after" in body:
            self.fail_next.append(int(body["fail_after"]))
        if body.get("lose"):
            self._jobs.clear()
        return {id: job.state for id, job in self._jobs.items()}

    def open(self, desk: Desk, request: Request, kind: str, body: Mapping[str, Any]) -> Job:
        """A new job with the CSV dialect the request asks for."""
        delimiter = body.get("columnDelimiter", "COMMA")
        ending = body.get("lineEnding", "LF")
        if delimiter not in DELIMITERS:
            raise Refusal("INVALIDJOB", f"InvalidJob : columnDelimiter {delimiter} is not valid")
        if ending not in LINE_ENDINGS:
            raise Refusal("INVALIDJOB", f"InvalidJob : lineEnding {ending} is not valid")
        if body.get("contentType", "CSV") != "CSV":
            raise Refusal("INVALIDJOB", "InvalidJob : contentType must be CSV")
        self._numbered += 1
        job = Job(
            id=numbered("750", self._numbered),
            kind=kind,
            object=str(body.get("object", "")),
            operation=str(body.get("operation", "")),
            delimiter=str(delimiter),
            line_ending=str(ending),
            version=version_of(request),
            created_at=desk.org.now(),
            created_by=desk.org.user_id or "",
            looks=self.looks,
        )
        self._jobs[job.id] = job
        return job

    def drop(self, job: Job) -> None:
        """Delete a job that is not under way."""
        if job.state not in {*TERMINAL, "UploadComplete"}:
            message = f"The job is not in a state in which it can be deleted: {job.state}"
            raise Refusal("INVALIDJOBSTATE", message)
        del self._jobs[job.id]

    def get(self, desk: Desk, request: Request, kind: str) -> Job:
        """The job of the path; NOT_FOUND otherwise, also seven days after it ended."""
        try:
            job = self._jobs.get(normalise(request.parameters["job"]))
        except MalformedId:
            job = None
        old = job is not None and (job.changed_at or job.created_at) < desk.org.now() - KEPT_FOR
        if job is None or job.kind != kind or (old and job.state in TERMINAL):
            raise Refusal("NOT_FOUND", "The requested resource does not exist")
        return job

    def listed(self, kind: str) -> Response:
        """Every job of a kind."""
        records = [job_info(job) for job in self._jobs.values() if job.kind == kind]
        return reply(200, {"done": True, "records": records, "nextRecordsUrl": None})


def advance(job: Job, now: datetime, work: Callable[[], None]) -> None:
    """Somebody looks: the job goes one step on."""
    if job.state not in {"UploadComplete", "InProgress"}:
        return
    if job.looks > 0:
        job.looks -= 1
        job.move("InProgress", now)
        return
    work()


def job_info(job: Job) -> dict[str, Any]:
    """What the vendor tells of a job."""
    told = {
        "id": job.id,
        "operation": job.operation,
        "object": job.object,
        "createdById": job.created_by,
        "createdDate": instant_text(job.created_at),
        "systemModstamp": instant_text(job.changed_at or job.created_at),
        "state": job.state,
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": float(job.version),
        "jobType": job.kind,
        "lineEnding": job.line_ending,
        "columnDelimiter": job.delimiter,
        **job.more,
    }
    if job.state != "Open":
        told["numberRecordsProcessed"] = job.processed
        told["retries"] = job.retries
        told["totalProcessingTime"] = job.processed
    if job.message is not None:
        told["errorMessage"] = job.message
    return told


def change_of_state(desk: Desk, request: Request, allowed: frozenset[str]) -> str:
    """The state a PATCH asks for."""
    body = body_of(request)
    desk.expect_keys(request, body, ("state",), "a change of a job")
    state = body.get("state")
    if state not in allowed:
        raise Refusal("INVALIDJOB", f"InvalidJob : the state cannot be set to {state}")
    return str(state)


def csv_reply(content: bytes, headers: Mapping[str, str] | None = None) -> Response:
    """An answer with CSV."""
    return Response(200, content, tuple((headers or {}).items()), "text/csv;charset=UTF-8")


def _limit(allowance: Allowance, now: datetime) -> dict[str, int]:
    return {"Max": allowance.most, "Remaining": allowance.left(now)}
