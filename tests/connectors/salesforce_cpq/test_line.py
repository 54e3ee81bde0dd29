"""An opportunity becomes a quote with lines, and the approved quote an order, by configuration."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.app import Project, connector_specs
from engine.config.load import load
from engine.runner import Runner
from engine.store import delivery_views
from sandbox.salesforce.cpq import desk
from sandbox.salesforce.simulator import CLIENT_ID, CLIENT_SECRET, SalesforceSimulator
from sandbox.server import serve
from sandbox.simulator import Mutation
from tests.endtoend.world import LineClock

QUOTE, LINE = "SBQQ__Quote__c", "SBQQ__QuoteLine__c"
PROJECT = """
version: 1
environment: sandbox
connections:
  salesforce: &org
    connector: salesforce
    login_url: {url}
    client_id: {id}
    client_secret: ${{SALESFORCE_CLIENT_SECRET}}
    allow_loopback: true
  cpq:
    connector: salesforce_cpq
    login_url: {url}
    client_id: {id}
    client_secret: ${{SALESFORCE_CLIENT_SECRET}}
    allow_loopback: true
    term_unit: month
syncs:
  quotes:
    from: salesforce.Opportunity
    to: cpq.SBQQ__Quote__c
    mapping: opportunity_to_quote
    start_from: everything
  quoted:
    from: cpq.SBQQ__Quote__c
    to: salesforce.Opportunity
    mapping: quote_to_opportunity
    start_from: everything
    mode: update_only
""".replace(" &org", "")
TO_QUOTE = """
mapping: opportunity_to_quote
source: {object: Opportunity, include: [OpportunityLineItem]}
target: {object: SBQQ__Quote__c, identity: Revline_Id__c}
when: = StageName == 'Proposal/Price Quote'
fields:
  SBQQ__Opportunity2__c: {from: id, on_create_only: true}
  SBQQ__StartDate__c: CloseDate
  SBQQ__SubscriptionTerm__c: {const: 12}
children:
  - name: lines
    include: OpportunityLineItem
    object: SBQQ__QuoteLine__c
    identity: Revline_Id__c
    parent_field: SBQQ__Quote__c
    removed: delete
    when: = item.SBQQ__QuoteLine__c is None
    fields:
      SBQQ__Product__c: {from: item.Product2Id, on_create_only: true}
      SBQQ__Quantity__c: item.Quantity
      SBQQ__Discount__c: item.Discount
steps:
  - name: order
    action: order
    when: = target.approval_status == 'Approved'
    done_when: = count(target.SBQQ__Orders__r) > 0
"""
TO_OPPORTUNITY = """
mapping: quote_to_opportunity
source: {object: SBQQ__Quote__c, include: [SBQQ__QuoteLine__c]}
target: {object: Opportunity}
gates:
  - name: calculated
    hold_unless: = not SBQQ__Uncalculated__c
    say: The quote is being calculated. It goes on by itself.
match:
  - {by: {Id: SBQQ__Opportunity2__c}}
formulas:
  listed: = total(line.SBQQ__ListTotal__c for line in children.SBQQ__QuoteLine__c)
  net: = total(line.SBQQ__NetTotal__c for line in children.SBQQ__QuoteLine__c)
  status: = default(approval_status, 'not submitted')
fields:
  NextStep: = text(discount_percent(listed, net)) + ' % off, ' + status + ', by the ' + term_unit
