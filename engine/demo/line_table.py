"""The table of the line: how many deals and how much money at each step, and why it gets less."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from engine.demo.won import EXPONENTS, ZERO, WonDeal

Measure = Callable[[WonDeal], Decimal | None]


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the table. ``from_step`` is the one whose amount it should reach."""

    name: str
    amount: Measure
    from_step: str | None = None


@dataclass(frozen=True, slots=True)
class Total:
    """How many deals, and how much in each currency."""

    count: int
    amounts: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Difference:
    """Why a step holds less (or more) than the one before it, for some deals."""

    before: str
    after: str
    reason: str
    total: Total


WON: Final = "Closed Won in HubSpot"
SALESFORCE: Final = "Closed Won in Salesforce"
ORDERED: Final = "Ordered in Zuora"
BILLED: Final = "Billed in Zuora"
WITH_TAX: Final = "Billed, with tax"
BOOKED: Final = "Invoiced in NetSuite"
PAID: Final = "Paid in Zuora"
RECEIVED: Final = "Received in NetSuite"
POSTED: Final = "Recognised, posted in NetSuite"
BACK: Final = "Paid, says Salesforce"
BACK_AT_FIRST: Final = "Paid, says HubSpot"


def _some(value: Decimal | None) -> Decimal | None:
    """Nothing at all counts as a step not reached."""
    return value or None


STEPS: Final = (
    Step(WON, lambda deal: deal.won),
    Step(SALESFORCE, lambda deal: deal.in_salesforce, WON),
    Step(ORDERED, lambda deal: deal.ordered, SALESFORCE),
    Step(BILLED, lambda deal: deal.billed, ORDERED),
    Step("  Tax", lambda deal: _some(deal.tax)),
    Step(WITH_TAX, lambda deal: deal.due),
    Step(BOOKED, lambda deal: deal.booked, WITH_TAX),
    Step("  Credited", lambda deal: _some(deal.credited)),
    Step(PAID, lambda deal: _some(deal.paid), WITH_TAX),
    Step(RECEIVED, lambda deal: _some(deal.received), PAID),
    Step("  Refunded", lambda deal: _some(deal.refunded)),
    Step("  Disputed", lambda deal: _some(deal.disputed)),
    Step(POSTED, lambda deal: _some(deal.recognised), BILLED),
    Step(BACK, lambda deal: _some(deal.shown_in_salesforce), PAID),
    Step(BACK_AT_FIRST, lambda deal: _some(deal.shown_in_hubspot), BACK),
)


def totals(deals: Sequence[WonDeal]) -> list[tuple[str, Total]]:
    """Every step with its total; steps that nothing went through are left out."""
    found = []
    for step in STEPS:
        amounts = [(deal, step.amount(deal)) for deal in deals]
        total = _total([(deal, amount) for deal, amount in amounts if amount is not None])
        if total.count:
            found.append((step.name, total))
    return found


def differences(
    deals: Sequence[WonDeal], reason: Callable[[WonDeal, str], str]
) -> list[Difference]:
    """What is lost between two steps, by reason. ``reason`` is asked for a deal and the step that
    it has not reached with its full amount."""
    measures = {step.name: step.amount for step in STEPS}
    found = []
    for step in STEPS:
        if step.from_step is None:
            continue
        groups: dict[str, list[tuple[WonDeal, Decimal]]] = {}
        for deal in deals:
            before = measures[step.from_step](deal)
            gap = (before or ZERO) - (step.amount(deal) or ZERO)
            if before is not None and gap:
                groups.setdefault(reason(deal, step.name), []).append((deal, gap))
        for text, members in sorted(groups.items(), key=lambda one: -len(one[1])):
            found.append(Difference(step.from_step, step.name, text, _total(members)))
    return found


def _total(members: Sequence[tuple[WonDeal, Decimal]]) -> Total:
    amounts: dict[str, Decimal] = {}
    for deal, amount in members:
        amounts[deal.currency] = amounts.get(deal.currency, ZERO) + amount
    return Total(len(members), dict(sorted(amounts.items())))


def unexplained(deals: Sequence[WonDeal], found: Sequence[Difference]) -> list[str]:
    """Steps that differ by more than their reasons say, and amounts in a foreign currency."""
    by_name = dict(totals(deals))
    nothing = Total(0, {})
    faults = []
    for step in STEPS:
        if step.from_step is None:
            continue
        before, after = by_name.get(step.from_step, nothing), by_name.get(step.name, nothing)
        for currency in before.amounts:
            named = sum(
                (one.total.amounts.get(currency, ZERO) for one in found
                 if (one.before, one.after) == (step.from_step, step.name)), ZERO,
            )  # fmt: skip
            gap = before.amounts[currency] - after.amounts.get(currency, ZERO)
            if gap != named:
                faults.append(f"{step.name}: {currency} {gap} less than {step.from_step},"
                              f" of which {named} explained")  # fmt: skip
    for deal in deals:
        if deal.currencies - {deal.currency}:
            other = ", ".join(sorted(deal.currencies - {deal.currency}))
            faults.append(f"deal {deal.id} is in {deal.currency}, but held in {other} as well")
    return faults


def currencies(deals: Sequence[WonDeal]) -> list[str]:
    """The currencies of the deals, sorted."""
    return sorted({deal.currency for deal in deals})


def shown(amount: Decimal | None, currency: str) -> str:
    """An amount with the currency's places and with separators; a dash for nothing."""
    if amount is None:
        return "–"
    return f"{amount:,.{EXPONENTS.get(currency, 2)}f}"
