"""Rate limits on the virtual clock. Reference: developers.hubspot.com, "API usage guidelines"."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sandbox.hubspot.errors import correlation_id
from sandbox.messages import Json, Response, json_response

TEN_SECONDS: Final = timedelta(seconds=10)
ONE_SECOND: Final = timedelta(seconds=1)


@dataclass(slots=True)
class Bucket:
    """A rolling window of calls."""

    most: int
    window: timedelta
    calls: deque[datetime] = field(default_factory=deque)

    def remaining(self, now: datetime, scale: float) -> int:
        """How many calls still fit."""
        while self.calls and now - self.calls[0] >= self.window:
            self.calls.popleft()
        return max(int(self.most * scale) - len(self.calls), 0)

    def wait(self, now: datetime) -> timedelta:
        """How long until the oldest call leaves the window."""
        return self.window - (now - self.calls[0]) if self.calls else timedelta(0)


@dataclass(slots=True)
class Limits:
    """The account's buckets. Private-app figures of a Professional account."""

    burst: Bucket = field(default_factory=lambda: Bucket(190, TEN_SECONDS))
    oauth: Bucket = field(default_factory=lambda: Bucket(110, TEN_SECONDS))
    search: Bucket = field(default_factory=lambda: Bucket(5, ONE_SECOND))
    associations: Bucket = field(default_factory=lambda: Bucket(100, TEN_SECONDS))
    daily_most: int = 625_000
    day: str = ""
    spent_today: int = 0
    refusals: int = 0
    scale: float = 1.0

    def admit(self, kinds: list[str], now: datetime, time_zone: str) -> Response | None:
        """Take one permit from every bucket named, or none and answer 429."""
        today = now.astimezone(ZoneInfo(time_zone)).date().isoformat()
        if today != self.day:
            self.day, self.spent_today = today, 0
        if "oauth" not in kinds and self.spent_today >= self.daily_most * self.scale:
            return self._refuse("DAILY", "You have reached your daily limit.", None)
        buckets = [getattr(self, kind) for kind in kinds]
        for kind, bucket in zip(kinds, buckets, strict=True):
            if bucket.remaining(now, self.scale) == 0:
                secondly = kind == "search"
                policy = "SECONDLY" if secondly else "TEN_SECONDLY_ROLLING"
                word = "secondly" if secondly else "ten_secondly_rolling"
                return self._refuse(
                    policy, f"You have reached your {word} limit.", bucket.wait(now)
                )
        for bucket in buckets:
            bucket.calls.append(now)
        self.spent_today += 1
        return None

    def _refuse(self, policy: str, message: str, wait: timedelta | None) -> Response:
        """429; ``Retry-After`` is sent on every other one, because it only sometimes is."""
        self.refusals += 1
        body: dict[str, Json] = {
            "status": "error",
            "message": message,
            "errorType": "RATE_LIMIT",
            "category": "RATE_LIMITS",
            "correlationId": correlation_id(),
            "policyName": policy,
            "requestId": correlation_id(),
        }
        headers = {}
        if wait is not None and self.refusals % 2 == 0:
            headers["Retry-After"] = str(max(math.ceil(wait.total_seconds()), 1))
        return json_response(429, body, headers)

    def headers(self, kind: str, now: datetime) -> list[tuple[str, str]]:
        """The headers of an ordinary answer; OAuth apps get no daily ones."""
        bucket: Bucket = getattr(self, kind)
        name = "X-HubSpot-RateLimit-"
        shown = [
            (f"{name}Max", str(int(bucket.most * self.scale))),
            (f"{name}Remaining", str(bucket.remaining(now, self.scale))),
            (f"{name}Interval-Milliseconds", "10000"),
        ]
        if kind != "oauth":
            most = int(self.daily_most * self.scale)
            shown.append((f"{name}Daily", str(most)))
            shown.append((f"{name}Daily-Remaining", str(max(most - self.spent_today, 0))))
        return shown
