"""Contracts and deals in the report currency: every amount at the rate of its own day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from connectors.records import Value
from engine.books.amounts import SUMS, amount, scheduled
from engine.money.model import Fact, FactKind
from engine.money.reporting import Reporting
from engine.money.scheduling import REVENUE, counted_at_invoice
from engine.money.summary import attributed, deal_share
from engine.store.books import Line
from engine.store.rates import Lack, Rates
from engine.store.sql import Tx

RECOGNISED: Final = "recognised"


class Reports:
    """What is told in the report currency, with the rates of one transaction."""

    def __init__(
        self, tx: Tx, reporting: Reporting, at_invoice: Collection[str] = frozenset()
    ) -> None:
        self._reporting = reporting
        self._at_invoice = at_invoice
        self._rate_of = Rates(tx, reporting).of

    def facts(
        self, own: Sequence[Fact], of_documents: Sequence[Fact], contract: str
    ) -> tuple[Fact, ...]:
        """A contract's facts converted, then shared as they are shared in their own currency."""
        converted = self._reporting.facts(own, self._rate_of)
        return attributed(converted, of_documents, contract)

    def recognised(self, lines: Iterable[Line]) -> dict[str, int | None]:
        """What was handed over to be posted as revenue, by the currency it was earned in.

        A line counts at the rate of its journal's day. ``None``: of one of them there is no rate.
        """
        found: dict[str, int | None] = defaultdict(int)
        for line in lines:
            if line.batch and line.kind == REVENUE:
                sum, part = found[line.currency], self._line(line)
                found[line.currency] = None if sum is None or part is None else sum + part
        return dict(found)

    def share(self, lines: Iterable[Line], some: Sequence[Fact], deal: str) -> int | None:
        """A deal's part of what a contract earned; ``some`` are the contract's own facts."""
        found = 0
        for currency, whole in self.recognised(lines).items():
            if whole is None:
                return None
            found += deal_share(whole, scheduled(some, currency, self._at_invoice), deal)
        return found

    def fields(self, shown: Sequence[Fact], recognised: Iterable[int | None]) -> dict[str, Value]:
        """The fields of a record; those that a rate is lacking for are blank."""
        at_once = counted_at_invoice(shown, self._at_invoice)
        parts = [*recognised]
        parts += [None if self._reporting.lacks(one) else one.amount_minor for one in at_once]
        sums: Mapping[FactKind, int | None] = self._reporting.sums(shown, SUMS)
        named = {word: sums[kind] for kind, word in SUMS.items()}
        named[RECOGNISED] = _whole(parts)
        return {
            "report_currency": self._reporting.currency,
            **{f"reported_{word}": self._amount(minor) for word, minor in named.items()},
        }

    def lacking(self, shown: Iterable[Fact], lines: Iterable[Line]) -> set[Lack]:
        """The days that a contract has amounts of and that no rate is known for."""
        to = self._reporting.currency
        found = {
            Lack(fact.currency, to, fact.effective_on)
            for fact in shown
            if fact.kind in SUMS and self._reporting.lacks(fact)
        }
        for line in lines:
            if line.batch and line.kind == REVENUE and self._line(line) is None:
                found.add(Lack(line.currency, to, line.period.last))
        return found

    def _line(self, line: Line) -> int | None:
        day = line.period.last
        return self._reporting.minor(
            line.amount_minor, line.currency, line.exponent, day, self._rate_of
        )

    def _amount(self, minor: int | None) -> Value:
        return None if minor is None else amount(minor, self._reporting.exponent)


def _whole(parts: Sequence[int | None]) -> int | None:
    """The sum of parts that are all known."""
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None
