"""Amounts in one currency for reports: each converted at the rate of its own day, and only then.

A rate that is not known is a blank and never 1: what cannot be converted stays in its currency, and
no sum in the report currency is made of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import TypeAlias

from engine.money.model import Fact, FactKind
from engine.money.rounding import half_even

RateOf: TypeAlias = Callable[[str, date], Decimal | None]
"""Currency and day → what one unit of it comes to in the report currency on that day."""


@dataclass(frozen=True, slots=True)
class Reporting:
    """The currency of reports. A rate serves for ``rate_max_days`` days after its own day."""

    currency: str
    exponent: int
    rate_max_days: int

    def minor(
        self, amount_minor: int, currency: str, exponent: int, day: date, rate_of: RateOf
    ) -> int | None:
        """An amount in minor units of the report currency; ``None`` without a rate."""
        if not amount_minor or currency == self.currency:
            return amount_minor
        rate = rate_of(currency, day)
        if rate is None:
            return None
        return converted(amount_minor, exponent, rate, self.exponent)

    def facts(self, facts: Iterable[Fact], rate_of: RateOf) -> tuple[Fact, ...]:
        """Facts in the report currency, in their order; those without a rate as they were."""
        return tuple(self._fact(fact, rate_of) for fact in facts)

    def _fact(self, fact: Fact, rate_of: RateOf) -> Fact:
        found = self.minor(
            fact.amount_minor, fact.currency, fact.exponent, fact.effective_on, rate_of
        )
        if found is None:
            return fact
        return replace(fact, amount_minor=found, currency=self.currency, exponent=self.exponent)

    def lacks(self, fact: Fact) -> bool:
        """Whether a fact of :meth:`facts` could not be converted."""
        return bool(fact.amount_minor) and fact.currency != self.currency

    def sums(
        self, facts: Collection[Fact], kinds: Iterable[FactKind]
    ) -> dict[FactKind, int | None]:
        """The sum of each kind; ``None`` where one of its facts could not be converted."""
        found: dict[FactKind, int | None] = {}
        for kind in kinds:
            own = [fact for fact in facts if fact.kind is kind]
            whole = not any(self.lacks(fact) for fact in own)
            found[kind] = sum(fact.amount_minor for fact in own) if whole else None
        return found


def converted(amount_minor: int, exponent: int, rate: Decimal, to_exponent: int) -> int:
    """So many minor units of one currency in those of another, exact until rounded half to even."""
    return half_even(Fraction(rate) * amount_minor * Fraction(10) ** (to_exponent - exponent))
