"""When a promised amount is earned: stretches of service, and what falls into each period.

A stretch spreads an amount evenly over its service dates. It may be cut short or taken up later
without changing what its other months get, which is how a contract is modified: the old stretch
ends the day before, and a new one begins.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import Final, TypeAlias

from engine.money.calendar import DAY, Period, elapsed, periods
from engine.money.model import UnearnableError
from engine.money.rounding import share

YEARS_MAX: Final = 100
"""Longer service is a date that stands for none, such as 9999-12-31."""


def endless(first: date, last: date) -> bool:
    """Whether service from one day to another was never promised by anybody."""
    return last.year - first.year > YEARS_MAX


class Method(StrEnum):
    """How a change of a contract is earned.

    SEPARATE: the addition is a contract of its own; what changes a charge is earned with the rest
    of that charge. PROSPECTIVE: what was not yet earned and the change are earned together from
    then on. CATCH_UP: everything is spread anew from the start, and the difference for the past is
    earned at once.
    """

    SEPARATE = "separate"
    PROSPECTIVE = "prospective"
    CATCH_UP = "catch_up"


@dataclass(frozen=True, slots=True)
class Part:
    """An amount promised (or taken back, when negative) for service from one day to another.

    ``charge`` names what is earned together even when additions are contracts of their own.
    """

    key: str
    amount_minor: int
    first: date
    last: date
    charge: str = ""

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise UnearnableError(f"{self.key}: the service ends before it begins")
        if endless(self.first, self.last):
            raise UnearnableError(
                f"{self.key}: service from {self.first} to {self.last} is longer than "
                f"{YEARS_MAX} years"
            )


@dataclass(frozen=True, slots=True)
class Cut:
    """The service of the part named ``key`` ends before ``first``; its amount changes by so much.

    Where nothing else goes on from that day, the difference is earned on it.
    """

    key: str
    amount_minor: int
    first: date
    charge: str = ""


Change: TypeAlias = Part | Cut


@dataclass(frozen=True, slots=True)
class Stretch:
    """An amount spread evenly from ``first`` to ``last``, of which only since … until is used."""

    amount_minor: int
    first: date
    last: date
    since: date
    until: date

    def earned(self, day: date) -> int:
        """What of it is earned when a day ends."""
        before = self._share(self.since - DAY)
        return self._share(min(day, self.until)) - before if day >= self.since else 0

    def _share(self, day: date) -> int:
        return share(self.amount_minor, elapsed(self.first, self.last, day))


def stretches(changes: Sequence[Change], method: Method) -> tuple[Stretch, ...]:
    """How parts of one promise are earned, as stretches. The order given does not matter."""
    if method is not Method.SEPARATE:
        return tuple(_together(changes, method))
    groups: dict[str, list[Change]] = defaultdict(list)
    for change in changes:
        groups[change.charge or change.key].append(change)
    return tuple(
        stretch
        for _name, group in sorted(groups.items())
        for stretch in _together(group, Method.PROSPECTIVE)
    )


def _together(changes: Iterable[Change], method: Method) -> list[Stretch]:
    """One pool: what begins on the same day keeps its own dates, what comes later changes all."""
    by_day: dict[date, list[Change]] = defaultdict(list)
    for change in changes:
        by_day[change.first].append(change)
    done: list[Stretch] = []
    going: list[Stretch] = []
    ends: dict[str, date] = {}
    for day in sorted(by_day):
        today = sorted(by_day[day], key=_order)
        _note_ends(ends, today)
        done += [stretch for stretch in going if stretch.last < day]
        going = [stretch for stretch in going if stretch.last >= day]
        if not going:
            # Nothing of what went before is left to be earned with it.
            going = [_even(one.amount_minor, day, _last(one)) for one in today]
            continue
        amount, last = sum(one.amount_minor for one in today), max(ends.values())
        modify = _prospective if method is Method.PROSPECTIVE else _catch_up
        ended, going = modify(going, amount, day, last)
        done += ended
    return [*done, *going]


def _order(change: Change) -> tuple[date, str, int]:
    return _last(change), change.key, change.amount_minor


def _last(change: Change) -> date:
    return change.last if isinstance(change, Part) else change.first


def _note_ends(ends: dict[str, date], today: Sequence[Change]) -> None:
    """The last day of service of everything promised so far, by key."""
    for one in today:
        if isinstance(one, Cut):
            ends[one.key] = one.first - DAY
    for one in today:
        if isinstance(one, Part):
            ends[one.key] = max(one.last, ends.get(one.key, one.last))


def _even(amount_minor: int, first: date, last: date) -> Stretch:
    return Stretch(amount_minor, first, last, first, last)


def _cut(going: Sequence[Stretch], day: date) -> list[Stretch]:
    """The stretches as they are when they end before a day."""
    return [
        Stretch(one.amount_minor, one.first, one.last, one.since, day - DAY)
        for one in going
        if one.since < day
    ]


def _prospective(
    going: Sequence[Stretch], amount: int, day: date, last: date
) -> tuple[list[Stretch], list[Stretch]]:
    cut = _cut(going, day)
    left = total(going) - total(cut)
    return cut, [_even(left + amount, day, max(day, last))]


def _catch_up(
    going: Sequence[Stretch], amount: int, day: date, last: date
) -> tuple[list[Stretch], list[Stretch]]:
    whole, first = sum(one.amount_minor for one in going) + amount, min(one.first for one in going)
    last = max(last, first)
    # A term that was cut before keeps what was earned then; only this one is made up for.
    owed = share(whole, elapsed(first, last, day - DAY))
    had = sum(share(one.amount_minor, elapsed(one.first, one.last, day - DAY)) for one in going)
    lump = [_even(owed - had, day, day)] if owed != had else []
    anew = [Stretch(whole, first, last, day, last)] if last >= day else []
    return [*_cut(going, day), *lump], anew


def by_period(run: Iterable[Stretch]) -> dict[Period, int]:
    """What falls into each period; periods with nothing are left out. Sums are exact."""
    found: dict[Period, int] = {}
    for stretch in run:
        before = 0
        for period in periods(stretch.since, stretch.until):
            earned = stretch.earned(period.last)
            if earned != before:
                found[period] = found.get(period, 0) + earned - before
            before = earned
    return {period: amount for period, amount in sorted(found.items()) if amount}


def total(run: Iterable[Stretch]) -> int:
    """The whole of it."""
    return sum(stretch.earned(stretch.until) for stretch in run)


def unearned_first(credit: Part, run: Sequence[Stretch], day: date) -> tuple[Part, ...]:
    """A credit without service dates: taken from what is not yet earned, the rest at once.

    ``credit.amount_minor`` is negative; ``day`` is when it was given.
    """
    last = max((stretch.until for stretch in run), default=day)
    unearned = total(run) - sum(stretch.earned(day - DAY) for stretch in run)
    later = min(unearned, -credit.amount_minor) if unearned > 0 and last >= day else 0
    parts = []
    if later:
        parts.append(Part(credit.key, -later, day, last))
    if credit.amount_minor + later:
        parts.append(Part(f"{credit.key} at once", credit.amount_minor + later, day, day))
    return tuple(parts)


def part_of(run: Iterable[Stretch], day: date) -> Fraction:
    """Which part of a promise is earned when a day ends (0 for a promise of nothing)."""
    every = tuple(run)
    whole = total(every)
    return Fraction(sum(one.earned(day) for one in every), whole) if whole else Fraction(0)
