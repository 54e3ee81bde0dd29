"""From MQL to Closed Won: each edge, in its order."""

from __future__ import annotations

from sandbox import docusign
from tests.selling.world import SellingLine


def sold_to(line: SellingLine, name: str = "Kite") -> tuple[str, str]:
    """A contact of a company that has become an opportunity: contact and opportunity."""
    contact = line.person(name, line.company(name), 86)
    line.settle()
    line.qualify(contact)
    line.rest()
    opportunity = next(
        id
        for id, row in line.records("salesforce", "Opportunity").items()
        if row["Name"].endswith(name)
    )
    return contact, opportunity


def quoted(line: SellingLine, opportunity: str) -> str:
    """The opportunity's quote, once the rep has come so far."""
    line.qualification(opportunity)
    line.opportunity(opportunity, StageName="Proposal/Price Quote")
    line.rest()
    return next(
        id
        for id, row in line.records("salesforce", "SBQQ__Quote__c").items()
        if row["SBQQ__Opportunity2__c"] == opportunity
    )


def test_from_mql_to_an_ordered_quote(line: SellingLine) -> None:
    # Given somebody whose score says that they are worth a call
    _contact, opportunity = sold_to(line)
    (task,) = line.records("salesforce", "Task").values()
    assert task["Subject"] == "Call Kite: score 86"
    row = line.records("salesforce", "Opportunity")[opportunity]
    assert (row["StageName"], row["CurrencyIsoCode"]) == ("Qualification", "EUR")
    # When the rep has qualified the deal, it gets its quote, for the rep to configure
    quote = quoted(line, opportunity)
    line.quote_line(quote, "PLT-001", 10, discount=10)
    line.cpq("submit", quote)
    line.rest()
    row = line.records("salesforce", "Opportunity")[opportunity]
    assert (row["Quote_Status__c"], row["Quote_Discount__c"]) == ("Approved", 10)
    # and the contact gets it to sign
    envelope = line.one("docusign", "envelopes")
    assert envelope["status"] == "sent"
    line.do("docusign", "envelopes", "sign", envelope["envelopeId"], {})
    line.rest()
    # Then the deal is won, and the quote is ordered once
    row = line.records("salesforce", "Opportunity")[opportunity]
    assert row["StageName"] == "Closed Won"
    assert row["Signed_On__c"] is not None
    line.rest()
    assert line.records("salesforce", "SBQQ__Quote__c")[quote]["SBQQ__Ordered__c"] is True
    assert len(line.records("salesforce", "Order")) == 1
    assert line.codes() == []
    line.verify()
    # and everything once more writes nothing
    before = line.written()
    line.backfill()
    line.rest()
    assert line.written() == before


def test_a_deal_without_a_champion_waits_and_says_so(line: SellingLine) -> None:
    _contact, opportunity = sold_to(line)
    line.qualification(opportunity, but="Champion__c")
    line.opportunity(opportunity, StageName="Proposal/Price Quote")
    line.rest()
    assert line.held() == {opportunity: "meddpicc"}
    assert line.records("salesforce", "SBQQ__Quote__c") == {}
    # It is filled in where it is missing, and nobody touches Revline
    line.opportunity(opportunity, Champion__c="Head of RevOps")
    line.rest()
    assert line.held() == {}
    assert len(line.records("salesforce", "SBQQ__Quote__c")) == 1
    line.verify()


def test_a_quarter_off_is_rejected_revised_and_approved(line: SellingLine) -> None:
    _contact, opportunity = sold_to(line)
    quote = quoted(line, opportunity)
    item = line.quote_line(quote, "PLT-001", 10, discount=25)
    line.cpq("submit", quote)
    line.rest()
    row = line.records("salesforce", "Opportunity")[opportunity]
    assert (row["Quote_Status__c"], row["Quote_Discount__c"]) == ("In approval", 25)
    line.cpq("reject", quote, "too much")
    line.rest()
    assert line.records("salesforce", "Opportunity")[opportunity]["Quote_Status__c"] == "Rejected"
    assert line.records("docusign", "envelopes") == {}
    line.do("salesforce", "SBQQ__QuoteLine__c", "update", item, {"SBQQ__Discount__c": 21})
    line.cpq("submit", quote)
    line.cpq("approve", quote, "for this one")
    line.rest()
    row = line.records("salesforce", "Opportunity")[opportunity]
    assert (row["Quote_Status__c"], row["Quote_Discount__c"]) == ("Approved", 21)
    assert len(line.records("docusign", "envelopes")) == 1
    assert line.codes() == []
    line.verify()


def test_who_declines_and_signs_another_envelope_wins_the_deal_once(line: SellingLine) -> None:
    _contact, opportunity = sold_to(line)
    quote = quoted(line, opportunity)
    line.quote_line(quote, "PLT-001", 10)
    line.cpq("submit", quote)
    line.rest()
    first = line.one("docusign", "envelopes")
    line.do("docusign", "envelopes", "decline", first["envelopeId"], {"reason": "wrong date"})
    line.rest()
    row = line.records("salesforce", "Opportunity")[opportunity]
    assert row["StageName"] == "Proposal/Price Quote"
    # The rep sends another one from DocuSign
    fields = {
        "templateId": docusign.OFFER_ID,
        "status": "sent",
        "emailSubject": "The right date",
        "templateRoles": [{"roleName": "Signer", "name": "Kite", "email": "kite@kite.example"}],
        "customFields": {"textCustomFields": [{"name": "opportunityId", "value": opportunity}]},
    }
    again = line.do("docusign", "envelopes", "create", None, fields)
    line.do("docusign", "envelopes", "sign", again["envelopeId"], {})
    line.rest()
    line.rest()
    assert line.records("salesforce", "Opportunity")[opportunity]["StageName"] == "Closed Won"
    assert len(line.records("salesforce", "Order")) == 1
    assert line.codes() == []
    line.verify()
