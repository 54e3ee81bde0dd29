"""Facts: what records prove for the books. Nothing is changed or removed, only superseded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Select, func, select

from engine.model import Address
from engine.money.model import Fact, FactKind
from engine.store.money_tables import book, fact, fact_head
from engine.store.sql import Tx, by_place, chunks, never_before, put_many

_TEXTS: Final = ("contract", "deal", "obligation", "document", "family", "entity")
_KEY: Final = ("connection", "object", "id", "kind", "key")


def settle(
    tx: Tx,
    proofs: Mapping[Address, tuple[Sequence[Fact], datetime | None]],
    kinds: Iterable[FactKind],
    now: datetime,
) -> int:
    """Let records prove what they prove now, of these kinds; returns how many facts are new.

    What a record no longer proves is withdrawn: superseded by an amount of 0. A proof from an older
    version of the record than the last one is left aside. Contracts concerned become dirty.
    """
    wanted = [kind.value for kind in kinds]
    heads = _heads(tx, proofs, wanted)
    rows: list[dict[str, Any]] = []
    touched: set[str] = set()
    documents: set[str] = set()
    for address, (proved, version) in proofs.items():
        before = heads.get(address, {})
        if any(_newer(row.source_version, version) for row in before.values()):
            continue
        named = {(one.kind.value, one.key): _row(one) for one in proved}
        for place, row in before.items():
            named.setdefault(place, {**_again(row), "amount_minor": 0})
        for (kind, key), values in named.items():
            last = before.get((kind, key))
            if last is not None and _again(last) == values:
                continue
            rows.append(
                {
                    **dict(zip(_KEY, (*_place(address), kind, key), strict=True)),
                    **values,
                    "source_version": version,
                    "seen_at": now,
                    "supersedes": last.number if last is not None else None,
                }
            )
            touched |= {one for one in (values["contract"], last and last.contract) if one}
            documents |= {one for one in (values["document"], last and last.document) if one}
    _append(tx, rows)
    # What each contract has of a payment follows what all of them were billed together.
    mark(tx, touched | contracts_of_documents(tx, documents), now)
    return len(rows)


def _append(tx: Tx, rows: Sequence[dict[str, Any]]) -> None:
    for row in rows:
        number = tx.execute(fact.insert().values(row).returning(fact.c.number)).scalar_one()
        head = {name: row[name] for name in (*_KEY, "contract", "document", "deal")}
        put_many(tx, fact_head, [{**head, "number": number}])


def mark(tx: Tx, contracts: Iterable[str], now: datetime) -> None:
    """These contracts' schedules are to be looked at anew."""
    now = never_before(tx, book.c.updated_at, now)
    put_many(
        tx,
        book,
        [
            {"contract": contract, "dirty": True, "updated_at": now}
            for contract in sorted(contracts)
        ],
    )


def of_contract(tx: Tx, contract: str) -> list[tuple[Address, Fact]]:
    """The facts that hold for a contract, those of its documents too, in the order seen."""
    numbers = _heads_of(contract).subquery()
    rows = tx.execute(
        select(fact).join(numbers, numbers.c.number == fact.c.number).order_by(fact.c.number)
    )
    return [(Address(row.connection, row.object, row.id), _fact(row)) for row in rows]


def _heads_of(contract: str) -> Select[tuple[int]]:
    """The numbers of the facts that hold for a contract, those of its documents too."""
    documents = select(fact_head.c.document).where(
        fact_head.c.contract == contract, fact_head.c.document.is_not(None)
    )
    return select(fact_head.c.number).where(
        (fact_head.c.contract == contract)
        | (fact_head.c.contract.is_(None) & fact_head.c.document.in_(documents))
    )


def versions(tx: Tx, contract: str) -> list[tuple[Fact, ...]]:
    """The facts of :func:`of_contract`, each with all it ever was, oldest first; the last holds."""
    heads = _heads_of(contract).cte("heads")
    chain = select(heads.c.number, heads.c.number.label("head")).cte("chain", recursive=True)
    older = select(fact.c.supersedes, chain.c.head).where(
        fact.c.number == chain.c.number, fact.c.supersedes.is_not(None)
    )
    chain = chain.union_all(older)
    rows = tx.execute(
        select(fact, chain.c.head)
        .join(chain, chain.c.number == fact.c.number)
        .order_by(chain.c.head, fact.c.number)
    )
    found: dict[int, list[Fact]] = {}
    for row in rows:
        found.setdefault(row.head, []).append(_fact(row))
    return [tuple(several) for several in found.values()]


