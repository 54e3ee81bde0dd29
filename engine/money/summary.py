"""What the facts of a contract (or of one deal in it) come to: sums, dates and one plain status."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import Final

from engine.money.model import Fact, FactKind
from engine.money.rounding import share


class Status(StrEnum):
    """Where the money of a deal stands, in the words RevOps people use."""

    NOT_BILLED = "Not billed"
    BILLED = "Billed"
    PART_PAID = "Part paid"
    PAID = "Paid"
    REFUNDED = "Refunded"
    DISPUTED = "Disputed"


_TAKEN_OFF: Final = (
    FactKind.CREDITED,
    FactKind.CREDITED_TAX,
    FactKind.CORRECTED,
    FactKind.WRITTEN_OFF,
)
_GONE_AGAIN: Final = (FactKind.REFUNDED, FactKind.DISPUTED, FactKind.CHARGED_BACK)


@dataclass(frozen=True, slots=True)
class Summary:
    """Sums in minor units of one currency. ``sums`` lacks kinds that sum to nothing."""

    currency: str
    exponent: int
    sums: Mapping[FactKind, int]
    first_billed_on: date | None
    last_paid_on: date | None

    def of(self, kind: FactKind) -> int:
        """The sum of one kind."""
        return self.sums.get(kind, 0)

    @property
    def due_minor(self) -> int:
        """What was billed with tax, less what was credited or written off."""
        return self.of(FactKind.BILLED) + self.of(FactKind.TAX) - sum(map(self.of, _TAKEN_OFF))

    @property
    def kept_minor(self) -> int:
        """What was paid and is still ours: less refunds, money in dispute and money taken back."""
        return self.of(FactKind.PAID) - sum(map(self.of, _GONE_AGAIN))

    @property
    def open_minor(self) -> int:
        """What is still to be paid; negative when more was paid than is due."""
        return self.due_minor - self.kept_minor

    @property
    def status(self) -> Status:
        """The status that follows from the sums alone, in whatever order they arrived."""
        billed = self.of(FactKind.BILLED)
        paid, kept = self.of(FactKind.PAID), self.kept_minor
        # A deal that only takes something off is billed by a credit memo.
        if not billed and not self.of(FactKind.CORRECTED):
            return Status.NOT_BILLED
        if self.of(FactKind.DISPUTED) > 0:
            return Status.DISPUTED
        if self.of(FactKind.REFUNDED) > 0 and kept <= 0:
            return Status.REFUNDED
        if paid > 0 and kept >= self.due_minor:
            return Status.PAID
        return Status.PART_PAID if kept > 0 else Status.BILLED


def summarise(facts: Iterable[Fact], currency: str, exponent: int) -> Summary:
    """The sums of facts in one currency; others are left out."""
    own = [fact for fact in facts if fact.currency == currency]
    sums: dict[FactKind, int] = defaultdict(int)
    for fact in own:
        sums[fact.kind] += fact.amount_minor
    billed = [f.effective_on for f in own if f.kind is FactKind.BILLED and f.amount_minor]
    paid = [f.effective_on for f in own if f.kind is FactKind.PAID and f.amount_minor]
    return Summary(
        currency,
        exponent,
        {kind: amount for kind, amount in sums.items() if amount},
        min(billed, default=None),
        max(paid, default=None),
    )


def attributed(
    facts: Sequence[Fact], of_documents: Sequence[Fact], contract: str
) -> tuple[Fact, ...]:
    """A contract's facts, with its share of what concerns invoices it has in common with others.

    A payment names an invoice, not a contract; where an invoice bills several contracts, each gets
    the part of it that it was billed, cumulatively rounded in the order of their names.
    """
    gross: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for fact in of_documents:
        if fact.kind in (FactKind.BILLED, FactKind.TAX) and fact.contract and fact.document:
            gross[fact.document][fact.contract] += fact.amount_minor
    found = []
    for fact in facts:
        if fact.contract is None and fact.document is not None:
            amount = _part(fact.amount_minor, gross[fact.document], contract)
            fact = _with_amount(fact, amount, contract)
        found.append(fact)
    return tuple(found)


def by_deal(
    facts: Sequence[Fact], shown: Sequence[Fact] | None = None
) -> dict[str, tuple[Fact, ...]]:
    """The facts of one contract by the deal that brought them.

    What names an obligation follows the deal that ordered it; what names only an invoice is shared
    by what each deal was billed there. ``shown`` are the same facts in another currency, to be
    shared as these are.
    """
    deals = {f.obligation: f.deal for f in facts if f.obligation and f.deal}
    gross: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    known = [(fact, fact.deal or deals.get(fact.obligation or "")) for fact in facts]
    for fact, deal in known:
        if deal and fact.document and fact.kind in (FactKind.BILLED, FactKind.TAX):
            gross[fact.document][deal] += fact.amount_minor
    found: dict[str, list[Fact]] = defaultdict(list)
    for (fact, deal), one in zip(known, facts if shown is None else shown, strict=True):
        if deal:
            found[deal].append(one)
            continue
        shares = gross.get(fact.document or "", {})
        for name in shares:
            amount = _part(one.amount_minor, shares, name)
            found[name].append(_with_amount(one, amount, fact.contract))
    return {name: tuple(own) for name, own in sorted(found.items())}


def deal_share(amount: int, facts: Sequence[Fact], deal: str) -> int:
    """A deal's part of what a contract earned: by what it ordered, the parts of all sum to it."""
    ordered: dict[str, int] = defaultdict(int)
    for fact in facts:
        if fact.kind is FactKind.ORDERED and fact.deal:
            ordered[fact.deal] += fact.amount_minor
    return _part(amount, ordered, deal)


def _part(amount: int, shares: Mapping[str, int], name: str) -> int:
    """One name's part of an amount; the parts of all names sum to it."""
    whole, before = sum(shares.values()), 0
    if not whole or name not in shares:
        return 0
    for other in sorted(shares):
        if other == name:
            break
        before += shares[other]
    upper = share(amount, Fraction(before + shares[name], whole))
    return upper - share(amount, Fraction(before, whole))


def _with_amount(fact: Fact, amount_minor: int, contract: str | None) -> Fact:
    return replace(fact, amount_minor=amount_minor, contract=contract)
