"""What a fact ever was stays with it, in the order it was told."""

from __future__ import annotations

from datetime import date

from engine.money.model import FactKind
from engine.store import facts
from engine.store.store import Store
from tests.store.books_kit import billed, fact, invoice, paid
from tests.store.conftest import NOW
from tests.store.store_kit import at

JUNE, DECEMBER = date(2026, 6, 30), date(2026, 12, 31)


def test_every_version_of_a_fact_is_there_oldest_first(store: Store) -> None:
    subscription = at("S-1", "zuora", "subscriptions")
    ordered = (FactKind.ORDERED,)
    year = fact(FactKind.ORDERED, 1_200, "C-1/1", contract="S-1", service_to=DECEMBER)
    half = fact(FactKind.ORDERED, 595, "C-1/1", contract="S-1", service_to=JUNE)
    rest = fact(FactKind.ORDERED, 302, "C-1/2", contract="S-1", service_to=DECEMBER)
    with store.write() as tx:
        facts.settle(tx, {subscription: ((year,), None)}, ordered, NOW)
        facts.settle(tx, {subscription: ((half, rest), None)}, ordered, NOW)
        facts.settle(tx, {subscription: ((half, rest), None)}, ordered, NOW)
    with store.read() as tx:
        found = facts.versions(tx, "S-1")
        holds = [one for _address, one in facts.of_contract(tx, "S-1")]
    assert sorted(found, key=len) == [(rest,), (year, half)]
    assert sorted(several[-1].key for several in found) == sorted(one.key for one in holds)


def test_facts_of_its_invoices_are_among_those_of_a_contract(store: Store) -> None:
    kinds = (FactKind.BILLED, FactKind.PAID)
    with store.write() as tx:
        facts.settle(tx, {invoice("INV-1"): ((billed(50, "S-1", "INV-1"),), None)}, kinds, NOW)
        payment = at("P-1", "zuora", "payments")
        facts.settle(tx, {payment: ((paid(20, "INV-1"),), None)}, kinds, NOW)
        facts.settle(tx, {payment: ((paid(50, "INV-1"),), None)}, kinds, NOW)
    with store.read() as tx:
        found = facts.versions(tx, "S-1")
        assert facts.versions(tx, "S-2") == []
    assert sorted([one.amount_minor for one in several] for several in found) == [[20, 50], [50]]
