"""Short ways to facts, promises and lines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from engine.model import Address
from engine.money.calendar import Period
from engine.money.lines import PlannedLine, Reason
from engine.money.model import Fact, FactKind
from engine.store import books, facts
from engine.store.books import Line, Promise, Version
from engine.store.store import Store
from tests.store.conftest import NOW
from tests.store.store_kit import at

DAY = date(2026, 1, 1)
PROMISE = Promise("S-1", "revenue:saas:1:EUR", "revenue", "saas", "1", "EUR", 2)
EVERY_KIND = tuple(FactKind)


def fact(kind: FactKind, amount_minor: int, key: str = "1", **more: Any) -> Fact:
    return replace(Fact(kind, key, amount_minor, "EUR", 2, DAY), **more)


def billed(amount_minor: int, contract: str, document: str | None, key: str = "1") -> Fact:
    return fact(FactKind.BILLED, amount_minor, key, contract=contract, document=document)


def paid(amount_minor: int, document: str, key: str = "1") -> Fact:
    return fact(FactKind.PAID, amount_minor, key, document=document)


def invoice(id: str | int) -> Address:
    return at(id, "zuora", "invoices")


def payment(id: str | int) -> Address:
    return at(id, "zuora", "payments")


def prove(
    store: Store,
    address: Address,
    *proved: Fact,
    version: datetime | None = None,
    kinds: Iterable[FactKind] = EVERY_KIND,
    now: datetime = NOW,
) -> int:
    """Let a record prove these facts, and nothing else of these kinds."""
    with store.write() as tx:
        return facts.settle(tx, {address: (proved, version)}, kinds, now)


def take(store: Store, limit: int = 100, now: datetime = NOW) -> tuple[str, ...]:
    with store.write() as tx:
        return books.take_dirty(tx, limit, now)


def held(store: Store, contract: str) -> list[tuple[str, int]]:
    """(kind, amount) of what holds for a contract and is not nothing."""
    with store.read() as tx:
        found = [one for _address, one in facts.of_contract(tx, contract)]
    return [(one.kind.value, one.amount_minor) for one in found if one.amount_minor]


def planned(month: str, amount_minor: int, service: str | None = None) -> PlannedLine:
    return PlannedLine(Period(month), Period(service or month), amount_minor, Reason.RELEASE)


def schedule(
    store: Store, *lines: PlannedLine, promise: Promise = PROMISE, number: int = 1
) -> None:
    """Put these lines in the place of the promise's unsealed ones."""
    total = sum(line.amount_minor for line in lines)
    version = Version(number, "prospective", f"d{number}", total, DAY, date(2026, 12, 31))
    with store.write() as tx:
        books.put_version(tx, promise, version, NOW)
        books.replace_lines(tx, promise, number, lines, NOW)


def lines(store: Store, contract: str = "S-1") -> list[Line]:
    with store.read() as tx:
        return books.lines_of(tx, [contract])


def due(store: Store, last: str = "2026-12", kind: str = "revenue") -> list[Line]:
    with store.read() as tx:
        return books.unsealed(tx, kind, Period(last))


def seal(store: Store, wanted: Iterable[Line], now: datetime = NOW, **keys: str) -> str:
    with store.write() as tx:
        return books.seal(tx, "journals", keys or {"period": "2026-01"}, list(wanted), now)
