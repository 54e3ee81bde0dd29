"""What goes on beside a call: work queued for later, and which calls were under way together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

State = TypeVar("State")


@dataclass(frozen=True, slots=True)
class Job(Generic[State]):
    """Work that a write has started and that is done once ``due``, as the platform's queues do."""

    name: str
    due: datetime
    run: Callable[[State], None]


class Work(Generic[State]):
    """Queued jobs, in order of queueing. What a failed write queued is taken back with it."""

    def __init__(self) -> None:
        self._jobs: list[Job[State]] = []

    def add(self, job: Job[State]) -> None:
        """Queue a job."""
        self._jobs.append(job)

    def take(self, now: datetime) -> Job[State] | None:
        """The earliest job that is due, no longer queued. Never called inside a write."""
        due = [job for job in self._jobs if job.due <= now]
        if not due:
            return None
        first = min(due, key=lambda job: job.due)
        self._jobs.remove(first)
        return first

    def waiting(self) -> int:
        """How many jobs are queued."""
        return len(self._jobs)

    def mark(self) -> int:
        """Where :meth:`roll_back` would return to."""
        return len(self._jobs)

    def roll_back(self, mark: int) -> None:
        """Forget the jobs queued since the mark."""
        del self._jobs[mark:]


class Turns:
    """Which calls overlapped: a call opened before another was answered was under way with it."""

    def __init__(self) -> None:
        self._call: int | None = None
        self._latest = 0
        self._held: dict[str, tuple[int, int]] = {}

    def begin(self, call: int, latest: int) -> None:
        """A call is carried out; ``latest`` is the number of the newest call that has arrived."""
        self._call, self._latest = call, latest

    def collide(self, id: str) -> bool:
        """Whether another call that was under way at the same time has written this record."""
        if self._call is None:
            return False
        by, until = self._held.get(id, (self._call, 0))
        if by != self._call and self._call <= until:
            return True
        self._held[id] = (self._call, self._latest)
        return False
