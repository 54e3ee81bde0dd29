"""Orders, contracts, amendments and renewals of the simulated package."""

from __future__ import annotations

from typing import Any

from cpq_org import LINE, QUOTE, Deal, make_deal

SUBSCRIPTIONS = (
    "SELECT Id, SBQQ__Quantity__c, SBQQ__RevisedSubscription__c, SBQQ__TerminatedDate__c, "
    "SBQQ__EndDate__c, SBQQ__NetPrice__c FROM SBQQ__Subscription__c ORDER BY Id"
)


def refused(answer: Any) -> str:
    assert answer.status_code == 400, answer.text
    return str(answer.json()[0]["errorCode"])


def test_the_flag_makes_an_order_after_a_while(org: Any) -> None:
    deal = make_deal(org)
    assert deal.patch(QUOTE, deal.quote, SBQQ__Ordered__c=True).status_code == 204
    assert org.query("SELECT Id FROM Order") == []
    org.shift(9)
    assert org.query("SELECT Id FROM Order") == []
    org.shift(2)
    (order,) = org.query(
        "SELECT Id, Status, TotalAmount, EffectiveDate, EndDate, SBQQ__OrderBookings__c FROM Order"
    )
    assert (order["Status"], order["TotalAmount"]) == ("Draft", 800)
    assert (order["EffectiveDate"], order["EndDate"]) == ("2026-03-01", "2027-02-28")
    assert order["SBQQ__OrderBookings__c"] == 800
    items = org.query(
        "SELECT SBQQ__QuoteLine__c, Quantity, UnitPrice, SBQQ__Status__c, "
        "SBQQ__ContractAction__c, SBQQ__ChargeType__c FROM OrderItem ORDER BY Id"
    )
    assert [one["SBQQ__QuoteLine__c"] for one in items] == [deal.seat_line, deal.setup_line]
    assert (items[0]["Quantity"], items[0]["UnitPrice"]) == (3, 100)
    assert items[0]["SBQQ__ChargeType__c"] == "Recurring"
    assert {one["SBQQ__ContractAction__c"] for one in items} == {"New"}


def test_ordering_twice_is_refused_and_after_taking_back_orders_again(org: Any) -> None:
    deal = make_deal(org)
    deal.ordered()
    again = deal.patch(QUOTE, deal.quote, SBQQ__Ordered__c=True)
    assert refused(again) == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    deal.patch(QUOTE, deal.quote, SBQQ__Ordered__c=False)
    deal.patch(QUOTE, deal.quote, SBQQ__Ordered__c=True)
    org.shift(30)
    assert len(org.query("SELECT Id FROM Order")) == 2


def test_a_quote_without_lines_cannot_be_ordered(org: Any) -> None:
    deal = make_deal(org)
    empty = org.create(QUOTE, SBQQ__Opportunity2__c=deal.opportunity)
    answer = deal.patch(QUOTE, empty, SBQQ__Ordered__c=True)
    assert refused(answer) == "FIELD_CUSTOM_VALIDATION_EXCEPTION"


def test_work_that_fails_leaves_nothing_behind(org: Any) -> None:
    deal = make_deal(org)
    (entry,) = org.query(f"SELECT Id FROM PricebookEntry WHERE Product2Id = '{deal.setup}'")
    deal.patch("PricebookEntry", entry["Id"], IsActive=False)
    deal.patch(QUOTE, deal.quote, SBQQ__Ordered__c=True)
    org.shift(30)
    assert org.query("SELECT Id FROM Order") == []
    assert org.kinds_of_violation() == {"queued_work_failed"}


def test_an_activated_order_becomes_a_contract(org: Any) -> None:
    deal = make_deal(org)
    order = deal.ordered()["Id"]
    early = deal.patch("Order", order, SBQQ__Contracted__c=True)
    assert refused(early) == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    assert deal.patch("Order", order, Status="Activated").status_code == 204
    (item, _) = org.query("SELECT Id, SBQQ__Activated__c FROM OrderItem ORDER BY Id")
    assert item["SBQQ__Activated__c"] is True
    assert deal.patch("Order", order, SBQQ__Contracted__c=True).status_code == 204
    assert org.query("SELECT Id FROM Contract") == []
    org.shift(30)
    (contract,) = org.query(
        "SELECT Id, StartDate, EndDate, ContractTerm, SBQQ__Quote__c, SBQQ__Order__c FROM Contract"
    )
    assert (contract["StartDate"], contract["EndDate"]) == ("2026-03-01", "2027-02-28")
    assert (contract["SBQQ__Quote__c"], contract["SBQQ__Order__c"]) == (deal.quote, order)
    (seats,) = org.query(SUBSCRIPTIONS)
    assert (seats["SBQQ__Quantity__c"], seats["SBQQ__EndDate__c"]) == (3, "2027-02-28")
    (asset,) = org.query("SELECT Product2Id, Price FROM Asset")
    assert (asset["Product2Id"], asset["Price"]) == (deal.setup, 500)
    again = deal.patch("Order", order, SBQQ__Contracted__c=True)
    assert refused(again) == "FIELD_CUSTOM_VALIDATION_EXCEPTION"


