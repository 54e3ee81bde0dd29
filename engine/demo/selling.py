"""The selling half of the demo: from a score in HubSpot to a signed offer and Closed Won."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from engine.app import Project, open_project
from engine.demo import folder, people, settling
from engine.demo.connect import Mailbox
from engine.demo.line_table import Difference, Total
from engine.demo.live import History, linked
from engine.demo.pace import SharedClock
from engine.demo.people import Person
from engine.demo.project import DemoFault, begin, prepare, working
from engine.demo.screen import Screen
from engine.demo.simulators import Simulators, live
from engine.pipeline.services import Services
from engine.runner import Runner

MEDDPICC: Final = (
    "Metrics__c", "Economic_Buyer__c", "Decision_Criteria__c", "Decision_Process__c",
    "Paper_Process__c", "Identified_Pain__c", "Champion__c", "Competition__c",
)  # fmt: skip
FIELDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(MEDDPICC, "string 255"),
    "Quote_Number__c": "string 40",
    "Quote_Status__c": "string 40",
    "Quote_Discount__c": "double 16,2",
    "Quote_Decided_On__c": "date",
    "Signed_On__c": "date",
}
DEAL_PROPERTIES: Final = (
    {"name": "quote_number"},
    {"name": "quote_status"},
    {"name": "signed_on", "type": "date", "fieldType": "date"},
)
CATALOGUE: Final = ("PLT-001", "ANL-001", "SUP-001", "ONB-001", "TRN-001")
RECURRING: Final = frozenset({"PLT-001", "ANL-001", "SUP-001"})
AS_SUBSCRIPTION: Final[Mapping[str, Any]] = {
    "SBQQ__SubscriptionPricing__c": "Fixed Price", "SBQQ__SubscriptionTerm__c": 12,
    "SBQQ__SubscriptionType__c": "Renewable", "SBQQ__ChargeType__c": "Recurring",
    "SBQQ__BillingFrequency__c": "Annual", "SBQQ__BillingType__c": "Advance",
}  # fmt: skip
TAX_CODE: Final = "SW052000"
CALCULATED: Final = timedelta(seconds=20)


@dataclass(slots=True)
class Sale:
    """What became of a person, as the people who did it know."""

    person: Person
    deal: str | None = None
    opportunity: str | None = None
    quote: str | None = None
    lines: list[str] = field(default_factory=list)


@dataclass(slots=True)
class SellingFacts:
    """What the selling half was. ``sales`` are in the order of their people."""

    seconds: float = 0.0
    sales: list[Sale] = field(default_factory=list)
    events: int = 0
    late: int = 0
    steps: list[tuple[str, Total]] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)


class SellingLine:
    """Plays it on the project in a folder, on the clock that all systems share."""

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
        self._clock = clock
        self._history = history
        self._screen = screen
        self._sales: list[Sale] = []
        self._products: dict[str, str] = {}
        self.facts = SellingFacts(sales=self._sales)

    def play(self) -> SellingFacts:
        """Everything, from the new connections to the last signature."""
        begun = time.monotonic()
        project = self._set_up()
        with (
            working(project) as services,
            Mailbox(project, self._simulators, self._clock) as mailbox,
        ):
            runner = begin(project, services)
            self._market(services, runner)
            self._qualify(services, runner)
            self._offer(services, runner)
            self._decide(services, runner)
            self._sign(services, runner, mailbox)
        self.facts.seconds = time.monotonic() - begun
        return self.facts

    # -- administrators ----------------------------------------------------------------------------

    def _set_up(self) -> Project:
        for name, line in FIELDS.items():
            self._mutate(
                "salesforce", "Opportunity", "add_field", None, {"name": name, "line": line}
            )
        properties = [dict(one) for one in DEAL_PROPERTIES]
        self._tell("hubspot", "load", {"properties": {"deals": properties}})
        self._mutate("salesforce", "Campaign", "create", None, {"Name": "Nurture"})
        self._price()
        environ = folder.add_selling(self._place, self._simulators.urls)
        self._clock.shift(settling.BETWEEN)
        project = open_project(self._place / folder.PROJECT_FILE, environ, self._clock)
        for connection in ("salesforce", "cpq", "docusign"):
            done = prepare(project, connection)
            if done.missing and connection != "docusign":
                raise DemoFault(f"{connection} lacks {', '.join(done.missing)}")
        self._screen.say(
            f"  Administrators add {len(FIELDS)} fields to opportunities, {len(DEAL_PROPERTIES)}"
            " properties to deals, prices in euros and yen, and a campaign."
        )
        self._screen.say("  Project extended: cpq, docusign, and a route by score.")
        return project

    def _price(self) -> None:
        """The CPQ administrator says what is sold by the year, and for how many euros or yen."""
        state = self._simulators.state("salesforce")
        products = {
            row["ProductCode"]: id
            for id, row in live(state["Product2"]).items()
            if row["ProductCode"] in CATALOGUE
        }
        dollars = {
            row["Product2Id"]: Decimal(str(row["UnitPrice"]))
            for row in live(state["PricebookEntry"]).values()
            if row["CurrencyIsoCode"] == "USD"
        }
        for code, id in products.items():
            sold = {**(AS_SUBSCRIPTION if code in RECURRING else {}), "SBQQ__TaxCode__c": TAX_CODE}
            self._update("salesforce", "Product2", id, sold)
        for id, row in live(state["PricebookEntry"]).items():
            currency = row["CurrencyIsoCode"]
            if row["Product2Id"] in products.values() and currency in people.PRICES:
                price = people.price_in(currency, dollars[row["Product2Id"]])
                self._update("salesforce", "PricebookEntry", id, {"UnitPrice": str(price)})
        self._products = products

    # -- marketing and sales -----------------------------------------------------------------------

    def _market(self, services: Services, runner: Runner) -> None:
        """Marketing scores people; those above 80 become somebody's call."""
        pairs = linked(services.store)
        known = dict(pairs.pools.get(("contacts", "Contact"), ()))
        found = people.found(self._simulators.state("hubspot"), known)
        hot, lukewarm = found[: people.COUNT], found[people.COUNT :]
        if len(hot) < people.COUNT:
            raise DemoFault(f"only {len(hot)} people to sell to")
        for person in found:
            score = 80 + person.number % 20 if person in hot else 79 - person.number % 30
            self._update("hubspot", "contacts", person.contact, {"hubspotscore": str(score)})
        self._sales += [Sale(person) for person in hot]
        self._settle(services, runner)
        self._screen.say(
            f"  Marketing scores {len(found)} people: {len(hot)} with 80 or more get a call,"
            f" {len(lukewarm)} join the nurture campaign."
        )

    def _qualify(self, services: Services, runner: Runner) -> None:
        """Sales calls; who is worth it becomes a deal with an opportunity."""
        for sale in self._sales:
            person = sale.person
            if not person.qualified:
                fields = {"hs_lead_status": "UNQUALIFIED"}
                self._update("hubspot", "contacts", person.contact, fields)
                continue
            made = self._mutate("hubspot", "deals", "create", None, {
                "dealname": f"{person.company_name} – {person.name}",
                "dealstage": "qualifiedtobuy", "pipeline": "default",
                "deal_currency_code": person.currency,
                "closedate": f"{person.starts_on.isoformat()}T00:00:00.000Z",
            })  # fmt: skip
            sale.deal = str(made["id"])
            for object, id in (("companies", person.company), ("contacts", person.contact)):
                self._mutate(
                    "hubspot", "deals", "associate", sale.deal, {"object": object, "id": id}
                )
        self._settle(services, runner)
        rows = live(self._simulators.state("salesforce")["Opportunity"])
        by_deal = {row.get("Revline_Id__c"): id for id, row in rows.items()}
        for sale in self._sales:
            sale.opportunity = by_deal.get(f"revline-deals-{sale.deal}")
        known = sum(sale.opportunity is not None for sale in self._sales)
        self._screen.say(f"  Sales calls them and makes {known} deals of it, each an opportunity.")

    def _offer(self, services: Services, runner: Runner) -> None:
        """Reps qualify their deals; each gets its quote, which the rep configures."""
        for sale, id in self._with(lambda sale: sale.opportunity):
            number = sale.person.number
            if number in people.LOST_EARLY:
                self._update("salesforce", "Opportunity", id, {"StageName": "Closed Lost"})
                continue
            filled = dict.fromkeys(MEDDPICC, "known")
            if number in people.NO_CHAMPION:
                del filled["Champion__c"]
            fields = {**filled, "StageName": "Negotiation/Review"}
            self._update("salesforce", "Opportunity", id, fields)
        self._settle(services, runner)
        for sale, id in self._with(lambda sale: sale.opportunity):
            if sale.person.number in people.CHAMPION_LATER:
                self._update("salesforce", "Opportunity", id, {"Champion__c": "Head of RevOps"})
        self._settle(services, runner)
        rows = live(self._simulators.state("salesforce")["SBQQ__Quote__c"])
        by_opportunity = {row["SBQQ__Opportunity2__c"]: id for id, row in rows.items()}
        for sale in self._sales:
            sale.quote = by_opportunity.get(sale.opportunity or "")
            if sale.quote is not None:
                sale.lines = [self._line(sale, code, many) for code, many in self._wanted(sale)]
        self._screen.say(
            f"  {len(rows)} of them get a quote in Salesforce CPQ. Two wait for a champion; one is"
            " found, and its quote follows without anybody touching Revline."
        )

    def _wanted(self, sale: Sale) -> Sequence[tuple[str, int]]:
        return people.configured(sale.person.number, CATALOGUE)

    def _line(self, sale: Sale, code: str, quantity: int) -> str:
        fields: dict[str, Any] = {
            "SBQQ__Quote__c": sale.quote,
            "SBQQ__Product__c": self._products[code],
            "SBQQ__Quantity__c": quantity,
        }
        if sale.person.discount:
            fields["SBQQ__Discount__c"] = sale.person.discount
        return str(self._mutate("salesforce", "SBQQ__QuoteLine__c", "create", None, fields)["Id"])

    def _decide(self, services: Services, runner: Runner) -> None:
        """Reps submit; above 20 % the head of sales decides, and not always in favour."""
        self._clock.shift(CALCULATED)
        for sale, quote in self._with(lambda sale: sale.quote):
            self._cpq("submit", quote)
            number, asked = sale.person.number, sale.person.discount > 20
            if asked and number in people.REJECTED:
                self._cpq("reject", quote, "too much")
            elif asked and number not in people.UNDECIDED:
                self._cpq("approve", quote, "for this one")
        self._settle(services, runner)
        for sale, quote in self._with(lambda sale: sale.quote):
            if sale.person.number in people.REVISED:
                for line in sale.lines:
                    fields = {"SBQQ__Discount__c": 15}
                    self._update("salesforce", "SBQQ__QuoteLine__c", line, fields)
                self._clock.shift(CALCULATED)
                self._cpq("submit", quote)
        self._settle(services, runner)
        envelopes = self._simulators.state("docusign")["envelopes"]
        self._screen.say(
            f"  Reps submit them; a quarter off needs the head of sales, who rejects two. One is"
            f" revised. {len(envelopes)} approved offers are out for signature."
        )

    def _sign(self, services: Services, runner: Runner, mailbox: Mailbox) -> None:
        """Customers sign; DocuSign tells of it late, twice and in any order."""
        by_opportunity = mailbox.envelopes()
        for sale, id in self._with(lambda sale: sale.opportunity):
            envelope, number = by_opportunity.get(id), sale.person.number
            if envelope is None or number in people.UNSIGNED:
                continue
            if number in people.LOST_LATE:
                self._mutate("docusign", "envelopes", "void", envelope, {"reason": "no budget"})
                self._update("salesforce", "Opportunity", id, {"StageName": "Closed Lost"})
            elif number in people.DECLINED:
                fields = {"reason": "wrong date"}
                self._mutate("docusign", "envelopes", "decline", envelope, fields)
                if number in people.SIGNED_ANEW:
                    again = self._mutate(
                        "docusign", "envelopes", "create", None, mailbox.like(envelope)
                    )
                    self._mutate("docusign", "envelopes", "sign", str(again["envelopeId"]), {})
            else:
                self._mutate("docusign", "envelopes", "sign", envelope, {})
        self.facts.events = mailbox.deliver_twice_and_mixed_up()
        self._settle(services, runner)
        self.facts.late = mailbox.deliver_late()
        self._settle(services, runner)
        rows = live(self._simulators.state("salesforce")["Opportunity"])
        won = sum(
            rows[id]["StageName"] == "Closed Won" for _sale, id in self._with(_opportunity_of)
        )
        self._screen.say(
            f"  {self.facts.events} messages of DocuSign arrive, each three times and mixed up,"
            f" {self.facts.late} of them hours late: {won} deals are Closed Won, each once."
        )

    # -- hands -------------------------------------------------------------------------------------

    def _with(self, of: Callable[[Sale], str | None]) -> list[tuple[Sale, str]]:
        return [(sale, id) for sale in self._sales if (id := of(sale)) is not None]

    def _settle(self, services: Services, runner: Runner) -> None:
        self._clock.shift(settling.BETWEEN)  # so that what people did is in every index
        settling.settle(self._simulators, self._clock, services, runner)

    def _cpq(self, word: str, id: str, comments: str | None = None) -> None:
        self._tell("salesforce", "cpq", {"do": word, "id": id, "comments": comments})

    def _update(self, system: str, object: str, id: str, fields: Mapping[str, Any]) -> None:
        self._mutate(system, object, "update", id, fields)

    def _mutate(
        self, system: str, object: str, word: str, id: str | None, fields: Mapping[str, Any]
    ) -> dict[str, Any]:
        command: dict[str, Any] = {"object": object, "op": word, "fields": dict(fields)}
        if id is not None:
            command["id"] = id
        made: dict[str, Any] = self._tell(system, "mutate", command)["record"]
        return made

    def _tell(self, system: str, admin: str, body: Mapping[str, Any]) -> Any:
        self._history.note(self._clock.now(), system, admin, body)
        return self._simulators.post(system, admin, body)


def _opportunity_of(sale: Sale) -> str | None:
    return sale.opportunity
