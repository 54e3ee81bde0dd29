"""The money half of the line where quotes are made in Salesforce CPQ and signed in DocuSign.

Reps configure quotes, approvers decide, customers sign; what comes after is the engine's work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import requests

from engine.pipeline.poll import backfill_stream
from engine.runner import BACKFILL_SINCE
from engine.store import operator_views, streams
from engine.store.streams import Stream
from sandbox import docusign
from tests.moneyline.world import MoneyLine

QUOTE, LINE = "SBQQ__Quote__c", "SBQQ__QuoteLine__c"
MEDDPICC = (
    "Metrics__c", "Economic_Buyer__c", "Decision_Criteria__c", "Decision_Process__c",
    "Paper_Process__c", "Identified_Pain__c", "Champion__c", "Competition__c",
)  # fmt: skip
FIELDS = {**dict.fromkeys(MEDDPICC, "string 255"), "Signed_On__c": "date"}
CONNECTIONS = """connections:
  cpq:
    connector: salesforce_cpq
    login_url: {salesforce}
    client_id: ${{SALESFORCE_CLIENT_ID}}
    client_secret: ${{SALESFORCE_CLIENT_SECRET}}
    allow_loopback: true
  docusign:
    connector: docusign
    auth_url: {docusign}
    base_url: {docusign}
    integration_key: {integration_key}
    user_id: {user_id}
    private_key: ${{DOCUSIGN_PRIVATE_KEY}}
    allow_loopback: true
"""
VALUE_MAPS = """value_maps:
  envelope_template:
    values: {{Quote: {template}, Amendment: {template}, Renewal: {template}}}
    unmapped: reject
books:
"""
# A won opportunity makes no order here: its quote does.
SYNCS = """  quotes: {from: salesforce.Opportunity, to: cpq.SBQQ__Quote__c,
           mapping: opportunity_to_quote, start_from: everything}
  signatures: {from: cpq.SBQQ__Quote__c, to: docusign.envelopes, mapping: quote_to_envelope,
               start_from: everything}
  signed: {from: docusign.envelopes, to: salesforce.Opportunity, mapping: envelope_to_opportunity,
           mode: update_only, start_from: everything}
  quoted: {from: cpq.SBQQ__Quote__c, observe: true, mapping: quote_observed,
           start_from: everything}
  orders: {from: cpq.SBQQ__Quote__c, to: zuora.orders, mapping: quote_to_order,
           start_from: everything, after: [billing_accounts]}
  amendments: {from: cpq.SBQQ__Quote__c, to: zuora.orders, mapping: amendment_quote_to_order,
               start_from: everything, after: [billing_accounts, orders]}
  contracts: {from: zuora.orders, to: cpq.Opportunity, mapping: order_to_contract,
              mode: update_only, start_from: everything}
"""
OLD_ORDERS = """  orders:
    from: salesforce.Opportunity
    to: zuora.orders
    mapping: opportunity_to_order
    start_from: everything
    after: [billing_accounts]
