"""Opportunities, lines, prices, contracts, orders, quotes."""

from __future__ import annotations

from typing import Any

import pytest


def refused(org: Any, object: str, **fields: Any) -> str:
    answer = org.call("POST", f"/sobjects/{object}", fields)
    assert answer.status_code == 400, answer.text
    code: str = answer.json()[0]["errorCode"]
    return code


@pytest.mark.parametrize(
    ("stage", "closed", "won", "probability", "category", "category_name"),
    [
        ("Prospecting", False, False, 10, "Pipeline", "Pipeline"),
        ("Negotiation/Review", False, False, 90, "Pipeline", "Pipeline"),
        ("Closed Won", True, True, 100, "Closed", "Closed"),
        ("Closed Lost", True, False, 0, "Omitted", "Omitted"),
    ],
)
def test_the_stage_decides(
    org: Any,
    stage: str,
    closed: bool,
    won: bool,
    probability: int,
    category: str,
    category_name: str,
) -> None:
    row = org.read("Opportunity", org.opportunity(StageName=stage, Amount=200))
    assert (row["IsClosed"], row["IsWon"], row["Probability"]) == (closed, won, probability)
    assert (row["ForecastCategory"], row["ForecastCategoryName"]) == (category, category_name)
    assert row["ExpectedRevenue"] == 2 * probability
    assert (row["FiscalYear"], row["FiscalQuarter"]) == (2026, 4)


def test_a_given_probability_stands_until_the_stage_moves(org: Any) -> None:
    id = org.opportunity(Probability=33)
    assert org.read("Opportunity", id)["Probability"] == 33
    org.call("PATCH", f"/sobjects/Opportunity/{id}", {"StageName": "Qualification"})
    assert org.read("Opportunity", id)["Probability"] == 10


def test_the_amount_is_the_sum_of_the_lines(org: Any) -> None:
    price, deal = org.price(), org.opportunity(Amount=5)
    path = f"/sobjects/Opportunity/{deal}"
    before = org.read("Opportunity", deal)
    assert before["HasOpportunityLineItem"] is False
    org.shift(3)
    line = org.create("OpportunityLineItem", OpportunityId=deal, PricebookEntryId=price,
                      Quantity=3, UnitPrice=33.33)  # fmt: skip
    org.create("OpportunityLineItem", OpportunityId=deal, PricebookEntryId=price, Quantity=2,
               TotalPrice=100)  # fmt: skip
    after = org.read("Opportunity", deal)
    assert (after["Amount"], after["HasOpportunityLineItem"]) == (199.99, True)
    assert after["SystemModstamp"] > before["SystemModstamp"]
    assert org.call("PATCH", path, {"Amount": 1, "NextStep": "call"}).status_code == 204
    ignored = org.read("Opportunity", deal)
    assert (ignored["Amount"], ignored["NextStep"]) == (199.99, "call")
    org.call("PATCH", f"/sobjects/OpportunityLineItem/{line}", {"Quantity": 1})
    assert org.read("Opportunity", deal)["Amount"] == 133.33
    read = org.read("OpportunityLineItem", line)
    assert (read["TotalPrice"], read["ListPrice"], read["ProductCode"]) == (33.33, 100, "SEAT")
    assert read["CurrencyIsoCode"] == "EUR"
    org.call("DELETE", f"/sobjects/OpportunityLineItem/{line}")
    assert org.read("Opportunity", deal)["Amount"] == 100
    moved = org.call("PATCH", path, {"CurrencyIsoCode": "USD"})
    assert moved.json()[0]["errorCode"] == "FIELD_INTEGRITY_EXCEPTION"
    org.call("DELETE", path)
    assert org.query("SELECT Id FROM OpportunityLineItem") == []


def test_what_a_line_needs(org: Any) -> None:
    price, deal = org.price(), org.opportunity()
    line = {"OpportunityId": deal, "PricebookEntryId": price}
    assert refused(org, "OpportunityLineItem", **line, UnitPrice=1) == "REQUIRED_FIELD_MISSING"
    assert refused(org, "OpportunityLineItem", **line, Quantity=1) == "REQUIRED_FIELD_MISSING"
    integrity = "FIELD_INTEGRITY_EXCEPTION"
    both = {**line, "Quantity": 1, "UnitPrice": 1, "TotalPrice": 1}
    assert refused(org, "OpportunityLineItem", **both) == integrity
    one = {"PricebookEntryId": price, "Quantity": 1, "UnitPrice": 1}
    assert refused(org, "OpportunityLineItem", OpportunityId=deal, Quantity=1) == integrity
    dollars = org.opportunity(CurrencyIsoCode="USD")
    assert refused(org, "OpportunityLineItem", **one, OpportunityId=dollars) == integrity
    other_book = org.create("Pricebook2", Name="Partners", IsActive=True)
    elsewhere = org.opportunity(Pricebook2Id=other_book)
    assert refused(org, "OpportunityLineItem", **one, OpportunityId=elsewhere) == integrity
    org.call("PATCH", f"/sobjects/PricebookEntry/{price}", {"IsActive": False})
    assert refused(org, "OpportunityLineItem", **one, OpportunityId=deal) == integrity


def test_the_first_line_gives_a_deal_its_price_book(org: Any) -> None:
    price, deal = org.price(), org.opportunity(Pricebook2Id=None)
    line = {"OpportunityId": deal, "PricebookEntryId": price, "Quantity": 1, "UnitPrice": 1}
    book = org.standard_book()
    org.call("PATCH", f"/sobjects/Pricebook2/{book}", {"IsActive": False})
    assert refused(org, "OpportunityLineItem", **line) == "FIELD_INTEGRITY_EXCEPTION"
    assert org.read("Opportunity", deal)["Pricebook2Id"] is None
    org.call("PATCH", f"/sobjects/Pricebook2/{book}", {"IsActive": True})
    org.create("OpportunityLineItem", **line)
    assert org.read("Opportunity", deal)["Pricebook2Id"] == book