"""


class Org:
    """Two connections onto one simulated org, and an engine between them."""

    def __init__(self, folder: Path, simulator: SalesforceSimulator, url: str) -> None:
        self.simulator = simulator
        self.clock = LineClock()
        self.clock.simulators = (simulator.clock,)
        (folder / "mappings").mkdir()
        (folder / "revline.yaml").write_text(PROJECT.format(url=url, id=CLIENT_ID))
        (folder / "mappings" / "opportunity_to_quote.yaml").write_text(TO_QUOTE)
        (folder / "mappings" / "quote_to_opportunity.yaml").write_text(TO_OPPORTUNITY)
        environ = {"SALESFORCE_CLIENT_SECRET": CLIENT_SECRET}
        config = load(folder, environ, connector_specs())
        project = Project(config, environ, self.clock, lambda _text: None)
        self.store = project.open_store()
        self.runner = Runner(project.services(self.store), project.spool())
        self.runner.recover()

    def settle(self, **by: float) -> None:
        self.clock.shift(timedelta(**(by or {"minutes": 1})))
        self.runner.poll_now()
        assert self.runner.until_idle(3600, look_again=False), self.tally()

    def tally(self) -> Any:
        with self.store.read() as tx:
            return delivery_views.tally(tx)

    def mutate(self, object: str, word: str, id: str | None = None, **fields: Any) -> str:
        with self.simulator.lock:
            made: str = self.simulator.mutate(Mutation(object, word, id, fields))["Id"]
            return made

    def rows(self, object: str) -> list[dict[str, Any]]:
        with self.simulator.lock:
            found = list(self.simulator.live_records())
        return [dict(row) for name, _, row in found if name == object]


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Org]:
    simulator = SalesforceSimulator(seed=9, cpq=True)
    simulator.add_external_id(QUOTE, LINE, "Opportunity")
    with serve([simulator]) as running:
        found = Org(tmp_path, simulator, running.urls["salesforce"])
        yield found
        found.store.close()
        assert simulator.journal.violations == []


def opportunity(org: Org) -> str:
    account = org.mutate("Account", "create", Name="Acme")
    product = org.mutate(
        "Product2", "create", Name="Seat", IsActive=True,
        SBQQ__SubscriptionPricing__c="Fixed Price", SBQQ__SubscriptionTerm__c=12,
    )  # fmt: skip
    book = next(iter(org.simulator.org.table("Pricebook2")))["Id"]
    org.mutate("Pricebook2", "update", book, IsActive=True)
    entry = {"Pricebook2Id": book, "Product2Id": product, "UnitPrice": 100, "IsActive": True}
    entry_id = org.mutate("PricebookEntry", "create", **entry)
    id = org.mutate(
        "Opportunity", "create", Name="New", AccountId=account, StageName="Proposal/Price Quote",
        CloseDate="2026-03-01", Pricebook2Id=book,
    )  # fmt: skip
    for quantity, discount in ((2, None), (8, 25)):
        line = {"OpportunityId": id, "PricebookEntryId": entry_id, "UnitPrice": 100}
        org.mutate("OpportunityLineItem", "create", Quantity=quantity, Discount=discount, **line)
    return id


def test_from_the_opportunity_to_the_order(org: Org) -> None:
    id = opportunity(org)
    org.settle()
    (quote,) = org.rows(QUOTE)
    assert [line["SBQQ__Quantity__c"] for line in org.rows(LINE)] == [2, 8]
    assert quote["SBQQ__Opportunity2__c"] == id
    org.settle()
    org.settle()
    (quote,) = org.rows(QUOTE)
    assert quote["SBQQ__NetAmount__c"] == 800
    (deal,) = org.rows("Opportunity")
    assert deal["NextStep"] == "20.0 % off, not submitted, by the month"
    # A formula of a line follows an input of the quote, and no stamp of the line tells of it.
    org.simulator.set_options({"cpq_calculation_seconds": 300})
    org.mutate(QUOTE, "update", quote["Id"], SBQQ__CustomerDiscount__c=50)
    org.settle()
    assert "held" in org.tally()["quoted"]
    (deal,) = org.rows("Opportunity")
    assert deal["NextStep"] == "20.0 % off, not submitted, by the month"
    org.settle(minutes=6)
    (deal,) = org.rows("Opportunity")
    assert deal["NextStep"] == "30.0 % off, not submitted, by the month"
    org.mutate(QUOTE, "update", quote["Id"], SBQQ__CustomerDiscount__c=None)
    org.settle(minutes=6)
    with org.simulator.lock:
        desk.carry_out(org.simulator.org, {"do": "submit", "id": quote["Id"]})
    org.settle()
    (deal,) = org.rows("Opportunity")
    assert deal["NextStep"] == "20.0 % off, Approved, by the month"
    # The approval has changed the opportunity in turn, which brings the quote's step.
    for _ in range(3):
        org.settle(minutes=10)
    (order,) = org.rows("Order")
    assert (order["SBQQ__Quote__c"], order["TotalAmount"]) == (quote["Id"], 800)
    for state in org.tally().values():
        assert set(state) == {"done"}, org.tally()
