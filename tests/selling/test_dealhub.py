"""The same line where quotes are made in DealHub."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.selling.test_line import sold_to
from tests.selling.world import SellingLine

DEALHUB = """
  quotes: {from: salesforce.Opportunity, to: dealhub.quotes, mapping: opportunity_to_dealhub_quote,
           mode: create_only, start_from: everything}
  approvals: {from: dealhub.quotes, to: salesforce.Opportunity,
              mapping: dealhub_quote_to_opportunity, mode: update_only, start_from: everything}
  signatures: {from: dealhub.quotes, to: docusign.envelopes, mapping: dealhub_quote_to_envelope,
               start_from: everything}
  signed: {from: docusign.envelopes, to: salesforce.Opportunity, mapping: envelope_to_opportunity,
           mode: update_only, start_from: everything}
"""


def with_dealhub(text: str) -> str:
    before, _, _ = text.partition("\n  quotes: {from: salesforce.Opportunity")
    return before + DEALHUB


@pytest.fixture
def line(tmp_path: Path) -> Iterator[SellingLine]:
    made = SellingLine(tmp_path, with_dealhub)
    made.admin("dealhub", "options", {"integration": "native"})
    try:
        yield made
    finally:
        made.close()


def quoted(line: SellingLine) -> tuple[str, str]:
    """An opportunity with its quote in DealHub, configured by the rep: both ids."""
    _contact, opportunity = sold_to(line)
    # DealHub's own package in Salesforce has told it of the opportunity
    contact = {"first_name": "Ada", "last_name": "Kite", "email": "kite@kite.example"}
    told = {"customer_name": "Kite", "currency": "EUR", "customer_contacts": [contact]}
    line.do("dealhub", "opportunities", "create", opportunity, told)
    line.qualification(opportunity)
    line.opportunity(opportunity, StageName="Proposal/Price Quote")
    line.rest()
    (quote,) = line.records("dealhub", "quotes")
    return opportunity, quote


def test_approved_in_dealhub_signed_in_docusign(line: SellingLine) -> None:
    opportunity, quote = quoted(line)
    lines = [{"sku": "PLT-001", "product_factors": {"quantity": 10}, "sales_discount": 25}]
    line.do("dealhub", "quotes", "update", quote, {"line_items": lines})
    line.do("dealhub", "quotes", "primary", quote, {})
    line.do("dealhub", "quotes", "submit", quote, {})
    line.rest(hours=25)  # nobody has set up webhooks: the scan finds it
    row = line.records("salesforce", "Opportunity")[opportunity]
    assert row["Quote_Status__c"] == "In approval"
    assert line.records("docusign", "envelopes") == {}
    line.do("dealhub", "quotes", "approve", quote, {"comment": "for this one"})
    line.rest(hours=25)
    row = line.records("salesforce", "Opportunity")[opportunity]
    assert (row["Quote_Status__c"], row["Quote_Discount__c"]) == ("Approved", 25)
    envelope = line.one("docusign", "envelopes")
    line.do("docusign", "envelopes", "sign", envelope["envelopeId"], {})
    line.rest()
    assert line.records("salesforce", "Opportunity")[opportunity]["StageName"] == "Closed Won"
    assert line.codes() == []
    line.verify()


def test_won_in_dealhubs_own_deal_room(line: SellingLine) -> None:
    opportunity, quote = quoted(line)
    lines = [{"sku": "PLT-001", "product_factors": {"quantity": 10}}]
    line.do("dealhub", "quotes", "update", quote, {"line_items": lines})
    line.do("dealhub", "quotes", "primary", quote, {})
    line.do("dealhub", "quotes", "submit", quote, {})
    line.do("dealhub", "quotes", "publish", quote, {})
    line.do("dealhub", "quotes", "win", quote, {})
    line.rest(hours=25)
    row = line.records("salesforce", "Opportunity")[opportunity]
    assert row["StageName"] == "Closed Won"
    assert row["Signed_On__c"] is not None
    # and an answer that is lost, or everything once more, makes no second quote
    before = line.written()
    line.backfill()
    line.rest()
    assert line.written() == before
    assert len(line.records("dealhub", "quotes")) == 1
    line.clock.shift(timedelta(minutes=1))
    line.verify()