def amended(org: Any, deal: Deal, contract: str, quantity: int) -> str:
    """Amend the seats of a contract and carry the amendment through; its quote."""
    (quote,) = org.admin("cpq", {"do": "amend", "id": contract})["cpq"]
    (line,) = org.query(f"SELECT Id FROM {LINE} WHERE SBQQ__Quote__c = '{quote}'")
    deal.patch(LINE, line["Id"], SBQQ__Quantity__c=quantity)
    org.shift(30)
    deal.patch(QUOTE, quote, SBQQ__Ordered__c=True)
    org.shift(30)
    (order,) = org.query(f"SELECT Id FROM Order WHERE SBQQ__Quote__c = '{quote}'")
    deal.patch("Order", order["Id"], Status="Activated")
    deal.patch("Order", order["Id"], SBQQ__Contracted__c=True)
    org.shift(30)
    return str(quote)


def test_an_amendment_adds_the_difference(org: Any) -> None:
    deal = make_deal(org)
    contract = deal.contracted()
    deal.patch("Contract", contract, SBQQ__AmendmentStartDate__c="2026-09-01")
    quote = amended(org, deal, contract, 5)
    line = org.query(
        "SELECT SBQQ__Existing__c, SBQQ__PriorQuantity__c, SBQQ__EffectiveQuantity__c, "
        "SBQQ__ProrateMultiplier__c, SBQQ__NetTotal__c, SBQQ__UpgradedSubscription__c "
        f"FROM {LINE} WHERE SBQQ__Quote__c = '{quote}'"
    )[0]
    assert (line["SBQQ__Existing__c"], line["SBQQ__PriorQuantity__c"]) == (True, 3)
    assert line["SBQQ__ProrateMultiplier__c"] == 0.5
    assert (line["SBQQ__EffectiveQuantity__c"], line["SBQQ__NetTotal__c"]) == (2, 100)
    first, delta = org.query(SUBSCRIPTIONS)
    assert (first["SBQQ__Quantity__c"], delta["SBQQ__Quantity__c"]) == (3, 2)
    assert delta["SBQQ__RevisedSubscription__c"] == first["Id"]
    assert line["SBQQ__UpgradedSubscription__c"] == first["Id"]
    assert len(org.query("SELECT Id FROM Contract")) == 1
    opportunity = org.read(QUOTE, quote)["SBQQ__Opportunity2__c"]
    assert org.read("Opportunity", opportunity)["SBQQ__AmendedContract__c"] == contract


def test_a_cancellation_is_a_negative_difference(org: Any) -> None:
    deal = make_deal(org)
    contract = deal.contracted()
    deal.patch("Contract", contract, SBQQ__AmendmentStartDate__c="2026-09-01")
    amended(org, deal, contract, 0)
    first, delta = org.query(SUBSCRIPTIONS)
    assert first["SBQQ__Quantity__c"] + delta["SBQQ__Quantity__c"] == 0
    assert first["SBQQ__TerminatedDate__c"] == "2026-09-01"
    actions = org.query("SELECT SBQQ__ContractAction__c, Quantity FROM OrderItem ORDER BY Id DESC")
    assert (actions[0]["SBQQ__ContractAction__c"], actions[0]["Quantity"]) == ("Cancel", -3)


