"""Accounting periods: calendar months, named ``2026-01``, within a fiscal year of one's choice."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """One month. ``name`` sorts like time."""

    name: str

    @classmethod
    def of(cls, day: date) -> Period:
        """The period a day belongs to."""
        return cls(f"{day.year:04}-{day.month:02}")

    @property
    def first(self) -> date:
        """Its first day."""
        year, month = self.name.split("-")
        return date(int(year), int(month), 1)

    @property
    def last(self) -> date:
        """Its last day."""
        first = self.first
        return first.replace(day=calendar.monthrange(first.year, first.month)[1])

    @property
    def following(self) -> Period:
        """The month after."""
        return Period.of(self.last + DAY)


def periods(first: date, last: date) -> Iterator[Period]:
    """Every period from one day to another, in order."""
    period = Period.of(first)
    while period.first <= last:
        yield period
        period = period.following


def whole_months(first: date, last: date) -> bool:
    """Whether a stretch of days is made of whole months."""
    return first.day == 1 and last == Period.of(last).last


def elapsed(first: date, last: date, until: date) -> Fraction:
    """Which part (0 to 1) of the service from ``first`` to ``last`` is rendered by ``until``.

    By months where the service is made of whole months (each month alike, however long), by days
    otherwise. Both ends count.
    """
    if until < first:
        return Fraction(0)
    if until >= last:
        return Fraction(1)
    if not whole_months(first, last):
        return Fraction((until - first).days + 1, (last - first).days + 1)
    total = _month_number(last) - _month_number(first) + 1
    here = Period.of(until)
    before = _month_number(until) - _month_number(first)
    days = (here.last - here.first).days + 1
    return (before + Fraction((until - here.first).days + 1, days)) / total


def _month_number(day: date) -> int:
    return day.year * 12 + day.month
