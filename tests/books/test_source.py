"""The built-in source: what it shows of the books, in which order, and where it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from connectors.base import Connector, Lists, Polls
from connectors.records import Life, Record, Selection
from engine.config.model import Endpoint
from engine.money.model import FactKind
from tests.books.kit import FIELDS, START, Bench, ordered, sync, told

AGES_AGO = datetime(2020, 1, 1, tzinfo=UTC)
FEBRUARY = datetime(2026, 2, 10, tzinfo=UTC)


def ids(records: Sequence[Record]) -> list[str]:
    return [record.ref.id for record in records]


def walk(bench: Bench, object: str, limit: int, *, listing: bool = False) -> list[list[str]]:
    """The ids of each page, up to the head."""
    source, selection = bench.source, Selection(object, ("id",))
    cursor = None if listing else source.first_cursor(selection, AGES_AGO)
    pages = []
    while True:
        page = (
            source.list(selection, cursor, limit)
            if listing
            else source.changes(selection, cursor or "", limit)
        )
        pages.append(ids(page.records))
        cursor = page.cursor
        if page.at_head:
            return pages


def contracts(bench: Bench, *names: str) -> None:
    for name in names:
        bench.prove(name, ordered(1200, name))
    bench.keep()


def test_it_is_a_connector_that_is_read_only(bench: Bench) -> None:
    source = bench.source
    assert isinstance(source, Connector)
    assert isinstance(source, Polls)
    assert isinstance(source, Lists)
    assert not any(spec.writable for spec in source.spec.objects)
    assert not hasattr(source, "apply")
    assert source.check().id == "revline"


@pytest.mark.parametrize("object", ["contracts", "deals", "schedule_lines", "cost_lines", "facts"])
def test_empty_books_are_empty(bench: Bench, object: str) -> None:
    assert walk(bench, object, 10) == [[]]
    assert walk(bench, object, 10, listing=True) == [[]]
    (record,) = bench.read(object, "unknown")
    assert (record.ref.object, record.ref.id, record.life) == (object, "unknown", Life.DELETED)


def test_records_are_read_in_the_order_asked_with_the_fields_asked(bench: Bench) -> None:
    contracts(bench, "S-1", "S-2")
    source = bench.source
    found = source.read(Selection("contracts", ("status", "entity.id")), ["S-2", "S-9", "S-1"])
    assert ids(found) == ["S-2", "S-9", "S-1"]
    assert [record.life for record in found] == [Life.LIVE, Life.DELETED, Life.LIVE]
    assert dict(found[0].fields) == {"status": "Not billed", "entity": "1"}
    assert dict(found[1].fields) == {}
    assert found[0].version == START


def test_pages_end_within_an_instant_and_go_on_there(bench: Bench) -> None:
    contracts(bench, *(f"S-{number}" for number in range(5)))
    pages = walk(bench, "contracts", 2)
    assert pages == [["S-0", "S-1"], ["S-2", "S-3"], ["S-4"]]
    assert walk(bench, "contracts", 2, listing=True) == pages
    assert walk(bench, "contracts", 5)[0] == [f"S-{number}" for number in range(5)]


def test_at_the_head_news_is_found_and_the_last_seconds_are_read_again(bench: Bench) -> None:
    contracts(bench, "S-1")
    source, selection = bench.source, Selection("contracts", ("id",))
    page = source.changes(selection, source.first_cursor(selection, AGES_AGO), 10)
    assert (ids(page.records), page.at_head) == (["S-1"], True)
    # a contract that is noted with an earlier time, by however much
    bench.clock.time -= timedelta(minutes=3)
    contracts(bench, "S-2")
    page = source.changes(selection, page.cursor, 10)
    assert ids(page.records) == ["S-1", "S-2"]
    bench.clock.time += timedelta(minutes=3)
    # what is older than the overlap is not read again
    bench.clock.time += timedelta(minutes=5)
    contracts(bench, "S-3")
    page = source.changes(selection, page.cursor, 10)
    page = source.changes(selection, page.cursor, 10)
    assert ids(page.records) == ["S-3"]
    # and where nothing ever was, the cursor stays
    assert source.changes(selection, source.first_cursor(selection, FEBRUARY), 10).at_head


def test_a_batch_shows_as_the_journal_it_becomes(bench: Bench) -> None:
    bench.syncs = (sync(), sync("costs", source=Endpoint("revline", "cost_lines")))
    bench.prove("1", ordered(1_000_000), ordered(600, key="k", kind=FactKind.COST))
    bench.at(FEBRUARY)
    assert walk(bench, "schedule_lines", 10) == [["journals-2026-01-1-USD-1"]]
    assert walk(bench, "cost_lines", 10) == [["costs-2026-01-1-USD-1"]]
    assert walk(bench, "schedule_lines", 10, listing=True)[0] == ["journals-2026-01-1-USD-1"]
    (record,) = bench.read("schedule_lines", "journals-2026-01-1-USD-1")
    common = {
        "contract": "S-1",
        "family": "subscription",
        "service": "2026-01",
        "reason": "release",
        "memo": "Revenue S-1",
    }
    amount = Decimal("833.33")
    assert dict(record.fields) == {
        "id": "journals-2026-01-1-USD-1",
        "number": 1,
        "period": "2026-01",
        "period_first": date(2026, 1, 1),
        "period_last": date(2026, 1, 31),
        "currency": "USD",
        "entity": "1",
        "total": amount,
        "sealed_at": FEBRUARY,
        "entries": (
            {**common, "role": "deferred_revenue", "debit": amount, "credit": None},
            {**common, "role": "revenue", "debit": None, "credit": amount},
        ),
    }
    (cost,) = bench.read("cost_lines", "costs-2026-01-1-USD-1")
    entries = cost.fields["entries"]
    assert isinstance(entries, tuple)
    assert [(one["role"], one["debit"], one["credit"]) for one in entries] == [
        ("cost_of_sales", Decimal("0.50"), None),
        ("deferred_cost", None, Decimal("0.50")),
    ]
    # a batch of one kind is no record of the other
    (other,) = bench.read("cost_lines", "journals-2026-01-1-USD-1")
    assert other.life is Life.DELETED


def test_a_reversal_swaps_its_sides_and_names_the_month_of_service(bench: Bench) -> None:
    bench.prove("1", ordered(1200))
    bench.at(FEBRUARY)
    bench.close_month(1)
    bench.prove("1", ordered(2400))
    bench.at(FEBRUARY + timedelta(days=30))
    (record,) = bench.read("schedule_lines", "journals-2026-02-1-USD-1")
    entries = record.fields["entries"]
    assert isinstance(entries, tuple)
    assert [(one["role"], one["debit"], one["memo"]) for one in entries if one["debit"]] == [
        ("revenue", Decimal("1.00"), "Revenue S-1, reversal for service period 2026-01"),
        ("deferred_revenue", Decimal("2.00"), "Revenue S-1, restated for service period 2026-01"),
        ("deferred_revenue", Decimal("2.00"), "Revenue S-1"),
    ]
    assert record.fields["total"] == Decimal("5.00")


def test_amounts_have_the_places_of_their_currency(bench: Bench) -> None:
    for name, currency, exponent in (("S-1", "JPY", 0), ("S-2", "KWD", 3)):
        bench.prove(name, ordered(12_000, name, currency=currency, exponent=exponent))
    bench.at(FEBRUARY)
    yen, dinars = bench.read(
        "schedule_lines", "journals-2026-01-1-JPY-1", "journals-2026-01-1-KWD-1"
    )
    assert [str(one.fields["total"]) for one in (yen, dinars)] == ["1000", "1.000"]


def test_a_contract_shows_what_it_comes_to(bench: Bench) -> None:
    invoice = {"document": "INV-1", "contract": "S-1", "obligation": "C-S-1"}
    bench.prove("1", ordered(1_000_000))
    amounts = {FactKind.BILLED: 1_000_000, FactKind.TAX: 190_000}
    bench.prove("2", *(told(kind, amount, **invoice) for kind, amount in amounts.items()))
    bench.prove("3", told(FactKind.PAID, 400_000, document="INV-1", effective_on=date(2026, 1, 20)))
    bench.at(FEBRUARY)
    (record,) = bench.read("contracts", "S-1")
    shown = {name: record.fields[name] for name in FIELDS if name in record.fields}
    assert shown == {
        "id": "S-1",
        "contract": "S-1",
        "currency": "USD",
        "entity": "1",
        "ordered": Decimal("10000.00"),
        "billed": Decimal("10000.00"),
        "tax": Decimal("1900.00"),
        "credited": Decimal("0.00"),
        "paid": Decimal("4000.00"),
        "recognised": Decimal("833.33"),
        "deferred": Decimal("9166.67"),
        "open": Decimal("7900.00"),
        "status": "Part paid",
        "first_billed_on": date(2026, 1, 1),
        "last_paid_on": date(2026, 1, 20),
    }
    assert record.version == FEBRUARY


def test_deals_that_share_an_invoice_share_its_payment_to_the_cent(bench: Bench) -> None:
    for name, amount in (("S-1", 10_000), ("S-2", 10_000), ("S-3", 10_000)):
        bench.prove(name, ordered(amount, name))
    bills = [
        told(FactKind.BILLED, 10_000, f"{name}", contract=name, obligation=f"C-{name}", document="INV-1")  # noqa: E501
        for name in ("S-1", "S-2", "S-3")
    ]  # fmt: skip
    bench.prove("invoice", *bills)
    bench.prove("payment", told(FactKind.PAID, 10_000, document="INV-1"))
    bench.keep()
    found = bench.read("deals", "D-S-1", "D-S-2", "D-S-3", "D-S-9")
    assert [str(one.fields.get("paid")) for one in found] == ["33.33", "33.34", "33.33", "None"]
    assert [one.fields.get("status") for one in found[:3]] == ["Part paid"] * 3
    assert walk(bench, "deals", 2) == [["D-S-1", "D-S-2"], ["D-S-3"]]


def test_deals_under_one_contract_have_each_their_own_part(bench: Bench) -> None:
    bench.prove("1", ordered(1200), ordered(600, key="C-2", obligation="up", deal="D-up", months=(7, 12)))  # noqa: E501  # fmt: skip
    bench.prove("2", told(FactKind.BILLED, 600, contract="S-1", obligation="up", document="INV-2"))
    bench.keep()
    first, second = bench.read("deals", "D-S-1", "D-up")
    assert [first.fields["ordered"], second.fields["ordered"]] == [Decimal(12), Decimal(6)]
    assert [first.fields["billed"], second.fields["billed"]] == [Decimal(0), Decimal(6)]
    assert [first.fields["contract"], second.fields["contract"]] == ["S-1", "S-1"]


def test_a_contract_is_news_when_its_lines_are_sealed(bench: Bench) -> None:
    contracts(bench, "S-1")
    source, selection = bench.source, Selection("contracts", ("recognised",))
    cursor = source.first_cursor(selection, START + timedelta(days=1))
    assert source.changes(selection, cursor, 10).records == ()
    bench.at(FEBRUARY)
    (record,) = source.changes(selection, cursor, 10).records
    assert record.fields == {"recognised": Decimal("1.00")}
