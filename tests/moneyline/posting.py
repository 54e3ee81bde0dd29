"""What was posted, as NetSuite has it: by contract, by the month posted and the month served."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

CURRENCIES = {"1": "USD", "2": "GBP", "3": "EUR", "4": "JPY", "5": "KWD"}
DEFERRED_ACCOUNT = "230"
REVENUE_ACCOUNTS = ("401", "402", "403")
HARDWARE_ACCOUNT = "404"
"""What NetSuite books with the invoice, and never defers."""
_SERVICE = re.compile(r"service period (\d{4}-\d\d)")


class Systems(Protocol):
    """Whatever shows what the systems hold."""

    def records(self, system: str, object: str) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """One revenue line of a journal; a debit of revenue is negative."""

    journal: str
    period: str
    service: str
    entity: str
    currency: str
    contract: str
    account: str
    amount: Decimal
    memo: str


def entries(line: Systems) -> list[Entry]:
    """Every revenue line posted, journals checked for balance."""
    found = [
        entry
        for id, row in sorted(line.records("netsuite", "journalEntry").items())
        for entry in _entries(id, row)
    ]
    return [entry for entry in found if entry.account in REVENUE_ACCOUNTS]


def _entries(id: str, row: dict[str, Any]) -> Iterator[Entry]:
    lines = row["line"]
    debits = sum(Decimal(one.get("debit") or 0) for one in lines)
    assert debits == sum(Decimal(one.get("credit") or 0) for one in lines), id
    for one in lines:
        memo = one.get("memo") or ""
        service = _SERVICE.search(memo)
        yield Entry(
            journal=id,
            period=row["tranDate"][:7],
            service=service[1] if service else row["tranDate"][:7],
            entity=str(row["subsidiary"]),
            currency=CURRENCIES[str(row["currency"])],
            contract=contract_of(one),
            account=str(one["account"]),
            amount=Decimal(one.get("credit") or 0) - Decimal(one.get("debit") or 0),
            memo=memo,
        )


def contract_of(entry: Mapping[str, Any]) -> str:
    """The contract that an entry of a revenue journal speaks of."""
    return str(entry.get("memo") or "").split(",")[0].rpartition(" ")[2]


def deferred(line: Systems) -> Iterator[tuple[str, str, Decimal]]:
    """(company, currency, amount) that journals have put into deferred revenue, entry by entry."""
    for row in line.records("netsuite", "journalEntry").values():
        for one in row["line"]:
            if str(one["account"]) == DEFERRED_ACCOUNT:
                amount = Decimal(one.get("credit") or 0) - Decimal(one.get("debit") or 0)
                yield str(row["subsidiary"]), CURRENCIES[str(row["currency"])], amount


def by_service(line: Systems, contract: str | None = None) -> dict[str, Decimal]:
    """Revenue by the month it was served in, in order."""
    sums: Counter[str] = Counter()
    for entry in entries(line):
        if contract in (None, entry.contract):
            sums[entry.service] += entry.amount  # type: ignore[assignment]
    return {month: Decimal(amount) for month, amount in sorted(sums.items())}


def by_period(line: Systems, contract: str | None = None) -> dict[str, Decimal]:
    """Revenue by the month it was posted in, in order."""
    sums: Counter[str] = Counter()
    for entry in entries(line):
        if contract in (None, entry.contract):
            sums[entry.period] += entry.amount  # type: ignore[assignment]
    return {month: Decimal(amount) for month, amount in sorted(sums.items())}
