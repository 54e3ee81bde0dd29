"""The episodes of the live part: what goes wrong, or sideways, in every real line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from engine.demo.edits import (
    LAST_NAME_TOO_LONG,
    POLL,
    WEBHOOK,
    Arrival,
    Edit,
    Pair,
    Pairs,
    State,
    to_salesforce,
)
from engine.demo.live import Hands, until
from engine.demo.simulators import live
from engine.model import Address
from engine.store import issues, links
from engine.store.issues import StoredIssue
from engine.store.store import Store

STAGE_OF_SALES: Final = ("Id. Decision Makers", "decisionmakerboughtin")
STAGE_OF_MARKETING: Final = "contractsent"


@dataclass(frozen=True, slots=True)
class Episode:
    """What was done and what came of it, as a sentence each."""

    title: str
    outcome: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Planted:
    """An issue that the demo caused on purpose."""

    code: str
    id: str


class Episodes:
    """Plays every episode. ``planted`` fills with the issues that are meant to stay open."""

    def __init__(self, hands: Hands, store: Store, pairs: Pairs) -> None:
        self._hands = hands
        self._store = store
        self._pairs = pairs
        self.planted: list[Planted] = []
        self.agreed: dict[Pair, Pair] = {}
        """Deals edited on both sides: the stage that each side must show in the end."""

    def play(self, hubspot: State) -> list[Episode]:
        """All of them, one after another. Raises ``DemoFault`` when one does not end well."""
        return [
            self._both_sides(),
            self._converted(hubspot),
            self._bad_record(),
            self._ambiguous(hubspot),
            self._merged(),
            self._archived(),
        ]

    def _both_sides(self) -> Episode:
        pair = self._pairs.take("deals", "Opportunity")
        sales, property = STAGE_OF_SALES
        edit = {"dealstage": STAGE_OF_MARKETING}
        self._hands.do(Edit("hubspot", "deals", "update", pair[0], edit, WEBHOOK))
        arrival = Arrival("hubspot", (pair[0],), "dealstage", property)
        edit = {"StageName": sales}
        self._hands.do(Edit("salesforce", "Opportunity", "update", pair[1], edit, POLL, arrival))
        seconds = until(self._hands.all_arrived, "the deal that was edited on both sides")
        self.agreed[pair] = (property, sales)
        return Episode(
            "A deal's stage is set in HubSpot and, in the same second, in Salesforce",
            "Salesforce owns the stage: its value is in both, nothing bounced back",
            seconds,
        )

    def _converted(self, hubspot: State) -> Episode:
        # One without a company: a company that is no Account yet would rightly be waited for.
        alone = {
            id
            for id, contact in hubspot["contacts"].items()
            if not contact["associations"].get("companies")
        }
        contact, lead = self._pairs.take_one_of("contacts", "Lead", alone)
        after = self._hands.do(Edit("salesforce", "Lead", "convert", lead, {}, POLL))
        target = str(after["ConvertedContactId"])
        address = Address("hubspot", "contacts", contact)
        seconds = until(
            lambda: self._targets(address, "Contact") == [target],
            "the link of a converted lead to go on to its contact",
        )
        pair = (contact, target)
        self._hands.do(to_salesforce("contacts", pair, "phone", "+49 30 7009999", "Phone"))
        seconds += until(
            self._hands.all_arrived, "an edit to arrive at the converted lead's contact"
        )
        return Episode(
            "Sales converts a lead; marketing then changes the person's phone number",
            "the number is on the Contact that the Lead became; no new record",
            seconds,
        )

    def _bad_record(self) -> Episode:
        kept = self._pairs.take("contacts", "Contact")
        fixed = self._pairs.take("contacts", "Contact")
        for contact, _ in (kept, fixed):
            edit = {"lastname": LAST_NAME_TOO_LONG.strip()}
            self._hands.do(Edit("hubspot", "contacts", "update", contact, edit, WEBHOOK))
        seconds = until(
            lambda: self._issue("REFUSED", kept[0]) and self._issue("REFUSED", fixed[0]),
            "two contacts to be refused for their long names",
        )
        edit = {"lastname": "Wolfe"}
        self._hands.do(Edit("hubspot", "contacts", "update", fixed[0], edit, WEBHOOK))
        seconds += until(
            lambda: not self._issue("REFUSED", fixed[0]), "the corrected contact's issue to close"
        )
        self.planted.append(Planted("REFUSED", kept[0]))
        return Episode(
            "Two contacts get a last name longer than Salesforce takes; one is corrected",
            "two issues with cause and fix; the correction closed one by itself",
            seconds,
        )

    def _ambiguous(self, hubspot: State) -> Episode:
        domain = self._shared_domain(hubspot)
        made = self._hands.do(
            Edit(
                "hubspot",
                "companies",
                "create",
                None,
                {"name": "Fjord Analytics Holding", "domain": domain},
                WEBHOOK,
            )
        )
        id = str(made["id"])
        seconds = until(
            lambda: self._issue("MATCH_AMBIGUOUS", id), "the company that matches two Accounts"
        )
        self.planted.append(Planted("MATCH_AMBIGUOUS", id))
        return Episode(
            "A new company has the domain of two Accounts",
            "an issue with both candidates; nothing was created, nothing guessed",
            seconds,
        )

    def _shared_domain(self, hubspot: State) -> str:
        """The domain of a company that is an issue already, because two Accounts have it."""
        for issue in self._issues():
            company = hubspot["companies"].get(issue.source.id)
            if issue.code == "MATCH_AMBIGUOUS" and company is not None:
                return str(company["properties"]["domain"])
        return "fjord-analytics.example"

    def _merged(self) -> Episode:
        survivor = self._pairs.take("contacts", "Contact")
        loser = self._pairs.take("contacts", "Contact")
        edit = {"loser": loser[0]}
        self._hands.do(Edit("hubspot", "contacts", "merge", survivor[0], edit, WEBHOOK))
        seconds = until(
            lambda: any(issue.code == "MERGED_TWO_TARGETS" for issue in self._issues()),
            "the merge of two contacts to be noticed",
        )
        self.planted.append(Planted("MERGED_TWO_TARGETS", survivor[0]))
        return Episode(
            "Marketing merges two contacts, and each is a Contact in Salesforce",
            "the survivor goes on; that Salesforce now has two is an issue for a person",
            seconds,
        )

    def _archived(self) -> Episode:
        deal, opportunity = self._pairs.take("deals", "Opportunity")
        self._hands.do(Edit("hubspot", "deals", "archive", deal, {}, WEBHOOK))
        address = Address("hubspot", "deals", deal)
        seconds = until(
            lambda: self._targets(address, "Opportunity") == [], "the archived deal's link to close"
        )
        still = self._hands.simulators.state("salesforce")["Opportunity"]
        kept = "stays" if opportunity in live(still) else "is gone"
        return Episode(
            "A deal is archived in HubSpot",
            f"the link is closed; the Opportunity {kept}, as on_delete: flag says",
            seconds,
        )

    def _targets(self, address: Address, object: str) -> list[str]:
        with self._store.read() as tx:
            found = links.of_sources(tx, [address], "salesforce", object)
        return [link.far.id for link in found.get(address, ())]

    def _issues(self) -> list[StoredIssue]:
        with self._store.read() as tx:
            return list(issues.listed(tx, self._store.payloads))

    def _issue(self, code: str, id: str) -> bool:
        return any(one.code == code and one.source.id == id for one in self._issues())


def shared_domains(hubspot: Mapping[str, Any], salesforce: Mapping[str, Any]) -> set[str]:
    """Domains that belong to more than one company, or to more than one Account."""
    seen: dict[str, int] = {}
    for company in live(hubspot["companies"]).values():
        domain = str(company["properties"].get("domain") or "").lower()
        if domain:
            seen[domain] = seen.get(domain, 0) + 1
    found = {domain for domain, count in seen.items() if count > 1}
    sites = [
        str(account.get("Website") or "").lower()
        for account in live(salesforce["Account"]).values()
    ]
    return found | {domain for domain in seen if sum(domain in site for site in sites) > 1}
