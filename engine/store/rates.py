"""Exchange rates: what was told of each day, and which contracts lack one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import and_, delete, select, update

from engine.model import Address
from engine.money.model import Rate
from engine.money.reporting import Reporting
from engine.store import facts
from engine.store.money_tables import (
    HOLDS,
    SEALED_LINE,
    exchange_rate,
    fact,
    rate_lacking,
    schedule_line,
)
from engine.store.sql import Tx, by_place, chunks, insert_many


class Lack(NamedTuple):
    """A day for which no rate is known of one currency in another."""

    from_currency: str
    to_currency: str
    effective_on: date


def see(
    tx: Tx, seen: Mapping[Address, tuple[Rate | None, datetime | None]], now: datetime
) -> list[Rate]:
    """Let records tell these rates from now on, or none; returns the rates that came or went.

    With each comes the version its record was read in; an older one than the last is left aside.
    """
    before = _held(tx, seen)
    turned: list[Rate] = []
    gone: list[int] = []
    rows: list[dict[str, Any]] = []
    for address, (rate, version) in seen.items():
        row = before.get(address)
        last = _rate(row) if row is not None else None
        late = row is not None and version is not None and (row.source_version or version) > version
        if rate == last or late:
            continue
        turned += [one for one in (last, rate) if one is not None]
        if row is not None:
            gone.append(row.number)
        if rate is not None:
            rows.append(_row(address, rate, version, now))
    for part in chunks(gone):
        tx.execute(
            update(exchange_rate).where(exchange_rate.c.number.in_(part)).values(holds=False)
        )
    insert_many(tx, exchange_rate, rows)
    return turned


def _held(tx: Tx, addresses: Iterable[Address]) -> dict[Address, Any]:
    found: dict[Address, Any] = {}
    for (connection, object), ids in by_place(addresses).items():
        for part in chunks(ids):
            rows = tx.execute(
                select(exchange_rate).where(
                    HOLDS,
                    exchange_rate.c.connection == connection,
                    exchange_rate.c.object == object,
                    exchange_rate.c.id.in_(part),
                )
            )
            found |= {Address(connection, object, row.id): row for row in rows}
    return found


class Rates:
    """The rates into the report currency, as they are known in one transaction."""

    def __init__(self, tx: Tx, reporting: Reporting) -> None:
        self._tx = tx
        self._to = reporting.currency
        self._span = timedelta(days=reporting.rate_max_days)
        self._found: dict[tuple[str, date], Decimal | None] = {}

    def of(self, currency: str, day: date) -> Decimal | None:
        """The latest rate on or before a day that still serves; ``None`` without one.

        Of two of one day, the one that was told last.
        """
        key = currency, day
        if key not in self._found:
            found = self._read(currency, day - self._span, day)
            self._found[key] = None if found is None else Decimal(found)
        return self._found[key]

    def _read(self, currency: str, first: date, last: date) -> str | None:
        table = exchange_rate.c
        found: str | None = self._tx.execute(
            select(table.rate)
            .where(
                HOLDS,
                table.to_currency == self._to,
                table.from_currency == currency,
                table.effective_on.between(first.isoformat(), last.isoformat()),
            )
            .order_by(table.effective_on.desc(), table.number.desc())
            .limit(1)
        ).scalar()
        return found


def concerned(tx: Tx, rates: Iterable[Rate], reporting: Reporting) -> set[str]:
    """The contracts with amounts that some rates may convert, or that once had some."""
    days: dict[str, list[date]] = {}
    for rate in rates:
        if rate.to_currency == reporting.currency:
            days.setdefault(rate.from_currency, []).append(rate.effective_on)
    found: set[str] = set()
    for currency, several in sorted(days.items()):
        last = max(several) + timedelta(days=reporting.rate_max_days)
        found |= _with_amounts(tx, currency, min(several), last)
    return found


def _with_amounts(tx: Tx, currency: str, first: date, last: date) -> set[str]:
    own = and_(
        fact.c.currency == currency,
        fact.c.effective_on.between(first.isoformat(), last.isoformat()),
    )
    contracts = select(fact.c.contract).where(own, fact.c.contract.is_not(None))
    documents = select(fact.c.document).where(
        own, fact.c.contract.is_(None), fact.c.document.is_not(None)
    )
    lines = select(schedule_line.c.contract).where(
        schedule_line.c.currency == currency,
        SEALED_LINE,
        schedule_line.c.period.between(first.isoformat()[:7], last.isoformat()[:7]),
    )
    common = facts.contracts_of_documents(tx, tx.execute(documents.distinct()).scalars())
    told = tx.execute(contracts.distinct()).scalars()
    return {*told, *common, *tx.execute(lines.distinct()).scalars()}


def settle_lacking(
    tx: Tx, contract: str, wanted: set[Lack]
) -> tuple[tuple[Lack, ...], tuple[Lack, ...]]:
    """Note what a contract lacks now; returns what is lacking anew, and what none lacks any more.

    Both in the order of currencies and days.
    """
    table = rate_lacking.c
    rows = tx.execute(select(rate_lacking).where(table.contract == contract))
    before = {
        Lack(row.from_currency, row.to_currency, date.fromisoformat(row.effective_on))
        for row in rows
    }
    new, gone = sorted(wanted - before), sorted(before - wanted)
    fresh = tuple(one for one in new if not lacks(tx, one))
    insert_many(tx, rate_lacking, [{"contract": contract, **_lack_row(one)} for one in new])
    for one in gone:
        tx.execute(delete(rate_lacking).where(table.contract == contract, _same(one)))
    return fresh, tuple(one for one in gone if not lacks(tx, one))


def lacks(tx: Tx, one: Lack) -> bool:
    """Whether any contract lacks a rate of a day."""
    found = select(rate_lacking.c.contract).where(_same(one)).limit(1)
    return tx.execute(found).first() is not None


def _same(one: Lack) -> Any:
    return and_(*(rate_lacking.c[name] == value for name, value in _lack_row(one).items()))


def _lack_row(one: Lack) -> dict[str, str]:
    return {**one._asdict(), "effective_on": one.effective_on.isoformat()}


def _row(address: Address, rate: Rate, version: datetime | None, now: datetime) -> dict[str, Any]:
    return {
        "connection": address.connection,
        "object": address.object,
        "id": address.id,
        "from_currency": rate.from_currency,
        "to_currency": rate.to_currency,
        "rate": str(rate.rate),
        "effective_on": rate.effective_on.isoformat(),
        "source_version": version,
        "seen_at": now,
        "holds": True,
    }


def _rate(row: Any) -> Rate:
    effective_on = date.fromisoformat(row.effective_on)
    return Rate(row.from_currency, row.to_currency, Decimal(row.rate), effective_on)
