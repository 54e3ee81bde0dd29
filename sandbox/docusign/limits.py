"""Calls per hour and per half minute for the account, and calls per envelope.

Reference: developers.docusign.com, "API rules and limits": the hour starts on the hour; a second
look at an envelope within fifteen minutes is only noted, too many in an hour are refused.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sandbox.docusign.errors import Problem
from sandbox.docusign.settings import Settings
from sandbox.messages import Request

BURST: Final = timedelta(seconds=30)
HOUR: Final = timedelta(hours=1)
STATUS_EVERY: Final = timedelta(minutes=15)
_ENVELOPE: Final = re.compile(r"/envelopes/([0-9a-fA-F-]{36})(/.*)?$", re.ASCII)

Complain = Callable[[str, str], None]


@dataclass(slots=True)
class Limits:
    """What the account has used up."""

    now: Callable[[], datetime]
    settings: Settings
    hour: datetime | None = None
    used: int = 0
    burst: deque[datetime] = field(default_factory=deque)
    looks: dict[str, datetime] = field(default_factory=dict)
    per_envelope: dict[tuple[str, str], deque[datetime]] = field(default_factory=dict)

    def admit(self, request: Request, complain: Complain) -> Problem | None:
        """The refusal of one call, or ``None``; a refused call counts for nothing."""
        now = self._turn()
        status = self.settings.limit_status
        if self.used >= self.settings.hourly_limit:
            text = "The maximum number of hourly API invocations has been exceeded."
            return Problem("HOURLY_APIINVOCATION_LIMIT_EXCEEDED", text, status=status)
        if len(self.burst) >= self.settings.burst_limit:
            text = "The maximum number of burst API invocations has been exceeded."
            return Problem("BURST_APIINVOCATION_LIMIT_EXCEEDED", text, status=status)
        self.used += 1
        self.burst.append(now)
        return self._envelope(request, now, complain)

    def headers(self) -> tuple[tuple[str, str], ...]:
        """What every answer says about the account's limits."""
        self._turn()
        settings = self.settings
        reset = int(((self.hour or self.now()) + HOUR).timestamp())
        return (
            ("X-RateLimit-Limit", str(settings.hourly_limit)),
            ("X-RateLimit-Remaining", str(max(settings.hourly_limit - self.used, 0))),
            ("X-RateLimit-Reset", str(reset)),
            ("X-BurstLimit-Limit", str(settings.burst_limit)),
            ("X-BurstLimit-Remaining", str(max(settings.burst_limit - len(self.burst), 0))),
        )

    def _turn(self) -> datetime:
        now = self.now()
        hour = now.replace(minute=0, second=0, microsecond=0)
        if hour != self.hour:
            self.hour, self.used = hour, 0
        while self.burst and now - self.burst[0] >= BURST:
            self.burst.popleft()
        return now

    def _envelope(self, request: Request, now: datetime, complain: Complain) -> Problem | None:
        found = _ENVELOPE.search(request.path)
        if found is None or request.method not in {"GET", "PUT"}:
            return None
        id, looking = found[1].lower(), request.method == "GET"
        calls = self.per_envelope.setdefault((request.method, id), deque())
        while calls and now - calls[0] >= HOUR:
            calls.popleft()
        settings = self.settings
        most = settings.envelope_gets_per_hour if looking else settings.envelope_puts_per_hour
        if len(calls) >= most:
            what = "Envelope_Polling_Limit" if looking else "APIInvocation_Envelope_Limit"
            text = f"Too many {request.method} requests for this envelope within an hour."
            return Problem(f"Hourly_{what}_Exceeded", text, status=settings.limit_status)
        calls.append(now)
        if looking:
            before = self.looks.get(request.path)
            self.looks[request.path] = now
            if before is not None and now - before < STATUS_EVERY:
                complain("envelope_polled", "looked at twice within fifteen minutes; list them")
        return None
