"""Quotes of the simulated package: prices, totals, calculation, the primary quote, locks."""

from __future__ import annotations

from typing import Any

from cpq_org import LINE, QUOTE, make_deal

from sandbox.messages import Request


def test_prices_follow_list_proration_and_discount(org: Any) -> None:
    deal = make_deal(org, months=6)
    deal.patch(LINE, deal.seat_line, SBQQ__Discount__c=25)
    org.shift(30)
    line = deal.line(deal.seat_line)
    assert line["SBQQ__ListPrice__c"] == 100
    assert line["SBQQ__ProrateMultiplier__c"] == 0.5
    assert line["SBQQ__RegularPrice__c"] == 50
    assert line["SBQQ__NetPrice__c"] == 37.5
    assert line["SBQQ__ListTotal__c"] == 150
    assert line["SBQQ__NetTotal__c"] == 112.5
    assert line["SBQQ__EffectiveEndDate__c"] == "2026-08-31"
    quote = deal.of()
    assert quote["Name"].startswith("Q-")
    assert quote["SBQQ__ListAmount__c"] == 650
    assert quote["SBQQ__NetAmount__c"] == 612.5
    assert quote["SBQQ__LineItemCount__c"] == 2
    assert quote["SBQQ__AverageCustomerDiscount__c"] == 5.8


def test_a_quotes_discount_goes_to_the_lines_without_one(org: Any) -> None:
    deal = make_deal(org)
    deal.patch(LINE, deal.setup_line, SBQQ__AdditionalDiscountAmount__c=20)
    deal.patch(QUOTE, deal.quote, SBQQ__CustomerDiscount__c=10, SBQQ__PartnerDiscount__c=50)
    org.shift(30)
    assert deal.line(deal.seat_line)["SBQQ__CustomerTotal__c"] == 270
    assert deal.line(deal.seat_line)["SBQQ__NetTotal__c"] == 135
    assert deal.line(deal.setup_line)["SBQQ__CustomerPrice__c"] == 480


def test_an_edit_leaves_the_quote_uncalculated_for_a_while(org: Any) -> None:
    deal = make_deal(org)
    assert deal.of()["SBQQ__Uncalculated__c"] is False
    org.admin("options", {"cpq_calculation_seconds": 60})
    deal.patch(LINE, deal.seat_line, SBQQ__Quantity__c=5)
    org.shift(50)
    deal.patch(LINE, deal.seat_line, SBQQ__Discount__c=50)
    org.shift(50)
    assert deal.of()["SBQQ__Uncalculated__c"] is True  # the second edit began the wait anew
    assert deal.line(deal.seat_line)["SBQQ__NetPrice__c"] == 100
    org.shift(20)
    assert deal.of()["SBQQ__Uncalculated__c"] is False
    assert deal.of()["SBQQ__LastCalculatedOn__c"] is not None
    assert deal.line(deal.seat_line)["SBQQ__NetTotal__c"] == 250


def test_what_changes_no_price_needs_no_calculation(org: Any) -> None:
    deal = make_deal(org)
    deal.patch(QUOTE, deal.quote, SBQQ__Status__c="Presented")
    assert deal.of()["SBQQ__Uncalculated__c"] is False


def test_a_formula_changes_without_the_lines_stamp(org: Any) -> None:
    deal = make_deal(org)
    before = deal.line(deal.setup_line)
    org.shift(60)
    deal.patch(QUOTE, deal.quote, SBQQ__StartDate__c="2026-05-01")
    org.shift(30)
    after = deal.line(deal.setup_line)
    assert before["SBQQ__EffectiveStartDate__c"] == "2026-03-01"
    assert after["SBQQ__EffectiveStartDate__c"] == "2026-05-01"
    assert after["SystemModstamp"] == before["SystemModstamp"]


