"""Books on a store of their own: facts go in, time passes, schedules and batches come out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, cast
from zoneinfo import ZoneInfo

from connectors.records import Record, Selection
from engine.books.connector import Books
from engine.books.keep import keep
from engine.books.spec import CONNECTION
from engine.config.model import (
    BooksConfig,
    Config,
    ConnectionConfig,
    Enabled,
    Endpoint,
    ReceiverConfig,
    StartFrom,
    SyncConfig,
)
from engine.config.problems import Problems
from engine.config.yaml import parse_document
from engine.ids import TimeIds
from engine.mapping.compile import compile_mapping
from engine.mapping.model import CompiledMapping
from engine.model import Address
from engine.money.model import Fact, FactKind, PeriodState, Rate
from engine.pipeline.gateway import Gateway
from engine.pipeline.proofs import Proofs, settle
from engine.pipeline.services import Services
from engine.store import books, ledger
from engine.store.books import Batch, Line
from engine.store.store import Store

START = datetime(2026, 1, 10, 12, tzinfo=UTC)
FIELDS = (
    *("id", "number", "period", "period_first", "period_last", "currency", "entity", "family"),
    *("contract", "total", "sealed_at", "entries", "ordered", "billed", "tax", "credited", "paid"),
    *("recognised", "deferred", "open", "status", "first_billed_on", "last_paid_on"),
)
_PROVEN = """mapping: proven
source: {object: anything}
facts:
"""
_JOURNAL = """mapping: journal
source: {object: schedule_lines}
target: {object: journalEntry, identity: externalId}
fields: {memo: period}
"""


class Crash(Exception):
    """What a failpoint does to us."""


@dataclass
class Moving:
    """A clock that is moved by hand."""

    time: datetime = START

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float, wake: object = None) -> None:
        raise AssertionError("nothing waits here")


def mapping(text: str) -> CompiledMapping:
    problems = Problems()
    compiled = compile_mapping(parse_document(text.encode(), "m.yaml"), problems)
    problems.raise_any()
    assert compiled is not None
    return compiled


def sync(name: str = "journals", **changes: Any) -> SyncConfig:
    made = SyncConfig(
        name=name,
        source=Endpoint(CONNECTION, "schedule_lines"),
        target=Endpoint("netsuite", "journalEntry"),
        mapping=mapping(_JOURNAL),
        enabled=Enabled.ON,
        start_from=StartFrom(),
        digest="d",
        group_by=("period", "entity", "currency"),
        period_end=timedelta(days=1),
    )
    return replace(made, **changes)


def observing() -> SyncConfig:
    """A sync whose records prove facts of every kind."""
    facts = "".join(
        f"  - {{kind: {kind}, amount: a, currency: c, effective_on: d}}\n" for kind in FactKind
    )
    return sync("proven", mapping=mapping(_PROVEN + facts), group_by=(), period_end=None)


class Nowhere:
    """A gateway to systems that can do nothing."""

    def connector(self, _connection: str) -> object:
        return self


@dataclass
class Bench:
    """The books with nothing around them."""

    store: Store
    clock: Moving = field(default_factory=Moving)
    syncs: tuple[SyncConfig, ...] = (sync(),)
    books: BooksConfig = field(default_factory=BooksConfig)
    fails_at: str | None = None
    gateway: object = field(default_factory=Nowhere)

    @property
    def source(self) -> Books:
        return Books(self.store, self.books.at_invoice, self.books.reporting)

    def services(self) -> Services:
        connection = ConnectionConfig(
            CONNECTION, CONNECTION, {}, ZoneInfo("UTC"), timedelta(minutes=1)
        )
        config = Config(
            folder=Path(),
            file=Path("revline.yaml"),
            environment="test",
            connections={CONNECTION: connection},
            syncs={one.name: one for one in self.syncs},
            receiver=ReceiverConfig(),
            digest="config",
            books=self.books,
        )
        return Services(
            config=config,
            store=self.store,
            gateway=cast("Gateway", self.gateway),
            clock=self.clock,
            ids=TimeIds(self.clock, Random(1)),
            random=Random(1),
            failpoint=self._failpoint,
        )

    def _failpoint(self, point: str) -> None:
        if point == self.fails_at:
            raise Crash

    def keep(self) -> tuple[Endpoint, ...]:
        """Until there is nothing left to do; returns all that had news."""
        found: dict[Endpoint, None] = {}
        while news := keep(self.services()):
            found |= dict.fromkeys(news)
        return tuple(found)

    def at(self, moment: datetime) -> tuple[Endpoint, ...]:
        self.clock.time = moment
        return self.keep()

    def prove(self, id: str, *proved: Fact) -> None:
        """Let a record prove these facts now, as the end of its delivery would."""
        proofs = Proofs(facts={Address("zuora", "any", id): (proved, None)})
        with self.store.write() as tx:
            settle(self.services(), tx, observing(), proofs, self.clock.now())

    def close_month(self, month: int, *, closed: bool = True) -> None:
        first = date(2026, month, 1)
        last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        proofs = Proofs(periods={str(month): PeriodState(first, last, closed)})
        with self.store.write() as tx:
            settle(self.services(), tx, observing(), proofs, self.clock.now())

    def rate(self, id: str, told: Rate | None) -> None:
        """Let a record be this exchange rate now."""
        proofs = Proofs(rates={Address("netsuite", "currencyRate", id): (told, None)})
        with self.store.write() as tx:
            settle(self.services(), tx, observing(), proofs, self.clock.now())

    def lines(self, contract: str = "S-1") -> list[Line]:
        with self.store.read() as tx:
            return books.lines_of(tx, [contract])

    def planned(self, contract: str = "S-1") -> list[tuple[str, str, int, str, bool]]:
        """(posted in, for service in, amount, why, sealed) of a contract's lines."""
        return [
            (one.period.name, one.service.name, one.amount_minor, one.reason.value, bool(one.batch))
            for one in self.lines(contract)
        ]

    def batches(self) -> dict[str, Batch]:
        with self.store.read() as tx:
            return books.batches(tx, books.batch_ids(tx, "", 1000))

    def ledger(self) -> list[Mapping[str, Any]]:
        with self.store.write() as tx:
            return list(ledger.exported(tx))

    def read(self, object: str, *ids: str) -> tuple[Record, ...]:
        return self.source.read(Selection(object, FIELDS), ids)


def ordered(
    amount_minor: int,
    contract: str = "S-1",
    months: tuple[int, int] = (1, 12),
    **more: Any,
) -> Fact:
    """An order for service from the first day of a month of 2026 to the last day of another."""
    first = date(2026, months[0], 1)
    last = date(2026, months[1], 28) + timedelta(days=4)
    fact = Fact(
        FactKind.ORDERED,
        "C-1",
        amount_minor,
        "USD",
        2,
        first,
        contract=contract,
        deal=f"D-{contract}",
        obligation=f"C-{contract}",
        family="subscription",
        entity="1",
        service_from=first,
        service_to=last - timedelta(days=last.day),
    )
    return replace(fact, **more)


def told(kind: FactKind, amount_minor: int, key: str = "1", **more: Any) -> Fact:
    return replace(Fact(kind, key, amount_minor, "USD", 2, date(2026, 1, 1)), **more)


def step(bench: Bench, point: str) -> Callable[[], None]:
    """A round that ends at a crash point, and the next ones that do not."""

    def run() -> None:
        bench.fails_at = point
        try:
            keep(bench.services())
        except Crash:
            bench.fails_at = None
            return
        raise AssertionError(f"{point} was never reached")

    return run
