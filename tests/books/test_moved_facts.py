"""A kind of fact that another sync tells from now on is told once, not twice."""

from __future__ import annotations

from dataclasses import replace

from engine.books.spec import CONNECTION
from engine.config.model import Enabled, Endpoint
from engine.model import Address
from engine.money.model import FactKind
from engine.pipeline.proofs import Proofs, settle
from engine.store import facts
from tests.books.kit import Bench, mapping, ordered, sync

TOLD = """
mapping: m
source: {object: bills}
facts:
  - {kind: KIND, amount: a, currency: c, effective_on: d}
"""
BILLS = Endpoint("billing", "bills")


def telling(name: str, kind: str):
    return sync(
        name,
        source=BILLS,
        target=Endpoint(CONNECTION, "facts"),
        mapping=mapping(TOLD.replace("KIND", kind)),
        group_by=(),
        period_end=None,
    )


def sums(bench: Bench) -> dict[FactKind, int]:
    with bench.store.read() as tx:
        return {kind: total for kind, _currency, _exponent, _count, total in facts.totals(tx)}


def prove(bench: Bench, teller, *proved) -> None:
    proofs = Proofs(facts={Address("billing", "bills", "1"): (proved, None)})
    with bench.store.write() as tx:
        settle(bench.services(), tx, teller, proofs, bench.clock.now())


def test_what_a_mapping_tells_no_more_is_taken_back(bench: Bench) -> None:
    before = telling("bills", "ordered")
    bench.syncs = (before,)
    prove(bench, before, ordered(1_000))
    assert sums(bench) == {FactKind.ORDERED: 1_000}
    after = telling("bills", "billed")
    bench.syncs = (after,)
    prove(bench, after, replace(ordered(700), kind=FactKind.BILLED))
    assert sums(bench) == {FactKind.BILLED: 700}


def test_what_another_sync_of_the_same_source_tells_stays(bench: Bench) -> None:
    orders, bills = telling("orders", "ordered"), telling("bills", "billed")
    bench.syncs = (orders, bills)
    prove(bench, orders, ordered(1_000))
    prove(bench, bills, replace(ordered(700), kind=FactKind.BILLED))
    assert sums(bench) == {FactKind.ORDERED: 1_000, FactKind.BILLED: 700}


def test_a_sync_that_is_switched_off_keeps_what_it_told(bench: Bench) -> None:
    orders, bills = telling("orders", "ordered"), telling("bills", "billed")
    bench.syncs = (orders, bills)
    prove(bench, orders, ordered(1_000))
    # when it is switched off, and another sync of the same records goes on
    bench.syncs = (replace(orders, enabled=Enabled.OFF), bills)
    prove(bench, bills, replace(ordered(700), kind=FactKind.BILLED))
    # then what was ordered still stands, and no journal is reversed for it
    assert sums(bench) == {FactKind.ORDERED: 1_000, FactKind.BILLED: 700}
