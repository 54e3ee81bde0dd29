"""Rate limits by the second. Reference: docs.stripe.com/rate-limits."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Final

from sandbox.messages import Response
from sandbox.stripe.errors import ApiError

LIVE_PER_SECOND: Final = 100
TEST_PER_SECOND: Final = 25
ENDPOINT_PER_SECOND: Final = 25
SEARCH_PER_SECOND: Final = 20
INTENT_UPDATES_PER_HOUR: Final = 1000
REASON: Final = "Stripe-Rate-Limited-Reason"


class Limits:
    """Counts the requests of the current second of the virtual clock."""

    def __init__(self) -> None:
        self.scale = 1.0
        self._second = 0
        self._counts: Counter[str] = Counter()
        self._hour = 0
        self._updates: Counter[str] = Counter()

    def admit(self, template: str, method: str, now: datetime, *, livemode: bool) -> str | None:
        """The reason for refusing a request, or ``None``."""
        second = int(now.timestamp())
        if second != self._second:
            self._second = second
            self._counts.clear()
        most = LIVE_PER_SECOND if livemode else TEST_PER_SECOND
        endpoint = f"{method} {template}"
        own = SEARCH_PER_SECOND if template.endswith("/search") else ENDPOINT_PER_SECOND
        if self._counts["all"] >= most * self.scale:
            return "global-rate"
        if self._counts[endpoint] >= own * self.scale:
            return "endpoint-rate"
        self._counts.update(("all", endpoint))
        return None

    def admit_update(self, intent: str, now: datetime) -> str | None:
        """The reason for refusing one more write to a payment intent, or ``None``."""
        hour = int(now.timestamp()) // 3600
        if hour != self._hour:
            self._hour = hour
            self._updates.clear()
        self._updates[intent] += 1
        over = self._updates[intent] > INTENT_UPDATES_PER_HOUR * self.scale
        return "resource-specific" if over else None


def too_many(reason: str) -> Response:
    """429 with the reason; no ``Retry-After``, as in life."""
    answer = ApiError(429, "Too many requests in a short time", code="rate_limit").response()
    return Response(answer.status, answer.body, ((REASON, reason),), answer.content_type)


def locked() -> Response:
    """429 without a reason: another request holds the object."""
    text = "This object cannot be accessed right now because another request is using it"
    return ApiError(429, text, code="lock_timeout").response()
