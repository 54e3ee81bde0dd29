"""The books as records: batches of lines, contracts and deals with their sums."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from connectors.records import Record, Ref, Value
from engine.books.amounts import SUMS, amount, scheduled
from engine.books.reported import Reports
from engine.books.spec import CONTRACTS, DEALS
from engine.money.calendar import Period
from engine.money.lines import Reason
from engine.money.model import Fact, FactKind
from engine.money.reporting import Reporting
from engine.money.scheduling import COST, REVENUE, earned_at_invoice
from engine.money.summary import Summary, attributed, by_deal, deal_share, summarise
from engine.store import books, facts
from engine.store.books import Batch, Line
from engine.store.sql import Tx

_ROLES: Final[Mapping[str, tuple[str, str]]] = {
    "revenue": ("deferred_revenue", "revenue"),
    "cost": ("cost_of_sales", "deferred_cost"),
}
_MEMO: Final = {
    Reason.RELEASE: "",
    Reason.LATE: ", service period {service}",
    Reason.REVERSAL: ", reversal for service period {service}",
    Reason.RESTATED: ", restated for service period {service}",
}


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
    tx: Tx,
    names: Sequence[str],
    at_invoice: Collection[str] = (),
    reporting: Reporting | None = None,
) -> dict[str, Record]:
    """Contracts by name; unknown ones are left out.

    ``at_invoice`` are the families whose revenue is earned when it is billed.
    """
    at = books.changed_at(tx, names)
    reports = Reports(tx, reporting, at_invoice) if reporting else None
    found = {}
    for name, changed_at in at.items():
        own = Own.read(tx, name)
        if own.facts:
            recognised = own.recognised(_currency(own.facts)) + _at_once(own.facts, at_invoice)
            record = _sums(CONTRACTS, name, own.facts, recognised, name, changed_at)
            if reports is not None:
                parts = reports.recognised(own.lines).values()
                record = _with(record, reports.fields(own.shown(reports), parts))
            found[name] = record
    return found


def deal_records(
    tx: Tx,
    names: Sequence[str],
    at_invoice: Collection[str] = (),
    reporting: Reporting | None = None,
) -> dict[str, Record]:
    """Deals by id; unknown ones are left out. What is earned follows the deal's part of orders."""
    contracts = facts.contracts_of_deals(tx, names)
    at = books.changed_at(tx, sorted({one for several in contracts.values() for one in several}))
    reports = Reports(tx, reporting, at_invoice) if reporting else None
    found = {}
    for name, own_contracts in contracts.items():
        every = {contract: Own.read(tx, contract) for contract in own_contracts}
        own = [fact for some in every.values() for fact in by_deal(some.facts).get(name, ())]
        currency = _currency(own)
        recognised = sum(
            deal_share(some.recognised(currency), scheduled(some.facts, currency, at_invoice), name)
            for some in every.values()
        )
        recognised += _at_once(own, at_invoice)
        changed_at = max((at[one] for one in own_contracts if one in at), default=None)
        if own and changed_at is not None:
            record = _sums(DEALS, name, own, recognised, own_contracts[0], changed_at)
            if reports is not None:
                record = _with(record, _deal_reported(reports, every.values(), name))
            found[name] = record
    return found


def _deal_reported(reports: Reports, every: Iterable[Own], deal: str) -> dict[str, Value]:
    shown: list[Fact] = []
    parts: list[int | None] = []
    for own in every:
        shown += by_deal(own.facts, own.shown(reports)).get(deal, ())
        parts.append(reports.share(own.lines, own.facts, deal))
    return reports.fields(shown, parts)


def _with(record: Record, more: Mapping[str, Value]) -> Record:
    return replace(record, fields={**record.fields, **more})


@dataclass(frozen=True, slots=True)
class Own:
    """What the books hold of a contract. ``facts`` has its share of what it has in common."""

    contract: str
    told: tuple[Fact, ...]
    of_documents: tuple[Fact, ...]
    facts: tuple[Fact, ...]
    lines: tuple[Line, ...]

    @classmethod
    def read(cls, tx: Tx, contract: str) -> Own:
        """Everything that holds now."""
        told = tuple(fact for _address, fact in facts.of_contract(tx, contract))
        documents = sorted({fact.document for fact in told if fact.document})
        common = tuple(facts.of_documents(tx, documents))
        lines = tuple(books.lines_of(tx, [contract]))
        return cls(contract, told, common, attributed(told, common, contract), lines)

    def recognised(self, currency: str) -> int:
        """What was handed over to be posted as revenue in a currency."""
        return sum(
            one.amount_minor
            for one in self.lines
            if one.batch and one.kind == REVENUE and one.currency == currency
        )

    def shown(self, reports: Reports) -> tuple[Fact, ...]:
        """``facts`` in the report currency, in their order."""
        return reports.facts(self.told, self.of_documents, self.contract)


def _currency(own: Sequence[Fact]) -> str:
    """The currency that counts: of the first amount that holds."""
    found = next((fact for fact in own if fact.amount_minor), own[0] if own else None)
    return found.currency if found else ""


def _at_once(own: Sequence[Fact], at_invoice: Collection[str]) -> int:
    """What was earned with its invoice, in the currency that counts."""
    currency = _currency(own)
    return earned_at_invoice([fact for fact in own if fact.currency == currency], at_invoice)


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
        **{word: amount(summary.of(kind), first.exponent) for kind, word in SUMS.items()},
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
