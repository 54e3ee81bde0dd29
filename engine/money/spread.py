"""When a promised amount is earned: stretches of service, and what falls into each period.

A stretch spreads an amount evenly over its service dates. It may be cut short or taken up later
without changing what its other months get, which is how a contract is modified: the old stretch
ends the day before, and a new one begins.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction

from engine.money.calendar import DAY, Period, elapsed, periods
from engine.money.rounding import share


class Method(StrEnum):
    """How a change of a contract is earned.

    SEPARATE: the addition is a contract of its own. PROSPECTIVE: what was not yet earned and the
    addition are earned together from then on. CATCH_UP: everything is spread anew from the start,
    and the difference for the past is earned at once.
    """

    SEPARATE = "separate"
    PROSPECTIVE = "prospective"
    CATCH_UP = "catch_up"


@dataclass(frozen=True, slots=True)
class Part:
    """An amount promised (or taken back, when negative) for service from one day to another."""

    key: str
    amount_minor: int
    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError(f"{self.key}: the service ends before it begins")


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


def stretches(parts: Sequence[Part], method: Method) -> tuple[Stretch, ...]:
    """How parts of one promise are earned, as stretches. Order and keys do not matter."""
    ordered = sorted(parts, key=lambda part: (part.first, part.last, part.key, part.amount_minor))
    if method is Method.SEPARATE:
        return tuple(_whole(part) for part in ordered)
    done: list[Stretch] = []
    going: Stretch | None = None
    for part in ordered:
        if going is None or part.first > going.last:
            # Nothing of what went before is left to be earned with it.
            done += [going] if going else []
            going = _whole(part)
        elif part.first == going.first and part.first == going.since:
            amount = going.amount_minor + part.amount_minor
            going = _even(amount, part.first, max(part.last, going.last))
        elif method is Method.PROSPECTIVE:
            cut, going = _prospective(going, part)
            done.append(cut)
        else:
            ended, going = _catch_up(going, part)
            done += ended
    return (*done, *([going] if going else []))


def _whole(part: Part) -> Stretch:
    return _even(part.amount_minor, part.first, part.last)


def _even(amount_minor: int, first: date, last: date) -> Stretch:
    return Stretch(amount_minor, first, last, first, last)


def _cut(going: Stretch, day: date) -> Stretch:
    return Stretch(going.amount_minor, going.first, going.last, going.since, day - DAY)


def _prospective(going: Stretch, part: Part) -> tuple[Stretch, Stretch]:
    cut = _cut(going, part.first)
    left = going.earned(going.last) - cut.earned(going.last)
    return cut, _even(left + part.amount_minor, part.first, max(going.last, part.last))


def _catch_up(going: Stretch, part: Part) -> tuple[list[Stretch], Stretch]:
    cut = _cut(going, part.first)
    amount, last = going.amount_minor + part.amount_minor, max(going.last, part.last)
    anew = Stretch(amount, going.first, last, part.first, last)
    # A term that was cut before keeps what was earned then; only this one is made up for.
    owed = share(amount, elapsed(going.first, last, part.first - DAY))
    had = share(going.amount_minor, elapsed(going.first, going.last, part.first - DAY))
    made_up = owed - had
    lump = _even(made_up, part.first, part.first)
    return [cut, *([lump] if made_up else [])], anew


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
