"""What the books ask at every turn goes through an index, however much has been posted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from engine.money.calendar import Period
from engine.money.model import FactKind, Rate
from engine.money.reporting import Reporting
from engine.store import books, facts, rates
from engine.store.rates import Lack, Rates
from engine.store.sql import Tx
from engine.store.store import Store
from tests.store.books_kit import (
    DAY,
    PROMISE,
    billed,
    due,
    fact,
    invoice,
    paid,
    payment,
    planned,
    prove,
    schedule,
    seal,
    take,
)
from tests.store.conftest import KEY, NOW
from tests.store.store_kit import at
from tests.store.test_plans import plans

POSTED = 120
OPEN = 5


def dollars(tx: Tx) -> Rates:
    return Rates(tx, Reporting("USD", 2, 7))


@pytest.fixture(scope="module", params=["without statistics", "with statistics"])
def used(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """A store in which most contracts are clean and posted, and some are not."""
    store = Store.open(None, Path(tmp_path_factory.mktemp("plans")), KEY)
    for number in range(POSTED):
        contract, document = f"S-{number}", f"INV-{number}"
        ordered = fact(FactKind.ORDERED, 100, contract=contract, deal=f"D-{number}")
        prove(store, invoice(number), ordered, billed(100, contract, document))
        prove(store, payment(number), paid(100, document))
        schedule(store, planned("2026-01", 1), promise=replace(PROMISE, contract=contract))
        seal(store, due(store))
    take(store, POSTED)
    pairs = [Rate(of, "USD", Decimal(1), DAY) for of in ("EUR", "JPY") for _ in range(POSTED)]
    seen = {at(number, "netsuite", "rates"): (rate, None) for number, rate in enumerate(pairs)}
    with store.write() as tx:
        rates.see(tx, seen, NOW)
        for number in range(POSTED):
            lacking = Lack("GBP", "USD", DAY + timedelta(days=number))
            rates.settle_lacking(tx, f"S-{number}", {lacking})
    for number in range(OPEN):
        prove(store, invoice(number), billed(120, f"S-{number}", f"INV-{number}"))
        schedule(
            store,
            planned("2026-01", 1),
            planned("2026-02", 1),
            promise=replace(PROMISE, contract=f"S-{number}"),
            number=2,
        )
    if request.param == "with statistics":
        with store.write() as tx:
            tx.exec_driver_sql("ANALYZE")
    yield store
    store.close()


QUERIES: dict[str, tuple[Callable[[Tx], object], str]] = {
    "any dirty": (books.any_dirty, "book_dirty"),
    "take dirty": (lambda tx: books.take_dirty(tx, 50, NOW), "book_dirty"),
    "any due line": (
        lambda tx: books.any_unsealed(tx, "revenue", Period("2026-01")),
        "schedule_line_unsealed",
    ),
    "due lines": (
        lambda tx: books.unsealed(tx, "revenue", Period("2026-01")),
        "schedule_line_unsealed",
    ),
    "lines of a contract": (lambda tx: books.lines_of(tx, ["S-1"]), "schedule_line_contract"),
    "contracts that changed": (lambda tx: books.changed(tx, NOW, "S-1", 10), "book_changed"),
    "batches since": (lambda tx: books.sealed(tx, NOW, "j", 10), "journal_batch_sealed"),
    "facts of a contract": (lambda tx: facts.of_contract(tx, "S-1"), "fact_head_contract"),
    "facts of an invoice": (lambda tx: facts.of_documents(tx, ["INV-1"]), "fact_head_document"),
    "deals of a contract": (lambda tx: facts.deals(tx, ["S-1"]), "fact_head_contract"),
    "rate of a day": (lambda tx: dollars(tx).of("EUR", DAY), "exchange_rate_pair"),
    "rate of a record": (
        lambda tx: rates.see(tx, {at(1, "netsuite", "rates"): (None, None)}, NOW),
        "exchange_rate_record",
    ),
    "who lacks a rate": (
        lambda tx: rates.lacks(tx, Lack("EUR", "USD", DAY)),
        "rate_lacking_day",
    ),
    "contracts of a deal": (lambda tx: facts.contracts_of_deals(tx, ["D-1"]), "fact_head_deal"),
}


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_of_the_books_uses_its_index(used: Store, name: str) -> None:
    run, index = QUERIES[name]
    (plan, *_others) = plans(used, run)
    assert f"INDEX {index}" in plan
    assert "SCAN schedule_line" not in plan.replace(f"SCAN schedule_line USING INDEX {index}", "")
    assert "SCAN fact" not in plan


def test_whom_a_rate_concerns_is_found_by_days(used: Store) -> None:
    rate = Rate("JPY", "USD", Decimal(1), DAY)
    reporting = Reporting("USD", 2, 7)
    (documents, own, lines) = plans(used, lambda tx: rates.concerned(tx, [rate], reporting))
    assert "INDEX fact_day" in documents
    assert "INDEX fact_day" in own
    assert "INDEX schedule_line_sealed" in lines
    assert "SCAN" not in documents + own + lines


def test_a_batch_is_read_by_its_lines_index(used: Store) -> None:
    with used.read() as tx:
        (id, *_rest) = books.batch_ids(tx, "", 1)
    (lines, batches) = plans(used, lambda tx: books.batches(tx, [id]))
    assert "INDEX schedule_line_batch" in lines
    assert "SCAN" not in batches
