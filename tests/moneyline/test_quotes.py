"""From a quote in Salesforce CPQ to posted journals, and what later quotes make of the contract."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.moneyline import orders
from tests.moneyline.identities import violations
from tests.moneyline.posting import by_service
from tests.moneyline.quote_line import QUOTE, QuoteLine, identity_a

START, JULY = date(2027, 1, 1), date(2027, 7, 1)
PLAN = ("PLT-001", 10)


@dataclass(frozen=True, slots=True)
class Year:
    """Three customers over a year: the deals they began with, and what followed them."""

    line: QuoteLine
    first: dict[str, str]
    later: dict[str, str]

    def earned(self, name: str) -> dict[str, Decimal]:
        return by_service(self.line, f"S-{self.first[name]}")

    def actions(self, deal: str) -> list[str]:
        """What the one order of a deal's quote asked Zuora for."""
        number = f"O-{self.line.quote_of(deal)}"
        (body,) = (
            row["_body"]
            for row in self.line.records("zuora", "orders").values()
            if row["orderNumber"] == number
        )
        (subscription,) = body["subscriptions"]
        return [one["type"] for one in subscription["orderActions"]]

    def charges(self, deal: str) -> dict[str, Any]:
        """Product code → the charge that a deal brought, as it is now."""
        lines = self.line.records("salesforce", "SBQQ__QuoteLine__c")
        latest = self.line.records("zuora", "subscriptions")
        found = {}
        for row in self.line.records("zuora", "rate-plan-charges").values():
            if row["subscriptionId"] in latest and row["chargeNumber"].startswith(f"C-{deal}-"):
                found[lines[row["chargeNumber"][-18:]]["SBQQ__ProductCode__c"]] = row
        return found

    def money(self, deal: str) -> tuple[str, Decimal, Decimal, Decimal]:
        row = self.line.deal(deal)
        amounts = ("Billed_Amount__c", "Paid_Amount__c", "Recognised_Revenue__c")
        return row["Billing_Status__c"], *(Decimal(row[name]) for name in amounts)


def months(first: int, last: int, amount: str) -> dict[str, Decimal]:
    return {f"2027-{month:02}": Decimal(amount) for month in range(first, last + 1)}


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Year]:
    line = QuoteLine(tmp_path_factory.mktemp("quotes"))
    orders.at(line, START)
    first = line.sold({
        "up": [PLAN, ("SUP-001", 3), ("ONB-001", 1)], "down": [PLAN, ("SUP-001", 3)],
        "on": [PLAN],
    }, START)  # fmt: skip
    line.settle(9)
    line.pay()
    # in July one customer takes more and a bit less, one takes less and nothing of another thing
    orders.at(line, JULY)
    line.settle(9)
    later = {}
    later["up"], quote = line.follow_up(first["up"], "amend")
    line.set(quote, "PLT-001", SBQQ__Quantity__c=12)
    line.set(quote, "SUP-001", SBQQ__Quantity__c=2)
    line.add(quote, "ONB-001", 1)
    line.decide(later["up"], quote)
    later["down"], quote = line.follow_up(first["down"], "amend")
    line.set(quote, "PLT-001", SBQQ__Quantity__c=7)
    line.set(quote, "SUP-001", SBQQ__Quantity__c=0)
    line.decide(later["down"], quote)
    line.settle(9)
    line.pay()
    # in December one goes on with less, and takes more again before the new year has begun
    orders.at(line, date(2027, 12, 15))
    later["on"], quote = line.follow_up(first["on"], "renew")
    line.set(quote, "PLT-001", SBQQ__Quantity__c=8)
    line.decide(later["on"], quote)
    line.settle(9)
    later["again"], quote = line.follow_up(later["on"], "amend")
    line.set(quote, "PLT-001", SBQQ__Quantity__c=9)
    line.decide(later["again"], quote)
    line.settle(9)
    line.pay()
    line.until(date(2028, 1, 3))
    yield Year(line, first, later)
    broken = [*identity_a(line), *violations(line)]
    line.close()
    assert broken == []
    for system, simulator in line.simulators.items():
        assert simulator.journal.violations == [], system


def test_nothing_needs_a_person(year: Year) -> None:
    assert year.line.codes() == []
    # nobody is there to sign: these deals were won by hand
    assert set(year.line.held().values()) == {"signer_known"}
    assert identity_a(year.line) == []
    assert violations(year.line) == []


def test_a_won_quote_is_ordered_billed_paid_and_earned(year: Year) -> None:
    deal = year.first["up"]
    assert year.actions(deal) == ["CreateSubscription"]
    # ten seats for a year; three at 33.33 a month, whose year is exact; onboarding once
    worth = {code: row["tCV"] for code, row in year.charges(deal).items()}
    wanted = {"PLT-001": "12000", "SUP-001": "1199.88", "ONB-001": "500"}
    assert worth == {code: Decimal(amount) for code, amount in wanted.items()}
    gross = (Decimal("13699.88") * Decimal("1.19")).quantize(Decimal("0.01"))
    assert year.money(deal) == ("Paid", gross, gross, Decimal("13699.88"))


