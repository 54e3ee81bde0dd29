"""Why a deal has not come further: what holds it back, as the store and the systems tell it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from engine.demo import line_table
from engine.demo.won import ZERO, WonDeal
from engine.issues import cause
from engine.mapping.compiled import MappingProgram
from engine.model import Address
from engine.pipeline.services import Services
from engine.pipeline.sweep import WAITS_LONG
from engine.store import issues, operator_views
from engine.store.issues import StoredIssue
from engine.store.operator_views import OpenDelivery

UNEXPLAINED: Final = "NOBODY KNOWS WHY"
IN_ADVANCE: Final = "still to be earned: service to come, or its month not over"
NO_QUOTE: Final = "won before quotes were made in CPQ"
DECLINED: Final = "the card was declined"
UNDER_WAY: Final = "a bank debit is under way"
NOT_PAID: Final = "waiting for payment"
PART_PAID: Final = "part paid; waiting for the rest"
REFUNDED: Final = "given back to the customer"
DISPUTED: Final = "disputed by the customer's bank"
CREDITED: Final = "credited instead"
_WORDS: Final[Mapping[str, str]] = {
    "MATCH_AMBIGUOUS": "its company matches two Accounts, and nobody guesses",
    "MATCH_ALREADY_LINKED": "its company has the domain of another company",
}


class Reasons:
    """Answers for one moment: ``states`` and the store are read when it is made."""

    def __init__(self, services: Services, states: Mapping[str, Any]) -> None:
        self._services = services
        self._states = states
        with services.store.read() as tx:
            listed = issues.listed(tx, services.store.payloads)
        self._issues: dict[tuple[str, Address], StoredIssue] = {
            (one.sync, one.source): one for one in listed
        }
        self._intents = {
            row["metadata"].get("invoice_number"): row
            for row in states["stripe"].get("payment_intents", {}).values()
        }

    def __call__(self, deal: WonDeal, step: str) -> str:
        """Why a deal has not reached a step with its full amount."""
        if step == line_table.SALESFORCE:
            return self._not_sold(deal)
        if step == line_table.ORDERED:
            return self._not_ordered(deal)
        if step == line_table.PAID:
            return self._not_paid(deal)
        if step == line_table.BACK:
            return self._not_kept(deal)
        if step == line_table.POSTED and deal.recognised < (deal.billed or 0):
            return IN_ADVANCE
        return UNEXPLAINED

    def _not_sold(self, deal: WonDeal) -> str:
        own = self._held_by("deals", Address("hubspot", "deals", deal.id))
        if own is not None:
            return own
        if deal.company is not None:
            company = Address("hubspot", "companies", deal.company)
            return self._held_by("companies", company) or UNEXPLAINED
        return UNEXPLAINED

    def _not_ordered(self, deal: WonDeal) -> str:
        if deal.quote is None:
            return NO_QUOTE
        quote = Address("cpq", "SBQQ__Quote__c", deal.quote)
        account = Address("cpq", "Account", str(deal.account))
        own = self._held_by("orders", quote)
        return own or self._held_by("billing_accounts", account) or UNEXPLAINED

    def _not_paid(self, deal: WonDeal) -> str:
        if deal.credited:
            return CREDITED
        if deal.paid:
            return PART_PAID
        for number in deal.invoices:
            intent = self._intents.get(number)
            if intent is None:
                address = Address("zuora", "invoices", number)
                return self._held_by("collections", address) or UNEXPLAINED
            if intent["status"] == "processing":
                return UNDER_WAY
            if intent.get("last_payment_error"):
                return DECLINED
        return NOT_PAID

    def _not_kept(self, deal: WonDeal) -> str:
        if deal.paid - (deal.shown_in_salesforce or ZERO) != deal.refunded + deal.disputed:
            return UNEXPLAINED
        return DISPUTED if deal.disputed else REFUNDED

    def _held_by(self, sync: str, address: Address) -> str | None:
        """What holds a record back in a sync; ``None`` for a wait, or if nothing does."""
        issue = self._issues.get((sync, address))
        if issue is not None and issue.code != WAITS_LONG:  # what it waits for has a reason
            return _WORDS.get(issue.code) or _first(cause(issue.code, issue.parameters))
        with self._services.store.read() as tx:
            for one in operator_views.deliveries_at(tx, address):
                if one.sync == sync and one.state == "held":
                    return self._gate(one)
        return None

    def _gate(self, one: OpenDelivery) -> str:
        mapping = self._services.config.syncs[one.sync].mapping
        gates = mapping.programs.gates if isinstance(mapping, MappingProgram) else ()
        said = (gate.summary for gate in gates if gate.name == one.reason)
        return _first(next(said, str(one.reason)))


def _first(text: str) -> str:
    """The first sentence, in the midst of which it can stand."""
    sentence = text.split(". ")[0].rstrip(".")
    return sentence[:1].lower() + sentence[1:]