def test_a_written_price_stands_wrong_until_calculated(org: Any) -> None:
    deal = make_deal(org)
    assert deal.patch(LINE, deal.seat_line, SBQQ__NetPrice__c=1).status_code == 204
    assert deal.line(deal.seat_line)["SBQQ__NetTotal__c"] == 3
    assert [one["kind"] for one in org.look("violations")["violations"]] == ["price_field_written"]
    org.shift(30)
    assert deal.line(deal.seat_line)["SBQQ__NetTotal__c"] == 300


def test_formulas_cannot_be_written(org: Any) -> None:
    deal = make_deal(org)
    for object, id, name in (
        (QUOTE, deal.quote, "SBQQ__NetAmount__c"),
        (QUOTE, deal.quote, "SBQQ__Uncalculated__c"),
        (LINE, deal.seat_line, "SBQQ__NetTotal__c"),
    ):
        answer = deal.patch(object, id, **{name: 1 if "Uncal" not in name else True})
        assert answer.json()[0]["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
        fields = org.call("GET", f"/sobjects/{object}/describe").json()["fields"]
        (field,) = [one for one in fields if one["name"] == name]
        assert (field["calculated"], field["updateable"]) == (True, False)


def test_one_primary_quote_whose_lines_are_the_opportunitys_products(org: Any) -> None:
    deal = make_deal(org)
    soql = "SELECT Quantity, UnitPrice, SBQQ__QuoteLine__c FROM OpportunityLineItem"
    products = {row["SBQQ__QuoteLine__c"]: row for row in org.query(soql)}
    assert products[deal.seat_line]["UnitPrice"] == 100
    assert org.read("Opportunity", deal.opportunity)["Amount"] == 800
    other = org.create(QUOTE, SBQQ__Opportunity2__c=deal.opportunity, SBQQ__Primary__c=True)
    assert deal.of()["SBQQ__Primary__c"] is False
    assert org.read("Opportunity", deal.opportunity)["SBQQ__PrimaryQuote__c"] == other
    org.create(LINE, SBQQ__Quote__c=other, SBQQ__Product__c=deal.setup, SBQQ__Quantity__c=2)
    org.shift(30)
    assert [row["Quantity"] for row in org.query(soql)] == [2]
    assert org.read("Opportunity", deal.opportunity)["Amount"] == 1000


def test_a_deleted_line_leaves_the_totals(org: Any) -> None:
    deal = make_deal(org)
    assert org.call("DELETE", f"/sobjects/{LINE}/{deal.setup_line}").status_code == 204
    assert deal.of()["SBQQ__NetAmount__c"] == 300
    org.shift(30)
    assert org.read("Opportunity", deal.opportunity)["Amount"] == 300


def test_a_deleted_quote_takes_everything_along_and_brings_it_back(org: Any) -> None:
    deal = make_deal(org)
    assert org.call("DELETE", f"/sobjects/{QUOTE}/{deal.quote}").status_code == 204
    assert org.query(f"SELECT Id FROM {LINE}") == []
    assert org.query("SELECT Id FROM OpportunityLineItem") == []
    assert org.read("Opportunity", deal.opportunity)["SBQQ__PrimaryQuote__c"] is None
    org.mutate(QUOTE, "restore", deal.quote)
    org.shift(30)
    assert len(org.query(f"SELECT Id FROM {LINE}")) == 2
    assert len(org.query("SELECT Id FROM OpportunityLineItem")) == 2
    assert org.read("Opportunity", deal.opportunity)["SBQQ__PrimaryQuote__c"] == deal.quote
    assert deal.of()["SBQQ__NetAmount__c"] == 800


def test_a_product_without_a_price_costs_nothing(org: Any) -> None:
    deal = make_deal(org)
    bare = org.create("Product2", Name="Bare", IsActive=True)
    line = org.create(LINE, SBQQ__Quote__c=deal.quote, SBQQ__Product__c=bare, SBQQ__Quantity__c=9)
    org.shift(30)
    assert deal.line(line)["SBQQ__NetTotal__c"] == 0
    assert deal.of()["SBQQ__NetAmount__c"] == 800


def test_the_first_quote_may_take_over_the_opportunitys_products(org: Any) -> None:
    deal = make_deal(org)
    org.admin("options", {"cpq_initial_sync": True})
    (book,) = org.query("SELECT Id FROM Pricebook2 WHERE IsStandard = true")
    org.call("PATCH", f"/sobjects/Pricebook2/{book['Id']}", {"IsActive": True})
    (entry,) = org.query(f"SELECT Id FROM PricebookEntry WHERE Product2Id = '{deal.setup}'")
    other = org.opportunity(CurrencyIsoCode="USD", AccountId=deal.account)
    product = org.create(
        "OpportunityLineItem",
        OpportunityId=other,
        PricebookEntryId=entry["Id"],
        Quantity=2,
        UnitPrice=450,
    )
    quote = org.create(QUOTE, SBQQ__Opportunity2__c=other, SBQQ__Primary__c=True)
    (line,) = org.query(f"SELECT Id FROM {LINE} WHERE SBQQ__Quote__c = '{quote}'")
    org.shift(30)
    assert org.read(QUOTE, quote)["SBQQ__NetAmount__c"] == 1000
    shown = org.read("OpportunityLineItem", product)
    assert (shown["SBQQ__QuoteLine__c"], shown["UnitPrice"]) == (line["Id"], 500)
    assert org.read("Opportunity", other)["Amount"] == 1000
    second = org.create(QUOTE, SBQQ__Opportunity2__c=other)
    assert org.query(f"SELECT Id FROM {LINE} WHERE SBQQ__Quote__c = '{second}'") == []


def test_a_write_taken_back_queues_nothing(org: Any) -> None:
    deal = make_deal(org)
    records = [
        {"attributes": {"type": LINE}, "id": deal.seat_line, "SBQQ__Quantity__c": 9},
        {"attributes": {"type": LINE}, "id": deal.setup_line, "SBQQ__Quantity__c": "none"},
    ]
    answer = org.call("PATCH", "/composite/sobjects", {"allOrNone": True, "records": records})
    assert [one["success"] for one in answer.json()] == [False, False]
    assert deal.of()["SBQQ__Uncalculated__c"] is False
    assert org.simulator.org.work.waiting() == 0


def test_calls_under_way_together_lock_each_other_out(org: Any) -> None:
    deal = make_deal(org)
    token = org.http.headers["Authorization"]
    headers = {"authorization": token, "content-type": "application/json"}

    def call(line: str) -> Request:
        path = f"/services/data/v67.0/sobjects/{LINE}/{line}"
        return Request(0, "PATCH", path, (), headers, b'{"SBQQ__Quantity__c": 5}')

    simulator = org.simulator
    # Both have arrived before either is answered.
    first = simulator.open_entry(call(deal.seat_line))
    second = simulator.open_entry(call(deal.setup_line))
    answers = [simulator.answer(entry) for entry in (first, second)]
    for entry, answer in zip((first, second), answers, strict=True):
        simulator.close_entry(entry, answer, 0)
    assert [answer.status for answer in answers] == [204, 400]
    assert b"UNABLE_TO_LOCK_ROW" in answers[1].body
    # One that arrives after the answer goes through.
    assert deal.patch(LINE, deal.setup_line, SBQQ__Quantity__c=5).status_code == 204


def test_line_currency_is_the_quotes(org: Any) -> None:
    deal = make_deal(org)
    assert deal.line(deal.seat_line)["CurrencyIsoCode"] == "USD"
    answer = org.call(
        "POST",
        f"/sobjects/{QUOTE}",
        {"SBQQ__Opportunity2__c": deal.opportunity, "CurrencyIsoCode": "EUR"},
    )
    assert answer.json()[0]["errorCode"] == "FIELD_INTEGRITY_EXCEPTION"


def test_an_org_without_the_package_knows_no_quotes(org: Any) -> None:
    org.sign_in()
    assert org.call("POST", f"/sobjects/{QUOTE}", {}).status_code == 404
    address = "/services/apexrest/SBQQ/ServiceRouter?reader=SBQQ.QuoteAPI.QuoteReader&uid=x"
    assert org.call("GET", address).status_code == 404