def test_a_renewal_goes_on_where_the_contract_ends(org: Any) -> None:
    deal = make_deal(org)
    contract = deal.contracted()
    assert deal.patch("Contract", contract, SBQQ__RenewalQuoted__c=True).status_code == 204
    assert org.read("Contract", contract)["SBQQ__RenewalOpportunity__c"] is None
    org.shift(30)
    opportunity = org.read("Contract", contract)["SBQQ__RenewalOpportunity__c"]
    assert org.read("Opportunity", opportunity)["SBQQ__RenewedContract__c"] == contract
    (quote,) = org.query(
        "SELECT Id, SBQQ__Type__c, SBQQ__StartDate__c, SBQQ__NetAmount__c FROM SBQQ__Quote__c "
        f"WHERE SBQQ__Opportunity2__c = '{opportunity}'"
    )
    assert (quote["SBQQ__Type__c"], quote["SBQQ__StartDate__c"]) == ("Renewal", "2027-03-01")
    assert quote["SBQQ__NetAmount__c"] == 300
    again = deal.patch("Contract", contract, SBQQ__RenewalQuoted__c=True)
    assert refused(again) == "FIELD_CUSTOM_VALIDATION_EXCEPTION"


def test_an_opportunity_is_ordered_and_contracted_by_its_primary_quote(org: Any) -> None:
    deal = make_deal(org)
    deal.patch("Opportunity", deal.opportunity, SBQQ__Ordered__c=True)
    org.shift(30)
    (order,) = org.query("SELECT SBQQ__Quote__c FROM Order")
    assert order["SBQQ__Quote__c"] == deal.quote
    deal.patch("Opportunity", deal.opportunity, SBQQ__Contracted__c=True)
    org.shift(30)
    assert len(org.query(SUBSCRIPTIONS)) == 1


def test_what_is_charged_by_usage_takes_its_schedule_along(org: Any) -> None:
    deal = make_deal(org)
    usage = {"SBQQ__HasConsumptionSchedule__c": True, "SBQQ__ChargeType__c": "Usage"}
    recurs = {"SBQQ__SubscriptionPricing__c": "Fixed Price", "SBQQ__SubscriptionTerm__c": 12}
    calls = org.create("Product2", Name="Calls", IsActive=True, **usage, **recurs)
    (book,) = org.query("SELECT Id FROM Pricebook2 WHERE IsStandard = true")
    entry = {"Product2Id": calls, "UnitPrice": 0, "Pricebook2Id": book["Id"], "IsActive": True}
    org.create("PricebookEntry", CurrencyIsoCode="USD", **entry)
    schedule = org.create(
        "ConsumptionSchedule", Name="Per call", IsActive=True, MatchingAttribute="calls"
    )
    org.create("ConsumptionRate", ConsumptionScheduleId=schedule, LowerBound=1, Price=2)
    org.create("ProductConsumptionSchedule", ConsumptionScheduleId=schedule, ProductId=calls)
    line = org.create(LINE, SBQQ__Quote__c=deal.quote, SBQQ__Product__c=calls)
    assert deal.line(line)["SBQQ__HasConsumptionSchedule__c"] is True
    org.shift(30)
    deal.contracted()
    (kept,) = org.query(
        "SELECT SBQQ__MatchingAttribute__c, SBQQ__Type__c, SBQQ__OrderItem__r.SBQQ__ChargeType__c, "
        "SBQQ__OrderItem__r.SBQQ__QuoteLine__c FROM SBQQ__OrderItemConsumptionSchedule__c"
    )
    assert (kept["SBQQ__MatchingAttribute__c"], kept["SBQQ__Type__c"]) == ("calls", "Range")
    assert kept["SBQQ__OrderItem__r"]["SBQQ__ChargeType__c"] == "Usage"
    assert kept["SBQQ__OrderItem__r"]["SBQQ__QuoteLine__c"] == line
    flags = org.query("SELECT SBQQ__HasConsumptionSchedule__c FROM SBQQ__Subscription__c")
    assert sorted(one["SBQQ__HasConsumptionSchedule__c"] for one in flags) == [False, True]


def test_a_custom_price_is_amended_as_it_is(org: Any) -> None:
    deal = make_deal(org)
    own = {"SBQQ__PricingMethod__c": "Custom", "SBQQ__ListPrice__c": "77.70"}
    assert deal.patch(LINE, deal.seat_line, **own).status_code == 204
    org.shift(30)
    assert deal.line(deal.seat_line)["SBQQ__NetPrice__c"] == 77.7
    contract = deal.contracted()
    deal.patch("Contract", contract, SBQQ__AmendmentStartDate__c="2026-03-01")
    quote = amended(org, deal, contract, 4)
    assert org.read(QUOTE, quote)["SBQQ__NetAmount__c"] == 77.7
    assert org.kinds_of_violation() == set()
