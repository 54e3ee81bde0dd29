"""Billing periods, counted from an anchor so that the 31st comes back after February."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from sandbox.messages import Json


def period_start(anchor: int, recurring: Mapping[str, Json], number: int) -> int:
    """The start of period ``number`` (0 is the first) in Unix seconds."""
    at = datetime.fromtimestamp(anchor, UTC)
    count = recurring["interval_count"] * number
    interval = recurring["interval"]
    if interval in {"day", "week"}:
        days = count * (7 if interval == "week" else 1)
        return int((at + timedelta(days=days)).timestamp())
    months = at.year * 12 + at.month - 1 + count * (12 if interval == "year" else 1)
    year, month = divmod(months, 12)
    day = min(at.day, calendar.monthrange(year, month + 1)[1])
    return int(at.replace(year=year, month=month + 1, day=day).timestamp())
