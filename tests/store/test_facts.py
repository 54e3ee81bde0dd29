"""Facts: superseded, withdrawn, never changed; and which contracts look at their schedules anew."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from sqlalchemy import func, select

from engine.money.model import FactKind
from engine.store import books, facts
from engine.store.money_tables import fact as fact_table
from engine.store.store import Store
from tests.store.books_kit import (
    EVERY_KIND,
    billed,
    fact,
    held,
    invoice,
    paid,
    payment,
    prove,
    take,
)
from tests.store.conftest import NOW

LATER = NOW + timedelta(hours=1)


def rows(store: Store) -> int:
    with store.read() as tx:
        return tx.execute(select(func.count()).select_from(fact_table)).scalar_one()


def test_what_a_record_proves_holds_until_it_proves_otherwise(store: Store) -> None:
    assert prove(store, invoice(1), billed(100, "S-1", "INV-1"), version=NOW) == 1
    assert held(store, "S-1") == [("billed", 100)]
    # when the same is proven again, nothing is new and nobody looks again
    assert take(store) == ("S-1",)
    assert prove(store, invoice(1), billed(100, "S-1", "INV-1"), version=LATER) == 0
    assert take(store) == ()
    # when it proves another amount, that one holds and the older one is still there
    assert prove(store, invoice(1), billed(120, "S-1", "INV-1"), version=LATER) == 1
    assert held(store, "S-1") == [("billed", 120)]
    assert take(store) == ("S-1",)
    assert rows(store) == 2
    with store.read() as tx:
        older, newer = tx.execute(select(fact_table).order_by(fact_table.c.number)).all()
    assert (older.supersedes, newer.supersedes) == (None, older.number)
    assert (older.amount_minor, newer.amount_minor) == (100, 120)


def test_what_a_record_proves_no_longer_is_taken_back(store: Store) -> None:
    prove(store, invoice(1), billed(100, "S-1", "INV-1"), billed(5, "S-2", "INV-1", "2"))
    take(store)
    # when a line is gone, then so is its amount
    assert prove(store, invoice(1), billed(100, "S-1", "INV-1")) == 1
    assert (held(store, "S-1"), held(store, "S-2")) == ([("billed", 100)], [])
    assert take(store) == ("S-1", "S-2")
    # when the record is gone, then all of it is
    assert prove(store, invoice(1)) == 1
    assert held(store, "S-1") == []
    assert prove(store, invoice(1)) == 0
    # and when it comes back
    prove(store, invoice(1), billed(100, "S-1", "INV-1"))
    assert held(store, "S-1") == [("billed", 100)]
    assert rows(store) == 5


def test_only_the_kinds_that_a_mapping_declares_are_taken_back(store: Store) -> None:
    tax = fact(FactKind.TAX, 19, contract="S-1")
    prove(store, invoice(1), billed(100, "S-1", None), kinds=[FactKind.BILLED])
    prove(store, invoice(1), tax, kinds=[FactKind.TAX])
    assert held(store, "S-1") == [("billed", 100), ("tax", 19)]
    prove(store, invoice(1), kinds=[FactKind.TAX])
    assert held(store, "S-1") == [("billed", 100)]


def test_an_older_version_of_a_record_proves_nothing_new(store: Store) -> None:
    prove(store, invoice(1), billed(120, "S-1", "INV-1"), version=LATER)
    take(store)
    assert prove(store, invoice(1), billed(100, "S-1", "INV-1"), version=NOW) == 0
    assert prove(store, invoice(1), version=NOW) == 0
    assert held(store, "S-1") == [("billed", 120)]
    assert take(store) == ()
    # but the same version may be read with more beside it, and a removal has none
    assert prove(store, invoice(1), billed(130, "S-1", "INV-1"), version=LATER) == 1
    assert prove(store, invoice(1)) == 1
    assert held(store, "S-1") == []


def test_a_payment_reaches_every_contract_that_its_invoice_bills(store: Store) -> None:
    prove(store, invoice(1), billed(100, "S-1", "INV-1"), billed(50, "S-2", "INV-1", "2"))
    prove(store, invoice(2), billed(10, "S-3", "INV-2"))
    take(store)
    prove(store, payment(1), paid(150, "INV-1"))
    assert take(store) == ("S-1", "S-2")
    for contract in ("S-1", "S-2"):
        assert ("paid", 150) in held(store, contract)
    assert held(store, "S-3") == [("billed", 10)]
    with store.read() as tx:
        kinds = [one.kind.value for one in facts.of_documents(tx, ["INV-1", "INV-9"])]
    assert kinds == ["billed", "billed", "paid"]


def test_a_payment_that_comes_before_its_invoice_is_there_when_that_comes(store: Store) -> None:
    prove(store, payment(1), paid(100, "INV-1"))
    assert take(store) == ()
    prove(store, invoice(1), billed(100, "S-1", "INV-1"))
    assert take(store) == ("S-1",)
    assert held(store, "S-1") == [("paid", 100), ("billed", 100)]


def test_a_payment_that_is_applied_elsewhere_is_news_to_both_contracts(store: Store) -> None:
    prove(store, invoice(1), billed(100, "S-1", "INV-1"))
    prove(store, invoice(2), billed(100, "S-2", "INV-2"))
    prove(store, payment(1), paid(100, "INV-1"))
    take(store)
    # when the same application names another invoice
    prove(store, payment(1), paid(100, "INV-2"))
    assert take(store) == ("S-1", "S-2")
    assert held(store, "S-1") == [("billed", 100)]


def test_a_fact_that_names_another_contract_is_news_to_both(store: Store) -> None:
    prove(store, invoice(1), billed(100, "S-1", "INV-1"))
    take(store)
    prove(store, invoice(1), billed(100, "S-2", "INV-1"))
    assert take(store) == ("S-1", "S-2")
    assert (held(store, "S-1"), held(store, "S-2")) == ([], [("billed", 100)])


def test_an_invoice_that_bills_another_contract_too_is_news_to_those_it_billed(
    store: Store,
) -> None:
    """What each has of a payment follows what each was billed."""
    prove(store, invoice(1), billed(100, "S-1", "INV-1"))
    prove(store, payment(1), paid(100, "INV-1"))
    take(store)
    prove(store, invoice(1), billed(100, "S-1", "INV-1"), billed(100, "S-2", "INV-1", "2"))
    assert take(store) == ("S-1", "S-2")


def test_deals_and_contracts_find_each_other(store: Store) -> None:
    for number, (contract, deal) in enumerate(
        [("S-1", "D-1"), ("S-1", "D-2"), ("S-2", "D-2"), ("S-3", None)]
    ):
        ordered = fact(FactKind.ORDERED, 10, contract=contract, deal=deal)
        prove(store, invoice(number), ordered)
    with store.read() as tx:
        assert facts.deals(tx, ["S-1", "S-2", "S-3", "S-9"]) == {
            "S-1": ["D-1", "D-2"],
            "S-2": ["D-2"],
        }
        assert facts.contracts_of_deals(tx, ["D-1", "D-2", "D-9"]) == {
            "D-1": ["S-1"],
            "D-2": ["S-1", "S-2"],
        }


def test_totals_add_up_what_holds_by_currency(store: Store) -> None:
    prove(store, invoice(1), billed(100, "S-1", None), billed(10, "S-1", None, "2"))
    prove(store, invoice(1), billed(100, "S-1", None), billed(15, "S-1", None, "2"))
    yen = fact(FactKind.BILLED, 500, currency="JPY", exponent=0, contract="S-2")
    prove(store, invoice(2), yen)
    prove(store, invoice(3), billed(7, "S-3", None))
    prove(store, invoice(3))
    with store.read() as tx:
        assert facts.totals(tx) == [
            (FactKind.BILLED, "EUR", 2, 2, 115),
            (FactKind.BILLED, "JPY", 0, 1, 500),
        ]


def test_large_amounts_keep_every_digit(store: Store) -> None:
    prove(store, invoice(1), billed(10**18, "S-1", None), billed(1, "S-1", None, "2"))
    assert held(store, "S-1") == [("billed", 10**18), ("billed", 1)]


def test_facts_roll_back_with_their_transaction(store: Store) -> None:
    with suppress(ZeroDivisionError), store.write() as tx:
        proofs = {invoice(1): ((billed(100, "S-1", None),), None)}
        facts.settle(tx, proofs, EVERY_KIND, NOW)
        raise ZeroDivisionError
    assert held(store, "S-1") == []
    with store.read() as tx:
        assert not books.any_dirty(tx)
