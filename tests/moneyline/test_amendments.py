"""What Zuora's users change in a subscription, and how the rest of it is earned: one year of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tests.moneyline import orders
from tests.moneyline.identities import violations
from tests.moneyline.posting import Entry, by_period, by_service, entries
from tests.moneyline.world import MoneyLine

START = date(2027, 1, 1)
JULY = date(2027, 7, 1)
CHANGES = ("nothing", "upsell", "downgrade", "cancellation", "renewal", "late upsell")


@dataclass(frozen=True, slots=True)
class Year:
    """What became of contracts over 12,000 for a year, by what was done to them.

    ``posted_in_august`` are the journals that were there before the late changes.
    """

    line: MoneyLine
    contracts: Mapping[str, str]
    posted_in_august: Mapping[str, object]

    def earned(self, name: str) -> dict[str, Decimal]:
        return by_service(self.line, self.contracts[name])

    def posted(self, name: str) -> list[Entry]:
        return [one for one in entries(self.line) if one.contract == self.contracts[name]]

    def evidence(self, name: str) -> list[tuple[str, str]]:
        """Every schedule that was opened, with its method and amount."""
        lines = [one for one in self.line.lines() if one["operation"] == "schedule"]
        mine = [one for one in lines if one["business_key"].startswith(self.contracts[name] + ":")]
        return [(one["code"], one["amount"]) for one in mine]


def months(first: int, last: int, amount: str) -> dict[str, Decimal]:
    return {f"2027-{month:02}": Decimal(amount) for month in range(first, last + 1)}


def sold(line: MoneyLine, name: str, on: date) -> str:
    return "S-" + line.won(line.account(name), [("PLT-001", 12_000)], on)


def close_through(line: MoneyLine, last: date) -> None:
    """The accountant closes every month up to one."""
    for year, month in [(2026, n) for n in range(1, 13)] + [(2027, n) for n in range(1, 13)]:
        if date(year, month, 1) <= last:
            name = f"{date(year, month, 1):%b %Y}"
            line.do("netsuite", "accountingPeriod", "close", name, {})


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Year]:
    line = MoneyLine(tmp_path_factory.mktemp("year"))
    orders.at(line, START)
    contracts = {name: sold(line, name, START) for name in CHANGES}
    line.settle()
    line.pay()
    line.until(date(2027, 7, 20))
    orders.upsell(line, contracts["upsell"], JULY, 3_000, every="Semi_Annual")
    orders.reprice(line, contracts["downgrade"], JULY, 6_000)
    # July is posted and closed before anybody hears of two more changes
    line.until(date(2027, 8, 10))
    close_through(line, JULY)
    line.settle()
    before = line.records("netsuite", "journalEntry")
    orders.upsell(line, contracts["late upsell"], JULY, 3_000, every="Semi_Annual")
    contracts["late contract"] = sold(line, "late contract", JULY)
    line.until(date(2027, 9, 20))
    orders.cancel(line, contracts["cancellation"], date(2027, 10, 1))
    line.until(date(2027, 10, 2))
    orders.bill(line, date(2027, 10, 2))
    line.pay()
    line.until(date(2027, 12, 20))
    orders.renew(line, contracts["renewal"], date(2028, 1, 1))
    line.until(date(2028, 1, 3))
    yield Year(line, contracts, before)
    broken = violations(line)
    line.close()
    assert broken == []
    for system, simulator in line.simulators.items():
        assert simulator.journal.violations == [], system


def test_nothing_needs_a_person(year: Year) -> None:
    assert year.line.codes() == []
    assert year.earned("nothing") == months(1, 12, "1000")
    assert year.evidence("nothing") == [("METHOD_PROSPECTIVE", "12000.00")]


def test_an_upsell_is_earned_with_what_was_left(year: Year) -> None:
    # 6,000 that were not earned yet and 3,000 more, over the six months left
    assert year.earned("upsell") == months(1, 6, "1000") | months(7, 12, "1500")
    assert by_period(year.line, year.contracts["upsell"]) == year.earned("upsell")
    assert year.evidence("upsell") == [
        ("METHOD_PROSPECTIVE", "12000.00"),
        ("METHOD_PROSPECTIVE", "15000.00"),
    ]
    deal = year.contracts["upsell"].removeprefix("S-")
    row = year.line.records("salesforce", "Opportunity")[deal]
    assert row["Billing_Status__c"] == "Paid"
    assert Decimal(row["Recognised_Revenue__c"]) == Decimal(15_000)


def test_a_downgrade_leaves_the_past_alone(year: Year) -> None:
    # worth 5,950.68 to June by days and 3,024.66 after; earned by months: 6,000.00 and the rest
    assert year.earned("downgrade") == months(1, 6, "1000") | months(7, 12, "495.89")
    assert year.evidence("downgrade")[-1] == ("METHOD_PROSPECTIVE", "8975.34")


def test_a_cancellation_ends_what_is_earned(year: Year) -> None:
    # nine months, and once the cents between months and the days that stay billed
    assert year.earned("cancellation") == months(1, 9, "1000") | months(10, 10, "-24.66")


def test_what_was_billed_too_much_is_credited_in_netsuite(year: Year) -> None:
    memos = year.line.records("netsuite", "creditMemo").values()
    assert sorted(Decimal(memo["total"]) for memo in memos) == [
        Decimal("3599.34"),  # the downgrade
        Decimal("3599.35"),  # the cancellation
    ]


def test_a_renewal_is_earned_in_its_own_year(year: Year) -> None:
    assert year.earned("renewal") == months(1, 12, "1000")
    assert year.evidence("renewal") == [
        ("METHOD_PROSPECTIVE", "12000.00"),
        ("METHOD_PROSPECTIVE", "24000.00"),
    ]


def test_a_month_that_is_posted_and_closed_is_restated_in_the_next(year: Year) -> None:
    contract = year.contracts["late upsell"]
    july = [one for one in year.posted("late upsell") if one.service == "2027-07"]
    assert [(one.period, one.amount, one.memo) for one in july] == [
        ("2027-07", Decimal(1_000), f"Revenue {contract}"),
        ("2027-08", Decimal(-1_000), f"Revenue {contract}, reversal for service period 2027-07"),
        ("2027-08", Decimal(1_500), f"Revenue {contract}, restated for service period 2027-07"),
    ]
    assert year.earned("late upsell") == months(1, 6, "1000") | months(7, 12, "1500")


def test_service_of_a_closed_month_is_posted_late_and_says_so(year: Year) -> None:
    contract = year.contracts["late contract"]
    (july, *_rest) = year.posted("late contract")
    assert (july.period, july.amount) == ("2027-08", Decimal(1_000))
    assert july.memo == f"Revenue {contract}, service period 2027-07"
    assert year.earned("late contract") == months(7, 12, "1000")


def test_nothing_that_was_posted_is_ever_touched(year: Year) -> None:
    after = year.line.records("netsuite", "journalEntry")
    assert {id: after[id] for id in year.posted_in_august} == year.posted_in_august


def test_the_method_of_the_product_family_decides(tmp_path: Path) -> None:
    # given subscriptions whose changes are caught up with
    words = "books:\n  modification:\n    families: {subscription: catch_up}\n"
    line = MoneyLine(tmp_path, lambda text: text.replace("books:\n", words, 1))
    orders.at(line, START)
    contract = sold(line, "caught up", START)
    line.until(date(2027, 7, 20))
    orders.upsell(line, contract, JULY, 3_000, every="Semi_Annual")
    line.until(date(2027, 9, 3))
    # then 15,000 over twelve months are 1,250 a month, of which July makes up for six
    assert by_service(line) == (months(1, 6, "1000") | months(7, 7, "2750") | months(8, 8, "1250"))
    made = [one["code"] for one in line.lines() if one["operation"] == "schedule"]
    assert made == ["METHOD_CATCH_UP", "METHOD_CATCH_UP"]
    line.close()