"""


class QuoteLine(MoneyLine):
    """Salesforce with CPQ, DocuSign, Zuora, Stripe and NetSuite, and one engine."""

    systems = (*MoneyLine.systems, "docusign")

    def _text(self) -> str:
        connections = CONNECTIONS.format(
            **self.running.urls,
            integration_key=docusign.INTEGRATION_KEY,
            user_id=docusign.USER_ID,
        )
        text = super()._text()
        for old, new in (
            ("connections:\n", connections),
            ("books:\n", VALUE_MAPS.format(template=docusign.OFFER_ID)),
            (OLD_ORDERS, SYNCS),
            ("from: salesforce.Account", "from: cpq.Account"),
        ):
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        return text

    def begin(self) -> None:
        """What administrators do first."""
        self.environ["DOCUSIGN_PRIVATE_KEY"] = docusign.private_key_pem()
        for name, kind in FIELDS.items():
            self.do("salesforce", "Opportunity", "add_field", None, {"name": name, "line": kind})
        self.admin("salesforce", "external_ids", {"objects": [QUOTE]})
        self.product("PLT-001", 1_200, months=12)
        self.product("SUP-001", "33.33", months=1)
        self.product("ONB-001", 500, months=None)
        super().begin()

    def product(self, code: str, price: Decimal | int | str, *, months: int | None) -> None:
        """A product at a price for so many months, or once."""
        with self.simulators["salesforce"].lock:
            entry = self._entry(self._standard_book(), code, "EUR")
            product = self.records("salesforce", "PricebookEntry")[entry]["Product2Id"]
            recurring = {
                "SBQQ__SubscriptionPricing__c": "Fixed Price", "SBQQ__ChargeType__c": "Recurring",
                "SBQQ__SubscriptionType__c": "Renewable", "SBQQ__SubscriptionTerm__c": months,
            }  # fmt: skip
            fields = recurring if months else {"SBQQ__ChargeType__c": "One-Time"}
            self.do("salesforce", "PricebookEntry", "update", entry, {"UnitPrice": str(price)})
            self.do("salesforce", "Product2", "update", product,
                    {**fields, "SBQQ__TaxCode__c": "SaaS"})  # fmt: skip

    # -- people ----------------------------------------------------------------------------------

    def opportunity(self, account: str, on: date) -> str:
        """A deal that is ready for its offer; the engine makes the quote."""
        book = self._standard_book()
        made = self.do("salesforce", "Opportunity", "create", None, {
            "Name": "Rollout", "AccountId": account, "StageName": "Proposal/Price Quote",
            "CloseDate": on.isoformat(), "CurrencyIsoCode": "EUR", "Pricebook2Id": book,
            **dict.fromkeys(MEDDPICC, "known"),
        })  # fmt: skip
        return str(made["Id"])

    def contact(self, opportunity: str) -> None:
        """Who signs for the customer."""
        account = self.records("salesforce", "Opportunity")[opportunity]["AccountId"]
        person = self.do("salesforce", "Contact", "create", None, {
            "LastName": "Sato", "Email": "ada@kite.example", "AccountId": account,
        })  # fmt: skip
        self.do("salesforce", "OpportunityContactRole", "create", None, {
            "OpportunityId": opportunity, "ContactId": person["Id"], "IsPrimary": True,
        })  # fmt: skip

    def quote_of(self, opportunity: str) -> str:
        (found,) = (
            id
            for id, row in self.records("salesforce", QUOTE).items()
            if row["SBQQ__Opportunity2__c"] == opportunity
        )
        return found

    def add(self, quote: str, code: str, quantity: int, **more: Any) -> str:
        """The rep configures a product."""
        (product,) = (
            id
            for id, row in self.records("salesforce", "Product2").items()
            if row["ProductCode"] == code
        )
        made = self.do("salesforce", LINE, "create", None, {
            "SBQQ__Quote__c": quote, "SBQQ__Product__c": product, "SBQQ__Quantity__c": quantity,
            **more,
        })  # fmt: skip
        return str(made["Id"])

    def set(self, quote: str, code: str, **fields: Any) -> None:
        """The rep changes the line of a product."""
        (line,) = (
            id
            for id, row in self.records("salesforce", LINE).items()
            if (row["SBQQ__Quote__c"], row["SBQQ__ProductCode__c"]) == (quote, code)
        )
        self.do("salesforce", LINE, "update", line, fields)

    def cpq(self, word: str, id: str) -> list[str]:
        """What people do in CPQ: submit, approve, amend, renew …"""
        self.clock.shift(timedelta(seconds=30))  # calculations are queued
        return next(iter(self.admin("salesforce", "cpq", {"do": word, "id": id}).values()))

    def close_won(self, opportunity: str) -> None:
        self.do("salesforce", "Opportunity", "update", opportunity, {"StageName": "Closed Won"})

    def sold(self, deals: Mapping[str, Sequence[tuple[str, int]]], on: date) -> dict[str, str]:
        """Deals that were quoted, approved and won, by their customers; what follows is left to
        be done."""
        found = {name: self.opportunity(self.account(name), on) for name in deals}
        self.settle()
        for name, deal in found.items():
            quote = self.quote_of(deal)
            for code, quantity in deals[name]:
                self.add(quote, code, quantity)
            self.decide(deal, quote)
        return found

    def follow_up(self, deal: str, word: str) -> tuple[str, str]:
        """The rep amends or renews a deal's contract: the new deal and its quote."""
        (contract,) = (
            id
            for id, row in self.records("salesforce", "Contract").items()
            if row["SBQQ__Opportunity__c"] == deal
        )
        (quote,) = self.cpq(word, contract)
        new = str(self.records("salesforce", QUOTE)[quote]["SBQQ__Opportunity2__c"])
        stage = {"StageName": "Proposal/Price Quote"}
        self.do("salesforce", "Opportunity", "update", new, stage)
        return new, quote

    def decide(self, deal: str, quote: str) -> None:
        """Submitted, and won."""
        self.cpq("submit", quote)
        self.close_won(deal)

    def admin(self, system: str, what: str, body: dict[str, Any]) -> Any:
        """Tell a simulator's admin surface."""
        url = f"{self.running.admin_url(system)}/{what}"
        answer = requests.post(url, json=body, timeout=30)
        assert answer.ok, answer.text
        return answer.json()

    # -- looking ---------------------------------------------------------------------------------

    def backfill(self) -> None:
        """Read the past of every sync again: each event comes once more."""
        with self.store.write() as tx:
            for sync in self.services.active_syncs():
                now = self.clock.now()
                name = backfill_stream(sync.name)
                streams.put(tx, Stream(name, None, at_head=False, finished_at=None, updated_at=now))
                streams.put_meta(tx, BACKFILL_SINCE + sync.name, "")

    def held(self) -> dict[str, str]:
        """What is held: source id → the gate."""
        with self.store.read() as tx:
            found = operator_views.listed(tx, [operator_views.DeliveryState.HELD], 1000)
        return {one.source.id: str(one.reason) for one in found}

    def deal(self, id: str) -> dict[str, Any]:
        """The deal's opportunity, as people see it."""
        return dict(self.records("salesforce", "Opportunity")[id])