def test_the_parent_and_price_of_a_line_cannot_be_sent_again(org: Any) -> None:
    """What bites an upsert that always sends the whole body."""
    price, deal = org.price(), org.opportunity()
    path = "/sobjects/OpportunityLineItem/Revline_Id__c/l-1"
    body = {"OpportunityId": deal, "PricebookEntryId": price, "Quantity": 1, "UnitPrice": 1}
    assert org.call("PATCH", path, body).status_code == 201
    again = org.call("PATCH", path, body)
    assert again.json()[0]["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    assert org.call("PATCH", path, {"Quantity": 2}).status_code == 200


def test_prices(org: Any) -> None:
    product = org.create("Product2", Name="Seat", IsActive=True)
    custom = org.create("Pricebook2", Name="Partners", IsActive=True)
    entry = {"Product2Id": product, "UnitPrice": 90, "IsActive": True}
    first = refused(org, "PricebookEntry", Pricebook2Id=custom, **entry)
    assert first == "STANDARD_PRICE_NOT_DEFINED"
    standard = org.create("PricebookEntry", Pricebook2Id=org.standard_book(), **entry)
    dollars = {**entry, "CurrencyIsoCode": "USD", "Pricebook2Id": custom}
    assert refused(org, "PricebookEntry", **dollars) == "STANDARD_PRICE_NOT_DEFINED"
    org.create("PricebookEntry", Pricebook2Id=custom, **entry)
    assert refused(org, "PricebookEntry", Pricebook2Id=custom, **entry) == "DUPLICATE_VALUE"
    org.create("PricebookEntry", **{**dollars, "Pricebook2Id": org.standard_book()})
    follower = org.create("PricebookEntry", **{**dollars, "UseStandardPrice": True})
    assert org.read("PricebookEntry", follower)["UnitPrice"] == 90
    moved = org.call("PATCH", f"/sobjects/PricebookEntry/{standard}", {"Product2Id": product})
    assert moved.json()[0]["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    assert org.read("PricebookEntry", standard)["Name"] == "Seat"


def test_a_product_in_use_cannot_be_deleted(org: Any) -> None:
    price, deal = org.price(), org.opportunity()
    org.create("OpportunityLineItem", OpportunityId=deal, PricebookEntryId=price, Quantity=1,
               UnitPrice=1)  # fmt: skip
    product = org.read("PricebookEntry", price)["Product2Id"]
    answer = org.call("DELETE", f"/sobjects/Product2/{product}")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "DELETE_FAILED")
    assert org.read("PricebookEntry", price)["IsDeleted"] is False


def test_only_one_contact_role_is_primary(org: Any) -> None:
    deal = org.opportunity()
    contacts = [org.create("Contact", LastName=name) for name in ("a", "b")]
    for contact in contacts:
        org.create("OpportunityContactRole", OpportunityId=deal, ContactId=contact, IsPrimary=True)
    soql = "SELECT ContactId, IsPrimary FROM OpportunityContactRole ORDER BY Id"
    assert [row["IsPrimary"] for row in org.query(soql)] == [False, True]
    again = refused(org, "OpportunityContactRole", OpportunityId=deal, ContactId=contacts[0])
    assert again == "DUPLICATE_VALUE"


def test_contracts_and_orders_are_born_as_drafts(org: Any) -> None:
    account = org.create("Account", Name="a")
    contract = {"AccountId": account, "StartDate": "2026-01-31", "ContractTerm": 12}
    assert refused(org, "Contract", **contract, Status="Activated") == "FAILED_ACTIVATION"
    id = org.create("Contract", **contract)
    read = org.read("Contract", id)
    assert (read["Status"], read["EndDate"], read["ContractNumber"]) == (
        "Draft", "2027-01-30", "00000001",
    )  # fmt: skip
    price = org.price()
    order = org.create("Order", AccountId=account, ContractId=id, EffectiveDate="2026-02-01",
                       Status="Draft", Pricebook2Id=org.standard_book())  # fmt: skip
    activate = {"Status": "Activated"}
    early = org.call("PATCH", f"/sobjects/Order/{order}", activate)
    assert early.json()[0]["errorCode"] == "FAILED_ACTIVATION"
    line = {"OrderId": order, "PricebookEntryId": price, "Quantity": 2, "UnitPrice": 10.5}
    item = org.create("OrderItem", **line)
    assert org.call("PATCH", f"/sobjects/Order/{order}", activate).status_code == 204
    assert org.read("Order", order)["TotalAmount"] == 21
    assert refused(org, "OrderItem", **line) == "FIELD_INTEGRITY_EXCEPTION"
    assert org.call("DELETE", f"/sobjects/OrderItem/{item}").status_code == 400
    assert org.call("DELETE", f"/sobjects/Order/{order}").status_code == 400


def test_quotes_add_up(org: Any) -> None:
    price, deal = org.price(), org.opportunity()
    quote = org.create("Quote", Name="q", OpportunityId=deal, Tax=3)
    org.create("QuoteLineItem", QuoteId=quote, PricebookEntryId=price, Quantity=2, UnitPrice=50,
               Discount=10)  # fmt: skip
    read = org.read("Quote", quote)
    assert (read["Subtotal"], read["TotalPrice"], read["GrandTotal"]) == (100, 90, 93)
    assert (read["LineItemCount"], read["QuoteNumber"]) == (1, "00000001")
