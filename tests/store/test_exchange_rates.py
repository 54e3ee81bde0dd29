"""Exchange rates: versions of them, which one serves for a day, and who lacks one."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import text

from engine.money.model import FactKind, Rate
from engine.money.reporting import Reporting
from engine.store import rates
from engine.store.rates import Lack, Rates
from engine.store.store import Store
from tests.store.books_kit import billed, due, fact, invoice, payment, planned, prove, seal
from tests.store.books_kit import schedule as put_schedule
from tests.store.conftest import NOW
from tests.store.store_kit import at

DOLLARS = Reporting("USD", 2, 7)
LATER = NOW + timedelta(hours=1)
ONE = Decimal("1.1")


def day(number: int) -> date:
    return date(2026, 3, number)


def rate(number: int, value: Decimal | str = ONE, of: str = "EUR", to: str = "USD") -> Rate:
    return Rate(of, to, Decimal(value), day(number))


def see(store: Store, id: str, told: Rate | None, version: object = None) -> list[Rate]:
    with store.write() as tx:
        return rates.see(tx, {at(id, "netsuite", "currencyRate"): (told, version)}, NOW)  # type: ignore[dict-item]


def of(store: Store, number: int, currency: str = "EUR", most: int = 7) -> Decimal | None:
    with store.read() as tx:
        return Rates(tx, Reporting("USD", 2, most)).of(currency, day(number))


def versions(store: Store) -> list[tuple[str, bool]]:
    query = text("SELECT rate, holds FROM exchange_rate ORDER BY number")
    with store.read() as tx:
        return [(row[0], bool(row[1])) for row in tx.execute(query)]


def test_the_latest_rate_on_or_before_a_day_serves_until_it_is_too_old(store: Store) -> None:
    see(store, "1", rate(1, "1.1"))
    see(store, "2", rate(5, "1.2"))
    assert [of(store, number) for number in (1, 4, 5, 12)] == [
        Decimal(one) for one in ("1.1", "1.1", "1.2", "1.2")
    ]
    assert of(store, 13) is None
    assert of(store, 13, most=8) == Decimal("1.2")
    assert of(store, 6, most=0) is None
    with store.read() as tx:
        assert Rates(tx, DOLLARS).of("EUR", date(2026, 2, 28)) is None


def test_a_pair_is_neither_turned_round_nor_taken_for_another(store: Store) -> None:
    see(store, "1", rate(1, to="GBP"))
    see(store, "2", rate(1, of="USD", to="EUR"))
    see(store, "3", rate(1, of="JPY"))
    assert of(store, 1) is None
    assert of(store, 1, "JPY") == ONE


def test_of_two_rates_of_a_day_the_one_told_last_counts(store: Store) -> None:
    see(store, "2", rate(1, "1.2"))
    see(store, "1", rate(1, "1.1"))
    assert of(store, 1) == ONE


def test_a_rate_keeps_all_its_digits(store: Store) -> None:
    see(store, "1", rate(1, "0.00670000000000000000000123"))
    assert of(store, 1) == Decimal("0.00670000000000000000000123")


def test_a_corrected_rate_takes_the_place_of_the_old_one_which_is_kept(store: Store) -> None:
    assert see(store, "1", rate(1, "1.1")) == [rate(1, "1.1")]
    assert see(store, "1", rate(1, "1.1")) == []
    assert see(store, "1", rate(2, "1.3")) == [rate(1, "1.1"), rate(2, "1.3")]
    assert (of(store, 1), of(store, 2)) == (None, Decimal("1.3"))
    assert versions(store) == [("1.1", False), ("1.3", True)]


def test_a_rate_that_is_told_no_more_is_none(store: Store) -> None:
    see(store, "1", rate(1))
    assert see(store, "1", None) == [rate(1)]
    assert see(store, "1", None) == []
    assert of(store, 1) is None
    assert see(store, "1", rate(1)) == [rate(1)]
    assert versions(store) == [("1.1", False), ("1.1", True)]


def test_an_older_version_of_a_rate_is_left_aside(store: Store) -> None:
    see(store, "1", rate(1, "1.2"), LATER)
    assert see(store, "1", rate(1, "1.1"), NOW) == []
    assert of(store, 1) == Decimal("1.2")
    see(store, "1", rate(1, "1.3"), LATER)
    assert of(store, 1) == Decimal("1.3")


# -- whom a rate concerns ------------------------------------------------------------------------


def concerned(store: Store, *told: Rate) -> set[str]:
    with store.read() as tx:
        return rates.concerned(tx, told, DOLLARS)


def test_a_rate_concerns_contracts_with_amounts_of_the_days_it_serves_for(store: Store) -> None:
    for number in (4, 5, 12, 13):
        own = fact(FactKind.BILLED, 100, contract=f"S-{number}", effective_on=day(number))
        prove(store, invoice(number), own)
    yen = fact(FactKind.BILLED, 100, contract="S-J", effective_on=day(5), currency="JPY")
    prove(store, invoice("J"), yen)
    assert concerned(store, rate(5)) == {"S-5", "S-12"}
    assert concerned(store, rate(5), rate(6)) == {"S-5", "S-12", "S-13"}
    assert concerned(store, rate(5, of="JPY")) == {"S-J"}
    assert concerned(store, rate(5, to="GBP")) == set()
    assert concerned(store) == set()


def test_a_rate_concerns_every_contract_that_a_payment_is_shared_by(store: Store) -> None:
    prove(store, invoice(1), billed(1, "S-1", "I-1"), billed(1, "S-2", "I-1", "2"))
    prove(store, invoice(2), billed(1, "S-3", "I-2"))
    prove(store, payment(1), fact(FactKind.PAID, 2, document="I-1", effective_on=day(5)))
    assert concerned(store, rate(5)) == {"S-1", "S-2"}


def test_a_rate_concerns_contracts_whose_revenue_was_handed_over(store: Store) -> None:
    put_schedule(store, planned("2026-03", 1))
    assert concerned(store, rate(31)) == set()
    seal(store, due(store, "2026-03"))
    assert concerned(store, rate(31)) == {"S-1"}
    assert concerned(store, rate(31, of="JPY")) == set()


# -- who lacks one -------------------------------------------------------------------------------


def settle(store: Store, contract: str, *wanted: Lack) -> tuple[tuple[Lack, ...], tuple[Lack, ...]]:
    with store.write() as tx:
        return rates.settle_lacking(tx, contract, set(wanted))


def test_a_day_is_lacking_from_the_first_contract_to_the_last(store: Store) -> None:
    first, second = Lack("EUR", "USD", day(1)), Lack("EUR", "USD", day(2))
    assert settle(store, "S-1") == ((), ())
    assert settle(store, "S-1", second, first) == ((first, second), ())
    assert settle(store, "S-1", second, first) == ((), ())
    # another contract lacks it as well: it is no news, and it is not over with the first
    assert settle(store, "S-2", first) == ((), ())
    assert settle(store, "S-1") == ((), (second,))
    assert settle(store, "S-2") == ((), (first,))
    assert settle(store, "S-2", first) == ((first,), ())
