"""A deal with a second quote: only what was signed may be ordered."""

from __future__ import annotations

from tests.selling.test_line import quoted, sold_to
from tests.selling.world import SellingLine

COPIED = (
    "SBQQ__Opportunity2__c", "SBQQ__Account__c", "CurrencyIsoCode", "SBQQ__Type__c",
    "SBQQ__PrimaryContact__c", "SBQQ__StartDate__c", "SBQQ__SubscriptionTerm__c",
)  # fmt: skip


def test_a_quote_that_is_no_longer_the_primary_one_is_not_ordered(line: SellingLine) -> None:
    # Given an approved quote, and another that the rep has made the primary one since
    _contact, opportunity = sold_to(line)
    first = quoted(line, opportunity)
    line.quote_line(first, "PLT-001", 10)
    row = line.records("salesforce", "SBQQ__Quote__c")[first]
    given = {name: row[name] for name in COPIED if row.get(name) is not None}
    given["SBQQ__Primary__c"] = True
    second = str(line.do("salesforce", "SBQQ__Quote__c", "create", None, given)["Id"])
    line.quote_line(second, "PLT-001", 3)
    line.cpq("submit", second)
    line.rest()
    # When the customer signs the second one
    envelope = line.one("docusign", "envelopes")
    line.do("docusign", "envelopes", "sign", envelope["envelopeId"], {})
    line.rest()
    # Then the first is not ordered in its place, and somebody is told
    assert line.records("salesforce", "Opportunity")[opportunity]["StageName"] == "Closed Won"
    assert line.records("salesforce", "Order") == {}
    (told,) = (one for one in line.issues() if one.sync == "quotes")
    assert "Another quote of the opportunity is the primary one" in str(told.parameters)
    # When the first is made primary again, it is ordered, once
    line.do("salesforce", "SBQQ__Quote__c", "update", first, {"SBQQ__Primary__c": True})
    line.rest()
    line.rest()
    (order,) = line.records("salesforce", "Order").values()
    assert order["SBQQ__Quote__c"] == first
    assert [one for one in line.issues() if one.sync == "quotes"] == []
    line.verify()
