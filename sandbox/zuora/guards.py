"""What stands before every operation: idempotency keys, request limits, orders done later.

Reference: developer.zuora.com, "Idempotent requests", "Rate and concurrency limits".
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import orjson

from sandbox.messages import Request, Response
from sandbox.zuora.errors import Problem
from sandbox.zuora.tenant import Settings, made_id
from sandbox.zuora.values import Row

KEY_MAX: Final = 254
REPLAY: Final = timedelta(hours=24)
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True)
class Stored:
    """The answer given under a key."""

    target: str
    body_hash: str
    response: Response
    at: datetime


@dataclass
class Keys:
    """Answers by idempotency key, failures included, for 24 hours."""

    now: Callable[[], datetime]
    stored: dict[str, Stored] = field(default_factory=dict)

    def find(self, key: str) -> Stored | None:
        """The stored answer, unless it is too old."""
        found = self.stored.get(key)
        return found if found is not None and self.now() - found.at < REPLAY else None

    def keep(self, key: str, request: Request, response: Response) -> None:
        """Store an answer. Server errors are not answers."""
        if response.status < 500 and response.status not in {401, 409, 422, 429}:
            self.stored[key] = Stored(target(request), hashed(request), response, self.now())


def target(request: Request) -> str:
    """What a key is bound to beside the body."""
    return f"{request.method} {request.path}"


def hashed(request: Request) -> str:
    """The body, to tell another one."""
    return hashlib.sha256(request.body).hexdigest()


@dataclass
class Limits:
    """Requests per minute, on the virtual clock, and requests at a time."""

    now: Callable[[], datetime]
    settings: Settings
    calls: deque[datetime] = field(default_factory=deque)

    def admit(self, in_flight: int) -> Response | None:
        """The refusal of a request over a limit, or ``None``."""
        now = self.now()
        while self.calls and self.calls[0] <= now - _MINUTE:
            self.calls.popleft()
        if in_flight > self.settings.concurrency_limit:
            message = "The concurrent request limit is exceeded."
            reason = {"code": 50000070, "message": message}
            headers = (("Retry-After", "120"), ("Concurrency-Limit-Type", "default"))
            return Response(429, _failure(reason), headers)
        if len(self.calls) >= self.settings.requests_per_minute:
            seconds = max(int((self.calls[0] + _MINUTE - now).total_seconds()) + 1, 1)
            message = f"Request limit exceeded, please retry after {seconds} seconds."
            return Response(429, _failure({"code": 70, "message": message}), self.headers())
        self.calls.append(now)
        return None

    def headers(self) -> tuple[tuple[str, str], ...]:
        """What every answer says about the limits."""
        limit = self.settings.requests_per_minute
        return (
            ("RateLimit-Limit", f"{limit}, {limit};w=60"),
            ("RateLimit-Remaining", str(max(limit - len(self.calls), 0))),
            ("RateLimit-Reset", "60"),
            ("Concurrency-Limit-Type", "default"),
            ("Concurrency-Limit-Limit", str(self.settings.concurrency_limit)),
        )


def _failure(reason: Row) -> bytes:
    return orjson.dumps({"success": False, "reasons": [reason]})


@dataclass
class Job:
    """An order handed in to be done later."""

    due: datetime
    result: Row | None
    problem: Problem | None
    asked: int = 0


@dataclass
class Jobs:
    """Asynchronous orders. A failed one still says success; its status tells."""

    now: Callable[[], datetime]
    settings: Settings
    jobs: dict[str, Job] = field(default_factory=dict)

    def add(self, result: Row | None, problem: Problem | None) -> str:
        """Remember an outcome until somebody asks; the id of the job."""
        id = made_id("job", len(self.jobs) + 1)
        due = self.now() + timedelta(seconds=self.settings.async_job_seconds)
        self.jobs[id] = Job(due, result, problem)
        return id

    def ask(self, id: str) -> Row | None:
        """The state of a job: it is still at work the first time one asks."""
        job = self.jobs.get(id)
        if job is None:
            return None
        job.asked += 1
        if job.asked == 1 or self.now() < job.due:
            return {"status": "Processing", "errors": None, "result": None}
        if job.problem is not None:
            errors = f"[{job.problem.code}] {job.problem.message}"
            return {"status": "Failed", "errors": errors, "result": None}
        return {"status": "Completed", "errors": None, "result": job.result}
