"""Keeping the books: what follows from facts, what is handed over when, and what never changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import permutations
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from connectors.records import Selection
from engine.books import keep as keeping
from engine.books.connector import Books
from engine.books.keep import keep
from engine.config.model import BooksConfig, Enabled, Endpoint
from engine.money.model import FactKind
from engine.money.spread import Method
from engine.store.store import Store
from tests.books.kit import Bench, ordered, step, sync, told

CONTRACTS = Endpoint("revline", "contracts")
DEALS = Endpoint("revline", "deals")
LINES = Endpoint("revline", "schedule_lines")


def on(month: int, day: int, hour: int = 12) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


# -- schedules -----------------------------------------------------------------------------------


def test_a_schedule_follows_from_an_order(bench: Bench) -> None:
    bench.prove("1", ordered(1_000_000))
    assert bench.keep() == (CONTRACTS, DEALS)
    planned = bench.planned()
    assert [amount for _in, _for, amount, _why, _sealed in planned[:3]] == [83333, 83334, 83333]
    assert sum(amount for _in, _for, amount, _why, _sealed in planned) == 1_000_000
    assert planned[0] == ("2026-01", "2026-01", 83333, "release", False)
    assert len(planned) == 12
    # and the ledger has a line about it
    (line,) = bench.ledger()
    assert (line["operation"], line["outcome"], line["code"]) == (
        "schedule", "confirmed", "METHOD_PROSPECTIVE",
    )  # fmt: skip
    assert line["business_key"] == "S-1:revenue:subscription:1:USD:1"
    assert (line["amount"], line["currency"]) == ("10000.00", "USD")


def test_looking_again_changes_nothing(bench: Bench) -> None:
    bench.prove("1", ordered(1_000_000))
    bench.keep()
    before = bench.planned(), len(bench.ledger())
    assert bench.keep() == ()
    bench.prove("1", ordered(1_000_000))
    assert bench.keep() == ()
    assert (bench.planned(), len(bench.ledger())) == before


def test_a_change_opens_another_version_and_replaces_what_was_not_posted(bench: Bench) -> None:
    bench.prove("1", ordered(1_200_000))
    bench.keep()
    bench.prove("1", ordered(1_200_000), ordered(60_000, months=(7, 12), key="C-2"))
    bench.keep()
    assert [amount for _in, _for, amount, _why, _sealed in bench.planned()] == [
        *[100_000] * 6,
        *[110_000] * 6,
    ]
    keys = [line["business_key"] for line in bench.ledger()]
    assert keys == ["S-1:revenue:subscription:1:USD:1", "S-1:revenue:subscription:1:USD:2"]


def test_a_promise_that_is_taken_back_leaves_no_line(bench: Bench) -> None:
    bench.prove("1", ordered(1_200_000))
    bench.keep()
    bench.prove("1")
    bench.keep()
    assert bench.planned() == []


def test_families_entities_and_currencies_are_promises_of_their_own(bench: Bench) -> None:
    facts = [
        ordered(1200, key="a", obligation="a", family="services"),
        ordered(1200, key="b", obligation="b", entity="2"),
        ordered(1200, key="c", obligation="c", currency="JPY", exponent=0),
        ordered(1200, key="d", obligation="d", kind=FactKind.COST),
    ]
    bench.prove("1", *facts)
    bench.keep()
    names = {line.promise for line in bench.lines()}
    assert names == {
        "revenue:services:1:USD",
        "revenue:subscription:2:USD",
        "revenue:subscription:1:JPY",
        "cost:subscription:1:USD",
    }
    assert all(sum(1 for one in bench.lines() if one.promise == name) == 12 for name in names)


def test_a_family_is_modified_as_the_configuration_says(bench: Bench) -> None:
    bench.books = BooksConfig(methods={"services": Method.CATCH_UP})
    bench.prove("1", ordered(1200), ordered(1200, key="s", obligation="s", family="services"))
    bench.keep()
    assert sorted(line["code"] for line in bench.ledger()) == [
        "METHOD_CATCH_UP",
        "METHOD_PROSPECTIVE",
    ]


def test_the_order_in_which_facts_come_does_not_matter(bench: Bench) -> None:
    plans = []
    for number, names in enumerate(permutations("123")):
        contract = f"S-{number}"
        facts = {
            "1": ordered(1_200_000, contract),
            "2": ordered(60_000, contract, months=(7, 12), key="C-2"),
            "3": told(FactKind.CREDITED, 50_000, contract=contract, obligation=f"C-{contract}"),
        }
        for name in names:
            bench.prove(f"{contract}/{name}", facts[name])
            bench.keep()
        plans.append(sorted(bench.planned(contract)))
    assert all(one == plans[0] for one in plans)
    assert sum(amount for _in, _for, amount, _why, _sealed in plans[0]) == 1_210_000


# -- sealing -------------------------------------------------------------------------------------


def test_a_month_is_sealed_when_it_has_ended_long_enough(bench: Bench) -> None:
    bench.prove("1", ordered(1200))
    bench.keep()
    assert bench.at(on(2, 1, 23)) == ()
    assert bench.batches() == {}
    assert bench.at(on(2, 2, 0)) == (LINES, CONTRACTS, DEALS)
    (batch,) = bench.batches().values()
    assert batch.id == "journals-2026-01-1-USD-1"
    assert [(line.period.name, line.amount_minor) for line in batch.lines] == [("2026-01", 100)]
    assert bench.at(on(2, 28)) == ()


def test_a_month_ends_at_midnight_where_the_books_are_kept(bench: Bench) -> None:
    bench.books = BooksConfig(zone=ZoneInfo("America/New_York"))
    bench.prove("1", ordered(1200))
    bench.keep()
    assert bench.at(on(2, 2, 4)) == ()
    assert LINES in bench.at(on(2, 2, 5))


def test_months_that_were_missed_are_sealed_apart(bench: Bench) -> None:
    bench.prove("1", ordered(1200))
    bench.prove("2", ordered(2400, "S-2", entity="2"))
    bench.at(on(4, 10))
    assert {id: len(batch.lines) for id, batch in bench.batches().items()} == {
        f"journals-2026-0{month}-{entity}-USD-1": 1 for month in (1, 2, 3) for entity in (1, 2)
    }


def test_what_comes_late_makes_the_next_batch_of_its_group(bench: Bench) -> None:
    bench.prove("1", ordered(1200))
    bench.at(on(2, 10))
    bench.prove("2", ordered(2400, "S-2"))
    bench.at(on(2, 11))
    found = bench.batches()
    assert [(id, batch.number) for id, batch in found.items()] == [
        ("journals-2026-01-1-USD-1", 1),
        ("journals-2026-01-1-USD-2", 2),
    ]
    assert [line.contract for batch in found.values() for line in batch.lines] == ["S-1", "S-2"]


def test_a_batch_has_only_so_many_lines(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "LINES_PER_BATCH", 2)
    for number in range(5):
        bench.prove(str(number), ordered(1200, f"S-{number}"))
    bench.at(on(2, 10))
    assert [len(batch.lines) for batch in bench.batches().values()] == [2, 2, 1]


def test_nothing_is_sealed_while_a_contract_waits_to_be_looked_at(bench: Bench) -> None:
    bench.prove("1", ordered(1200))
    bench.keep()
    bench.clock.time = on(2, 10)
    bench.prove("2", ordered(2400, "S-2"))
    keep(bench.services())
    (batch,) = bench.batches().values()
    assert [line.contract for line in batch.lines] == ["S-1", "S-2"]


@pytest.mark.parametrize("enabled", [Enabled.OFF, Enabled.SHADOW])
def test_a_sync_that_does_not_write_seals_nothing(bench: Bench, enabled: Enabled) -> None:
    bench.syncs = (sync(enabled=enabled),)
    bench.prove("1", ordered(1200))
    bench.at(on(2, 10))
    assert bench.batches() == {}


def test_costs_are_handed_over_by_their_own_sync(bench: Bench) -> None:
    costs = sync("costs", source=Endpoint("revline", "cost_lines"))
    bench.syncs = (sync(), costs)
    bench.prove("1", ordered(1200), ordered(600, key="k", kind=FactKind.COST))
    bench.at(on(2, 10))
    assert {id: [line.kind for line in one.lines] for id, one in bench.batches().items()} == {
        "costs-2026-01-1-USD-1": ["cost"],
        "journals-2026-01-1-USD-1": ["revenue"],
    }


# -- late changes and closed periods -------------------------------------------------------------


def test_a_posted_line_is_reversed_and_restated_never_changed(bench: Bench) -> None:
    bench.prove("1", ordered(1200))
    bench.at(on(2, 10))
    sealed = [line for line in bench.lines() if line.batch]
    bench.close_month(1)
    bench.prove("1", ordered(2400))
    bench.keep()
    assert [line for line in bench.lines() if line.batch] == sealed
    assert bench.planned()[1:4] == [
        ("2026-02", "2026-01", -100, "reversal", False),
        ("2026-02", "2026-01", 200, "restated", False),
        ("2026-02", "2026-02", 200, "release", False),
    ]
    bench.at(on(3, 10))
    (line,) = bench.batches()["journals-2026-01-1-USD-1"].lines
    assert line.amount_minor == 100
    assert sum(one.amount_minor for one in bench.batches()["journals-2026-02-1-USD-1"].lines) == 300


def test_a_month_that_closes_moves_what_was_planned_for_it(bench: Bench) -> None:
    bench.prove("1", ordered(1200))
    bench.keep()
    bench.close_month(1)
    assert bench.keep() == (CONTRACTS, DEALS)
    assert bench.planned()[:2] == [
        ("2026-02", "2026-01", 100, "late", False),
        ("2026-02", "2026-02", 100, "release", False),
    ]
    # and back, when it opens again
    bench.close_month(1, closed=False)
    bench.keep()
    assert bench.planned()[0] == ("2026-01", "2026-01", 100, "release", False)


def test_a_month_that_closes_after_it_was_sealed_moves_nothing(bench: Bench) -> None:
    bench.prove("1", ordered(1200))
    bench.at(on(2, 10))
    before = bench.planned()
    bench.close_month(1)
    assert bench.keep() == ()
    assert bench.planned() == before


# -- crashes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "point",
    ["books.before_commit", "books.after_commit", "seal.before_commit", "seal.after_commit"],
)
def test_a_crash_at_any_point_changes_nothing_in_the_end(tmp_path: Path, point: str) -> None:
    found = []
    for name, crashes in (("with", True), ("without", False)):
        store = Store.open(None, tmp_path / name, b"k" * 32)
        bench = Bench(store)
        bench.clock.time = on(4, 10)
        bench.prove("1", ordered(1200))
        bench.prove("2", ordered(2400, "S-2"))
        if crashes:
            step(bench, point)()
        bench.keep()
        found.append((bench.planned("S-1"), bench.planned("S-2"), list(bench.batches())))
        store.close()
    assert found[0] == found[1]
    assert len(found[0][2]) == 3


def test_without_the_built_in_source_nothing_is_kept(bench: Bench) -> None:
    bench.prove("1", ordered(1200))
    services = bench.services()
    config = replace(services.config, connections={})
    assert keep(replace(services, config=config)) == ()
    assert bench.planned() == []


def test_what_is_earned_with_its_invoice_has_no_line(bench: Bench) -> None:
    # given hardware that was planned before the configuration said what it is
    facts = (
        ordered(1200, key="s", obligation="s"),
        ordered(500, key="h", obligation="h", family="hardware", months=(1, 1)),
        told(FactKind.BILLED, 500, key="h", contract="S-1", obligation="h", family="hardware"),
        told(FactKind.CREDITED, 100, key="h", contract="S-1", obligation="h"),
    )
    bench.prove("1", *facts)
    bench.keep()
    assert {line.family for line in bench.lines()} == {"subscription", "hardware"}
    # when it says so, then every contract is looked at anew
    bench.books = BooksConfig(at_invoice=frozenset({"hardware"}))
    bench.keep()
    assert {line.family for line in bench.lines()} == {"subscription"}
    # and what was billed for it, less what was given back, is earned and not deferred
    selection = Selection("contracts", ("recognised", "deferred"))
    (record,) = Books(bench.store, {"hardware"}).read(selection, ["S-1"])
    assert record.fields == {"recognised": Decimal("4.00"), "deferred": Decimal("0.00")}
