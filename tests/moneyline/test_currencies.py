"""Three subsidiaries and five currencies, each exact in its own smallest unit."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from tests.moneyline.posting import CURRENCIES, by_service, entries
from tests.moneyline.world import MoneyLine

START = date(2026, 1, 1)
SELLERS = {"USD": "1", "GBP": "2", "EUR": "3", "JPY": "1", "KWD": "1"}
AMOUNTS = {"USD": "10000", "GBP": "100.01", "EUR": "0.67", "JPY": "100000", "KWD": "1000.01"}
PLACES = {"JPY": 0, "KWD": 3}


def test_every_currency_is_exact_and_posted_by_the_company_that_sold(line: MoneyLine) -> None:
    # given a customer in each currency, and two of them in one
    deals = {}
    for currency, amount in AMOUNTS.items():
        account = line.account(f"Customer in {currency}", "Norway")
        deals[currency] = line.won(account, [("PLT-001", amount)], START, currency)
    second = line.won(line.account("Another", "Norway"), [("PLT-001", 1_200)], START, "USD")
    # when they pay, and the year is over
    line.settle()
    line.pay()
    line.rest(minutes=10)
    line.until(date(2027, 1, 3))
    # then each contract was earned month by month, to its smallest unit, and whole
    posted = entries(line)
    for currency, deal in deals.items():
        months = by_service(line, f"S-{deal}")
        unit = Decimal(1).scaleb(-PLACES.get(currency, 2))
        share = Decimal(AMOUNTS[currency]) / 12
        assert sum(months.values()) == Decimal(AMOUNTS[currency])
        assert all(abs(amount - share) < unit for amount in months.values())
        assert all(amount == amount.quantize(unit) for amount in months.values())
        assert len(months) == 12
    # there is one journal per month, company and currency, whatever is in it
    journals = {(one.period, one.entity, one.currency): set[str]() for one in posted}
    for one in posted:
        journals[one.period, one.entity, one.currency].add(one.journal)
        assert one.entity == SELLERS[one.currency]
    assert {len(several) for several in journals.values()} == {1}
    months = {one.period for one in posted if one.currency == "USD"}
    for month in months:
        (together,) = journals[month, "1", "USD"]
        held = {one.contract for one in posted if one.journal == together}
        assert held == {f"S-{deals['USD']}", f"S-{second}"}
    # and Salesforce says the same as Stripe and Zuora did
    rows = line.records("salesforce", "Opportunity")
    for currency, deal in deals.items():
        assert rows[deal]["Billing_Status__c"] == "Paid"
        for name in ("Billed_Amount__c", "Paid_Amount__c", "Recognised_Revenue__c"):
            assert Decimal(rows[deal][name]) == Decimal(AMOUNTS[currency]), (currency, name)
    assert line.codes() == []


def test_what_is_paid_and_billed_carries_the_places_of_its_currency(line: MoneyLine) -> None:
    deals = {
        currency: line.won(
            line.account(currency, "Norway"), [("PLT-001", AMOUNTS[currency])], START, currency
        )
        for currency in ("JPY", "KWD")
    }
    line.settle()
    line.pay()
    line.rest(minutes=10)
    minor = {"jpy": 100_000, "kwd": 1_000_010}
    for row in line.records("stripe", "payment_intents").values():
        assert row["amount"] == minor[row["currency"]]
    for object, amount in (("invoice", "total"), ("customerPayment", "payment")):
        found = {
            CURRENCIES[str(row["currency"])]: Decimal(str(row[amount]))
            for row in line.records("netsuite", object).values()
        }
        assert found == {currency: Decimal(AMOUNTS[currency]) for currency in deals}


def test_a_second_deal_in_another_currency_is_never_billed_in_the_first(line: MoneyLine) -> None:
    # given a customer in euros, who buys in dollars as well
    account = line.account()
    line.won(account, [("PLT-001", 1_200)], START, "EUR")
    line.settle()
    deal = line.won(account, [("PLT-001", 1_000)], START, "USD")
    line.settle()
    # then Zuora bills dollars, and what NetSuite does not take is an issue that says so
    invoices = line.records("zuora", "invoices").values()
    billed = {row["currency"]: row["amountWithoutTax"] for row in invoices}
    assert billed == {"EUR": 1_200, "USD": 1_000}
    assert line.records("salesforce", "Opportunity")[deal]["Billing_Status__c"] == "Billed"
    (issue,) = line.issues()
    assert issue.sync == "invoices"
    assert "urrency" in issue.parameters["message"]
