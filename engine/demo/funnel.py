"""From MQL to Closed Won, counted by looking at the systems; and why fewer come out than go in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

from engine.demo.line_table import Difference, Total
from engine.demo.reasons import UNEXPLAINED
from engine.demo.selling import Sale
from engine.demo.simulators import live
from engine.demo.won import WON_IN_SALESFORCE as CLOSED_WON
from engine.demo.won import ZERO
from engine.model import DeliveryState
from engine.pipeline.services import Services
from engine.store import operator_views

CALLED: Final = "MQL: a call in Salesforce"
QUALIFIED: Final = "Qualified: an opportunity"
QUOTED: Final = "Quoted in Salesforce CPQ"
APPROVED: Final = "Approved"
SIGNED: Final = "Signed in DocuSign"
WON: Final = "Closed Won in Salesforce"
STEPS: Final = (CALLED, QUALIFIED, QUOTED, APPROVED, SIGNED, WON)
_HELD_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class Reached:
    """How far one person's deal came. ``amount`` is what its quote offers, in its currency."""

    sale: Sale
    steps: frozenset[str]
    amount: Decimal | None
    because: str


class Funnel:
    """Answers for one moment: the states and the store are read when it is made."""

    def __init__(
        self, services: Services, states: Mapping[str, Any], sales: Sequence[Sale]
    ) -> None:
        salesforce = states["salesforce"]
        self._opportunities = live(salesforce["Opportunity"])
        self._quotes = live(salesforce["SBQQ__Quote__c"])
        self._calls = {row["WhoId"] for row in live(salesforce["Task"]).values()}
        self._envelopes: dict[str, list[str]] = {}
        for row in states["docusign"]["envelopes"].values():
            for field in row["customFields"]["textCustomFields"]:
                if field["name"] == "opportunityId":
                    self._envelopes.setdefault(field["value"], []).append(row["status"])
        with services.store.read() as tx:
            held = operator_views.listed(tx, [DeliveryState.HELD], _HELD_MAX)
        self._held = {one.source.id: str(one.reason) for one in held if one.sync == "quotes"}
        self.reached = [self._of(sale) for sale in sales]

    def totals(self) -> list[tuple[str, Total]]:
        """Every step with how many came so far, and what was offered to them."""
        offered = STEPS.index(QUOTED)
        return [
            (step, _total(self._at(step), offered=place >= offered))
            for place, step in enumerate(STEPS)
        ]

    def differences(self) -> list[Difference]:
        """Who came no further, by reason."""
        found = []
        for before, after in pairwise(STEPS):
            groups: dict[str, list[Reached]] = {}
            for one in self._at(before):
                if after not in one.steps:
                    groups.setdefault(one.because, []).append(one)
            for reason, members in sorted(groups.items(), key=lambda item: -len(item[1])):
                found.append(Difference(before, after, reason, _total(members)))
        return found

    def unexplained(self) -> list[str]:
        """Deals that stopped for no reason, and steps reached without the one before."""
        faults = [
            f"{one.after}: {one.total.count} deals less, and nothing explains it"
            for one in self.differences()
            if one.reason == UNEXPLAINED
        ]
        for before, after in pairwise(STEPS):
            skipped = [one for one in self._at(after) if before not in one.steps]
            faults += [f"{one.sale.person.name} is {after} and not {before}" for one in skipped]
        return faults

    def _at(self, step: str) -> list[Reached]:
        return [one for one in self.reached if step in one.steps]

    def _of(self, sale: Sale) -> Reached:
        opportunity = self._opportunities.get(sale.opportunity or "")
        quote = self._quotes.get(sale.quote or "")
        statuses = self._envelopes.get(sale.opportunity or "", [])
        tests: tuple[tuple[str, Callable[[], bool]], ...] = (
            (CALLED, lambda: sale.person.linked_to in self._calls),
            (QUALIFIED, lambda: opportunity is not None),
            (QUOTED, lambda: quote is not None),
            (APPROVED, lambda: quote is not None and quote["ApprovalStatus__c"] == "Approved"),
            (SIGNED, lambda: "completed" in statuses),
            (WON, lambda: opportunity is not None and opportunity["StageName"] == CLOSED_WON),
        )
        steps = frozenset(name for name, holds in tests if holds())
        amount = Decimal(str(quote["SBQQ__NetAmount__c"])) if quote is not None else None
        return Reached(sale, steps, amount, self._because(sale, opportunity, quote, statuses))

    def _because(
        self,
        sale: Sale,
        opportunity: Mapping[str, Any] | None,
        quote: Mapping[str, Any] | None,
        statuses: Sequence[str],
    ) -> str:
        """Why a deal stands where it stands, in words that fit after “because”."""
        if opportunity is None:
            return UNEXPLAINED if sale.deal else "sales found nobody to sell to"
        if opportunity["StageName"] == "Closed Lost":
            return "lost after the offer" if quote is not None else "lost before an offer"
        if quote is None:
            gate = self._held.get(str(sale.opportunity))
            return "held: MEDDPICC is incomplete" if gate == "meddpicc" else UNEXPLAINED
        if quote["ApprovalStatus__c"] in _STANDING:
            return _STANDING[quote["ApprovalStatus__c"]]
        if "declined" in statuses:
            return "the customer declined to sign"
        return "waiting for the signature" if "sent" in statuses else UNEXPLAINED


_STANDING: Final = {
    "Pending": "a discount above 20 % waits for the head of sales",
    "Rejected": "a discount above 20 % was rejected, and is to be revised",
}


def _total(members: Sequence[Reached], *, offered: bool = True) -> Total:
    amounts: dict[str, Decimal] = {}
    for one in members:
        if offered and one.amount is not None:
            currency = one.sale.person.currency
            amounts[currency] = amounts.get(currency, ZERO) + one.amount
    return Total(len(members), dict(sorted(amounts.items())))
