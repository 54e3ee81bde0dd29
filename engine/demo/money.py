"""The money half of the demo: from Closed Won to the general ledger, and back to the deal."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from engine.app import Project, open_project
from engine.demo import folder, line_table, settling
from engine.demo.customers import Customers
from engine.demo.funnel import Funnel
from engine.demo.line_table import Difference, Total
from engine.demo.live import History
from engine.demo.pace import SharedClock
from engine.demo.project import DemoFault, ask_again, begin, prepare, working
from engine.demo.reasons import UNEXPLAINED, Reasons
from engine.demo.screen import Screen
from engine.demo.selling import SellingFacts
from engine.demo.simulators import MONEY, Simulators
from engine.demo.won import WonDeal, followed
from engine.pipeline.services import Services
from engine.runner import Runner

A_WEEK: Final = timedelta(days=7)
MONEY_FIELDS: Final[Mapping[str, str]] = {
    "Billing_Status__c": "string 40",
    "Billed_Amount__c": "currency 18,3",
    "Paid_Amount__c": "currency 18,3",
    "Recognised_Revenue__c": "currency 18,3",
    "Billed_On__c": "date",
    "Paid_On__c": "date",
}
_NUMBER: Final = {"type": "number", "fieldType": "number"}
DEAL_PROPERTIES: Final = (
    {"name": "billing_status"},
    {"name": "paid_amount", **_NUMBER},
    {"name": "recognised_revenue", **_NUMBER},
)


@dataclass(slots=True)
class MoneyFacts:
    """What came of the money half. ``unexplained`` must be empty."""

    seconds: float = 0.0
    deals: list[WonDeal] = field(default_factory=list)
    steps: list[tuple[str, Total]] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    statuses: Mapping[str, int] = field(default_factory=dict)
    journals: int = 0
    again_writes: list[str] = field(default_factory=list)
    again_calls: int = 0
    unexplained: list[str] = field(default_factory=list)


class MoneyLine:
    """Plays it on the project in a folder, on a clock that all systems share."""

    def __init__(
        self,
        place: Path,
        simulators: Simulators,
        clock: SharedClock,
        history: History,
        screen: Screen,
    ) -> None:
        self._place = place
        self._simulators = simulators
        self._history = history
        self._screen = screen
        self._clock = clock
        self.facts = MoneyFacts()

    def play(self, selling: SellingFacts) -> MoneyFacts:
        """Everything, from the new connections to the tables' figures, those of ``selling`` too."""
        begun = time.monotonic()
        project = self._set_up()
        with working(project) as services:
            runner = begin(project, services)
            self._sell(services, runner)
            self._collect(services, runner)
        with working(project) as services:  # another start, as after a restart
            runner = begin(project, services)
            self._again(services, runner)
            self._account_for(services, selling)
        self.facts.seconds = time.monotonic() - begun
        return self.facts

    def _set_up(self) -> Project:
        """What an administrator does first, and three more connections."""
        screen = self._screen
        for name, line in MONEY_FIELDS.items():
            field = {"name": name, "line": line}
            command = {"object": "Opportunity", "op": "add_field", "fields": field}
            self._tell("salesforce", "mutate", command)
        self._tell(
            "hubspot", "load", {"properties": {"deals": [dict(one) for one in DEAL_PROPERTIES]}}
        )
        screen.say(
            f"  An administrator adds {len(MONEY_FIELDS)} fields to Salesforce's opportunities"
            f" and {len(DEAL_PROPERTIES)} properties to HubSpot's deals."
        )
        environ = folder.add_money(self._place, self._simulators.urls)
        self._clock.shift(settling.BETWEEN)
        project = open_project(self._place / folder.PROJECT_FILE, environ, self._clock)
        for connection in MONEY:
            done = prepare(project, connection)
            if done.missing:
                raise DemoFault(f"{connection} lacks {', '.join(done.missing)}")
        added = sum(sync.source.connection != "hubspot" for sync in project.config.syncs.values())
        screen.say(f"  Project extended: zuora, stripe, netsuite; {added} syncs start behind"
                   " Salesforce.")  # fmt: skip
        return project

    def _tell(self, system: str, admin: str, body: Mapping[str, Any]) -> None:
        self._history.note(self._clock.now(), system, admin, body)
        self._simulators.post(system, admin, body)

    def _sell(self, services: Services, runner: Runner) -> None:
        """Every deal that is won: ordered, billed, booked, and what was earned so far posted."""
        self._settle(services, runner)
        zuora = self._simulators.state("zuora")
        netsuite = self._simulators.state("netsuite")
        self._screen.say(
            f"  {len(zuora['subscriptions'])} orders, {len(zuora['invoices'])} invoices,"
            f" {len(netsuite['journalEntry'])} journals for the months that have ended."
        )

    def _collect(self, services: Services, runner: Runner) -> None:
        customers = Customers(self._simulators, self._history, self._clock)
        customers.pay()
        self._settle(services, runner)
        self._screen.say(
            f"  {customers.paid} customers pay by card at once, {customers.debited} by bank"
            f" debit, {len(customers.late)} let it wait for a week, some do not pay."
        )
        self._clock.shift(A_WEEK)
        customers.pay_late()
        self._settle(services, runner)
        self._screen.say("  A week later the late ones have paid, and the bank debit has settled.")
        customers.think_again()
        self._settle(services, runner)
        self._screen.say("  One customer gets the money back, another's bank disputes a payment.")

    def _settle(self, services: Services, runner: Runner) -> None:
        settling.settle(self._simulators, self._clock, services, runner)

    def _again(self, services: Services, runner: Runner) -> None:
        """Everything there is once more, after a restart: nothing is written."""
        before = settling.marks(self._simulators)
        ask_again(services)
        runner.poll_now()
        settling.work_off(self._clock, services, runner)
        found = settling.since(self._simulators, before)
        self.facts.again_writes, self.facts.again_calls = found
        self._screen.say(
            f"  And everything once more: {len(self.facts.again_writes)} writes,"
            f" {self.facts.again_calls} calls."
        )

    def _account_for(self, services: Services, selling: SellingFacts) -> None:
        states = {name: self._simulators.state(name) for name in self._simulators.urls}
        funnel = Funnel(services, states, selling.sales)
        selling.steps, selling.differences = funnel.totals(), funnel.differences()
        selling.unexplained = funnel.unexplained()
        facts = self.facts
        facts.deals = followed(states)
        facts.steps = line_table.totals(facts.deals)
        facts.differences = line_table.differences(facts.deals, Reasons(services, states))
        facts.unexplained = line_table.unexplained(facts.deals, facts.differences)
        facts.unexplained += [
            f"{one.after}: {one.total.count} deals less, and nothing explains it"
            for one in facts.differences
            if one.reason == UNEXPLAINED
        ]
        told = sorted(deal.status or "" for deal in facts.deals if deal.opportunity)
        facts.statuses = {name or "Not ordered": told.count(name) for name in dict.fromkeys(told)}
        facts.journals = len(states["netsuite"]["journalEntry"])
