"""Schedule lines: what is to be posted when, given what was posted before.

A line that was handed to the ERP is never changed. When what should have been posted for a period
is no longer what was, the posting is taken back and posted anew, both in the first period that is
still open, and each line keeps the period it is for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from engine.money.calendar import Period

PERIODS_MAX: Final = 12 * 300
"""How far to look for an open period: longer than any books were ever kept."""


class Reason(StrEnum):
    """Why a line is there."""

    RELEASE = "release"
    LATE = "late"
    REVERSAL = "reversal"
    RESTATED = "restated"


@dataclass(frozen=True, slots=True)
class PlannedLine:
    """An amount to post in ``period`` for service rendered in ``service``."""

    period: Period
    service: Period
    amount_minor: int
    reason: Reason


def plan_lines(
    desired: Mapping[Period, int],
    posted: Iterable[tuple[Period, int]],
    is_closed: Callable[[Period], bool],
) -> tuple[PlannedLine, ...]:
    """The lines still to be posted, by service period; with those posted they make ``desired``.

    ``posted`` are (service period, amount) of lines already handed over.
    """
    had: dict[Period, int] = {}
    for service, amount in posted:
        had[service] = had.get(service, 0) + amount
    found: list[PlannedLine] = []
    for service in sorted({*desired, *had}):
        want, have = desired.get(service, 0), had.get(service, 0)
        if want == have:
            continue
        period = first_open(service, is_closed)
        if have == 0:
            reason = Reason.RELEASE if period == service else Reason.LATE
            found.append(PlannedLine(period, service, want, reason))
            continue
        found.append(PlannedLine(period, service, -have, Reason.REVERSAL))
        if want:
            found.append(PlannedLine(period, service, want, Reason.RESTATED))
    return tuple(found)


def first_open(period: Period, is_closed: Callable[[Period], bool]) -> Period:
    """The first period from here on that takes postings."""
    for _ in range(PERIODS_MAX):
        if not is_closed(period):
            return period
        period = period.following
    raise ValueError(f"no period after {period.name} is open")