def test_an_upsell_is_a_deal_of_its_own_under_the_first_contract(year: Year) -> None:
    deal = year.later["up"]
    assert year.actions(deal) == ["AddProduct", "AddProduct", "AddProduct"]
    seats = year.charges(deal)["PLT-001"]
    # two seats for the six months left, by months as they were quoted
    assert (seats["quantity"], seats["tCV"]) == (2, 1_200)
    assert (seats["effectiveStartDate"], seats["effectiveEndDate"]) == (JULY, date(2028, 1, 1))
    # one invoice, with what was given up as a line below zero
    gross = Decimal("1785.02")
    assert year.money(deal) == ("Paid", gross, gross, Decimal("1500.02"))
    services = {"2027-01": Decimal(500), "2027-07": Decimal(500)}
    earned = year.earned("up")
    whole = {month: earned[month] - services.get(month, 0) for month in earned}
    assert whole == months(1, 6, "1099.99") | months(7, 12, "1266.66")


def test_a_downgrade_takes_off_exactly_what_was_quoted(year: Year) -> None:
    deal = year.later["down"]
    assert year.actions(deal) == ["AddProduct", "AddProduct"]
    worth = {code: row["tCV"] for code, row in year.charges(deal).items()}
    assert worth == {"PLT-001": Decimal(-1_800), "SUP-001": Decimal("-599.94")}
    assert year.earned("down") == months(1, 6, "1099.99") | months(7, 12, "700")
    (memo,) = year.line.records("netsuite", "creditMemo").values()
    gross = Decimal("2855.93")
    assert Decimal(memo["total"]) == gross
    assert year.money(deal) == ("Billed", -gross, Decimal(0), Decimal("-2399.94"))
    # what was sold first is untouched: nothing was cut by days
    assert year.charges(year.first["down"])["PLT-001"]["tCV"] == 12_000


def test_a_renewal_is_the_next_year_at_what_its_quote_says(year: Year) -> None:
    deal, again = year.later["on"], year.later["again"]
    assert year.actions(deal) == ["TermsAndConditions", "RenewSubscription", "AddProduct"]
    assert year.charges(year.first["on"])["PLT-001"]["tCV"] == 12_000
    seats = year.charges(deal)["PLT-001"]
    assert (seats["effectiveStartDate"], seats["tCV"]) == (date(2028, 1, 1), 9_600)
    # the renewal has a contract of its own, and yet it is the same subscription
    assert year.actions(again) == ["AddProduct"]
    assert year.charges(again)["PLT-001"]["tCV"] == 1_200
    names = [row["name"] for row in year.line.records("zuora", "subscriptions").values()]
    assert sorted(names) == sorted(f"S-{one}" for one in year.first.values())
    assert year.earned("on") == months(1, 12, "1000")


def test_what_comes_twice_writes_nothing(year: Year) -> None:
    before = year.line.written()
    year.line.backfill()
    year.line.rest(minutes=20)
    assert year.line.written() == before
    assert len(year.line.records("zuora", "orders")) == 7


def test_signatures_approvals_and_orders_in_any_order_make_one_order(tmp_path: Path) -> None:
    line = QuoteLine(tmp_path)
    # given a quarter off that was won before anybody approved it,
    early = line.opportunity(line.account("Early"), START)
    # a quote that its rep ordered by hand before the deal was won,
    by_hand = line.opportunity(line.account("By hand"), START)
    # and one that goes as it should: approved, signed, won
    plain = line.opportunity(line.account("Plain"), START)
    line.contact(plain)
    line.settle()
    quotes = {deal: line.quote_of(deal) for deal in (early, by_hand, plain)}
    line.add(quotes[early], "PLT-001", 10, SBQQ__Discount__c=25)
    line.add(quotes[by_hand], "PLT-001", 2)
    line.add(quotes[plain], "PLT-001", 1, SBQQ__Discount__c=10)
    line.cpq("submit", quotes[early])
    line.cpq("submit", quotes[plain])
    line.close_won(early)
    line.do("salesforce", QUOTE, "update", quotes[by_hand], {"SBQQ__Ordered__c": True})
    line.settle(9)
    # then nothing is ordered; who has to do what is said
    assert line.records("zuora", "orders") == {}
    assert line.held()[quotes[early]] == "discount_approved"
    # when each gets what was missing, and everything is told twice
    line.cpq("approve", quotes[early])
    line.close_won(by_hand)
    (envelope,) = line.records("docusign", "envelopes").values()
    line.do("docusign", "envelopes", "sign", envelope["envelopeId"], {})
    line.settle(9)
    line.backfill()
    line.rest(minutes=20)
    # then there is one order each, for what was quoted
    numbers = [row["orderNumber"] for row in line.records("zuora", "orders").values()]
    assert sorted(numbers) == sorted(f"O-{quote}" for quote in quotes.values())
    assert identity_a(line) == []
    before = line.written()
    line.backfill()
    line.restart()
    line.settle()
    assert line.written() == before
    assert line.codes() == []
    assert [*violations(line), *identity_a(line)] == []
    line.close()