def of_documents(tx: Tx, documents: Sequence[str]) -> list[Fact]:
    """The facts that hold for documents, whichever contracts they bill."""
    found: list[Fact] = []
    for part in chunks(sorted(documents)):
        rows = tx.execute(
            select(fact)
            .join(fact_head, fact_head.c.number == fact.c.number)
            .where(fact_head.c.document.in_(part))
            .order_by(fact.c.number)
        )
        found += [_fact(row) for row in rows]
    return found


def deals(tx: Tx, contracts: Sequence[str]) -> dict[str, list[str]]:
    """Contract → the deals under it, sorted."""
    found: dict[str, list[str]] = {}
    for part in chunks(sorted(contracts)):
        rows = tx.execute(
            select(fact_head.c.contract, fact_head.c.deal)
            .where(fact_head.c.contract.in_(part), fact_head.c.deal.is_not(None))
            .distinct()
            .order_by(fact_head.c.contract, fact_head.c.deal)
        )
        for row in rows:
            found.setdefault(row.contract, []).append(row.deal)
    return found


def contracts_of_deals(tx: Tx, names: Sequence[str]) -> dict[str, list[str]]:
    """Deal → the contracts it has part in, sorted."""
    found: dict[str, list[str]] = {}
    for part in chunks(sorted(names)):
        rows = tx.execute(
            select(fact_head.c.contract, fact_head.c.deal)
            .where(fact_head.c.deal.in_(part), fact_head.c.contract.is_not(None))
            .distinct()
            .order_by(fact_head.c.deal, fact_head.c.contract)
        )
        for row in rows:
            found.setdefault(row.deal, []).append(row.contract)
    return found


def totals(tx: Tx) -> list[tuple[FactKind, str, int, int, int]]:
    """(kind, currency, exponent, how many, sum in minor units) of all that holds, sorted."""
    rows = tx.execute(
        select(
            fact.c.kind,
            fact.c.currency,
            fact.c.exponent,
            func.count(),
            func.sum(fact.c.amount_minor),
        )
        .join(fact_head, fact_head.c.number == fact.c.number)
        .where(fact.c.amount_minor != 0)
        .group_by(fact.c.kind, fact.c.currency, fact.c.exponent)
        .order_by(fact.c.kind, fact.c.currency)
    )
    return [(FactKind(row[0]), row[1], int(row[2]), int(row[3]), int(row[4])) for row in rows]


def _heads(
    tx: Tx, addresses: Iterable[Address], kinds: Sequence[str]
) -> dict[Address, dict[tuple[str, str], Any]]:
    found: dict[Address, dict[tuple[str, str], Any]] = {}
    for (connection, object), ids in by_place(addresses).items():
        for part in chunks(ids):
            rows = tx.execute(
                select(fact)
                .join(fact_head, fact_head.c.number == fact.c.number)
                .where(
                    fact_head.c.connection == connection,
                    fact_head.c.object == object,
                    fact_head.c.id.in_(part),
                    fact_head.c.kind.in_(kinds),
                )
            )
            for row in rows:
                own = found.setdefault(Address(connection, object, row.id), {})
                own[row.kind, row.key] = row
    return found


def contracts_of_documents(tx: Tx, documents: Iterable[str]) -> set[str]:
    """The contracts that documents bill."""
    found: set[str] = set()
    for part in chunks(sorted(documents)):
        rows = tx.execute(
            select(fact_head.c.contract)
            .where(fact_head.c.document.in_(part), fact_head.c.contract.is_not(None))
            .distinct()
        )
        found |= {row.contract for row in rows}
    return found


def _place(address: Address) -> tuple[str, str, str]:
    return address.connection, address.object, address.id


def _newer(stored: datetime | None, version: datetime | None) -> bool:
    return stored is not None and version is not None and stored > version


def _row(one: Fact) -> dict[str, Any]:
    return {
        "amount_minor": one.amount_minor,
        "currency": one.currency,
        "exponent": one.exponent,
        "effective_on": one.effective_on.isoformat(),
        "service_from": one.service_from.isoformat() if one.service_from else None,
        "service_to": one.service_to.isoformat() if one.service_to else None,
        **{name: getattr(one, name) for name in _TEXTS},
    }


def _again(row: Any) -> dict[str, Any]:
    names = ("amount_minor", "currency", "exponent", "effective_on", "service_from", "service_to")
    return {name: getattr(row, name) for name in (*names, *_TEXTS)}


def _fact(row: Any) -> Fact:
    return Fact(
        kind=FactKind(row.kind),
        key=row.key,
        amount_minor=int(row.amount_minor),
        currency=row.currency,
        exponent=int(row.exponent),
        effective_on=date.fromisoformat(row.effective_on),
        service_from=date.fromisoformat(row.service_from) if row.service_from else None,
        service_to=date.fromisoformat(row.service_to) if row.service_to else None,
        **{name: getattr(row, name) for name in _TEXTS},
    )
