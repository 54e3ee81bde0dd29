"""Contracts and deals in the report currency, and the days that no rate is known for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connectors.records import Record, Selection
from engine.config.model import BooksConfig, Endpoint
from engine.issues import cause, fix
from engine.money.model import Fact, FactKind, Rate
from engine.money.reporting import Reporting
from engine.store import issues
from engine.store.issues import StoredIssue
from tests.books.kit import Bench, ordered, told

DOLLARS = BooksConfig(reporting=Reporting("USD", 2, 7))
FIELDS = (
    *("currency", "billed", "paid", "recognised", "open", "status", "report_currency"),
    *("reported_ordered", "reported_billed", "reported_paid", "reported_recognised"),
)
MARCH = date(2026, 3, 31)


@pytest.fixture
def dollars(bench: Bench) -> Bench:
    bench.books = DOLLARS
    return bench


def rate(day: date, value: str, of: str = "EUR") -> Rate:
    return Rate(of, "USD", Decimal(value), day)


def euros(kind: FactKind, amount_minor: int, day: date = MARCH, **more: Any) -> Fact:
    about = {"contract": "S-1", "deal": "D-S-1", **more}
    return told(kind, amount_minor, currency="EUR", effective_on=day, **about)


def read(bench: Bench, object: str = "contracts", id: str = "S-1") -> dict[str, Any]:
    (record,) = bench.source.read(Selection(object, FIELDS), [id])
    return dict(record.fields)


def opened(bench: Bench, state: str | None = "open") -> list[StoredIssue]:
    with bench.store.read() as tx:
        return issues.listed(tx, bench.store.payloads, state=state)


def days(bench: Bench) -> list[str]:
    return sorted(issue.source.id for issue in opened(bench))


def test_without_a_report_currency_there_are_neither_fields_nor_issues(bench: Bench) -> None:
    bench.prove("I-1", euros(FactKind.BILLED, 100_00))
    bench.keep()
    assert not [name for name in read(bench) if "report" in name]
    assert days(bench) == []


def test_each_amount_is_told_at_the_rate_of_its_own_day(dollars: Bench) -> None:
    dollars.rate("1", rate(MARCH, "1.10"))
    dollars.rate("2", rate(MARCH + timedelta(days=20), "1.20"))
    dollars.prove("I-1", euros(FactKind.BILLED, 100_00))
    dollars.prove("P-1", euros(FactKind.PAID, 100_00, MARCH + timedelta(days=21)))
    dollars.keep()
    for object, id in (("contracts", "S-1"), ("deals", "D-S-1")):
        found = read(dollars, object, id)
        assert (found["currency"], found["billed"], found["paid"]) == ("EUR", 100, 100)
        assert (found["open"], found["status"]) == (0, "Paid")
        assert found["report_currency"] == "USD"
        assert str(found["reported_billed"]) == "110.00"
        assert str(found["reported_paid"]) == "120.00"
        assert (found["reported_ordered"], found["reported_recognised"]) == (0, 0)
    assert days(dollars) == []


def test_amounts_in_the_report_currency_and_in_others_come_to_one_sum(dollars: Bench) -> None:
    dollars.rate("1", rate(MARCH, "0.0067", "JPY"))
    dollars.prove(
        "I-1",
        told(FactKind.BILLED, 50_00, "1", contract="S-1", deal="D-S-1"),
        replace(euros(FactKind.BILLED, 10_000, key="2"), currency="JPY", exponent=0),
    )
    dollars.keep()
    for object, id in (("contracts", "S-1"), ("deals", "D-S-1")):
        found = read(dollars, object, id)
        assert (found["currency"], found["billed"]) == ("USD", 50)
        assert found["reported_billed"] == Decimal("117.00")


def test_a_missing_rate_is_a_blank_and_an_issue_until_it_comes(dollars: Bench) -> None:
    dollars.prove("I-1", euros(FactKind.BILLED, 100_00))
    dollars.prove("P-1", euros(FactKind.PAID, 40_00, MARCH + timedelta(days=9)))
    dollars.rate("2", rate(MARCH + timedelta(days=8), "1.20"))
    dollars.keep()
    # then only what needs the rate is blank, and nothing else of the books is touched
    for object, id in (("contracts", "S-1"), ("deals", "D-S-1")):
        found = read(dollars, object, id)
        assert (found["billed"], found["reported_billed"]) == (100, None)
        assert (found["reported_paid"], found["status"]) == (48, "Part paid")
    (issue,) = opened(dollars)
    assert (issue.code, issue.owner, issue.sync) == ("RATE_MISSING", "finance", "books")
    assert issue.source.id == "EUR-USD-2026-03-31"
    assert "No rate EUR → USD for 2026-03-31." in cause(issue.code, issue.parameters)
    assert "the 7 days before it" in fix(issue.code, issue.parameters, issue.id)
    (line,) = [one for one in dollars.ledger() if one["code"] == "RATE_MISSING"]
    assert (line["operation"], line["outcome"]) == ("convert", "issue")
    # looked at again, it is the same issue
    dollars.prove("I-1", euros(FactKind.BILLED, 200_00))
    dollars.keep()
    assert [one.id for one in opened(dollars)] == [issue.id]
    # when a rate comes that serves for the day
    dollars.rate("1", rate(MARCH - timedelta(days=7), "1.10"))
    news = dollars.keep()
    assert Endpoint("revline", "deals") in news
    assert read(dollars)["reported_billed"] == 220
    assert days(dollars) == []
    (ended,) = opened(dollars, None)
    assert (ended.id, ended.resolution) == (issue.id, "a newer success")


def test_a_day_that_several_contracts_lack_is_one_issue(dollars: Bench) -> None:
    for number in (1, 2):
        about = {"contract": f"S-{number}", "deal": f"D-{number}"}
        dollars.prove(f"I-{number}", euros(FactKind.BILLED, 100, **about))
    dollars.keep()
    assert days(dollars) == ["EUR-USD-2026-03-31"]
    # one is not billed in euros after all: the other still is
    dollars.prove("I-1", told(FactKind.BILLED, 100, contract="S-1", deal="D-1"))
    dollars.keep()
    assert days(dollars) == ["EUR-USD-2026-03-31"]
    dollars.prove("I-2")
    dollars.keep()
    assert days(dollars) == []


def test_a_rate_that_is_corrected_or_withdrawn_changes_the_sums(dollars: Bench) -> None:
    dollars.rate("1", rate(MARCH, "1.10"))
    dollars.prove("I-1", euros(FactKind.BILLED, 100_00))
    dollars.keep()
    dollars.rate("1", rate(MARCH, "1.15"))
    assert dollars.keep()
    assert read(dollars)["reported_billed"] == 115
    dollars.rate("1", None)
    assert dollars.keep()
    assert read(dollars)["reported_billed"] is None
    assert days(dollars) == ["EUR-USD-2026-03-31"]


def test_a_rate_of_other_days_or_currencies_is_no_news(dollars: Bench) -> None:
    dollars.prove("I-1", euros(FactKind.BILLED, 100_00))
    dollars.keep()
    dollars.rate("1", rate(MARCH + timedelta(days=1), "1.10"))
    dollars.rate("2", rate(MARCH - timedelta(days=8), "1.10"))
    dollars.rate("3", rate(MARCH, "0.006", "JPY"))
    assert dollars.keep() == ()
    assert read(dollars)["reported_billed"] is None


def test_revenue_is_told_at_the_rate_of_its_journals_day(dollars: Bench) -> None:
    # given twelve months of service in euros, and no rate at the end of February
    dollars.rate("1", rate(date(2026, 1, 31), "1.10"))
    dollars.rate("2", rate(date(2026, 1, 1), "2"))
    dollars.prove("O-1", ordered(1200_00, currency="EUR"))
    dollars.at(datetime(2026, 2, 10, tzinfo=UTC))
    assert read(dollars)["reported_recognised"] == 110
    assert read(dollars)["reported_ordered"] == 2400
    assert days(dollars) == []
    dollars.at(datetime(2026, 3, 10, tzinfo=UTC))
    # then the journal is made as ever, and only the sum waits
    sealed = [sum(one.amount_minor for one in batch.lines) for batch in dollars.batches().values()]
    assert sealed == [100_00, 100_00]
    for object, id in (("contracts", "S-1"), ("deals", "D-S-1")):
        found = read(dollars, object, id)
        assert (found["recognised"], found["reported_recognised"]) == (200, None)
    assert days(dollars) == ["EUR-USD-2026-02-28"]
    dollars.rate("3", rate(date(2026, 2, 27), "1.20"))
    dollars.keep()
    for object, id in (("contracts", "S-1"), ("deals", "D-S-1")):
        assert read(dollars, object, id)["reported_recognised"] == 230
    assert days(dollars) == []


def test_what_is_earned_with_its_invoice_is_told_at_the_rate_of_the_invoice(bench: Bench) -> None:
    bench.books = replace(DOLLARS, at_invoice=frozenset({"hardware"}))
    bench.rate("1", rate(MARCH, "1.10"))
    bench.prove("I-1", euros(FactKind.BILLED, 100_00, family="hardware"))
    bench.prove("C-1", euros(FactKind.CREDITED, 10_00, family="hardware"))
    bench.keep()
    for object, id in (("contracts", "S-1"), ("deals", "D-S-1")):
        found = read(bench, object, id)
        assert (found["recognised"], found["reported_recognised"]) == (90, 99)
    bench.rate("1", None)
    bench.keep()
    assert read(bench)["reported_recognised"] is None


def test_deals_under_one_contract_share_what_it_earned_in_the_report_currency(
    dollars: Bench,
) -> None:
    dollars.rate("1", rate(date(2026, 1, 31), "1.2345"))
    dollars.rate("2", rate(date(2026, 1, 1), "1"))
    dollars.prove(
        "O-1",
        ordered(100_01, currency="EUR", months=(1, 1), deal="D-1", obligation="C-1"),
        ordered(200_02, currency="EUR", months=(1, 1), deal="D-2", obligation="C-2", key="2"),
    )
    dollars.at(datetime(2026, 2, 10, tzinfo=UTC))
    whole = read(dollars)["reported_recognised"]
    parts = [read(dollars, "deals", deal)["reported_recognised"] for deal in ("D-1", "D-2")]
    assert whole == Decimal("370.39")  # 300.03 at 1.2345: 370.387…
    assert parts == [Decimal("123.46"), Decimal("246.93")]


def test_another_report_currency_is_told_of_everything_and_none_of_nothing(dollars: Bench) -> None:
    dollars.prove("I-1", euros(FactKind.BILLED, 100_00))
    dollars.keep()

    def with_currency(reporting: Reporting | None) -> list[str]:
        dollars.books = BooksConfig(reporting=reporting)
        assert dollars.at(dollars.clock.time + timedelta(hours=1)), "deals are told anew"
        return days(dollars)

    assert with_currency(Reporting("KWD", 3, 7)) == ["EUR-KWD-2026-03-31"]
    assert with_currency(Reporting("EUR", 2, 7)) == []
    assert read(dollars)["reported_billed"] == 100
    assert with_currency(Reporting("USD", 2, 7)) == ["EUR-USD-2026-03-31"]
    assert with_currency(None) == []


def test_a_page_of_deals_tells_what_reading_one_tells(dollars: Bench) -> None:
    dollars.rate("1", rate(MARCH, "1.10"))
    dollars.prove("I-1", euros(FactKind.BILLED, 100_00))
    dollars.keep()
    page = dollars.source.list(Selection("deals", FIELDS), None, 10)
    found: tuple[Record, ...] = page.records
    assert [dict(one.fields) for one in found] == [read(dollars, "deals", "D-S-1")]
