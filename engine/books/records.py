"""The books as records: batches of lines, contracts and deals with their sums."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from connectors.records import Record, Ref, Value
from engine.books.spec import CONTRACTS, DEALS
from engine.money.calendar import Period
from engine.money.lines import Reason
from engine.money.model import Fact, FactKind
from engine.money.scheduling import COST, REVENUE, earned_at_invoice
from engine.money.summary import Summary, attributed, by_deal, deal_share, summarise
from engine.store import books, facts
from engine.store.books import Batch, Line
from engine.store.sql import Tx

_ROLES: Final[Mapping[str, tuple[str, str]]] = {
    "revenue": ("deferred_revenue", "revenue"),
    "cost": ("cost_of_sales", "deferred_cost"),
}
_SUMS: Final = {
    FactKind.ORDERED: "ordered",
    FactKind.BILLED: "billed",
    FactKind.TAX: "tax",
    FactKind.CREDITED: "credited",
    FactKind.CREDITED_TAX: "credited_tax",
    FactKind.CORRECTED: "corrected",
    FactKind.PAID: "paid",
    FactKind.REFUNDED: "refunded",
    FactKind.DISPUTED: "disputed",
    FactKind.CHARGED_BACK: "charged_back",
    FactKind.WRITTEN_OFF: "written_off",
}
_MEMO: Final = {
    Reason.RELEASE: "",
    Reason.LATE: ", service period {service}",
    Reason.REVERSAL: ", reversal for service period {service}",
    Reason.RESTATED: ", restated for service period {service}",
}


def amount(minor: int, exponent: int) -> Decimal:
    """Minor units as an amount in major units, with the currency's places."""
    return Decimal(minor).scaleb(-exponent)


def batch_record(object: str, batch: Batch) -> Record:
    """A batch as the journal it becomes: the grouping, the sums, and an entry per side and line."""
    period = Period(batch.keys.get("period", "") or max(line.period.name for line in batch.lines))
    exponent = batch.lines[0].exponent if batch.lines else 2
    total = sum(abs(line.amount_minor) for line in batch.lines)
    fields: dict[str, Value] = {
        **{name: value or None for name, value in batch.keys.items()},
        "id": batch.id,
        "number": batch.number,
        "period": period.name,
        "period_first": period.first,
        "period_last": period.last,
        "total": amount(total, exponent),
        "sealed_at": batch.sealed_at,
        "entries": tuple(entry for line in batch.lines for entry in _entries(line)),
    }
    return Record(Ref(object, batch.id), fields, version=batch.sealed_at)


def _entries(line: Line) -> tuple[Mapping[str, Value], ...]:
    debited, credited = _ROLES[line.kind]
    if line.amount_minor < 0:
        debited, credited = credited, debited
    value = amount(abs(line.amount_minor), line.exponent)
    what = "Cost of sales" if line.kind == COST else "Revenue"
    memo = f"{what} {line.contract}" + _MEMO[line.reason].format(service=line.service.name)
    common: dict[str, Value] = {
        "contract": line.contract,
        "family": line.family,
        "service": line.service.name,
        "reason": line.reason.value,
        "memo": memo,
    }
    return (
        {**common, "role": debited, "debit": value, "credit": None},
        {**common, "role": credited, "debit": None, "credit": value},
    )


def contract_records(
    tx: Tx, names: Sequence[str], at_invoice: Collection[str] = ()
) -> dict[str, Record]:
    """Contracts by name; unknown ones are left out.

    ``at_invoice`` are the families whose revenue is earned when it is billed.
    """
    at = books.changed_at(tx, names)
    found = {}
    for name, changed_at in at.items():
        own = _facts(tx, name)
        if own:
            recognised = _recognised(tx, name, _currency(own)) + _at_once(own, at_invoice)
            found[name] = _sums(CONTRACTS, name, own, recognised, name, changed_at)
    return found


def deal_records(
    tx: Tx, names: Sequence[str], at_invoice: Collection[str] = ()
) -> dict[str, Record]:
    """Deals by id; unknown ones are left out. What is earned follows the deal's part of orders."""
    contracts = facts.contracts_of_deals(tx, names)
    at = books.changed_at(tx, sorted({one for several in contracts.values() for one in several}))
    found = {}
    for name, own_contracts in contracts.items():
        every = {contract: _facts(tx, contract) for contract in own_contracts}
        own = [fact for some in every.values() for fact in by_deal(some).get(name, ())]
        currency = _currency(own)
        recognised = sum(
            deal_share(
                _recognised(tx, contract, currency),
                _scheduled(some, currency, at_invoice),
                name,
            )
            for contract, some in every.items()
        )
        recognised += _at_once(own, at_invoice)
        changed_at = max((at[one] for one in own_contracts if one in at), default=None)
        if own and changed_at is not None:
            found[name] = _sums(DEALS, name, own, recognised, own_contracts[0], changed_at)
    return found


def _currency(own: Sequence[Fact]) -> str:
    """The currency that counts: of the first amount that holds."""
    found = next((fact for fact in own if fact.amount_minor), own[0] if own else None)
    return found.currency if found else ""


def _at_once(own: Sequence[Fact], at_invoice: Collection[str]) -> int:
    """What was earned with its invoice, in the currency that counts."""
    currency = _currency(own)
    return earned_at_invoice([fact for fact in own if fact.currency == currency], at_invoice)


def _scheduled(some: Sequence[Fact], currency: str, at_invoice: Collection[str]) -> list[Fact]:
    """The facts of a contract in a currency whose revenue schedules earn."""
    return [fact for fact in some if fact.currency == currency and fact.family not in at_invoice]


def _recognised(tx: Tx, contract: str, currency: str) -> int:
    """What was handed over to be posted as revenue in a currency."""
    lines = books.lines_of(tx, [contract])
    return sum(
        one.amount_minor
        for one in lines
        if one.batch and one.kind == REVENUE and one.currency == currency
    )


def _facts(tx: Tx, contract: str) -> tuple[Fact, ...]:
    own = [fact for _address, fact in facts.of_contract(tx, contract)]
    documents = sorted({fact.document for fact in own if fact.document})
    return attributed(own, facts.of_documents(tx, documents), contract)


def _sums(
    object: str,
    name: str,
    own: Sequence[Fact],
    recognised: int,
    contract: str,
    changed_at: datetime,
) -> Record:
    first = next(fact for fact in own if fact.currency == _currency(own))
    summary = summarise(own, first.currency, first.exponent)
    fields: dict[str, Value] = {
        "id": name,
        "contract": contract,
        "currency": first.currency,
        "entity": next((fact.entity for fact in own if fact.entity), None),
        **{word: amount(summary.of(kind), first.exponent) for kind, word in _SUMS.items()},
        "recognised": amount(recognised, first.exponent),
        "deferred": amount(_deferred(summary, recognised), first.exponent),
        "open": amount(summary.open_minor, first.exponent),
        "status": summary.status.value,
        "first_billed_on": summary.first_billed_on,
        "last_paid_on": summary.last_paid_on,
        "updated_at": changed_at,
    }
    return Record(Ref(object, name), fields, version=changed_at)


def _deferred(summary: Summary, recognised: int) -> int:
    """Billed less credited, ex tax, and not recognised yet; negative: earned before billing."""
    taken = summary.of(FactKind.CREDITED) + summary.of(FactKind.CORRECTED)
    return summary.of(FactKind.BILLED) - taken - recognised
