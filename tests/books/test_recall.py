"""What looking for posted journals costs, and what it waits for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.errors import RetryLater
from connectors.records import Absent, Found, Identity, Lookup, Record, Ref, Selection
from engine.store.batch_names import batch_digest
from tests.books.kit import Bench, mapping, ordered, sync

FEBRUARY = datetime(2026, 2, 3, 12, tzinfo=UTC)
CONTRACTS = 30
JOURNAL = """mapping: journal
source: {object: schedule_lines}
target: {object: journalEntry, identity: externalId}
fields:
  line:
    record:
      items:
        each: = entries
        item: {account: = item.role, debit: = item.debit, credit: = item.credit, memo: = item.memo}
"""


@dataclass
class Erp:
    """A gateway to a ledger that can be looked into."""

    journals: dict[str, Record] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    down: bool = False

    def connector(self, _connection: str) -> Erp:
        return self

    def read(self, _connection: str, call: Callable[[Erp], Any], _operation: str) -> Any:
        if self.down:
            raise RetryLater("away", code="AWAY")
        return call(self)

    def lookup(self, _of: Selection, identities: Sequence[Identity]) -> tuple[Lookup, ...]:
        self.asked += [one.value for one in identities]
        found = [self.journals.get(one.value) for one in identities]
        return tuple(Found(one) if one is not None else Absent() for one in found)


def by_contract(bench: Bench, erp: Erp) -> None:
    """Thirty contracts, a journal for each of them and month."""
    groups = ("period", "contract", "currency")
    bench.syncs = (sync(group_by=groups, mapping=mapping(JOURNAL)),)
    bench.gateway = erp
    for number in range(CONTRACTS):
        contract = f"S-{number:02}"
        bench.prove(contract, ordered(1_200_000, contract))


def test_where_nothing_was_posted_some_of_each_month_are_asked_for(bench: Bench) -> None:
    erp = Erp()
    by_contract(bench, erp)
    bench.at(FEBRUARY)
    assert len(bench.batches()) == CONTRACTS
    assert len(erp.asked) == len(set(erp.asked)) == 2 * 20
    # and never again
    bench.at(FEBRUARY + timedelta(days=28))
    assert len(bench.batches()) == 2 * CONTRACTS
    assert len(erp.asked) == 2 * 20


def test_where_one_was_posted_all_are_asked_for(bench: Bench) -> None:
    erp = Erp()
    by_contract(bench, erp)
    names = {contract: january(bench, contract) for contract in ("S-07", "S-29")}
    for contract, name in names.items():
        entries = (
            {"account": "deferred_revenue", "debit": "1000.00", "memo": f"Revenue {contract}"},
            {"account": "revenue", "credit": "1000.00", "memo": f"Revenue {contract}"},
        )
        erp.journals[name] = Record(Ref("journalEntry", name), {"line": {"items": entries}})
    bench.at(FEBRUARY)
    # then those lines are as posted, and their contracts have no others
    batches = bench.batches().values()
    assert len(batches) == CONTRACTS
    for contract in names:
        lines = [line for batch in batches for line in batch.lines if line.contract == contract]
        assert [(one.service.name, one.amount_minor) for one in lines] == [("2026-01", 100_000)]
    told = [line for line in bench.ledger() if line["operation"] == "recall"]
    assert [(line["outcome"], line["amount"]) for line in told] == [("confirmed", "1000.00")] * 2


def january(bench: Bench, contract: str) -> str:
    """The name of a contract's first journal of January."""
    (one,) = bench.syncs
    keys = {"period": "2026-01", "contract": contract, "currency": "USD"}
    return one.mapping.identity_value("schedule_lines", batch_digest("journals", keys, 1))


def test_nothing_is_sealed_before_the_ledger_answers(bench: Bench) -> None:
    erp = Erp(down=True)
    by_contract(bench, erp)
    bench.at(FEBRUARY)
    assert bench.batches() == {}
    erp.down = False
    bench.keep()
    assert bench.batches() == {}  # not at once: it is left alone for a minute
    bench.at(FEBRUARY + timedelta(minutes=1))
    assert len(bench.batches()) == CONTRACTS


def test_a_sync_that_names_no_journal_is_not_kept_waiting(bench: Bench) -> None:
    erp = Erp(down=True)
    by_contract(bench, erp)
    (one,) = bench.syncs
    bench.syncs = (replace(one, group_by=("contract", "currency")),)
    bench.at(FEBRUARY)
    assert len(bench.batches()) == CONTRACTS