def identity_a(line: QuoteLine) -> list[str]:
    """Quoted, with every amendment and renewal ordered since = ordered in Zuora, contract by
    contract; what does not hold, in words."""
    deals = line.records("salesforce", "Opportunity")
    contracts = line.records("salesforce", "Contract")

    def first(deal: str) -> str:
        row = deals[deal]
        before = row.get("SBQQ__AmendedContract__c") or row.get("SBQQ__RenewedContract__c")
        return first(contracts[before]["SBQQ__Opportunity__c"]) if before else deal

    quoted: dict[str, Decimal] = {}
    for row in line.records("salesforce", QUOTE).values():
        if row["SBQQ__Ordered__c"] and row["SBQQ__Primary__c"]:
            key = f"S-{first(row['SBQQ__Opportunity2__c'])}"
            quoted[key] = quoted.get(key, Decimal(0)) + row["SBQQ__NetAmount__c"]
    latest = line.records("zuora", "subscriptions")
    ordered = dict.fromkeys((row["name"] for row in latest.values()), Decimal(0))
    for row in line.records("zuora", "rate-plan-charges").values():
        if row["subscriptionId"] in latest:
            ordered[latest[row["subscriptionId"]]["name"]] += row["tCV"]
    return [
        f"(a) {one}: quoted {quoted.get(one)}, ordered {ordered.get(one)}"
        for one in sorted({*quoted, *ordered})
        if quoted.get(one) != ordered.get(one)
    ]
